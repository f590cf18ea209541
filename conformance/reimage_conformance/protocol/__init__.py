"""The protocol as values: request targets, requests, documents; no sockets, no verdicts."""
