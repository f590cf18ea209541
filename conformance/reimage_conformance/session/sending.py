"""Sending: sends a request, follows its redirects, and repeats it after throttling, a passing fault or a lost connection.

Each function of `Sender` calls the next one of this table, and adds what stands beside its name:

| function | adds |
| --- | --- |
| `send` | repeats a throttled request, and one that starts nothing and whose connection was lost |
| `send_and_follow_up` | asks the gate first, and repeats a request that never went out, or that met an endpoint which was away |
| `_follow_up` | repeats a request after an error inside the endpoint, and follows 307s |
| `_send_and_count` | counts missing replies and waits until the endpoint is back; repeats a request alone that got no reply among others |
| `_send_in_lane` | waits for a free lane, or for all lanes |
| `_send_and_record` | sends the request by the wire, and records the exchange |

Of an exchange, `response` is any part of an answer, and `reply` a complete one.
"""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import trio

from reimage_conformance import gate as gates
from reimage_conformance.judging.oracle import expectation_of
from reimage_conformance.judging.registry import REPEATS_OF_A_FAULT
from reimage_conformance.judging.sent import call_of
from reimage_conformance.judging.wording import (
    is_busy,
    is_passing_fault,
    is_throttled,
    may_have_been_carried_out,
    retry_after_seconds,
)
from reimage_conformance.judging.world import Absence
from reimage_conformance.protocol.addresses import Kind, read_target
from reimage_conformance.session.manner import Manner
from reimage_conformance.session.patience import Category
from reimage_conformance.session.signals import Withheld
from reimage_conformance.session.signs_of_life import SignsOfLife
from reimage_conformance.session.thresholds import (
    LONGEST_PAUSE_SECONDS,
    MAX_BUSY_IN_A_ROW,
    MAX_BUSY_TRIES,
    MAX_BUSY_TRIES_LATER,
    MAX_REDIRECTS,
    PAUSES_BEFORE_CONNECTING_SECONDS,
)
from reimage_conformance.session.unanswered import (
    does_nothing,
    is_crowded_out,
    is_lost,
    is_repeatable,
    is_unconnected,
    may_be_dropped,
    missing_reply_counts,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from reimage_conformance.gate import Gate
    from reimage_conformance.model import Exchange, Limits, Request
    from reimage_conformance.session.lanes import Lanes, Passage
    from reimage_conformance.session.patience import Patience
    from reimage_conformance.session.recorder import Recorder
    from reimage_conformance.session.redirects import Redirects
    from reimage_conformance.session.wires import Wire
    from reimage_conformance.wire.clock import Clock

_PLAIN = Manner()
_LOOK_UP = Manner("look-up")
_ALIVE = Manner("alive")


class Sender:
    """Sends requests, as many at the same time as the lanes allow, and records the exchanges.

    `gate` says which requests may go out, and what to look up first. `host` is passed to `Redirects`.
    `life` asks an endpoint that has stopped answering for signs of life. `SystemUnderTest` sets two callbacks: `on_exchange`
    is called with every recorded exchange, and `why_blocked` gives the reason why no more requests like the given one are
    sent, "" while they are.

    `unanswered_repeats` counts, by kind, the repetitions without reply that were to be sent alone. `_kinds_unanswered_alone`
    holds the kinds of which `_repeat_alone` got no reply. `_families_unanswered_alone` holds the families of which a request
    with `Manner.alone` got no reply although it was sent alone: no further one of these is sent alone.
    """

    def __init__(
        self,
        wire: Wire,
        clock: Clock,
        limits: Limits,
        recorder: Recorder,
        *,
        redirects: Redirects,
        gate: Gate,
        lanes: Lanes,
        patience: Patience,
    ) -> None:
        self.clock, self.limits, self.lanes, self.patience = clock, limits, lanes, patience
        self.life = SignsOfLife(clock, lanes, patience, lambda question: self._send_and_record(question, _ALIVE))
        self.on_exchange: Callable[[Exchange], None] = lambda _: None
        self.why_blocked: Callable[[Request], str] = lambda _: ""
        self._wire, self._recorder = wire, recorder
        lanes.narrowed = wire.limit
        self._gate, self._redirects = gate, redirects
        self._busy_in_a_row = 0
        self._served_before_busy = 0
        self._kinds_unanswered_alone: set[str] = set()
        self._families_unanswered_alone: set[str] = set()
        self.unanswered_repeats: Counter[str] = Counter()
        self._looking_up = trio.Lock()

    def for_another_try(self, recorder: Recorder) -> Sender:
        """A sender for another try, with the same wire, gate, lanes and patience, whose exchanges go to `recorder`."""
        return Sender(
            self._wire,
            self.clock,
            self.limits,
            recorder,
            redirects=self._redirects,
            gate=self._gate,
            lanes=self.lanes,
            patience=self.patience,
        )

    @property
    def given_up(self) -> str:
        """The reason why nothing more is sent, "" while requests are sent."""
        return self.patience.why_over

    def give_up(self, reason: str) -> None:
        """Ends the sending of requests, for this reason."""
        self.patience.give_up(reason)

    async def send_and_follow_up(self, request: Request, manner: Manner = _PLAIN) -> Exchange:
        """Sends a request and gives its last exchange; repeats it for any reason but throttling.

        A request that never went out, because the endpoint accepted no connection, is sent again. One that does nothing
        (`does_nothing`) and got no reply is sent again if others were under way, or if the endpoint was away; before that, this
        function waits until the endpoint is back. A request that was answered by an error inside the endpoint is repeated (REQ-ERR-INTERNAL,
        REQ-ASYNC-NON202). A 307 is followed (REQ-HTTP-307).
        Raises Inconclusive where the endpoint, or this kind of request, was given up, and Withheld where the gate keeps the request back.
        """
        await self.raise_if_withheld(request)
        category = _category_of(request, manner)
        exchange = await self._send_and_count(request, manner, category)
        # A request without a known certificate, or with its own time limit, does not connect again: its missing reply may be judged.
        pauses = PAUSES_BEFORE_CONNECTING_SECONDS if manner.on is None and missing_reply_counts(request) else ()
        for seconds in pauses:
            if not is_unconnected(exchange) or self.patience.is_away:
                break
            await self.patience.rest(seconds)
            request = replace(request, fresh_connection=True)
            exchange = await self._send_and_count(request, manner.again, category)
        is_back = self.patience.was_away(exchange.number) and not self.patience.is_away
        if is_back and exchange.reply is None and manner.on is None and is_repeatable(request, exchange):
            request = replace(request, fresh_connection=True)
            exchange = await self._send_and_count(request, manner.again, category)
        return await self._follow_up(exchange, request, manner, category)

    async def send(self, request: Request, manner: Manner = _PLAIN) -> Exchange:
        """Sends a request as `send_and_follow_up` does, and repeats it while it is throttled (REQ-THROTTLE).

        Once MAX_BUSY_IN_A_ROW requests of the run in a row were throttled, a further request waits until some request was
        served, and is repeated once only if it is throttled. A request that starts nothing (`_starts_nothing`), that went out, and
        whose connection was lost, is sent once more.
        """
        if self._busy_in_a_row >= MAX_BUSY_IN_A_ROW:
            await self.life.wait_until(lambda: self.patience.served_replies > self._served_before_busy)
        exchange = await self.send_and_follow_up(request, manner)
        most = MAX_BUSY_TRIES if self._busy_in_a_row < MAX_BUSY_IN_A_ROW else MAX_BUSY_TRIES_LATER
        exchange = await self.past_throttling(exchange, lambda: self.send_and_follow_up(request, manner.again), most)
        self._count_busy_in_a_row(exchange)
        if is_lost(exchange) and self._starts_nothing(request) and not is_unconnected(exchange):
            exchange = await self.send_and_follow_up(replace(request, fresh_connection=True), manner.again)
        return exchange

    def _starts_nothing(self, request: Request) -> bool:
        """Whether a request starts nothing, so that it may be sent again: it does nothing, or the names in its address do not exist.

        A name in another letter case may exist for the endpoint.
        """
        address = read_target(request.resource)
        may_exist = (Absence.NOTHING, Absence.NAME_CASE, Absence.SLOT_CASE)
        is_named_nowhere = address.kind is Kind.REIMAGE and self._recorder.world.absence(address) not in may_exist
        return does_nothing(request) or is_named_nowhere

    async def past_throttling(
        self, exchange: Exchange, send: Callable[[], Awaitable[Exchange]], most: int = MAX_BUSY_TRIES
    ) -> Exchange:
        """Repeats a throttled request by `send`, up to `most` tries with the first one, `exchange`; gives the last exchange."""
        tries = 1
        while is_busy(exchange) and tries < most:
            await self.patience.rest(self._pause(exchange, tries))
            exchange, tries = await send(), tries + 1
        return exchange

    def _count_busy_in_a_row(self, exchange: Exchange) -> None:
        if not is_busy(exchange):
            self._busy_in_a_row = 0
            return
        if not self._busy_in_a_row:
            self._served_before_busy = self.patience.served_replies
        self._busy_in_a_row += 1

    async def simultaneously(self, requests: Sequence[Request], *, label: str = "") -> list[Exchange]:
        """Sends several requests at the same time and gives their exchanges; one that does nothing and was lost is sent once more. Raises as `send_and_follow_up` does.

        They share one lane, so that none waits for another; more requests than lanes may be under way. If there is one
        lane only, they are sent one after the other.
        """
        for request in requests:
            await self.raise_if_withheld(request)
        manner = Manner(label)
        categories = [_category_of(request, manner) for request in requests]
        if self.lanes.width == 1:  # the endpoint takes one request at a time
            return [await self.send_and_follow_up(request, manner) for request in requests]
        async with self.lanes.lane():
            for request, category in zip(requests, categories, strict=True):
                self._raise_if_given_up_or_blocked(request, category)
            with _withheld_as_signal():
                carried = await self._wire.exchange_simultaneously(requests, label=label)
        exchanges = [self._record(exchange) for exchange in carried]
        followed = [
            await self._follow_up(exchange, request, manner, category)
            for exchange, request, category in zip(exchanges, requests, categories, strict=True)
        ]
        return [
            await self.send_and_follow_up(replace(request, fresh_connection=True), manner)
            if is_lost(exchange) and does_nothing(request)
            else exchange
            for exchange, request in zip(followed, requests, strict=True)
        ]

    async def admits(self, request: Request) -> bool:
        """Whether the gate lets `request` out; first looks up what the gate needs to know."""
        await self._look_up(request)
        return self._gate.admits(request)

    async def raise_if_withheld(self, request: Request) -> None:
        """Looks up what the gate needs to know; raises Withheld where the gate keeps `request` back, or where its kind is blocked."""
        self._raise_if_blocked(request)
        await self._look_up(request)
        with _withheld_as_signal():
            self._gate.check(request)

    async def is_alive(self) -> bool:
        """Whether the endpoint answers an ordinary request now; throttling is an answer."""
        return await self.life.is_alive()

    def answers_others(self, exchange: Exchange) -> bool:
        """Whether `exchange`, which got no reply, reached an endpoint that was not away; then the endpoint ignored this request alone."""
        has_arrived = not is_unconnected(exchange) and not may_be_dropped(exchange)
        return has_arrived and not self.patience.was_away(exchange.number)

    def _raise_if_given_up_or_blocked(self, request: Request, category: Category) -> None:
        """Raises Inconclusive where the run or this kind of request was given up, Withheld where its kind is blocked."""
        self.patience.check(category)
        self._raise_if_blocked(request)

    def _raise_if_blocked(self, request: Request) -> None:
        """Raises Withheld where a request of this kind may have reimaged an unlisted instance (`session/guarding.py`)."""
        reason = self.why_blocked(request)
        if reason:
            raise Withheld(f"not sent, to do no more harm: {reason}")

    async def _look_up(self, request: Request) -> None:
        """Sends the GETs whose answers the gate needs before it lets `request` out; sends each of them at most once."""
        if self._gate.admits(request):
            return
        async with self._looking_up:
            asked: set[str] = set()
            while not self._gate.admits(request) and (question := self._gate.question(request)) is not None:
                if question.target in asked:
                    return
                asked.add(question.target)
                ask = partial(self._ask, question, _category_of(question, _LOOK_UP))
                await self.past_throttling(await ask(), ask)

    async def _ask(self, question: Request, category: Category) -> Exchange:
        """Sends one look-up, a GET that the gate always lets out, and follows it up as any other request."""
        exchange = await self._send_and_count(question, _LOOK_UP, category)
        return await self._follow_up(exchange, question, _LOOK_UP, category)

    async def _send_and_count(self, request: Request, manner: Manner, category: Category) -> Exchange:
        """Sends a request in a lane, and counts it; repeats it alone if it failed while others were under way, where that is safe.

        If no part of an answer came, this waits until the endpoint has answered a later request. It does not wait if the
        missing reply does not count (`missing_reply_counts`), or as long as `life` has no questions.
        """
        began, exchange, passage = await self._send_in_lane(request, manner, category)
        if passage.is_shared and is_throttled(exchange):
            self.lanes.narrow(self.lanes.width // 2, "requests sent at the same time were throttled")
        may_repeat = manner.on is None and is_repeatable(request, exchange) and not self.patience.is_away
        if passage.is_shared and may_repeat and is_crowded_out(exchange):
            exchange = await self._repeat_alone(exchange, request, manner, category)
        if missing_reply_counts(request):
            await self._count_missing_reply(exchange, category, began)
        return exchange

    async def _send_in_lane(
        self, request: Request, manner: Manner, category: Category
    ) -> tuple[float, Exchange, Passage]:
        """Sends a request in one lane, or with all lanes held if it is to be sent alone, once the endpoint is not away.

        Where another request of its family got no reply although it was sent alone, this one is not sent alone.
        Gives the reading of the clock when it was sent, the recorded exchange, and its passage through the lane: whether
        another request was under way meanwhile.
        """
        alone = manner.alone and category.family not in self._families_unanswered_alone
        while True:
            await self.life.wait_until(lambda: not self.patience.is_away)
            async with self.lanes.alone() if alone else self.lanes.lane() as passage:
                # Other requests may have ended the run, or this kind, meanwhile.
                self._raise_if_given_up_or_blocked(request, category)
                if self.patience.is_away and self.life.questions:  # without questions nothing can show that it is back
                    continue
                began = self.clock.now()
                if alone:
                    self._wire.close_idle()
                exchange = await self._send_and_record(request, manner)
                if alone and exchange.reply is None:
                    self._families_unanswered_alone.add(category.family)
                if manner.alone and exchange.reply is None:
                    self.unanswered_repeats[category.kind] += 1
                return began, exchange, passage

    async def _count_missing_reply(self, exchange: Exchange, category: Category, began: float) -> None:
        """Tells the patience of the run about an exchange; if no part of an answer came, waits until the endpoint answers a later request."""
        self.patience.note(exchange, began, self.clock.now())
        if exchange.response is None:
            replies = self.patience.replies
            await self.life.wait_until(lambda: self.patience.replies > replies)
        self.patience.count_failure(category, exchange)

    async def _repeat_alone(self, exchange: Exchange, request: Request, manner: Manner, category: Category) -> Exchange:
        """Repeats a request that got no reply while others were under way, with no other under way; gives the last exchange.

        If a request of this kind got no reply alone before, nothing is sent, and `exchange` is given.
        """
        if category.kind in self._kinds_unanswered_alone:
            return exchange
        fresh = replace(request, fresh_connection=True)
        async with self.lanes.alone():
            if category.kind in self._kinds_unanswered_alone:  # found out by another task while this one waited
                return exchange
            self._raise_if_given_up_or_blocked(request, category)
            self._wire.close_idle()
            again = await self._send_and_record(fresh, manner.again)
        if again.reply is None:
            self._kinds_unanswered_alone.add(category.kind)
            self.unanswered_repeats[category.kind] += 1
        elif exchange.failure is not None:
            self.narrow_after(exchange)
        return again

    def narrow_after(self, exchange: Exchange) -> None:
        """Sends fewer requests at the same time: `exchange` got no reply while others were under way, and its repetition alone did.

        A connection that was used before and was closed proves nothing, since endpoints close idle connections.
        """
        if exchange.position > 1 and is_lost(exchange):
            return
        how = exchange.failure.kind.value if exchange.failure is not None else "no reply"
        self.lanes.narrow(
            self.lanes.width // 2,
            f"a request got no reply while others were under way ({how}), and got one when it was sent alone",
        )

    async def _send_and_record(self, request: Request, manner: Manner) -> Exchange:
        """Sends a request by the wire now, and gives the recorded exchange."""
        with _withheld_as_signal():
            carried = await self._wire.exchange(
                request, label=manner.label, on=manner.on, watch_close=manner.watch_close
            )
        return self._record(carried)

    def _record(self, carried: Exchange) -> Exchange:
        """Records an exchange, and gives the recorded one, which is masked; in the session only `Redirects` sees it unmasked."""
        self._redirects.see(carried)
        exchange = self._recorder.record(carried)
        self.on_exchange(exchange)
        return exchange

    def _pause(self, exchange: Exchange, tries: int) -> float:
        """The seconds to wait after a throttled answer.

        That is the value of Retry-After, or else a pause that doubles with each try. It is never longer than
        LONGEST_PAUSE_SECONDS, or than what is left of the patience of the run.
        """
        asked = retry_after_seconds(exchange)
        wanted = self.limits.poll_interval_seconds * 2 ** (tries - 1) if asked is None else asked
        return min(wanted, LONGEST_PAUSE_SECONDS, self.patience.left(self.clock.now()))

    async def _follow_up(self, exchange: Exchange, request: Request, manner: Manner, category: Category) -> Exchange:
        """Repeats a request after errors inside the endpoint, and follows 307s; gives the last exchange.

        The last repetition, and the request after the last redirect, are sent alone: then other requests cannot be the
        reason for the answer. A redirect is not followed where the gate keeps it back. A reimage that may have been
        started is not repeated.
        """
        faults, moves = 0, 0
        while True:
            if is_passing_fault(exchange) and faults < REPEATS_OF_A_FAULT and not self._may_have_started(exchange):
                faults += 1
            elif (
                moves < MAX_REDIRECTS
                and (moved := self._redirects.moved(exchange, request))
                and await self.admits(moved)
            ):
                request, moves = moved, moves + 1
            else:
                return exchange
            alone = faults == REPEATS_OF_A_FAULT or moves == MAX_REDIRECTS
            exchange = await self._send_and_count(request, replace(manner.again, alone=alone), category)

    def _may_have_started(self, exchange: Exchange) -> bool:
        """Whether a request may have started a reimage: it may be accepted, and the answer leaves open what became of it."""
        is_post = exchange.request.method == "POST" and may_have_been_carried_out(exchange)
        return is_post and expectation_of(exchange.request, self._recorder.world).may_be_accepted


@contextmanager
def _withheld_as_signal() -> Iterator[None]:
    """Raises `signals.Withheld`, which says how the case ends, in place of the `Withheld` of `reimage_conformance.gate`."""
    try:
        yield
    except gates.Withheld as error:
        raise Withheld(str(error), error.why) from None


def _category_of(request: Request, manner: Manner) -> Category:
    """How a request is counted: bad requests by their `kind`, all others by method, kind of resource, identity and label.

    A request is counted under the same category after a redirect. All labels with the same word before a colon, such as
    `step:NAME`, are of one family.
    """
    resource, call = read_target(request.target).kind, call_of(request)
    if manner.kind:
        return Category(manner.kind, f"bad {request.method} {resource}", call)
    family = f"{request.method} {resource} {manner.label.partition(':')[0]}"
    return Category(f"{request.method} {resource} {request.identity} {manner.label}", family, call)
