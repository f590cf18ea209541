"""Runs that are cut short at drawn moments and gone on with: what was judged stays judged, and no reimage is spent twice."""

from __future__ import annotations

import json
import random
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from trio.testing import MockClock

from cases import test_concurrency, test_deployments, test_instances, test_operations, test_request, test_response
from reimage_conformance.embedding.memory import MemoryConnector, TurnedClock, memory_emulator, memory_target
from reimage_conformance.emulator import LAYOUTS
from reimage_conformance.errors import ReportError
from reimage_conformance.journal import JournalWriter, read_journal
from reimage_conformance.model import Profile
from reimage_conformance.protocol.addresses import UriForm
from reimage_conformance.pytest_plugin.casing import MARKS, case_body
from reimage_conformance.pytest_plugin.run import Run
from reimage_conformance.replay.assessing import assessed
from reimage_conformance.session.cases import Case, Phase
from reimage_conformance.session.earlier import Earlier
from session_runs import plan_in_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from reimage_conformance.emulator import Emulator, Layout
    from reimage_conformance.journal import Journal
    from reimage_conformance.model import Assessment, Target
    from reimage_conformance.wire.streams import Connector

REIMAGES = 6
OPERATION_SECONDS = 8.0
DOWN_SECONDS = (0.0, 3.0, 60.0)
"""How long nobody goes on with a run: not at all, within an operation, and until all are over."""
FUNCTIONS: tuple[Callable[..., Any], ...] = (
    test_deployments.test_what_can_be_observed,
    partial(test_request.test_a_missing_content_type_is_refused, form=UriForm.SLOT),
    test_response.test_an_accepted_reimage_is_answered_202,
    test_operations.test_a_reimage_succeeds_in_time,
    test_instances.test_the_instance_goes_offline_and_comes_back,
    test_instances.test_the_other_instances_stay_as_they_are,
    test_instances.test_a_fresh_operating_system_is_written,
    test_operations.test_every_poll_is_answered_200,
    test_operations.test_the_statuses_go_from_in_progress_to_one_end,
    partial(test_concurrency.test_a_reimage_while_another_runs, which="same"),
    test_response.test_a_poll_needs_no_more_than_a_version,
    test_operations.test_the_end_still_stands_when_the_run_ends,
)


def cases() -> list[Case]:
    """A dozen cases of all phases but those that start reimages of their own."""
    found = []
    for function in FUNCTIONS:
        body = function.func if isinstance(function, partial) else function
        marks = {mark.name: mark.args for mark in getattr(body, "pytestmark", ())}
        phase = next((phase for name, phase in MARKS.items() if name in marks), Phase.BESIDE)
        cited = tuple(map(str, marks.get("verifies", ("REQ-CONC-SAME",))))
        found.append(Case(body.__name__, cited, "", phase, case_body(function, {})))
    return sorted(found, key=lambda case: case.phase)


class World:
    """An emulator that outlives the runs against it; `seconds` is its time."""

    def __init__(self, *oddities: str, layout: Layout | None = None) -> None:
        self.seconds = 0.0
        self.emulator: Emulator = memory_emulator(
            TurnedClock(), oddities=oddities, operation_seconds=OPERATION_SECONDS, layout=layout
        )

    @property
    def reimaged(self) -> int:
        """How many reimages it started."""
        return len(self.emulator.world.operations)


class PartOfRun(Run):
    """A part of a run against an emulator that outlives it; its journal takes so many `lines`, and then the run is as good as killed.

    `until` kills it when it is to take an exchange that holds this text.
    """

    def __init__(self, world: World, folder: Path, lines: int | None, *, resume: bool, until: str = "") -> None:
        self._world, self._lines, self._until = world, lines, until
        changes = {"resume": folder} if resume else {}
        plan = plan_in_memory(
            operation_seconds=OPERATION_SECONDS, profile=Profile.STANDARD, max_reimages=REIMAGES, **changes
        )
        super().__init__(plan, folder)

    def _in_memory(self) -> tuple[Target, Any, Connector, Connector | None]:
        self._time = MockClock(autojump_threshold=0)
        world, began = self._world, self._world.seconds
        self._turned = clock = TurnedClock(lambda: began + (self._time.current_time() if self._time else 0.0))
        world.emulator.state.clock = clock.now
        probe = MemoryConnector(world.emulator, clock, probe=True)
        return memory_target(world.emulator), clock, MemoryConnector(world.emulator, clock), probe

    def _earlier(self, journal: Journal) -> Earlier:
        return Earlier(journal, self._turned.now() - 1000.0)

    def carry_out(self) -> None:
        """Runs until its journal takes no more, or to its end."""
        kills = killing(self._lines, self._until)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(JournalWriter, "_append", kills(JournalWriter._append))
            self.begin(cases())
            if self.session is not None:
                self.session._thread.join(60)
                assert not self.session._thread.is_alive()
        self._world.seconds = self._turned.now() - 1000.0
        if self._lines is None and not self._until:
            self.finish(interrupted=False)
        self._finished = True
        self.close()


def killing(lines: int | None, until: str) -> Callable[[Any], Any]:
    """Has a journal take so many lines, half a line, and nothing from then on."""
    left = [lines]

    def is_met(event: Any) -> bool:
        return bool(until) and event["type"] == "exchange" and until in json.dumps(event, separators=(",", ":"))

    def limited(append: Any) -> Any:
        def write(self: Any, event: Any) -> None:
            if left[0] is None and is_met(event):
                left[0] = 0
            if left[0] is None:
                append(self, event)
                return
            left[0] -= 1
            if left[0] >= 0:
                append(self, event)
                return
            if left[0] == -1:
                with self._path.open("ab") as file:
                    file.write(json.dumps(event, default=str).encode()[:40])
            raise ReportError("killed")

        return write

    return limited


