"""Patience: counts over the whole run how long replies were waited for in vain, and ends the run when that is too long."""

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
    END_SHARE,
    HASTE_SHARE,
    LONGEST_PATIENCE_SECONDS,
    MAX_SAME_FAILURES,
    MAX_SAME_FAILURES_OF_A_FAMILY,
    PATIENCE_IN_TIME_LIMITS,
)

if TYPE_CHECKING:
    from reimage_conformance.model import Exchange

_COSTLY_FAILURES = (FailureKind.TIMEOUT, FailureKind.TRUNCATED, FailureKind.TOO_LARGE)
"""Failures that cost time or memory each time they occur."""
_IN_WORDS = {
    FailureKind.TIMEOUT: "got no answer in time",
    FailureKind.TRUNCATED: "got an answer that was cut short",
    FailureKind.TOO_LARGE: "got an answer that was too large",
}
"""What such a failure is called in the reason why no more requests are sent."""


@dataclass(frozen=True, slots=True)
class Category:
    """What the failures of a request are counted under: its `kind`, and the wider `family` of the kind.

    `call` is what reasons call the requests, "" for nothing.
    """

    kind: str
    family: str
    call: str = ""


@dataclass(slots=True)
class Patience:
    """Missing replies and throttling over the whole run, and when to stop.

    A kind of request that failed often enough in the same way is not sent any more; nor is a family of kinds if none
    was ever answered. `refusals` are the kinds of bad requests: a bad request without reply counts as a violation, and
    `Violations` limits those, until much of the patience is used up.

    `why_over` says why nothing is sent any more, "" while requests are sent; then `ended` is set. Times are readings of the
    run's clock in seconds. The run ends after `seconds` with only missing replies or only throttled ones. `heard_at` is
    the time of the last reply, `served_at` that of the last one that was not throttled. `replies` counts the replies,
    and `served_replies` those that were not throttled. `lost_seconds` is the total time waited in vain.

    The endpoint is away if no question of `SignsOfLife` is answered, or if requests to two resources in a row get no
    reply.
    """

    seconds: float
    why_over: str = ""
    heard_at: float = 0.0
    served_at: float = 0.0
    replies: int = 0
    served_replies: int = 0
    lost_seconds: float = 0.0
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
        """The patience of a run that begins `now`, a reading of the run's clock.

        `request_timeout` and `asked_for` (--patience, or None) are in seconds.
        """
        usual = min(LONGEST_PATIENCE_SECONDS, PATIENCE_IN_TIME_LIMITS * request_timeout)
        return cls(usual if asked_for is None else asked_for, heard_at=now, served_at=now)

    def give_up(self, reason: str) -> None:
        """Ends the run: nothing more is sent, and every `rest` ends."""
        self.why_over = self.why_over or reason
        self.ended.set()

    async def rest(self, seconds: float) -> None:
        """Waits for `seconds`; raises Inconclusive as soon as the run is given up."""
        with trio.move_on_after(seconds):
            await self.ended.wait()
        if self.why_over:
            raise Inconclusive(self.why_over)

    def left(self, now: float) -> float:
        """The seconds until the run is given up if no request is served."""
        return max(self.served_at + self.seconds - now, 0.0)

    def check(self, category: Category) -> None:
        """Raises Inconclusive where the run, or this kind of request, has been given up."""
        if self.why_over:
            raise Inconclusive(self.why_over)
        call = f" ({category.call})" if category.call else ""
        if category.family not in self._answered:
            self._raise_if_failed_often(
                category.family,
                MAX_SAME_FAILURES_OF_A_FAMILY,
                f"requests of this kind{call}",
                ", and none of this kind was ever answered",
            )
        if not self._is_bounded(category.kind):
            self._raise_if_failed_often(category.kind, self._allowed(), f"requests like this one{call}")

    def note(self, exchange: Exchange, began: float, now: float) -> None:
        """Takes the exchange of a request that went out at `began` and ended at `now`."""
        if exchange.response is not None:
            self._hear(now)
            if not is_busy(exchange):
                self.served_at = now
                self.served_replies += 1
        if exchange.reply is None:
            self._unanswered[exchange.number] = (began, now)
        if exchange.response is None:
            self._silent.add(f"{exchange.request.method} {read_target(exchange.request.resource).kind}")
            if len(self._silent) > 1:  # two different resources gave no reply
                self.note_outage()
        if exchange.failure is not None and exchange.failure.kind in _COSTLY_FAILURES:
            self.lost_seconds += min(
                exchange.elapsed, now - self._lost_until
            )  # requests under way at the same time count once
            self._lost_until = now
        self._weigh(now)

    def count_failure(self, category: Category, exchange: Exchange) -> None:
        """Counts a failed exchange under its category, or notes that its family was answered.

        A failure while the endpoint was away is not counted.
        """
        if exchange.reply is not None:
            self._answered.add(category.family)
        elif (
            exchange.failure is not None
            and exchange.failure.kind in _COSTLY_FAILURES
            and not self.was_away(exchange.number)
        ):
            self._failed[(category.kind, exchange.failure.kind)] += 1
            self._failed[(category.family, exchange.failure.kind)] += 1

    def note_outage(self) -> None:
        """Notes that the endpoint is away, since its last reply."""
        if not self.is_away:
            self._outages.append((self.heard_at, float("inf")))

    def was_away(self, number: int) -> bool:
        """Whether the endpoint was away while exchange `number` waited for its reply."""
        began, ended = self._unanswered.get(number, (0.0, float("-inf")))
        return any(began <= back and since <= ended for since, back in self._outages)

    @property
    def is_away(self) -> bool:
        """Whether the endpoint is away now."""
        return bool(self._outages) and self._outages[-1][1] == float("inf")

    def _hear(self, now: float) -> None:
        """Notes a reply at `now`; it ends the outage, if there is one."""
        if self.is_away:
            self._outages[-1] = (self._outages[-1][0], now)
        self._silent.clear()
        self.heard_at = now
        self.replies += 1

    def _weigh(self, now: float) -> None:
        """Gives the run up if it has waited in vain for too long."""
        if now - self.served_at >= self.seconds:
            did = "gave no reply" if self.heard_at <= self.served_at else "answered that it is busy"
            self.give_up(f"for {now - self.served_at:.0f} s the endpoint {did}, so nothing more is sent")
        elif self.lost_seconds > END_SHARE * self.seconds:
            self.give_up(
                f"the suite has waited {self.lost_seconds:.0f} s in all for replies that did not come, "
                "so nothing more is sent"
            )

    def _raise_if_failed_often(self, name: str, most: int, which: str, besides: str = "") -> None:
        """Raises Inconclusive where `most` requests counted under `name` failed in the same way."""
        for (failed, how), count in self._failed.items():
            if failed == name and count >= most:
                raise Inconclusive(f"{count} {which} {_IN_WORDS[how]}{besides}, so no more were sent")

    def _allowed(self) -> int:
        """How often a kind may fail in the same way: only once when much of the patience is used up."""
        return MAX_SAME_FAILURES if self._has_time() else 1

    def _has_time(self) -> bool:
        return self.lost_seconds < HASTE_SHARE * self.seconds

    def _is_bounded(self, kind: str) -> bool:
        """Whether `Violations` limits the requests of a kind, so that they need not be limited here."""
        return kind in self.refusals and self._has_time()
