"""Groups: bad requests to one instance share a look before and a look after, and are taken apart only where something changed."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import pytest
import trio

from reimage_conformance.model import Outcome, Profile
from reimage_conformance.protocol.addresses import UriForm
from reimage_conformance.protocol.requests import with_header, with_query, without_header
from reimage_conformance.session.bad_requests import ExpectedRefusal
from reimage_conformance.session.manner import Manner
from reimage_conformance.session.signals import Nonconformance, Untested
from reimage_conformance.session.thresholds import LONGEST_SHARED_LOOK_SECONDS, MAX_VIOLATIONS_PER_REQUIREMENT
from session_runs import in_run

if TYPE_CHECKING:
    from pathlib import Path

    from reimage_conformance.model import Deployment, Exchange, Request
    from reimage_conformance.protocol.requests import Place
    from reimage_conformance.session.sut import SystemUnderTest

STARTED = ("other type", "wrong comp", "malformed version")
VERSION, COMP, TYPE = "REQ-REIMAGE-VERSION", "REQ-REIMAGE-COMP-MISSING", "REQ-REIMAGE-CT"


def bad_requests(sut: SystemUnderTest, place: Place) -> list[Request]:
    """Requests to one instance that break different requirements."""
    sound = sut.builder.reimage(place)
    return [
        with_query(sound, "comp=restart"),
        with_header(sound, "x-ms-version", "latest"),
        without_header(sound, "x-ms-version"),
        with_header(sound, "Content-Type", "text/plain"),
        with_query(sound, None),
    ]


@dataclass
class Outcomes:
    """What became of requests that were refused beside each other."""

    answered: list[Exchange] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


async def refuse_beside(sut: SystemUnderTest, requests: list[Request]) -> Outcomes:
    """Every one of these requests, each from a task of its own."""
    found = Outcomes()

    async def one(request: Request) -> None:
        try:
            found.answered.append(await sut.refuse(request))
        except Nonconformance as violation:
            found.violations.append(str(violation))
        except Untested as reason:
            found.left_out.append(str(reason))

    async with trio.open_nursery() as tasks:
        for request in requests:
            tasks.start_soon(one, request)
    return found


def labels(sut: SystemUnderTest, since: int) -> str:
    """The looks and bad requests after exchange number `since`, one letter each, in order of sending."""
    letters = {"look": "l", "refusal": "r"}
    return "".join(letters.get(each.label, "") for each in sut.recorder.exchanges if each.number > since)


def last_number(sut: SystemUnderTest) -> int:
    """The number of the latest exchange."""
    return sut.recorder.exchanges[-1].number


def test_a_group_is_looked_at_before_and_after_and_its_requests_go_out_between(tmp_path: Path) -> None:
    async def body(sut: SystemUnderTest) -> None:
        await sut.campaign.until_no_step_runs()
        since = last_number(sut)
        found = await refuse_beside(sut, bad_requests(sut, sut.main_witness()))

        assert labels(sut, since) == "lrrrrrl"
        assert (len(found.answered), found.violations) == (5, [])
        untouched = [v for v in sut.recorder.verdicts if v.check == "instance_untouched"]
        assert {v.outcome for v in untouched} == {Outcome.MET}

    in_run(tmp_path, body, max_reimages=40)


def test_requests_that_are_examined_and_others_get_through_with_one_reimage_left(tmp_path: Path) -> None:
    async def body(sut: SystemUnderTest) -> None:
        await sut.campaign.until_no_step_runs()
        assert sut.budget.limit - sut.budget.spent == 1
        requests = bad_requests(sut, sut.main_witness())
        async with trio.open_nursery() as tasks:
            for request in requests:
                tasks.start_soon(partial(sut.refuse, request, effects=False))
                tasks.start_soon(sut.refuse, request)

        assert labels(sut, 0).count("r") == 2 * len(requests)

    in_run(tmp_path, body, max_reimages=2)


def test_requests_to_different_instances_are_different_groups(tmp_path: Path) -> None:
    async def body(sut: SystemUnderTest) -> None:
        since = last_number(sut)
        places = sut.planner.witnesses[:2]
        found = await refuse_beside(sut, [bad_requests(sut, place)[0] for place in places])

        assert sorted(labels(sut, since)) == sorted("lrl" * 2)
        assert len(found.answered) == 2

    in_run(tmp_path, body, profile=Profile.STANDARD, max_reimages=1)


def test_a_kind_that_was_seen_to_leave_the_instance_alone_is_not_examined_again(tmp_path: Path) -> None:
    async def body(sut: SystemUnderTest) -> None:
        requests = bad_requests(sut, sut.main_witness())
        await refuse_beside(sut, requests)
        since = last_number(sut)
        await refuse_beside(sut, requests)

        assert labels(sut, since) == "rrrrr"

    in_run(tmp_path, body, profile=Profile.STANDARD, max_reimages=1)


@pytest.mark.parametrize(
    ("fault", "blamed"),
    [
        ("refused-yet-started[other type]", "REQ-REIMAGE-CT-ABSENT"),
        ("refused-yet-started[wrong comp]", "REQ-REIMAGE-COMP-MISSING"),
        ("refused-yet-started[malformed version]", "REQ-VER-FORMAT"),
    ],
)
def test_a_group_that_changed_its_instance_is_taken_apart_and_the_culprit_named(
    tmp_path: Path, fault: str, blamed: str
) -> None:
    async def body(sut: SystemUnderTest) -> None:
        await sut.campaign.until_no_step_runs()
        since, spent = last_number(sut), sut.budget.spent
        found = await refuse_beside(sut, bad_requests(sut, sut.main_witness()))

        (violation,) = found.violations
        assert violation.startswith(f"{blamed}: ")
        assert len(found.answered) == 4
        culprits = [v.requirement for v in sut.recorder.verdicts if v.outcome is Outcome.VIOLATED]
        assert set(culprits) == {blamed, "REQ-GOS-NOTFOUND-NOEFFECT"}
        sent = labels(sut, since)
        assert sent.startswith("lrrrrrl")
        assert sent.count("r") == 10, "each once in the group, and once alone"
        assert "rr" not in sent[7:]
        assert sut.budget.spent - spent == 2, "the reimage that the group caused, and the one that named the culprit"

    run = in_run(tmp_path, body, fault, max_reimages=40)
    assert len(run.reimaged()) == run.sut.budget.spent


@pytest.mark.parametrize("may_leave_late", [False, True])
def test_where_nothing_is_left_to_take_a_group_apart_the_effect_is_a_finding_unless_an_earlier_reimage_explains_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, may_leave_late: bool
) -> None:
    async def body(sut: SystemUnderTest) -> None:
        await sut.campaign.until_no_step_runs()
        look, since = sut.instances.look, last_number(sut)

        async def look_and_spend(deployment: Deployment, *, patient: bool = True) -> Exchange | None:
            if "r" in labels(sut, since):
                sut.budget.limit = sut.budget.spent
            return await look(deployment, patient=patient)

        monkeypatch.setattr(sut.instances, "look", look_and_spend)
        monkeypatch.setattr(sut.instances, "may_leave_late", lambda _: may_leave_late)
        found = await refuse_beside(sut, bad_requests(sut, sut.main_witness()))

        blamed = {violation.partition(":")[0] for violation in found.violations}
        assert blamed == (set() if may_leave_late else {"REQ-GOS-NOTFOUND-NOEFFECT"})
        assert bool(found.left_out) == may_leave_late

    in_run(tmp_path, body, "refused-yet-started[other type]", max_reimages=40)


@pytest.mark.parametrize("count", [1, 5])
@pytest.mark.parametrize("offline", ["stays-offline", "stays-away[BusyRole]"])
def test_an_instance_that_does_not_come_back_is_reimaged_no_further(tmp_path: Path, offline: str, count: int) -> None:
    async def body(sut: SystemUnderTest) -> None:
        await sut.instances.find_out()
        all_kinds = bad_requests(sut, sut.main_witness())
        requests = all_kinds if count > 1 else all_kinds[3:4]
        found = await refuse_beside(sut, requests)

        assert found.violations, "the looks at the group show it"
        assert labels(sut, 0).count("r") == count, "nothing is repeated at an instance that is away"

    run = in_run(tmp_path, body, "refused-yet-started[other type]", offline, opened=False, max_reimages=40)
    assert 0 < len(run.reimaged()) <= run.sut.budget.spent


@pytest.mark.parametrize("limit", [1, 3, 9])
def test_what_is_refused_and_started_all_the_same_stays_within_the_budget(tmp_path: Path, limit: int) -> None:
    async def body(sut: SystemUnderTest) -> None:
        await refuse_beside(sut, bad_requests(sut, sut.main_witness()))

    run = in_run(tmp_path, body, *(f"refused-yet-started[{each}]" for each in STARTED), max_reimages=limit)
    assert 0 < len(run.reimaged()) <= limit


def test_a_group_with_an_accepted_request_is_examined_again(tmp_path: Path) -> None:
    """The accepted one is at fault for the change; whether a refused one is too shows only without it."""

    async def body(sut: SystemUnderTest) -> None:
        await sut.campaign.until_no_step_runs()
        since = last_number(sut)
        found = await refuse_beside(sut, bad_requests(sut, sut.main_witness()))

        (violation,) = found.violations
        assert violation.startswith("REQ-REIMAGE-CT-ABSENT: ")
        assert "400" in violation
        assert len(found.answered) == 4
        assert labels(sut, since).count("r") == 9, "the four that were refused once more"
        untouched = {v.between[1]: v.outcome for v in sut.recorder.verdicts if v.check == "instance_untouched"}
        assert list(untouched.values()) == [Outcome.MET] * 4

    in_run(tmp_path, body, "type-accepted[text]", max_reimages=40)


@pytest.mark.parametrize("effects", [True, False])
def test_what_was_seen_to_start_a_reimage_counts_as_one_each_time(tmp_path: Path, *, effects: bool) -> None:
    """A request that is refused and starts a reimage all the same is examined once; later ones like it are counted without a look."""

    async def body(sut: SystemUnderTest) -> None:
        await sut.campaign.until_no_step_runs()
        wrong = with_query(sut.builder.reimage(sut.main_witness()), "comp=restart")
        found = [await refuse_beside(sut, [wrong]) for _ in range(2)]
        with suppress(Untested):
            await sut.refuse(wrong, effects=effects)

        assert [len(each.violations) for each in found] == [1, 0]

    run = in_run(tmp_path, body, "refused-yet-started[wrong comp]", max_reimages=6)
    assert 3 <= len(run.reimaged()) <= run.sut.budget.spent <= 6


def test_two_groups_at_one_instance_never_overlap(tmp_path: Path) -> None:
    async def body(sut: SystemUnderTest) -> None:
        await sut.campaign.until_no_step_runs()
        since, place = last_number(sut), sut.main_witness()
        first, second = bad_requests(sut, place)[:2], bad_requests(sut, place)[2:]

        async def later() -> None:
            await trio.sleep(0.001)
            await refuse_beside(sut, second)

        async with trio.open_nursery() as tasks:
            tasks.start_soon(refuse_beside, sut, first)
            tasks.start_soon(later)
        assert labels(sut, since) == "lrrlrrrl", "they share the look between them"

    in_run(tmp_path, body, max_reimages=40)


def test_a_look_is_not_shared_once_somebody_else_touched_the_instance(tmp_path: Path) -> None:
    async def body(sut: SystemUnderTest) -> None:
        await sut.campaign.until_all_over()
        place = sut.main_witness()
        first, second, *others = bad_requests(sut, place)
        since = last_number(sut)
        await sut.refuse(first)
        async with sut.instances.hold(place):
            pass
        await sut.refuse(second)
        await sut.refuse(others[0], effects=False)
        await sut.refuse(others[1])

        assert labels(sut, since) == "lrllrlrlrl"

    in_run(tmp_path, body, max_reimages=40)


def test_a_look_is_not_shared_once_an_operation_may_have_reached_the_instance_or_it_is_old(tmp_path: Path) -> None:
    async def body(sut: SystemUnderTest) -> None:
        await sut.campaign.until_no_step_runs()
        place = sut.main_witness()
        first, second, third, *_ = bad_requests(sut, place)
        since = last_number(sut)
        await sut.refuse(first)
        reimage = await sut.reimages.start(place, UriForm.SLOT)  # it does not hold the instance
        await sut.reimages.book(reimage, place, UriForm.SLOT).over.wait()
        await sut.refuse(second)
        await trio.sleep(LONGEST_SHARED_LOOK_SECONDS + 1)
        await sut.refuse(third)

        between = labels(sut, since).split("r")
        assert len(between) == 4
        assert all(len(looks) > 1 for looks in between[1:3])

    in_run(tmp_path, body, max_reimages=40)


async def until_it_leads(number: int) -> None:
    """The first of several requests opens the group before the next one joins it; tasks of one round run in any order."""
    for _ in range(0 if number else 2):
        await trio.lowlevel.checkpoint()


def slow_to_begin(sut: SystemUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on the look before a group takes five seconds."""

    async def until_ready(place: Place) -> Exchange:
        await trio.sleep(5)
        return await sut.instances.look(place.deployment)

    monkeypatch.setattr(sut.instances, "until_ready", until_ready)


