"""Oddities of transport: HTTP messages, connections and XML."""
