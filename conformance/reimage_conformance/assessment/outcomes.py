"""Outcomes: what the verdicts of a run say about each requirement."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reimage_conformance.assessment.findings import fingerprint_of
from reimage_conformance.catalogue import CATALOGUE
from reimage_conformance.headlines import headline_of
from reimage_conformance.model import CountsAs, Outcome, RequirementResult, Verdict, Why

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reimage_conformance.judging.world import World
    from reimage_conformance.model import CaseRecord, Observation, Requirement


NOT_TRIED = "no case of the run is about it"
"""Why a requirement is untested if no case of the run was about it, and the journal does not say which option left them out."""
UNCITED = "no case judges it yet; it is recorded where a run happens to show it"
"""Why a requirement is untested that no case cites."""
UNSHOWN = "no answer of this run shows whether the requirement is met"
"""Why a requirement is untested although a case of the run was about it."""
_RANK = (Outcome.VIOLATED, Outcome.ADVISORY, Outcome.MET, Outcome.INCONCLUSIVE, Outcome.OBSERVED, Outcome.UNTESTED)
"""The outcomes of verdicts; the first one among the verdicts on a requirement is its outcome."""
_CASE_RANK = (
    Outcome.VIOLATED,
    Outcome.ADVISORY,
    Outcome.INCONCLUSIVE,
    Outcome.UNTESTED,
    Outcome.MET,
    Outcome.OBSERVED,
)
"""The same for the outcome of a case."""


def case_outcome(verdicts: Sequence[Verdict], cited: Sequence[str]) -> Outcome | None:
    """The outcome of a case by its verdicts: the gravest one; None where there are none.

    An inconclusive verdict does not count if its requirement was also met in the case, or if the case does not cite
    its requirement, unless there is nothing else.
    """
    met = {verdict.requirement for verdict in verdicts if verdict.outcome is Outcome.MET}
    counted = [
        verdict
        for verdict in verdicts
        if verdict.outcome is not Outcome.INCONCLUSIVE
        or (verdict.requirement in cited and verdict.requirement not in met)
    ]
    found = {_seen_by_case(verdict) for verdict in counted or verdicts}
    return next((outcome for outcome in _CASE_RANK if outcome in found), None)


def _seen_by_case(verdict: Verdict) -> Outcome:
    """The outcome of a verdict as its case counts it.

    Where the request that decides the requirement was not sent (`short_of`), the verdict is untested, but what the case
    itself sent met the requirement.
    """
    return Outcome.MET if verdict.outcome is Outcome.UNTESTED and "short_of" in verdict.arguments else verdict.outcome


def _why_not_applicable(requirement: Requirement, world: World, offers: Mapping[str, bool | None]) -> str:
    """Why a requirement does not apply to the target, or ""; an endpoint that never answered may offer anything."""
    match requirement.area:
        case "auth" if not world.target.is_https:
            return "the target is not reached over https"
        case "observation" if requirement.id == "REQ-OBS-OPTIONAL":
            return ""
        case "observation" if requirement.id == "REQ-PROPS-URI" and offers.get("cloud-service", False) is False:
            return "the target does not offer Get Cloud Service Properties"
        case "observation" if requirement.id != "REQ-PROPS-URI" and offers.get("deployment", False) is False:
            return "the target does not offer Get Deployment"
        case "probe" if world.target.probe_url is None:
            return "the target has no probe"
        case _:
            return ""


def results_of(
    world: World,
    verdicts: Sequence[Verdict],
    observations: Sequence[Observation],
    cases: Sequence[CaseRecord],
    offers: Mapping[str, bool | None],
    catalogue: Mapping[str, Requirement] = CATALOGUE,
) -> list[RequirementResult]:
    """The outcome of every requirement of `catalogue`, in its order."""
    by_requirement: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        by_requirement.setdefault(verdict.requirement, []).append(verdict)
    seen: dict[str, list[Observation]] = {}
    for observation in observations:
        seen.setdefault(observation.requirement, []).append(observation)
    citing: dict[str, list[CaseRecord]] = {}
    for case in cases:
        for name in case.requirements:
            citing.setdefault(name, []).append(case)
    results = []
    for requirement in catalogue.values():
        name = requirement.id
        absent = _why_not_applicable(requirement, world, offers)
        own = by_requirement.get(name, []), seen.get(name, []), citing.get(name, [])
        results.append(_result(requirement, world, *own, absent))
    return results


def _deciding(name: str, cases: list[CaseRecord]) -> list[CaseRecord]:
    """The cases that decide the outcome of a requirement without verdicts.

    Where every case about this requirement alone says that the target does not offer it, the others do not count: a
    case that cites several requirements judges only those that the target offers.
    """
    alone = [case for case in cases if case.requirements == (name,)]
    is_absent = bool(alone) and all(case.outcome == Outcome.NOT_APPLICABLE for case in alone)
    return alone if is_absent else cases


_CASE_WEIGHTS = ("error", "inconclusive", "untested", "not-applicable", "inconclusive about others")
"""The cases that may decide a requirement without verdicts: the first of them that a run has does."""


def _weight(case: CaseRecord) -> str:
    """Which of `_CASE_WEIGHTS` a case is; one that is inconclusive without a reason of its own has verdicts on other requirements."""
    is_about_others = case.outcome == Outcome.INCONCLUSIVE and not case.detail
    return "inconclusive about others" if is_about_others else str(case.outcome)


def _result(
    requirement: Requirement,
    world: World,
    verdicts: list[Verdict],
    observations: list[Observation],
    cases: list[CaseRecord],
    absent: str,
) -> RequirementResult:
    """The outcome of one requirement; `absent` says why it does not apply to the target, "" where it does."""
    counts = requirement.counts_as(world.strictness)
    judging = tuple(dict.fromkeys([v.case for v in verdicts if v.case] + [case.id for case in cases]))

    def result(
        outcome: Outcome, reason: str, evidence: tuple[int, ...] = (), why: Why = Why.OTHER
    ) -> RequirementResult:
        fingerprints = dict.fromkeys(
            fingerprint_of(requirement.id, v.symptom) for v in verdicts if v.outcome is Outcome.VIOLATED
        )
        return RequirementResult(requirement, counts, outcome, judging, reason, evidence, tuple(fingerprints), why=why)

    if counts in (CountsAs.INFO, CountsAs.CLIENT):
        recorded = [o.seen for o in observations] + [
            v.actual for v in verdicts if v.outcome is not Outcome.INCONCLUSIVE and v.actual
        ]
        if recorded:
            evidence = tuple(n for o in observations for n in o.evidence)
            return result(Outcome.OBSERVED, "; ".join(dict.fromkeys(recorded))[:400], evidence)
    if absent:
        return result(Outcome.NOT_APPLICABLE, absent)
    if verdicts and counts in (CountsAs.FAIL, CountsAs.WARN):
        worst = min((v.outcome for v in verdicts), key=_RANK.index)
        deciding = [v for v in verdicts if v.outcome is worst]
        reason = "" if worst is Outcome.MET else deciding[0].actual
        found = result(worst, reason, deciding[0].evidence, deciding[0].why)
        is_bad = worst in (Outcome.VIOLATED, Outcome.ADVISORY)
        return replace(found, headline=headline_of(deciding[0])) if is_bad else found
    deciding_cases = {_weight(case): case for case in reversed(_deciding(requirement.id, cases))}
    for weight in _CASE_WEIGHTS:
        if weight in deciding_cases:
            case = deciding_cases[weight]
            outcome = Outcome.INCONCLUSIVE if case.outcome == "error" else Outcome(case.outcome)
            return result(outcome, case.detail or UNSHOWN, why=case.why)
    if requirement.untestable:
        return result(Outcome.NOT_APPLICABLE, requirement.untestable)
    reason = UNSHOWN if cases else UNCITED if requirement.uncited else NOT_TRIED
    return result(Outcome.UNTESTED, reason, why=Why.NOT_CHOSEN if reason == NOT_TRIED else Why.OTHER)
