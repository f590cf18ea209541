"""The suite against emulators that are right, and right in unusual ways, in targets of every shape."""

from __future__ import annotations

import os
from functools import cache
from random import Random

import pytest

from reimage_conformance.detection.forking import Found, JudgedEmulator, judge_each
from reimage_conformance.detection.odd_emulators import combined, held_against, oddities_for
from reimage_conformance.detection.shapes import LARGE_WORLD, SHAPES, Shape
from reimage_conformance.emulator import FAULTS
from reimage_conformance.model import Strictness

PROCESSES = 2
"""Where these tests come last, one worker is left with them, and a core would be idle."""
SEED = os.environ.get("ODDITY_SEED", "1")
"""Which oddities come together; with ODDITIES_ALONE set, each is judged alone as well, and fewer at once, in every shape."""
EVERYTHING = "ODDITIES_ALONE" in os.environ
TOGETHER = 4 if EVERYTHING else 10
SAMPLE = 3
"""So many combinations are judged in the large world; `python -m reimage_conformance.detection --oddities 10` judges all."""
STRICT, LENIENT = (oddities_for(strictness) for strictness in (Strictness.STRICT, Strictness.LENIENT))
LENIENT_ONLY = [name for name in LENIENT if name not in STRICT]
SMALLER = [shape for shape in SHAPES.values() if shape is not LARGE_WORLD]
UNTESTED = {
    "one-instance": {
        *("REQ-HTTP-CHUNKED", "REQ-NAME-ENCODING", "REQ-AUTH-ANYCERT"),
        *("REQ-CONC-CONFLICT", "REQ-CONC-SAME", "REQ-CONC-REFUSED-NOEFFECT"),
    },
    "two-slots": {"REQ-HTTP-CHUNKED"},
    "two-services": {"REQ-HTTP-CHUNKED"},
    "two-instances": {"REQ-HTTP-CHUNKED"},
    "no-get-deployment": set(),
    "part-of-a-world": {"REQ-DEPL-EMPTY-SLOT", "REQ-HTTP-CHUNKED"},
}
"""What the reimages of a shape do not reach, where nothing is odd."""
ABSENT = {
    "one-instance": {"REQ-REIMAGE-OTHERS-UNTOUCHED", "REQ-CONC-OTHER"},
    "two-slots": {"REQ-REIMAGE-OTHERS-UNTOUCHED", "REQ-CONC-OTHER", "REQ-DEPL-EMPTY-SLOT"},
    "two-services": {"REQ-REIMAGE-FRESH-OS"},
    "two-instances": set(),
    "no-get-deployment": {"REQ-REIMAGE-OTHERS-UNTOUCHED", "REQ-REIMAGE-OFFLINE", "REQ-DEPL-URI"},
    "part-of-a-world": {"REQ-REIMAGE-FRESH-OS"},
}
"""Some of what a shape does not offer, so that it is not applicable."""


def in_small(shape: Shape) -> list[JudgedEmulator]:
    """Every oddity in combinations, in a smaller shape, strict and lenient; one strict combination unless everything is wanted."""
    strict = combined(STRICT, TOGETHER, Strictness.STRICT, shape, seed=SEED)
    lenient = combined(LENIENT, TOGETHER, Strictness.LENIENT, shape, seed=SEED)
    return strict + lenient if EVERYTHING else strict[:1]


@cache
def judged_small() -> dict[str, list[Found]]:
    """The conforming emulator and odd ones in each smaller shape, by its name; the conforming one first."""
    subjects = [
        subject
        for shape in SMALLER
        for subject in (JudgedEmulator(f"{shape.name}, conforming", shape=shape), *in_small(shape))
    ]
    order = [subject.name for subject in subjects]
    found = sorted(judge_each(subjects, processes=PROCESSES), key=lambda each: order.index(each.subject.name))
    return {shape.name: [each for each in found if each.subject.shape is shape] for shape in SMALLER}


def accused(found: list[Found]) -> dict[str, dict[str, str]]:
    """What was held against each subject, by its name; nothing for those that nothing was held against."""
    return {each.subject.name: held for each in found if (held := held_against(each))}


