"""Recorded traffic as values: exchanges, each with the facts that its recorder did not keep, and where each went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reimage_conformance.model import Exchange, Fact, Strictness, Target


@dataclass(frozen=True, slots=True)
class Recorded:
    """One exchange as a capture holds it.

    `origin` is scheme and authority of the endpoint, `entry` the number of the exchange in the capture, from 1 on.
    `moved_to` is the URL to which a 307 sends the request, "" for any other response and for a 307 that names none.
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

    `digest` identifies the file. `notes` say what of it cannot be used. `started` and `finished` are times in ISO 8601,
    "" where they are not known. `seconds` is how long the exchanges took, `lasted` how long the recording went on, 0 where that
    is not known. A journal also has the `target` and `strictness` of its run, and the `faults` that an
    emulator had on purpose.
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
