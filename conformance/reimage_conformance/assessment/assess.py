"""Assesses a journal: verdicts, outcomes of requirements, findings, operations, and the verdict of the run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reimage_conformance.assessment.findings import findings_of
from reimage_conformance.assessment.intervals import Intervals
from reimage_conformance.assessment.obstacles import Obstacles
from reimage_conformance.assessment.outcomes import NOT_TRIED, UNCITED, case_outcome, results_of
from reimage_conformance.assessment.rejudging import rejudged, world_of
from reimage_conformance.assessment.spontaneous import Weighing
from reimage_conformance.assessment.tries import requests_of_tries, with_tries
from reimage_conformance.assessment.verdict_steps import as_they_count
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

    from reimage_conformance.journal import Journal
    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Exchange, RequirementResult

NO_END_SEEN = "no end seen"
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
"""The outcomes of a requirement that had to be judged and was not; one that was only observed was judged as far as it can be."""
_NOT_SHOWN = "the capture does not show it"
_CUT_OFF = "the run was cut off before this was judged"
_NO_OFFERS: Mapping[str, bool | None] = {}
"""What the target offers where the journal does not say it: an operation that is not named is not offered."""
_UNKNOWN_OFFERS: Mapping[str, bool | None] = {"deployment": None, "cloud-service": None}
"""The same for a run that was cut off before it noted what the target offers: the target may offer either."""


def assess(journal: Journal, made: Sequence[Verdict] | None = None) -> Assessment:
    """Everything that the run in a journal concludes.

    `made` are the verdicts that a run has just made; without them the checks are run again on the journal, with
    the same result. What would be inconclusive in a run is untested in a capture: nobody can add a request to it that
    was missing as a control (`reimage_conformance.assessment.controls`), or repeat one.
    """
    world, captured = world_of(journal), bool(journal.header.get("capture"))
    obstacles = Obstacles.of(journal, world, captured=captured)
    intervals = Intervals.of(journal.exchanges.values())
    weighed_verdicts = Weighing(intervals).weighed(rejudged(journal) if made is None else made, world)
    verdicts = as_they_count(weighed_verdicts, journal, world, obstacles, captured=captured)
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
        # The hindrance is the obstacle, but only where the run is incomplete.
        hindrance=obstacles.sentence if verdict is RunVerdict.INCOMPLETE else "",
        obstacle=obstacles.sentence,
        missed=missed,
        sufficing=_sufficing(journal),
    )


def _results(
    journal: Journal, world: World, verdicts: Sequence[Verdict], cases: Sequence[CaseRecord], *, captured: bool
) -> list[RequirementResult]:
    """The outcome of every requirement.

    In a capture, and in a run that was cut off, the reasons that are worded for a whole run are replaced: that no case is about a
    requirement (`NOT_TRIED`), and in a capture that none judges it yet (`UNCITED`).
    """
    is_cut = not captured and run_of(journal).interrupted
    offers: Mapping[str, bool | None] = next(
        (event["offers"] for event in reversed(journal.events) if event["type"] == "offers"),
        _UNKNOWN_OFFERS if is_cut else _NO_OFFERS,
    )
    results = _with_options(journal, results_of(world, verdicts, journal.observations, cases, offers))
    if not captured and not is_cut:
        return results
    reason, why = (_NOT_SHOWN, Why.OTHER) if captured else (_CUT_OFF, Why.CUT_SHORT)
    reasons = (NOT_TRIED, UNCITED) if captured else (NOT_TRIED,)
    return [replace(r, reason=reason, why=why) if r.reason in reasons else r for r in results]


def _with_options(journal: Journal, results: Sequence[RequirementResult]) -> list[RequirementResult]:
    """The results. Where the journal says which option left a requirement out, that is its reason."""
    event: Mapping[str, Any] = next((event for event in reversed(journal.events) if event["type"] == LEFT_OUT), {})
    options = {name: option for option, names in event.get("by_option", {}).items() for name in names}
    return [_left_out_by(options.get(r.requirement.id, ""), r) if r.why is Why.NOT_CHOSEN else r for r in results]


def _left_out_by(option: str, result: RequirementResult) -> RequirementResult:
    """`result` with `option` as its reason; unchanged where `option` is ""."""
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

    `hindered` says that something kept requests from the service (`Obstacles`), or that a requirement which had to be
    judged was not.
    """
    gating = [result for result in results if result.counts_as is CountsAs.FAIL]
    outcomes = {result.outcome for result in gating}
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
    although its verdicts are met. Where a case was judged in the run, and the assessment makes it inconclusive, it takes
    the reason of the first of its verdicts that are inconclusive.
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
        by_verdicts = case_outcome(own_verdicts, event["requirements"])
        stays = ("error", "not-applicable", *(("untested", "inconclusive") if by_verdicts is Outcome.MET else ()))
        outcome = recorded if by_verdicts is None or recorded in stays else by_verdicts.value
        was_judged = recorded in (Outcome.VIOLATED, Outcome.ADVISORY, Outcome.MET)
        if was_judged and outcome == Outcome.INCONCLUSIVE:
            detail, why = next((v.actual, v.why) for v in own_verdicts if v.outcome is by_verdicts)
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
    """All operations of the run, each with the statuses that its polls showed.

    The label of a poll begins with "poll"; other requests to an operation have other labels. A poll under another
    subscription counts too.
    """
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
    # Each poll by its time, and the Status that it showed; without one, the HTTP status of its reply, or "no reply".
    shown_by_polls = [
        (max(round(p.at - accepted_at, 3), 0.0), status_of(p) or (str(p.reply.status) if p.reply else "no reply"))
        for p in polls
    ]
    outcome = next((shown for _, shown in shown_by_polls if shown in TERMINAL), NO_END_SEEN)
    return OperationRecord(
        id=identifier,
        role_instance=address.instance,
        form=str(address.form or ""),
        accepted_at=round(accepted_at, 3),
        polls=tuple(shown_by_polls[:_MOST_POLLS]),
        outcome=outcome,
        deployment=address.deployment,
        evidence=(start.number, *(p.number for p in polls[:3])),
    )


def _reimages(journal: Journal) -> int:
    """The number of reimages that the endpoint accepted.

    Those that failed later because there is no such instance are left out, except where the run was cut off.
    """
    ends = (event["reimages"] for event in reversed(journal.events) if event["type"] == "end" and "reimages" in event)
    final = next(ends, None)
    return sum(event["type"] == "operation" for event in journal.events) if final is None else final
