"""Gaps: faults of the emulator that the suite does not put first, and why; what `docs/detection.md` tells in numbers."""

from __future__ import annotations

GAPS: dict[str, str] = {}
"""Faults that are missed, or named after something else, with the reason; a fault that is first does not belong here."""
