"""Explaining a requirement: all that the catalogue, the cases, the faults and the emulator know about it, as one value; sends nothing."""

from reimage_conformance.explain.explanation import Explanation, explanation

__all__ = ["Explanation", "explanation"]
