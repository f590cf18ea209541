"""The oddities of the emulator: named, combinable ways to be unusual and still conform."""

# ruff: noqa: F401, I001  the modules register their oddities when they are imported

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.emulator.departures import unknown_name
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
from reimage_conformance.emulator.oddities.concurrency import locks, refusals, limits

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ODDITIES", "Oddity", "find_oddity", "only_lenient"]


def find_oddity(name: str) -> Oddity:
    """The oddity called `name`; raises UsageError, with a suggestion, when there is none."""
    if name not in ODDITIES:
        raise unknown_name("oddity", name, ODDITIES)
    return ODDITIES[name]


def only_lenient(names: Iterable[str]) -> bool:
    """Whether an endpoint with these oddities conforms under lenient strictness alone."""
    return any(find_oddity(name).lenient_only for name in names)
