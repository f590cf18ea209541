"""Faults in the answers that refuse: status, code and document, and which methods are allowed."""
