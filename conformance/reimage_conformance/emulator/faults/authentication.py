"""Faults in authentication: client certificates and the subscriptions that they open; they show over TLS only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reimage_conformance.emulator.admission import check_certificate, may_manage
from reimage_conformance.emulator.conditions import both, kind_is, later_on_connection, refusal_code, refusal_status
from reimage_conformance.emulator.departures import When, gives, instead, skips
from reimage_conformance.emulator.faults.registry import Slip
from reimage_conformance.emulator.layouts import FOREIGN
from reimage_conformance.emulator.lookup import operation_visible
from reimage_conformance.emulator.operations import operation_fails, start_operation
from reimage_conformance.emulator.places import BY_NAME, BY_SLOT, EVERYWHERE, OPERATION, READING
from reimage_conformance.emulator.world import SUBSCRIPTIONS_OF_CERTIFICATE, Operation

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.emulator.messages import Call

FAIL, TLS, ANY = "REQ-AUTH-FAIL", "REQ-AUTH-TLS", "REQ-AUTH-ANYCERT"
_PLACES = (
    EVERYWHERE,
    BY_SLOT.called(" to reimage by slot"),
    BY_NAME.called(" to reimage by name"),
    OPERATION.called(" to poll operations"),
    READING,
)


def _holder(*names: str | None) -> When:
    """Calls of the holder of one of these certificates; None is a client without one."""
    return lambda call: call.client.identity in names


def _note_holder(original: Callable[..., Operation], call: Call, *args: Any) -> Operation:
    """Notes with which certificate an operation was started."""
    operation = original(call, *args)
    call.notes[operation.id] = call.client.identity
    return operation


def _stranger(call: Call) -> bool:
    return call.client.identity not in (None, *SUBSCRIPTIONS_OF_CERTIFICATE)


def _foreign(call: Call) -> bool:
    return call.route.subscription == FOREIGN and call.client.identity is not None


Slip("anonymous-served", TLS, "no certificate is needed{}", also=(FAIL,)).at(
    _PLACES, lambda place: skips(check_certificate, both(place.when, _holder(None)))
)
Slip("stranger-served", FAIL, "a certificate that is not registered is accepted{}").at(
    _PLACES, lambda place: skips(check_certificate, both(place.when, _stranger))
)
Slip("anonymous-served[cloud-service]", TLS, "Get Cloud Service Properties needs no certificate", also=(FAIL,)).by(
    skips(check_certificate, both(kind_is("service"), _holder(None)))
)
Slip(
    "stranger-served[deployment-by-name]", FAIL, "Get Deployment by name accepts a certificate that is not registered"
).by(skips(check_certificate, lambda call: call.kind == "deployment" and call.form == "name" and _stranger(call)))
Slip("foreign-subscription-open", FAIL, "a certificate of one subscription opens another{}").at(
    _PLACES, lambda place: skips(check_certificate, both(place.when, _foreign))
)
Slip("second-certificate-refused", ANY, "only the first certificate of a subscription is known{}").at(
    _PLACES, lambda place: gives(may_manage, value=False, when=both(place.when, _holder("second")))
)
Slip("second-certificate-fails", ANY, "reimages with the second certificate fail", also=("REQ-REIMAGE-COMPLETES",)).by(
    instead(start_operation, _note_holder),
    instead(
        operation_fails,
        lambda original, call, operation: call.notes.get(operation.id) == "second" or original(call, operation),
    ),
)
Slip(
    "other-certificate-reads-failure",
    ANY,
    "a success is Failed for a certificate that did not start the operation",
    also=("REQ-GOS-READONLY", "REQ-GOS-TERMINAL-STABLE", "REQ-GOS-PROGRESS"),
).by(
    instead(start_operation, _note_holder),
    instead(
        operation_fails,
        lambda original, call, operation: (
            (call.kind == "operation" and call.notes.get(operation.id) != call.client.identity)
            or original(call, operation)
        ),
    ),
)
Slip("certificate-not-checked", FAIL, "the certificate is not looked at", also=(TLS,)).by(skips(check_certificate))
Slip("certificate-checked-once", FAIL, "only a connection's first request is checked against the subscription").by(
    skips(check_certificate, both(later_on_connection, _holder("main", "second")))
)
Slip("any-registered-certificate-will-do", FAIL, "any certificate that opens some subscription opens all").by(
    instead(
        may_manage,
        lambda original, call, subscription: (
            original(call, subscription) or call.client.identity in SUBSCRIPTIONS_OF_CERTIFICATE
        ),
    )
)
Slip("subscription-compared-by-length", FAIL, "any subscription id of the right length is opened").by(
    instead(
        may_manage,
        lambda original, call, subscription: (
            original(call, subscription) or (len(subscription) == 36 and call.client.identity in ("main", "second"))
        ),
    )
)
Slip(
    "operation-tied-to-certificate",
    ANY,
    "an operation can be polled only with the certificate that started it",
    also=("REQ-REIMAGE-REQID-USABLE",),
).by(
    instead(
        operation_visible,
        lambda original, call, operation: (
            original(call, operation) and call.client.identity == call.notes.get(operation.id)
        ),
    ),
    instead(start_operation, _note_holder),
)
Slip("certificate-status", FAIL, "a request without the right certificate is answered {}").each(
    (400, 401, 404, 409), refusal_status("certificate")
)
Slip(
    "certificate-code", FAIL, "a request without the right certificate gets the code {}", also=("REQ-ERR-CODES",)
).each(("BadRequest", "Unauthorized", "ResourceNotFound", "AccessDenied"), refusal_code("certificate"))
