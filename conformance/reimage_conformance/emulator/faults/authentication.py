"""Faults in who may do what: client certificates and the subscriptions that they open; they show over TLS only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reimage_conformance.emulator.admission import check_certificate, may_manage
from reimage_conformance.emulator.conditions import both, form_is, kind_is, refusal_edit, refused_with
from reimage_conformance.emulator.departures import When, always, gives, instead, skips
from reimage_conformance.emulator.faults.registry import fault
from reimage_conformance.emulator.layouts import FOREIGN
from reimage_conformance.emulator.lookup import operation_visible
from reimage_conformance.emulator.world import OPENED_BY, Operation

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.emulator.messages import Call
from reimage_conformance.emulator.operations import operation_fails, start_operation

FAIL, TLS, ANY = "REQ-AUTH-FAIL", "REQ-AUTH-TLS", "REQ-AUTH-ANYCERT"
_PLACES: tuple[tuple[str, str, When], ...] = (
    ("", "", always),
    ("[slot]", " to reimage by slot", form_is("slot")),
    ("[name]", " to reimage by name", form_is("name")),
    ("[operation]", " to poll operations", kind_is("operation")),
    ("[deployment]", " to read deployments", kind_is("deployment", "service")),
)


def _holder(*names: str | None) -> When:
    return lambda call: call.client.identity in names


def _note_holder(original: Callable[..., Operation], call: Call, *args: Any) -> Operation:
    operation = original(call, *args)
    call.notes[operation.id] = call.client.identity
    return operation


def _stranger(call: Call) -> bool:
    return call.client.identity not in (None, *OPENED_BY)


for _suffix, _what, _when in _PLACES:
    fault(
        f"anonymous-served{_suffix}",
        TLS,
        f"no certificate is needed{_what}",
        skips(check_certificate, both(_when, _holder(None))),
        also=(FAIL,),
    )
    fault(
        f"stranger-served{_suffix}",
        FAIL,
        f"a certificate that nobody registered will do{_what}",
        skips(check_certificate, both(_when, _stranger)),
    )
    fault(
        f"foreign-subscription-open{_suffix}",
        FAIL,
        f"a certificate of one subscription opens another{_what}",
        skips(
            check_certificate,
            both(_when, lambda call: call.route.subscription == FOREIGN and call.client.identity is not None),
        ),
    )
    fault(
        f"second-certificate-refused{_suffix}",
        ANY,
        f"only the first certificate of a subscription is known{_what}",
        gives(may_manage, value=False, when=both(_when, _holder("second"))),
    )
fault(
    "second-certificate-fails",
    ANY,
    "reimages that the second certificate starts fail",
    instead(start_operation, _note_holder),
    instead(
        operation_fails,
        lambda original, call, operation: call.notes.get(operation.id) == "second" or original(call, operation),
    ),
    also=("REQ-REIMAGE-COMPLETES",),
)
fault(
    "other-certificate-reads-failure",
    ANY,
    "a success is Failed for a certificate that did not start the operation",
    instead(start_operation, _note_holder),
    instead(
        operation_fails,
        lambda original, call, operation: (
            (call.kind == "operation" and call.notes.get(operation.id) != call.client.identity)
            or original(call, operation)
        ),
    ),
    also=("REQ-GOS-READONLY", "REQ-GOS-TERMINAL-STABLE", "REQ-GOS-PROGRESS"),
)
fault("certificate-not-checked", FAIL, "the certificate is not looked at", skips(check_certificate), also=(TLS,))
fault(
    "certificate-checked-once",
    FAIL,
    "only a connection's first request is checked against the subscription",
    skips(check_certificate, both(lambda call: call.position > 1, _holder("main", "second"))),
)
fault(
    "any-registered-certificate-will-do",
    FAIL,
    "any certificate that opens some subscription opens all",
    instead(
        may_manage,
        lambda original, call, subscription: original(call, subscription) or call.client.identity in OPENED_BY,
    ),
)
fault(
    "subscription-compared-by-length",
    FAIL,
    "any subscription id of the right length is opened",
    instead(
        may_manage,
        lambda original, call, subscription: (
            original(call, subscription) or (len(subscription) == 36 and call.client.identity in ("main", "second"))
        ),
    ),
)
fault(
    "operation-tied-to-certificate",
    ANY,
    "an operation can be polled only with the certificate that started it",
    instead(
        operation_visible,
        lambda original, call, operation: (
            original(call, operation) and call.client.identity == call.notes.get(operation.id)
        ),
    ),
    instead(start_operation, _note_holder),
    also=("REQ-REIMAGE-REQID-USABLE",),
)
for _status in (400, 401, 404, 409):
    fault(
        f"certificate-status[{_status}]",
        FAIL,
        f"a request without the right certificate is answered {_status}",
        refusal_edit(refused_with(status=_status), "certificate"),
    )
for _code in ("BadRequest", "Unauthorized", "ResourceNotFound", "AccessDenied"):
    fault(
        f"certificate-code[{_code}]",
        FAIL,
        f"a request without the right certificate gets the code {_code}",
        refusal_edit(refused_with(code=_code), "certificate"),
        also=("REQ-ERR-CODES",),
    )
