"""The commands of the front door, one module for each kind; each parses its options and hands on to the library."""
