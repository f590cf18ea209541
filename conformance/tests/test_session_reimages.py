"""Reimages that cases start themselves: one after the other, and past a conflict that is over in a moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from reimage_conformance.protocol.addresses import UriForm
from session_runs import in_run

if TYPE_CHECKING:
    from pathlib import Path

    from reimage_conformance.protocol.requests import Place
    from reimage_conformance.session.sut import SystemUnderTest


def test_cases_that_start_reimages_at_the_same_time_are_not_in_each_others_way(tmp_path: Path) -> None:
    async def body(sut: SystemUnderTest) -> None:
        await sut.campaign.settled()
        started = []

        async def one(place: Place) -> None:
            exchange = await sut.reimages.start(place, UriForm.SLOT)
            started.append(sut.reimages.started(exchange, place, UriForm.SLOT))

        async with trio.open_nursery() as tasks:
            for place in sut.places()[:3]:
                tasks.start_soon(one, place)

        assert [operation.start.reply.status for operation in started if operation.start.reply] == [202] * 3

    in_run(tmp_path, body, max_reimages=40)