@pytest.mark.parametrize("left", [2, 30])
def test_whoever_is_stopped_before_the_first_look_leaves_the_group_whether_let_in_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: int
) -> None:
    """As the end of the time of a run stops each case by itself; the others are examined all the same."""
    answered: list[Exchange] = []

    async def body(sut: SystemUnderTest) -> None:
        await sut.campaign.until_no_step_runs()
        sut.budget.limit = sut.budget.spent + left
        slow_to_begin(sut, monkeypatch)

        async def one(request: Request, seconds: float) -> None:
            with trio.move_on_after(seconds):
                answered.append(await sut.refuse(request))

        async with trio.open_nursery() as tasks:
            for number, request in enumerate(bad_requests(sut, sut.main_witness())):
                tasks.start_soon(one, request, 1 if number % 2 else 1000)
                await until_it_leads(number)
        assert len(answered) == 3
        assert sut.budget.held == 0

    in_run(tmp_path, body, max_reimages=40)


def test_what_the_request_of_the_leader_comes_to_takes_nothing_away_from_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests that break what its own breaks were accepted often enough: it is left out, and the others are examined as before."""

    async def body(sut: SystemUnderTest) -> None:
        await sut.campaign.until_no_step_runs()
        requests = bad_requests(sut, sut.main_witness())
        leading = sut.refusals.reader.read(ExpectedRefusal(requests[0]))
        sut.refusals.violations.count(leading.broken, MAX_VIOLATIONS_PER_REQUIREMENT)
        held, send = [], sut.sender.send

        async def send_and_note(request: Request, manner: Manner) -> Exchange:
            exchange = await send(request, manner)
            held.append(sut.budget.held)
            return exchange

        monkeypatch.setattr(sut.sender, "send", send_and_note)
        parts: list[Outcomes] = []

        async def one(request: Request) -> None:
            parts.append(await refuse_beside(sut, [request]))

        async with trio.open_nursery() as tasks:
            for number, request in enumerate(requests):
                tasks.start_soon(one, request)
                await until_it_leads(2 * number)
        assert sum(len(part.left_out) for part in parts) == 2, "its own, and the one that breaks the same"
        assert sum(len(part.answered) for part in parts) == 3
        assert min(held) > 0

    in_run(tmp_path, body, max_reimages=40)


def test_what_a_group_may_have_started_is_counted_where_it_cannot_be_taken_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others spend what is left meanwhile; then nobody is sent again, and each may be the one that reimaged the instance."""

    async def body(sut: SystemUnderTest) -> None:
        await sut.campaign.until_no_step_runs()
        sut.budget.limit = sut.budget.spent + 4
        started = [request for number, request in enumerate(bad_requests(sut, sut.main_witness())) if number in (1, 3)]
        sent, send = trio.Event(), sut.sender.send

        async def send_and_tell(request: Request, manner: Manner) -> Exchange:
            sent.set()
            return await send(request, manner)

        monkeypatch.setattr(sut.sender, "send", send_and_tell)

        async def others() -> None:
            await sent.wait()
            with sut.budget.held_now(2):
                await trio.sleep(1)
                sut.budget.spend(9001)
                sut.budget.spend(9002)

        async with trio.open_nursery() as tasks:
            tasks.start_soon(others)
            found = await refuse_beside(sut, started)
        assert len(found.violations) == 2
        assert (sut.budget.spent, sut.budget.held) == (sut.budget.limit, 0)

    run = in_run(tmp_path, body, *(f"refused-yet-started[{each}]" for each in STARTED), max_reimages=40)
    assert len(run.reimaged()) + 2 == run.sut.budget.limit


