"""Faults in operations: polls, the documents that answer them, the course of operations, and which of them are found."""
