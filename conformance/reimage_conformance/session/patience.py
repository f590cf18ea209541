"""Patience: one account for the whole run of what is waited for in vain, so that trouble ends."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import trio

from reimage_conformance.judging.wording import is_busy
from reimage_conformance.model import FailureKind
from reimage_conformance.protocol.addresses import read_target
from reimage_conformance.session.signals import Inconclusive
from reimage_conformance.session.thresholds import (
    LONGEST_PATIENCE_SECONDS,
    MAX_SAME_FAILURES,
    MAX_SAME_FAILURES_OF_A_FAMILY,
    PATIENCE_IN_TIME_LIMITS,
    SHARE_LOST_UNTIL_END,
    SHARE_LOST_UNTIL_HASTE,
)

if TYPE_CHECKING:
    from reimage_conformance.model import Exchange

_TROUBLE = (FailureKind.TIMEOUT, FailureKind.TRUNCATED, FailureKind.TOO_LARGE)
"""Failures that cost time or memory each time anew."""


@dataclass(frozen=True, slots=True)
class Sort:
    """What a request has in common with others: its `kind`, and the wider `family` that the kind belongs to."""

    kind: str
    family: str


@dataclass(slots=True)
class Patience:
    """What was waited for in vain.

    A kind of request that failed often enough in the same way is not sent any more, and a family of kinds of which none was ever answered neither.
    `refusals` are the kinds of requests that ought to be refused: one that is not answered counts as a violation, and those are bounded
    by what they break as long as the run has time to lose.

    `over` says why nothing at all is sent any more, "" while that is not so; `ended` is set then. Times are readings of the run's clock in
    seconds; `seconds` is how long nothing but silence, or nothing but throttling, is borne, and `lost` what was waited for in vain in all.
    `replies` counts what was answered, and `services` what was not throttled.

    The endpoint is away where it gives no sign of life, or where requests to two resources get no reply and none is answered in between.
    """

    seconds: float
    over: str = ""
    heard: float = 0.0
    served: float = 0.0
    replies: int = 0
    services: int = 0
    lost: float = 0.0
    refusals: set[str] = field(default_factory=set)
    ended: trio.Event = field(default_factory=trio.Event)
    _lost_until: float = float("-inf")
    _failed: Counter[tuple[str, FailureKind]] = field(default_factory=Counter)
    _answered: set[str] = field(default_factory=set)
    _unanswered: dict[int, tuple[float, float]] = field(default_factory=dict)
    _outages: list[tuple[float, float]] = field(default_factory=list)
    _silent: set[str] = field(default_factory=set)

    @classmethod
    def for_limits(cls, request_timeout: float, asked_for: float | None, now: float) -> Patience:
        """The patience of a run that begins `now`; `request_timeout` and `asked_for` in seconds, None where nobody asked."""
        usual = min(LONGEST_PATIENCE_SECONDS, PATIENCE_IN_TIME_LIMITS * request_timeout)
        return cls(usual if asked_for is None else asked_for, heard=now, served=now)

    def give_up(self, reason: str) -> None:
        """From here on nothing is sent; who rests is woken."""
        self.over = self.over or reason
        self.ended.set()

    async def rest(self, seconds: float) -> None:
        """Waits so long; raises Inconclusive as soon as the run is given up."""
        with trio.move_on_after(seconds):
            await self.ended.wait()
        if self.over:
            raise Inconclusive(self.over)

    def left(self, now: float) -> float:
        """The seconds for which the endpoint may still leave everything unserved."""
        return max(self.served + self.seconds - now, 0.0)

    def check(self, sort: Sort) -> None:
        """Raises Inconclusive where the run, or this kind of request, has been given up."""
        if self.over:
            raise Inconclusive(self.over)
        if sort.family not in self._answered:
            self._check(sort.family, MAX_SAME_FAILURES_OF_A_FAMILY, "like it ended alike, and none was ever answered")
        if not self._is_bounded(sort.kind):
            self._check(sort.kind, self._allowed(), "of this kind ended alike")

    def note(self, exchange: Exchange, began: float, now: float) -> None:
        """Takes what became of a request that went out when it `began`, and ended `now`."""
        if exchange.response is not None:
            self._hear(now)
            if not is_busy(exchange):
                self.served = now
                self.services += 1
        if exchange.reply is None:
            self._unanswered[exchange.number] = (began, now)
        if exchange.response is None:
            self._silent.add(f"{exchange.request.method} {read_target(exchange.request.target).kind}")
            if len(self._silent) > 1:  # whatever is asked
                self.note_outage()
        if exchange.failure is not None and exchange.failure.kind in _TROUBLE:
            self.lost += min(exchange.elapsed, now - self._lost_until)  # what passed beside others is lost once
            self._lost_until = now
        self._weigh(now)

    def count(self, sort: Sort, exchange: Exchange) -> None:
        """Counts an exchange for its sort; one that ended while nothing at all was answered says nothing about it."""
        if exchange.reply is not None:
            self._answered.add(sort.family)
        elif exchange.failure is not None and exchange.failure.kind in _TROUBLE and not self.was_away(exchange.number):
            self._failed[(sort.kind, exchange.failure.kind)] += 1
            self._failed[(sort.family, exchange.failure.kind)] += 1

    def note_outage(self) -> None:
        """The endpoint answers nothing at all: it is away since it was heard last."""
        if not self.is_away:
            self._outages.append((self.heard, float("inf")))

    def was_away(self, number: int) -> bool:
        """Whether the endpoint answered nothing at all at the time when exchange `number` got no reply."""
        began, ended = self._unanswered.get(number, (0.0, float("-inf")))
        return any(began <= back and since <= ended for since, back in self._outages)

    @property
    def is_away(self) -> bool:
        """Whether the endpoint has answered nothing since it was found to be away."""
        return bool(self._outages) and self._outages[-1][1] == float("inf")

    def _hear(self, now: float) -> None:
        """The endpoint answered something; an outage, if there was one, is over."""
        if self.is_away:
            self._outages[-1] = (self._outages[-1][0], now)
        self._silent.clear()
        self.heard = now
        self.replies += 1

    def _weigh(self, now: float) -> None:
        """Gives the run up where it has waited in vain for long enough."""
        if now - self.served >= self.seconds:
            what = "gave no reply" if self.heard <= self.served else "answered that it is busy"
            self.give_up(f"for {now - self.served:.0f} s the endpoint {what}, so nothing more is sent")
        elif self.lost > SHARE_LOST_UNTIL_END * self.seconds:
            self.give_up(f"replies were waited for in vain for {self.lost:.0f} s in all, so nothing more is sent")

    def _check(self, name: str, most: int, words: str) -> None:
        """Raises Inconclusive where requests counted under `name` failed in the same way as often as that."""
        for (failed, how), count in self._failed.items():
            if failed == name and count >= most:
                raise Inconclusive(f"{count} requests {words} ({how.value}), so that no more are sent")

    def _allowed(self) -> int:
        """How often a kind may fail alike: once, when much of the time that the whole run may lose is lost."""
        return MAX_SAME_FAILURES if self._has_time() else 1

    def _has_time(self) -> bool:
        return self.lost < SHARE_LOST_UNTIL_HASTE * self.seconds

    def _is_bounded(self, kind: str) -> bool:
        """Whether unanswered requests of a kind are counted elsewhere, as violations of what they break."""
        return kind in self.refusals and self._has_time()
