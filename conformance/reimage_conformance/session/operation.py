"""One operation that the endpoint started, and its state."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, field
from enum import StrEnum
from operator import attrgetter
from typing import TYPE_CHECKING

import trio

from reimage_conformance.judging.operations.polls import STATUSES, status_of, version_of, versions_that_show
from reimage_conformance.judging.operations.progress import RETENTION_SECONDS
from reimage_conformance.judging.wording import is_busy

if TYPE_CHECKING:
    from reimage_conformance.model import Exchange
    from reimage_conformance.protocol.addresses import UriForm
    from reimage_conformance.protocol.requests import Place


class State(StrEnum):
    """The state of an operation, as far as the suite knows.

    OVERDUE reached no end in time. LOST was given up: it could not be polled any more, or was not to be polled.
    """

    UNDER_WAY = "under way"
    ENDED = "ended"
    OVERDUE = "overdue"
    LOST = "lost"
    UNSEEN = "ended unseen"
    """It ended between two parts of the run, and the endpoint no longer knew it in the second part."""


@dataclass(slots=True)
class Operation:
    """An operation that the endpoint started; `began`, `polled` and `ended` are readings of the run's clock, in seconds.

    `start` is the exchange that started it. `subscription` is "" for the target's own. `unanswered` and `denied` count
    the last polls in a row that got no reply, and that were answered 401 or 403. `unwanted` says that the request ought
    to have been refused. `interrupted` says that the run was interrupted since the last poll. `heads` are HEAD requests
    on the operation. `over` is set when it is no longer polled. `asking` is held while one poll of it is under way.
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

    def add_poll(self, poll: Exchange) -> None:
        """Adds a poll; polls stay in the order of their numbers, also where two tasks ask about one operation."""
        insort(self.polls, poll, key=attrgetter("number"))

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
        """Seconds from acceptance until polling stopped; 0 while it is under way, and if it was given up without a poll."""
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
        """Whether the last poll that was not throttled showed one of the three statuses.

        A poll whose x-ms-version never showed one does not count (`versions_that_show`).
        """
        versions = versions_that_show(self.polls)
        served = [poll for poll in self.polls if version_of(poll) in versions and not is_busy(poll)]
        return bool(served) and status_of(served[-1]) in STATUSES

    @property
    def is_forgotten(self) -> bool:
        """Whether the endpoint no longer knows it, and may have forgotten it because its end is long ago (REQ-GOS-RETENTION)."""
        if self.state is not State.ENDED or self.is_still_known:
            return False
        return self.polled > self.ended + RETENTION_SECONDS
