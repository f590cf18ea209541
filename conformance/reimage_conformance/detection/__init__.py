"""Detection: what the suite finds in emulators with one fault or with several oddities, each in a process of its own."""
