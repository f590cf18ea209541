"""Reimages that cases start themselves: one after the other, and past a conflict that is over in a moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from reimage_conformance.emulator import LAYOUTS
from reimage_conformance.judging.wording import is_conflict
from reimage_conformance.protocol.addresses import FORMS, UriForm
from session_runs import in_run

if TYPE_CHECKING:
    from pathlib import Path

    from reimage_conformance.protocol.requests import Place
    from reimage_conformance.session.sut import SystemUnderTest


def test_cases_that_start_reimages_at_the_same_time_are_not_in_each_others_way(tmp_path: Path) -> None:
    async def body(sut: SystemUnderTest) -> None:
        await sut.campaign.until_no_step_runs()
        started = []

        async def one(place: Place) -> None:
            exchange = await sut.reimages.start(place, UriForm.SLOT)
            started.append(sut.reimages.book(exchange, place, UriForm.SLOT))

        async with trio.open_nursery() as tasks:
            for place in sut.places()[:3]:
                tasks.start_soon(one, place)

        assert [operation.start.reply.status for operation in started if operation.start.reply] == [202] * 3

    in_run(tmp_path, body, max_reimages=40)


@pytest.mark.parametrize("refusal", ["not-running-400", "lock-until-ready"])
def test_an_instance_that_does_not_run_again_yet_is_reimaged_once_it_has_had_time(tmp_path: Path, refusal: str) -> None:
    async def body(sut: SystemUnderTest) -> None:
        await sut.campaign.until_no_step_runs()
        place = sut.places()[0]
        for _ in range(2):
            operation = sut.reimages.book(await sut.reimages.start(place, UriForm.SLOT), place, UriForm.SLOT)
            await operation.over.wait()

    oddities, world = (refusal, "slow-return", "no-get-deployment", "no-get-cloud-service"), LAYOUTS["one-instance"]
    in_run(tmp_path, body, max_reimages=9, oddities=oddities, world=world)


def test_a_case_waits_for_a_deployment_that_something_else_locks(tmp_path: Path) -> None:
    async def body(sut: SystemUnderTest) -> None:
        place = sut.places()[0]
        operation = sut.reimages.book(await sut.reimages.start(place, UriForm.SLOT), place, UriForm.SLOT)
        await operation.over.wait()
        await trio.sleep(1)
        again = await sut.reimages.start(place, UriForm.SLOT)
        assert again.is_successful
        assert any(is_conflict(each) for each in sut.recorder.exchanges)

    in_run(tmp_path, body, opened=False, max_reimages=9, oddities=("locked-by-another",))


def test_the_only_reimage_is_waited_for_although_it_starts_when_the_refusals_are_through(tmp_path: Path) -> None:
    async def body(sut: SystemUnderTest) -> None:
        async def refuse() -> None:
            await trio.sleep(5)
            sut.campaign.allow_remaining_steps()

        async with trio.open_nursery() as tasks:
            tasks.start_soon(refuse)
            await sut.until_controlled(FORMS)
            known = await sut.operations.known()

        assert (sut.budget.spent, known.start.at >= 5) == (1, True)

    in_run(tmp_path, body, max_reimages=1)
