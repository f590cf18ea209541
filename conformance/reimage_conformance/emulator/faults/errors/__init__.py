"""Faults in refusals: status, code and document, and which methods are allowed."""
