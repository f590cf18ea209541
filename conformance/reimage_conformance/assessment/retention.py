"""Retention: which operations an endpoint had forgotten by the time they were asked about (REQ-GOS-RETENTION)."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from reimage_conformance.judging.operations.polls import NOT_KNOWN, STATUSES, TERMINAL, status_of
from reimage_conformance.judging.operations.progress import RETENTION_SECONDS
from reimage_conformance.judging.wording import is_busy
from reimage_conformance.protocol.addresses import Kind, read_target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reimage_conformance.model import Exchange

_PLAIN = ("poll-known", "poll-late")
"""The labels of plain polls that ask whether an operation is still known."""


@dataclass(slots=True)
class _History:
    """What the polls of one operation showed so far.

    `shown` is the last poll that showed a status, or the 202. `was_throttled` says that a poll after it was throttled. `ended_at`
    is the earliest moment at which the operation may have ended, in seconds since the run began. `is_end_uncertain` says that
    polls between that moment and the first that showed the end were throttled. `is_gone` says that the operation was forgotten.
    """

    shown: Exchange | None = None
    was_throttled: bool = False
    ended_at: float = inf
    is_end_uncertain: bool = False
    is_gone: bool = False

    @property
    def _unseen_since(self) -> float:
        """When the operation was last shown if polls were throttled after that, so that it may have ended unseen; else infinite."""
        return self.shown.at if self.shown is not None and self.was_throttled else inf

    def add(self, poll: Exchange) -> None:
        """Adds a poll."""
        status = status_of(poll)
        if status in STATUSES:
            if status in TERMINAL and self.ended_at == inf:
                self.is_end_uncertain = self._unseen_since < inf
                self.ended_at = self._unseen_since if self.is_end_uncertain else poll.at
            self.shown, self.was_throttled, self.is_gone = poll, False, False
        elif is_busy(poll):
            self.was_throttled = True
        elif _is_denied(poll) and poll.at > self._may_be_forgotten_at(poll):
            self.is_gone = True

    def _may_be_forgotten_at(self, poll: Exchange) -> float:
        """The moment after which `poll` may be denied because the operation was forgotten, in seconds since the run began.

        If the end is certain, only a plain poll counts: another one may be denied because of how it is sent. If polls were
        throttled, every poll counts, since the endpoint may have answered no plain one.
        """
        if self.ended_at < inf:
            return self.ended_at + RETENTION_SECONDS if poll.label in _PLAIN or self.is_end_uncertain else inf
        return self._unseen_since + RETENTION_SECONDS


def forgotten_in(exchanges: Mapping[int, Exchange]) -> dict[str, int]:
    """The operations that the endpoint had forgotten, each with the number of the last exchange that showed it.

    A plain poll did not find them more than `RETENTION_SECONDS` after their end, and no later poll found them either. If polls
    were throttled, the end may have come right after the last poll that showed an operation. Then it counts from there.
    """
    histories: dict[str, _History] = {}
    for exchange in exchanges.values():
        address = read_target(exchange.request.resource)
        if address.kind is Kind.OPERATION and exchange.request.method == "GET":
            histories.setdefault(address.operation, _History()).add(exchange)
        elif address.kind is Kind.REIMAGE and exchange.is_successful and exchange.request_id:
            histories[exchange.request_id] = _History(exchange)
    return {name: each.shown.number for name, each in histories.items() if each.is_gone and each.shown is not None}


def is_of_the_forgotten(exchange: Exchange, forgotten: Mapping[str, int]) -> bool:
    """Whether a poll is refused for an operation that was forgotten by then.

    The documents do not say how long an operation is kept.
    """
    shown = forgotten.get(read_target(exchange.request.resource).operation)
    return shown is not None and exchange.number > shown and _is_denied(exchange)


def _is_denied(poll: Exchange) -> bool:
    """Whether a poll is answered that there is no such operation."""
    return poll.reply is not None and poll.reply.status in NOT_KNOWN
