"""Faults and oddities as lists: each is well bound, and each shows somewhere in the script."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING

import pytest

from emulator_chapters import CHAPTERS
from emulator_script import SECONDS, SERVICES, Clock, Player, octets, poll
from reimage_conformance.catalogue import CATALOGUE
from reimage_conformance.emulator import (
    FAULTS,
    LAYOUTS,
    ODDITIES,
    Need,
    emulator_with,
    find_fault,
    find_oddity,
    lacking,
)
from reimage_conformance.emulator.points import POINTS
from reimage_conformance.errors import UsageError
from reimage_conformance.model import CountsAs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reimage_conformance.emulator import Action

PLACE = slice(None) if "EVERY_FAULT" in os.environ else slice(None, None, 20)
"""All faults where the environment says EVERY_FAULT, which takes two minutes; else one in twenty."""


def play(chapter: str, **departures: list[str]) -> Iterator[list[Action]]:
    clock = Clock()
    player = Player(
        emulator_with(
            SECONDS,
            clock=clock,
            seed=5,
            faults=departures.get("faults", []),
            oddities=departures.get("oddities", []),
        ),
        clock,
    )
    player.emulator.state.epoch = 0.0
    for step in CHAPTERS[chapter]():
        yield step(player)


@cache
def conforming(chapter: str) -> list[list[Action]]:
    return list(play(chapter))


def differs(**departures: list[str]) -> bool:
    for chapter in CHAPTERS:
        for expected, found in zip(conforming(chapter), play(chapter, **departures), strict=True):
            if expected != found:
                return True
    return False


def test_there_are_hundreds_of_faults_and_dozens_of_oddities() -> None:
    assert len(FAULTS) > 250
    assert len(ODDITIES) > 30


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_breaks_a_requirement_that_exists_and_is_judged(name: str) -> None:
    fault = FAULTS[name]
    judged = {each.id for each in CATALOGUE.values() if each.strict in (CountsAs.FAIL, CountsAs.WARN)}

    assert {fault.requirement, *fault.also} <= judged
    assert fault.requirement not in fault.also
    assert {change.point for change in fault.changes} <= set(POINTS)


def test_every_requirement_that_is_judged_has_a_fault() -> None:
    judged = {each.id for each in CATALOGUE.values() if each.strict in (CountsAs.FAIL, CountsAs.WARN)}

    assert judged - {fault.requirement for fault in FAULTS.values()} == set()


@pytest.mark.parametrize("name", list(FAULTS)[PLACE])
def test_a_fault_shows(name: str) -> None:
    assert differs(faults=[name])


@pytest.mark.parametrize("name", [each.name for each in ODDITIES.values() if not each.server_only])
def test_an_oddity_shows(name: str) -> None:
    assert differs(oddities=[name])


@pytest.mark.parametrize("name", [each.name for each in ODDITIES.values() if not each.server_only])
def test_an_oddity_names_points_that_exist(name: str) -> None:
    assert {change.point for change in ODDITIES[name].changes} <= set(POINTS)


def test_a_misspelt_fault_is_met_with_a_suggestion() -> None:
    with pytest.raises(UsageError, match="did you mean 'details-ignored'"):
        find_fault("detail-ignored")


def test_a_fault_is_suggested_by_the_words_that_its_name_shares() -> None:
    with pytest.raises(UsageError, match="unknown fault 'operation-never-ends'; did you mean 'never-ends'"):
        find_fault("operation-never-ends")


def test_a_word_that_resembles_no_fault_is_met_without_a_suggestion() -> None:
    with pytest.raises(UsageError, match=r"^unknown fault 'zzzz'$"):
        find_fault("zzzz")


def test_a_misspelt_oddity_is_met_with_a_suggestion() -> None:
    with pytest.raises(UsageError, match="did you mean 'lock-none'"):
        find_oddity("lock-non")


@pytest.mark.parametrize("need", Need)
def test_every_need_is_some_faults_and_is_met_in_the_large_world_alone(need: Need) -> None:
    assert [name for name, fault in FAULTS.items() if need in fault.needs] != []
    assert lacking(LAYOUTS["large"], [need]) == ()
    assert lacking(LAYOUTS["one-instance"], [need]) == (
        () if need in (Need.PROBE, Need.PRODUCTION, Need.EMPTY_SLOT) else (need,)
    )


def test_what_other_subscriptions_hold_meets_no_need() -> None:
    assert lacking(LAYOUTS["one-instance"], [Need.SECOND_SERVICE, Need.NAMESAKES]) == (
        Need.SECOND_SERVICE,
        Need.NAMESAKES,
    )
    assert lacking(LAYOUTS["two-instances"], [Need.SECOND_INSTANCE]) == ()


def test_a_fault_without_a_place_in_the_world_is_refused() -> None:
    told = r"fault 'others-unready\[other-role\]' shows only where there is a deployment of two roles"

    assert emulator_with(faults=["others-unready[other-role]"], layout=LAYOUTS["one-slot"])
    with pytest.raises(UsageError, match=told):
        emulator_with(faults=["others-unready[other-role]"], layout=LAYOUTS["two-instances"])


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if not fault.needs][PLACE])
@pytest.mark.parametrize("world", ["one-instance", "two-instances"])
def test_a_fault_without_needs_works_in_any_world(name: str, world: str) -> None:
    """It starts, and answers a reimage, a poll and a look without an error of the emulator's own."""
    clock = Clock()
    player = Player(emulator_with(SECONDS, clock=clock, seed=5, faults=[name], layout=LAYOUTS[world]), clock)
    place = f"{SERVICES}/contoso/deploymentslots/production"
    instance = f"{place}/roleinstances/WebRole1_IN_0?comp=reimage"

    for _ in range(2):
        for request in (
            octets("POST", instance),
            octets("GET", place),
            octets("GET", f"{SERVICES}/contoso?embed-detail=true"),
        ):
            player.send(request)
            poll()(player)
        clock.now += SECONDS
    assert player.emulator.requests == 12


def test_faults_and_oddities_combine() -> None:
    assert differs(faults=["accepted-status[200]", "error-missing"], oddities=["xml-prefixed", "ids-dashed"])
