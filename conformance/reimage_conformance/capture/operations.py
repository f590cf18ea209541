"""Which checks apply to recorded reimages that were accepted, and to recorded polls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.capture.recorded import Judgement, Plan, RecordedTraffic, is_accepted
from reimage_conformance.catalogue import MINIMUM_VERSION
from reimage_conformance.judging.operations.documents import operation_documents
from reimage_conformance.judging.operations.polls import (
    DENIALS,
    STATUSES,
    TERMINAL,
    polls_answered,
    shows_operation,
    status_of,
)
from reimage_conformance.judging.operations.progress import (
    RETENTION_SECONDS,
    completes,
    fails_as_announced,
    progress,
)
from reimage_conformance.judging.response import accepted, answered_202, empty_body, id_usable, request_id_present
from reimage_conformance.judging.world import SLOTS
from reimage_conformance.model import Fact, Outcome, Verdict
from reimage_conformance.protocol.addresses import Address, Kind, UriForm, read_target

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reimage_conformance.capture.traffic import Recorded
    from reimage_conformance.model import Deployment, Exchange


def accepted_plans(traffic: RecordedTraffic) -> Iterator[Plan]:
    """A case for each reimage that was rightly accepted, with the polls that followed it."""
    for recorded in _starts(traffic):
        yield _accepted_plan(traffic, recorded, sound=traffic.reading(recorded).is_sound)


def _accepted_plan(traffic: RecordedTraffic, recorded: Recorded, *, sound: bool) -> Plan:
    start = recorded.exchange
    address = read_target(start.request.target)
    polls = _followed(traffic, recorded)
    made = (
        [
            Judgement(accepted, (start,), {"requirement": name})
            for name in _requirements_met_by_acceptance(start, address)
        ]
        if sound
        else []
    )
    made += [Judgement(answered_202, (start,)), Judgement(empty_body, (start,))]
    made += [Judgement(request_id_present, (start,), {"requirement": "REQ-REIMAGE-REQID"})]
    identifier = start.request_id if recorded.tells(Fact.OWN_ID) else ""
    verdicts: tuple[Verdict, ...] = ()
    if not identifier and not recorded.tells(Fact.RESPONSE_LINES, Fact.ID_LINE, Fact.OWN_ID):
        verdicts = _untested(start, "the capture does not hold the x-ms-request-id of the 202")
    elif not identifier:
        verdicts = _untested(start, "the 202 has no x-ms-request-id to poll")
    elif not polls:
        verdicts = _untested(start, "the capture holds no poll that shows the operation")
    else:
        made += [Judgement(check, (start, *polls)) for check in (id_usable, polls_answered)]
        made += _of_polls(polls)
        ending, verdicts = _end(traffic, start, polls)
        made += ending
    doc = f"The reimage of {address.instance or 'an instance'} that was accepted, and what its polls show."
    return Plan(f"capture::accepted reimage, {name_in_capture(recorded)}", doc, tuple(made), verdicts, identifier)


def _requirements_met_by_acceptance(start: Exchange, address: Address) -> Iterator[str]:
    """The requirements that the acceptance of a sound request meets."""
    yield "REQ-REIMAGE-URI-SLOT" if address.form is UriForm.SLOT else "REQ-REIMAGE-URI-NAME"
    yield from ("REQ-REIMAGE-METHOD", "REQ-REIMAGE-COMP")
    if address.form is UriForm.SLOT and address.deployment in SLOTS:
        yield "REQ-REIMAGE-SLOT-VALUES"
    if start.request.values("x-ms-version") == (MINIMUM_VERSION,):
        yield "REQ-REIMAGE-VERSION"


def _of_polls(polls: Sequence[Exchange]) -> list[Judgement]:
    """The judgements on the polls of any operation."""
    found = tuple(polls)
    reqid = Judgement(request_id_present, found, {"requirement": "REQ-GOS-REQID"})
    return [Judgement(operation_documents, found), reqid, Judgement(progress, found)]


def _end(
    traffic: RecordedTraffic, start: Exchange, polls: Sequence[Exchange]
) -> tuple[list[Judgement], tuple[Verdict, ...]]:
    """The judgement on the end of an operation if the capture shows it, else a verdict that it is untested.

    A failure is untested too: the guest may be its cause.
    """
    address = read_target(start.request.target)
    deployment = traffic.world.deployment_of(address)
    ends = [poll for poll in polls if status_of(poll) in TERMINAL]
    if deployment is not None and address.instance in deployment.failing_role_instances:
        return ([Judgement(fails_as_announced, (start, *polls))] if ends else []), ()
    if ends and status_of(ends[0]) == "Succeeded":
        return [Judgement(completes, (start, *polls))], ()
    poll, reason = polls[-1], "no poll in the capture shows a status"
    if ends:
        poll, reason = ends[0], "the operation Failed, for a reason that a capture does not show"
    elif any(status_of(each) in STATUSES for each in polls):
        reason = "the capture ends while the operation is InProgress"
    return [], (_verdict("REQ-REIMAGE-COMPLETES", poll, reason),)


def _untested(start: Exchange, reason: str) -> tuple[Verdict, ...]:
    return tuple(_verdict(name, start, reason) for name in ("REQ-REIMAGE-REQID-USABLE", "REQ-REIMAGE-COMPLETES"))


def _verdict(requirement: str, exchange: Exchange, reason: str) -> Verdict:
    return Verdict(requirement, Outcome.UNTESTED, evidence=(exchange.number,), actual=reason)


def _conclusive_polls(start: Exchange, polls: Sequence[Exchange]) -> list[Exchange]:
    """The polls of an operation, without the denials that show nothing.

    An operation may end between two polls, and may then be forgotten (REQ-GOS-RETENTION). So a poll that no end comes
    before and that is answered with a denial counts only in two cases: a later poll shows the operation again, or the
    denial comes within `RETENTION_SECONDS` of the last poll that shows it, or of the 202.
    """
    if any(status_of(poll) in TERMINAL for poll in polls):
        return list(polls)
    last = max((index for index, poll in enumerate(polls) if shows_operation(poll)), default=-1)
    since = polls[last] if last >= 0 else start
    after = (poll for poll in polls[last + 1 :] if not _is_denied(poll) or _is_right_after(since, poll))
    return [*polls[: last + 1], *after]


def _is_denied(poll: Exchange) -> bool:
    return poll.reply is not None and poll.reply.status in DENIALS


def _is_right_after(shown: Exchange, poll: Exchange) -> bool:
    """Whether a poll was answered so soon that an operation which was under way cannot be forgotten."""
    is_timed = Fact.MOMENT not in shown.unrecorded | poll.unrecorded
    return is_timed and poll.at + poll.elapsed <= shown.at + RETENTION_SECONDS


def forgotten_polls(traffic: RecordedTraffic) -> set[int]:
    """The numbers of the polls whose denials show nothing, since the operation may have ended and been forgotten."""
    starts = list(_starts(traffic))
    own = {poll.number for recorded in starts for poll in _own_polls(traffic, recorded)}
    return own - {poll.number for recorded in starts for poll in _followed(traffic, recorded)}


def refused_during_operations(traffic: RecordedTraffic) -> set[int]:
    """The numbers of the sound reimages that were refused while an operation of their deployment may have been under way.

    An operation is under way from its 202 to the first poll that shows its end; without such a poll it may be.
    """
    sound = [each for each in traffic.of_kind(Kind.REIMAGE) if traffic.reading(each).is_sound]
    refused = [each for each in sound if not is_accepted(each.exchange) and traffic.is_conclusive(each)]
    under_way = [(_deployment_of(traffic, start), _while_under_way(traffic, start)) for start in _starts(traffic)]
    return {
        each.exchange.number
        for each in refused
        for deployment, numbers in under_way
        if each.exchange.number in numbers and _deployment_of(traffic, each) == deployment
    }


def _deployment_of(traffic: RecordedTraffic, recorded: Recorded) -> Deployment | None:
    return traffic.world.deployment_of(traffic.reading(recorded).address)


def _while_under_way(traffic: RecordedTraffic, start: Recorded) -> range:
    """The numbers of the exchanges from the start of an operation to the first poll that shows its end."""
    ends = [poll.number for poll in _own_polls(traffic, start) if status_of(poll) in TERMINAL]
    return range(start.exchange.number, min(ends, default=len(traffic.recorded)) + 1)


def poll_plans(traffic: RecordedTraffic) -> Iterator[Plan]:
    """A case for the polls of each operation whose start is not in the capture, or not recorded well enough."""
    judged = {poll.number for recorded in _starts(traffic) for poll in _followed(traffic, recorded)}
    others: dict[tuple[str, str], list[Recorded]] = {}
    for recorded in traffic.of_kind(Kind.OPERATION):
        exchange, address = recorded.exchange, traffic.reading(recorded).address
        if is_accepted(exchange) and recorded.tells(Fact.CONTENT) and exchange.number not in judged:
            others.setdefault((address.operation, address.subscription), []).append(recorded)
    for polls in others.values():
        doc = "Polls of an operation whose beginning the capture does not hold."
        yield Plan(
            f"capture::polls, {name_in_capture(polls[0])}", doc, tuple(_of_polls([each.exchange for each in polls]))
        )


def _starts(traffic: RecordedTraffic) -> Iterator[Recorded]:
    """The reimages that were rightly accepted."""
    for recorded in traffic.of_kind(Kind.REIMAGE):
        is_post = recorded.exchange.request.method == "POST"
        if is_post and is_accepted(recorded.exchange) and not traffic.reading(recorded).defects:
            yield recorded


def _followed(traffic: RecordedTraffic, recorded: Recorded) -> list[Exchange]:
    """The polls that are judged with the reimage that they follow."""
    return _conclusive_polls(recorded.exchange, _own_polls(traffic, recorded))


def _own_polls(traffic: RecordedTraffic, recorded: Recorded) -> list[Exchange]:
    """The polls of the operation that a reimage began; none where its id was not recorded."""
    return polls_of(traffic, recorded.exchange) if recorded.tells(Fact.OWN_ID) else []


def polls_of(traffic: RecordedTraffic, start: Exchange) -> list[Exchange]:
    """The plain polls after `start` of the operation that it began, whose answers depend on the operation."""
    subscription = read_target(start.request.target).subscription
    return [
        each.exchange
        for each in traffic.polls(start.request_id, subscription)
        if each.exchange.number > start.number and traffic.is_conclusive(each)
    ]


def name_in_capture(recorded: Recorded) -> str:
    """The name of a call in the names of cases: `entry 12`, by its number in the capture."""
    return f"entry {recorded.entry}"
