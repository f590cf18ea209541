"""Runs one collected session again and again, each time in a forked process against another emulator in memory.

Collecting the cases takes as long as judging an emulator, so it is done once; the emulators run on clocks of their own.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import shutil
import signal
import sys
import tempfile
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reimage_conformance.detection.ordering import order_tasks
from reimage_conformance.detection.shapes import LARGE_WORLD, Shape
from reimage_conformance.model import Outcome, Strictness

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reimage_conformance.model import Assessment
    from reimage_conformance.pytest_plugin.options import Plan


LONGEST_CPU_SECONDS = 120
"""A child that uses more CPU time is ended: it is in an endless loop."""
LONGEST_SECONDS = 1200
"""A child that takes longer is ended: even on a busy machine, it must be waiting for something that does not come."""
UNJUDGED = (Outcome.UNTESTED, Outcome.INCONCLUSIVE, Outcome.NOT_APPLICABLE)
"""The outcomes of requirements that were not judged."""


@dataclass(frozen=True, slots=True)
class JudgedEmulator:
    """An emulator to judge: its faults and oddities, and the shape of its target.

    `strictness` is that of the run, `connections` the number of its connections, `tries` how often the run tries to see a violation, the
    first time included. `order` is the seed of the order in which ready tasks run; None stands for a seed that follows from the name.
    """

    name: str
    faults: tuple[str, ...] = ()
    oddities: tuple[str, ...] = ()
    strictness: str = "strict"
    seed: int = 0
    shape: Shape = LARGE_WORLD
    connections: int | None = None
    tries: int = 1
    order: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What a run concluded about a subject.

    `seen` holds what was seen (`actual`) for each finding; `unjudged` gives the reason for each requirement that was not judged. `wiped`
    counts the reimages that the emulator has accepted, whatever became of them. `unlisted` names the instances of those that the target
    file does not list. `messages` holds (requirement, headline, expected, actual) of each finding.
    """

    subject: JudgedEmulator
    verdict: str = ""
    exit_code: int = -1
    outcomes: dict[str, str] = field(default_factory=dict)
    findings: tuple[str, ...] = ()
    also_affected: dict[str, list[str]] = field(default_factory=dict)
    cases: dict[str, list[str]] = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=dict)
    unjudged: dict[str, str] = field(default_factory=dict)
    requests: int = 0
    reimages: int = 0
    wiped: int = 0
    unlisted: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    messages: tuple[tuple[str, str, str, str], ...] = ()

    @property
    def accused(self) -> set[str]:
        """The requirements that are violated or advised about."""
        return {name for name, outcome in self.outcomes.items() if outcome in (Outcome.VIOLATED, Outcome.ADVISORY)}


def summarised(assessment: Assessment) -> dict[str, Any]:
    """The fields of `Found` that an assessment gives, as plain JSON for `_read`."""
    return {
        "verdict": assessment.verdict.value,
        "exit_code": assessment.exit_code,
        "outcomes": {r.requirement.id: r.outcome.value for r in assessment.requirements},
        "findings": [finding.requirement for finding in assessment.findings],
        "also_affected": {finding.requirement: list(finding.also_affected) for finding in assessment.findings},
        "cases": {finding.requirement: list(finding.cases) for finding in assessment.findings},
        "seen": {finding.requirement: finding.actual for finding in assessment.findings},
        "messages": [[f.requirement, f.headline, f.expected, f.actual] for f in assessment.findings],
        "unjudged": {r.requirement.id: r.reason for r in assessment.requirements if r.outcome in UNJUDGED},
        "requests": assessment.requests,
        "reimages": assessment.reimages,
        "errors": [f"{case.id}: {case.detail}" for case in assessment.cases if case.outcome == "error"],
    }


