"""Lanes: how many requests are under way at the same time, and why it is fewer than were asked for."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


@dataclass(slots=True, eq=False)
class Passage:
    """The way of one request through its lane; `is_shared` once another was under way beside it."""

    is_shared: bool = False


class Lanes:
    """Lets up to `width` requests be under way; an endpoint that cannot take so many makes it narrower.

    `asked_for` is the width that the target file or the operator wants, `reasons` says why it is narrower now; `narrowed` is called with each new width.
    """

    def __init__(self, width: int) -> None:
        self.asked_for = width
        self.width = width
        self.reasons: list[str] = []
        self.narrowed: Callable[[int], None] = lambda _: None
        self._under_way = 0
        self._passages: list[Passage] = []
        self._alone = False
        self._waiting = 0
        self._changed = trio.Condition()

    @asynccontextmanager
    async def lane(self) -> AsyncIterator[Passage]:
        """A lane for one request; what it is given tells whether others were under way at any time meanwhile."""
        async with self._changed:
            while self._under_way >= self.width or self._alone or self._waiting:
                await self._changed.wait()
            self._under_way += 1
        passage = Passage()
        self._passages.append(passage)
        for each in self._passages if len(self._passages) > 1 else ():
            each.is_shared = True
        try:
            yield passage
        finally:
            self._passages.remove(passage)
            await self._leave()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[Passage]:
        """All lanes for one request: nothing else of ours is under way beside it."""
        async with self._changed:
            self._waiting += 1
            try:
                while self._under_way or self._alone:
                    await self._changed.wait()
            finally:
                self._waiting -= 1
            self._under_way += 1
            self._alone = True
        try:
            yield Passage()
        finally:
            self._alone = False
            await self._leave()

    def narrow(self, width: int, reason: str) -> None:
        """Lets no more than `width` be under way from here on; what is under way already comes to its end."""
        if width < self.width:
            self.width = max(width, 1)
            self.reasons.append(reason)
            self.narrowed(self.width)

    async def _leave(self) -> None:
        self._under_way -= 1
        with trio.CancelScope(shield=True):
            async with self._changed:
                self._changed.notify_all()
