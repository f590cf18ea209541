"""Gaps: faults of the emulator that are not the first finding of a run, and why; `docs/detection.md` counts them."""

from __future__ import annotations

GAPS: dict[str, str] = {}
"""Faults that are missed, or found behind another finding, each with the reason; a fault that is found first does not belong here."""
