"""Operations: each accepted operation has a task that polls it to its end, while the rest of the run goes on."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import trio

from reimage_conformance.judging.operations.polls import TERMINAL, status_of
from reimage_conformance.judging.operations.progress import RETENTION_SECONDS
from reimage_conformance.judging.oracle import expectation_of
from reimage_conformance.model import Why
from reimage_conformance.protocol.addresses import read_target
from reimage_conformance.session.operation import Operation, State
from reimage_conformance.session.polling import Polling
from reimage_conformance.session.signals import Inconclusive, Untested
from reimage_conformance.session.thresholds import MAX_OVERDUE_OPERATIONS, MAX_RENEWED_OPERATIONS, seconds_until_poll

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Deployment, Exchange, Request
    from reimage_conformance.protocol.addresses import UriForm
    from reimage_conformance.protocol.requests import Place, RequestBuilder
    from reimage_conformance.session.budget import Budget
    from reimage_conformance.session.recorder import Recorder
    from reimage_conformance.session.sending import Sender

__all__ = ["UNPOLLED", "UNPOLLED_BECAUSE", "Operation", "Operations", "State"]

UNPOLLED = "no reimage gave an x-ms-request-id that could be polled"
"""Why a case that needs an operation is inconclusive where the run has none."""
UNPOLLED_BECAUSE = (
    "REQ-REIMAGE-REQID-USABLE",
    "REQ-GOS-ROOT",
    "REQ-GOS-STATUS",
    "REQ-GOS-200",
    "REQ-GOS-TERMINAL-STABLE",
    "REQ-GOS-READONLY",
)
"""The requirements whose violation explains that no operation can be polled."""


class Operations:
    """All operations of a run.

    `Reimages` sets two callbacks. `renew` repeats the reimage of a forgotten operation, and gives the new operation, or
    None where the endpoint does not know it. `reimages_needed` gives the number of reimages that others still need:
    `known` starts a reimage only if at least that many stay in the budget.

    `Operation.is_still_known` says whether the endpoint knows an operation, `Operation.is_forgotten` whether it may have forgotten one long after its end.
    """

    def __init__(self, sender: Sender, builder: RequestBuilder, budget: Budget, recorder: Recorder) -> None:
        self.all: list[Operation] = []
        self._sender, self._builder, self._budget, self._recorder = sender, builder, budget, recorder
        self._clock, self._limits = sender.clock, sender.limits
        self._polling = Polling(self.all, sender=sender, builder=builder, budget=budget, recorder=recorder)
        self._tasks: trio.Nursery | None = None
        self._quiet = trio.Condition()
        self._starting: list[Place] = []
        self._renewals = 0
        self.renew: Callable[[Operation], Awaitable[Operation | None]] = _renew_nothing
        self.reimages_needed: Callable[[], int] = lambda: 0

    def follow_in(self, tasks: trio.Nursery) -> None:
        """Sets the nursery in which the tasks that poll operations run."""
        self._tasks = tasks

    def note_head(self, exchange: Exchange) -> None:
        """Adds an exchange to the operation that it addresses if its request is a HEAD; other exchanges are ignored."""
        if exchange.request.method != "HEAD":
            return
        identifier = read_target(exchange.request.resource).operation
        if not identifier:
            return
        for operation in self.all:
            if operation.identifier == identifier:
                operation.heads.append(exchange)

    def open(
        self,
        start: Exchange,
        place: Place | None = None,
        form: UriForm | None = None,
        *,
        even_if_hopeless: bool = False,
        unwanted: bool = False,
    ) -> Operation:
        """Adds the operation of an accepted request, spends one reimage of the budget, and starts the task that polls it to its end.

        An operation without id is given up instead of polled, and so is one of a run that is `hopeless`, unless
        `even_if_hopeless`. `unwanted` says that the request ought to have been refused.
        """
        operation = self._add(start, self._clock.now(), place, form, unwanted=unwanted)
        self._recorder.note(
            "operation",
            start=start.number,
            identifier=operation.identifier,
            place=str(place or ""),
            form=form or "",
            unwanted=unwanted,
        )
        self._budget.spend(start.number)
        if not operation.identifier or (self.hopeless and not even_if_hopeless):
            self.give_up(operation)
        elif self._tasks is not None:
            self._tasks.start_soon(self._follow, operation)
        return operation

    def _add(
        self, start: Exchange, began: float, place: Place | None, form: UriForm | None, *, unwanted: bool
    ) -> Operation:
        """Adds an operation; if its request may make it fail late, the budget may get the reimage back until the operation ends."""
        operation = Operation(start, start.request_id, began, place, form, unwanted=unwanted)
        # Recorded exchanges and `world` hold masked ids; the polls that are to be sent need the id of the target file.
        second_id = self.world.target.other_subscription_id or ""
        if second_id and read_target(start.request.resource).subscription.lower() == second_id.lower():
            operation.subscription = self._builder.target.other_subscription_id or ""
        self.all.append(operation)
        if expectation_of(start.request, self.world).may_fail_late:
            self._budget.leave_open(start.number)
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
        """Adds an operation of an earlier part of the run, with its `polls` until then; an unfinished one is polled further.

        `origin` is the reading of the clock when the run began. The `gap` between the parts, in seconds, is not counted
        as part of the duration of an unfinished operation, since it was not polled then.
        """
        operation = self._add(start, origin + start.at + start.elapsed, place, form, unwanted=unwanted)
        for poll in polls:
            operation.add_poll(poll)
            operation.polled = origin + poll.at + poll.elapsed
            if operation.is_under_way:
                self._polling.take(operation, poll, operation.polled)
        if not operation.identifier:
            self.give_up(operation)
        elif not operation.is_under_way:
            self._end(operation)
        elif self._tasks is not None:
            operation.began += gap
            operation.interrupted = True
            self._tasks.start_soon(self._follow, operation)
        return operation

    def give_up(self, operation: Operation) -> None:
        """Marks an operation as LOST: it is not polled to its end, or not any further if its task has begun."""
        operation.state = State.LOST
        self._end(operation)

    def _end(self, operation: Operation) -> None:
        """Settles the budget of an operation, and wakes the tasks that wait for its end.

        The reimage stays spent, unless `Polling` has given it back because the operation failed because of its request.
        """
        self._budget.settle(operation.start.number)
        operation.over.set()

    async def _follow(self, operation: Operation) -> None:
        """Polls one operation to its end."""
        try:
            while operation.is_under_way:
                await self.poll(operation)
                if operation.is_under_way:
                    waited = self._clock.now() - operation.began
                    await self._sender.patience.rest(seconds_until_poll(waited, self._limits.poll_interval_seconds))
        except Inconclusive:  # the endpoint, or this kind of poll, was given up
            operation.state, operation.ended = State.LOST, self._clock.now()
        finally:
            self._end(operation)
            with trio.CancelScope(shield=True):  # also when this task is being cancelled: others must not wait for ever
                async with self._quiet:
                    self._quiet.notify_all()

    def ends_of(self, *starts: Exchange) -> list[Exchange]:
        """The polls that showed the end of the operations which these requests started."""
        numbers = {start.number for start in starts}
        polls = [poll for each in self.all if each.start.number in numbers for poll in each.polls]
        return [poll for poll in polls if status_of(poll) in TERMINAL]

    async def until_polled(self, operation: Operation) -> None:
        """Waits until an operation of an earlier part of the run has been polled in this part, or is over.

        The first poll whose answer is not throttling sets `interrupted` to False (`Polling.take`).
        """
        while operation.interrupted and operation.is_under_way:
            await self.wait_one_poll_interval(operation)

    async def wait_one_poll_interval(self, operation: Operation) -> None:
        """Waits for the present interval between two polls of an operation, or until it is over; polls nothing."""
        waited = self._clock.now() - operation.began
        with trio.move_on_after(seconds_until_poll(waited, self._limits.poll_interval_seconds)):
            await operation.over.wait()

    async def until_quiet(self, deployment: Deployment | None = None) -> None:
        """Waits until no operation of ours runs on `deployment`; without `deployment`, until none runs at all."""
        async with self._quiet:
            while self.has_operation_on(deployment) if deployment is not None else self.under_way:
                await self._quiet.wait()

    def at(self, place: Place) -> list[Operation]:
        """The operations of an instance, over or not."""
        return [operation for operation in self.all if operation.place == place]

    async def until_over_by_name(self, place: Place) -> None:
        """Waits for the end of those operations, under way now, that addressed an instance of this name in any deployment.

        Operations without `place` count too: their requests addressed an instance that is not listed.
        """
        name = place.role_instance
        for operation in self.under_way:
            if read_target(operation.start.request.resource).instance == name:
                await operation.over.wait()

    @property
    def world(self) -> World:
        """The world that requests are judged in."""
        return self._recorder.world

    @property
    def under_way(self) -> list[Operation]:
        """The operations that are still to be polled."""
        return [operation for operation in self.all if operation.is_under_way]

    @property
    def longest_seconds(self) -> float | None:
        """The longest time that an operation was seen to take, in seconds; None while none was seen to end."""
        return max((o.duration for o in self.all if o.state is State.ENDED), default=None)

    def has_operation_on(self, deployment: Deployment) -> bool:
        """Whether an operation of ours runs on a deployment."""
        return any(o.place is not None and o.place.deployment == deployment for o in self.under_way)

    def may_have_operation_on(self, deployment: Deployment) -> bool:
        """Whether an operation of ours runs on a deployment, or a request that is to start one has no answer yet."""
        starting = any(place.deployment == deployment for place in self._starting)
        return self.has_operation_on(deployment) or starting

    def may_reach_by_name(self, place: Place) -> bool:
        """Whether an operation of ours runs, or is being started, on an instance of the same name in another deployment.

        An endpoint that mixes deployments up may be reimaging the instance at `place` instead.
        """
        running = [operation.place for operation in self.under_way if operation.place is not None]
        others = [each for each in (*running, *self._starting) if each.deployment != place.deployment]
        return any(each.role_instance == place.role_instance for each in others)

    @contextmanager
    def starting(self, place: Place) -> Iterator[None]:
        """Notes that a request under way is to start an operation on an instance."""
        self._starting.append(place)
        try:
            yield
        finally:
            self._starting.remove(place)

    @property
    def hopeless(self) -> bool:
        """Whether at least MAX_OVERDUE_OPERATIONS operations reached no end, and more reached none than ended.

        Then the campaign starts no reimages, and `open` gives up new operations. An `unwanted` operation that is LOST does
        not count.
        """
        stuck = [o for o in self.all if o.state is State.OVERDUE or (o.state is State.LOST and not o.unwanted)]
        ended = [o for o in self.all if o.state is State.ENDED]
        return len(stuck) >= MAX_OVERDUE_OPERATIONS and len(stuck) > len(ended)

    @property
    def unwanted_count(self) -> int:
        """How many operations were started by requests that ought to have been refused, and have not ended Failed."""
        return sum(1 for operation in self.all if operation.unwanted and operation.status != "Failed")

    async def known(self, status: str = "") -> Operation:
        """An operation of the target's own subscription that the endpoint knows now; with `status`, one that ended with it.

        This may start a reimage: where the endpoint has forgotten all such operations (REQ-GOS-RETENTION), the reimage of
        one of them is repeated, at most MAX_RENEWED_OPERATIONS times in a run. Raises Inconclusive where there is no
        operation, Untested where all are forgotten and a repeated reimage gives none that is known, or is not possible.
        """
        found = await self._first_known(status)
        if found is not None:
            return found
        forgotten = [o for o in self.all if o.is_forgotten and not o.subscription and status in ("", o.status)]
        if forgotten:
            return await self._renewal_of(forgotten[0])
        message = f"the run had no operation that ended {status}" if status else UNPOLLED
        why = {"": Why.OTHER, "Failed": Why.NO_FAILURE}.get(status, Why.NO_END)
        raise Inconclusive(message, UNPOLLED_BECAUSE, why)

    async def _renewal_of(self, forgotten: Operation) -> Operation:
        """The operation of a repeated reimage, in place of a forgotten one; raises Untested where it cannot be had."""
        if self._renewals >= MAX_RENEWED_OPERATIONS:
            why = f"the suite has repeated {MAX_RENEWED_OPERATIONS} reimages because of that, and repeats no more"
        elif not self._budget.can_hold_now(reserved=self.reimages_needed()):
            why = "max_reimages under [limits] in the target file leaves no room for another reimage"
        else:
            self._renewals += 1
            again = await self.renew(forgotten)
            if again is not None:
                return again
            why = "no repeated reimage gave one that it still knew"
        raise Untested(f"the endpoint forgets operations soon after their end, and {why}")

    async def known_poll(self) -> Request:
        """A request, not sent yet, that polls a known operation: it ought to be answered 200.

        This may start a reimage, and raises, as `known` does.
        """
        return self._builder.operation_status((await self.known()).identifier)

    async def _first_known(self, status: str) -> Operation | None:
        """The first operation that the endpoint knows and that fits `status`, or None; polls those that may have been forgotten."""
        for operation in self.all:
            matches = not status or (operation.state is State.ENDED and operation.status == status)
            if matches and not operation.subscription and await self.is_known_now(operation):
                return operation
        return None

    async def is_known_now(self, operation: Operation) -> bool:
        """Whether the endpoint knows an operation; it is polled if it may have been forgotten since the last poll."""
        may_be_forgotten = not operation.is_under_way and self._clock.now() > operation.ended + RETENTION_SECONDS
        if operation.is_still_known and may_be_forgotten:
            await self.poll(operation, label="poll-known")
        return operation.is_still_known

    async def poll(self, operation: Operation, *, version: str | None = None, label: str = "poll") -> Exchange:
        """Polls an operation once, in any state; polls of one operation under way never overlap."""
        return await self._polling.poll(operation, version=version, label=label)


async def _renew_nothing(operation: Operation) -> Operation | None:
    """The default of `Operations.renew`: no reimage is repeated."""
    del operation
    return None
