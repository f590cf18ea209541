"""Operations under way: each is polled by a task of its own, and waited for by nobody else."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

import pytest
import trio

from judging_samples import (
    BUILDER,
    FABRIKAM,
    FAILED,
    OPERATION_ID,
    OTHER_ID,
    PLACE,
    POLL,
    PRODUCTION,
    REIMAGE,
    RUNNING,
    STAGING,
    SUCCEEDED,
    poll,
    silent,
    started,
)
from reimage_conformance.judging.operations.progress import RETENTION_SECONDS
from reimage_conformance.model import FailureKind, Identity
from reimage_conformance.protocol.addresses import UriForm
from reimage_conformance.protocol.requests import Place
from reimage_conformance.session.budget import Budget
from reimage_conformance.session.operation import Operation, State
from reimage_conformance.session.operations import Operations
from reimage_conformance.session.signals import Inconclusive, Untested
from reimage_conformance.session.thresholds import MAX_DENIED_POLLS
from session_rig import FakeRecorder, FakeWire, in_time, sender_over

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from reimage_conformance.model import Exchange
    from reimage_conformance.session.recorder import Recorder


class Rig:
    """Operations whose polls are answered by arrangement."""

    def __init__(self, wire: FakeWire, **limits: Any) -> None:
        self.wire = wire
        self.budget, self.recorder = Budget(6), FakeRecorder()
        sender = sender_over(
            wire,
            recorder=self.recorder,
            **{"poll_interval_seconds": 5.0, "operation_timeout_seconds": 100.0, "patience_seconds": 1000.0, **limits},
        )
        self.operations = Operations(sender, BUILDER, self.budget, cast("Recorder", self.recorder))

    async def finished(self, start: Exchange | None = None, place: Place = PLACE) -> Operation:
        """An operation waited for."""
        found = self.operations.open(start or started(), place, UriForm.SLOT)
        await found.over.wait()
        return found

    async def passes_on(self, *statuses: str) -> list[Operation]:
        """What is known now of operations with these ends."""
        return [await self.operations.known(status) for status in statuses]


@asynccontextmanager
async def rig(*replies: Exchange, seconds: float = 0.0, **limits: Any) -> AsyncIterator[Rig]:
    """A rig whose operations are followed for as long as the block lasts."""
    async with trio.open_nursery() as tasks:
        made = Rig(FakeWire(*replies, seconds=seconds), **limits)
        made.operations.follow_in(tasks)
        yield made
        tasks.cancel_scope.cancel()


def answers(*bodies: str) -> list[Exchange]:
    """Polls answered with these documents."""
    return [poll(body) for body in bodies]


async def only(*replies: Exchange) -> Operation:
    """What becomes of an operation whose polls are answered so."""
    async with rig(*replies) as one:
        return await one.finished()


def numbers(exchanges: Iterable[Exchange]) -> list[int]:
    """The numbers of exchanges."""
    return [exchange.number for exchange in exchanges]


@in_time
async def test_one_that_succeeds() -> None:
    async with rig(*answers(RUNNING, RUNNING, RUNNING, SUCCEEDED)) as one:
        found = await one.finished()

    assert (found.state, found.status, found.is_under_way, found.is_known) == (State.ENDED, "Succeeded", False, True)
    assert [each.target for each in one.wire.sent] == [POLL.target] * 5
    assert one.wire.labels() == ["poll", "poll-otherwise", "poll-afresh", "poll", "poll-after-end"]
    assert [each.fresh_connection for each in one.wire.sent] == [False, False, True, False, False]
    assert [each.values("x-ms-version")[0] for each in one.wire.sent[:2]] == ["2011-10-01", "2009-10-01"]
    assert found.exchanges[0] == started()
    assert len(found.exchanges) == 6
    assert found.duration == 1.0
    assert one.budget.spent == 1
    fields = {"start": 1, "identifier": OPERATION_ID, "place": "contoso/contoso-v2/WebRole1_IN_0", "form": UriForm.SLOT}
    assert one.recorder.events == [("operation", {**fields, "unwanted": False})]


@in_time
async def test_only_the_first_ones_are_polled_on_a_new_connection() -> None:
    async with rig(poll(RUNNING)) as one:
        for number in (1, 2, 3):
            one.operations.open(started(number=number, identifier=f"{number}"), Place(FABRIKAM, f"Front_IN_{number}"))
        await trio.sleep(5.0)

    asked = {each.target.rpartition("/")[2] for each in one.wire.sent if each.fresh_connection}
    assert asked == {"1", "2"}


@in_time
async def test_what_ended_before_is_looked_back_at_when_a_later_one_starts_and_ends() -> None:
    async with rig(*answers(SUCCEEDED, SUCCEEDED, RUNNING, RUNNING, SUCCEEDED, FAILED, FAILED, SUCCEEDED)) as one:
        first = await one.finished()
        elsewhere = one.operations.open(started(number=8), Place(FABRIKAM, "Front_IN_0"), UriForm.SLOT)
        one.operations.give_up(elsewhere)
        elsewhere.state = State.ENDED
        later = await one.finished(started(number=9, identifier="1" * 32))

    assert (first.status, later.status) == ("Succeeded", "Failed")
    assert one.wire.labels() == [
        *("poll", "poll-after-end"),
        *("poll", "poll-otherwise", "poll-overtaken", "poll", "poll-after-end", "poll-overtaken"),
    ]
    assert numbers(first.polls) == [1, 2, 5, 8]
    assert elsewhere.polls == []


@in_time
async def test_what_is_over_for_long_is_asked_about_before_it_is_taken_for_known() -> None:
    async with rig(*answers(SUCCEEDED, SUCCEEDED), poll("", 404)) as one:
        found = await one.finished()

        assert await one.passes_on("", "Succeeded") == [found, found]
        with pytest.raises(Inconclusive, match="no operation that ended Failed"):
            await one.operations.known("Failed")
        assert (len(found.polls), found.is_forgotten) == (2, False)
        await trio.sleep(RETENTION_SECONDS + 0.1)
        for _ in range(2):
            with pytest.raises(Untested, match="forgets operations soon after their end"):
                await one.operations.known()
        assert (found.is_still_known, found.is_forgotten) == (False, True)
        assert one.wire.labels()[-1] == "poll-known"
        assert len(found.polls) == 3


@in_time
async def test_a_throttled_poll_makes_nothing_forgotten() -> None:
    async with rig(*answers(SUCCEEDED, SUCCEEDED), poll("", 503), poll("", 429), *answers(SUCCEEDED)) as one:
        found = await one.finished()
        await trio.sleep(RETENTION_SECONDS + 0.1)

        assert await one.passes_on("") == [found]
        assert (len(found.polls), found.is_still_known) == (5, True)


@in_time
async def test_a_version_that_is_refused_makes_nothing_forgotten() -> None:
    """The endpoint may refuse polls with a version that it does not know, however often it is asked (REQ-VER-OLD-KEPT)."""
    async with rig(*answers(SUCCEEDED, SUCCEEDED), poll("", 400)) as one:
        found = await one.finished()
        await one.operations.poll(found, version="2015-04-01", label="poll-version")

        assert await one.passes_on("") == [found]
        assert (len(found.polls), found.is_still_known) == (3, True)


@in_time
async def test_a_poll_of_an_operation_that_is_over_is_repeated_while_it_is_throttled() -> None:
    """The last one of a run is what tells that an operation was forgotten; nothing asks after it."""
    async with rig(*answers(SUCCEEDED, SUCCEEDED), poll("", 503), poll("", 429), poll("", 404)) as one:
        found = await one.finished()
        await trio.sleep(RETENTION_SECONDS + 0.1)
        late = await one.operations.poll(found, label="poll-late")

    assert (late.reply.status if late.reply else 0, found.is_still_known) == (404, False)


@pytest.mark.parametrize(("kind", "count"), [(FailureKind.CLOSED, 2), (FailureKind.RESET, 2), (FailureKind.TIMEOUT, 1)])
@in_time
async def test_a_poll_whose_connection_was_lost_is_sent_once_more(kind: FailureKind, count: int) -> None:
    async with rig(*answers(SUCCEEDED, SUCCEEDED), silent(kind=kind), poll(SUCCEEDED)) as one:
        found = await one.finished()
        polled = len(found.polls)
        late = await one.operations.poll(found, label="poll-late")

    assert (late.reply is None) is (count == 1)
    assert len(found.polls) == polled + count


@in_time
async def test_what_is_lost_soon_after_its_end_is_not_forgotten() -> None:
    async with rig(poll(SUCCEEDED), poll("", 404)) as one:
        found = await one.finished()

        with pytest.raises(Inconclusive, match="could be polled"):
            await one.operations.known()
        assert (found.is_still_known, found.is_forgotten) == (False, False)


@in_time
async def test_an_operation_of_another_subscription_is_none_to_ask_about() -> None:
    async with rig(*answers(SUCCEEDED, SUCCEEDED)) as one:
        (await one.finished()).subscription = "another"

        with pytest.raises(Inconclusive, match="could be polled"):
            await one.operations.known()


@in_time
async def test_another_reimage_is_started_where_every_operation_is_forgotten_a_few_times() -> None:
    async with rig(*answers(SUCCEEDED, SUCCEEDED), poll("", 404)) as one:
        found = await one.finished()
        renewed: list[Operation] = []

        async def renew(operation: Operation) -> Operation:
            renewed.append(operation)
            return operation

        one.operations.renew = renew
        await trio.sleep(RETENTION_SECONDS + 0.1)

        assert await one.passes_on(*[""] * 4) == [found] * 4
        with pytest.raises(Untested):
            await one.operations.known()
        assert renewed == [found] * 4


@in_time
async def test_none_is_started_anew_out_of_what_the_next_steps_need() -> None:
    async with rig(*answers(SUCCEEDED, SUCCEEDED), poll("", 404)) as one:
        await one.finished()
        one.operations.reimages_needed = lambda: one.budget.limit
        await trio.sleep(RETENTION_SECONDS + 0.1)

        with pytest.raises(Untested):
            await one.operations.known()


@in_time
async def test_polls_become_rarer_up_to_the_interval() -> None:
    async with rig(poll(RUNNING)) as one:
        found = await one.finished()

    moments = [each.at for each in found.polls if each.label == "poll"]
    gaps = [round(after - before, 3) for before, after in pairwise(moments)]
    assert gaps[:8] == [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.05]
    assert gaps[-1] == 5.0
    assert gaps == sorted(gaps)


@in_time
async def test_nothing_is_polled_before_it_is_due() -> None:
    async with rig(poll(RUNNING)) as one:
        one.operations.open(started())
        counts = []
        for seconds in (0.5, 0.4, 0.2):
            await trio.sleep(seconds)
            counts.append(len(one.wire.sent))

    assert counts == [3, 3, 4]


@in_time
async def test_polls_of_one_operation_under_way_never_overlap() -> None:
    async with rig(*answers(*[RUNNING] * 9, SUCCEEDED), seconds=2.0) as one:
        found = one.operations.open(started(), PLACE)
        one.operations.open(started(number=2, identifier=OTHER_ID), Place(FABRIKAM, "Front_IN_0"))
        async with trio.open_nursery() as others:
            for _ in range(3):
                others.start_soon(one.operations.poll, found)

    assert one.wire.widest == 2, "one poll of each of the two operations"
    assert numbers(found.polls) == sorted(numbers(found.polls))


@in_time
async def test_an_unknown_word_under_the_oldest_version_counts() -> None:
    found = await only(*answers(RUNNING, RUNNING.replace("InProgress", "Pending"), SUCCEEDED))

    assert numbers(found.polls) == [1, 2, 3, 4]


@in_time
async def test_an_oldest_version_that_is_refused_is_another_requirements() -> None:
    async with rig(poll(RUNNING), poll("", 400), poll(RUNNING), poll(SUCCEEDED)) as one:
        found = await one.finished()

    assert one.wire.labels()[1] == "poll-otherwise"
    assert numbers(found.polls) == [1, 3, 4, 5]


@in_time
async def test_an_oldest_version_that_shows_the_end_ends_it() -> None:
    async with rig(poll(RUNNING), poll(SUCCEEDED)) as one:
        found = await one.finished()

    assert one.wire.labels() == ["poll", "poll-otherwise", "poll-after-end"]
    assert (found.status, numbers(found.polls)) == ("Succeeded", [1, 2, 3])


@in_time
async def test_one_that_never_ends_is_overdue() -> None:
    found = await only(poll(RUNNING))

    assert found.state is State.OVERDUE
    assert 100.0 <= found.duration <= 106.0


@in_time
async def test_one_that_is_never_known_is_lost() -> None:
    async with rig(poll(b"", 404)) as one:
        found = await one.finished()
        again = await one.finished(started(number=9))

    assert (found.state, found.is_known) == (State.LOST, False)
    assert 10.0 <= found.duration <= 11.0
    assert 2.5 <= again.duration <= 3.1


@in_time
async def test_one_whose_polls_are_throttled_at_first_is_not_lost() -> None:
    throttled = poll(b"", 503)
    async with rig(*[poll(b"", 404)] * 3, *[throttled] * 5, poll(SUCCEEDED), operation_timeout_seconds=300.0) as one:
        one.operations.all.append(Operation(started(), "1", 0.0, state=State.LOST, unwanted=True))
        found = await one.finished(started(number=9))

    assert (found.state, found.status) == (State.ENDED, "Succeeded")


@in_time
async def test_one_whose_polls_are_all_throttled_is_given_up_with_the_patience_of_the_run() -> None:
    async with rig(poll(b"", 503), patience_seconds=40.0) as one:
        found = [one.operations._polling._unknown_seconds(poll(b"", status)) for status in (404, 503)]

    assert found == [10.0, 40.0]


@in_time
async def test_one_that_is_answered_no_more_is_lost() -> None:
    found = await only(poll(RUNNING), silent(), silent())

    assert (found.state, len(found.polls)) == (State.LOST, 3)


@in_time
async def test_one_unanswered_poll_is_forgiven() -> None:
    assert (await only(silent(), poll(RUNNING), silent(), poll(SUCCEEDED))).state is State.ENDED


@in_time
@pytest.mark.parametrize("status", [401, 403])
async def test_one_that_a_bad_request_started_and_its_caller_may_not_see_is_given_up_soon(status: int) -> None:
    async with rig(poll(b"", status), poll_interval_seconds=0.05) as one:
        unwanted, wanted = [one.operations.open(started(number=n), PLACE, unwanted=n == 1) for n in (1, 9)]
        await unwanted.over.wait()
        await wanted.over.wait()

    assert (unwanted.state, len(unwanted.polls)) == (State.LOST, MAX_DENIED_POLLS)
    assert (wanted.state, len(wanted.polls) > 5 * MAX_DENIED_POLLS) == (State.LOST, True)


@in_time
@pytest.mark.parametrize("between", [poll(RUNNING), poll(b"", 404)])
async def test_one_that_a_bad_request_started_is_asked_for_on_while_refusals_are_not_in_a_row(
    between: Exchange,
) -> None:
    some = [poll(b"", 403)] * (MAX_DENIED_POLLS - 1)
    async with rig(*some, between, *some, poll(SUCCEEDED), poll_interval_seconds=0.05) as one:
        found = one.operations.open(started(), PLACE, unwanted=True)
        await found.over.wait()

    assert found.state is State.ENDED


@in_time
async def test_one_that_is_known_and_then_refused_is_waited_for() -> None:
    assert (await only(poll(RUNNING), poll(b"", 404), poll(FAILED))).status == "Failed"


@in_time
async def test_one_without_an_id_is_lost_at_once() -> None:
    async with rig(poll(RUNNING)) as one:
        found = await one.finished(started(identifier=""))

    assert found.state is State.LOST
    assert (one.wire.sent, one.budget.spent) == ([], 1)


@pytest.mark.parametrize("body", ["<Operation><Status>Succeeded", "Succeeded"])
@in_time
async def test_an_ill_formed_end_ends_the_waiting(body: str) -> None:
    assert (await only(poll(body))).status == "Succeeded"
    assert (await only(poll(body.encode("utf-16"), 299))).status == "Succeeded"
    assert (await only(poll(body, 300))).state is State.OVERDUE


@pytest.mark.parametrize(
    ("instance", "end", "spent"),
    [("Nobody", FAILED, 0), ("WebRole1_IN_0", FAILED, 1), ("Nobody", SUCCEEDED, 1)],
    ids=["nobody-failed", "somebody-failed", "nobody-succeeded"],
)
@in_time
async def test_what_failed_for_want_of_an_instance_is_given_back(instance: str, end: str, spent: int) -> None:
    addressed = replace(REIMAGE, target=REIMAGE.target.replace("WebRole1_IN_0", instance))
    async with rig(poll(end)) as one:
        await one.finished(started(addressed))

    assert one.budget.spent == spent


@in_time
async def test_after_two_without_an_end_nothing_is_hoped_for() -> None:
    async with rig(poll(RUNNING)) as one:
        hopeless = [one.operations.hopeless]
        for number in (1, 2):
            await one.finished(started(number=number))
            hopeless.append(one.operations.hopeless)
        third = one.operations.open(started(number=3))

        assert hopeless == [False, False, True]
        assert (third.state, third.over.is_set()) == (State.LOST, True)
        assert one.operations.open(started(number=4), even_if_hopeless=True).is_under_way


@in_time
async def test_as_many_ends_give_hope() -> None:
    async with rig(poll(SUCCEEDED)) as one:
        for number, identifier in enumerate((OPERATION_ID, "", OPERATION_ID, ""), 1):
            await one.finished(started(number=number, identifier=identifier))

    assert one.operations.hopeless is False


@in_time
async def test_a_deployment_is_busy_while_one_runs_on_it() -> None:
    async with rig(*answers(*[RUNNING] * 6, SUCCEEDED)) as one:
        found = one.operations.open(started(), PLACE)
        one.operations.open(started(number=2, identifier=OTHER_ID))

        assert (one.operations.has_operation_on(PRODUCTION), one.operations.has_operation_on(STAGING)) == (True, False)
        assert len(one.operations.under_way) == 2
        await found.over.wait()
        assert one.operations.has_operation_on(PRODUCTION) is False


@in_time
async def test_who_waits_for_quiet_goes_on_when_the_last_operation_is_over() -> None:
    async with rig(*answers(*[RUNNING] * 6, SUCCEEDED)) as one:
        here = one.operations.open(started(), PLACE)
        there = one.operations.open(started(number=2, identifier=OTHER_ID), Place(FABRIKAM, "Front_IN_0"))
        await one.operations.until_quiet(STAGING)
        ran = [here.is_under_way, there.is_under_way]
        await one.operations.until_quiet(PRODUCTION)
        ran.append(here.is_under_way)
        await one.operations.until_quiet()

        assert ran == [True, True, False]
        assert one.operations.under_way == []


@in_time
async def test_an_operation_that_is_given_up_keeps_nobody_waiting() -> None:
    async with rig(poll(RUNNING)) as one:
        found = one.operations.open(started(), PLACE)
        await trio.sleep(3)
        one.operations.give_up(found)
        await one.operations.until_quiet()
        await found.over.wait()

        assert trio.current_time() < 10


@in_time
async def test_an_endpoint_that_is_given_up_ends_the_waiting() -> None:
    async with rig(poll(RUNNING)) as one:
        found = one.operations.open(started(), PLACE)
        await trio.sleep(3)
        one.operations._sender.give_up("nothing more is sent")
        await one.operations.until_quiet()

        assert (found.state, found.over.is_set()) == (State.LOST, True)
        assert trio.current_time() < 10


@in_time
async def test_unwanted_operations_are_counted() -> None:
    async with rig(poll(RUNNING)) as one:
        one.operations.open(started())
        one.operations.open(started(number=2)).unwanted = True

        assert one.operations.unwanted_count == 1


@in_time
async def test_a_poll_presents_the_certificate_that_started_it_and_any_version() -> None:
    async with rig(poll(RUNNING)) as one:
        found = Operation(started(replace(REIMAGE, identity=Identity.SECOND)), OPERATION_ID, 0.0)
        await one.operations.poll(found, version="2009-10-01", label="x")

        assert one.wire.sent[0].identity is Identity.SECOND
        assert one.wire.sent[0].values("x-ms-version") == ("2009-10-01",)
        assert one.wire.labels()[0] == "x"


@in_time
async def test_a_while_is_no_longer_than_the_interval_or_the_operation() -> None:
    async with rig(*answers(*[RUNNING] * 3, SUCCEEDED)) as one:
        found = one.operations.open(started())
        await one.operations.wait_one_poll_interval(found)
        moments = [trio.current_time()]
        await found.over.wait()
        await one.operations.wait_one_poll_interval(found)
        moments.append(trio.current_time())

    assert moments == [1.0, found.duration]
