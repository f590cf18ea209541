"""How a server handles requests and connections that come at the same time: limits, waiting, and durations."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reimage_conformance.emulator.messages import Action
    from reimage_conformance.emulator.state import State


class WhenFull(StrEnum):
    """What happens to one more connection while the server has as many as it takes."""

    WAITS = "waits"
    RESET = "is reset"
    REFUSED = "is refused"


@dataclass(frozen=True, slots=True)
class SimultaneousHandling:
    """How a server handles requests and connections that come at the same time.

    It serves at most `requests` at a time, and others wait. It takes at most `connections` at a time; `when_full` says what happens to
    others. 0 means no limit. A request takes `seconds`, and `seconds_for_each_other` more for each other request under way, and at random
    up to `seconds_at_random` more. A connection is closed when nothing happens on it for `idle_seconds`; 0 means never. With
    `drops_idle` it is dropped instead: the client notices nothing until it sends again, which is answered with a reset.
    """

    requests: int = 0
    connections: int = 0
    when_full: WhenFull = WhenFull.WAITS
    seconds: float = 0.0
    seconds_for_each_other: float = 0.0
    seconds_at_random: float = 0.0
    idle_seconds: float = 0.0
    drops_idle: bool = False


UNDER_WAY = "requests under way"
"""The key of the emulator's notes that holds the number of requests under way, the one being read included."""


class Served(Protocol):
    """A connection that is served."""

    def answer(self, data: bytes) -> Sequence[Action]:
        """The actions that answer `data`."""

    def perform(self, actions: Sequence[Action]) -> None:
        """Carries the actions out."""


class Turns:
    """Decides when the octets of each connection are answered: in their order, and at most `simultaneous.requests` at a time."""

    def __init__(self, state: State, simultaneous: SimultaneousHandling) -> None:
        self.simultaneous = simultaneous
        self._state = state
        self._under_way = 0
        self._pending: dict[Served, deque[bytes]] = {}
        self._serving: set[Served] = set()

    def serve(self, served: Served, data: bytes) -> None:
        """Answers `data` when its turn comes."""
        self._pending.setdefault(served, deque()).append(data)
        self._serve_waiting()

    def is_serving(self, served: Served) -> bool:
        """Whether a request of a connection is being served or waits for its turn."""
        return served in self._serving or bool(self._pending.get(served))

    def leave(self, served: Served) -> None:
        """Forgets a connection that has ended; its waiting requests are not answered."""
        self._pending.pop(served, None)

    def _serve_waiting(self) -> None:
        """Begins to serve octets that wait, as long as the limit of requests allows."""
        for served in tuple(self._pending):
            while self._pending.get(served) and served not in self._serving and self._has_room():
                self._begin(served, self._pending[served].popleft())
            if not self._pending.get(served):
                self._pending.pop(served, None)

    def _has_room(self) -> bool:
        return not self.simultaneous.requests or self._under_way < self.simultaneous.requests

    def _begin(self, served: Served, data: bytes) -> None:
        """Makes the answer to `data`, and carries it out at once, or when the seconds that a request takes are over."""
        self._state.notes[UNDER_WAY] = self._under_way + 1
        actions = served.answer(data)
        seconds = self._seconds() if actions else 0.0
        if seconds <= 0:
            served.perform(actions)
            return
        self._under_way += 1
        self._serving.add(served)
        asyncio.get_running_loop().call_later(seconds, self._end, served, actions)

    def _seconds(self) -> float:
        """How long the next request takes; `_under_way` counts the others."""
        simultaneous = self.simultaneous
        at_random = simultaneous.seconds_at_random * self._state.random.random()
        return simultaneous.seconds + simultaneous.seconds_for_each_other * self._under_way + at_random

    def _end(self, served: Served, actions: Sequence[Action]) -> None:
        """Carries out the answer to a request whose seconds are over, and begins to serve what waits."""
        self._under_way -= 1
        self._serving.discard(served)
        served.perform(actions)
        self._serve_waiting()
