"""The campaign: one reimage on a deployment at a time, within the budget, and the most telling ones first."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING

import pytest
import trio

from reimage_conformance.emulator import LAYOUTS
from reimage_conformance.judging.wording import is_conflict
from reimage_conformance.model import Profile
from reimage_conformance.protocol.requests import with_query
from reimage_conformance.session.budget import SPENT
from reimage_conformance.session.campaign import UNENDED, WAS_LOCKED
from reimage_conformance.session.operation import State
from reimage_conformance.session.signals import Reason
from reimage_conformance.session.thresholds import LONGEST_PATIENCE_SECONDS, MAX_STEP_CONFLICTS
from session_runs import in_run

if TYPE_CHECKING:
    from pathlib import Path

    from reimage_conformance.session.step_runs import Result
    from reimage_conformance.session.sut import SystemUnderTest


async def carried_out(sut: SystemUnderTest) -> list[Result]:
    """Every step that was accepted, once the campaign is over."""
    sut.campaign.allow_remaining_steps()
    return await sut.reimages.all_finished()


def overlapping(results: list[Result], *, same: bool) -> list[tuple[str, str]]:
    """Pairs of steps that ran at the same time, on the `same` deployment or on two."""
    found = []
    for one, other in combinations(results, 2):
        first, second = one.operation, other.operation
        if first is not None and second is not None and first.began < second.ended and second.began < first.ended:
            here, there = one.step.place.deployment, other.step.place.deployment
            found += [(one.step.name, other.step.name)] if (here == there) is same else []
    return found


def test_a_reimage_excludes_others_of_its_deployment_and_no_others(tmp_path: Path) -> None:
    async def body(sut: SystemUnderTest) -> None:
        results = await carried_out(sut)

        assert len(results) > 12
        assert overlapping(results, same=True) == []
        assert overlapping(results, same=False) != []

    in_run(tmp_path, body, profile=Profile.STANDARD, operation_seconds=5.0, oddities=("lock-none",))


@pytest.mark.parametrize("lock", ["lock-service", "lock-subscription"])
def test_reimages_that_meet_a_conflict_are_sent_again_when_it_is_over(tmp_path: Path, lock: str) -> None:
    async def body(sut: SystemUnderTest) -> None:
        results = await carried_out(sut)
        refused = [each for each in sut.recorder.exchanges if is_conflict(each) and each.label.startswith("step:")]

        assert refused
        assert {sut.campaign.results[each.label.removeprefix("step:")].is_accepted for each in refused} == {True}
        ends = {result.operation.state for result in results if result.operation is not None}
        assert ends == {State.ENDED}

    in_run(tmp_path, body, profile=Profile.STANDARD, max_reimages=12, oddities=(lock,))


def test_a_reimage_that_meets_a_conflict_to_the_last_is_sent_again_later(tmp_path: Path) -> None:
    async def body(sut: SystemUnderTest) -> None:
        await carried_out(sut)
        tries = Counter(each.label for each in sut.recorder.exchanges if is_conflict(each))
        stuck = [label for label, times in tries.items() if label.startswith("step:") and times > MAX_STEP_CONFLICTS]

        assert stuck
        assert {sut.campaign.results[label.removeprefix("step:")].is_accepted for label in stuck} == {True}

    oddities = ("locked-by-another-unnamed",)
    in_run(tmp_path, body, profile=Profile.STANDARD, operation_seconds=0.1, max_reimages=40, oddities=oddities)


@pytest.mark.parametrize(("layout", "limit"), [("one-instance", 2), ("two-instances", 6), ("large", 12)])
def test_a_lock_that_lasts_longer_than_the_other_steps_is_waited_for(tmp_path: Path, layout: str, limit: int) -> None:
    async def body(sut: SystemUnderTest) -> None:
        await carried_out(sut)
        results = sut.campaign.results.values()

        assert any(is_conflict(each) for each in sut.recorder.exchanges)
        assert [each.step.name for each in results if each.skipped is None and is_conflict(each.exchange)] == []
        left_out = {str(each.skipped) for each in results if each.skipped is not None}
        assert left_out <= {str(SPENT), f"{WAS_LOCKED} {SPENT}"}

    oddities, world = ("locked-by-another-unnamed",), LAYOUTS[layout]
    run = in_run(tmp_path, body, profile=Profile.STANDARD, world=world, max_reimages=limit, oddities=oddities)
    assert len(run.reimaged()) == limit


def test_the_wait_for_locks_is_limited_over_the_whole_run(tmp_path: Path) -> None:
    async def body(sut: SystemUnderTest) -> None:
        began = trio.current_time()
        await carried_out(sut)
        locked = [each for each in sut.campaign.results.values() if is_conflict(each.exchange)]

        assert locked
        assert trio.current_time() - began < 3 * LONGEST_PATIENCE_SECONDS

    in_run(tmp_path, body, "lock-kept-after-failure", profile=Profile.STANDARD, max_reimages=30)


def test_a_bad_request_that_meets_a_conflict_is_sent_again_when_it_is_over(tmp_path: Path) -> None:
    async def body(sut: SystemUnderTest) -> None:
        await sut.campaign.until_sent("control-slot")
        operation = sut.campaign.results["control-slot"].operation
        assert operation is not None
        assert operation.is_under_way
        other = next(place for place in sut.planner.witnesses if place.deployment == sut.planner.main)
        answer = await sut.refuse(with_query(sut.builder.reimage(other), "comp=restart"))

        conflicts = [each for each in sut.recorder.exchanges if is_conflict(each) and each.label == "refusal"]
        assert conflicts
        assert answer.reply is not None
        assert answer.reply.status == 400
        assert not operation.is_under_way

    in_run(tmp_path, body, profile=Profile.STANDARD, operation_seconds=2.0, oddities=("busy-checked-first",))


@pytest.mark.parametrize("limit", [1, 2, 3, 6])
def test_it_never_reimages_more_often_than_allowed(tmp_path: Path, limit: int) -> None:
    async def body(sut: SystemUnderTest) -> None:
        await sut.campaign.until_sent("control-slot") if limit > 1 else None
        assert sut.budget.spent <= max(limit - 1, 0), "one is left to the bad requests"
        await carried_out(sut)
        assert sut.budget.spent == limit
        skipped = {result.skipped for result in sut.campaign.results.values() if not result.is_accepted}
        assert skipped == {SPENT}

    run = in_run(tmp_path, body, profile=Profile.STANDARD, max_reimages=limit)
    assert len(run.reimaged()) == limit


@pytest.mark.parametrize(("faults", "is_kept"), [((), False), (("slots-swapped",), True)])
def test_a_reimage_is_kept_for_later_cases_only_where_an_instance_stayed(
    tmp_path: Path, faults: tuple[str, ...], *, is_kept: bool
) -> None:
    """By slot the fault reimages the instance of this name in the other slot, so that the one addressed stays at ReadyRole."""

    async def body(sut: SystemUnderTest) -> None:
        sut.keep_reimage_for_comparing()
        assert sut.budget.kept == 1
        await carried_out(sut)
        assert (sut.campaign.an_instance_stayed, sut.reimages.may_start()) == (is_kept, is_kept)

    run = in_run(tmp_path, body, *faults, profile=Profile.STANDARD, max_reimages=6)
    assert len(run.reimaged()) == 6 - is_kept


def test_no_reimage_is_kept_where_operations_end_before_any_look(tmp_path: Path) -> None:
    async def body(sut: SystemUnderTest) -> None:
        sut.keep_reimage_for_comparing()
        await carried_out(sut)
        assert not sut.campaign.an_instance_stayed

    run = in_run(tmp_path, body, profile=Profile.STANDARD, max_reimages=6, operation_seconds=0.0001)
    assert len(run.reimaged()) == 6


@pytest.mark.parametrize(("layout", "limit"), [("one-slot", 6), ("large", 3)])
def test_no_reimage_is_kept_without_a_namesake_or_with_few(tmp_path: Path, layout: str, limit: int) -> None:
    async def body(sut: SystemUnderTest) -> None:
        sut.keep_reimage_for_comparing()
        assert sut.budget.kept == 0

    in_run(tmp_path, body, profile=Profile.STANDARD, max_reimages=limit, world=LAYOUTS[layout])


def test_who_asks_for_a_step_is_told_where_the_budget_leaves_it_out(tmp_path: Path) -> None:
    async def body(sut: SystemUnderTest) -> None:
        async with trio.open_nursery() as tasks:
            for step in sut.planner.steps:
                tasks.start_soon(sut.campaign.until_sent, step.name)
            sut.campaign.allow_remaining_steps()

        assert trio.current_time() < 60

    in_run(tmp_path, body, profile=Profile.STANDARD, max_reimages=1)


def test_who_asks_for_a_step_is_told_where_the_endpoint_is_given_up(tmp_path: Path) -> None:
    async def body(sut: SystemUnderTest) -> None:
        async with trio.open_nursery() as tasks:
            for step in sut.planner.steps:
                tasks.start_soon(sut.campaign.until_sent, step.name)
            await sut.campaign.until_sent("control-slot")
            sut.sender.give_up("nothing more is sent")
            sut.campaign.allow_remaining_steps()
        await sut.campaign.until_no_step_runs()

        assert sut.campaign.results["again"].skipped == Reason("nothing more is sent")

    in_run(tmp_path, body, profile=Profile.STANDARD, operation_seconds=5.0)


def test_no_more_are_started_once_operations_find_no_end(tmp_path: Path) -> None:
    async def body(sut: SystemUnderTest) -> None:
        await carried_out(sut)
        skipped = {result.skipped for result in sut.campaign.results.values() if not result.is_accepted}

        assert skipped == {UNENDED}

    in_run(tmp_path, body, "never-ends", profile=Profile.STANDARD)


def test_the_last_step_is_taken_apart_although_no_other_is_left(tmp_path: Path) -> None:
    async def body(sut: SystemUnderTest) -> None:
        step = sut.planner.steps[0]
        parts = tuple(replace(step, name=name) for name in ("one", "two"))
        whole = replace(step, name="both", version="2009-10-01", stands_for=parts)
        sut.campaign.agenda.pending[:] = [whole]
        async with trio.open_nursery() as tasks:
            tasks.start_soon(sut.campaign.run)
            sut.campaign.allow_remaining_steps()
            await sut.campaign.until_sent("one")
            await sut.campaign.until_sent("two")
        assert {name: result.is_accepted for name, result in sut.campaign.results.items()} == {"one": True, "two": True}

    in_run(tmp_path, body, opened=False)


def test_in_a_deployment_with_one_instance_a_run_comes_to_its_end(tmp_path: Path) -> None:
    async def body(sut: SystemUnderTest) -> None:
        results = await carried_out(sut)

        assert {str(result.step.place) for result in results} == {str(place) for place in sut.places()}

    in_run(tmp_path, body, profile=Profile.STANDARD, world=LAYOUTS["one-instance"], max_reimages=4)
