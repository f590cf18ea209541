"""The budget of reimages: never exceeded, counting those that an endpoint starts by accepting what it should refuse."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

import trio

from reimage_conformance.session.signals import Untested
from reimage_conformance.session.thresholds import (
    MAX_RESERVED_FROM_AFAR,
    RESERVED_REIMAGES,
    RESERVED_SHARE_FROM_AFAR,
    SHARE_OF_A_GROUP,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

SPENT = "the budget of reimages is spent"


class Spent(Untested):
    """No reimage is left, whatever becomes of the requests under way."""

    def __init__(self) -> None:
        super().__init__(SPENT)


class Change(StrEnum):
    """What becomes of one reimage of the budget, as the journal names it."""

    SPENT = "spent"
    GIVEN_BACK = "given-back"


@dataclass(slots=True, eq=False)
class Held:
    """The `count` reimages that a budget holds for some requests."""

    budget: Budget
    count: int

    def book(self, exchange: int) -> None:
        """One of these requests, exchange number `exchange`, was seen to start a reimage: that is counted, and held no more."""
        self.budget.spend(exchange)
        if self.count:
            self.let_go(1)

    def let_go(self, count: int) -> None:
        """Holds `count` less."""
        self.count -= count
        self.budget.held -= count
        self.budget.tell()


@dataclass(slots=True)
class Budget:
    """How many reimages a run may cause.

    `spent` counts those that it did cause, refusals that came late given back; `held` those that requests under way may still
    cause, and `standing` what of these is held for groups that are taken apart; `change` is set when either becomes another, and replaced. `reserve` is kept from the campaign while requests that ought to be refused are still to be sent.
    """

    limit: int
    spent: int = 0
    held: int = 0
    reserve: int = RESERVED_REIMAGES
    accepted: set[int] = field(default_factory=set)
    standing: list[Held] = field(default_factory=list)
    change: trio.Event = field(default_factory=trio.Event)
    note: Callable[[Change, int], None] = lambda *_: None
    """Hears of each reimage that is counted, or counted no more, with the number of the exchange that started it."""

    def allows(self, *, reserved: int = 0) -> bool:
        """Whether one more request that may start a reimage can be sent now, leaving `reserved` untouched."""
        return self.spent + self.held + reserved < self.limit

    @property
    def is_spent(self) -> bool:
        """Whether nothing is left, whatever becomes of the requests under way."""
        return self.spent >= self.limit

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """Holds one reimage while a request that may start it is under way; raises Spent once none is left."""
        async with self.hold_up_to(1):
            yield

    @asynccontextmanager
    async def hold_up_to(self, most: int) -> AsyncIterator[Held]:
        """Holds one reimage or more, `most` at the most; raises Spent once none is left.

        More than one is a SHARE_OF_A_GROUP of what is left at the most.
        """
        while not self.allows():
            if self.is_spent:
                raise Spent
            await self.change.wait()
        with self.held_now(max(1, min(most, (self.limit - self.spent - self.held) // SHARE_OF_A_GROUP))) as held:
            yield held

    @contextmanager
    def stands(self, held: Held) -> Iterator[None]:
        """What is held for a group is let go only after more was held for its requests: it is being taken apart."""
        self.standing.append(held)
        self.tell()
        try:
            yield
        finally:
            self.standing.remove(held)

    @asynccontextmanager
    async def hold_once_more(self) -> AsyncIterator[None]:
        """Holds one more for a request of a group that is taken apart; raises Spent once only such groups could let one go."""
        while not self.allows():
            if self.spent + sum(held.count for held in self.standing) >= self.limit:
                raise Spent
            await self.change.wait()
        with self.held_now(1):
            yield

    def could_allow(self, count: int, *, reserved: int) -> bool:
        """Whether there are `count` reimages beside `reserved` where none of the requests under way starts one."""
        return self.spent + reserved + count <= self.limit

    @contextmanager
    def held_now(self, count: int) -> Iterator[Held]:
        """Holds `count` reimages, of which `allows` has just said that they are there."""
        self.held += count
        held = Held(self, count)
        try:
            yield held
        finally:
            held.let_go(held.count)

    def share_from_afar(self) -> None:
        """The endpoint is far away: more is kept for bad requests, so that more of them are under way at the same time."""
        self.reserve = max(self.reserve, min(int(self.limit * RESERVED_SHARE_FROM_AFAR), MAX_RESERVED_FROM_AFAR))

    def spend(self, exchange: int) -> None:
        """Counts the reimage that exchange number `exchange` started."""
        if exchange not in self.accepted:
            self.accepted.add(exchange)
            self.spent += 1
            self.note(Change.SPENT, exchange)
            self.tell()

    def go_on(self, exchanges: set[int]) -> None:
        """Counts what an earlier part of the run spent, which nobody is told again."""
        self.accepted = set(exchanges)
        self.spent = len(exchanges)

    def give_back(self, exchange: int) -> None:
        """The operation that exchange started turned out to address nothing and reimaged nothing."""
        if exchange in self.accepted:
            self.accepted.discard(exchange)
            self.spent -= 1
            self.note(Change.GIVEN_BACK, exchange)
            self.tell()

    def tell(self) -> None:
        """Wakes who waits for a change."""
        self.change.set()
        self.change = trio.Event()
