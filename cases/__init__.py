"""The conformance cases, one module for each chapter of the protocol, in its order."""
