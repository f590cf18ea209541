"""Which checks apply to recorded answers of Get Deployment and Get Cloud Service Properties, and to every message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.capture.masked_ids import is_placeholder
from reimage_conformance.capture.operations import name_in_capture
from reimage_conformance.capture.recorded import CREDENTIAL_STATUSES, Judgement, Plan, RecordedTraffic, is_accepted
from reimage_conformance.capture.refusals import is_judged
from reimage_conformance.judging import errors
from reimage_conformance.judging.deployments import (
    deployment_document,
    empty_slot,
    instance_list,
    observer_answers,
    status_vocabulary,
    version_gates,
)
from reimage_conformance.judging.operations.polls import version_of
from reimage_conformance.judging.transport import framing, messages
from reimage_conformance.judging.world import SLOTS
from reimage_conformance.model import Fact
from reimage_conformance.protocol.addresses import Kind, UriForm
from reimage_conformance.protocol.deployments import deployment_elements, member, shown_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reimage_conformance.capture.traffic import Recorded
    from reimage_conformance.judging.registry import Check
    from reimage_conformance.model import Exchange

CHANGING = ("Deploying", "Deleting", "Starting", "Suspending", "RunningTransitioning", "SuspendedTransitioning")
"""Values of Status of a deployment that is being created, changed or deleted."""
OBSERVERS = {Kind.DEPLOYMENT: "REQ-DEPL-URI", Kind.CLOUD_SERVICE: "REQ-PROPS-URI"}
"""The kinds of call whose answers describe deployments, and the requirement that they are answered."""


def observation_plans(traffic: RecordedTraffic) -> Iterator[Plan]:
    """A case for each answer that describes deployments, or says that a slot holds none."""
    for recorded in traffic.of_kind(*OBSERVERS):
        made = _described(traffic, recorded) if is_accepted(recorded.exchange) else _empty(traffic, recorded)
        if made:
            yield Plan(
                f"capture::description, {name_in_capture(recorded)}",
                "An answer that describes deployments.",
                tuple(made),
            )


def _described(traffic: RecordedTraffic, recorded: Recorded) -> list[Judgement]:
    exchange = recorded.exchange
    reading = traffic.reading(recorded)
    address = reading.address
    is_answered = exchange.reply is not None and exchange.reply.status == 200
    if reading.defects or not is_answered or not recorded.tells(Fact.CONTENT):
        return []
    made = [Judgement(observer_answers, (exchange,), {"requirement": OBSERVERS[address.kind]})]
    if version_of(exchange):
        made += [Judgement(check, (exchange,)) for check in (version_gates, status_vocabulary)]
    if address.kind is Kind.DEPLOYMENT and not _is_changing(exchange):
        name, slot = _identity(exchange, address.form, address.deployment)
        known = traffic.world.deployment_of(address) if traffic.given else None
        instances = list(known.role_instances) if known is not None and not _hides_instances(exchange) else []
        made.append(Judgement(deployment_document, (exchange,), {"name": name, "slot": slot}))
        made.append(Judgement(instance_list, (exchange,), {"instances": instances}))
    return made


def _hides_instances(exchange: Exchange) -> bool:
    """Whether a document shows a placeholder in place of the name of a role instance."""
    return any(is_placeholder(name) for shown in shown_in(exchange) for name in shown.instances)


def _is_changing(exchange: Exchange) -> bool:
    """Whether a deployment is being created, changed or deleted, so that parts of its description may be missing."""
    return any(member(element, "Status") in CHANGING for element in deployment_elements(exchange))


def _identity(exchange: Exchange, form: UriForm | None, container: str) -> tuple[str, str]:
    """The name and slot that a document should show: the one that the address says, and the other as the document shows it.

    Where a placeholder stands for the name in the address or in the document, both are as the document shows them.
    """
    elements = deployment_elements(exchange)
    name, slot = (member(elements[0], "Name"), member(elements[0], "DeploymentSlot").lower()) if elements else ("", "")
    if any(map(is_placeholder, (container, name if form is UriForm.NAME else slot))):
        return name, slot
    if form is UriForm.NAME:
        return container, slot
    return name, container.lower() if container.lower() in SLOTS else slot


def _empty(traffic: RecordedTraffic, recorded: Recorded) -> list[Judgement]:
    """The judgement on a 404 for an empty slot of a cloud service that is listed or was shown; none for another answer."""
    reading, reply = traffic.reading(recorded), recorded.exchange.reply
    slot = reading.address.deployment.lower()  # an endpoint that accepts no capitals has to answer 404 as well
    is_slot = reading.address.form is UriForm.SLOT and slot in SLOTS
    if reply is None or reply.status != 404 or reading.defects or not is_slot:
        return []
    slots = {d.slot for d in traffic.world.target.deployments if d.cloud_service == reading.address.service}
    return [Judgement(empty_slot, (recorded.exchange,))] if slots and slot not in slots else []


def _is_own_error(traffic: RecordedTraffic, recorded: Recorded) -> bool:
    """Whether a reply is certainly an error of the endpoint itself, with a known cause."""
    reply = recorded.exchange.reply
    if reply is not None and reply.status in CREDENTIAL_STATUSES and not recorded.tells(Fact.IDENTITY):
        return False
    return not traffic.reading(recorded).recording_unclear or is_judged(traffic, recorded)


def message_plans(traffic: RecordedTraffic) -> Iterator[Plan]:
    """A case for each check of every message.

    Verdicts that need facts which were not recorded are not made. A 500 InternalError that was transient is left out.
    """
    recorded = [each for each in traffic.recorded if each.exchange.number not in traffic.transient_faults]
    clear = [each for each in recorded if _is_own_error(traffic, each)]
    with_lines_and_ids = [each for each in recorded if each.tells(Fact.RESPONSE_LINES, Fact.OWN_ID)]
    ways: list[tuple[Check, list[Recorded]]] = [
        (messages.dates, recorded),
        (messages.standard_headers, recorded),
        (messages.response_versions, recorded),
        (messages.allow_with_405, recorded),
        (messages.retry_after_form, recorded),
        (messages.request_ids_unique, with_lines_and_ids),
        (messages.xml_bodies, recorded),
        (messages.error_media_types, recorded),
        (errors.error_document_form, recorded),
        (errors.error_document_present, clear),
        (errors.error_statuses, clear),
        (errors.error_request_ids, clear),
        (framing.framing, recorded),
    ]
    for check, chosen in ways:
        if chosen:
            name = check.__name__.replace("_", " ")
            made = Judgement(check, tuple(each.exchange for each in chosen))
            yield Plan(f"capture::every message, {name}", "What holds for every response.", (made,))
