"""Patience: one account for the whole run of what is waited for in vain, so that trouble ends."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.checks.wording import is_busy
from conformance.model import FailureKind
from conformance.session.signals import Inconclusive
from conformance.session.thresholds import (
    LONGEST_PATIENCE_SECONDS,
    MAX_SAME_FAILURES,
    PATIENCE_IN_TIME_LIMITS,
)

if TYPE_CHECKING:
    from conformance.model import Exchange

_TROUBLE = (FailureKind.TIMEOUT, FailureKind.TRUNCATED, FailureKind.TOO_LARGE)
"""Failures that cost time or memory each time anew."""


@dataclass(slots=True)
class Patience:
    """What was waited for in vain.

    `refusals` are the kinds of requests that ought to be refused: one that is not answered counts as a violation, and those are bounded
    by what they break as long as the run has time to lose.

    A kind of request that failed often enough in the same way is not sent any more. `over` says why nothing at all is sent any more, "" while
    that is not so. Times are readings of the run's clock in seconds; `seconds` is how long nothing but silence, or nothing but
    throttling, is borne.
    """

    seconds: float
    over: str = ""
    heard: float = 0.0
    served: float = 0.0
    lost: float = 0.0
    _lost_until: float = float("-inf")
    refusals: set[str] = field(default_factory=set)
    _failed: Counter[tuple[str, FailureKind]] = field(default_factory=Counter)

    @classmethod
    def for_limits(cls, request_timeout: float, asked_for: float | None, now: float) -> Patience:
        """The patience of a run that begins `now`; `request_timeout` and `asked_for` in seconds, None where nobody asked."""
        usual = min(LONGEST_PATIENCE_SECONDS, PATIENCE_IN_TIME_LIMITS * request_timeout)
        return cls(usual if asked_for is None else asked_for, heard=now, served=now)

    def check(self, kind: str) -> None:
        """Raises Inconclusive where the run, or this kind of request, has been given up."""
        if self.over:
            raise Inconclusive(self.over)
        if self._is_bounded(kind):
            return
        for (failed, how), count in self._failed.items():
            if failed == kind and count >= self._allowed():
                raise Inconclusive(
                    f"{count} requests of this kind ended alike ({how.value}), so it is not sent any more"
                )

    def note(self, kind: str, exchange: Exchange, now: float) -> None:
        """Counts what became of a request of `kind` that ended `now`."""
        if exchange.response is not None:
            self.heard = now
            if not is_busy(exchange):
                self.served = now
        if exchange.failure is not None and exchange.failure.kind in _TROUBLE:
            self._failed[(kind, exchange.failure.kind)] += 1
            self.lost += min(exchange.elapsed, now - self._lost_until)  # what passed beside others is lost once
            self._lost_until = now
        if now - self.served > self.seconds:
            what = "gave no reply" if self.heard <= self.served else "answered that it is busy"
            self.over = f"for {now - self.served:.0f} s the endpoint {what}, so nothing more is sent"

    def _allowed(self) -> int:
        """How often a kind may fail alike: once, when as much time has been lost as the whole run may lose."""
        return MAX_SAME_FAILURES if self.lost < self.seconds else 1

    def _is_bounded(self, kind: str) -> bool:
        """Whether unanswered requests of a kind are counted elsewhere, as violations of what they break."""
        return kind in self.refusals and self.lost < self.seconds