def test_a_late_effect_is_not_held_against_the_request_that_came_between(tmp_path: Path) -> None:
    """A change that shows in a look that two groups share may be the doing of the first one: the second request is sent once more, alone."""

    async def body(sut: SystemUnderTest) -> None:
        await sut.campaign.until_no_step_runs()
        place, since = sut.main_witness(), last_number(sut)
        first, second, *_ = bad_requests(sut, place)
        await sut.refuse(first)
        await sut.sender.send_and_follow_up(
            sut.builder.reimage(place), Manner("late")
        )  # it holds nothing, as a late effect does
        found = await refuse_beside(sut, [second])

        assert found.violations == []
        assert labels(sut, since).startswith("lrlrl")

    in_run(tmp_path, body, max_reimages=40)


@pytest.mark.parametrize("fault", ["others-go-offline[all]", "slots-swapped"])
def test_a_reimage_of_another_instance_that_has_no_answer_yet_is_not_held_against_a_refused_request(
    tmp_path: Path, fault: str
) -> None:
    """Its effect may show in the look after, whichever of the two was answered first: the refused request is sent once more, alone.

    The other instance is one of the same deployment, or one of the same name in another deployment.
    """

    async def body(sut: SystemUnderTest) -> None:
        await sut.campaign.until_no_step_runs()
        place = sut.main_witness()
        await sut.instances.until_ready(place)
        since = last_number(sut)
        neighbours = [each for each in sut.places() if each.deployment == place.deployment and each != place]
        namesakes = [each for each in sut.planner.namesakes if each.role_instance == place.role_instance]
        other = next(each for each in (namesakes if fault == "slots-swapped" else neighbours) if each != place)
        looked, guard = trio.Event(), sut.sender.on_exchange

        def seen(exchange: Exchange) -> None:
            guard(exchange)
            if exchange.label == "look":
                looked.set()

        sut.sender.on_exchange = seen

        async def reimage_the_other() -> None:
            with sut.operations.starting(other):
                await looked.wait()
                exchange = await sut.sender.send_and_follow_up(sut.builder.reimage(other), Manner("step:beside"))
                await trio.sleep(0.005)  # the look after is answered meanwhile
                sut.operations.open(exchange, other, UriForm.SLOT)

        async with trio.open_nursery() as tasks:
            tasks.start_soon(reimage_the_other)
            found = await refuse_beside(sut, bad_requests(sut, place)[:1])

        assert found.violations == []
        assert labels(sut, since).startswith("lrl")
        assert labels(sut, since).count("r") == 2  # so that the look after showed the change
        assert sut.budget.spent == len(sut.operations.all)

    in_run(tmp_path, body, fault, max_reimages=40)


