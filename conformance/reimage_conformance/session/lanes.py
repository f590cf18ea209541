"""Lanes: limit how many requests are under way at the same time, and say why it is fewer than the operator asked for."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


@dataclass(slots=True, eq=False)
class Passage:
    """One request in its lane; `is_shared` is True once another request was under way at the same time."""

    is_shared: bool = False


class Lanes:
    """Lets up to `width` requests be under way at the same time.

    `asked_for` is the width that the target file or the operator wants. `reasons` says why `width` is smaller.
    `narrowed`, set by `Sender`, is called with each new width.
    """

    def __init__(self, width: int) -> None:
        self.asked_for = width
        self.width = width
        self.reasons: list[str] = []
        self.narrowed: Callable[[int], None] = lambda _: None
        self._under_way = 0
        self._passages: list[Passage] = []
        self._alone = False
        self._waiting = trio.lowlevel.ParkingLot()
        self._waiting_alone = trio.lowlevel.ParkingLot()

    @asynccontextmanager
    async def lane(self) -> AsyncIterator[Passage]:
        """Gives one request a lane, as soon as one is free."""
        if self._waiting or not self._has_room():
            await self._waiting.park()  # until `_let_in` gives it a lane
        else:
            self._under_way += 1
        passage = Passage()
        self._passages.append(passage)
        if len(self._passages) > 1:
            for each in self._passages:
                each.is_shared = True
        try:
            yield passage
        finally:
            self._passages.remove(passage)
            self._under_way -= 1
            self._let_in()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[Passage]:
        """Gives one request all lanes: no other request is under way meanwhile."""
        if self._under_way or self._waiting_alone:
            try:
                await self._waiting_alone.park()  # until `_let_in` gives it all lanes
            except trio.Cancelled:
                self._let_in()  # requests that waited behind this one
                raise
        else:
            self._under_way, self._alone = 1, True
        try:
            yield Passage()
        finally:
            self._under_way, self._alone = 0, False
            self._let_in()

    def narrow(self, width: int, reason: str) -> None:
        """Lets no more than `width` requests be under way from now on; those already under way may end."""
        if width < self.width:
            self.width = max(width, 1)
            self.reasons.append(reason)
            self.narrowed(self.width)

    def _has_room(self) -> bool:
        return self._under_way < self.width and not self._alone and not self._waiting_alone

    def _let_in(self) -> None:
        """Gives free lanes to the waiting requests, in their order."""
        if self._waiting_alone and not self._under_way:
            self._under_way, self._alone = 1, True
            self._waiting_alone.unpark()
        while self._waiting and self._has_room():
            self._under_way += 1
            self._waiting.unpark()
