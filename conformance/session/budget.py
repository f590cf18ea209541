"""The budget of reimages: never exceeded, counting those that an endpoint starts by accepting what it should refuse."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import trio

from conformance.session.signals import Untested
from conformance.session.thresholds import RESERVED_REIMAGES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SPENT = "the budget of reimages is spent"


@dataclass(slots=True)
class Budget:
    """How many reimages a run may cause.

    `spent` counts those that it did cause, refusals that came late given back; `held` those that requests under way may still
    cause; `change` is set when either becomes another, and replaced. `reserve` is kept from the campaign while requests that ought to be refused are still to be sent.
    """

    limit: int
    spent: int = 0
    held: int = 0
    reserve: int = RESERVED_REIMAGES
    accepted: set[int] = field(default_factory=set)
    change: trio.Event = field(default_factory=trio.Event)

    def allows(self, *, reserved: int = 0) -> bool:
        """Whether one more request that may start a reimage can be sent now, leaving `reserved` untouched."""
        return self.spent + self.held + reserved < self.limit

    @property
    def is_spent(self) -> bool:
        """Whether nothing is left, whatever becomes of the requests under way."""
        return self.spent >= self.limit

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """Holds one reimage while a request that may start it is under way; raises Untested once none is left."""
        while not self.allows():
            if self.is_spent:
                raise Untested(SPENT)
            await self.change.wait()
        self.take()
        try:
            yield
        finally:
            self.release()

    def take(self) -> None:
        """Holds one reimage, of which `allows` has said that it is there."""
        self.held += 1

    def release(self) -> None:
        """What was held is held no more: it was spent, or not needed."""
        self.held -= 1
        self._tell()

    def spend(self, exchange: int) -> None:
        """Counts the reimage that exchange number `exchange` started."""
        if exchange not in self.accepted:
            self.accepted.add(exchange)
            self.spent += 1
            self._tell()

    def give_back(self, exchange: int) -> None:
        """The operation that exchange started turned out to address nothing and reimaged nothing."""
        if exchange in self.accepted:
            self.accepted.discard(exchange)
            self.spent -= 1
            self._tell()

    def _tell(self) -> None:
        self.change.set()
        self.change = trio.Event()
