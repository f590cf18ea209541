"""Connections: what a run finds, and what it spends, does not depend on how many requests are under way at the same time."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from differing_runs import differences
from reimage_conformance.detection.forking import Found, JudgedEmulator, journal_of, judge_each
from reimage_conformance.detection.shapes import LARGE_WORLD, SHAPES

if TYPE_CHECKING:
    from pathlib import Path

SMALL = replace(LARGE_WORLD, max_reimages=12)
FAULTS = {
    "a wrong refusal": ("error-code-lower-case",),
    "an effect of a refusal": ("refused-yet-started[wrong comp]",),
}
"""Endpoints by what is wrong with them. `python -m reimage_conformance.detection --connections N` judges all faults on so many connections."""
CONFORMING = "conforming, few reimages"
CONNECTIONS = (1, 16)
TEMPTED = (
    ("comp-ignored", 1),
    ("type-any-accepted", 3),
    ("refused-yet-started[other type]", 3),
    ("instance-unknown-is-first", 1),
)
"""Faults that start what ought to be refused, and how many reimages are allowed."""
TEMPTING = (
    "comp_missing or missing_content_type or other_content_types or media_type or unknown_instance or near_misses"
)
"""The cases that these faults answer wrongly."""


@pytest.fixture(scope="module")
def journals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the journals of the runs are kept, so that a difference can be understood."""
    return tmp_path_factory.mktemp("journals")


@pytest.fixture(scope="module")
def judged(journals: Path) -> dict[str, list[Found]]:
    """What is found of each endpoint on one connection, and on sixteen."""
    conforming = [JudgedEmulator(f"{CONFORMING} on {count}", shape=SMALL, connections=count) for count in CONNECTIONS]
    faulty = [
        JudgedEmulator(f"{name} on {count}", faults, connections=count)
        for name, faults in FAULTS.items()
        for count in CONNECTIONS
    ]
    found = {each.subject.name: each for each in judge_each(conforming + faulty, journals=journals)}
    return {name: [found[f"{name} on {count}"] for count in CONNECTIONS] for name in (CONFORMING, *FAULTS)}


@pytest.mark.parametrize("name", [CONFORMING, *FAULTS])
def test_every_requirement_comes_to_the_same_outcome(judged: dict[str, list[Found]], journals: Path, name: str) -> None:
    one, *more = judged[name]

    assert one.outcomes
    assert one.errors == ()
    for other in more:
        told = differences(one, other, journals)
        assert not told, told
        journal_of(other.subject, journals).unlink()
    assert bool(one.findings) is (name != CONFORMING)
    journal_of(one.subject, journals).unlink()


def test_a_difference_is_told_with_its_evidence(tmp_path: Path) -> None:
    shape = replace(SHAPES["one-instance"], probe=True)
    subjects = [JudgedEmulator("sound", shape=shape), JudgedEmulator("unsound", ("comp-ignored",), shape=shape)]
    found = {each.subject.name: each for each in judge_each(subjects, selection="comp_missing", journals=tmp_path)}

    told = differences(found["sound"], found["unsound"], tmp_path)

    assert "sound: REQ-REIMAGE-COMP-MISSING met: " in told
    assert "unsound: REQ-REIMAGE-COMP-MISSING violated: " in told
    assert re.search(r"\n  violated by refused in \S+: .*\n    #\d+ at .* POST \S+: 202", told)
    assert "findings of unsound: ['REQ-REIMAGE-COMP-MISSING'" in told
    assert differences(found["sound"], found["sound"], tmp_path) == ""


def test_the_budget_is_kept_on_however_many(judged: dict[str, list[Found]]) -> None:
    assert [each.wiped for each in judged[CONFORMING]] == [12, 12]


@pytest.fixture(scope="module")
def tempted() -> dict[str, Found]:
    """What is left of endpoints that start what they ought to refuse."""
    subjects = [
        JudgedEmulator(fault, (fault,), shape=replace(LARGE_WORLD, max_reimages=limit), connections=8)
        for fault, limit in TEMPTED
    ]
    return {each.subject.name: each for each in judge_each(subjects, selection=TEMPTING)}


@pytest.mark.parametrize(("fault", "limit"), TEMPTED)
def test_no_more_is_reimaged_than_allowed_by_an_endpoint_that_accepts_what_it_should_refuse(
    tempted: dict[str, Found], fault: str, limit: int
) -> None:
    found = tempted[fault]

    assert found.errors == ()
    assert found.verdict == "nonconformant"
    assert found.wiped <= limit
    assert found.reimages <= limit


def test_a_guest_that_a_conflict_writes_is_found_though_the_last_reimage_is_accepted() -> None:
    """The reimage that others contend with ends between two polls, so that the last of these is no conflict."""
    fault, shape = "conflict-reimages-anyway", replace(SHAPES["two-instances"], probe=True, max_reimages=60)
    subjects = [JudgedEmulator(f"on {count}", (fault,), shape=shape, connections=count) for count in CONNECTIONS]
    found = judge_each(subjects, selection="neither_prolong")

    assert [each.findings for each in found] == [("REQ-GOS-NOTFOUND-NOEFFECT",)] * len(CONNECTIONS)
    assert [each.errors for each in found] == [()] * len(CONNECTIONS)