def test_with_few_reimages_left_a_group_is_smaller(tmp_path: Path) -> None:
    """Each request of a group may start a reimage, and does where the endpoint refuses it and starts it all the same."""

    async def body(sut: SystemUnderTest) -> None:
        await sut.campaign.until_no_step_runs()
        sut.budget.limit = sut.budget.spent + 6
        since = last_number(sut)
        await refuse_beside(sut, bad_requests(sut, sut.main_witness()))

        assert labels(sut, since) == "lrrrlrrl"

    in_run(tmp_path, body, max_reimages=40)


def test_nobody_reimages_an_instance_while_it_is_examined(tmp_path: Path) -> None:
    """And a step that waits for its instance keeps nothing of the budget from those that examine it."""

    async def body(sut: SystemUnderTest) -> None:
        step = sut.planner.steps[0]
        request = with_query(sut.builder.reimage(step.place), "comp=restart")

        async def go_on_meanwhile() -> None:
            await trio.sleep(0.001)  # the look before is on its way
            sut.campaign.allow_remaining_steps()

        since = last_number(sut)
        async with trio.open_nursery() as tasks:
            tasks.start_soon(sut.refuse, request)
            tasks.start_soon(go_on_meanwhile)
        await sut.campaign.until_no_step_runs()
        order = [each.label for each in sut.recorder.exchanges if each.number > since]
        assert order[:3] == ["look", "refusal", "look"] or order[:4] == ["look", "refusal", "poll-refused", "look"]
        assert order.index("step:control-slot") > order.index("refusal")
        assert sut.budget.spent == 1

    in_run(tmp_path, body, max_reimages=1)
