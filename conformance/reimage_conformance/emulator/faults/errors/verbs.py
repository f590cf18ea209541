"""Faults in which methods are allowed, and in what is said of the others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reimage_conformance.emulator.admission import KNOWN_METHODS, allowed_methods, check_verb, not_found
from reimage_conformance.emulator.conditions import begin_anyway, field_set, kind_is, refusal_edit, reply_edit
from reimage_conformance.emulator.departures import gives, instead, skips
from reimage_conformance.emulator.faults.registry import fault
from reimage_conformance.emulator.observation import deployment_document
from reimage_conformance.emulator.service import document_reply, refuse

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.emulator.messages import Call, Refusal, Reply

fault(
    "post-refused",
    "REQ-REIMAGE-METHOD",
    "a reimage has to be sent with PUT",
    gives(allowed_methods, ("PUT",), kind_is("reimage")),
    also=("REQ-REIMAGE-URI-SLOT", "REQ-REIMAGE-URI-NAME", "REQ-REIMAGE-202", "REQ-ERR-VERB"),
)
for _method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"):
    fault(
        f"verb-accepted[{_method}]",
        "REQ-ERR-VERB",
        f"{_method} reimages as POST does",
        instead(allowed_methods, lambda _, __, each=_method: ("POST", each), kind_is("reimage")),
    )
    fault(
        f"verb-refused-yet-started[{_method}]",
        "REQ-ERR-VERB",
        f"{_method} is refused, but the reimage starts",
        instead(
            refuse,
            lambda original, call, refusal, each=_method: (
                begin_anyway(call) if (refusal.defect, call.message.method) == ("verb", each) else None,
                original(call, refusal),
            )[1],
        ),
        also=("REQ-GOS-NOTFOUND-NOEFFECT",),
    )
for _method in ("POST", "PUT", "DELETE"):
    fault(
        f"operation-verb-accepted[{_method}]",
        "REQ-ERR-VERB",
        f"{_method} on an operation is answered like GET",
        instead(allowed_methods, lambda _, __, each=_method: ("GET", "HEAD", each), kind_is("operation")),
    )
    fault(
        f"operation-verb-forgets[{_method}]",
        "REQ-ERR-VERB",
        f"{_method} on an operation is refused, and the operation is unknown from then on",
        instead(
            refuse,
            lambda original, call, refusal, each=_method: (
                call.world.operations.pop(call.route.operation, None)
                if (refusal.defect, call.message.method) == ("verb", each)
                else None,
                original(call, refusal),
            )[1],
        ),
        also=("REQ-GOS-TERMINAL-STABLE", "REQ-GOS-200"),
    )
fault(
    "verb-unknown-accepted",
    "REQ-ERR-VERB",
    "a method that nobody knows reimages as POST does",
    instead(
        check_verb,
        lambda original, call: None if call.message.method.isupper() and _is_strange(call) else original(call),
        kind_is("reimage"),
    ),
    also=("REQ-HTTP-UNKNOWN-METHOD",),
)
fault(
    "verb-not-checked",
    "REQ-ERR-VERB",
    "any method reimages",
    skips(check_verb, kind_is("reimage")),
    also=("REQ-HTTP-UNKNOWN-METHOD", "REQ-HTTP-METHOD-CASE"),
)


def _is_strange(call: Call) -> bool:
    return call.message.method not in KNOWN_METHODS


def _describe_instance(original: Callable[..., Reply], call: Call, refusal: Refusal) -> Reply:
    if refusal.defect != "verb" or call.message.method != "GET" or call.kind != "reimage":
        return original(call, refusal)
    services = call.world.services(call.route.subscription).get(call.route.service, [])
    return (
        document_reply(call, 200, "deployment", deployment_document(call, services[0]))
        if services
        else original(call, refusal)
    )


fault(
    "get-of-role-instance-answered",
    "REQ-ERR-VERB",
    "GET on a role instance gives 200 and a document, though no such operation exists",
    instead(refuse, _describe_instance),
)
fault(
    "method-case-ignored",
    "REQ-HTTP-METHOD-CASE",
    "post is taken for POST",
    instead(
        check_verb,
        lambda original, call: None if call.message.method.upper() in allowed_methods(call) else original(call),
    ),
    also=("REQ-ERR-VERB",),
)
fault(
    "unknown-method-405",
    "REQ-HTTP-UNKNOWN-METHOD",
    "an unknown method gives 405",
    refusal_edit(lambda refusal: replace(refusal, status=405, fields=(("Allow", "POST"),)), "verb-unknown"),
)
fault(
    "unknown-method-404",
    "REQ-HTTP-UNKNOWN-METHOD",
    "an unknown method gives 404",
    refusal_edit(lambda _: not_found("verb-unknown", "No such resource."), "verb-unknown"),
)
fault(
    "known-method-501",
    "REQ-HTTP-UNKNOWN-METHOD",
    "a known method that is not allowed gives 501",
    refusal_edit(lambda refusal: replace(refusal, status=501, fields=()), "verb"),
)
for _kind in ("reimage", "operation", "deployment"):
    fault(
        f"allow-missing[{_kind}]",
        "REQ-HTTP-405-ALLOW",
        "a 405 does not say what is allowed",
        reply_edit(field_set("Allow", None), "verb", when=kind_is(_kind)),
    )
fault(
    "allow-missing",
    "REQ-HTTP-405-ALLOW",
    "no 405 says what is allowed",
    reply_edit(field_set("Allow", None), "verb"),
)
