"""The registry of oddities: what an oddity is and how it is registered; holds none itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reimage_conformance.emulator.departures import Change
    from reimage_conformance.emulator.simultaneous import SimultaneousHandling


@dataclass(frozen=True, slots=True)
class Oddity:
    """One named way to be unusual and still conform.

    `lenient_only` says that it conforms only under lenient strictness, `server_only` that it shows only over sockets. `advisories` names
    the requirements about which a suite may advise because of it. `unjudged` is a text in every reason that a suite may give for not judging a
    requirement because of it, "" where it can judge all. `simultaneous` says how the server then handles requests that come at the
    same time.
    """

    name: str
    summary: str
    changes: tuple[Change, ...]
    lenient_only: bool = False
    server_only: bool = False
    advisories: tuple[str, ...] = ()
    simultaneous: SimultaneousHandling | None = None
    unjudged: str = ""


ODDITIES: dict[str, Oddity] = {}
"""Every oddity by its name."""


def oddity(
    name: str,
    summary: str,
    *changes: Change,
    lenient_only: bool = False,
    server_only: bool = False,
    advisories: tuple[str, ...] = (),
    simultaneous: SimultaneousHandling | None = None,
    unjudged: str = "",
) -> None:
    """Registers an oddity with the fields of `Oddity`; one with `simultaneous` is `server_only`. Raises ValueError for a name that is taken."""
    if name in ODDITIES:
        raise ValueError(f"two oddities are called {name!r}")
    server_only = server_only or simultaneous is not None
    ODDITIES[name] = Oddity(name, summary, changes, lenient_only, server_only, advisories, simultaneous, unjudged)
