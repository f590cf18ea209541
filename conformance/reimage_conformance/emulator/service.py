"""Answers a request that is valid HTTP: refuses it, starts a reimage, or describes a resource.

The checks (`admission.py`) put the operation, deployment or instance that the request addresses into its `Call`. A fault may replace
each function marked with `@point`; the first argument says for which emulator, also where the function does not use it (`points.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.emulator.admission import first_refusal
from reimage_conformance.emulator.documents import (
    Node,
    document_media_type,
    encode_document,
    error_document,
    operation_document,
)
from reimage_conformance.emulator.lookup import find_service
from reimage_conformance.emulator.messages import Call, Refusal, Reply
from reimage_conformance.emulator.observation import deployment_document, service_document
from reimage_conformance.emulator.operations import new_request_id, start_operation, write_due_guests
from reimage_conformance.emulator.points import point
from reimage_conformance.emulator.routing import read_target

if TYPE_CHECKING:
    from reimage_conformance.emulator.world import Operation


@point
def answer(call: Call) -> Reply:
    """Finds out what a request addresses, writes the guests of operations that have ended, and gives the reply."""
    call.route = read_target(call)
    write_due_guests(call)
    refused = first_refusal(call)
    return refuse(call, refused) if refused is not None else serve_call(call)


@point
def serve_call(call: Call) -> Reply:
    """The reply to a request that passed every check; the checks have set `call.operation` or `call.deployment`."""
    if call.kind == "reimage":
        return accept(call)
    if call.operation is not None:
        return report(call, call.operation)
    if call.deployment is not None:
        return document_reply(call, 200, "deployment", deployment_document(call, call.deployment))
    deployments = find_service(call, call.route.service) or []
    return document_reply(call, 200, "service", service_document(call, deployments))


@point
def accept(call: Call) -> Reply:
    """Starts the reimage and answers 202 without content; its request id is the operation's (REQ-REIMAGE-202)."""
    if call.deployment is None or call.instance is None:
        raise ValueError("a reimage was accepted before its role instance was found")
    call.operation = start_operation(call, call.deployment, call.instance)
    return accepted_reply(call, call.operation)


@point
def accepted_reply(_: Call, operation: Operation) -> Reply:
    """The 202 of a started operation."""
    return Reply(202, "accepted", request_id=operation.id)


@point
def report(call: Call, operation: Operation) -> Reply:
    """The status of an operation, in a reply with 200 even if the operation is Failed (REQ-GOS-200)."""
    operation.polls += 1
    return document_reply(call, 200, "poll", operation_document(call, operation))


@point
def refuse(call: Call, refusal: Refusal) -> Reply:
    """The answer to a request that is refused, with the Error document (REQ-ERR-BODY-OPTIONAL)."""
    reply = document_reply(call, refusal.status, refusal.defect, error_document(call, refusal))
    reply.fields.extend(refusal.fields)
    reply.close = refusal.close
    return reply


@point
def document_reply(call: Call, status: int, about: str, root: Node) -> Reply:
    """A reply that carries a document, under a request id of its own (REQ-GOS-REQID-OWN); `about` is that of `Reply`."""
    body = encode_document(call, root)
    return Reply(status, about, body, document_media_type(call, root), new_request_id(call))
