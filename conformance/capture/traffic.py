"""Recorded traffic as values: exchanges, where each went, and what its recorder is known to have left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conformance.model import Exchange, Strictness, Target


@dataclass(frozen=True, slots=True)
class Recorded:
    """One exchange as a capture holds it; `origin` is scheme and authority, `entry` its place in the capture.

    `complete` says whether the request's header lines are all there, so that what is missing was missing; `identified`
    whether the certificate that it presented is known; `exact` whether bodies are octets, not text that was decoded and
    encoded again; `versioned` whether the HTTP versions were recorded.
    """

    exchange: Exchange
    origin: str
    entry: int
    complete: bool = True
    identified: bool = True
    exact: bool = True
    versioned: bool = True


@dataclass(frozen=True, slots=True)
class Capture:
    """Everything that a capture holds, in order; `notes` say what of it cannot be used.

    `started` is the moment of the first exchange, ISO 8601; a journal brings the `target` and `strictness` of its run.
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
