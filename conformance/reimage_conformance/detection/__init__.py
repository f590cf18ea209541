"""Detection: what the suite finds in emulators that are wrong in one way, or unusual in several, each in a process of its own."""
