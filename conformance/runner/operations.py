"""Operations under way: each is polled when its time comes, while the run goes on with other things."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from conformance.checks.polls import STATUSES, TERMINAL, status_of
from conformance.checks.progress import RETENTION_SECONDS
from conformance.checks.wording import is_busy
from conformance.oracle import permitted
from conformance.protocol.addresses import read_target
from conformance.protocol.requests import VERSION_HEADER, with_header
from conformance.requirements import FIRST_VERSION
from conformance.runner.dispatch import BUSY_TRIES
from conformance.runner.pacing import until_next_poll

if TYPE_CHECKING:
    from conformance.model import Deployment, Exchange, Request
    from conformance.protocol.addresses import UriForm
    from conformance.protocol.requests import Place, RequestBuilder
    from conformance.runner.budget import Budget
    from conformance.runner.dispatch import Dispatcher
    from conformance.runner.recorder import Recorder
    from conformance.world import World

UNUSABLE_SECONDS = 10.0
UNUSABLE_AGAIN_SECONDS = 2.5
LOST_AFTER = 2
OVERDUE_LIMIT = 2


class State(StrEnum):
    """How far an operation is, as far as the suite knows."""

    UNDER_WAY = "under way"
    ENDED = "ended"
    OVERDUE = "overdue"
    LOST = "lost"


@dataclass(slots=True)
class Operation:
    """An operation that the endpoint accepted; moments in seconds of the run's clock.

    `subscription` is "" where it belongs to the target's own.
    """

    start: Exchange
    identifier: str
    began: float
    place: Place | None = None
    form: UriForm | None = None
    polls: list[Exchange] = field(default_factory=list)
    state: State = State.UNDER_WAY
    status: str = ""
    due: float = 0.0
    polled: float = 0.0
    ended: float = 0.0
    unanswered: int = 0
    unwanted: bool = False
    subscription: str = ""
    heads: list[Exchange] = field(default_factory=list)

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
        told = [poll for poll in self.polls if not is_busy(poll)]
        return bool(told) and status_of(told[-1]) in STATUSES

    @property
    def is_forgotten(self) -> bool:
        """Whether the last poll did not find it any more, so long after its end that it may be forgotten (REQ-GOS-RETENTION)."""
        if self.state is not State.ENDED or self.is_still_known:
            return False
        return self.polled > self.ended + RETENTION_SECONDS


class OperationBook:
    """All operations of a run."""

    def __init__(self, dispatcher: Dispatcher, builder: RequestBuilder, budget: Budget, recorder: Recorder) -> None:
        self.operations: list[Operation] = []
        self._dispatcher, self._builder, self._budget, self._recorder = dispatcher, builder, budget, recorder
        self._clock = dispatcher.clock
        self._limits = dispatcher.limits

    def open(
        self, start: Exchange, place: Place | None = None, form: UriForm | None = None, *, anyway: bool = False
    ) -> Operation:
        """Books the operation that an accepted request started, and spends the budget for it; `anyway` follows it where others found no end."""
        identifier = (start.reply.header("x-ms-request-id") if start.reply is not None else "") or ""
        now = self._clock.now()
        operation = Operation(start, identifier, now, place, form, due=now)
        if read_target(start.request.target).subscription == self.world.target.other_subscription_id:
            operation.subscription = self._builder.target.other_subscription_id or ""
        if not identifier or (self.hopeless and not anyway):
            operation.state = State.LOST  # there is nothing to poll, or no point in it
        self._budget.spend(start.number)
        self.operations.append(operation)
        self._recorder.note(
            "operation", start=start.number, identifier=identifier, place=str(place or ""), form=form or ""
        )
        return operation

    @property
    def world(self) -> World:
        """The world that requests are judged in."""
        return self._recorder.world

    @property
    def under_way(self) -> list[Operation]:
        """Those still to be polled."""
        return [operation for operation in self.operations if operation.is_under_way]

    def is_busy(self, deployment: Deployment) -> bool:
        """Whether an operation of ours runs on a deployment."""
        return any(o.place is not None and o.place.deployment == deployment for o in self.under_way)

    @property
    def hopeless(self) -> bool:
        """Whether so many operations found no end that starting more would only waste time and reimages."""
        stuck = [o for o in self.operations if o.state is State.OVERDUE or (o.state is State.LOST and not o.unwanted)]
        ended = [o for o in self.operations if o.state is State.ENDED]
        return len(stuck) >= OVERDUE_LIMIT and len(stuck) > len(ended)

    @property
    def unwanted(self) -> int:
        """How many operations requests started that ought to have been refused, then or later."""
        return sum(1 for operation in self.operations if operation.unwanted and operation.status != "Failed")

    def known(self, status: str = "") -> Operation | None:
        """An operation of the target's own subscription that is known now, if any; with `status`, one that came to this end."""
        own = (operation for operation in self.operations if not operation.subscription)
        right = (o for o in own if not status or (o.state is State.ENDED and o.status == status))
        return next((operation for operation in right if self.is_known_now(operation)), None)

    def is_known_now(self, operation: Operation) -> bool:
        """Whether an operation is known; one that is over for so long that it may be forgotten by now is polled."""
        old = not operation.is_under_way and self._clock.now() > operation.ended + RETENTION_SECONDS
        if operation.is_still_known and old:
            exchange, tries = self.poll(operation, label="poll-known"), 1
            while is_busy(exchange) and tries < BUSY_TRIES:
                self._clock.sleep(self._limits.poll_interval_seconds)
                exchange, tries = self.poll(operation, label="poll-known"), tries + 1
        return operation.is_still_known

    def tick(self) -> None:
        """Polls every operation whose time has come."""
        for operation in self.under_way:
            if self._clock.now() >= operation.due:
                self.poll(operation)

    def wait(self, operation: Operation) -> None:
        """Goes on polling until `operation` is over, one way or another."""
        while operation.is_under_way:
            self._dispatcher.before()
            if operation.is_under_way:
                self.pause()

    def pause(self) -> None:
        """Sleeps until the next poll is due."""
        due = min((operation.due for operation in self.under_way), default=self._clock.now())
        self._clock.sleep(min(max(due - self._clock.now(), 0.001), self._limits.poll_interval_seconds))

    def poll(self, operation: Operation, *, version: str | None = None, label: str = "poll") -> Exchange:
        """One poll, whatever the state."""
        under = operation.subscription or None
        request = self._builder.operation_status(operation.identifier, version=version, subscription=under)
        request = replace(request, identity=operation.start.request.identity)
        exchange = self._dispatcher.once(request, label=label)
        operation.polls.append(exchange)
        operation.polled = self._clock.now()
        if operation.is_under_way:
            self._take(operation, exchange)
        if operation.is_under_way and len(operation.polls) == 1 and status_of(exchange) in STATUSES:
            self._look_back(operation)
            self._ask_otherwise(operation, request)
        return exchange

    def _ask_otherwise(self, operation: Operation, request: Request) -> None:
        """Polls an operation under way with the oldest version as well; what comes counts if it is an answer."""
        oldest = with_header(request, VERSION_HEADER, FIRST_VERSION)
        exchange = self._dispatcher.once(oldest, label="poll-otherwise")
        if status_of(exchange):
            operation.polls.append(exchange)
            self._take(operation, exchange)

    def _look_back(self, operation: Operation) -> None:
        """Polls the last operation that ended on the same instance, and on the same deployment: neither the start of a later one nor its end changes theirs."""
        if operation.place is None:
            return
        ended = [o for o in self.operations if o.state is State.ENDED and o.place is not None and o is not operation]
        here = [o for o in ended if o.place == operation.place][-1:]
        near = [o for o in ended if o.place and o.place.deployment == operation.place.deployment][-1:]
        for earlier in here + [o for o in near if o not in here]:
            self.poll(earlier, label="poll-overtaken")

    def _take(self, operation: Operation, exchange: Exchange) -> None:
        """What a poll means for the state of its operation."""
        now = self._clock.now()
        waited = now - operation.began
        shown = status_of(exchange)
        status = shown if shown in STATUSES else _loosely(exchange)
        operation.unanswered = operation.unanswered + 1 if exchange.reply is None else 0
        if status in TERMINAL:
            operation.state, operation.status, operation.ended = State.ENDED, status, now
            self._finish(operation)
        elif operation.unanswered >= LOST_AFTER:
            operation.state, operation.ended = State.LOST, now
        elif waited >= self._limits.operation_timeout_seconds:
            operation.state, operation.ended = State.OVERDUE, now
        elif exchange.reply is not None and exchange.reply.status >= 400 and not operation.is_known:
            again = any(o.state is State.LOST for o in self.operations)
            if waited >= min(
                UNUSABLE_AGAIN_SECONDS if again else UNUSABLE_SECONDS, self._limits.operation_timeout_seconds
            ):
                operation.state, operation.ended = State.LOST, now
        operation.due = now + until_next_poll(waited, self._limits.poll_interval_seconds)

    def _finish(self, operation: Operation) -> None:
        """After the end: one more look at the status, and the budget back where nothing was reimaged."""
        self.poll(operation, label="poll-after-end")
        self._look_back(operation)
        failed_late = operation.status == "Failed" and any(
            defect.later for defect in permitted(operation.start.request, self._recorder.world).defects
        )
        if failed_late:
            self._budget.give_back(operation.start.number)


def _loosely(exchange: Exchange) -> str:
    """The terminal status that an ill-formed document still betrays, so that waiting for it can stop."""
    if exchange.reply is None or not 200 <= exchange.reply.status < 300:
        return ""
    body = exchange.reply.body.replace(b"\0", b"")
    return next((status for status in TERMINAL if status.encode() in body), "")
