"""Recorded traffic as values: exchanges, each with the facts that its recorder did not keep, and where each went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reimage_conformance.model import Exchange, Fact, Strictness, Target


@dataclass(frozen=True, slots=True)
class Recorded:
    """One exchange as a capture holds it; `origin` is scheme and authority, `entry` its place in the capture.

    `moved_to` is the URL to which a 307 sends the request, "" where it is none or does not say.
    """

    exchange: Exchange
    origin: str
    entry: int
    moved_to: str = ""

    def tells(self, *facts: Fact) -> bool:
        """Whether the recorder kept all of `facts`."""
        return self.exchange.unrecorded.isdisjoint(facts)


@dataclass(frozen=True, slots=True)
class Capture:
    """Everything that a capture holds, in order.

    `notes` say what of it cannot be used. `started` is the time of the first exchange, ISO 8601. `seconds` is how long the exchanges took,
    `lasted` how long was recorded, at least that. A journal also has the `target` and `strictness` of its run, and the `faults` that an emulator had on purpose.
    """

    name: str
    digest: str
    started: str
    finished: str
    seconds: float
    recorded: tuple[Recorded, ...]
    notes: tuple[str, ...] = ()
    target: Target | None = None
    strictness: Strictness | None = None
    lasted: float = 0.0
    faults: tuple[str, ...] = ()
