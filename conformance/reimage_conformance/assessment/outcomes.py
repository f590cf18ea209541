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
"""The outcome of a requirement is the first of these that one of its verdicts has."""
_CASE_RANK = (
    Outcome.VIOLATED,
    Outcome.ADVISORY,
    Outcome.INCONCLUSIVE,
    Outcome.UNTESTED,
    Outcome.MET,
    Outcome.OBSERVED,
)
"""The same for the outcome of a case."""
_MOST_CHARACTERS = 400
"""What was recorded about a requirement that is not judged is cut to this length."""


def case_outcome(verdicts: Sequence[Verdict], cited: Sequence[str]) -> Outcome | None:
    """The outcome of a case, the gravest of those of its verdicts (`_CASE_RANK`); None where it has no verdicts.

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
        why_not_applicable = _why_not_applicable(requirement, world, offers)
        own = by_requirement.get(name, []), seen.get(name, []), citing.get(name, [])
        results.append(_result(requirement, world, *own, why_not_applicable))
    return results


def _deciding_cases(name: str, cases: list[CaseRecord]) -> list[CaseRecord]:
    """The cases that may decide the outcome of a requirement without verdicts.

    Where every case about this requirement alone says that the target does not offer it, the others do not count: a
    case that cites several requirements judges only those that the target offers.
    """
    alone = [case for case in cases if case.requirements == (name,)]
    is_not_offered = bool(alone) and all(case.outcome == Outcome.NOT_APPLICABLE for case in alone)
    return alone if is_not_offered else cases


_CASE_KINDS = ("error", "inconclusive", "untested", "not-applicable", "inconclusive about others")
"""A requirement without verdicts is decided by a case of the first of these kinds that the run has."""


def _kind_of_case(case: CaseRecord) -> str:
    """The kind of a case, as in `_CASE_KINDS`; one that is inconclusive without a reason of its own has verdicts on other requirements."""
    is_about_others = case.outcome == Outcome.INCONCLUSIVE and not case.detail
    return "inconclusive about others" if is_about_others else str(case.outcome)


def _result(
    requirement: Requirement,
    world: World,
    verdicts: list[Verdict],
    observations: list[Observation],
    cases: list[CaseRecord],
    why_not_applicable: str,
) -> RequirementResult:
    """The outcome of one requirement; `why_not_applicable` is "" where it applies to the target.

    The first of these that fits counts:
    1. Observed, if it counts as INFO or CLIENT and something was recorded about it.
    2. Not applicable, if it does not apply to the target.
    3. The gravest outcome of its verdicts (`_RANK`), if it has verdicts and counts as FAIL or WARN. Reason, evidence and headline are those of the
       first verdict with this outcome; a finding may show another one, as an example that is simple to repeat (`findings._deciding`).
    4. The outcome of a case of the first of `_CASE_KINDS` that there is.
    5. Not applicable, if no case can judge it.
    6. Untested.
    """
    counts = requirement.counts_as(world.strictness)
    case_ids = tuple(dict.fromkeys([v.case for v in verdicts if v.case] + [case.id for case in cases]))

    def result(
        outcome: Outcome, reason: str, evidence: tuple[int, ...] = (), why: Why = Why.OTHER
    ) -> RequirementResult:
        fingerprints = dict.fromkeys(
            fingerprint_of(requirement.id, v.symptom) for v in verdicts if v.outcome is Outcome.VIOLATED
        )
        return RequirementResult(requirement, counts, outcome, case_ids, reason, evidence, tuple(fingerprints), why=why)

    if counts in (CountsAs.INFO, CountsAs.CLIENT):
        recorded = [o.seen for o in observations] + [
            v.actual for v in verdicts if v.outcome is not Outcome.INCONCLUSIVE and v.actual
        ]
        if recorded:
            evidence = tuple(n for o in observations for n in o.evidence)
            return result(Outcome.OBSERVED, "; ".join(dict.fromkeys(recorded))[:_MOST_CHARACTERS], evidence)
    if why_not_applicable:
        return result(Outcome.NOT_APPLICABLE, why_not_applicable)
    if verdicts and counts in (CountsAs.FAIL, CountsAs.WARN):
        worst = min((v.outcome for v in verdicts), key=_RANK.index)
        deciding = [v for v in verdicts if v.outcome is worst]
        reason = "" if worst is Outcome.MET else deciding[0].actual
        found = result(worst, reason, deciding[0].evidence, deciding[0].why)
        is_bad = worst in (Outcome.VIOLATED, Outcome.ADVISORY)
        return replace(found, headline=headline_of(deciding[0])) if is_bad else found
    first_of_kind = {_kind_of_case(case): case for case in reversed(_deciding_cases(requirement.id, cases))}
    for kind in _CASE_KINDS:
        if kind in first_of_kind:
            case = first_of_kind[kind]
            outcome = Outcome.INCONCLUSIVE if case.outcome == "error" else Outcome(case.outcome)
            return result(outcome, case.detail or UNSHOWN, why=case.why)
    if requirement.untestable:
        return result(Outcome.NOT_APPLICABLE, requirement.untestable)
    reason = UNSHOWN if cases else UNCITED if requirement.uncited else NOT_TRIED
    return result(Outcome.UNTESTED, reason, why=Why.NOT_CHOSEN if reason == NOT_TRIED else Why.OTHER)
