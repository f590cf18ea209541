"""The suite against emulators that are wrong in one way, unusual in several, or right."""

from __future__ import annotations

import os
from functools import cache
from random import Random

import pytest

from conformance.detection.__main__ import word_for
from conformance.detection.forking import Found, Subject, judge_each
from conformance.emulator import FAULTS, ODDITIES

PROCESSES = 1 if "PYTEST_XDIST_WORKER" in os.environ else 2
SAMPLE = int(os.environ.get("FAULT_SAMPLE", "120"))
"""How many families of faults are judged here, one fault of each; `tox -e faults` judges every fault."""

FAMILIES: dict[str, list[str]] = {}
for _name, _fault in FAULTS.items():
    FAMILIES.setdefault(_fault.family, []).append(_name)


def sampled_faults() -> list[str]:
    """One fault of each of the sampled families, another sample for another FAULT_SEED."""
    random = Random(os.environ.get("FAULT_SEED", "1"))  # noqa: S311  a sample
    families = sorted(FAMILIES)
    chosen = random.sample(families, min(SAMPLE, len(families)))
    return [random.choice(FAMILIES[family]) for family in sorted(chosen)]


@cache
def judged_faults() -> dict[str, Found]:
    found = judge_each([Subject(name, (name,)) for name in sampled_faults()], processes=PROCESSES)
    return {each.subject.name: each for each in found}


def oddities() -> list[Subject]:
    """Every third oddity alone, and every one that conforms only under lenient."""
    strict = [o.name for o in ODDITIES.values() if not o.lenient_only and not o.server_only]
    lenient = [o.name for o in ODDITIES.values() if o.lenient_only and not o.server_only]
    alone = [Subject(name, oddities=(name,)) for name in strict[::3]]
    alone += [Subject(name, oddities=(name,), strictness="lenient") for name in lenient]
    return alone


@pytest.mark.xdist_group("faults")
def test_every_sampled_fault_is_found_under_its_own_requirement() -> None:
    found = judged_faults()
    words = {name: word_for(each) for name, each in found.items()}
    assert len(words) == SAMPLE
    assert {name: word for name, word in words.items() if word in ("missed", "broken")} == {}


@pytest.mark.xdist_group("faults")
def test_the_first_finding_names_the_requirement_that_a_fault_breaks() -> None:
    found = judged_faults()
    first = [name for name, each in found.items() if word_for(each) == "first"]
    assert len(found) == SAMPLE
    assert len(first) / len(found) >= 0.9, sorted(set(found) - set(first))


@pytest.mark.xdist_group("faults")
def test_a_fault_makes_one_headline() -> None:
    numbers = sorted(len(each.findings) for each in judged_faults().values())
    assert len(numbers) == SAMPLE
    assert numbers[len(numbers) // 2] == 1


@pytest.mark.xdist_group("oddities")
@pytest.mark.parametrize("strictness", ["strict", "lenient"])
def test_the_conforming_emulator_gets_no_finding(strictness: str) -> None:
    (found,) = judge_each([Subject("conforming", strictness=strictness)])
    assert (found.verdict, found.findings, found.errors, found.exit_code) == ("conformant", (), (), 0)
    assert "inconclusive" not in found.outcomes.values()
    assert "untested" not in found.outcomes.values()
    assert found.outcomes["REQ-REIMAGE-FRESH-OS"] == ("met" if strictness == "strict" else "observed")


@pytest.mark.xdist_group("oddities")
def test_oddities_are_not_accused() -> None:
    subjects = oddities()
    found = judge_each(subjects, processes=PROCESSES)
    assert len(found) == len(subjects) >= 30
    accused = {each.subject.name: each.reasons for each in found if "violated" in each.outcomes.values()}
    assert accused == {}
    assert {each.subject.name: each.errors for each in found if each.errors} == {}


@pytest.mark.xdist_group("oddities")
@pytest.mark.parametrize(
    "faults",
    [
        ("version-old-accepted", "accepted-content[xml]"),
        ("date-form[iso]", "order[reversed]"),
        ("comp-accepted[start]", "poll-status[InProgress:202]"),
    ],
)
def test_two_faults_of_different_areas_are_both_named(faults: tuple[str, str]) -> None:
    wanted = {FAULTS[name].requirement for name in faults}
    (found,) = judge_each([Subject("two", faults)])
    assert found.errors == ()
    assert len(wanted) == 2
    assert wanted <= set(found.findings)
