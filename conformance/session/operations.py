"""Operations: each that was accepted has a task that polls it to its end, while the run goes on with other things."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING

import trio

from conformance.checks.polls import NOT_KNOWN as NOT_KNOWN_STATUSES
from conformance.checks.polls import STATUSES, TERMINAL, status_of
from conformance.checks.progress import RETENTION_SECONDS
from conformance.checks.wording import is_busy
from conformance.oracle import permitted
from conformance.protocol.addresses import read_target
from conformance.protocol.requests import VERSION_HEADER, with_header
from conformance.requirements import FIRST_VERSION
from conformance.session.manner import Manner
from conformance.session.signals import Inconclusive, Untested
from conformance.session.thresholds import (
    MAX_OVERDUE_OPERATIONS,
    MAX_RENEWED_OPERATIONS,
    MAX_UNANSWERED_POLLS,
    UNKNOWN_AGAIN_SECONDS,
    UNKNOWN_SECONDS,
    seconds_until_poll,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from conformance.model import Deployment, Exchange, Request
    from conformance.protocol.addresses import UriForm
    from conformance.protocol.requests import Place, RequestBuilder
    from conformance.session.budget import Budget
    from conformance.session.recorder import Recorder
    from conformance.session.sending import Sender
    from conformance.world import World

NOT_KNOWN = (
    "REQ-REIMAGE-REQID-USABLE",
    "REQ-GOS-ROOT",
    "REQ-GOS-STATUS",
    "REQ-GOS-200",
    "REQ-GOS-TERMINAL-STABLE",
    "REQ-GOS-READONLY",
)
"""What is to blame where no operation can be asked about any more."""


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

    `subscription` is "" where it belongs to the target's own. `interrupted` says that nobody asked for a while, until the next poll.
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


class Operations:
    """All operations of a run.

    `renew` starts the reimage of one anew, and `needed` says how many reimages others need more than that.
    """

    def __init__(self, sender: Sender, builder: RequestBuilder, budget: Budget, recorder: Recorder) -> None:
        self.all: list[Operation] = []
        self._sender, self._builder, self._budget, self._recorder = sender, builder, budget, recorder
        self._clock, self._limits = sender.clock, sender.limits
        self._tasks: trio.Nursery | None = None
        self._quiet = trio.Condition()
        self._renewed = 0
        self.renew: Callable[[Operation], Awaitable[Operation | None]] = _not_renewed
        self.needed: Callable[[], int] = int

    def follow_in(self, tasks: trio.Nursery) -> None:
        """From here on operations are polled by tasks of their own in `tasks`."""
        self._tasks = tasks

    def open(
        self,
        start: Exchange,
        place: Place | None = None,
        form: UriForm | None = None,
        *,
        anyway: bool = False,
        unwanted: bool = False,
    ) -> Operation:
        """Books the operation that an accepted request started, spends the budget for it, and has it polled to its end.

        `anyway` has it polled where others found no end; `unwanted` says that its request ought to have been refused.
        """
        operation = self._booked(start, self._clock.now(), place, form, unwanted=unwanted)
        self._recorder.note(
            "operation",
            start=start.number,
            identifier=operation.identifier,
            place=str(place or ""),
            form=form or "",
            unwanted=unwanted,
        )
        self._budget.spend(start.number)
        if not operation.identifier or (self.hopeless and not anyway):
            self.give_up(operation)  # there is nothing to poll, or no point in it
        elif self._tasks is not None:
            self._tasks.start_soon(self._follow, operation)
        return operation

    def _booked(
        self, start: Exchange, began: float, place: Place | None, form: UriForm | None, *, unwanted: bool
    ) -> Operation:
        identifier = (start.reply.header("x-ms-request-id") if start.reply is not None else "") or ""
        operation = Operation(start, identifier, began, place, form, unwanted=unwanted)
        if read_target(start.request.target).subscription == self.world.target.other_subscription_id:
            operation.subscription = self._builder.target.other_subscription_id or ""
        self.all.append(operation)
        return operation

    def reopen(
        self,
        start: Exchange,
        place: Place | None,
        form: UriForm | None,
        polls: Sequence[Exchange],
        origin: float,
        gap: float,
        *,
        unwanted: bool,
    ) -> Operation:
        """Books an operation again that an earlier part of the run started, with the `polls` of it until then; one under way is polled on.

        `origin` is the reading of the clock when the run began. For one that was under way the `gap` between the parts, in seconds, does not
        count: nobody asked meanwhile.
        """
        operation = self._booked(start, origin + start.at + start.elapsed, place, form, unwanted=unwanted)
        for poll in polls:
            operation.polls.append(poll)
            operation.polled = origin + poll.at + poll.elapsed
            if operation.is_under_way:
                self._take(operation, poll, operation.polled)
        if not operation.identifier:
            self.give_up(operation)
        elif not operation.is_under_way:
            operation.over.set()
        elif self._tasks is not None:
            operation.began += gap
            operation.interrupted = True
            self._tasks.start_soon(self._follow, operation)
        return operation

    def give_up(self, operation: Operation) -> None:
        """Polls the operation no more."""
        operation.state = State.LOST
        operation.over.set()

    async def _follow(self, operation: Operation) -> None:
        """Polls one operation to its end."""
        try:
            while operation.is_under_way:
                await self.poll(operation)
                if operation.is_under_way:
                    waited = self._clock.now() - operation.began
                    await self._sender.patience.rest(seconds_until_poll(waited, self._limits.poll_interval_seconds))
        except Inconclusive:  # the endpoint was given up
            operation.state, operation.ended = State.LOST, self._clock.now()
        finally:
            operation.over.set()
            with trio.CancelScope(shield=True):
                async with self._quiet:
                    self._quiet.notify_all()

    async def until_polled(self, operation: Operation) -> None:
        """Waits until an operation that nobody asked about for a while is asked about again, or is over."""
        while operation.interrupted and operation.is_under_way:
            await self.a_while(operation)

    async def a_while(self, operation: Operation) -> None:
        """Waits as long as until the next poll of an operation, or until it is over."""
        waited = self._clock.now() - operation.began
        with trio.move_on_after(seconds_until_poll(waited, self._limits.poll_interval_seconds)):
            await operation.over.wait()

    async def until_quiet(self, deployment: Deployment | None = None) -> None:
        """Waits until no operation of ours runs on `deployment`, or on any."""
        async with self._quiet:
            while self.is_busy(deployment) if deployment is not None else self.under_way:
                await self._quiet.wait()

    def at(self, place: Place) -> list[Operation]:
        """The operations of an instance, over or not."""
        return [operation for operation in self.all if operation.place == place]

    async def until_over(self, place: Place) -> None:
        """Waits until no operation of ours runs that addressed an instance of this name."""
        name = place.role_instance
        for operation in self.under_way:
            if read_target(operation.start.request.target).instance == name:
                await operation.over.wait()

    @property
    def world(self) -> World:
        """The world that requests are judged in."""
        return self._recorder.world

    @property
    def under_way(self) -> list[Operation]:
        """Those still to be polled."""
        return [operation for operation in self.all if operation.is_under_way]

    @property
    def usual_seconds(self) -> float | None:
        """The longest time that an operation was seen to take, in seconds; None while none was seen to end."""
        return max((o.duration for o in self.all if o.state is State.ENDED), default=None)

    def is_busy(self, deployment: Deployment) -> bool:
        """Whether an operation of ours runs on a deployment."""
        return any(o.place is not None and o.place.deployment == deployment for o in self.under_way)

    @property
    def hopeless(self) -> bool:
        """Whether so many operations found no end that starting more would only waste time and reimages."""
        stuck = [o for o in self.all if o.state is State.OVERDUE or (o.state is State.LOST and not o.unwanted)]
        ended = [o for o in self.all if o.state is State.ENDED]
        return len(stuck) >= MAX_OVERDUE_OPERATIONS and len(stuck) > len(ended)

    @property
    def unwanted(self) -> int:
        """How many operations requests started that ought to have been refused, then or later."""
        return sum(1 for operation in self.all if operation.unwanted and operation.status != "Failed")

    async def known(self, status: str = "") -> Operation:
        """An operation of the target's own subscription that the endpoint knows now; with `status`, one that came to this end.

        Where all are forgotten, a reimage is started once more for the sake of one that is known (REQ-GOS-RETENTION), a few times.
        Raises Inconclusive where there is none, Untested where no more are started.
        """
        found = await self._known(status)
        forgotten = [o for o in self.all if o.is_forgotten and not o.subscription and status in ("", o.status)]
        affordable = self._renewed < MAX_RENEWED_OPERATIONS and self._budget.allows(reserved=self.needed())
        if found is None and forgotten and affordable:
            self._renewed += 1
            found = await self.renew(forgotten[0])
        if found is None and forgotten:
            raise Untested(
                "operations are forgotten soon after their end, and no more reimages are started to have one that is known"
            )
        if found is None:
            raise Inconclusive(f"no operation {status or 'that can be asked about'} is known", NOT_KNOWN)
        return found

    async def known_poll(self) -> Request:
        """A poll of an operation that is known, to see that an ordinary request is answered 200; raises as `known` does."""
        return self._builder.operation_status((await self.known()).identifier)

    async def _known(self, status: str) -> Operation | None:
        for operation in self.all:
            right = not status or (operation.state is State.ENDED and operation.status == status)
            if right and not operation.subscription and await self.is_known_now(operation):
                return operation
        return None

    async def is_known_now(self, operation: Operation) -> bool:
        """Whether an operation is known; one that is over for so long that it may be forgotten by now is polled."""
        old = not operation.is_under_way and self._clock.now() > operation.ended + RETENTION_SECONDS
        if operation.is_still_known and old:
            poll = partial(self.poll, operation, label="poll-known")
            await self._sender.past_throttling(await poll(), poll)
        return operation.is_still_known

    async def poll(self, operation: Operation, *, version: str | None = None, label: str = "poll") -> Exchange:
        """One poll, whatever the state; those of an operation under way never overlap, so that their order tells a story."""
        if not operation.is_under_way:
            return await self._ask(operation, version, label)
        async with operation.asking:
            was_under_way, first = operation.is_under_way, not operation.polls
            exchange = await self._ask(operation, version, label)
            if operation.is_under_way and first and status_of(exchange) in STATUSES:
                await self._ask_otherwise(operation)
            ends = was_under_way and operation.state is State.ENDED
            if ends:
                await self._ask(operation, None, "poll-after-end")
        if ends or (first and status_of(exchange) in STATUSES):
            await self._look_back(operation)  # outside of the lock: two that end together look back at each other
        return exchange

    async def _ask(self, operation: Operation, version: str | None, label: str) -> Exchange:
        under = operation.subscription or None
        request = self._builder.operation_status(operation.identifier, version=version, subscription=under)
        exchange = await self._sender.once(replace(request, identity=operation.start.request.identity), Manner(label))
        insort(operation.polls, exchange, key=attrgetter("number"))
        operation.polled = self._clock.now()
        if operation.is_under_way:
            self._take(operation, exchange, operation.polled)
        return exchange

    async def _ask_otherwise(self, operation: Operation) -> None:
        """Polls an operation under way with the oldest version as well; what comes counts if it is an answer."""
        request = self._builder.operation_status(operation.identifier, subscription=operation.subscription or None)
        oldest = with_header(request, VERSION_HEADER, FIRST_VERSION)
        exchange = await self._sender.once(
            replace(oldest, identity=operation.start.request.identity), Manner("poll-otherwise")
        )
        if status_of(exchange):
            operation.polls.append(exchange)
            self._take(operation, exchange, self._clock.now())

    async def _look_back(self, operation: Operation) -> None:
        """Polls the last operation that ended on the same instance, and on the same deployment: neither the start of a later one nor its end changes theirs."""
        if operation.place is None:
            return
        ended = [o for o in self.all if o.state is State.ENDED and o.place is not None and o is not operation]
        here = [o for o in ended if o.place == operation.place][-1:]
        near = [o for o in ended if o.place and o.place.deployment == operation.place.deployment][-1:]
        for earlier in here + [o for o in near if o not in here]:
            await self.poll(earlier, label="poll-overtaken")

    def _take(self, operation: Operation, exchange: Exchange, now: float) -> None:
        """Takes what a poll, answered at the reading `now` of the clock, means for the state of its operation."""
        if operation.interrupted and exchange.reply is not None and not is_busy(exchange):
            operation.interrupted = False
            if exchange.reply.status in NOT_KNOWN_STATUSES:
                self._drop(operation, now)
                return
        waited = now - operation.began
        shown = status_of(exchange)
        status = shown if shown in STATUSES else _loosely(exchange)
        if exchange.reply is not None:
            operation.unanswered = 0
        elif self._sender.answers_others(exchange):
            operation.unanswered += 1
        if status in TERMINAL:
            operation.state, operation.status, operation.ended = State.ENDED, status, now
            self._finish(operation)
        elif operation.unanswered >= MAX_UNANSWERED_POLLS:
            operation.state, operation.ended = State.LOST, now
        elif waited >= self._limits.operation_timeout_seconds:
            operation.state, operation.ended = State.OVERDUE, now
        elif _is_refused(exchange) and not operation.is_known and waited >= self._unknown_seconds(exchange):
            operation.state, operation.ended = State.LOST, now

    def _unknown_seconds(self, poll: Exchange) -> float:
        """How long after its acceptance an operation is given up that no poll ever found; a throttled poll denies nothing."""
        again = any(o.state is State.LOST for o in self.all)
        longest = UNKNOWN_AGAIN_SECONDS if again else UNKNOWN_SECONDS
        if is_busy(poll):
            longest = max(longest, self._sender.patience.seconds)
        return min(longest, self._limits.operation_timeout_seconds)

    def _drop(self, operation: Operation, now: float) -> None:
        """Leaves an operation out that ended while nobody asked, and is forgotten: nothing can be said of its end."""
        operation.state, operation.ended = State.UNSEEN, now
        self.all.remove(operation)

    def _finish(self, operation: Operation) -> None:
        """Gives the budget back where nothing was reimaged."""
        failed_late = operation.status == "Failed" and any(
            defect.later for defect in permitted(operation.start.request, self._recorder.world).defects
        )
        if failed_late:
            self._budget.give_back(operation.start.number)


async def _not_renewed(operation: Operation) -> Operation | None:
    """No operation, where nobody said how one is started anew."""
    del operation
    return None


def _is_refused(poll: Exchange) -> bool:
    """Whether an error was answered."""
    return poll.reply is not None and poll.reply.status >= 400


def _loosely(exchange: Exchange) -> str:
    """The terminal status that an ill-formed document still betrays, so that waiting for it can stop."""
    if exchange.reply is None or not 200 <= exchange.reply.status < 300:
        return ""
    body = exchange.reply.body.replace(b"\0", b"")
    return next((status for status in TERMINAL if status.encode() in body), "")
