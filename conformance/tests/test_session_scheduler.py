"""The scheduler: cases run beside each other, phase after phase, each answerable for itself alone."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

import pytest
import trio

from reimage_conformance.errors import ReportError
from reimage_conformance.model import Outcome
from reimage_conformance.pytest_plugin.run import Run
from reimage_conformance.session.cases import Case, Phase
from reimage_conformance.session.scheduler import Session
from reimage_conformance.session.signals import Inconclusive, NotApplicable, Untested
from reimage_conformance.session.thresholds import MAX_CASES_UNDER_WAY
from reimage_conformance.session.wires import ThreadedWire
from session_runs import in_run, run_over

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from reimage_conformance.session.cases import Conclusion
    from reimage_conformance.session.sut import SystemUnderTest

REQUIREMENT = "REQ-GOS-200"
Body = "Callable[[SystemUnderTest], Awaitable[None]]"


def case(name: str, body: Callable[[SystemUnderTest], Awaitable[None]], phase: Phase = Phase.BESIDE) -> Case:
    """A case that cites one requirement."""
    return Case(name, (REQUIREMENT,), name, phase, body)


async def nothing(sut: SystemUnderTest) -> None:
    """A case that is over at once."""


@contextmanager
def session(folder: Path, *cases: Case, **options: Any) -> Iterator[tuple[Run, Session]]:
    """A session of these cases over an endpoint in memory, stopped at the end of the block."""
    with run_over(folder) as run:
        made = run.session = Session(run.sut, cases, clock=run._time, **options)
        made.start()
        yield run, made


def outcomes(session: Session, *cases: Case) -> list[str]:
    """How cases ended."""
    return [session.conclusion(each.id).outcome for each in cases]


def test_cases_of_a_phase_run_beside_each_other_and_phases_one_after_the_other(tmp_path: Path) -> None:
    told: list[str] = []

    def waiting(name: str) -> Callable[[SystemUnderTest], Awaitable[None]]:
        async def body(sut: SystemUnderTest) -> None:
            told.append(f"{name} begins")
            await trio.sleep(1)
            told.append(f"{name} ends")

        return body

    cases = [
        case(f"{phase.name} {n}", waiting(f"{phase.name} {n}"), phase) for phase in reversed(Phase) for n in (1, 2)
    ]
    with session(tmp_path, *cases) as (_, running):
        assert outcomes(running, *cases) == ["observed"] * 8

    def order(phase: Phase) -> list[str]:
        return [line.split()[-1] for line in told if line.startswith(f"{phase.name} ")]

    assert [line.split()[0] for line in told] == [phase.name for phase in Phase for _ in range(4)]
    assert [order(phase) for phase in (Phase.BESIDE, Phase.AFTERWARDS)] == [["begins"] * 2 + ["ends"] * 2] * 2
    assert [order(phase) for phase in (Phase.ALONE, Phase.AT_THE_END)] == [["begins", "ends"] * 2] * 2


def test_so_many_cases_and_no_more_are_started_ahead(tmp_path: Path) -> None:
    under_way: list[int] = []
    now = 0

    async def body(sut: SystemUnderTest) -> None:
        nonlocal now
        now += 1
        under_way.append(now)
        await trio.sleep(1)
        now -= 1

    cases = [case(str(number), body) for number in range(3 * MAX_CASES_UNDER_WAY)]
    with session(tmp_path, *cases) as (_, running):
        outcomes(running, *cases)

    assert max(under_way) == MAX_CASES_UNDER_WAY


def test_what_a_case_raises_is_how_it_ends_and_nobody_elses_business(tmp_path: Path) -> None:
    raised = {
        "error": ValueError("a defect of the case"),
        "inconclusive": Inconclusive("not known"),
        "untested": Untested("left out"),
        "not-applicable": NotApplicable("not offered"),
        "violated": AssertionError("it is so"),
    }

    def raising(error: Exception) -> Callable[[SystemUnderTest], Awaitable[None]]:
        async def body(sut: SystemUnderTest) -> None:
            await sut.send(sut.builder.operation_status("0" * 32))
            raise error

        return body

    cases = [case(name, raising(error)) for name, error in raised.items()]
    cases.append(case("observed", nothing, Phase.AT_THE_END))
    with session(tmp_path, *cases) as (_, running):
        ends = [running.conclusion(each.id) for each in cases]

    assert [end.outcome for end in ends] == [*raised, "observed"]
    assert [end.error for end in ends] == [*raised.values(), None]
    assert ends[0].detail == "a defect of the case"


def test_each_exchange_and_verdict_belongs_to_the_case_that_asked_for_it(tmp_path: Path) -> None:
    sent: dict[str, list[int]] = {}

    def asking(name: str, times: int) -> Callable[[SystemUnderTest], Awaitable[None]]:
        async def body(sut: SystemUnderTest) -> None:
            for _ in range(times):
                exchange = await sut.send(sut.builder.operation_status("0" * 32))
                sent.setdefault(name, []).append(exchange.number)
                await trio.sleep(0.01)
            requests = [sut.builder.operation_status("1" * 32)] * 3
            sent[name] += [each.number for each in await sut.send_all(requests)]
            sut.observe("REQ-GOS-VERSION", name)
            sut.recorder.keep([_verdict(name)])

        return body

    cases = [case(f"case {number}", asking(f"case {number}", 1 + number)) for number in range(5)]
    with session(tmp_path, *cases) as (run, running):
        outcomes(running, *cases)
        recorded = run.sut.recorder

        for each in cases:
            numbers = [exchange.number for exchange in recorded.exchanges if exchange.case == each.id]
            assert numbers == sorted(sent[each.id])
        assert {verdict.case: verdict.actual for verdict in recorded.made} == {each.id: each.id for each in cases}


def _verdict(actual: str) -> Any:
    from reimage_conformance.model import Verdict  # noqa: PLC0415

    return Verdict(REQUIREMENT, Outcome.MET, actual=actual)


def test_what_needs_operations_begins_when_few_cases_are_left_and_the_whole_budget_is_free_when_none_is(
    tmp_path: Path,
) -> None:
    seen: dict[str, float] = {}

    async def long(sut: SystemUnderTest) -> None:
        await trio.sleep(100)
        seen["reserve"] = sut.budget.reserve

    async def late(sut: SystemUnderTest) -> None:
        seen["began"] = sut.elapsed_seconds()

    async def alone(sut: SystemUnderTest) -> None:
        seen["alone"], seen["left"] = sut.elapsed_seconds(), sut.budget.reserve

    cases = [case(f"short {number}", nothing) for number in range(4)]
    cases += [case("long", long), case("late", late, Phase.AFTERWARDS), case("alone", alone, Phase.ALONE)]
    with session(tmp_path, *cases) as (_, running):
        outcomes(running, *cases)

    assert seen["began"] < 100 <= seen["alone"]
    assert (seen["reserve"] > 0, seen["left"]) == (True, 0)


def test_what_judges_everything_begins_when_every_reimage_is_over(tmp_path: Path) -> None:
    seen: list[tuple[int, int, int]] = []

    async def last(sut: SystemUnderTest) -> None:
        results = sut.campaign.results.values()
        over = [result.over.is_set() for result in results if result.operation is not None]
        seen.append((len(sut.campaign.agenda.pending), len(sut.operations.under_way), over.count(False)))
        seen.append((len(over), 0, 0))

    cases = [case("first", nothing), case("last", last, Phase.AT_THE_END)]
    with session(tmp_path, *cases) as (_, running):
        outcomes(running, *cases)

    assert seen[0] == (0, 0, 0)
    assert seen[1][0] > 0


def test_what_is_not_judged_when_the_time_is_over_is_untested(tmp_path: Path) -> None:
    async def long(sut: SystemUnderTest) -> None:
        await trio.sleep(1000)

    cases = [case("short", nothing), case("long", long), case("late", nothing, Phase.ALONE)]
    with session(tmp_path, *cases, max_seconds=90.0) as (run, running):
        ends = [running.conclusion(each.id) for each in cases]
        seconds = run.sut.elapsed_seconds()

    assert [end.outcome for end in ends] == ["observed", "untested", "untested"]
    assert {end.detail for end in ends[1:]} == {"the 1.5 minutes of --max-minutes were over"}
    assert 90 <= seconds < 91


def test_once_the_endpoint_is_given_up_no_case_waits_or_sends(tmp_path: Path) -> None:
    async def gives_up(sut: SystemUnderTest) -> None:
        sut.sender.give_up("the endpoint is gone")

    async def asks(sut: SystemUnderTest) -> None:
        await sut.send(sut.builder.operation_status("0" * 32))

    def late(number: int) -> Case:
        return case(f"late {number}", asks, Phase.AFTERWARDS)

    cases = [case("first", gives_up), *map(late, range(200))]
    with session(tmp_path, *cases) as (run, running):
        outcomes(running, cases[0])
        ends = [running.conclusion(each.id) for each in cases[1:]]
        exchanges = [each for each in run.sut.recorder.exchanges if each.case.startswith("late")]

    assert {(end.outcome, end.detail) for end in ends} == {("inconclusive", "the endpoint is gone")}
    assert exchanges == []


def test_in_step_a_case_begins_only_when_somebody_waits_for_it(tmp_path: Path) -> None:
    begun: list[str] = []

    def told(name: str) -> Callable[[SystemUnderTest], Awaitable[None]]:
        async def body(sut: SystemUnderTest) -> None:
            begun.append(name)

        return body

    cases = [case(name, told(name)) for name in ("first", "second", "third")]
    with session(tmp_path, *cases, in_step=True) as (_, running):
        running.conclusion("first")
        assert begun == ["first"]
        running.conclusion("second")
        assert begun == ["first", "second"]


def test_a_journal_that_cannot_be_written_ends_the_session_and_not_the_case_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(run: Run) -> Callable[[SystemUnderTest], Awaitable[None]]:
        def fails(*_: object, **__: object) -> None:
            raise ReportError("the disk is full")

        async def body(sut: SystemUnderTest) -> None:
            with monkeypatch.context() as patched:
                patched.setattr(sut.recorder.journal, "exchange", fails)
                await sut.send_all([sut.builder.operation_status("0" * 32)] * 3)

        return body

    with run_over(tmp_path) as run:
        cases = [
            case("before", nothing),
            case("full", full(run), Phase.ALONE),
            case("after", nothing, Phase.AT_THE_END),
        ]
        running = run.session = Session(run.sut, cases, clock=run._time)
        running.start()

        assert running.conclusion("before").outcome == "observed"
        for name in ("full", "after"):
            with pytest.raises(ReportError, match="the disk is full"):
                running.conclusion(name)


def test_a_task_that_breaks_is_told_to_whoever_waits_and_keeps_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken() -> None:
        await trio.sleep(1)
        raise ZeroDivisionError

    async def long(sut: SystemUnderTest) -> None:
        await trio.sleep(1000)

    cases = [case("short", nothing), case("long", long), case("late", nothing, Phase.ALONE)]
    with run_over(tmp_path) as run:
        monkeypatch.setattr(run.sut.campaign, "run", broken)
        running = run.session = Session(run.sut, cases, clock=run._time)
        running.start()

        assert running.conclusion("short").outcome == "observed"
        for name in ("long", "late"):
            with pytest.raises(ZeroDivisionError):
                running.conclusion(name)


def test_a_session_is_stopped_while_a_thread_still_hangs(tmp_path: Path) -> None:
    hung = threading.Event()
    begun = threading.Event()

    async def hangs(sut: SystemUnderTest) -> None:
        wire = ThreadedWire(cast("Any", None), 1)
        begun.set()
        await wire.in_thread(hung.wait)

    async def sleeps(sut: SystemUnderTest) -> None:
        await trio.sleep_forever()

    cases = [case("hangs", hangs), case("sleeps", sleeps), case("late", nothing, Phase.ALONE)]
    with session(tmp_path, *cases) as (_, running):
        assert begun.wait(10)
        running.stop()
        ends: list[Conclusion] = [running.conclusion(each.id) for each in cases]
        hung.set()  # until here the first case hangs in its thread

    assert {(end.outcome, end.detail) for end in ends} == {("inconclusive", "the run ended before the case did")}


def test_a_session_that_is_stopped_twice_or_at_its_end_stays_as_it_is(tmp_path: Path) -> None:
    only = case("only", nothing)
    with session(tmp_path, only) as (_, running):
        assert outcomes(running, only) == ["observed"]
        running.stop()
        running.stop()
        assert outcomes(running, only) == ["observed"]


def test_a_run_sends_no_more_requests_in_a_second_than_the_target_allows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_memory = Run._in_memory

    def limited(run: Run) -> Any:
        target, *rest = in_memory(run)
        return replace(target, limits=replace(target.limits, requests_per_second=2.0)), *rest

    async def body(sut: SystemUnderTest) -> None:
        await sut.send_all([sut.builder.operation_status("0" * 32)] * 6)
        moments = [each.at for each in sut.recorder.exchanges if each.label != "probe"]

        assert len(moments) == 6
        assert min(later - earlier for earlier, later in pairwise(moments)) == pytest.approx(0.5, abs=0.01)

    monkeypatch.setattr(Run, "_in_memory", limited)
    in_run(tmp_path, body, opened=False)
