"""The suite against emulators that are wrong in one way: a sample here, every family by `tox -e faults`."""

from __future__ import annotations

import os
from functools import cache
from random import Random

from reimage_conformance.detection.faring import BAD, Fared, fared
from reimage_conformance.detection.forking import Found, JudgedEmulator, judge_each
from reimage_conformance.detection.gaps import GAPS
from reimage_conformance.detection.shapes import Shape
from reimage_conformance.emulator import FAULTS
from reimage_conformance.emulator.layouts import DeploymentLayout, instances_of

PROCESSES = 2
"""Where these tests come last, one worker is left with them, and a core would be idle."""
SAMPLE = int(os.environ.get("FAULT_SAMPLE", "8"))
"""How many families of faults are judged here, one fault of each."""
SEED = os.environ.get("FAULT_SEED", "1")
FIRST_AT_LEAST = 0.95

FAMILIES: dict[str, list[str]] = {}
for _name, _fault in FAULTS.items():
    FAMILIES.setdefault(_fault.family, []).append(_name)


def sampled_faults() -> list[str]:
    """One fault of each of the sampled families, another sample for another FAULT_SEED."""
    random = Random(SEED)  # noqa: S311  a sample
    families = sorted(FAMILIES)
    chosen = random.sample(families, min(SAMPLE, len(families)))
    return [random.choice(FAMILIES[family]) for family in sorted(chosen)]


@cache
def judged_faults() -> dict[str, Found]:
    found = judge_each([JudgedEmulator(name, (name,)) for name in sampled_faults()], processes=PROCESSES)
    return {each.subject.name: each for each in found}


def test_the_emulator_is_wrong_in_hundreds_of_ways() -> None:
    assert len(FAMILIES) >= 250
    assert len(GAPS) <= len(FAULTS) / 50
    assert set(GAPS) <= set(FAULTS)


def test_every_sampled_fault_is_found_under_its_own_requirement() -> None:
    words = {name: fared(each) for name, each in judged_faults().items()}
    assert len(words) == min(SAMPLE, len(FAMILIES))
    assert {name: word for name, word in words.items() if word in BAD and name not in GAPS} == {}


def test_the_first_finding_names_the_requirement_that_a_fault_breaks() -> None:
    found = judged_faults()
    later = {name: each.findings[:3] for name, each in found.items() if fared(each) is not Fared.FIRST}
    assert 1 - len(later) / len(found) >= FIRST_AT_LEAST, later


def test_a_fault_makes_one_headline() -> None:
    numbers = sorted(len(each.findings) for each in judged_faults().values())
    assert numbers[len(numbers) // 2] == 1


def test_a_gap_that_was_closed_is_no_gap() -> None:
    assert [name for name, each in judged_faults().items() if name in GAPS and fared(each) is Fared.FIRST] == []


def test_an_instance_whose_reimage_fails_has_to_be_listed_as_well() -> None:
    instances = instances_of({"WebRole1": 2, "WorkerRole1": 1}, failing=["WorkerRole1_IN_0"])
    shape = Shape("fails", "the last fails", (DeploymentLayout("contoso", "production", "v1", instances),), probe=False)
    (found,) = judge_each(
        [JudgedEmulator("the last", ("instances-lack-the-last",), shape=shape)], selection="test_deployments"
    )
    assert found.findings[:1] == ("REQ-DEPL-INSTANCES",)
