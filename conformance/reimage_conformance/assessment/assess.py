"""Assesses a journal: verdicts, outcomes of requirements, findings, operations, and the verdict of the run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from reimage_conformance.assessment.controls import Controls, controlled
from reimage_conformance.assessment.evidence import Evidence
from reimage_conformance.assessment.explaining import attributed
from reimage_conformance.assessment.findings import findings_of
from reimage_conformance.assessment.foreign_locks import ForeignLocks
from reimage_conformance.assessment.fronts import closed_reimages, front_of, without_fronts
from reimage_conformance.assessment.intervals import Intervals
from reimage_conformance.assessment.mistakes import agreed_mistakes, mistakes_of, without_mistakes
from reimage_conformance.assessment.outcomes import NOT_TRIED, UNCITED, case_outcome, results_of
from reimage_conformance.assessment.rejudging import rejudged, world_of
from reimage_conformance.assessment.spontaneous import Weighing
from reimage_conformance.assessment.tries import requests_of_tries, with_tries
from reimage_conformance.journal_shapes import RUN_FIELDS
from reimage_conformance.judging.operations.polls import TERMINAL, status_of
from reimage_conformance.model import (
    Assessment,
    CaseRecord,
    CountsAs,
    OperationRecord,
    Outcome,
    Profile,
    RunInfo,
    RunVerdict,
    Strictness,
    Subject,
    Sufficing,
    Verdict,
    Why,
)
from reimage_conformance.protocol.addresses import Kind, read_target
from reimage_conformance.protocol.documents import without_dashes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reimage_conformance.assessment.fronts import Front
    from reimage_conformance.assessment.mistakes import Mistake
    from reimage_conformance.journal import Journal
    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Exchange, RequirementResult

NO_END = "no end seen"
"""The outcome of an operation whose end no poll showed."""
_MOST_POLLS = 200
"""The record of an operation has at most this many polls, the first ones."""
REQUIRED = "required"
"""The journal event that lists the requirements which the run has to judge."""
SUFFICING = "sufficing"
"""The journal event that says how many reimages would have been enough."""
LEFT_OUT = "left-out"
"""The journal event that says which requirements each option left out: all cases about them were deselected."""
_NOT_JUDGED = (Outcome.INCONCLUSIVE, Outcome.UNTESTED, Outcome.NOT_APPLICABLE)
_NOT_SHOWN = "the capture does not show it"
_CUT_OFF = "the run was cut off before this was judged"
_UNKNOWN_OFFERS = {"deployment": None, "cloud-service": None}
"""The offers of the target, for a run that was cut off before it noted them."""


def assess(journal: Journal, judged: Sequence[Verdict] | None = None) -> Assessment:
    """Everything that the run in a journal concludes.

    `judged` are the verdicts of a run that has just ended; without them the checks are run again on the journal, with
    the same result. What would be inconclusive in a run is untested in a capture: it cannot bring controls of its own
    or repeat a request.
    """
    world, captured = world_of(journal), bool(journal.header.get("capture"))
    obstacles = Obstacles.of(journal, world, captured=captured)
    intervals = Intervals.of(journal.exchanges.values())
    weighed_verdicts = Weighing(intervals).weighed(rejudged(journal) if judged is None else judged, world)
    verdicts = _verdicts(weighed_verdicts, journal, world, obstacles, captured=captured)
    cases = _cases(journal, verdicts)
    results = _results(journal, world, verdicts, cases, captured=captured)
    run, missed = run_of(journal), _missed(journal, results)
    hindered = bool(obstacles.sentence or missed)
    verdict, exit_code = conclude(results, interrupted=run.interrupted, hindered=hindered)
    return Assessment(
        run=run,
        target=dict(journal.header["target"]),
        verdict=verdict,
        exit_code=exit_code,
        requirements=tuple(results),
        findings=tuple(with_tries(findings_of(verdicts, results, journal.exchanges), journal)),
        observations=tuple(journal.observations),
        operations=tuple(_operations(journal)),
        cases=tuple(cases),
        requests=len(journal.exchanges) + requests_of_tries(journal),
        reimages=_reimages(journal),
        notes=journal.notes,
        hindrance=obstacles.sentence if verdict is RunVerdict.INCOMPLETE else "",
        obstacle=obstacles.sentence,
        missed=missed,
        sufficing=_sufficing(journal),
    )


@dataclass(frozen=True, slots=True)
class Obstacles:
    """What kept requests from the service.

    `front` is what answered in place of the service. `closed` is a sentence on why no sound reimage was let through, ""
    where one was. `mistakes` are those of the target file. `sentence` is what the report says of all this, "" where
    nothing is in the way.
    """

    front: Front | None
    closed: str
    mistakes: tuple[Mistake, ...]
    sentence: str

    @classmethod
    def of(cls, journal: Journal, world: World, *, captured: bool) -> Obstacles:
        """The obstacles of a run or a capture.

        A capture has no sentence. It has mistakes only if it was judged with a target file, and only those on which
        its answers agree.
        """
        exchanges = list(journal.exchanges.values())
        front, closed = front_of(world, exchanges), closed_reimages(world, exchanges)
        if captured:
            mistakes = agreed_mistakes(world, exchanges) if journal.header.get("given") else []
            return cls(front, closed, tuple(mistakes), "")
        mistakes = mistakes_of(world, exchanges)
        sentence = front.sentence if front is not None else closed
        return cls(front, closed, tuple(mistakes), sentence or "; ".join(mistake.sentence for mistake in mistakes))


def _verdicts(
    weighed_verdicts: Sequence[Verdict], journal: Journal, world: World, obstacles: Obstacles, *, captured: bool
) -> list[Verdict]:
    """The verdicts as they count.

    A verdict that an obstacle, the lock of something else or a missing control explains is inconclusive. A violation
    names those that explain it.
    """
    exchanges = journal.exchanges
    controls = Controls.of(world, exchanges)
    after_fronts = [without_fronts(each, exchanges, obstacles.front, obstacles.closed) for each in weighed_verdicts]
    after_mistakes = [without_mistakes(verdict, exchanges, obstacles.mistakes) for verdict in after_fronts]
    locks = ForeignLocks.of(world, exchanges.values())
    after_locks = [locks.without_foreign_locks(verdict, exchanges) for verdict in after_mistakes]
    after_controls = [controlled(verdict, exchanges, controls, captured=captured) for verdict in after_locks]
    evidence = Evidence.of(exchanges, controls).with_verdicts(after_controls)
    verdicts = [attributed(verdict, evidence) for verdict in after_controls]
    if not captured:
        return verdicts
    return [replace(v, outcome=Outcome.UNTESTED) if v.outcome is Outcome.INCONCLUSIVE else v for v in verdicts]


def _results(
    journal: Journal, world: World, verdicts: Sequence[Verdict], cases: Sequence[CaseRecord], *, captured: bool
) -> list[RequirementResult]:
    """The outcome of every requirement; the reason of one that was not judged is worded for a run, or for a capture."""
    is_cut = not captured and run_of(journal).interrupted
    offers: Mapping[str, bool | None] = next(
        (event["offers"] for event in reversed(journal.events) if event["type"] == "offers"),
        _UNKNOWN_OFFERS if is_cut else {},
    )
    results = _with_options(journal, results_of(world, verdicts, journal.observations, cases, offers))
    if not captured and not is_cut:
        return results
    reason, why = (_NOT_SHOWN, Why.OTHER) if captured else (_CUT_OFF, Why.CUT_SHORT)
    reasons = (NOT_TRIED, UNCITED) if captured else (NOT_TRIED,)
    return [replace(r, reason=reason, why=why) if r.reason in reasons else r for r in results]


def _with_options(journal: Journal, results: Sequence[RequirementResult]) -> list[RequirementResult]:
    """The results, with the option that left a requirement out as the reason, as the journal says it."""
    event: Mapping[str, Any] = next((event for event in reversed(journal.events) if event["type"] == LEFT_OUT), {})
    by_option = {name: option for option, names in event.get("by_option", {}).items() for name in names}
    return [_by_option(r, by_option.get(r.requirement.id, "")) if r.why is Why.NOT_CHOSEN else r for r in results]


def _by_option(result: RequirementResult, option: str) -> RequirementResult:
    if not option:
        return result
    why = Why.PROFILE if option.startswith("--profile") else Why.NOT_CHOSEN
    return replace(result, reason=f"left out by {option}", why=why)


def _missed(journal: Journal, results: Sequence[RequirementResult]) -> tuple[str, ...]:
    """The requirements that the run had to judge, as its journal says, and that were not judged."""
    required = {name for event in journal.events if event["type"] == REQUIRED for name in event["requirements"]}
    return tuple(r.requirement.id for r in results if r.requirement.id in required and r.outcome in _NOT_JUDGED)


def _sufficing(journal: Journal) -> Sufficing | None:
    """The budget that would have been enough for the last part of the run, as its journal says."""
    found = (Sufficing(e["max_reimages"], e["exact"]) for e in reversed(journal.events) if e["type"] == SUFFICING)
    return next(found, None)


def conclude(
    results: Sequence[RequirementResult], *, interrupted: bool = False, hindered: bool = False
) -> tuple[RunVerdict, int]:
    """The verdict of a run and its exit code.

    `hindered` says that no sound request reached the service, or that a requirement which had to be judged was not.
    """
    failing = [r for r in results if r.counts_as is CountsAs.FAIL]
    outcomes = {result.outcome for result in failing}
    if Outcome.VIOLATED in outcomes:
        return RunVerdict.NONCONFORMANT, 2 if interrupted else 1
    if Outcome.INCONCLUSIVE in outcomes or interrupted or hindered:
        return RunVerdict.INCOMPLETE, 2 if interrupted else 6
    if Outcome.UNTESTED in outcomes:
        return RunVerdict.PARTIAL, 0
    return RunVerdict.CONFORMANT, 0


def run_of(journal: Journal) -> RunInfo:
    """Which run a journal records; raises JournalError where its first line does not say it."""
    journal.require(*RUN_FIELDS)
    header = journal.header
    end: Mapping[str, Any] = next((event for event in reversed(journal.events) if event["type"] == "end"), {})
    last = max((event.get("at", 0.0) for event in journal.events), default=0.0)
    coverage: dict[str, Any] = {}
    for event in journal.events:
        if event["type"] == "coverage":
            coverage[event["what"]] = {key: value for key, value in event.items() if key not in ("type", "at", "what")}
    return RunInfo(
        id=header["id"],
        started=header["started"],
        finished=end.get("finished", ""),
        seed=header["seed"],
        profile=Profile(header["profile"]),
        strictness=Strictness(header["strictness"]),
        interrupted=bool(end.get("interrupted", True)),
        suite_version=header["suite_version"],
        duration_seconds=round(end.get("duration_seconds", last), 3),
        coverage=coverage,
        capture=str(header.get("capture", "")),
        subject=Subject(header.get("subject", Subject.ENDPOINT)),
    )


def _cases(journal: Journal, verdicts: Sequence[Verdict]) -> list[CaseRecord]:
    """All cases of the run, each with the outcome of its verdicts.

    The recorded outcome stays where a case has no verdicts, broke, or does not apply, and where it was left unjudged
    although its verdicts are met.
    """
    by_case: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        by_case.setdefault(verdict.case, []).append(verdict)
    ends = {event["id"]: event for event in journal.cases if event["type"] == "case-end"}
    records: dict[str, CaseRecord] = {}
    for event in journal.cases:
        if event["type"] != "case-start":
            continue
        name = event["id"]
        end = ends.get(
            name, {"outcome": "inconclusive", "detail": "the run ended before the case did", "why": Why.CUT_SHORT}
        )
        own_verdicts = by_case.get(name, [])
        recorded, detail, why = end["outcome"], end.get("detail", ""), Why(end.get("why", ""))
        judged = case_outcome(own_verdicts, event["requirements"])
        stays = ("error", "not-applicable", *(("untested", "inconclusive") if judged is Outcome.MET else ()))
        outcome = recorded if judged is None or recorded in stays else judged.value
        if outcome == Outcome.INCONCLUSIVE and recorded in (Outcome.VIOLATED, Outcome.ADVISORY, Outcome.MET):
            detail, why = next((v.actual, v.why) for v in own_verdicts if v.outcome is judged)
        records[name] = CaseRecord(
            name,
            tuple(event["requirements"]),
            outcome,
            end.get("duration_seconds", 0.0),
            tuple(end.get("evidence", ())),
            event.get("doc", ""),
            detail,
            why,
        )
    return list(records.values())


def _operations(journal: Journal) -> list[OperationRecord]:
    """All operations of the run, each with the statuses that its polls showed."""
    polls: dict[str, list[Exchange]] = {}
    for exchange in journal.exchanges.values():
        address = read_target(exchange.request.resource)
        if address.kind is Kind.OPERATION and exchange.label.startswith("poll"):
            polls.setdefault(without_dashes(address.operation), []).append(exchange)
    records = []
    for event in journal.events:
        if event["type"] != "operation" or event["start"] not in journal.exchanges:
            continue
        start = journal.exchanges[event["start"]]
        own = [p for p in polls.get(without_dashes(event["identifier"]), []) if p.number > start.number]
        records.append(operation_of(event["identifier"], start, own))
    return records


def operation_of(identifier: str, start: Exchange, polls: Sequence[Exchange]) -> OperationRecord:
    """The record of one operation: the reimage that `start` asked for, and its polls."""
    address = read_target(start.request.resource)
    accepted_at = start.at + start.elapsed
    statuses = [
        (max(round(p.at - accepted_at, 3), 0.0), status_of(p) or (str(p.reply.status) if p.reply else "no reply"))
        for p in polls
    ]
    ended = next((status for _, status in statuses if status in TERMINAL), NO_END)
    return OperationRecord(
        id=identifier,
        role_instance=address.instance,
        form=str(address.form or ""),
        accepted_at=round(accepted_at, 3),
        polls=tuple(statuses[:_MOST_POLLS]),
        outcome=ended,
        deployment=address.deployment,
        evidence=(start.number, *(p.number for p in polls[:3])),
    )


def _reimages(journal: Journal) -> int:
    """The number of reimages that the endpoint accepted, without those that failed later because there is no such instance."""
    ends = (event["reimages"] for event in reversed(journal.events) if event["type"] == "end" and "reimages" in event)
    final = next(ends, None)
    return sum(event["type"] == "operation" for event in journal.events) if final is None else final
