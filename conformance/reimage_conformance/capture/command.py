"""The command `check`: a capture becomes a journal of judgements, from which reports are made as from any other."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from reimage_conformance import __version__
from reimage_conformance.assessment.mistakes import agreed_mistakes
from reimage_conformance.capture.accounting import unjudged_notes, unrecorded_notes
from reimage_conformance.capture.observations import message_plans, observation_plans
from reimage_conformance.capture.operations import accepted_plans, poll_plans
from reimage_conformance.capture.reading import read_capture
from reimage_conformance.capture.recorded import RecordedTraffic, folds_slots
from reimage_conformance.capture.refusals import refusal_plans, wrong_refusal_plans
from reimage_conformance.capture.selection import redirect_pairs, select
from reimage_conformance.config import target_from_mapping, target_to_mapping
from reimage_conformance.errors import UsageError
from reimage_conformance.journal import JournalWriter, read_journal
from reimage_conformance.judging.registry import judge
from reimage_conformance.judging.world import World
from reimage_conformance.model import Subject, deployment_key
from reimage_conformance.outputs import JOURNAL
from reimage_conformance.protocol.addresses import Kind, read_target
from reimage_conformance.protocol.deployments import deployment_elements, instance_elements, member
from reimage_conformance.redaction.redactor import Redactor
from reimage_conformance.replay.assessing import assessed
from reimage_conformance.replay.regenerate import report_on
from reimage_conformance.report.console import console_lines, quiet_lines
from reimage_conformance.session.recorder import CaseLog, Recorder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reimage_conformance.capture.recorded import Plan
    from reimage_conformance.capture.selection import Selection
    from reimage_conformance.capture.traffic import Capture, Recorded
    from reimage_conformance.model import Exchange, Strictness, Target, Verdict

PLANNERS = (accepted_plans, refusal_plans, wrong_refusal_plans, poll_plans, observation_plans)
"""Each gives the cases that judge calls of one kind."""


class StoppedClock:
    """A clock that stands still, since a capture has its own times."""

    def now(self) -> float:
        """Always the same moment."""
        return 0.0

    def sleep(self, seconds: float) -> None:
        """Return at once."""


def check_capture(
    file: Path,
    *,
    target: Target | None = None,
    report_dir: Path | None = None,
    strictness: Strictness | None = None,
    redact: bool = True,
    subject: Subject = Subject.ENDPOINT,
    quiet: bool = False,
) -> int:
    """Judge the capture in `file`, write reports into `report_dir` if one is given, and return the exit code.

    `subject` says whether the endpoint is judged or the client.
    """
    if report_dir is not None and (report_dir / JOURNAL).resolve() == file.resolve():
        raise UsageError(f"{file}: would be overwritten by the reports; choose another --report-dir")
    capture = read_capture(file)
    selection = select(capture, target, subject)
    chosen = (
        strictness or (target.strictness if target is not None else capture.strictness) or selection.target.strictness
    )
    with nullcontext(report_dir) if report_dir is not None else TemporaryDirectory() as folder:
        path = Path(folder) / JOURNAL
        write_journal(capture, selection, chosen, path, redact=redact, subject=subject)
        journal = read_journal(path)
        assessment = report_on(journal, Path(folder)) if report_dir is not None else assessed(journal)
    lines_of = quiet_lines if quiet else console_lines
    for line in lines_of(assessment, report_dir / "report.html" if report_dir is not None else None):
        click.echo(line)
    return assessment.exit_code


def write_journal(
    capture: Capture,
    selection: Selection,
    strictness: Strictness,
    path: Path,
    *,
    redact: bool = True,
    subject: Subject = Subject.ENDPOINT,
) -> None:
    """Write the journal of a run that would have sent the selected exchanges and judged what they show.

    The journal of a client holds its exchanges alone: it is judged when it is read.
    """
    redactor = _redactor(capture, selection, redact=redact)
    target = redactor.target_description(target_to_mapping(replace(selection.target, strictness=strictness)))
    with JournalWriter(path, StoppedClock()) as journal:
        journal.write("run", **_header(capture, strictness, target, given=selection.given), subject=subject.value)
        for note in selection.notes:
            journal.write("note", text=note)
        recorder = Recorder(journal, redactor, World(target_from_mapping(target), strictness))
        for each in selection.recorded:
            redactor.learn(each.exchange)
        recorded = [
            replace(each, exchange=recorder.record(replace(_labelled(each), number=number)))
            for number, each in enumerate(selection.recorded, start=1)
        ]
        of_client = subject is Subject.CLIENT
        counts = {} if of_client else {"reimages": _judge_all(recorder, recorded, selection)}
        journal.write(
            "end",
            finished=capture.finished or capture.started,
            interrupted=False,
            duration_seconds=round(max(capture.lasted, capture.seconds), 3) if of_client else capture.seconds,
            **counts,
        )


def _judge_all(recorder: Recorder, recorded: list[Recorded], selection: Selection) -> int:
    """Judge the endpoint by everything that was recorded; give the number of operations that it accepted."""
    exchanges = [each.exchange for each in recorded]
    listed, folds = _listed(exchanges), folds_slots(exchanges)
    recorder.world = replace(recorder.world, listed=listed, folds_slots=folds, memory={})
    recorder.note("listed", listed={name: list(names) for name, names in listed.items()}, folds_slots=folds)
    traffic = RecordedTraffic(recorder.world, recorded, given=selection.given, whole=selection.whole)
    plans = [plan for planner in PLANNERS for plan in planner(traffic)]
    operations = sum(_judge(recorder, plan) for plan in (*plans, *message_plans(traffic)))
    judged = {exchange.number for plan in plans for made in plan.judgements for exchange in made.exchanges}
    followed = {moved.entry for moved, _ in redirect_pairs(selection.recorded)}
    mistakes = agreed_mistakes(recorder.world, exchanges) if selection.given else []
    stale = [f"The target file seems to be out of date: {mistake.sentence}." for mistake in mistakes]
    for note in (*stale, *unjudged_notes(traffic, judged, followed), *unrecorded_notes(traffic)):
        recorder.note("note", text=note)
    recorder.note("offers", offers=_offers(traffic))
    return operations


def _judge(recorder: Recorder, plan: Plan) -> bool:
    """Make the judgements of `plan` as a case, if there are any; return whether it is about an operation."""
    verdicts = [
        v for made in plan.judgements for v in judge(recorder.world, made.check, made.exchanges, **made.arguments)
    ]
    requirements = tuple(dict.fromkeys(verdict.requirement for verdict in (*verdicts, *plan.verdicts)))
    if not requirements:
        return False
    log = CaseLog(plan.id)
    recorder.enter(log)
    recorder.open_case(log, requirements, plan.doc)
    if plan.operation:
        recorder.note(
            "operation", start=plan.judgements[0].exchanges[0].number, identifier=plan.operation, place="", form=""
        )
    for made in plan.judgements:
        recorder.judge(made.check, made.exchanges, **made.arguments)
    recorder.keep(plan.verdicts)
    recorder.close_case(log, "met", 0.0, _detail((*verdicts, *plan.verdicts)))
    return bool(plan.operation)


def _detail(verdicts: tuple[Verdict, ...]) -> str:
    """The text of the first verdict of a case that is not met."""
    return next((verdict.actual for verdict in verdicts if verdict.outcome != "met"), "")


def _header(capture: Capture, strictness: Strictness, target: dict[str, Any], *, given: bool) -> dict[str, Any]:
    """The first line of the journal; the same capture gives the same line.

    `given` says that the target was not inferred.
    """
    return {
        "id": capture.digest,
        "capture": capture.name,
        "given": given,
        "started": capture.started,
        "seed": 0,
        "profile": "standard",
        "strictness": strictness.value,
        "suite_version": __version__,
        "target": target,
        **({"faults": list(capture.faults)} if capture.faults else {}),
    }


def _redactor(capture: Capture, selection: Selection, *, redact: bool) -> Redactor:
    """The redactor of the target, which also masks every other subscription in the calls.

    Where the capture is a journal, its ids stay as its run wrote them, since they may be masks.
    """
    redactor = Redactor.for_target(selection.target, enabled=redact)
    if not redactor.enabled:
        return redactor
    if capture.target is not None:
        return Redactor({}, never_secret=redactor.never_secret, names=redactor.names)
    named = dict.fromkeys(read_target(each.exchange.request.target).subscription for each in selection.recorded)
    secrets = {**redactor.secrets, **{f"subscription {number}": value for number, value in enumerate(named)}}
    return Redactor(secrets, never_secret=redactor.never_secret, names=redactor.names)


def _labelled(recorded: Recorded) -> Exchange:
    """The exchange with a label that names its entry in the capture."""
    is_poll = read_target(recorded.exchange.request.target).kind is Kind.OPERATION
    return replace(recorded.exchange, label=f"{'poll, ' if is_poll else ''}entry {recorded.entry}")


def _listed(exchanges: list[Exchange]) -> dict[str, tuple[str, ...]]:
    """The instances that answers listed, by the key of their deployment."""
    found: dict[str, dict[str, None]] = {}
    for exchange in exchanges:
        for element in deployment_elements(exchange):
            names = dict.fromkeys(member(node, "InstanceName") for node in instance_elements(element))
            if name := member(element, "Name"):
                found.setdefault(deployment_key(read_target(exchange.request.target).service, name), {}).update(names)
    return {key: tuple(instances) for key, instances in found.items()}


def _offers(traffic: RecordedTraffic) -> dict[str, bool]:
    """Which of the optional calls the endpoint was seen to answer."""
    return {
        "deployment": any(_answered(traffic, Kind.DEPLOYMENT)),
        "cloud-service": any(_answered(traffic, Kind.CLOUD_SERVICE)),
    }


def _answered(traffic: RecordedTraffic, kind: Kind) -> Iterator[bool]:
    return (each.exchange.reply is not None and each.exchange.reply.status == 200 for each in traffic.of_kind(kind))
