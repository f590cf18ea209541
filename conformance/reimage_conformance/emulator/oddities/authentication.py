"""Oddities of authentication: who refuses a caller, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.emulator.admission import check_certificate, check_read_target, refuses_anonymous_in_tls
from reimage_conformance.emulator.conditions import known_after, refusal_edit, refused_with, reply_edit, reply_set
from reimage_conformance.emulator.departures import gives, instead
from reimage_conformance.emulator.oddities.edits import answered_by_front
from reimage_conformance.emulator.oddities.registry import oddity
from reimage_conformance.emulator.world import SUBSCRIPTIONS_OF_CERTIFICATE

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.emulator.messages import Call, Refusal

oddity(
    "certificate-forbidden",
    "a wrong certificate gives 403 ForbiddenError",
    refusal_edit(refused_with(code="ForbiddenError"), "certificate"),
)
oddity(
    "certificate-code-of-its-own",
    "a wrong certificate gives 403 with a code that no document names",
    refusal_edit(refused_with(code="CertificateNotRegistered"), "certificate"),
    lenient_only=True,
)
oddity(
    "certificate-without-document",
    "a wrong certificate gives 403 without content",
    reply_edit(reply_set(body=b"", media_type=""), "certificate"),
    lenient_only=True,
)
oddity(
    "strangers-refused-in-front",
    "a TLS proxy in front of the application answers callers without a registered certificate in HTML",
    reply_edit(
        answered_by_front(b"<html><body>403 Forbidden</body></html>", "text/html"),
        "certificate",
        when=lambda call: call.client.identity not in SUBSCRIPTIONS_OF_CERTIFICATE,
    ),
)
oddity(
    "strangers-refused-in-front-400",
    "a TLS proxy in front of the application answers callers without a registered certificate 400 in HTML, as nginx does",
    reply_edit(
        answered_by_front(b"<html>No certificate was sent</html>", "text/html", status=400),
        "certificate",
        when=lambda call: call.client.identity not in SUBSCRIPTIONS_OF_CERTIFICATE,
    ),
)


def _operation_first(original: Callable[..., Refusal | None], call: Call) -> Refusal | None:
    """Refuses a poll of an operation that is not known in the subscription; the certificate is checked after that."""
    unknown = check_read_target(call) if call.kind == "operation" else None
    return unknown or original(call)


oddity(
    "operation-before-certificate",
    "a poll of an operation that is not known, as none is for a moment after its 202, gives 404 before the certificate is checked",
    known_after(0.3),
    instead(check_certificate, _operation_first),
)
oddity(
    "anonymous-refused-in-tls",
    "clients without a certificate are refused in TLS",
    gives(refuses_anonymous_in_tls, value=True),
    server_only=True,
)
oddity(
    "historical-forbidden",
    "every 403 is ForbiddenError",
    refusal_edit(refused_with(code="ForbiddenError"), "certificate"),
)
