"""Preflight: whether a target file and its endpoint are ready for a run; asks questions, reimages nothing."""

from conformance.preflight.command import preflight

__all__ = ["preflight"]
