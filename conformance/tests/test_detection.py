"""How the sweep over faults and oddities words and counts what came of each; no run is made here."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from reimage_conformance.detection.__main__ import chosen, odd_row, row, table, why_table
from reimage_conformance.detection.faring import Fared, fared, reason
from reimage_conformance.detection.forking import Found, JudgedEmulator
from reimage_conformance.detection.odd_emulators import (
    SAME_REFUSAL,
    cannot_combine,
    combined,
    held_against,
    oddities_for,
)
from reimage_conformance.detection.shapes import LARGE_WORLD, SHAPES
from reimage_conformance.emulator import FAULTS, ODDITIES
from reimage_conformance.model import Strictness

FAULT = "others-unready[other-role]"
WANTED, OTHER = FAULTS[FAULT].requirement, "REQ-GOS-ID"
BLAMED_TOO = FAULTS["second-other-same-id"].also[0]


def found(name: str = FAULT, shape: str = "large", **fields: Any) -> Found:
    return Found(JudgedEmulator(name, (name,), shape=SHAPES[shape]), **fields)


RUN: dict[str, Any] = {"verdict": "nonconformant", "exit_code": 1}
FOUND = {
    "first": found(**RUN, outcomes={WANTED: "violated"}, findings=(WANTED, OTHER)),
    "named": found(**RUN, outcomes={WANTED: "violated", OTHER: "violated"}, findings=(OTHER, WANTED)),
    "advised about": found(**RUN, outcomes={WANTED: "advisory", OTHER: "violated"}, findings=(OTHER, WANTED)),
    "may as well be blamed": found("second-other-same-id", outcomes={BLAMED_TOO: "violated"}, findings=(BLAMED_TOO,)),
    "untested": found(outcomes={WANTED: "untested"}, unjudged={WANTED: "the budget is spent"}),
    "no place": found(shape="two-instances"),
    "nothing found": found(outcomes={WANTED: "met"}),
    "another blamed": found(**RUN, outcomes={WANTED: "met", OTHER: "violated"}, findings=(OTHER,)),
    "another blamed, this one not judged": found(
        **RUN, outcomes={WANTED: "inconclusive", OTHER: "violated"}, findings=(OTHER,), unjudged={WANTED: "why"}
    ),
    "an error of the suite": found(outcomes={WANTED: "violated"}, findings=(WANTED,), errors=("it broke",)),
    "nothing came back": found(),
}
TOLD = {
    "first": (Fared.FIRST, ""),
    "named": (Fared.NAMED, f"findings: {OTHER}, {WANTED}"),
    "advised about": (Fared.NAMED, f"findings: {OTHER}, {WANTED}"),
    "may as well be blamed": (Fared.NAMED, f"findings: {BLAMED_TOO}"),
    "untested": (Fared.UNTESTED, "untested: the budget is spent"),
    "no place": (Fared.NO_PLACE, "it shows only where there is a deployment of two roles"),
    "nothing found": (Fared.MISSED, "findings: none"),
    "another blamed": (Fared.MISSED, f"findings: {OTHER}"),
    "another blamed, this one not judged": (Fared.MISSED, f"findings: {OTHER}"),
    "an error of the suite": (Fared.BROKEN, "it broke"),
    "nothing came back": (Fared.BROKEN, "the run left nothing"),
}


@pytest.mark.parametrize("case", FOUND)
def test_how_a_fault_fared(case: str) -> None:
    assert (fared(FOUND[case]), reason(FOUND[case])) == TOLD[case]
    assert row(FOUND[case]).startswith(f"{TOLD[case][0]} ".ljust(9))


def test_the_tables_are_rows_of_markdown() -> None:
    tally = Counter({"first": 3, "no place": 1})

    assert table(Fared, {"large": tally}).splitlines() == [
        "| shape | first | named | untested | no place | missed | broken |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        "| `large` | 3 | 0 | 0 | 1 | 0 | 0 |",
    ]
    assert why_table({"large": [FOUND["untested"], FOUND["untested"], FOUND["first"]]}).splitlines()[2:] == [
        "| `large` | untested | untested: the budget is spent | 2 |"
    ]


def test_faults_are_chosen_by_words_families_and_steps() -> None:
    assert chosen(("others-unready",)) == [name for name in FAULTS if "others-unready" in name]
    assert chosen(("others-unready", "others-go-offline"), one_per_family=True) == [
        "others-go-offline[all]",
        "others-unready[all]",
    ]
    assert chosen((), every=100) == list(FAULTS)[::100]


def odd(*oddities: str, **fields: Any) -> Found:
    return Found(JudgedEmulator("odd", oddities=oddities), **fields)


def test_what_was_held_against_an_odd_emulator() -> None:
    advised = next(each for each in ODDITIES.values() if each.advisories)
    expected = dict.fromkeys(advised.advisories, "advisory")

    assert held_against(odd(advised.name, verdict="conformant", outcomes=expected)) == {}
    assert set(held_against(odd(verdict="conformant", outcomes=expected))) == set(advised.advisories)
    assert held_against(odd(verdict="nonconformant", outcomes={OTHER: "violated"}, seen={OTHER: "no ID"})) == {
        OTHER: "no ID"
    }
    incomplete = odd(verdict="incomplete", outcomes={OTHER: "inconclusive"}, unjudged={OTHER: "silence"})
    assert held_against(incomplete) == {"verdict": f"incomplete: {{'{OTHER}': 'silence'}}"}
    assert held_against(odd(errors=("it broke",))) == {"errors": "it broke"}
    assert odd_row(incomplete).startswith("incomplete    strict nothing odd; verdict: incomplete: ")


@pytest.mark.parametrize("strictness", list(Strictness))
def test_every_oddity_comes_once_and_none_beside_a_rival(strictness: Strictness) -> None:
    names = oddities_for(strictness)
    subjects = combined(names, 10, strictness, SHAPES["one-instance"], seed="7")

    assert sorted(name for each in subjects for name in each.oddities) == sorted(names)
    assert not any(cannot_combine(each.oddities) for each in subjects)
    assert cannot_combine((f"{SAME_REFUSAL[0]}400", f"{SAME_REFUSAL[0]}501"))
    assert {each.shape.name for each in subjects} == {"one-instance"}
    assert combined(names, 10, strictness, seed="7")[0].oddities != subjects[0].oddities
    assert combined([], 10, strictness) == []


def test_the_shapes_are_ordinary_targets() -> None:
    sizes = {name: (shape.max_reimages, shape.probe) for name, shape in SHAPES.items()}

    assert sizes == {
        "large": (None, True),
        "two-instances": (6, False),
        "two-slots": (6, False),
        "two-services": (8, False),
        "one-instance": (2, False),
        "no-get-deployment": (None, True),
        "part-of-a-world": (6, False),
    }
    assert SHAPES["no-get-deployment"].layout == SHAPES["part-of-a-world"].layout == LARGE_WORLD.layout


def test_what_is_listed_are_instances_of_the_world() -> None:
    for shape in SHAPES.values():
        world = {(row.service, row.slot, row.name): set(row.instances) for row in shape.layout}
        assert [row for row in shape.offered if not set(row.instances) <= world[row.service, row.slot, row.name]] == []
