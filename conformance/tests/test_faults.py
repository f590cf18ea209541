"""The suite against emulators that are wrong in one way, unusual in several, or right."""

from __future__ import annotations

import os
from functools import cache
from random import Random

from conformance.detection.__main__ import word_for
from conformance.detection.forking import Found, Subject, judge_each
from conformance.emulator import FAULTS

PROCESSES = 1 if "PYTEST_XDIST_WORKER" in os.environ else 2
SAMPLE = int(os.environ.get("FAULT_SAMPLE", "40"))
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


GAPS = frozenset(
    {
        "chunked-not-last-keeps-open",
        "chunks-end-short",
        "conflict-forgets-the-first",
        "deployment-root[Deployments]",
        "details-ignored",
        "every-guest-written",
        "forgotten-after-five-polls",
        "forgotten-once-told",
        "name-form-reaches-the-neighbour",
        "names-decoded-twice",
        "names-not-decoded[service]",
        "namespace-as-attribute",
        "polling-with-another-version-fails-it",
        "service-version-raised[2010-10-28]",
        "unknown-method-404",
        "verb-refused-yet-started[OPTIONS]",
        "xml-empty[operation]",
    }
)
"""Faults of a sample of 120 that were not found under their own requirement when measured; docs/detection.md tells more."""

FOUND_AT_LEAST = 0.75
FIRST_AT_LEAST = 0.6
"""Floors under what was measured (103 of 120 found, 89 first) for a sample of 40; the goal is every fault, nine in ten first."""


def test_sampled_faults_are_found_under_their_own_requirement() -> None:
    words = {name: word_for(each) for name, each in judged_faults().items()}
    lost = {name for name, word in words.items() if word in ("missed", "broken")}
    assert len(words) == SAMPLE
    assert 1 - len(lost) / SAMPLE >= FOUND_AT_LEAST, sorted(lost - GAPS)


def test_the_first_finding_names_the_requirement_that_a_fault_breaks() -> None:
    found = judged_faults()
    first = [name for name, each in found.items() if word_for(each) == "first"]
    assert len(found) == SAMPLE
    assert len(first) / len(found) >= FIRST_AT_LEAST, sorted(set(found) - set(first))


def test_a_fault_makes_one_headline() -> None:
    numbers = sorted(len(each.findings) for each in judged_faults().values())
    assert len(numbers) == SAMPLE
    assert numbers[len(numbers) // 2] == 1
