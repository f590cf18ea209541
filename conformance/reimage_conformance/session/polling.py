"""Polling: sends the polls of one operation, and derives its state from the answers."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from reimage_conformance.catalogue import FIRST_VERSION, MINIMUM_VERSION, TABLE_VERSIONS
from reimage_conformance.judging.operations.polls import NOT_KNOWN, STATUSES, TERMINAL, status_of
from reimage_conformance.judging.oracle import expectation_of
from reimage_conformance.judging.wording import is_busy
from reimage_conformance.protocol.requests import VERSION_HEADER, with_header
from reimage_conformance.session.manner import Manner
from reimage_conformance.session.operation import State
from reimage_conformance.session.thresholds import (
    MAX_DENIED_POLLS,
    MAX_UNANSWERED_POLLS,
    OPERATIONS_POLLED_AFRESH,
    UNKNOWN_AGAIN_SECONDS,
    UNKNOWN_SECONDS,
)
from reimage_conformance.session.unanswered import is_lost, is_unconnected

if TYPE_CHECKING:
    from reimage_conformance.model import Exchange
    from reimage_conformance.protocol.requests import RequestBuilder
    from reimage_conformance.session.budget import Budget
    from reimage_conformance.session.operation import Operation
    from reimage_conformance.session.recorder import Recorder
    from reimage_conformance.session.sending import Sender

_LATER_VERSIONS = [version for version in reversed(TABLE_VERSIONS) if version > MINIMUM_VERSION]
DENIED = (401, 403)
"""The statuses that say that the caller may not see an operation (REQ-AUTH-FAIL)."""


class Polling:
    """Polls operations of a run; `every` is the list of all, from which operations that ended unseen are removed."""

    def __init__(
        self,
        every: list[Operation],
        *,
        sender: Sender,
        builder: RequestBuilder,
        budget: Budget,
        recorder: Recorder,
    ) -> None:
        self._all = every
        self._sender, self._builder, self._budget, self._recorder = sender, builder, budget, recorder

    async def poll(self, operation: Operation, *, version: str | None = None, label: str = "poll") -> Exchange:
        """Polls an operation once, in any state; polls of one operation under way never overlap.

        The first poll is followed by one with the oldest version, and for the first operations of a run by one on a new
        connection. The poll that shows the end is followed by one more. A poll of an operation that is over is repeated
        while it is throttled, since no later poll follows.
        """
        if not operation.is_under_way:
            ask = partial(self._ask, operation, version, label)
            return await self._sender.past_throttling(await ask(), ask)
        async with operation.asking:
            was_under_way, first = operation.is_under_way, not operation.polls
            exchange = await self._ask(operation, version, label)
            if operation.is_under_way and first and status_of(exchange) in STATUSES:
                await self._ask_with_another_version(operation)
                if operation.is_under_way and operation in self._all[:OPERATIONS_POLLED_AFRESH]:
                    await self._ask(operation, None, "poll-afresh", fresh=True)
            ends = was_under_way and operation.state is State.ENDED
            if ends:
                await self._ask(operation, None, "poll-after-end")
        if ends or (first and status_of(exchange) in STATUSES):
            await self._look_back(operation)  # outside of the lock: two operations that end together poll each other
        return exchange

    async def _ask(self, operation: Operation, version: str | None, label: str, *, fresh: bool = False) -> Exchange:
        """Sends a poll, and once more if its connection was lost; both count as polls of the operation."""
        under = operation.subscription or None
        request = self._builder.operation_status(operation.identifier, version=version, subscription=under)
        request = replace(request, identity=operation.start.request.identity, fresh_connection=fresh)
        exchange = await self._sender.send_and_follow_up(request, Manner(label))
        operation.add_poll(exchange)
        if is_lost(exchange) and not is_unconnected(exchange):
            exchange = await self._sender.send_and_follow_up(replace(request, fresh_connection=True), Manner(label))
            operation.add_poll(exchange)
        operation.polled = self._sender.clock.now()
        if operation.is_under_way:
            self.take(operation, exchange, operation.polled)
        return exchange

    async def _ask_with_another_version(self, operation: Operation) -> None:
        """Polls an operation under way with another version as well: every other operation with the oldest one, the rest with later ones in turn.

        The poll counts if it is answered with a status.
        """
        request = self._builder.operation_status(operation.identifier, subscription=operation.subscription or None)
        turn = self._all.index(operation) if operation in self._all else 0
        version = _LATER_VERSIONS[turn // 2 % len(_LATER_VERSIONS)] if turn % 2 else FIRST_VERSION
        other = with_header(request, VERSION_HEADER, version)
        exchange = await self._sender.send_and_follow_up(
            replace(other, identity=operation.start.request.identity), Manner("poll-otherwise")
        )
        if status_of(exchange):
            operation.add_poll(exchange)
            self.take(operation, exchange, self._sender.clock.now())

    async def _look_back(self, operation: Operation) -> None:
        """Polls the last operations that ended on the same instance and the same deployment: a later one must not change them."""
        if operation.place is None:
            return
        ended = [o for o in self._all if o.state is State.ENDED and o.place is not None and o is not operation]
        here = [o for o in ended if o.place == operation.place][-1:]
        near = [o for o in ended if o.place and o.place.deployment == operation.place.deployment][-1:]
        for earlier in here + [o for o in near if o not in here]:
            await self.poll(earlier, label="poll-overtaken")

    def take(self, operation: Operation, exchange: Exchange, now: float) -> None:
        """Updates the state of an operation from a poll; `now` is the reading of the clock when it was answered."""
        if operation.interrupted and exchange.reply is not None and not is_busy(exchange):
            operation.interrupted = False
            if exchange.reply.status in NOT_KNOWN:
                self._drop(operation, now)
                return
        waited = now - operation.began
        shown = status_of(exchange)
        status = shown if shown in STATUSES else _terminal_status_in_text(exchange)
        self._count(operation, exchange)
        if status in TERMINAL:
            operation.state, operation.status, operation.ended = State.ENDED, status, now
            self._give_back_if_failed_late(operation)
        elif operation.unanswered >= MAX_UNANSWERED_POLLS or (
            operation.unwanted and operation.denied >= MAX_DENIED_POLLS
        ):
            operation.state, operation.ended = State.LOST, now
        elif waited >= self._sender.limits.operation_timeout_seconds:
            operation.state, operation.ended = State.OVERDUE, now
        elif exchange.is_error and not operation.is_known and waited >= self._unknown_seconds(exchange):
            operation.state, operation.ended = State.LOST, now

    def _count(self, operation: Operation, exchange: Exchange) -> None:
        """Counts the polls of an operation in a row that got no reply, and those that were denied."""
        if exchange.reply is not None:
            operation.unanswered = 0
            operation.denied = operation.denied + 1 if exchange.reply.status in DENIED else 0
        elif self._sender.answers_others(exchange):
            operation.unanswered += 1

    def _unknown_seconds(self, poll: Exchange) -> float:
        """After how many seconds an operation that every poll was refused for is given up.

        Later if polls are throttled.
        """
        again = any(o.state is State.LOST for o in self._all)
        longest = UNKNOWN_AGAIN_SECONDS if again else UNKNOWN_SECONDS
        if is_busy(poll):
            longest = max(longest, self._sender.patience.seconds)
        return min(longest, self._sender.limits.operation_timeout_seconds)

    def _drop(self, operation: Operation, now: float) -> None:
        """Removes an operation that ended while the run was interrupted and that the endpoint no longer knows."""
        operation.state, operation.ended = State.UNSEEN, now
        self._all.remove(operation)

    def _give_back_if_failed_late(self, operation: Operation) -> None:
        """Gives the reimage back to the budget where the operation failed because of its request, and reimaged nothing."""
        if operation.status == "Failed" and expectation_of(operation.start.request, self._recorder.world).may_fail_late:
            self._budget.give_back(operation.start.number)


def _terminal_status_in_text(exchange: Exchange) -> str:
    """The terminal status that the text of an ill-formed document contains, "" for none: then polling can stop."""
    if exchange.reply is None or not exchange.is_successful:
        return ""
    body = exchange.reply.body.replace(b"\0", b"")
    return next((status for status in TERMINAL if status.encode() in body), "")
