"""Company: how a server treats requests and connections that come beside each other; decides nothing about what they ask for."""

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


class Beyond(StrEnum):
    """What becomes of a connection beyond those that a server takes."""

    WAITS = "waits"
    RESET = "is reset"
    REFUSED = "is refused"


@dataclass(frozen=True, slots=True)
class Company:
    """How a server treats company.

    It serves `requests` at a time and lets the others wait, and takes `connections` at a time; 0 for as many as come. A request takes
    `seconds`, `seconds_beside` more for each other one under way, and up to `seconds_at_random` more. A connection on which nothing
    happens for `idle_seconds` is closed; 0 for never.
    """

    requests: int = 0
    connections: int = 0
    beyond: Beyond = Beyond.WAITS
    seconds: float = 0.0
    seconds_beside: float = 0.0
    seconds_at_random: float = 0.0
    idle_seconds: float = 0.0


UNDER_WAY = "requests under way"
"""Under this note of an emulator a server counts the requests under way, the one that is read now included."""


class Guest(Protocol):
    """A connection that is served."""

    def answer(self, data: bytes) -> Sequence[Action]:
        """What to do now that `data` has arrived."""

    def perform(self, actions: Sequence[Action]) -> None:
        """Carries these out."""


class Host:
    """Serves guests as a company says: octets in their order for each guest, requests of several beside each other."""

    def __init__(self, state: State, company: Company) -> None:
        self.company = company
        self._state = state
        self._under_way = 0
        self._pending: dict[Guest, deque[bytes]] = {}
        self._serving: set[Guest] = set()

    def serve(self, guest: Guest, data: bytes) -> None:
        """Answers `data` when it is its turn."""
        self._pending.setdefault(guest, deque()).append(data)
        self._go_on()

    def is_serving(self, guest: Guest) -> bool:
        """Whether a request of a guest is being served, or waits for its turn."""
        return guest in self._serving or bool(self._pending.get(guest))

    def leave(self, guest: Guest) -> None:
        """A guest is gone; what it asked for is not answered any more."""
        self._pending.pop(guest, None)

    def _go_on(self) -> None:
        for guest in tuple(self._pending):
            while self._pending.get(guest) and guest not in self._serving and self._has_room():
                self._begin(guest, self._pending[guest].popleft())
            if not self._pending.get(guest):
                self._pending.pop(guest, None)

    def _has_room(self) -> bool:
        return not self.company.requests or self._under_way < self.company.requests

    def _begin(self, guest: Guest, data: bytes) -> None:
        self._state.notes[UNDER_WAY] = self._under_way + 1
        actions = guest.answer(data)
        seconds = self._seconds() if actions else 0.0
        if seconds <= 0:
            guest.perform(actions)
            return
        self._under_way += 1
        self._serving.add(guest)
        asyncio.get_running_loop().call_later(seconds, self._end, guest, actions)

    def _seconds(self) -> float:
        company = self.company
        at_random = company.seconds_at_random * self._state.random.random()
        return company.seconds + company.seconds_beside * self._under_way + at_random

    def _end(self, guest: Guest, actions: Sequence[Action]) -> None:
        self._under_way -= 1
        self._serving.discard(guest)
        guest.perform(actions)
        self._go_on()
