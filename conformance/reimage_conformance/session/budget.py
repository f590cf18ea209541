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

SPENT = Reason("the run had sent all reimages that it may send", Why.BUDGET)


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

    def book(self, exchange_number: int) -> None:
        """Spends one of the held reimages, or one more if none is held: the request with this exchange number started it."""
        self.budget.spend(exchange_number)
        if self.count:
            self.let_go(1)

    def let_go(self, count: int) -> None:
        """Releases `count` of the held reimages."""
        self.count -= count
        self.budget.held -= count
        self.budget.wake()


@dataclass(slots=True)
class Budget:
    """How many reimages a run may start: `limit`.

    `spent` counts the reimages that were started, and `accepted` holds the numbers of the exchanges that started them. A
    reimage is given back if its operation fails late because of its request. `open` holds the exchanges whose reimages
    may still be given back; a request waits for these before it is turned away. `held` counts the reimages that
    requests under way may still start. `for_repeats` lists the part of them that is held for groups that are taken
    apart (`session/groups.py`). `turned_away` says that a request could not be sent because nothing was left. `change` is set, and replaced,
    on each change. The campaign leaves `reserve` reimages until all bad requests were sent, and `kept` reimages for the
    cases after it.
    """

    limit: int
    spent: int = 0
    held: int = 0
    reserve: int = RESERVED_REIMAGES
    kept: int = 0
    accepted: set[int] = field(default_factory=set)
    open: set[int] = field(default_factory=set)
    for_repeats: list[Held] = field(default_factory=list)
    turned_away: bool = False
    change: trio.Event = field(default_factory=trio.Event)
    note: Callable[[Change, int], None] = lambda *_: None
    """Called for each reimage that is spent or given back, with the number of the exchange that started it."""

    def can_hold_now(self, count: int = 1, *, reserved: int = 0) -> bool:
        """Whether `count` more requests that may start a reimage can be sent now, leaving `reserved` untouched."""
        return self.spent + self.held + reserved + count <= self.limit

    @property
    def is_spent(self) -> bool:
        """Whether nothing is left, however the requests under way end."""
        return self._surely_spent >= self.limit

    @property
    def _surely_spent(self) -> int:
        """How many reimages stay spent if every open one is given back."""
        return self.spent - len(self.open & self.accepted)

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """Holds one reimage while a request that may start it is under way; raises Spent once none is left."""
        async with self.hold_up_to(1):
            yield

    @asynccontextmanager
    async def hold_up_to(self, most: int) -> AsyncIterator[Held]:
        """Holds at least one reimage and at most `most`; raises Spent once none is left.

        Above one, it never holds more than the reimages that are left divided by GROUP_BUDGET_DIVISOR.
        """
        while not self.can_hold_now():
            if self.is_spent:
                self.turned_away = True
                raise Spent
            await self.change.wait()
        with self.held_now(max(1, min(most, (self.limit - self.spent - self.held) // GROUP_BUDGET_DIVISOR))) as held:
            yield held

    @contextmanager
    def held_for_repeats(self, held: Held) -> Iterator[None]:
        """Marks the reimages of a group that is taken apart: they stay held until each of its requests was repeated (`hold_once_more`)."""
        self.for_repeats.append(held)
        self.wake()
        try:
            yield
        finally:
            self.for_repeats.remove(held)

    @asynccontextmanager
    async def hold_once_more(self) -> AsyncIterator[None]:
        """Holds one more reimage for a request of a group that is taken apart; raises Spent where waiting for one cannot help.

        Waiting cannot help when everything else is held for groups that are taken apart: they would wait for each other.
        """
        while not self.can_hold_now():
            if self._surely_spent + sum(held.count for held in self.for_repeats) >= self.limit:
                self.turned_away = True
                raise Spent
            await self.change.wait()
        with self.held_now(1):
            yield

    def can_hold_in_the_end(self, count: int, *, reserved: int) -> bool:
        """Whether `count` reimages are left besides `reserved` if none of the requests under way starts one."""
        return self._surely_spent + reserved + count <= self.limit

    @contextmanager
    def held_now(self, count: int) -> Iterator[Held]:
        """Holds `count` reimages without waiting; the caller has just checked `can_hold_now`."""
        self.held += count
        held = Held(self, count)
        try:
            yield held
        finally:
            held.let_go(held.count)

    def keep(self, count: int) -> None:
        """Keeps up to `count` reimages for the cases after the campaign; the campaign keeps at least FEWEST_FOR_CAMPAIGN."""
        self.kept = min(count, max(self.limit - FEWEST_FOR_CAMPAIGN, 0))

    def reserve_for_distance(self) -> None:
        """Reserves more for bad requests because the endpoint is far away: more of them can be under way at the same time."""
        self.reserve = max(self.reserve, min(int(self.limit * FAR_RESERVED_SHARE), MAX_FAR_RESERVED))

    def spend(self, exchange_number: int) -> None:
        """Counts the reimage that the request with this exchange number started."""
        if exchange_number not in self.accepted:
            self.accepted.add(exchange_number)
            self.spent += 1
            self.note(Change.SPENT, exchange_number)
            self.wake()

    def go_on(self, exchange_numbers: set[int]) -> None:
        """Takes over what an earlier part of the run spent; `note` is not called."""
        self.accepted = set(exchange_numbers)
        self.spent = len(exchange_numbers)

    def give_back(self, exchange_number: int) -> None:
        """Gives back the reimage of this exchange: its operation failed and reimaged nothing."""
        if exchange_number in self.accepted:
            self.accepted.discard(exchange_number)
            self.spent -= 1
            self.note(Change.GIVEN_BACK, exchange_number)
            self.wake()

    def leave_open(self, exchange_number: int) -> None:
        """Notes that the reimage of this exchange may be given back; `settle` ends that."""
        self.open.add(exchange_number)

    def settle(self, exchange_number: int) -> None:
        """Notes that the reimage of this exchange, if it is still spent, will not be given back."""
        if exchange_number in self.open:
            self.open.discard(exchange_number)
            self.wake()

    def wake(self) -> None:
        """Wakes every task that waits for a change."""
        self.change.set()
        self.change = trio.Event()
