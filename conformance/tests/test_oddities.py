"""The suite against emulators that are right, and right in unusual ways."""

from __future__ import annotations

import os

import pytest

from conformance.detection.forking import Subject, judge_each
from conformance.emulator import FAULTS, ODDITIES

PROCESSES = 1 if "PYTEST_XDIST_WORKER" in os.environ else 2


def oddities() -> list[Subject]:
    """Every third oddity alone, and every one that conforms only under lenient."""
    strict = [o.name for o in ODDITIES.values() if not o.lenient_only and not o.server_only]
    lenient = [o.name for o in ODDITIES.values() if o.lenient_only and not o.server_only]
    alone = [Subject(name, oddities=(name,)) for name in strict[::3]]
    alone += [Subject(name, oddities=(name,), strictness="lenient") for name in lenient]
    return alone


@pytest.mark.parametrize("strictness", ["strict", "lenient"])
def test_the_conforming_emulator_gets_no_finding(strictness: str) -> None:
    (found,) = judge_each([Subject("conforming", strictness=strictness)])
    assert (found.verdict, found.findings, found.errors, found.exit_code) == ("conformant", (), (), 0)
    assert "inconclusive" not in found.outcomes.values()
    assert "untested" not in found.outcomes.values()
    assert found.outcomes["REQ-REIMAGE-FRESH-OS"] == ("met" if strictness == "strict" else "observed")


def test_oddities_are_not_accused() -> None:
    subjects = oddities()
    found = judge_each(subjects, processes=PROCESSES)
    assert len(found) == len(subjects) >= 30
    accused = {each.subject.name: each.reasons for each in found if "violated" in each.outcomes.values()}
    assert accused == {}
    assert {each.subject.name: each.errors for each in found if each.errors} == {}


@pytest.mark.parametrize(
    "faults",
    [
        ("version-old-accepted", "accepted-content[xml]"),
        ("date-form[iso]", "order[reversed]"),
    ],
)
def test_two_faults_of_different_areas_are_both_named(faults: tuple[str, str]) -> None:
    wanted = {FAULTS[name].requirement for name in faults}
    (found,) = judge_each([Subject("two", faults)])
    assert found.errors == ()
    assert len(wanted) == 2
    assert wanted <= set(found.findings)
