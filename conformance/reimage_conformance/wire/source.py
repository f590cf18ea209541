"""The source of a reader's octets: one stream, with one deadline for the whole reply."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reimage_conformance.wire.clock import Clock
    from reimage_conformance.wire.streams import Stream

_RECEIVE_OCTETS = 65_536
_LINGER_LIMIT = 1024 * 1024
"""Octets after a reply; no more are read."""


@dataclass(slots=True)
class StreamSource:
    """Reads `stream` until `deadline`, a reading of `clock`.

    After the first octets, it waits at most `silence` seconds for the next ones. `hasty` says that the time limit is so
    short that a pause proves nothing.
    """

    stream: Stream
    clock: Clock
    deadline: float
    silence: float = math.inf
    hasty: bool = False
    _begun: float = field(init=False)
    _latest: float = field(init=False)
    _has_begun: bool = False
    _is_cut: bool = False

    def __post_init__(self) -> None:
        self._begun = self._latest = self.clock.now()

    def receive(self) -> bytes:
        """The next octets, b"" once the endpoint has closed; raises OSError."""
        silent_at = self._latest + self.silence if self._has_begun else math.inf
        self._is_cut = silent_at < self.deadline
        data = self.stream.receive(_RECEIVE_OCTETS, min(silent_at, self.deadline))
        self._latest, self._has_begun, self._is_cut = self.clock.now(), True, False
        return data

    def linger(self, seconds: float) -> bytes:
        """All octets that come within `seconds`; at 0, those already there."""
        return self.watch(seconds)[0] if seconds > 0 else self.stream.pending() or b""

    def watch(self, seconds: float) -> tuple[bytes, bool]:
        """All octets that come within `seconds`, and whether the endpoint closed the connection in that time."""
        octets = b""
        deadline = self.clock.now() + seconds
        try:
            while len(octets) < _LINGER_LIMIT:
                data = self.stream.receive(_RECEIVE_OCTETS, deadline)
                if not data:
                    return octets, True
                octets += data
        except TimeoutError:
            return octets, False
        except OSError:
            return octets, True
        return octets, False

    def fell_silent(self) -> bool:
        """Whether nothing came for `silence` seconds, or in the second half of the time limit."""
        return self._is_cut or (not self.hasty and self._latest <= (self._begun + self.deadline) / 2)
