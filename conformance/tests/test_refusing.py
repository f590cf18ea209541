"""How the runner spends reimages: on what ought to be refused only as often as it takes to know, and on what decides most first."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from conformance.emulator import LAYOUTS
from conformance.journal import read_journal
from conformance.model import Profile, Strictness
from conformance.plugin.options import Plan
from conformance.plugin.run import Run
from conformance.protocol.requests import with_header, with_query, without_header
from conformance.runner.refusing import ENOUGH
from conformance.runner.signals import Inconclusive, Nonconformance, Untested
from conformance.tests.memory_runs import run_in_memory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def running(folder: Path, *faults: str, **changes: Any) -> Iterator[Run]:
    """A run in memory against an endpoint with these faults."""
    nothing = dict.fromkeys(
        ("file", "target", "strictness", "report_dir", "max_reimages", "baseline", "write_baseline")
    )
    chosen = {"faults": faults, "oddities": (), "operation_seconds": 0.2, "seed": 0, "profile": Profile.SMOKE}
    chosen |= {"repeats": False, "redact": True, "overwrite": False, "preflight": False, "wait_seconds": 0.0}
    plan = Plan(**{**nothing, **chosen, **changes}, in_memory=True)
    run = Run(plan, folder)
    run.sut.open()
    yield run
    run.finish(interrupted=False)
    run.close()


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """A run against an endpoint that takes a reimage for one whatever its comp says."""
    with running(tmp_path, "comp-ignored") as run:
        yield run


def test_what_was_accepted_often_enough_is_not_sent_again(run: Run) -> None:
    sut = run.sut
    sound = sut.builder.reimage(sut.main_witness())
    for number in range(ENOUGH):
        with pytest.raises(Nonconformance, match="REQ-REIMAGE-COMP-MISSING"):
            sut.refuse(with_query(sound, f"comp={number}"))
    sent = len(sut.recorder.exchanges)

    with pytest.raises(Untested, match="enough requests that break REQ-REIMAGE-COMP-MISSING were accepted"):
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


def test_requests_for_nothing_are_not_sent_once_they_were_seen_to_reimage_something(tmp_path: Path) -> None:
    with running(tmp_path, "instance-unknown-is-first") as run:
        sut = run.sut
        before = sut.budget.spent
        for _ in range(ENOUGH):
            sut.try_out(sut.nowhere())

        with pytest.raises(Inconclusive) as found:
            sut.try_out(sut.nowhere())
        assert found.value.because == ("REQ-REIMAGE-UNKNOWN-INSTANCE", "REQ-REIMAGE-UNKNOWN-SERVICE")
        assert sut.budget.spent - before == ENOUGH
        assert sut.try_out(sut.builder.reimage(sut.main_witness())).reply is not None


def test_requests_for_nothing_are_sent_as_long_as_they_reimage_nothing(tmp_path: Path) -> None:
    with running(tmp_path, "comp-ignored", oddities=("unknown-targets-fail-later",)) as run:
        before = run.sut.budget.spent
        answers = [run.sut.try_out(run.sut.nowhere()).reply for _ in range(ENOUGH + 2)]

        assert [answer.status for answer in answers if answer is not None] == [202] * (ENOUGH + 2)
        assert run.sut.budget.spent == before


@pytest.mark.parametrize(
    ("strictness", "odd"),
    [
        (Strictness.LENIENT, "historical-type-missing"),
        (Strictness.LENIENT, "type-400"),
        (Strictness.STRICT, "type-400"),
    ],
)
def test_what_may_be_accepted_is_not_sent_while_the_instance_is_watched(
    tmp_path: Path, strictness: Strictness, odd: str
) -> None:
    small = {"world": LAYOUTS["one-instance"], "strictness": strictness, "profile": Profile.STANDARD}
    with running(tmp_path, oddities=(odd,), **small) as run:
        sut = run.sut
        (watch,) = sut.observer.watches
        sent = sut.try_out(without_header(sut.builder.reimage(sut.main_witness()), "Content-Type")).number

        started = [e.label for e in sut.recorder.exchanges[:sent] if e.label.startswith("step")]
        sut.finish_all()
        last = max(look.number for look in watch.looks)
        assert (last < sent, started) == (strictness is Strictness.LENIENT, ["step:control-slot"])


def test_a_look_costs_nothing(run: Run) -> None:
    sut = run.sut
    sut.budget.limit = sut.budget.spent

    for look in (sut.builder.operation_status("0" * 32), sut.builder.deployment(sut.planner.main)):
        assert sut.attempt(look).reply is not None
        assert sut.attempt(replace(look, method="HEAD")).reply is not None
        with pytest.raises(Untested, match="the budget of reimages is spent"):
            sut.attempt(replace(look, method="POST"))
    for request in (sut.nowhere(), replace(sut.nowhere(), method="GET")):
        with pytest.raises(Untested, match="the budget of reimages is spent"):
            sut.attempt(request)


def test_a_refused_step_is_taken_apart_before_anything_else_is_spent(tmp_path: Path) -> None:
    with running(tmp_path, "second-certificate-refused", profile=Profile.STANDARD, max_reimages=6) as run:
        run.sut.finish_all()
        results = run.sut.campaign.results

        assert "minimum-name+second-certificate" not in results
        assert results["second-certificate"].is_accepted is False
        assert results["minimum-name"].is_accepted is True
        assert results["other-slot"] is results["minimum-slot"]
        assert results["other-slot"].is_accepted is True
        assert results["again"].skipped == "the budget of reimages is spent"
        assert run.sut.budget.spent == 6


def test_a_refusal_that_stops_short_is_not_asked_for_again(tmp_path: Path) -> None:
    code = run_in_memory(tmp_path, "--fault", "length-too-long[refused]")

    journal = read_journal(tmp_path / "journal.jsonl")
    stopped = [each for each in journal.exchanges.values() if each.response and each.reply is None]
    counted = Counter(each.label for each in stopped)
    assert code == 1
    assert counted["refusal"] > 20
    assert counted["refusal-again"] == 0
    assert counted["refusal"] < 100, "one of each kind tells enough"
    assert sum(each.elapsed for each in stopped) < 200


def test_a_refusal_that_is_missing_is_asked_for_again_until_it_is_clear_that_none_comes(tmp_path: Path) -> None:
    code = run_in_memory(tmp_path, "--fault", "length-invalid-hangs")

    exchanges = read_journal(tmp_path / "journal.jsonl").exchanges.values()
    silent = [each.label for each in exchanges if each.response is None and each.failure and each.elapsed > 5]
    assert code == 1
    assert silent == ["refusal", "refusal-again"] * 2
