"""One operation that the endpoint accepted, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

import trio

from reimage_conformance.judging.operations.polls import STATUSES, status_of
from reimage_conformance.judging.operations.progress import RETENTION_SECONDS
from reimage_conformance.judging.wording import is_busy

if TYPE_CHECKING:
    from reimage_conformance.model import Exchange
    from reimage_conformance.protocol.addresses import UriForm
    from reimage_conformance.protocol.requests import Place


class State(StrEnum):
    """How far an operation is, as far as the suite knows."""

    UNDER_WAY = "under way"
    ENDED = "ended"
    OVERDUE = "overdue"
    LOST = "lost"
    UNSEEN = "ended unseen"
    """It ended between two parts of the run, and was forgotten by the second one."""


@dataclass(slots=True)
class Operation:
    """An operation that the endpoint accepted; moments in seconds of the run's clock.

    `subscription` is "" where it belongs to the target's own. `unanswered` and `denied` count the last polls in a row that got no reply, and that
    the caller was not allowed. `interrupted` says that nobody asked for a while, until the next poll.
    """

    start: Exchange
    identifier: str
    began: float
    place: Place | None = None
    form: UriForm | None = None
    polls: list[Exchange] = field(default_factory=list)
    state: State = State.UNDER_WAY
    status: str = ""
    polled: float = 0.0
    ended: float = 0.0
    unanswered: int = 0
    denied: int = 0
    unwanted: bool = False
    interrupted: bool = False
    subscription: str = ""
    heads: list[Exchange] = field(default_factory=list)
    over: trio.Event = field(default_factory=trio.Event)
    asking: trio.Lock = field(default_factory=trio.Lock)

    @property
    def asked(self) -> list[Exchange]:
        """Every poll, and every HEAD on the operation, in order."""
        return sorted([*self.polls, *self.heads], key=lambda exchange: exchange.number)

    @property
    def is_under_way(self) -> bool:
        """Whether it is still to be polled."""
        return self.state is State.UNDER_WAY

    @property
    def duration(self) -> float:
        """Seconds from acceptance to the end, or to the last poll."""
        return max(self.ended - self.began, 0.0)

    @property
    def exchanges(self) -> list[Exchange]:
        """The 202 and every poll."""
        return [self.start, *self.polls]

    @property
    def is_known(self) -> bool:
        """Whether any poll showed one of the three statuses."""
        return any(status_of(poll) in STATUSES for poll in self.polls)

    @property
    def is_still_known(self) -> bool:
        """Whether the last poll that was not throttled showed one of them."""
        served = [poll for poll in self.polls if not is_busy(poll)]
        return bool(served) and status_of(served[-1]) in STATUSES

    @property
    def is_forgotten(self) -> bool:
        """Whether the last poll did not find it any more, so long after its end that it may be forgotten (REQ-GOS-RETENTION)."""
        if self.state is not State.ENDED or self.is_still_known:
            return False
        return self.polled > self.ended + RETENTION_SECONDS
