"""How the runner sends what ought to be refused: only as often as it takes to know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from conformance.model import Profile
from conformance.plugin.options import Plan
from conformance.plugin.run import Run
from conformance.protocol.requests import with_header, with_query
from conformance.runner.refusing import ENOUGH
from conformance.runner.signals import Nonconformance, Untested

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """A run in memory against an endpoint that takes a reimage for one whatever its comp says."""
    nothing: dict[str, Any] = dict.fromkeys(
        ("target", "strictness", "report_dir", "max_reimages", "baseline", "write_baseline")
    )
    chosen: dict[str, Any] = {"faults": ("comp-ignored",), "oddities": (), "operation_seconds": 0.2, "seed": 0}
    plan = Plan(**nothing, **chosen, in_memory=True, profile=Profile.SMOKE, repeats=False, redact=True)
    run = Run(plan, tmp_path)
    run.sut.open()
    yield run
    run.finish(interrupted=False)
    run.close()


def test_what_was_accepted_often_enough_is_not_sent_again(run: Run) -> None:
    sut = run.sut
    sound = sut.builder.reimage(sut.main_witness())
    for number in range(ENOUGH):
        with pytest.raises(Nonconformance, match="REQ-REIMAGE-COMP-MISSING"):
            sut.refuse(with_query(sound, f"comp={number}"))
    sent = len(sut.recorder.exchanges)

    with pytest.raises(Untested, match="6 requests that break REQ-REIMAGE-COMP-MISSING were accepted already"):
        sut.refuse(with_query(sound, "comp=once-more"))
    assert len(sut.recorder.exchanges) == sent
    assert sut.book.unwanted == ENOUGH


def test_what_breaks_something_else_too_is_still_sent(run: Run) -> None:
    sut = run.sut
    sound = sut.builder.reimage(sut.main_witness())
    for number in range(ENOUGH):
        with pytest.raises(Nonconformance):
            sut.refuse(with_query(sound, f"comp={number}"))

    refused = sut.refuse(with_header(with_query(sound, "comp=9"), "x-ms-version", "new"))
    assert refused.reply is not None
    assert refused.reply.status == 400
