"""Faults in transport: reading and framing messages, connections, and XML."""
