"""Preflight: checks whether a target file and its endpoint are ready for a run.

It sends only GETs and reimages nothing.
"""

from reimage_conformance.preflight.command import look_before_run, preflight, reach

__all__ = ["look_before_run", "preflight", "reach"]
