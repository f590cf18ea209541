"""Checks of transport: single answers, the framing of responses, and what holds for every message."""
