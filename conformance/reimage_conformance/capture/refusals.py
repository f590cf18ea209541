"""Which checks apply to recorded calls that had to be refused, and to sound ones that were refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.capture.operations import name_in_capture, polls_of, refused_during_operations
from reimage_conformance.capture.recorded import Judgement, Plan, RecordedTraffic, RequestReading, is_accepted
from reimage_conformance.catalogue import ALL_REQUIREMENTS
from reimage_conformance.judging.errors import error_codes
from reimage_conformance.judging.oracle import expectation_of
from reimage_conformance.judging.request import nothing_left_behind, refused
from reimage_conformance.judging.response import accepted
from reimage_conformance.model import CountsAs
from reimage_conformance.protocol.addresses import Kind, UriForm

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reimage_conformance.capture.traffic import Recorded

NOT_FOUND = (400, 404)
"""Statuses that may say that a name in the address does not exist."""
KINDS = (Kind.REIMAGE, Kind.OPERATION, Kind.DEPLOYMENT, Kind.CLOUD_SERVICE)


def refusal_plans(traffic: RecordedTraffic) -> Iterator[Plan]:
    """A case for each call that certainly has a defect, whatever the answer was."""
    for recorded in traffic.of_kind(*KINDS):
        if is_judged(traffic, recorded):
            yield _refusal_plan(traffic, recorded, traffic.reading(recorded))


def is_judged(traffic: RecordedTraffic, recorded: Recorded) -> bool:
    """Whether the answer to a defective call can be judged by what its defects permit.

    If the names of the call may not exist, a 400 or 404 may be the answer to them, and shows nothing about the other
    defects.
    """
    reading = traffic.reading(recorded)
    if not reading.defects or not traffic.is_conclusive(recorded):
        return False
    reply = recorded.exchange.reply
    if reply is None or reply.status not in NOT_FOUND:
        return True
    may_be_absent = reading.names_unclear or reading.address.kind is not Kind.REIMAGE
    return not may_be_absent or any(reply.status in defect.statuses for defect in reading.defects)


def _refusal_plan(traffic: RecordedTraffic, recorded: Recorded, reading: RequestReading) -> Plan:
    exchange = recorded.exchange
    requirement = reading.defects[0].requirement
    polls = polls_of(traffic, exchange) if reading.address.kind is Kind.REIMAGE else []
    following = polls if is_accepted(exchange) else []
    arguments = {"requirement": requirement, "polls": len(following)}
    made = [Judgement(refused, (exchange, *following), arguments), Judgement(error_codes, (exchange,))]
    if exchange.reply is not None and exchange.reply.status >= 400:
        made += [Judgement(nothing_left_behind, (exchange, poll)) for poll in polls]
    doc = f"A call that has to be refused: {', '.join(defect.key for defect in reading.defects)}."
    return Plan(f"capture::defective call, {name_in_capture(recorded)}", doc, tuple(made))


def wrong_refusal_plans(traffic: RecordedTraffic) -> Iterator[Plan]:
    """A case for each sound reimage of a listed instance that was refused.

    Where a refusal because of another operation violates nothing (REQ-CONC-OTHER), one that came while an operation of
    the deployment may have been under way is left out.
    """
    may_conflict = ALL_REQUIREMENTS["REQ-CONC-OTHER"].counts_as(traffic.world.strictness) is not CountsAs.FAIL
    put_off = refused_during_operations(traffic) if may_conflict else set()
    for recorded in traffic.of_kind(Kind.REIMAGE):
        reading = traffic.reading(recorded)
        reply = recorded.exchange.reply
        if (
            reply is None
            or not 400 <= reply.status < 500
            or not reading.is_sound
            or not traffic.is_conclusive(recorded)
            or recorded.exchange.number in put_off
        ):
            continue
        deployment = traffic.world.deployment_of(reading.address)
        listed = deployment is not None and reading.address.instance in deployment.role_instances
        if traffic.given and listed and expectation_of(recorded.exchange.request, traffic.world).must_be_accepted:
            form = "REQ-REIMAGE-URI-SLOT" if reading.address.form is UriForm.SLOT else "REQ-REIMAGE-URI-NAME"
            made = (Judgement(accepted, (recorded.exchange,), {"requirement": form}),)
            yield Plan(
                f"capture::refused reimage, {name_in_capture(recorded)}", "A valid reimage of a listed instance.", made
            )
