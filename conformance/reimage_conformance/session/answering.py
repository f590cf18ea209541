"""Answering: one bad request is sent, again where it got no reply, and what it started is followed; then its answer is judged.

What it did to an instance besides is not looked at here (`session/examining.py`).
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
    ENOUGH_IN_VAIN,
    FEW_CONFLICT_TRIES,
    MAX_CONFLICT_TRIES,
    MAX_UNWANTED_OPERATIONS,
    MAX_VIOLATIONS_PER_REQUIREMENT,
    UNANSWERED_WEIGHT,
)
from reimage_conformance.session.unanswered import STRANGERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.model import Deployment, Exchange, Request, Verdict
    from reimage_conformance.protocol.requests import Place
    from reimage_conformance.session.bad_requests import BadRequest, Reader
    from reimage_conformance.session.budget import Budget
    from reimage_conformance.session.campaign import Campaign
    from reimage_conformance.session.conflicts import Conflicts
    from reimage_conformance.session.instances import Instances
    from reimage_conformance.session.operations import Operation, Operations
    from reimage_conformance.session.recorder import Recorder
    from reimage_conformance.session.sending import Sender

_SAFE = ("HEAD", "OPTIONS", "TRACE")
"""Methods that have 2xx answers of their own."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of a bad request: the answer, the operation that it started, and whether the endpoint lives although it gave none."""

    exchange: Exchange
    operation: Operation | None = None
    alive: bool = False

    @property
    def is_refused(self) -> bool:
        """Whether an error was answered."""
        return self.exchange.reply is not None and self.exchange.reply.status >= 400


