"""The registry of oddities: what an oddity is and how it is registered; holds none itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reimage_conformance.emulator.departures import Change
    from reimage_conformance.emulator.simultaneous import Simultaneous


@dataclass(frozen=True, slots=True)
class Oddity:
    """One named way to be unusual and still conform.

    A `lenient_only` one conforms only under lenient strictness. `advisories` names requirements for which a suite may
    give an advisory. A `server_only` one shows only over sockets, as does one that sets `simultaneous`.
    """

    name: str
    summary: str
    changes: tuple[Change, ...]
    lenient_only: bool = False
    server_only: bool = False
    advisories: tuple[str, ...] = ()
    simultaneous: Simultaneous | None = None


ODDITIES: dict[str, Oddity] = {}
"""Every oddity by its name."""


def oddity(
    name: str,
    summary: str,
    *changes: Change,
    lenient_only: bool = False,
    server_only: bool = False,
    advisories: tuple[str, ...] = (),
    simultaneous: Simultaneous | None = None,
) -> None:
    """Registers an oddity."""
    if name in ODDITIES:
        raise ValueError(f"two oddities are called {name!r}")
    server_only = server_only or simultaneous is not None
    ODDITIES[name] = Oddity(name, summary, changes, lenient_only, server_only, advisories, simultaneous)
