"""The faults of the emulator: hundreds of named ways to break a requirement, by chapter."""

# ruff: noqa: F401, I001  the modules register their faults when they are imported

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.emulator.departures import unknown_name
from reimage_conformance.emulator.faults.registry import FAULTS, Fault
from reimage_conformance.emulator.needs import lacking
from reimage_conformance.errors import UsageError

# In the order of the chapters, in which they register their faults.
from reimage_conformance.emulator.faults.addresses import comp, forms, names
from reimage_conformance.emulator.faults import request, response
from reimage_conformance.emulator.faults.operations import (
    asking,
    documents,
    lifecycle,
    polls,
    results,
    succession,
    tracking,
)
from reimage_conformance.emulator.faults import versions
from reimage_conformance.emulator.faults.errors import refusals, verbs
from reimage_conformance.emulator.faults import authentication
from reimage_conformance.emulator.faults.deployments import listing, observing
from reimage_conformance.emulator.faults import instances
from reimage_conformance.emulator.faults.transport import connections, framing, lengths, markup, requests, responses
from reimage_conformance.emulator.faults import concurrency

if TYPE_CHECKING:
    from reimage_conformance.emulator.layouts import Layout

__all__ = ["FAULTS", "Fault", "check_can_show", "find_fault"]


def find_fault(name: str) -> Fault:
    """The fault called `name`; raises UsageError, with a suggestion, when there is none."""
    if name not in FAULTS:
        raise unknown_name("fault", name, FAULTS)
    return FAULTS[name]


def check_can_show(fault: Fault, layout: Layout) -> None:
    """Raises UsageError where `fault` cannot show in the world of `layout`."""
    if lacks := lacking(layout, fault.needs):
        raise UsageError(
            f"fault {fault.name!r} shows only where there is {' and '.join(lacks)}; choose another --world"
        )
