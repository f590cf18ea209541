"""The oddities of the emulator: named, combinable ways to be unusual and still conform."""

# ruff: noqa: F401, I001  the modules register their oddities when they are imported

from __future__ import annotations

from reimage_conformance.emulator.departures import named
from reimage_conformance.emulator.oddities.registry import ODDITIES, Oddity

# In the order of the chapters, in which they register their oddities.
from reimage_conformance.emulator.oddities import (
    addresses,
    request,
    response,
    operations,
    versions,
    errors,
    authentication,
)
from reimage_conformance.emulator.oddities import deployments, instances
from reimage_conformance.emulator.oddities.transport import markup, messages
from reimage_conformance.emulator.oddities import concurrency

__all__ = ["ODDITIES", "Oddity", "find_oddity"]


def find_oddity(name: str) -> Oddity:
    """The oddity called `name`; raises UsageError, with a suggestion, when there is none."""
    if name not in ODDITIES:
        raise named("oddity", name, ODDITIES)
    return ODDITIES[name]