@pytest.mark.parametrize("strictness", list(Strictness))
def test_the_conforming_emulator_gets_no_finding(strictness: Strictness) -> None:
    (found,) = judge_each([JudgedEmulator("conforming", strictness=strictness)])
    assert (found.verdict, found.findings, found.errors, found.exit_code) == ("conformant", (), (), 0)
    assert "inconclusive" not in found.outcomes.values()
    assert "untested" not in found.outcomes.values()
    assert found.outcomes["REQ-REIMAGE-FRESH-OS"] == ("met" if strictness == "strict" else "observed")


@pytest.mark.parametrize("shape", UNTESTED)
def test_a_small_conforming_target_gets_no_finding_and_what_it_cannot_show_is_named(shape: str) -> None:
    found = judged_small()[shape][0]
    unjudged = {name for name in found.unjudged if found.outcomes[name] != "not-applicable"}
    assert (found.findings, found.errors, found.exit_code) == ((), (), 0)
    assert found.verdict in ("conformant", "partial")
    assert unjudged == UNTESTED[shape]
    assert {found.outcomes[name] for name in ABSENT[shape]} <= {"not-applicable"}
    assert "" not in found.unjudged.values()
    if shape == "two-slots":
        assert (
            found.unjudged["REQ-REIMAGE-OTHERS-UNTOUCHED"]
            == "contoso/contoso-v1 and contoso/contoso-v2 have one role instance each"
        )


@pytest.mark.parametrize("shape", UNTESTED)
def test_no_combination_of_oddities_is_accused_in_a_small_target(shape: str) -> None:
    found = judged_small()[shape][1:]
    assert len(found) == len(in_small(SHAPES[shape]))
    assert accused(found) == {}


def test_every_shape_has_its_expectation() -> None:
    assert set(UNTESTED) == set(ABSENT) == {shape.name for shape in SMALLER}


def test_no_combination_of_oddities_is_accused() -> None:
    subjects = combined(STRICT, TOGETHER, Strictness.STRICT, seed=SEED) + combined(
        LENIENT_ONLY, TOGETHER, Strictness.LENIENT, seed=SEED
    )
    chosen = subjects if EVERYTHING else Random(SEED).sample(subjects, SAMPLE)  # noqa: S311  a sample
    found = judge_each(chosen, processes=PROCESSES)
    assert len(STRICT) + len(LENIENT_ONLY) >= 100
    assert len(found) == len(chosen)
    assert accused(found) == {}


def test_no_oddity_alone_is_accused() -> None:
    names = STRICT if EVERYTHING else Random(SEED).sample(STRICT, 1)  # noqa: S311  a sample
    shapes = list(SHAPES.values()) if EVERYTHING else [LARGE_WORLD]
    subjects = [
        JudgedEmulator(f"{shape.name}: {name}", oddities=(name,), shape=shape) for shape in shapes for name in names
    ]
    found = judge_each(subjects, processes=PROCESSES)
    assert len(found) == len(subjects)
    assert accused(found) == {}


PAIRS = [
    ("version-old-accepted", "accepted-content[xml]"),
    ("operation-id[latest]", "type-refused[upper-case-charset]"),
]
MORE_PAIRS = [("date-form[iso]", "order[reversed]"), ("comp-accepted[start]", "guest-not-fresh")]


def test_two_faults_of_different_areas_are_both_named() -> None:
    pairs = PAIRS + MORE_PAIRS if EVERYTHING else PAIRS
    found = judge_each([JudgedEmulator(" and ".join(pair), pair) for pair in pairs], processes=PROCESSES)
    assert len(found) == len(pairs)
    for each in found:
        wanted = {FAULTS[name].requirement for name in each.subject.faults}
        assert each.errors == ()
        assert len(wanted) == 2
        assert wanted <= set(each.findings)


def test_the_parts_of_a_refused_step_wait_until_the_instance_runs_again() -> None:
    """Where Expect is refused, its step is sent in parts, which no look watches; an instance that is away is refused with 400."""
    (found,) = judge_each([JudgedEmulator("parts", oddities=("expectation-417", "not-running-400"))])

    assert held_against(found) == {}
