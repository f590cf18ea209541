"""The oddities of the emulator: named, combinable ways to be unusual and still conform."""

from __future__ import annotations

from reimage_conformance.emulator.departures import named
from reimage_conformance.emulator.oddities import company, courses, historical, markup, refusals, transport  # noqa: F401 - they register themselves
from reimage_conformance.emulator.oddities.registry import ODDITIES, Oddity

__all__ = ["ODDITIES", "Oddity", "find_oddity"]


def find_oddity(name: str) -> Oddity:
    """The oddity called `name`; raises UsageError, with a suggestion, when there is none."""
    if name not in ODDITIES:
        raise named("oddity", name, ODDITIES)
    return ODDITIES[name]
