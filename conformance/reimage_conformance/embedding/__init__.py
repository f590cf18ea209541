"""The emulator joined to the wire: in memory, and with a world that a file describes."""
