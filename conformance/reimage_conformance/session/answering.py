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
from reimage_conformance.judging.wording import is_busy, is_conflict
from reimage_conformance.model import FailureKind
from reimage_conformance.protocol.documents import error_code
from reimage_conformance.session.bad_requests import Violations
from reimage_conformance.session.manner import Manner
from reimage_conformance.session.operations import State
from reimage_conformance.session.recorder import may_change_something
from reimage_conformance.session.thresholds import (
    FEW_CONFLICT_TRIES,
    MAX_ASKED_AGAIN_AFTER_LOCKS,
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
    from reimage_conformance.session.operation import Operation


@dataclass(frozen=True, slots=True)
class Answered:
    """The result of a bad request: the answer, and the operation that it started, if any.

    `is_ignored` says that the endpoint gave this request no reply while it answered others.
    """

    exchange: Exchange
    operation: Operation | None = None
    is_ignored: bool = False

    @property
    def is_refused(self) -> bool:
        """Whether the answer is an error."""
        return self.exchange.is_error


class BadRequestSender:
    """Sends bad requests, and judges the answers.

    `deployments_with_unlisted` gives the deployments that have instances which the target file does not list.
    `pause_campaign` is called when a bad request is answered 409. `violations` counts the bad requests that were accepted,
    by the requirement that they break. `started_though_refused` holds the `BadRequest.key` of each bad request that was
    refused and reimaged an instance all the same; `session/examining.py` adds them. `_stayed_conflicts` holds bad requests that
    address no listed instance and were answered 409 to the last, the first of each `_kind_in_deployment`.
    """

    def __init__(
        self,
        shared: Collaborators,
        reader: Reader,
        *,
        deployments_with_unlisted: Callable[[], list[Deployment]],
        pause_campaign: Callable[[], None],
    ) -> None:
        self._sender, self._recorder, self._conflicts = shared.sender, shared.recorder, shared.conflicts
        self._operations, self._instances, self._budget = shared.operations, shared.instances, shared.budget
        self._reader, self._deployments_with_unlisted = reader, deployments_with_unlisted
        self._pause_campaign = pause_campaign
        self.violations = Violations(lambda: shared.sender.lanes.width)
        self.started_though_refused: set[tuple[str, ...]] = set()
        self._last_stayed_a_conflict = False
        self._stayed_conflicts: dict[tuple[str, ...], BadRequest] = {}
        self._asked_again = 0
        self._one_unlisted_at_a_time = trio.Lock()
        self._repeat_locks: dict[str, trio.Lock] = {}

    async def answer_to(self, bad: BadRequest, *, is_held: bool = False) -> Answered:
        """Sends a bad request, sends it again where no reply came, and opens the operation that it started.

        `is_held` says that the caller holds a reimage of the budget for it.
        """
        self._sender.patience.refusals.add(bad.kind)  # then `violations` limits how often this kind may get no reply
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.turn_for_unlisted(bad.place))
            if not is_held and may_change_something(bad.request):
                # The budget comes before `room_for` here and in a group. In different orders two tasks could wait for each other.
                await stack.enter_async_context(self._budget.hold())
            await stack.enter_async_context(self.violations.room_for(bad.broken))
            exchange = await self.send_and_repeat_on_conflict(
                bad.request, "refusal", bad.kind, watch_close=bad.expected.watch_close
            )
            is_ignored = False
            if _is_to_be_repeated(bad.request, exchange):
                exchange, is_ignored = await self._repeat(bad, exchange)
            operation = await self._open_operation(bad, exchange)
            await self._ask_again_after_lock(bad, exchange)
            # A request with the same key reimaged an instance although it was refused. It is not certain that this one is
            # examined, so a reimage is counted for it.
            if bad.key in self.started_though_refused and operation is None:
                self._budget.spend(exchange.number)
            weight = _weight(exchange, operation, is_ignored=is_ignored)
            self.violations.count(bad.broken, weight, is_silence=_ran_out_of_time(exchange))
        return Answered(exchange, operation, is_ignored)

    def turn_for_unlisted(self, place: Place | None) -> AbstractAsyncContextManager[object]:
        """Lets requests that address no listed instance go out one at a time while any deployment has unlisted instances.

        `place` is the listed instance that the request addresses, if any. If a bad request is accepted, the next one goes out
        only after a look at each of these deployments. `Guard` sees these looks, and blocks kinds of requests that may have
        reimaged an unlisted instance.
        """
        return self._one_unlisted_at_a_time if place is None and self._deployments_with_unlisted() else nullcontext()

    async def look_for_unlisted(self) -> None:
        """Looks at each deployment that has unlisted instances. `Guard` sees every look, and compares it with the one before."""
        for deployment in self._deployments_with_unlisted():
            await self._instances.look(deployment)

    def judge(self, bad: BadRequest, answered: Answered) -> list[Verdict]:
        """Judges the answer together with the polls of the operation that the request started."""
        operation = answered.operation
        polls = operation.polls if operation is not None else []
        arguments = {"requirement": bad.expected.requirement, "alive": answered.is_ignored, "polls": len(polls)}
        arguments |= {"overdue": True} if operation is not None and operation.state is State.OVERDUE else {}
        return self._recorder.judge(refused, [answered.exchange, *polls], **arguments)

    async def send_and_repeat_on_conflict(self, request: Request, label: str, kind: str, **options: Any) -> Exchange:
        """Sends a request, and repeats it while it is answered with a conflict (`Conflicts.repeat_on_conflict`).

        It is repeated up to MAX_CONFLICT_TRIES times, or only FEW_CONFLICT_TRIES times if the last request that was sent by
        this function was answered with a conflict every time.
        """
        max_repeats = FEW_CONFLICT_TRIES if self._last_stayed_a_conflict else MAX_CONFLICT_TRIES
        send = partial(self._send_after_last_tries, request, Manner(label, kind, **options))
        exchange = await self._conflicts.repeat_on_conflict(send, max_repeats, self._pause_campaign)
        self._last_stayed_a_conflict = is_conflict(exchange)
        return exchange

    async def _ask_again_after_lock(self, bad: BadRequest, exchange: Exchange) -> None:
        """Notes a bad request that stayed a conflict; sends it once more after another one of its kind was answered otherwise.

        The answer shows whether something else than the run held the deployment meanwhile (`reimage_conformance.assessment.foreign_locks`).
        """
        if bad.place is not None or self._asked_again >= MAX_ASKED_AGAIN_AFTER_LOCKS:
            return
        kind = _kind_in_deployment(bad)
        if is_conflict(exchange):
            self._stayed_conflicts.setdefault(kind, bad)
        elif exchange.is_error and not is_busy(exchange) and kind in self._stayed_conflicts:
            earlier = self._stayed_conflicts.pop(kind)
            self._asked_again += 1
            again = await self._send_after_last_tries(earlier.request, Manner("refusal", earlier.kind))
            await self._open_operation(earlier, again)

    async def _send_after_last_tries(self, request: Request, manner: Manner) -> Exchange:
        """Sends a request.

        If it may start something, waits first while a step makes its last tries to get past a conflict.
        """
        if may_change_something(request):
            await self._conflicts.until_last_tries_over()
        return await self._sender.send(request, manner)

    async def _repeat(self, bad: BadRequest, exchange: Exchange) -> tuple[Exchange, bool]:
        """Sends a bad request without reply once more, if the endpoint answers others; gives the exchange, and `is_ignored`.

        The first time the connection may have been lost, or an operation may have blocked the answer. One request of
        each kind is repeated at a time, until MAX_UNANSWERED_REPEATS of the kind got no reply the second time either.
        """
        async with self._repeat_locks.setdefault(bad.kind, trio.Lock()):
            await self._operations.until_quiet()
            if not await self._sender.is_alive():
                return exchange, False
            if _ran_out_of_time(exchange) and self._sender.unanswered_repeats[bad.kind] >= MAX_UNANSWERED_REPEATS:
                return exchange, self._sender.answers_others(exchange)
            fresh = replace(bad.request, fresh_connection=True)
            again = await self.send_and_repeat_on_conflict(fresh, "refusal-again", bad.kind, alone=True)
        if again.reply is not None and self._sender.answers_others(exchange):
            self._sender.narrow_after(exchange)
        return again, again.reply is None and self._sender.answers_others(again)

    async def _open_operation(self, bad: BadRequest, exchange: Exchange) -> Operation | None:
        """Opens the operation that a bad request started (`Operations.open`), and watches its instance; gives the operation.

        None where the request started none, or where more than MAX_UNWANTED_OPERATIONS were started. Waits for the end of the
        operation only if the endpoint may refuse the request by a 202 and an operation that then fails.
        """
        if not _started_an_operation(bad, exchange):
            return None
        address = bad.expectation.address
        operation = self._operations.open(exchange, bad.place, address.form, unwanted=True)
        await self.look_for_unlisted()
        before = self._instances.last.get(bad.place.deployment) if bad.place is not None else None
        if bad.place is not None and before is not None:
            self._instances.watch(operation, bad.place, before, ())
        touched = [bad.place] if bad.place is not None else self._reader.namesakes(address.instance)
        for place in touched:
            self._instances.address(place)
        if self._operations.unwanted_count > MAX_UNWANTED_OPERATIONS:
            self._operations.give_up(operation)
            return None
        if bad.expectation.may_fail_late:
            await operation.over.wait()
            for place in touched if operation.status == "Failed" else ():
                self._instances.unaddress(place)
        return operation


def _kind_in_deployment(bad: BadRequest) -> tuple[str, ...]:
    """Equal for bad requests in one deployment that differ only in the instance they address."""
    address = bad.expectation.address
    return (address.service.lower(), address.deployment.lower(), *bad.key)


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


def _weight(exchange: Exchange, operation: Operation | None, *, is_ignored: bool) -> int:
    """How many accepted requests this one counts as; no more are sent after MAX_VIOLATIONS_PER_REQUIREMENT."""
    if _stopped_midway(exchange):
        return MAX_VIOLATIONS_PER_REQUIREMENT
    return UNANSWERED_WEIGHT if is_ignored and _ran_out_of_time(exchange) else int(operation is not None)


def _ran_out_of_time(exchange: Exchange) -> bool:
    """Whether no complete response (`reply`) came within the time limit; a part of one may have come (`response`)."""
    return exchange.failure is not None and exchange.failure.kind is FailureKind.TIMEOUT


def _stopped_midway(exchange: Exchange) -> bool:
    """Whether a response began and was not complete within the time limit; the next one would stop too."""
    return _ran_out_of_time(exchange) and exchange.response is not None
