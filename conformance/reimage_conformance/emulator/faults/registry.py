"""The registry of faults: what a fault is and how it is registered; holds none itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reimage_conformance.emulator.departures import Change
    from reimage_conformance.emulator.needs import Need


@dataclass(frozen=True, slots=True)
class Fault:
    """One named way to be wrong: the requirement that it breaks, a sentence on how, and the changes that cause it.

    `also` names requirements that may be blamed for it as well. `needs` says what a world must hold for the fault to
    show.
    """

    name: str
    requirement: str
    summary: str
    changes: tuple[Change, ...]
    also: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ()

    @property
    def family(self) -> str:
        """The part of the name that faults with the same mistake in other places share."""
        return self.name.partition("[")[0]


FAULTS: dict[str, Fault] = {}
"""Every fault by its name."""


def fault(
    name: str,
    requirement: str,
    summary: str,
    *changes: Change,
    also: tuple[str, ...] = (),
    needs: tuple[Need, ...] = (),
) -> None:
    """Registers a fault."""
    if name in FAULTS:
        raise ValueError(f"two faults are called {name!r}")
    if not changes:
        raise ValueError(f"fault {name!r} changes nothing")
    FAULTS[name] = Fault(name, requirement, summary, changes, also, needs)
