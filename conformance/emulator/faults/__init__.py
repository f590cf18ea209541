"""The faults of the emulator: hundreds of named ways to break one requirement each, by area."""

from __future__ import annotations

from conformance.emulator.departures import named
from conformance.emulator.faults import (  # noqa: F401 - they register their faults
    acceptance,
    access,
    asking,
    comp,
    conflicts,
    connections,
    documents,
    entity,
    errors,
    forms,
    framing,
    guests,
    lengths,
    lifecycle,
    listing,
    markup,
    names,
    observing,
    polls,
    requests,
    responses,
    results,
    succession,
    tracking,
    verbs,
    versions,
)
from conformance.emulator.faults.registry import FAULTS, Fault

__all__ = ["FAULTS", "Fault", "find_fault"]


def find_fault(name: str) -> Fault:
    """The fault called `name`; raises UsageError, with a suggestion, when there is none."""
    if name not in FAULTS:
        raise named("fault", name, FAULTS)
    return FAULTS[name]
