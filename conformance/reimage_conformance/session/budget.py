"""The budget of reimages. It is never exceeded; reimages that a faulty endpoint starts on bad requests count too."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

import trio

from reimage_conformance.model import Why
from reimage_conformance.session.signals import Reason, Untested
from reimage_conformance.session.thresholds import (
    FAR_RESERVED_SHARE,
    FEWEST_FOR_CAMPAIGN,
    GROUP_BUDGET_DIVISOR,
    MAX_FAR_RESERVED,
    RESERVED_REIMAGES,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

SPENT = Reason("the budget of reimages is spent", Why.BUDGET)


class Spent(Untested):
    """No reimage is left, however the requests under way end."""

    def __init__(self) -> None:
        super().__init__(SPENT)


class Change(StrEnum):
    """What happens to one reimage of the budget; the values are names of events in the journal."""

    SPENT = "spent"
    GIVEN_BACK = "given-back"


@dataclass(slots=True, eq=False)
class Held:
    """The `count` reimages that a budget holds for some requests."""

    budget: Budget
    count: int

    def book(self, exchange: int) -> None:
        """Spends one of the held reimages: the request with exchange number `exchange` has started one."""
        self.budget.spend(exchange)
        if self.count:
            self.let_go(1)

    def let_go(self, count: int) -> None:
        """Holds `count` reimages less."""
        self.count -= count
        self.budget.held -= count
        self.budget.tell()


@dataclass(slots=True)
class Budget:
    """How many reimages a run may start: `limit`.

    `spent` counts the reimages that were started; an operation that fails late because of its request is given back.
    `open` holds the exchanges whose operations run and may still be given back: nothing counts as lost for want of them.
    `held` counts those that requests under way may still start, and `standing` lists what of it is held for groups that
    are taken apart. `turned_away` says that a request could not be sent because nothing was left. `change` is set, and
    replaced, on each change. The campaign leaves `reserve` untouched until all bad requests were sent.
    """

    limit: int
    spent: int = 0
    held: int = 0
    reserve: int = RESERVED_REIMAGES
    kept: int = 0
    accepted: set[int] = field(default_factory=set)
    open: set[int] = field(default_factory=set)
    standing: list[Held] = field(default_factory=list)
    turned_away: bool = False
    change: trio.Event = field(default_factory=trio.Event)
    note: Callable[[Change, int], None] = lambda *_: None
    """Called for each reimage that is spent or given back, with the number of the exchange that started it."""

    def allows(self, *, reserved: int = 0) -> bool:
        """Whether one more request that may start a reimage can be sent now, leaving `reserved` untouched."""
        return self.spent + self.held + reserved < self.limit

    @property
    def is_spent(self) -> bool:
        """Whether nothing is left, however the requests under way end."""
        return self._lasting >= self.limit

    @property
    def _lasting(self) -> int:
        """How many of the reimages that are spent stay so, if every open one is given back."""
        return self.spent - len(self.open & self.accepted)

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """Holds one reimage while a request that may start it is under way; raises Spent once none is left."""
        async with self.hold_up_to(1):
            yield

    @asynccontextmanager
    async def hold_up_to(self, most: int) -> AsyncIterator[Held]:
        """Holds at least one reimage and at most `most`; raises Spent once none is left.

        It holds more than one only up to the reimages that are left, divided by GROUP_BUDGET_DIVISOR.
        """
        while not self.allows():
            if self.is_spent:
                self.turned_away = True
                raise Spent
            await self.change.wait()
        with self.held_now(max(1, min(most, (self.limit - self.spent - self.held) // GROUP_BUDGET_DIVISOR))) as held:
            yield held

    @contextmanager
    def stands(self, held: Held) -> Iterator[None]:
        """Marks the reimages of a group that is taken apart: they are released only after `hold_once_more` for each request."""
        self.standing.append(held)
        self.tell()
        try:
            yield
        finally:
            self.standing.remove(held)

    @asynccontextmanager
    async def hold_once_more(self) -> AsyncIterator[None]:
        """Holds one more reimage for a request of a group that is taken apart; raises Spent where waiting for one cannot help.

        That is so when everything else is held for groups that are taken apart: they wait for each other.
        """
        while not self.allows():
            if self._lasting + sum(held.count for held in self.standing) >= self.limit:
                self.turned_away = True
                raise Spent
            await self.change.wait()
        with self.held_now(1):
            yield

    def could_allow(self, count: int, *, reserved: int) -> bool:
        """Whether `count` reimages are left beside `reserved` if none of the requests under way starts one."""
        return self._lasting + reserved + count <= self.limit

    @contextmanager
    def held_now(self, count: int) -> Iterator[Held]:
        """Holds `count` reimages at once; the caller has just asked `allows`."""
        self.held += count
        held = Held(self, count)
        try:
            yield held
        finally:
            held.let_go(held.count)

    def keep(self, count: int) -> None:
        """Keeps up to `count` reimages for the cases after the campaign; the campaign has the first FEWEST_FOR_CAMPAIGN."""
        self.kept = min(count, max(self.limit - FEWEST_FOR_CAMPAIGN, 0))

    def reserve_for_distance(self) -> None:
        """Reserves more for bad requests because the endpoint is far away: more of them can be under way at the same time."""
        self.reserve = max(self.reserve, min(int(self.limit * FAR_RESERVED_SHARE), MAX_FAR_RESERVED))

    def spend(self, exchange: int) -> None:
        """Counts the reimage that exchange number `exchange` started."""
        if exchange not in self.accepted:
            self.accepted.add(exchange)
            self.spent += 1
            self.note(Change.SPENT, exchange)
            self.tell()

    def go_on(self, exchanges: set[int]) -> None:
        """Takes over what an earlier part of the run spent; `note` is not called."""
        self.accepted = set(exchanges)
        self.spent = len(exchanges)

    def give_back(self, exchange: int) -> None:
        """Gives back the reimage of exchange number `exchange`: its operation failed and reimaged nothing."""
        if exchange in self.accepted:
            self.accepted.discard(exchange)
            self.spent -= 1
            self.note(Change.GIVEN_BACK, exchange)
            self.tell()

    def leave_open(self, exchange: int) -> None:
        """Notes that the reimage of exchange number `exchange` may be given back; `settle` ends that."""
        self.open.add(exchange)

    def settle(self, exchange: int) -> None:
        """Notes that the reimage of exchange number `exchange`, if it is still spent, will not be given back."""
        if exchange in self.open:
            self.open.discard(exchange)
            self.tell()

    def tell(self) -> None:
        """Wakes every task that waits for a change."""
        self.change.set()
        self.change = trio.Event()
