"""The register of oddities: what an oddity is, and how it gets its name; holds none itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reimage_conformance.emulator.company import Company
    from reimage_conformance.emulator.departures import Change


@dataclass(frozen=True, slots=True)
class Oddity:
    """One named way to be unusual and still conform.

    A `lenient_only` one conforms only under lenient strictness; `advisories` names the requirements of which a suite
    may advise against it; a `server_only` one shows only where there are sockets, as one does that treats `company` in a way of its own.
    """

    name: str
    summary: str
    changes: tuple[Change, ...]
    lenient_only: bool = False
    server_only: bool = False
    advisories: tuple[str, ...] = ()
    company: Company | None = None


ODDITIES: dict[str, Oddity] = {}
"""Every oddity by its name."""


def oddity(
    name: str,
    summary: str,
    *changes: Change,
    lenient_only: bool = False,
    server_only: bool = False,
    advisories: tuple[str, ...] = (),
    company: Company | None = None,
) -> None:
    """Registers an oddity."""
    if name in ODDITIES:
        raise ValueError(f"two oddities are called {name!r}")
    server_only = server_only or company is not None
    ODDITIES[name] = Oddity(name, summary, changes, lenient_only, server_only, advisories, company)