class ForkingLoop:
    """A pytest plugin that replaces the run of the session by one forked run for each subject."""

    def __init__(
        self,
        subjects: Sequence[JudgedEmulator],
        on_found: Callable[[Found], None],
        processes: int,
        journals: Path | None = None,
    ) -> None:
        self._subjects, self._on_found, self._processes = list(subjects), on_found, processes
        self._journals = journals

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Forks a child for each subject, `processes` at a time, and reads what each concluded."""
        gc.collect()
        gc.freeze()  # the memory of the parent's objects stays shared with its children
        with tempfile.TemporaryDirectory() as folder:
            running: dict[int, tuple[JudgedEmulator, Path]] = {}
            waiting, numbers = list(self._subjects), count()
            while waiting or running:
                while waiting and len(running) < self._processes:
                    subject = waiting.pop(0)
                    path = Path(folder) / f"{next(numbers)}.json"
                    running[self._fork(session, subject, path)] = (subject, path)
                child, _ = os.wait()
                if child in running:
                    subject, path = running.pop(child)
                    self._on_found(_read(subject, path))
        return True

    def _fork(self, session: pytest.Session, subject: JudgedEmulator, path: Path) -> int:
        """A child that judges `subject` and writes what it found to `path`; its process id."""
        sys.stdout.flush()
        child = os.fork()
        if child:
            return child
        status = 1
        signal.alarm(LONGEST_SECONDS)
        signal.setitimer(signal.ITIMER_PROF, LONGEST_CPU_SECONDS)
        try:
            with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
                os.dup2(nowhere.fileno(), 1)
                os.dup2(nowhere.fileno(), 2)
            path.write_text(json.dumps(_judge(session, subject, self._journals)), encoding="utf-8")
            status = 0
        except BaseException as error:  # noqa: BLE001  a child reports whatever stopped it
            path.write_text(json.dumps({"errors": [f"{type(error).__name__}: {error}"]}), encoding="utf-8")
        finally:
            os._exit(status)


def journal_of(subject: JudgedEmulator, journals: Path) -> Path:
    """Where in the folder `journals` the journal of a subject is kept."""
    return journals / f"{subject.name}.jsonl"


def _plan_for(plan: Plan, subject: JudgedEmulator) -> Plan:
    """`plan` for a run in memory against the emulator of `subject`."""
    return replace(
        plan,
        faults=subject.faults,
        oddities=(*subject.shape.oddities, *subject.oddities),
        world=subject.shape.layout,
        listed=subject.shape.listed,
        probe=subject.shape.probe,
        max_reimages=subject.shape.max_reimages,
        strictness=Strictness(subject.strictness),
        seed=subject.seed,
        connections=subject.connections,
        tries=subject.tries,
        in_memory=True,
        target=None,
    )


def _judge(session: pytest.Session, subject: JudgedEmulator, journals: Path | None) -> dict[str, Any]:
    """Runs the collected cases against an emulator of its own, in this process; the journal goes to the folder `journals`."""
    from reimage_conformance.pytest_plugin.casing import cases_of  # noqa: PLC0415
    from reimage_conformance.pytest_plugin.run import Run  # noqa: PLC0415
    from reimage_conformance.pytest_plugin.stash import FOLDER, PLAN, RUN  # noqa: PLC0415
    from reimage_conformance.replay.assessing import assessed  # noqa: PLC0415

    order_tasks(subject.name if subject.order is None else subject.order)
    config = session.config
    plan = _plan_for(config.stash[PLAN], subject)
    run_of_parent = config.stash[
        RUN
    ]  # kept referenced until the end, since its temporary folder goes with the last reference
    config.stash[PLAN], config.stash[FOLDER] = plan, None
    run = config.stash[RUN] = Run(plan, None)
    run.begin(cases_of(session.items))
    for index, item in enumerate(session.items):
        following = session.items[index + 1] if index + 1 < len(session.items) else None
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
    run.finish(interrupted=False)
    if journals is not None:
        shutil.copy(run.journal_path, journal_of(subject, journals))
    from reimage_conformance.journal import read_journal  # noqa: PLC0415

    verdicts = run.sut.recorder.made  # as the cases made them; `assessed` weighs them
    found = summarised(assessed(read_journal(run.journal_path), verdicts))
    listed = {(d.cloud_service, d.name, name) for d in run.target.deployments for name in d.listed_instances}
    found["wiped"] = len(run.reimaged())
    found["unlisted"] = sorted("/".join(place) for place in run.reimaged() if place not in listed)
    del run_of_parent
    return found


def _read(subject: JudgedEmulator, path: Path) -> Found:
    """What a child found, read from the file that it wrote."""
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        plain = {"errors": [f"the child left nothing: {error}"]}
    lists = {name: tuple(plain.get(name, ())) for name in ("findings", "errors", "unlisted")}
    lists["messages"] = tuple(tuple(each) for each in plain.get("messages", ()))
    return Found(subject, **plain | lists)


def judge_each(
    subjects: Sequence[JudgedEmulator],
    *,
    profile: str = "standard",
    processes: int = 2,
    on_found: Callable[[Found], None] | None = None,
    selection: str = "",
    journals: Path | None = None,
) -> list[Found]:
    """Judges every subject in memory, `processes` at a time, in no particular order; `on_found` is called with each as it is done.

    `selection` chooses cases as pytest's -k does. The journal of each is kept in the folder `journals` (`journal_of`).
    """
    from reimage_conformance.commands.case_files import cases_folder  # noqa: PLC0415
    from reimage_conformance.commands.pytest_session import isolated_pytest, plugin_words  # noqa: PLC0415

    found: list[Found] = []
    stdout = sys.stdout

    def keep(each: Found) -> None:
        found.append(each)
        if on_found is not None:
            with contextlib.redirect_stdout(stdout):  # what pytest prints is thrown away, what `on_found` prints is not
                on_found(each)

    folder = cases_folder()
    words = [str(folder), f"--rootdir={folder.parent}", "--in-memory", "--profile", profile, "-qq", "--no-header"]
    words += [*plugin_words(), "-p", "no:cacheprovider", "-o", "addopts=", "--seed=0"]
    words += ["-k", selection] if selection else []
    with contextlib.redirect_stdout(io.StringIO()), isolated_pytest(os.environ):
        pytest.main(words, plugins=[ForkingLoop(subjects, keep, processes, journals)])
    return found
