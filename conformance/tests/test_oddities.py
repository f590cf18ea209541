"""The suite against emulators that are right, and right in unusual ways."""

from __future__ import annotations

import os
from random import Random

import pytest

from conformance.detection.forking import Found, Subject, judge_each
from conformance.emulator import FAULTS, ODDITIES
from conformance.model import Strictness

PROCESSES = 2
"""Where these tests come last, one worker is left with them, and a core would be idle."""
SEED = os.environ.get("ODDITY_SEED", "1")
"""Which oddities come together; with ODDITIES_ALONE set, each is judged alone as well, and fewer at once."""
TOGETHER = 4 if "ODDITIES_ALONE" in os.environ else 10
STRICT = [o.name for o in ODDITIES.values() if not o.server_only and not o.lenient_only]
LENIENT_ONLY = [o.name for o in ODDITIES.values() if not o.server_only and o.lenient_only]


RIVALS = ("verbs-", "type-4")
"""How the names begin of oddities that give the same refusal another status and code: of two at once, each would spoil the other's."""


def are_rivals(names: tuple[str, ...]) -> bool:
    """Whether two of `names` begin alike, as rivals do."""
    return any(sum(name.startswith(each) for name in names) > 1 for each in RIVALS)


def combined(names: list[str], size: int, strictness: Strictness) -> list[Subject]:
    """Every one of `names` in a random combination of `size`, none of which answers one thing in two ways."""
    random = Random(SEED + strictness)  # noqa: S311  a sample
    groups: list[tuple[str, ...]] = []
    while not groups or any(are_rivals(group) for group in groups):
        shuffled = random.sample(names, len(names))
        groups = [tuple(shuffled[at : at + size]) for at in range(0, len(shuffled), size)]
    return [Subject(f"{strictness}: {'+'.join(group)}", oddities=group, strictness=strictness) for group in groups]


def accused(found: list[Found]) -> dict[str, dict[str, str]]:
    """What was held against each subject: violations, advice that its oddities do not call for, errors of the suite."""
    told: dict[str, dict[str, str]] = {}
    for each in found:
        expected = {name for oddity in each.subject.oddities for name in ODDITIES[oddity].advisories}
        bad = {n: each.reasons.get(n, each.outcomes[n]) for n in each.bad - expected}
        bad |= {"verdict": each.verdict} if each.verdict == "incomplete" else {}
        bad |= {"errors": str(each.errors)} if each.errors else {}
        told |= {each.subject.name: bad} if bad else {}
    return told


@pytest.mark.parametrize("strictness", list(Strictness))
def test_the_conforming_emulator_gets_no_finding(strictness: Strictness) -> None:
    (found,) = judge_each([Subject("conforming", strictness=strictness)])
    assert (found.verdict, found.findings, found.errors, found.exit_code) == ("conformant", (), (), 0)
    assert "inconclusive" not in found.outcomes.values()
    assert "untested" not in found.outcomes.values()
    assert found.outcomes["REQ-REIMAGE-FRESH-OS"] == ("met" if strictness == "strict" else "observed")


def test_no_combination_of_oddities_is_accused() -> None:
    subjects = combined(STRICT, TOGETHER, Strictness.STRICT) + combined(LENIENT_ONLY, TOGETHER, Strictness.LENIENT)
    found = judge_each(subjects, processes=PROCESSES)
    assert len(STRICT) + len(LENIENT_ONLY) >= 100
    assert len(found) == len(subjects)
    assert accused(found) == {}


def test_no_oddity_alone_is_accused() -> None:
    names = STRICT if "ODDITIES_ALONE" in os.environ else Random(SEED).sample(STRICT, 4)  # noqa: S311  a sample
    found = judge_each([Subject(name, oddities=(name,)) for name in names], processes=PROCESSES)
    assert len(found) == len(names)
    assert accused(found) == {}


@pytest.mark.parametrize(
    "faults",
    [
        ("version-old-accepted", "accepted-content[xml]"),
        ("date-form[iso]", "order[reversed]"),
        ("comp-accepted[start]", "guest-not-fresh"),
        ("operation-id[latest]", "type-refused[upper-case-charset]"),
    ],
)
def test_two_faults_of_different_areas_are_both_named(faults: tuple[str, str]) -> None:
    wanted = {FAULTS[name].requirement for name in faults}
    (found,) = judge_each([Subject("two", faults)])
    assert found.errors == ()
    assert len(wanted) == 2
    assert wanted <= set(found.findings)
