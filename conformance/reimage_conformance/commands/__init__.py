"""The commands of the command line, one module for each kind; each parses its options and hands on to the library."""
