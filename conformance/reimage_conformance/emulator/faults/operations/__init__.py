"""Faults in operations: polls, their documents, their course over time, and which of them can be asked about."""
