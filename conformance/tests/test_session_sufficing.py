"""How many reimages would have been enough: what of a run is counted, and when the number is exact."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from judging_samples import TARGET
from reimage_conformance.model import Limits, Profile, Sufficing
from reimage_conformance.session.budget import SPENT
from reimage_conformance.session.steps import CONTENDING_REQUESTS, Planner
from reimage_conformance.session.sufficing import planned, sufficing
from reimage_conformance.session.thresholds import CASE_REIMAGES

if TYPE_CHECKING:
    from reimage_conformance.session.signals import Reason

LIMIT = 12
AIMED = replace(TARGET, limits=Limits(max_reimages=LIMIT))


def result(step: Any, *, skipped: Reason | None = None, accepted: bool = True, tried: bool = True) -> SimpleNamespace:
    """The result of a step; an accepted one has an operation."""
    return SimpleNamespace(
        step=step,
        skipped=skipped,
        is_accepted=accepted,
        contention_sent=tried,
        adopted=False,
        operation=object() if accepted and not skipped else None,
        same_operation=None,
        other_operation=None,
    )


def sut_of(
    *, skipped: int = 0, left_out: int = 0, turned_away: bool = False, unwanted: int = 0, chosen: bool = False, tried: bool = True
) -> Any:  # fmt: skip
    """What is asked of a system under test whose campaign left the last `skipped` of its steps out."""
    steps = Planner(AIMED, Profile.STANDARD).steps
    sent, left = steps[: len(steps) - skipped], steps[len(steps) - skipped :]
    results = [*(result(step, tried=tried) for step in sent), *(result(step, skipped=SPENT) for step in left)]
    return SimpleNamespace(
        target=AIMED,
        profile=Profile.STANDARD,
        campaign=SimpleNamespace(results=dict(enumerate(results)), agenda=SimpleNamespace(starts_on_demand=chosen)),
        reimages=SimpleNamespace(left_out={f"case {n}" for n in range(left_out)}),
        budget=SimpleNamespace(limit=LIMIT, spent=len(sent) + unwanted, turned_away=turned_away),
        operations=SimpleNamespace(unwanted_count=unwanted),
    )


def whole() -> int:
    """The reimages of a whole campaign."""
    return planned(AIMED, Profile.STANDARD)


def test_nothing_is_said_where_nothing_was_left_out() -> None:
    assert sufficing(sut_of()) is None


@pytest.mark.parametrize(
    ("left", "more", "exact"),
    [
        ({"skipped": 3}, 0, True),
        ({"tried": False}, 0, True),
        ({"skipped": 3, "unwanted": 2}, 2, False),
        ({"left_out": 2}, 0, False),
        ({"turned_away": True}, 0, False),
        ({"left_out": 2, "turned_away": True}, 0, False),
    ],
)
def test_a_whole_run_is_counted_and_what_bad_requests_started(left: dict[str, Any], more: int, *, exact: bool) -> None:
    assert sufficing(sut_of(**left)) == Sufficing(whole() + more, exact)


def test_of_a_choice_only_what_was_left_out_is_counted() -> None:
    sut = sut_of(skipped=2, chosen=True)

    assert sufficing(sut) == Sufficing(sut.budget.spent + 2, exact=False)


def test_one_instance_has_one_contending_request() -> None:
    alone = replace(TARGET.deployments[0], role_instances=TARGET.deployments[0].role_instances[:1])
    target = replace(AIMED, deployments=(alone,))
    steps = Planner(target, Profile.STANDARD).steps

    assert planned(target, Profile.STANDARD) == len(steps) + 1 + CASE_REIMAGES


def test_what_suffices_is_more_than_there_was_and_holds_contending_requests() -> None:
    steps = Planner(AIMED, Profile.STANDARD).steps

    assert whole() == len(steps) + CONTENDING_REQUESTS + CASE_REIMAGES
    assert cast("Sufficing", sufficing(sut_of(skipped=1))).max_reimages > LIMIT


@pytest.mark.parametrize("limit", [1, 6, LIMIT, 15, 21, 30, 500])
@pytest.mark.parametrize("instances", [1, 2, 3])
def test_a_whole_run_is_the_same_whatever_the_present_limit_is(limit: int, instances: int) -> None:
    few = tuple(replace(each, role_instances=each.role_instances[:instances]) for each in TARGET.deployments)
    target = replace(TARGET, deployments=few)

    assert planned(replace(target, limits=Limits(max_reimages=limit)), Profile.STANDARD) == planned(
        target, Profile.STANDARD
    )