def run_in_parts(folder: Path, *lines: int, down: float = 0.0) -> tuple[Assessment, World]:
    """What a run comes to whose parts are killed after so many lines each, and the world that is left."""
    world = World()
    for number, each in enumerate((*lines, None)):
        PartOfRun(world, folder, each, resume=number > 0).carry_out()
        world.seconds += down
    return assessed(read_journal(folder / "journal.jsonl")), world


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Assessment:
    """A run that nobody disturbed."""
    assessment, world = run_in_parts(tmp_path_factory.mktemp("whole"))
    assert world.reimaged == assessment.reimages == REIMAGES
    return assessment


def lines_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "journal.jsonl").read_text(encoding="ascii").splitlines()]


def moments() -> Iterator[tuple[tuple[int, ...], float]]:
    chance = random.Random(15)  # noqa: S311  no secret
    yield (258, 9), 3000.0  # nobody looked while an instance was away
    for number in range(9):
        parts = tuple(chance.randint(5, 240) for _ in range(1 + number % 2))
        yield parts, DOWN_SECONDS[number % 3]


@pytest.mark.parametrize(("lines", "down"), list(moments()))
def test_a_run_in_parts_comes_to_what_a_whole_one_does(
    tmp_path: Path, whole: Assessment, lines: tuple[int, ...], down: float
) -> None:
    assessment, world = run_in_parts(tmp_path, *lines, down=down)

    assert not assessment.findings
    assert (assessment.verdict, assessment.exit_code) == (whole.verdict, whole.exit_code)
    assert [case.id for case in assessment.cases if case.outcome in ("violated", "error", "inconclusive")] == []
    assert world.reimaged <= assessment.reimages <= REIMAGES
    numbers = [event["number"] for event in lines_of(tmp_path) if event["type"] == "exchange"]
    assert len(numbers) == len(set(numbers))
    sent = [event["label"] for event in lines_of(tmp_path) if event["type"] == "exchange" and _started(event)]
    assert len(sent) == len(set(sent)), "no step of the campaign was accepted twice"


@pytest.mark.parametrize("until", ["The role instance is not ready.", '"label":"step:again"'])
def test_a_refusal_that_may_pass_is_no_final_one_for_a_resumed_run(tmp_path: Path, until: str) -> None:
    world = World("not-running-400", "no-get-deployment", "no-get-cloud-service", layout=LAYOUTS["one-instance"])
    PartOfRun(world, tmp_path, None, resume=False, until=until).carry_out()
    PartOfRun(world, tmp_path, None, resume=True).carry_out()
    assessment = assessed(read_journal(tmp_path / "journal.jsonl"))

    refused, accepted = (
        [(event["label"], event["request"]) for event in lines_of(tmp_path) if _is_step(event, status)]
        for status in (400, 202)
    )
    assert refused
    assert refused[0] in accepted
    assert not assessment.findings


def _is_step(event: dict[str, Any], status: int) -> bool:
    is_step = event["type"] == "exchange" and event["label"].startswith("step:")
    return is_step and event["response"] is not None and event["response"]["status"] == status


def _started(event: dict[str, Any]) -> bool:
    accepted = event["response"] is not None and event["response"]["status"] == 202
    return accepted and event["label"].startswith("step:")


def test_judged_cases_stay_judged_and_the_reports_hold_both_parts(tmp_path: Path) -> None:
    world = World()
    PartOfRun(world, tmp_path, 700, resume=False).carry_out()
    before = lines_of_first_part(tmp_path)
    judged = [event["id"] for event in before if event["type"] == "case-end"]
    PartOfRun(world, tmp_path, None, resume=True).carry_out()

    assert judged
    after = lines_of(tmp_path)
    starts = [event["id"] for event in after if event["type"] == "case-start"]
    assert [name for name in judged if starts.count(name) > 1] == []
    assert after[: len(before)] == before
    journal = read_journal(tmp_path / "journal.jsonl")
    assert journal.complete
    assert not journal.notes, "the line that was cut in half is gone"
    assert {case.id for case in assessed(journal).cases} == {case.id for case in cases()}


@pytest.mark.parametrize("label", ["step:", "contend:same"])
@pytest.mark.parametrize("after", [1, 2, 4, 30])
def test_a_reimage_whose_reply_was_lost_counts_however_soon_the_next_part_is_killed(
    tmp_path: Path, after: int, label: str
) -> None:
    world = World()
    PartOfRun(world, tmp_path, None, resume=False, until=f'"label":"{label}').carry_out()
    lost = world.reimaged
    PartOfRun(world, tmp_path, after, resume=True).carry_out()
    PartOfRun(world, tmp_path, None, resume=True).carry_out()

    assessment = assessed(read_journal(tmp_path / "journal.jsonl"))
    assert lost >= 1
    assert world.reimaged <= assessment.reimages <= REIMAGES
    assert [case.id for case in assessment.cases if case.outcome in ("violated", "error", "inconclusive")] == []


def lines_of_first_part(folder: Path) -> list[dict[str, Any]]:
    """The whole lines of a journal that was cut in the middle of one."""
    lines = (folder / "journal.jsonl").read_text(encoding="ascii").split("\n")
    return [json.loads(line) for line in lines[:-1]]
