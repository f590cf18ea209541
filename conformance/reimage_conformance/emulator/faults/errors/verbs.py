"""Faults in which methods are allowed, and in how the others are refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reimage_conformance.emulator.admission import KNOWN_METHODS, allowed_methods, check_verb, not_found
from reimage_conformance.emulator.conditions import (
    fields_removed,
    kind_is,
    refusal_edit,
    reply_edit,
    start_although_refused,
)
from reimage_conformance.emulator.departures import Change, gives, instead, skips
from reimage_conformance.emulator.faults.registry import Slip
from reimage_conformance.emulator.observation import deployment_document
from reimage_conformance.emulator.service import document_reply, refuse

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.emulator.messages import Call, Refusal, Reply

VERB, ALLOW, UNKNOWN = "REQ-ERR-VERB", "REQ-HTTP-405-ALLOW", "REQ-HTTP-UNKNOWN-METHOD"

Slip(
    "post-refused",
    "REQ-REIMAGE-METHOD",
    "a reimage has to be sent with PUT",
    also=("REQ-REIMAGE-URI-SLOT", "REQ-REIMAGE-URI-NAME", "REQ-REIMAGE-202", VERB),
).by(gives(allowed_methods, ("PUT",), kind_is("reimage")))


def _allowed_too(kind: str, *own: str) -> Callable[[str], Change]:
    """Makes a function of a method. It returns the change that allows it for a kind of resource, in addition to its `own`."""
    return lambda method: gives(allowed_methods, (*own, method), kind_is(kind))


def _refused_yet(effect: Callable[[Call], object]) -> Callable[[str], Change]:
    """Makes a function of a method. It returns the change by which the method, which is refused, has this effect."""

    def change(method: str) -> Change:
        def answer(original: Callable[..., Reply], call: Call, refusal: Refusal) -> Reply:
            if (refusal.defect, call.message.method) == ("verb", method):
                effect(call)
            return original(call, refusal)

        return instead(refuse, answer)

    return change


def _forget(call: Call) -> None:
    call.world.operations.pop(call.route.operation, None)


_METHODS, _ON_OPERATIONS = ("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"), ("POST", "PUT", "DELETE")
Slip("verb-accepted", VERB, "{} reimages as POST does").each(_METHODS, _allowed_too("reimage", "POST"))
Slip(
    "verb-refused-yet-started", VERB, "{} is refused, but the reimage starts", also=("REQ-GOS-NOTFOUND-NOEFFECT",)
).each(_METHODS, _refused_yet(start_although_refused))
Slip("operation-verb-accepted", VERB, "{} on an operation is answered like GET").each(
    _ON_OPERATIONS, _allowed_too("operation", "GET", "HEAD")
)
Slip(
    "operation-verb-forgets",
    VERB,
    "{} on an operation is refused, and the operation is unknown from then on",
    also=("REQ-GOS-TERMINAL-STABLE", "REQ-GOS-200"),
).each(_ON_OPERATIONS, _refused_yet(_forget))
Slip(
    "verb-unknown-accepted",
    VERB,
    "an unknown method reimages as POST does",
    also=(UNKNOWN,),
).by(
    instead(
        check_verb,
        lambda original, call: None if call.message.method.isupper() and _is_unknown(call) else original(call),
        kind_is("reimage"),
    )
)
Slip("verb-not-checked", VERB, "any method reimages", also=(UNKNOWN, "REQ-HTTP-METHOD-CASE")).by(
    skips(check_verb, kind_is("reimage"))
)


def _is_unknown(call: Call) -> bool:
    return call.message.method not in KNOWN_METHODS


def _describe_deployment(original: Callable[..., Reply], call: Call, refusal: Refusal) -> Reply:
    """Answers GET on a role instance with the document of the first deployment of its cloud service."""
    deployments = call.world.services(call.route.subscription).get(call.route.service, [])
    is_get = (refusal.defect, call.message.method, call.kind) == ("verb", "GET", "reimage")
    if not is_get or not deployments:
        return original(call, refusal)
    return document_reply(call, 200, "deployment", deployment_document(call, deployments[0]))


Slip(
    "get-of-role-instance-answered",
    VERB,
    "GET on a role instance gives 200 and a document, although no such operation exists",
).by(instead(refuse, _describe_deployment))
Slip("method-case-ignored", "REQ-HTTP-METHOD-CASE", "post counts as POST", also=(VERB,)).by(
    instead(
        check_verb,
        lambda original, call: None if call.message.method.upper() in allowed_methods(call) else original(call),
    )
)
Slip("unknown-method-405", UNKNOWN, "an unknown method gives 405").by(
    refusal_edit(lambda refusal: replace(refusal, status=405, fields=(("Allow", "POST"),)), "verb-unknown")
)
Slip("unknown-method-404", UNKNOWN, "an unknown method gives 404").by(
    refusal_edit(lambda _: not_found("verb-unknown", "No such resource."), "verb-unknown")
)
Slip("known-method-501", UNKNOWN, "a known method that is not allowed gives 501").by(
    refusal_edit(lambda refusal: replace(refusal, status=501, fields=()), "verb")
)
Slip("allow-missing", ALLOW, "a 405 has no Allow").each(
    ("reimage", "operation", "deployment"),
    lambda kind: reply_edit(fields_removed("Allow"), "verb", when=kind_is(kind)),
)
Slip("allow-missing", ALLOW, "no 405 has Allow").by(reply_edit(fields_removed("Allow"), "verb"))
