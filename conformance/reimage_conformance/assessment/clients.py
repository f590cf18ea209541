"""Assesses a journal as the session of a client: its requests are judged by the requirements that bind clients."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from reimage_conformance.assessment.assess import conclude, operation_of, run_of
from reimage_conformance.assessment.findings import findings_of
from reimage_conformance.assessment.outcomes import case_outcome, results_of
from reimage_conformance.assessment.rejudging import world_of
from reimage_conformance.catalogue import CLIENT_CATALOGUE
from reimage_conformance.judging import judge
from reimage_conformance.judging.clients.following import client_ids, client_waits
from reimage_conformance.judging.clients.repeating import (
    PUT_OFF,
    client_redirects,
    client_repeats,
    client_retries,
)
from reimage_conformance.judging.clients.requests import (
    client_certificate,
    client_polls,
    client_reimages,
    client_versions,
)
from reimage_conformance.judging.clients.sessions import followed, is_accepted
from reimage_conformance.judging.wording import MOVED
from reimage_conformance.model import Assessment, CaseRecord, Observation, Outcome, RunVerdict, Subject, Why

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reimage_conformance.journal import Journal
    from reimage_conformance.judging.registry import Check
    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Exchange, RequirementResult, Verdict

NOT_DONE = "nothing that was recorded of the client shows it"
"""Why a requirement is untested: no request of the client was about it, or the recorder did not keep enough."""
NONE_ACCEPTED = "no reimage that the client asked for was answered 202"
"""Why a session concludes nothing: a client that got no reimage accepted has not shown that it can."""
NONE_RECORDED = "no request of a client was recorded"
"""Why an empty session concludes nothing."""
CLIENT_OVER = "client_over"
"""The key in the last line of a record that says that the client had ended before the record did."""
NO_OCCASION = {
    "REQ-CLIENT-REDIRECT": ((MOVED,), "no reply of this session was a 307"),
    "REQ-CLIENT-RETRY-PAUSE": (PUT_OFF, "no reply of this session put a request off (409, 429, 500, 503)"),
}
"""Requirements about replies that an endpoint need not give: the statuses of these, and the reason where none came."""
MOST_EVIDENCE = 60
"""The record of a topic names at most this many exchanges."""
MOST_DEVIATIONS = 20
"""At most this many distinct deviations from one requirement are shown; the rest are counted."""
BAD = (Outcome.VIOLATED, Outcome.ADVISORY)


@dataclass(frozen=True, slots=True)
class Topic:
    """What a client is judged by under one heading of the reports: a check, and the requirements that it judges."""

    id: str
    check: Check
    requirements: tuple[str, ...]


TOPICS = (
    Topic(
        "client::reimages",
        client_reimages,
        (
            "REQ-CLIENT-REIMAGE-METHOD",
            "REQ-CLIENT-REIMAGE-URI",
            "REQ-CLIENT-REIMAGE-CONTENT-TYPE",
            "REQ-CLIENT-HTTP-VERSION",
            "REQ-CLIENT-REIMAGE-CONTENT-LENGTH",
            "REQ-CLIENT-REIMAGE-BODY",
            "REQ-CLIENT-REIMAGE-VERSION",
        ),
    ),
    Topic("client::versions", client_versions, ("REQ-CLIENT-VERSION-KNOWN",)),
    Topic("client::certificate", client_certificate, ("REQ-CLIENT-CERTIFICATE",)),
    Topic("client::polls", client_polls, ("REQ-CLIENT-POLL-METHOD", "REQ-CLIENT-POLL-VERSION")),
    Topic("client::ids", client_ids, ("REQ-CLIENT-POLL-ID",)),
    Topic("client::waits", client_waits, ("REQ-CLIENT-POLL-END", "REQ-CLIENT-POLL-PAUSE", "REQ-CLIENT-POLL-AFTER-END")),
    Topic("client::repeats", client_repeats, ("REQ-CLIENT-REIMAGE-ONCE",)),
    Topic("client::retries", client_retries, ("REQ-CLIENT-RETRY-PAUSE",)),
    Topic("client::redirects", client_redirects, ("REQ-CLIENT-REDIRECT",)),
)
"""Everything that a client is judged by, in the order of the reports."""


def is_of_client(journal: Journal) -> bool:
    """Whether a journal holds the session of a client that is to be judged."""
    return bool(journal.header.get("subject") == Subject.CLIENT)


def assess_client(journal: Journal) -> Assessment:
    """Everything that the session of a client in a journal concludes.

    It is a function of the exchanges alone: the journal of such a session holds no judgements.
    """
    world = world_of(journal)
    exchanges = sorted(journal.exchanges.values(), key=lambda exchange: exchange.number)
    run = run_of(journal)
    over = any(event["type"] == "end" and event.get(CLIENT_OVER) is True for event in journal.events)
    waiting = {"until": run.duration_seconds, "over": over, "faulty": bool(journal.header.get("faults"))}
    made = {topic: _verdicts(topic, world, exchanges, waiting) for topic in TOPICS}
    verdicts = [verdict for found in made.values() for verdict in found]
    statuses = {each.reply.status for each in exchanges if each.reply is not None}
    results = [_with_reason(each, statuses) for each in results_of(world, verdicts, (), (), {}, CLIENT_CATALOGUE)]
    findings = findings_of(verdicts, results, journal.exchanges)
    deviations = _deviations(verdicts)
    results = [_with_deviations(each, deviations.get(each.requirement.id, "")) for each in results]
    run = replace(run, interrupted=False)  # whoever ended the record did not cut the judging short
    accepted = sum(map(is_accepted, exchanges))
    verdict, exit_code = conclude(results, hindered=not accepted)
    target = dict(journal.header["target"])
    return Assessment(
        run=run,
        target={**target, "name": f"client of {target.get('name', '')}"},
        verdict=verdict,
        exit_code=exit_code,
        requirements=tuple(results),
        findings=tuple(replace(each, actual=deviations[each.requirement]) for each in findings),
        observations=tuple(
            Observation(v.requirement, v.actual, v.evidence) for v in verdicts if v.outcome is Outcome.OBSERVED
        ),
        operations=tuple(operation_of(each.identifier, each.start, each.polls) for each in followed(exchanges)),
        cases=tuple(_case(topic, found) for topic, found in made.items()),
        requests=len(exchanges),
        reimages=accepted,
        notes=journal.notes,
        hindrance=_hindrance(journal, exchanges) if verdict is RunVerdict.INCOMPLETE else "",
    )


def _deviations(verdicts: Sequence[Verdict]) -> dict[str, str]:
    """The distinct deviations of a client from each requirement in words, with how often each was seen, violations first."""
    seen: dict[str, Counter[tuple[str, bool]]] = {}  # each deviation, and whether it is advisory
    for verdict in verdicts:
        if verdict.outcome in BAD:
            seen.setdefault(verdict.requirement, Counter())[verdict.actual, verdict.outcome is Outcome.ADVISORY] += 1
    return {name: _counted(found) for name, found in seen.items()}


def _counted(found: Counter[tuple[str, bool]]) -> str:
    """Deviations, each with how often it was seen; the words alone where there was one deviation, once."""
    if found.total() == 1:
        return next(iter(found))[0]
    is_mixed = len({advisory for _, advisory in found}) > 1
    shown = [
        f"{actual} ({'once' if number == 1 else f'{number} times'}{', advisory' if advisory and is_mixed else ''})"
        for (actual, advisory), number in sorted(found.items(), key=lambda item: (item[0][1], -item[1]))
    ]
    more = len(shown) - MOST_DEVIATIONS
    return "; ".join([*shown[:MOST_DEVIATIONS], *([f"and {more} more"] if more > 0 else [])])


def _with_deviations(result: RequirementResult, deviations: str) -> RequirementResult:
    """The result, with every deviation as its reason where it is a violation or advisory."""
    return replace(result, reason=deviations) if deviations and result.outcome in BAD else result


def _hindrance(journal: Journal, exchanges: Sequence[Exchange]) -> str:
    """Why a session concludes nothing."""
    address = journal.header["target"].get("base_url", "the emulator")
    return NONE_ACCEPTED if exchanges else f"{NONE_RECORDED}; did it reach {address}?"


def _verdicts(topic: Topic, world: World, exchanges: Sequence[Exchange], waiting: Mapping[str, Any]) -> list[Verdict]:
    arguments = waiting if topic.check is client_waits else {}
    return [replace(v, case=topic.id) for v in judge(world, topic.check, exchanges, **arguments)]


def _with_reason(result: RequirementResult, statuses: set[int]) -> RequirementResult:
    """The result, with the reason why a client was not judged where nothing in its session was about it."""
    if result.why is not Why.NOT_CHOSEN:
        return result
    occasion = NO_OCCASION.get(result.requirement.id)
    if occasion is not None and statuses.isdisjoint(occasion[0]):
        return replace(result, outcome=Outcome.NOT_APPLICABLE, reason=occasion[1], why=Why.OTHER)
    return replace(result, reason=NOT_DONE, why=Why.OTHER)


def _case(topic: Topic, verdicts: Sequence[Verdict]) -> CaseRecord:
    """The record of one topic, as a case of the reports; its description is the first line of the check's docstring."""
    outcome = case_outcome(verdicts, topic.requirements)
    evidence = tuple(dict.fromkeys(number for verdict in verdicts for number in verdict.evidence))[:MOST_EVIDENCE]
    detail = next((v.actual for v in verdicts if v.outcome in BAD), "")
    doc = (topic.check.__doc__ or "").partition("\n")[0]
    if outcome is None:
        return CaseRecord(topic.id, topic.requirements, Outcome.UNTESTED.value, doc=doc, detail=NOT_DONE)
    return CaseRecord(topic.id, topic.requirements, outcome.value, evidence=evidence, doc=doc, detail=detail)
