"""Patience: each rule of what is waited for in vain, by a clock that jumps; and how a sender keeps to it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
import trio

from judging_samples import NOWHERE, POLL, PUT, REIMAGE, exchange, poll, silent
from reimage_conformance.model import Exchange, FailureKind, Request
from reimage_conformance.session.patience import Category, Patience
from reimage_conformance.session.signals import Inconclusive
from reimage_conformance.session.thresholds import MAX_SAME_FAILURES, MAX_SAME_FAILURES_OF_A_FAMILY
from session_rig import FakeWire, in_time, sender_over

A, B = Category("a", "letters"), Category("b", "letters")
REFUSAL, OTHER_REFUSAL = Category("POST REQ-A", "bad POST"), Category("POST REQ-B", "bad POST")
COSTLY = (FailureKind.TIMEOUT, FailureKind.TRUNCATED, FailureKind.TOO_LARGE)
CHEAP = (FailureKind.RESET, FailureKind.CLOSED, FailureKind.REFUSED)
BUSY = exchange(status=503)


def failed(
    patience: Patience,
    category: Category,
    times: int = 1,
    *,
    how: FailureKind = FailureKind.TIMEOUT,
    seconds: float = 0.0,
) -> None:
    """Requests of a category end in the same way, one after the other, each after so many seconds; the endpoint answers others."""
    for _ in range(times):
        now = patience.heard_at + seconds
        each = silent(kind=how, elapsed=seconds)
        patience.note(each, now - seconds, now)
        patience.count_failure(category, each)
        patience.note(poll(), now, now)


def answered(patience: Patience, category: Category) -> None:
    """A request of a category is answered."""
    patience.note(poll(), patience.heard_at, patience.heard_at)
    patience.count_failure(category, poll())


@pytest.mark.parametrize(
    ("limit", "asked_for", "seconds"), [(2.0, None, 12.0), (30.0, None, 60.0), (2.0, 5.0, 5.0), (30.0, 300.0, 300.0)]
)
def test_patience_is_six_time_limits_and_a_minute_at_most_unless_asked_for(
    limit: float, asked_for: float | None, seconds: float
) -> None:
    assert Patience.for_limits(limit, asked_for, 7.0).seconds == seconds


@pytest.mark.parametrize("how", COSTLY)
def test_a_kind_that_failed_often_enough_alike_is_not_sent_any_more(how: FailureKind) -> None:
    patience = Patience(60.0)
    answered(patience, B)
    failed(patience, A, MAX_SAME_FAILURES - 1, how=how)
    patience.check(A)
    failed(patience, A, how=how)

    with pytest.raises(
        Inconclusive,
        match=r"^3 requests like this one got (no answer in time|an answer that was (cut short|too large)), so no more were sent$",
    ):
        patience.check(A)
    patience.check(B)


@pytest.mark.parametrize("how", CHEAP)
def test_a_connection_that_is_dropped_costs_no_patience(how: FailureKind) -> None:
    patience = Patience(60.0)
    failed(patience, A, 100, how=how, seconds=1.0)

    patience.check(A)
    assert (patience.lost_seconds, patience.why_over) == (0.0, "")


def test_failures_of_different_ways_are_counted_apart() -> None:
    patience = Patience(60.0)
    answered(patience, A)
    for how in COSTLY:
        failed(patience, A, MAX_SAME_FAILURES - 1, how=how)

    patience.check(A)


def test_a_family_of_which_none_was_ever_answered_is_not_sent_any_more() -> None:
    patience = Patience(60.0)
    for number in range(MAX_SAME_FAILURES_OF_A_FAMILY):
        patience.check(B)
        failed(patience, Category(f"kind {number}", A.family))

    with pytest.raises(
        Inconclusive, match=r"^12 requests of this kind got no answer in time, and none of this kind was ever answered"
    ):
        patience.check(B)
    patience.check(REFUSAL)


def test_a_family_of_which_one_was_answered_is_bounded_by_its_kinds() -> None:
    patience = Patience(60.0)
    answered(patience, B)
    for number in range(MAX_SAME_FAILURES_OF_A_FAMILY):
        failed(patience, Category(f"kind {number}", A.family))

    patience.check(B)


def test_refusals_that_are_never_answered_are_bounded_by_what_they_break_while_there_is_time() -> None:
    patience = Patience(60.0, refusals={REFUSAL.kind})
    answered(patience, OTHER_REFUSAL)
    failed(patience, REFUSAL, 10, seconds=4.0)
    patience.check(REFUSAL)
    failed(patience, OTHER_REFUSAL, seconds=4.0)

    for category in (REFUSAL, OTHER_REFUSAL):
        with pytest.raises(Inconclusive, match="requests like this one got no answer in time"):
            patience.check(category)


def test_what_passed_beside_others_is_lost_once() -> None:
    patience = Patience(60.0)
    for ended in (10.0, 10.0, 11.0):
        patience.note(silent(elapsed=10.0), ended - 10.0, ended)

    assert patience.lost_seconds == 11.0


def test_a_run_that_waited_in_vain_for_too_long_in_all_is_over_although_others_are_answered() -> None:
    patience = Patience(20.0)
    failed(patience, A, 10, seconds=3.0)
    assert patience.why_over == ""
    failed(patience, B, seconds=3.0)

    assert patience.why_over.startswith("the suite has waited 33 s in all for replies that did not come")
    with pytest.raises(Inconclusive, match="did not come"):
        patience.check(REFUSAL)


@pytest.mark.parametrize(
    ("what", "told"),
    [(silent(), "for 20 s the endpoint gave no reply"), (BUSY, "for 20 s the endpoint answered that it is busy")],
)
def test_a_run_is_over_when_nothing_was_served_for_as_long_as_the_patience_lasts(what: Exchange, told: str) -> None:
    patience = Patience(20.0)
    for now in (18.0, 19.0):
        patience.note(what, now, now)
        assert patience.why_over == ""
    patience.note(what, 20.0, 20.0)

    assert patience.why_over.startswith(told)


def test_an_answer_in_between_starts_the_patience_anew() -> None:
    patience = Patience(20.0)
    for now in (15.0, 19.0, 34.0):
        patience.note(poll() if now == 19.0 else BUSY, now, now)

    assert patience.why_over == ""
    assert patience.left(34.0) == 5.0


def test_what_ends_while_the_endpoint_is_away_says_nothing_about_its_kind() -> None:
    patience = Patience(60.0)
    patience.note(poll(), 0.0, 10.0)
    lost, later = silent(number=2), silent(number=3)
    patience.note(lost, 11.0, 13.0)
    patience.note_outage()
    patience.note(later, 14.0, 14.0)
    patience.note(poll(), 15.0, 15.0)
    for each in (lost, later) * MAX_SAME_FAILURES:
        patience.count_failure(A, each)
    patience.note(silent(number=4), 16.0, 17.0)

    patience.check(A)
    assert [patience.was_away(number) for number in (1, 2, 3, 4)] == [False, True, True, False]


@pytest.mark.parametrize(("second", "away"), [(POLL, True), (PUT, True), (REIMAGE, False)])
def test_an_endpoint_that_answers_nothing_whatever_is_asked_is_away_also_where_it_is_back_before_it_was_asked(
    second: Request, *, away: bool
) -> None:
    patience = Patience(60.0)
    patience.note(poll(), 0.0, 10.0)
    patience.note(silent(REIMAGE, number=2), 9.0, 13.0)
    patience.note(silent(second, number=3), 11.0, 13.0)
    patience.note(poll(), 14.0, 14.0)
    patience.note(silent(REIMAGE, number=4), 13.5, 16.0)

    assert [patience.was_away(number) for number in (2, 3, 4)] == [away] * 3


@in_time
async def test_who_rests_is_woken_when_the_run_is_given_up() -> None:
    patience = Patience(60.0)
    await patience.rest(7)
    assert trio.current_time() == 7
    async with trio.open_nursery() as tasks:
        tasks.start_soon(_give_up_later, patience)
        with pytest.raises(Inconclusive, match=r"^enough$"):
            await patience.rest(1000)
    assert trio.current_time() == 10


async def _give_up_later(patience: Patience) -> None:
    await trio.sleep(3)
    patience.give_up("enough")
    patience.give_up("later")


class Absent(FakeWire):
    """An endpoint that is away between two moments, for every request but the `kept` ones; each failure takes `seconds`."""

    def __init__(self, since: float, until: float, how: FailureKind = FailureKind.REFUSED) -> None:
        super().__init__(poll())
        self.since, self.until, self.how = since, until, how
        self.kept: tuple[Request, ...] = ()

    def answer(self, request: Request) -> Exchange:
        """The reply, or none."""
        away = self.since <= trio.current_time() < self.until
        return silent(kind=self.how) if away and request not in self.kept else super().answer(request)


@pytest.mark.parametrize(
    ("how", "request_", "sent"),
    [
        (FailureKind.REFUSED, REIMAGE, 2),
        (FailureKind.RESET, REIMAGE, 1),
        (FailureKind.TIMEOUT, REIMAGE, 1),
        (FailureKind.RESET, POLL, 2),
        (FailureKind.TIMEOUT, POLL, 2),
    ],
)
@in_time
async def test_what_met_an_absence_is_sent_again_once_the_endpoint_is_back_where_that_does_nothing_twice(
    how: FailureKind, request_: Request, sent: int
) -> None:
    wire = Absent(0, 8, how)
    sender = sender_over(wire, patience_seconds=20.0)
    sender.life.questions = (NOWHERE,)
    found = await sender.send(request_)

    own = [each for each in wire.sent if each.target == request_.target]
    assert (len(own), found.reply is not None) == (sent, sent == 2)
    assert 8 <= trio.current_time() <= 8.1
    assert not sender.given_up


@in_time
async def test_an_endpoint_that_does_not_come_back_ends_the_run_when_the_patience_is_over() -> None:
    sender = sender_over(Absent(0, 1e9), patience_seconds=20.0)
    sender.life.questions = (NOWHERE,)
    for _ in range(3):
        with pytest.raises(Inconclusive, match=r"^for 20 s the endpoint gave no reply"):
            await sender.send(POLL)

    assert trio.current_time() == 20


@in_time
async def test_only_questions_go_out_while_the_endpoint_is_away() -> None:
    wire = Absent(0, 9)
    sender = sender_over(wire, patience_seconds=20.0, width=8)
    sender.life.questions = (NOWHERE,)
    async with trio.open_nursery() as tasks:
        for _ in range(30):
            tasks.start_soon(sender.send, POLL)
        await trio.sleep(0.5)
        before = len(wire.sent)
        for _ in range(30):
            tasks.start_soon(sender.send, POLL)
        await trio.sleep(8)
        during = wire.sent[before:]

    assert {each.target for each in during} == {NOWHERE.target}
    assert len(during) == 8, "one a second"


@in_time
async def test_a_question_that_was_answered_is_asked_first() -> None:
    wire = Absent(0, 1e9)
    wire.kept = (POLL,)
    sender = sender_over(wire)
    sender.life.questions = (NOWHERE, replace(NOWHERE, method="PUT"), POLL)

    assert await sender.is_alive()
    assert await sender.is_alive()
    assert [each.target for each in wire.sent] == [NOWHERE.target, NOWHERE.target, POLL.target, POLL.target]


@in_time
async def test_one_request_without_reply_beside_others_that_are_answered_is_no_absence() -> None:
    wire = Absent(0, 1e9, FailureKind.TIMEOUT)
    wire.kept = (NOWHERE,)
    sender = sender_over(wire)
    sender.life.questions = (NOWHERE,)
    found = await sender.send(REIMAGE)

    assert sender.answers_others(found)
    assert not sender.given_up


@in_time
async def test_an_endpoint_that_throttles_everything_is_asked_now_and_then_until_it_serves() -> None:
    wire = FakeWire(BUSY)
    sender = sender_over(wire, patience_seconds=60.0, poll_interval_seconds=0.01)
    sender.life.questions = (NOWHERE,)
    for _ in range(4):
        await sender.send(POLL)
    before = len(wire.sent)
    async with trio.open_nursery() as tasks:
        for _ in range(20):
            tasks.start_soon(sender.send, POLL)
        await trio.sleep(10)
        asked = len(wire.sent) - before
        wire.replies = [poll()]

    assert 5 <= asked <= 11
    assert not sender.given_up


@pytest.mark.parametrize("value", ["86400", "25"])
@in_time
async def test_a_pause_that_the_endpoint_asks_for_ends_with_the_patience(value: str) -> None:
    sender = sender_over(FakeWire(exchange(status=503, headers=(("Retry-After", value),))), patience_seconds=20.0)
    for _ in range(2):
        with suppress(Inconclusive):
            await sender.send(POLL)

    assert "busy" in sender.given_up
    assert trio.current_time() <= 21


class Dropping(FakeWire):
    """An endpoint that answers on new connections only."""

    def __init__(self, how: FailureKind) -> None:
        super().__init__(poll())
        self.how = how

    def answer(self, request: Request) -> Exchange:
        """A reply on a new connection, none on one that was used before."""
        return super().answer(request) if request.fresh_connection else silent(kind=self.how)


@pytest.mark.parametrize("how", CHEAP)
@in_time
async def test_connections_that_are_dropped_again_and_again_end_nothing(how: FailureKind) -> None:
    sender = sender_over(Dropping(how))
    sender.life.questions = (replace(NOWHERE, fresh_connection=True),)
    for _ in range(100):
        assert (await sender.send(POLL)).reply is not None

    assert not sender.given_up
