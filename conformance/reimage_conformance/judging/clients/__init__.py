"""Checks of a client by what it sent: single requests, polls of operations, and what came after a refusal."""