class Answers:
    """Gets the answers of bad requests, and judges them.

    `exposed` gives the deployments that have instances which the target file does not list. `violations` counts what requests showed of the
    requirements that they break. `began_anyway` holds the keys of those that were refused and seen to reimage an instance all the same.
    """

    def __init__(
        self,
        *,
        sender: Sender,
        recorder: Recorder,
        operations: Operations,
        instances: Instances,
        conflicts: Conflicts,
        campaign: Campaign,
        budget: Budget,
        reader: Reader,
        exposed: Callable[[], list[Deployment]],
    ) -> None:
        self._sender, self._recorder, self._conflicts, self._campaign = sender, recorder, conflicts, campaign
        self._operations, self._instances, self._budget, self._reader = operations, instances, budget, reader
        self.violations = Violations(lambda: sender.lanes.width)
        self.began_anyway: set[tuple[str, ...]] = set()
        self._exposed, self._met_conflicts = exposed, False
        self._astray = trio.Lock()
        self._insisting: dict[str, trio.Lock] = {}

    async def answered(self, bad: BadRequest, *, is_held: bool = False) -> Answered:
        """Sends a bad request, insists where no reply came, and follows what it started; `is_held` says that a reimage is held for it."""
        self._sender.patience.refusals.add(bad.kind)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.room_to_go_astray(bad.place))
            if not is_held and may_change_something(bad.request):
                await stack.enter_async_context(self._budget.hold())  # before there is room, as for a group
            await stack.enter_async_context(self.violations.room_for(bad.broken))
            exchange = await self.past_conflicts(bad.request, "refusal", bad.kind, watch_close=bad.watch_close)
            alive = False
            if _asks_for_insistence(bad.request, exchange):
                exchange, alive = await self._insist(bad, exchange)
            operation = await self._follow(bad, exchange)
            # One like it was seen to reimage, and nobody may look this time.
            if bad.key in self.began_anyway and operation is None:
                self._budget.spend(exchange.number)
            weight = _weight(exchange, operation, alive=alive)
            self.violations.count(bad.broken, weight, is_silence=_is_silence(exchange))
        return Answered(exchange, operation, alive)

    def room_to_go_astray(self, place: Place | None) -> AbstractAsyncContextManager[object]:
        """Where instances are not listed, a request for none that is listed goes out when the one before it was seen to touch nothing."""
        return self._astray if place is None and self._exposed() else nullcontext()

    def judged(self, bad: BadRequest, answered: Answered) -> list[Verdict]:
        """Judges the answer, with the polls of what it started."""
        operation = answered.operation
        polls = operation.polls if operation is not None else []
        arguments = {"requirement": bad.requirement, "alive": answered.alive, "polls": len(polls)}
        arguments |= {"overdue": True} if operation is not None and operation.state is State.OVERDUE else {}
        return self._recorder.judge(refused, [answered.exchange, *polls], **arguments)

    async def past_conflicts(self, request: Request, label: str, kind: str, **options: Any) -> Exchange:
        """Sends a request, and again while it meets a conflict with an operation of ours."""
        most = FEW_CONFLICT_TRIES if self._met_conflicts else MAX_CONFLICT_TRIES
        send = partial(self._when_calm, request, Manner(label, kind, **options))
        exchange = await self._conflicts.send_past(send, most, self._campaign.pause)
        self._met_conflicts = is_conflict(exchange)
        return exchange

    async def _when_calm(self, request: Request, manner: Manner) -> Exchange:
        """Sends a request; one that may start something not while a step makes its last tries to get past a conflict."""
        if may_change_something(request):
            await self._conflicts.until_calm()
        return await self._sender.send(request, manner)

    async def _insist(self, bad: BadRequest, exchange: Exchange) -> tuple[Exchange, bool]:
        """A refusal without reply is sent once more if the endpoint lives, so that neither a lost connection nor a lock accuses anybody.

        One of each kind is sent again at a time, until enough of the kind got no reply then either.
        """
        async with self._insisting.setdefault(bad.kind, trio.Lock()):
            await self._operations.until_quiet()
            if not await self._sender.is_alive():
                return exchange, False
            if _is_silence(exchange) and self._sender.in_vain[bad.kind] >= ENOUGH_IN_VAIN:
                return exchange, self._sender.answers_others(exchange)
            fresh = replace(bad.request, fresh_connection=True)
            again = await self.past_conflicts(fresh, "refusal-again", bad.kind, alone=True)
        if again.reply is not None and self._sender.answers_others(exchange):
            self._sender.narrow_after(exchange)
        return again, again.reply is None and self._sender.answers_others(again)

    async def _follow(self, bad: BadRequest, exchange: Exchange) -> Operation | None:
        """The operation that should not have been, if there is one; waits for its end only where that decides."""
        reply = exchange.reply
        if reply is None or not 200 <= reply.status < 300 or not bad.addresses_an_instance:
            return None
        if exchange.request.method in _SAFE and reply.status != 202:
            return None
        if error_code(reply) or (reply.status != 202 and exchange.request.method != "POST"):
            return None  # an error in disguise starts nothing
        address = bad.permitted.address
        operation = self._operations.open(exchange, bad.place, address.form, unwanted=True)
        for deployment in self._exposed():
            await self._instances.look(deployment)
        before = self._instances.last.get(bad.place.deployment.name) if bad.place is not None else None
        if bad.place is not None and before is not None:
            self._instances.watch(operation, bad.place, before, ())
        for touched in [bad.place] if bad.place is not None else self._reader.namesakes(address.instance):
            self._instances.address(touched)
        if self._operations.unwanted > MAX_UNWANTED_OPERATIONS:
            self._operations.give_up(operation)  # an endpoint that takes everything has been shown to
            return None
        if any(defect.later for defect in bad.permitted.defects):
            await operation.over.wait()
        return operation


def _asks_for_insistence(request: Request, exchange: Exchange) -> bool:
    """Whether there is no reply where there ought to be one; the start of one, after which nothing came, is that of a bad one."""
    patient = request.patience_seconds is None and request.identity not in STRANGERS
    return exchange.reply is None and patient and not (_is_silence(exchange) and exchange.response is not None)


def _weight(exchange: Exchange, operation: Operation | None, *, alive: bool) -> int:
    """How much a bad request showed of the requirement that it breaks, MAX_VIOLATIONS_PER_REQUIREMENT being all."""
    if _is_silence(exchange) and exchange.response is not None:
        return MAX_VIOLATIONS_PER_REQUIREMENT  # the reply stops short, as the next one would
    return UNANSWERED_WEIGHT if alive and _is_silence(exchange) else int(operation is not None)


def _is_silence(exchange: Exchange) -> bool:
    """Whether the time limit ended the wait for a reply, or for the rest of one."""
    return exchange.failure is not None and exchange.failure.kind is FailureKind.TIMEOUT
