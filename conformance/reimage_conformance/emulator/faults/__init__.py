"""The faults of the emulator: hundreds of named ways to break one requirement each, by area."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.emulator.departures import named
from reimage_conformance.emulator.faults import (  # noqa: F401 - they register their faults
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
from reimage_conformance.emulator.faults.registry import FAULTS, Fault
from reimage_conformance.emulator.needs import lacking
from reimage_conformance.errors import UsageError

if TYPE_CHECKING:
    from reimage_conformance.emulator.layouts import Layout

__all__ = ["FAULTS", "Fault", "find_fault", "refuse_without_place"]


def find_fault(name: str) -> Fault:
    """The fault called `name`; raises UsageError, with a suggestion, when there is none."""
    if name not in FAULTS:
        raise named("fault", name, FAULTS)
    return FAULTS[name]


def refuse_without_place(fault: Fault, layout: Layout) -> None:
    """Raises UsageError when the world of `layout` holds nothing in which `fault` could show."""
    if lacks := lacking(layout, fault.needs):
        raise UsageError(
            f"fault {fault.name!r} shows only where there is {' and '.join(lacks)}; choose another --world"
        )
