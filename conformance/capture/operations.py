"""Which checks apply to recorded reimages that were accepted, and to recorded polls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.capture.evidence import Evidence, Judgement, Plan
from conformance.checks.acceptance import accepted, answered_202, empty_body, id_usable, request_id_present
from conformance.checks.operation_documents import operation_documents
from conformance.checks.polls import STATUSES, TERMINAL, polls_answered, status_of
from conformance.checks.progress import completes, fails_as_announced, progress
from conformance.model import Outcome, Verdict
from conformance.oracle import MINIMUM_VERSION
from conformance.protocol.addresses import Address, Kind, UriForm, read_target
from conformance.protocol.documents import same_identifier

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.capture.traffic import Recorded
    from conformance.model import Exchange

FORGOTTEN_SECONDS = 600.0
"""So long after the 202 an endpoint may have forgotten an operation that nobody had asked about (REQ-GOS-RETENTION)."""


def accepted_plans(evidence: Evidence) -> Iterator[Plan]:
    """A case for each reimage that was rightly accepted, with the polls that followed it."""
    for recorded in evidence.of_kind(Kind.REIMAGE):
        reading = evidence.reading(recorded)
        if is_accepted(recorded.exchange) and recorded.exchange.request.method == "POST" and not reading.defects:
            yield _accepted_plan(evidence, recorded, sound=reading.is_sound)


def _accepted_plan(evidence: Evidence, recorded: Recorded, *, sound: bool) -> Plan:
    start = recorded.exchange
    address = read_target(start.request.target)
    polls = polls_of(evidence, start)
    made = [Judgement(accepted, (start,), {"requirement": name}) for name in _shown(start, address)] if sound else []
    made += [Judgement(answered_202, (start,)), Judgement(empty_body, (start,))]
    made += [Judgement(request_id_present, (start,), {"requirement": "REQ-REIMAGE-REQID"})]
    identifier = _identifier(start)
    verdicts: tuple[Verdict, ...] = ()
    if not identifier:
        verdicts = _untested(start, "the 202 has no x-ms-request-id to poll")
    elif not polls or _is_forgotten(start, polls):
        verdicts = _untested(start, "the capture holds no poll of the operation that says anything")
    else:
        made += [Judgement(check, (start, *polls)) for check in (id_usable, polls_answered)]
        made += _of_polls(polls)
        ending, verdicts = _end(evidence, start, polls)
        made += ending
    doc = f"The reimage of {address.instance or 'an instance'} that was accepted, and what its polls show."
    return Plan(f"capture::accepted reimage, {told(recorded)}", doc, tuple(made), verdicts, identifier)


def _shown(start: Exchange, address: Address) -> Iterator[str]:
    """The requirements that the acceptance of a sound request shows."""
    yield "REQ-REIMAGE-URI-SLOT" if address.form is UriForm.SLOT else "REQ-REIMAGE-URI-NAME"
    yield from ("REQ-REIMAGE-METHOD", "REQ-REIMAGE-COMP")
    if address.form is UriForm.SLOT:
        yield "REQ-REIMAGE-SLOT-VALUES"
    if start.request.values("x-ms-version") == (MINIMUM_VERSION,):
        yield "REQ-REIMAGE-VERSION"


def _of_polls(polls: Sequence[Exchange]) -> list[Judgement]:
    """What holds for the polls of any operation."""
    found = tuple(polls)
    reqid = Judgement(request_id_present, found, {"requirement": "REQ-GOS-REQID"})
    return [Judgement(operation_documents, found), reqid, Judgement(progress, found)]


def _end(evidence: Evidence, start: Exchange, polls: Sequence[Exchange]) -> tuple[list[Judgement], tuple[Verdict, ...]]:
    """The end of an operation, where the capture shows one; a failure accuses nobody, for it may be the guest's."""
    address = read_target(start.request.target)
    deployment = evidence.world.deployment_of(address)
    ends = [poll for poll in polls if status_of(poll) in TERMINAL]
    if deployment is not None and address.instance in deployment.failing_role_instances:
        return ([Judgement(fails_as_announced, (start, *polls))] if ends else []), ()
    if ends and status_of(ends[0]) == "Succeeded":
        return [Judgement(completes, (start, *polls))], ()
    if ends:
        return [], (
            _verdict(
                "REQ-REIMAGE-COMPLETES", ends[0], "the operation Failed, for a reason that a capture does not show"
            ),
        )
    if any(status_of(poll) in STATUSES for poll in polls):
        return [], (_verdict("REQ-REIMAGE-COMPLETES", polls[-1], "the capture ends while the operation is InProgress"),)
    return [], (_verdict("REQ-REIMAGE-COMPLETES", polls[-1], "no poll in the capture shows a status"),)


def _untested(start: Exchange, reason: str) -> tuple[Verdict, ...]:
    return tuple(_verdict(name, start, reason) for name in ("REQ-REIMAGE-REQID-USABLE", "REQ-REIMAGE-COMPLETES"))


def _verdict(requirement: str, exchange: Exchange, reason: str) -> Verdict:
    return Verdict(requirement, Outcome.UNTESTED, evidence=(exchange.number,), actual=reason)


def _is_forgotten(start: Exchange, polls: Sequence[Exchange]) -> bool:
    """Whether the first question came so late that no answer tells anything."""
    return not any(status_of(poll) for poll in polls) and polls[0].at - start.at > FORGOTTEN_SECONDS


def poll_plans(evidence: Evidence) -> Iterator[Plan]:
    """A case for the polls of each operation whose beginning the capture does not hold."""
    started = {_identifier(each.exchange) for each in evidence.of_kind(Kind.REIMAGE)}
    asked = {(reading.operation, reading.subscription): None for reading in _operations(evidence)}
    for identifier, subscription in asked:
        polls = [each for each in evidence.polls(identifier, subscription) if is_accepted(each.exchange)]
        if polls and not any(same_identifier(identifier, each) for each in started):
            doc = "Polls of an operation whose beginning the capture does not hold."
            yield Plan(f"capture::polls, {told(polls[0])}", doc, tuple(_of_polls([each.exchange for each in polls])))


def _operations(evidence: Evidence) -> Iterator[Address]:
    return (evidence.reading(each).address for each in evidence.of_kind(Kind.OPERATION))


def polls_of(evidence: Evidence, start: Exchange) -> list[Exchange]:
    """The polls of the operation that `start` began which tell something: plain ones, answered for their own sake."""
    subscription = read_target(start.request.target).subscription
    return [
        each.exchange
        for each in evidence.polls(_identifier(start), subscription)
        if each.exchange.number > start.number and evidence.is_telling(each)
    ]


def is_accepted(exchange: Exchange) -> bool:
    """Whether a call was answered with any 2xx."""
    return exchange.reply is not None and 200 <= exchange.reply.status < 300


def told(recorded: Recorded) -> str:
    """Where a call stands in the capture, for the name of a case."""
    return f"entry {recorded.entry}"


def _identifier(exchange: Exchange) -> str:
    return (exchange.reply.header("x-ms-request-id") if exchange.reply is not None else "") or ""
