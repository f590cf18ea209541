"""The library of reimage-conformance: judges endpoints of Reimage Role Instance; see docs/architecture.md for its rooms."""

__version__ = "0.1.0"
