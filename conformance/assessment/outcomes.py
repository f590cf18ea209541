"""Outcomes: what the verdicts of a run say about each requirement, controls considered (DESIGN section 5)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.assessment.findings import fingerprint_of
from conformance.model import CountsAs, Outcome, RequirementResult, Verdict
from conformance.oracle import permitted
from conformance.protocol.addresses import Kind, read_target
from conformance.requirements import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conformance.model import CaseRecord, Exchange, Observation, Requirement
    from conformance.world import World


def controls_of(world: World, exchanges: Mapping[int, Exchange]) -> tuple[set[str], set[str]]:
    """The kinds of control that were accepted, and those that were tried: "reimage:slot", "reimage:name", "operation", "deployment"."""
    accepted: set[str] = set()
    tried: set[str] = set()
    for exchange in exchanges.values():
        judged = permitted(exchange.request, world)
        kind = judged.address.kind
        if exchange.label == "probe" or judged.binding or kind is Kind.OTHER:
            continue
        if kind is Kind.REIMAGE and exchange.request.method == "POST":
            name = f"reimage:{judged.address.form}"
        elif kind is Kind.OPERATION and exchange.request.method == "GET":
            name = "operation"
        elif exchange.request.method == "GET":
            name = "deployment"
        else:
            continue
        tried.add(name)
        if exchange.reply is not None and 200 <= exchange.reply.status < 300:
            accepted |= {name, f"{name}:{judged.address.service}/{judged.address.deployment}"}
    return accepted, tried


def slot_blamed(verdict: Verdict, exchanges: Mapping[int, Exchange], accepted: set[str]) -> Verdict:
    """`verdict`, laid at REQ-REIMAGE-SLOT-VALUES where one slot takes reimages and the other takes none."""
    exchange = exchanges.get(verdict.evidence[0]) if verdict.evidence else None
    if verdict.check != "accepted" or verdict.outcome is not Outcome.VIOLATED or exchange is None:
        return verdict
    address = read_target(exchange.request.target)
    taken = {name.rpartition("/")[2] for name in accepted if name.startswith("reimage:slot:")}
    if (
        address.form != "slot"
        or verdict.requirement == "REQ-REIMAGE-SLOT-VALUES"
        or not taken
        or address.deployment in taken
    ):
        return verdict
    return replace(verdict, because=(*verdict.because, "REQ-REIMAGE-SLOT-VALUES"))


def controlled(  # noqa: PLR0911  a chain of reasons
    verdict: Verdict, exchanges: Mapping[int, Exchange], controls: tuple[set[str], set[str]]
) -> Verdict:
    """`verdict`, inconclusive where it counts a refusal without its control (DESIGN section 1, idea 8)."""
    if verdict.outcome not in (Outcome.MET, Outcome.VIOLATED, Outcome.ADVISORY) or not verdict.evidence:
        return verdict
    exchange = exchanges.get(verdict.evidence[0])
    if exchange is None or (exchange.reply is not None and exchange.reply.status < 300):
        return verdict
    plain = verdict.requirement in (*_PLAIN, "REQ-REIMAGE-SLOT-VALUES")
    varied = verdict.check == "accepted" and not plain and verdict.outcome is not Outcome.MET
    if not varied and not CATALOGUE[verdict.requirement].control:
        return verdict
    address = read_target(exchange.request.target)
    needed = {Kind.REIMAGE: f"reimage:{address.form}", Kind.OPERATION: "operation"}.get(address.kind, "deployment")
    accepted, tried = controls
    here = f"{needed}:{address.service}/{address.deployment}"
    if varied and needed in accepted and here not in accepted:
        reason = "no plain request to this deployment in this form was accepted either"
        return replace(
            verdict, outcome=Outcome.INCONCLUSIVE, actual=reason, because=(*_CONTROLS, "REQ-REIMAGE-SLOT-VALUES")
        )
    if needed in accepted:
        return verdict
    if needed.startswith("reimage") and needed not in tried:
        reason = "no well-formed request of this kind was sent to compare with"
        return replace(verdict, outcome=Outcome.UNTESTED, actual=reason) if verdict.outcome is Outcome.MET else verdict
    reason = "the answer shows nothing: no well-formed request of this kind was accepted in this run"
    return replace(verdict, outcome=Outcome.INCONCLUSIVE, actual=reason, because=_CONTROLS)


_PLAIN = (
    "REQ-REIMAGE-202",
    "REQ-REIMAGE-URI-SLOT",
    "REQ-REIMAGE-URI-NAME",
    "REQ-REIMAGE-METHOD",
    "REQ-REIMAGE-COMP",
    "REQ-REIMAGE-VERSION",
)
_CONTROLS = (*_PLAIN, "REQ-REIMAGE-REQID-USABLE", "REQ-GOS-URI", "REQ-DEPL-URI")

_RANK = (Outcome.VIOLATED, Outcome.ADVISORY, Outcome.MET, Outcome.INCONCLUSIVE, Outcome.OBSERVED, Outcome.UNTESTED)


def _offered(requirement: Requirement, world: World, offers: Mapping[str, bool]) -> str:
    """Why the target does not offer what a requirement is about, or ""."""
    match requirement.area:
        case "auth" if not world.target.is_https:
            return "the target is not reached over https"
        case "observation" if requirement.id == "REQ-OBS-OPTIONAL":
            return ""
        case "observation" if requirement.id == "REQ-PROPS-URI" and not offers.get("cloud-service", False):
            return "the target does not offer Get Cloud Service Properties"
        case "observation" if requirement.id != "REQ-PROPS-URI" and not offers.get("deployment", False):
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
    offers: Mapping[str, bool],
) -> list[RequirementResult]:
    """The outcome of every requirement of the catalogue, in its order."""
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
    for requirement in CATALOGUE.values():
        name = requirement.id
        absent = _offered(requirement, world, offers)
        found = _result(
            requirement, world, by_requirement.get(name, []), seen.get(name, []), citing.get(name, []), absent
        )
        results.append(found)
    return results


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

    def result(outcome: Outcome, reason: str, evidence: tuple[int, ...] = ()) -> RequirementResult:
        ways = dict.fromkeys(
            fingerprint_of(requirement.id, v.symptom) for v in verdicts if v.outcome is Outcome.VIOLATED
        )
        return RequirementResult(requirement, counts, outcome, judging, reason, evidence, tuple(ways))

    if counts in (CountsAs.INFO, CountsAs.CLIENT):
        said = [o.seen for o in observations] + [
            v.actual for v in verdicts if v.outcome is not Outcome.INCONCLUSIVE and v.actual
        ]
        if said:
            evidence = tuple(n for o in observations for n in o.evidence)
            return result(Outcome.OBSERVED, "; ".join(dict.fromkeys(said))[:400], evidence)
    if absent:
        return result(Outcome.NOT_APPLICABLE, absent)
    if verdicts and counts in (CountsAs.FAIL, CountsAs.WARN):
        worst = min((v.outcome for v in verdicts), key=_RANK.index)
        deciding = [v for v in verdicts if v.outcome is worst]
        reason = "" if worst is Outcome.MET else deciding[0].actual
        return result(worst, reason, deciding[0].evidence)
    outcomes = {case.outcome: case for case in reversed(cases)}
    for name in ("error", "inconclusive", "untested", "not-applicable"):
        if name in outcomes:
            outcome = Outcome.INCONCLUSIVE if name == "error" else Outcome(name)
            return result(outcome, outcomes[name].detail or "the case came to no verdict")
    if requirement.untestable:
        return result(Outcome.NOT_APPLICABLE, requirement.untestable)
    return result(
        Outcome.UNTESTED, "profile, selection or budget left it out" if not cases else "the case came to no verdict"
    )
