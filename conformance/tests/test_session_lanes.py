"""Lanes: how many requests are under way at the same time, at endpoints that can take many, few or one."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import trio

from judging_samples import POLL, REIMAGE, exchange, poll, silent
from reimage_conformance.model import FailureKind
from reimage_conformance.session.bad_requests import Violations
from reimage_conformance.session.lanes import Lanes
from reimage_conformance.session.signals import Inconclusive, Untested, Withheld
from reimage_conformance.session.thresholds import MAX_VIOLATIONS_PER_REQUIREMENT
from session_rig import FakeWire, in_time, sender_over

if TYPE_CHECKING:
    from reimage_conformance.model import Exchange, Request
    from reimage_conformance.session.sending import Sender


class Occupancy:
    """Requests of one second each, counted while they are under way."""

    def __init__(self, width: int) -> None:
        self.lanes = Lanes(width)
        self.under_way = self.widest = 0
        self.beside_alone: list[int] = []

    async def shared(self) -> None:
        """A request beside others."""
        async with self.lanes.lane():
            await self._pass()

    async def alone(self) -> None:
        """A request beside none."""
        async with self.lanes.alone():
            self.beside_alone.append(self.under_way)
            await self._pass()
            self.beside_alone.append(self.under_way)

    async def _pass(self) -> None:
        self.under_way += 1
        self.widest = max(self.widest, self.under_way)
        await trio.sleep(1)
        self.under_way -= 1


@pytest.mark.parametrize(("width", "seconds"), [(1, 12), (4, 3), (16, 1)])
@in_time
async def test_no_more_are_under_way_than_there_are_lanes(width: int, seconds: int) -> None:
    one = Occupancy(width)
    async with trio.open_nursery() as tasks:
        for _ in range(12):
            tasks.start_soon(one.shared)

    assert (one.widest, trio.current_time()) == (min(width, 12), seconds)


@in_time
async def test_nothing_is_under_way_beside_a_request_that_must_be_alone() -> None:
    one = Occupancy(4)
    async with trio.open_nursery() as tasks:
        for _ in range(3):
            tasks.start_soon(one.shared)
            tasks.start_soon(one.alone)
            tasks.start_soon(one.shared)

    assert one.beside_alone == [0] * 6


@in_time
async def test_a_request_that_gives_up_waiting_to_be_alone_keeps_nobody_out() -> None:
    one = Occupancy(2)
    async with trio.open_nursery() as tasks:
        tasks.start_soon(one.shared)
        await trio.sleep(0.1)
        with trio.move_on_after(0.5):
            await one.alone()
        await one.shared()

    assert (one.widest, one.beside_alone) == (2, [])
    assert trio.current_time() == pytest.approx(1.6)


@in_time
async def test_bad_requests_take_turns_in_the_order_in_which_they_came() -> None:
    violations, began = Violations(lambda: 1), []

    async def one(number: int, *broken: str) -> None:
        await trio.sleep(number / 100)
        async with violations.room_for(frozenset(broken)):
            began.append((number, round(trio.current_time())))
            await trio.sleep(1)

    async with trio.open_nursery() as tasks:
        tasks.start_soon(one, 1, "A")
        tasks.start_soon(one, 2, "A")
        tasks.start_soon(one, 3, "A", "B")
        with trio.move_on_after(0.5):
            await one(4, "A")
        tasks.start_soon(one, 5, "A")

    assert began == [(1, 0), (3, 0), (2, 1), (5, 2)]


@in_time
async def test_bad_requests_that_are_given_up_while_one_before_them_ends_leave_their_places() -> None:
    violations, broken = Violations(lambda: 1), frozenset(("A",))

    async def one() -> None:
        async with violations.room_for(broken):
            await trio.sleep(1)

    async with trio.open_nursery() as tasks:
        for _ in range(3):
            tasks.start_soon(one)
        await trio.sleep(0.5)
        tasks.cancel_scope.cancel()

    with trio.fail_after(1.5):
        await one()


@in_time
async def test_whoever_waits_is_told_when_enough_bad_requests_were_accepted() -> None:
    violations, broken = Violations(lambda: 1), frozenset(("A",))

    async def first() -> None:
        async with violations.room_for(broken):
            await trio.sleep(1)
            violations.count(broken, MAX_VIOLATIONS_PER_REQUIREMENT)

    async with trio.open_nursery() as tasks:
        tasks.start_soon(first)
        await trio.sleep(0.1)
        with pytest.raises(Untested, match=r"same reason \(A\)"):
            async with violations.room_for(broken):
                pass


@in_time
@pytest.mark.parametrize("is_silence", [True, False])
async def test_what_is_never_answered_is_not_sent_with_other_mistakes_either(*, is_silence: bool) -> None:
    violations, both = Violations(lambda: 8), frozenset(("A", "B"))
    violations.count(both, MAX_VIOLATIONS_PER_REQUIREMENT, is_silence=True)  # which of the two is not known
    async with violations.room_for(both):
        pass

    violations.count(frozenset(("A",)), MAX_VIOLATIONS_PER_REQUIREMENT, is_silence=is_silence)
    with pytest.raises(Untested, match="A and B") if is_silence else nullcontext():
        async with violations.room_for(both):
            pass


@in_time
async def test_a_request_that_must_be_alone_is_not_kept_waiting_by_those_that_come_later() -> None:
    one = Occupancy(1)
    moments = []

    async def one_after_the_other() -> None:
        for _ in range(10):
            await one.shared()

    async with trio.open_nursery() as tasks:
        tasks.start_soon(one_after_the_other)
        tasks.start_soon(one_after_the_other)
        await trio.sleep(0.5)
        await one.alone()
        moments.append(trio.current_time())

    assert moments == [2.0]


@in_time
async def test_a_request_that_is_given_up_leaves_its_lane() -> None:
    one = Occupancy(1)
    with trio.move_on_after(0.5):
        await one.shared()
    with trio.move_on_after(0.5):
        await one.alone()
    with trio.fail_after(3):
        await one.alone()
        await one.shared()


@in_time
async def test_lanes_only_become_fewer_and_never_none() -> None:
    lanes = Lanes(8)
    for width, reason in ((4, "first"), (6, "wider"), (4, "as wide"), (0, "second"), (1, "third")):
        lanes.narrow(width, reason)

    assert (lanes.asked_for, lanes.width, lanes.reasons) == (8, 1, ["first", "second"])


class Crowded(FakeWire):
    """An endpoint that cannot take more than `most` requests at the same time: each further one ends as `beyond` says."""

    def __init__(self, most: int, beyond: Exchange) -> None:
        super().__init__(poll(), seconds=0.1)
        self.most, self.beyond = most, beyond
        self.crowded_out = 0

    def answer(self, request: Request) -> Exchange:
        """What a request beside so many others gets."""
        if self.under_way <= self.most:
            return super().answer(request)
        self.crowded_out += 1
        return self.beyond


async def answers_of(sender: Sender, count: int, request: Request = POLL) -> list[Exchange]:
    """What becomes of as many requests as this, all wanted at once."""
    found: list[Exchange] = []

    async def one() -> None:
        found.append(await sender.send(request))

    async with trio.open_nursery() as tasks:
        for _ in range(count):
            tasks.start_soon(one)
    return found


BEYOND = {
    "one at a time": (1, silent(kind=FailureKind.REFUSED)),
    "one connection, the others closed": (1, silent(kind=FailureKind.CLOSED)),
    "third connection reset": (2, silent(kind=FailureKind.RESET)),
    "third connection never served": (2, silent(kind=FailureKind.TIMEOUT, elapsed=30.0)),
    "throttled by number, 503": (3, exchange(status=503)),
    "throttled by number, 429": (3, exchange(status=429, headers=(("Retry-After", "0"),))),
}


@pytest.mark.parametrize("name", BEYOND)
@in_time
async def test_an_endpoint_that_cannot_take_so_many_has_fewer_sent_and_answers_all(name: str) -> None:
    most, beyond = BEYOND[name]
    wire = Crowded(most, beyond)
    sender = sender_over(wire, width=8, poll_interval_seconds=0.1)
    found = await answers_of(sender, 60)

    assert {each.reply.status if each.reply is not None else 0 for each in found} == {200}
    assert sender.lanes.width <= most
    assert sender.lanes.reasons
    assert wire.crowded_out <= 16, "as many as two rounds of all lanes"
    assert not sender.given_up


@in_time
async def test_one_that_takes_as_many_as_are_sent_is_not_narrowed() -> None:
    wire = Crowded(8, silent(kind=FailureKind.RESET))
    sender = sender_over(wire, width=8)
    await answers_of(sender, 60)

    assert (sender.lanes.width, sender.lanes.reasons, wire.widest) == (8, [], 8)


@in_time
async def test_a_failure_that_a_request_meets_alone_as_well_is_no_reason_to_narrow() -> None:
    wire = FakeWire(silent(kind=FailureKind.RESET), seconds=0.1)
    sender = sender_over(wire, width=4)
    await answers_of(sender, 4)

    assert (sender.lanes.width, sender.lanes.reasons) == (4, [])


@in_time
async def test_an_endpoint_that_answers_none_of_a_kind_is_asked_for_one_alone_only_once() -> None:
    wire = FakeWire(silent(kind=FailureKind.TIMEOUT, elapsed=2.0), seconds=2.0)
    sender = sender_over(wire, width=7, patience_seconds=60.0)
    await answers_of(sender, 7)

    assert (len(wire.sent), trio.current_time()) == (8, 4.0)
    with pytest.raises(Inconclusive, match=r"7 requests like this one \(Get Operation Status\) got no answer in time"):
        await sender.send(POLL)


@pytest.mark.parametrize("kind", [FailureKind.RESET, FailureKind.CLOSED, FailureKind.TIMEOUT])
@in_time
async def test_a_post_that_may_have_arrived_is_sent_once(kind: FailureKind) -> None:
    wire = Crowded(1, silent(kind=kind))
    await answers_of(sender_over(wire, width=4), 4, REIMAGE)

    assert len(wire.sent) == 4


@in_time
async def test_a_post_whose_connection_was_refused_never_went_out_and_is_sent_again() -> None:
    wire = Crowded(1, silent(kind=FailureKind.REFUSED))
    found = await answers_of(sender_over(wire, width=4), 4, REIMAGE)

    assert [each.reply is not None for each in found] == [True] * 4


@in_time
async def test_what_is_given_up_while_a_request_waits_for_its_lane_is_not_sent() -> None:
    wire = FakeWire(poll(), seconds=1.0)
    sender = sender_over(wire, width=1)
    refused: list[str] = []

    async def one(request: Request) -> None:
        try:
            await sender.send(request)
        except (Inconclusive, Withheld) as error:
            refused.append(str(error))

    async with trio.open_nursery() as tasks:
        for _ in range(3):
            tasks.start_soon(one, POLL)
        for _ in range(3):
            tasks.start_soon(one, replace(REIMAGE, method="PUT"))
        await trio.sleep(0.5)
        sender.why_blocked = lambda request: "it touched what is not listed" if request.method == "PUT" else ""
        await trio.sleep(0.4)
        sender.give_up("nothing more is sent")

    assert len(wire.sent) == 1
    assert len(refused) == 5
