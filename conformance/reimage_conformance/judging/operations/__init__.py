"""Checks of operations: single polls, their documents, and their order in time."""
