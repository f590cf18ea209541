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


LEFT_OUT = "not part of the chosen profile or selection, or max_reimages was too small for it"
"""Why a requirement is untested if no case of the run was about it."""
UNSHOWN = "no answer of this run shows whether the requirement is met"
_RANK = (Outcome.VIOLATED, Outcome.ADVISORY, Outcome.MET, Outcome.INCONCLUSIVE, Outcome.OBSERVED, Outcome.UNTESTED)


_CASE_ORDER = (
    Outcome.VIOLATED,
    Outcome.ADVISORY,
    Outcome.INCONCLUSIVE,
    Outcome.UNTESTED,
    Outcome.MET,
    Outcome.OBSERVED,
)


def case_outcome(verdicts: Sequence[Verdict], cited: Sequence[str]) -> Outcome | None:
    """The outcome of a case by its verdicts: the gravest one; None where there are none.

    An inconclusive verdict does not count if its requirement was also met in the case, or if the case does not cite
    its requirement, unless there is nothing else.
    """
    met = {verdict.requirement for verdict in verdicts if verdict.outcome is Outcome.MET}
    open_ = Outcome.INCONCLUSIVE
    counted = [
        _seen(v) for v in verdicts if v.outcome is not open_ or (v.requirement in cited and v.requirement not in met)
    ]
    found = counted or [_seen(verdict) for verdict in verdicts]
    return next((outcome for outcome in _CASE_ORDER if outcome in found), None)


def _seen(verdict: Verdict) -> Outcome:
    """What a case saw.

    A verdict is untested although it holds if the request that decides its requirement was not sent; the case itself
    met it.
    """
    return Outcome.MET if verdict.outcome is Outcome.UNTESTED and "short_of" in verdict.arguments else verdict.outcome


def _offered(requirement: Requirement, world: World, offers: Mapping[str, bool | None]) -> str:
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
        absent = _offered(requirement, world, offers)
        found = _result(
            requirement, world, by_requirement.get(name, []), seen.get(name, []), citing.get(name, []), absent
        )
        results.append(found)
    return results


def _deciding(name: str, cases: list[CaseRecord]) -> list[CaseRecord]:
    """The cases that decide the outcome of a requirement without verdicts.

    A case that cites several requirements judges only those that the target offers. So where every case about this
    requirement alone says that the target does not offer it, the others do not count.
    """
    alone = [case for case in cases if case.requirements == (name,)]
    is_absent = bool(alone) and all(case.outcome == Outcome.NOT_APPLICABLE for case in alone)
    return alone if is_absent else cases


def _result(
    requirement: Requirement,
    world: World,
    verdicts: list[Verdict],
    observations: list[Observation],
    cases: list[CaseRecord],
    absent: str,
) -> RequirementResult:
    """The outcome of one requirement."""
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
    outcomes = {case.outcome: case for case in reversed(_deciding(requirement.id, cases))}
    for name in ("error", "inconclusive", "untested", "not-applicable"):
        if name in outcomes:
            outcome = Outcome.INCONCLUSIVE if name == "error" else Outcome(name)
            case = outcomes[name]
            return result(outcome, case.detail or UNSHOWN, why=case.why)
    if requirement.untestable:
        return result(Outcome.NOT_APPLICABLE, requirement.untestable)
    return result(Outcome.UNTESTED, UNSHOWN) if cases else result(Outcome.UNTESTED, LEFT_OUT, why=Why.NOT_CHOSEN)
