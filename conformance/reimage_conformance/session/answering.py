"""Answering: sends one bad request, follows the operation that it started, and judges the answer.

If no reply came, the request is repeated once.
Effects on role instances are examined in `session/examining.py`.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import trio

from reimage_conformance.judging.request import refused
from reimage_conformance.judging.wording import is_conflict
from reimage_conformance.model import FailureKind
from reimage_conformance.protocol.documents import error_code
from reimage_conformance.session.bad_requests import Violations
from reimage_conformance.session.manner import Manner
from reimage_conformance.session.operations import State
from reimage_conformance.session.recorder import may_change_something
from reimage_conformance.session.thresholds import (
    FEW_CONFLICT_TRIES,
    MAX_CONFLICT_TRIES,
    MAX_UNANSWERED_REPEATS,
    MAX_UNWANTED_OPERATIONS,
    MAX_VIOLATIONS_PER_REQUIREMENT,
    UNANSWERED_WEIGHT,
)
from reimage_conformance.session.unanswered import missing_reply_counts

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.model import Deployment, Exchange, Request, Verdict
    from reimage_conformance.protocol.requests import Place
    from reimage_conformance.session.bad_requests import BadRequest, Reader
    from reimage_conformance.session.collaborators import Collaborators
    from reimage_conformance.session.operations import Operation


@dataclass(frozen=True, slots=True)
class Answered:
    """The result of a bad request: the answer, and the operation that it started, if any.

    `alive` says that the endpoint answered other requests while it gave this one no reply.
    """

    exchange: Exchange
    operation: Operation | None = None
    alive: bool = False

    @property
    def is_refused(self) -> bool:
        """Whether the answer is an error."""
        return self.exchange.is_error


class Answers:
    """Gets the answers to bad requests, and judges them.

    `deployments_with_unlisted` gives the deployments that have instances which the target file does not list.
    `pause_campaign` is called when a bad request is answered 409. `violations` counts the accepted requests of each
    requirement. `started_though_refused` holds the keys of bad requests that were refused and reimaged an instance all
    the same.
    """

    def __init__(
        self,
        parts: Collaborators,
        reader: Reader,
        *,
        deployments_with_unlisted: Callable[[], list[Deployment]],
        pause_campaign: Callable[[], None],
    ) -> None:
        self._sender, self._recorder, self._conflicts = parts.sender, parts.recorder, parts.conflicts
        self._operations, self._instances, self._budget = parts.operations, parts.instances, parts.budget
        self._reader, self._deployments_with_unlisted = reader, deployments_with_unlisted
        self._pause_campaign = pause_campaign
        self.violations = Violations(lambda: parts.sender.lanes.width)
        self.started_though_refused: set[tuple[str, ...]] = set()
        self._last_stayed_a_conflict = False
        self._one_unlisted_at_a_time = trio.Lock()
        self._repeat_locks: dict[str, trio.Lock] = {}

    async def answer_to(self, bad: BadRequest, *, is_held: bool = False) -> Answered:
        """Sends a bad request, sends it again where no reply came, and follows the operation that it started.

        `is_held` says that the caller holds a reimage of the budget for it.
        """
        self._sender.patience.refusals.add(bad.kind)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.turn_for_unlisted(bad.place))
            if not is_held and may_change_something(bad.request):
                await stack.enter_async_context(self._budget.hold())  # before `room_for`, as a group does
            await stack.enter_async_context(self.violations.room_for(bad.broken))
            exchange = await self.send_past_conflicts(
                bad.request, "refusal", bad.kind, watch_close=bad.expected.watch_close
            )
            alive = False
            if _is_to_be_repeated(bad.request, exchange):
                exchange, alive = await self._repeat(bad, exchange)
            operation = await self._follow(bad, exchange)
            # An equal request reimaged an instance although it was refused. This one may not be examined, so it counts as spent.
            if bad.key in self.started_though_refused and operation is None:
                self._budget.spend(exchange.number)
            weight = _weight(exchange, operation, alive=alive)
            self.violations.count(bad.broken, weight, is_silence=_is_silence(exchange))
        return Answered(exchange, operation, alive)

    def turn_for_unlisted(self, place: Place | None) -> AbstractAsyncContextManager[object]:
        """Lets requests that address no listed instance go out one at a time where the deployment has unlisted instances.

        The next one goes out only after the looks showed that the one before it reimaged none of them.
        """
        return self._one_unlisted_at_a_time if place is None and self._deployments_with_unlisted() else nullcontext()

    def judge(self, bad: BadRequest, answered: Answered) -> list[Verdict]:
        """Judges the answer together with the polls of the operation that the request started."""
        operation = answered.operation
        polls = operation.polls if operation is not None else []
        arguments = {"requirement": bad.expected.requirement, "alive": answered.alive, "polls": len(polls)}
        arguments |= {"overdue": True} if operation is not None and operation.state is State.OVERDUE else {}
        return self._recorder.judge(refused, [answered.exchange, *polls], **arguments)

    async def send_past_conflicts(self, request: Request, label: str, kind: str, **options: Any) -> Exchange:
        """Sends a request, and repeats it while the answer is a conflict with an operation of ours.

        If the request before it was answered with a conflict every time, it is repeated FEW_CONFLICT_TRIES times only.
        """
        max_repeats = FEW_CONFLICT_TRIES if self._last_stayed_a_conflict else MAX_CONFLICT_TRIES
        send = partial(self._when_calm, request, Manner(label, kind, **options))
        exchange = await self._conflicts.send_past(send, max_repeats, self._pause_campaign)
        self._last_stayed_a_conflict = is_conflict(exchange)
        return exchange

    async def _when_calm(self, request: Request, manner: Manner) -> Exchange:
        """Sends a request.

        If it may start something, waits first while a step makes its last tries to get past a conflict.
        """
        if may_change_something(request):
            await self._conflicts.until_calm()
        return await self._sender.send(request, manner)

    async def _repeat(self, bad: BadRequest, exchange: Exchange) -> tuple[Exchange, bool]:
        """Sends a bad request without reply once more, if the endpoint answers others; gives the exchange, and `alive`.

        The first time the connection may have been lost, or an operation may have blocked the answer. One request of
        each kind is repeated at a time, until MAX_UNANSWERED_REPEATS of the kind got no reply the second time either.
        """
        async with self._repeat_locks.setdefault(bad.kind, trio.Lock()):
            await self._operations.until_quiet()
            if not await self._sender.is_alive():
                return exchange, False
            if _is_silence(exchange) and self._sender.unanswered_repeats[bad.kind] >= MAX_UNANSWERED_REPEATS:
                return exchange, self._sender.answers_others(exchange)
            fresh = replace(bad.request, fresh_connection=True)
            again = await self.send_past_conflicts(fresh, "refusal-again", bad.kind, alone=True)
        if again.reply is not None and self._sender.answers_others(exchange):
            self._sender.narrow_after(exchange)
        return again, again.reply is None and self._sender.answers_others(again)

    async def _follow(self, bad: BadRequest, exchange: Exchange) -> Operation | None:
        """Books the operation that a bad request started, and gives it; None where it started none, or one too many to be followed.

        Waits for its end only where a late failure would be a refusal.
        """
        if not _started_an_operation(bad, exchange):
            return None
        address = bad.permitted.address
        operation = self._operations.open(exchange, bad.place, address.form, unwanted=True)
        for deployment in self._deployments_with_unlisted():
            await self._instances.look(deployment)
        before = self._instances.last.get(bad.place.deployment) if bad.place is not None else None
        if bad.place is not None and before is not None:
            self._instances.watch(operation, bad.place, before, ())
        touched = [bad.place] if bad.place is not None else self._reader.namesakes(address.instance)
        for place in touched:
            self._instances.address(place)
        if self._operations.unwanted_count > MAX_UNWANTED_OPERATIONS:
            self._operations.give_up(operation)
            return None
        if bad.permitted.may_fail_late:
            await operation.over.wait()
            for place in touched if operation.status == "Failed" else ():
                self._instances.unaddress(place)
        return operation


def _started_an_operation(bad: BadRequest, exchange: Exchange) -> bool:
    """Whether the answer to a bad request says that it started an operation.

    A 202 says so for every method, any other 2xx for POST alone. An answer with an Error document starts nothing.
    """
    reply = exchange.reply
    if reply is None or error_code(reply) or not bad.addresses_an_instance:
        return False
    return reply.status == 202 or (exchange.request.method == "POST" and exchange.is_successful)


def _is_to_be_repeated(request: Request, exchange: Exchange) -> bool:
    """Whether no reply came where one is expected, and a repetition may get one."""
    return exchange.reply is None and missing_reply_counts(request) and not _stopped_midway(exchange)


def _weight(exchange: Exchange, operation: Operation | None, *, alive: bool) -> int:
    """How many accepted requests this one counts as; no more are sent after MAX_VIOLATIONS_PER_REQUIREMENT."""
    if _stopped_midway(exchange):
        return MAX_VIOLATIONS_PER_REQUIREMENT
    return UNANSWERED_WEIGHT if alive and _is_silence(exchange) else int(operation is not None)


def _is_silence(exchange: Exchange) -> bool:
    """Whether no reply, or only a part of one, came within the time limit."""
    return exchange.failure is not None and exchange.failure.kind is FailureKind.TIMEOUT


def _stopped_midway(exchange: Exchange) -> bool:
    """Whether the reply began and did not end within the time limit; the next one would stop too."""
    return _is_silence(exchange) and exchange.response is not None
