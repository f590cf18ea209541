"""Connections: what a run finds, and what it spends, does not depend on how many requests are under way at the same time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.detection.forking import Found, Subject, judge_each
from conformance.detection.shapes import LARGE_WORLD

CONNECTIONS = (1, 4, 16)
SMALL = replace(LARGE_WORLD, max_reimages=12)
JUDGED = {
    "conforming": (),
    "a refusal that is missing": ("type-any-accepted",),
    "a wrong refusal": ("error-code[lower-case]",),
    "an effect of a refusal": ("refused-yet-started[wrong comp]",),
    "wrong documents": ("xml-unclosed[operation]",),
    "a lost end": ("never-ends[fourth]",),
    "a lock that stays": ("lock-kept-after-failure",),
}
ACCEPTING = ("comp-ignored", "type-any-accepted", "refused-yet-started[other type]", "instance-unknown-is-first")


@pytest.fixture(scope="module")
def judged() -> dict[str, list[Found]]:
    """What is found of each endpoint on 1, 4 and 16 connections."""
    subjects = [
        Subject(f"{name} on {count}", faults, shape=SMALL, connections=count)
        for name, faults in JUDGED.items()
        for count in CONNECTIONS
    ]
    found = {each.subject.name: each for each in judge_each(subjects)}
    return {name: [found[f"{name} on {count}"] for count in CONNECTIONS] for name in JUDGED}


@pytest.mark.parametrize("name", JUDGED)
def test_every_requirement_comes_to_the_same_outcome(judged: dict[str, list[Found]], name: str) -> None:
    one, *more = judged[name]

    assert one.outcomes
    for other in more:
        differing = {
            key: (one.outcomes[key], value) for key, value in other.outcomes.items() if one.outcomes[key] != value
        }
        assert differing == {}
        assert other.findings == one.findings
        assert other.errors == one.errors == ()


@pytest.mark.parametrize("name", JUDGED)
def test_the_budget_is_kept_on_however_many(judged: dict[str, list[Found]], name: str) -> None:
    assert all(each.wiped <= 12 for each in judged[name])


@pytest.fixture(scope="module")
def tempted() -> dict[str, Found]:
    """What is left of endpoints that start what they ought to refuse, with a budget of 1 and of 3."""
    subjects = [
        Subject(f"{fault} within {limit}", (fault,), shape=replace(LARGE_WORLD, max_reimages=limit), connections=8)
        for fault in ACCEPTING
        for limit in (1, 3)
    ]
    return {each.subject.name: each for each in judge_each(subjects)}


@pytest.mark.parametrize("limit", [1, 3])
@pytest.mark.parametrize("fault", ACCEPTING)
def test_no_more_is_reimaged_than_allowed_by_an_endpoint_that_accepts_what_it_should_refuse(
    tempted: dict[str, Found], fault: str, limit: int
) -> None:
    found = tempted[f"{fault} within {limit}"]

    assert found.errors == ()
    assert found.verdict == "nonconformant"
    assert found.wiped <= limit
    assert found.reimages <= limit
