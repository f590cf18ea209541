"""Decides whether a request is accepted: one small check for each rule, each with its refusal.

`check_reimage_target` and `check_read_target` also look up what the request addresses, and put it into the `Call`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from reimage_conformance.emulator.lookup import find_deployment, find_instance, find_operation, find_service
from reimage_conformance.emulator.messages import Call, Refusal
from reimage_conformance.emulator.operations import conflicting_operation
from reimage_conformance.emulator.points import point
from reimage_conformance.emulator.world import SUBSCRIPTIONS_OF_CERTIFICATE

if TYPE_CHECKING:
    from reimage_conformance.emulator.state import State

Check = Callable[[Call], Refusal | None]

KNOWN_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH")
REIMAGE_SINCE = "2010-10-28"
"""The first version with Reimage Role Instance."""
READ_SINCE = "2009-10-01"
"""The first version with the operations that read."""
VERSIONS = (
    *("2009-10-01", "2010-04-01", "2010-10-28", "2011-02-25", "2011-06-01", "2011-08-01", "2011-10-01", "2012-03-01"),
    *("2012-08-01", "2012-12-01", "2013-03-01", "2013-06-01", "2013-08-01", "2013-11-01", "2014-02-01", "2014-04-01"),
    *("2014-05-01", "2014-06-01", "2014-08-01", "2014-10-01", "2015-03-01", "2015-04-01", "2015-05-01", "2017-01-01"),
)
"""The dates that this emulator knows: those published, mentioned in a document, or sent by the newest client."""
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@point
def first_refusal(call: Call) -> Refusal | None:
    """The first refusal that any check gives, in this emulator's order of checks."""
    for check in checks(call):
        refused = check(call)
        if refused is not None:
            return refused
    return None


@point
def checks(call: Call) -> Sequence[Check]:
    """The checks that this kind of request has to pass, in order."""
    common = (check_certificate, check_resource, check_verb, check_version)
    if call.kind == "reimage":
        return (*common, check_comp, check_body, check_length, check_media_type, check_reimage_target, check_conflict)
    return (*common, check_read_target)


@point
def check_certificate(call: Call) -> Refusal | None:
    """The client certificate must belong to the subscription of the request (REQ-AUTH-FAIL)."""
    if may_manage(call, call.route.subscription):
        return None
    return Refusal("certificate", 403, "AuthenticationFailed", "The server failed to authenticate the request.")


@point
def refuses_anonymous_in_tls(_: State) -> bool:
    """Whether the TLS handshake fails without a client certificate; if not, such a client is answered 403 (REQ-AUTH-TLS)."""
    return False


@point
def may_manage(call: Call, subscription: str) -> bool:
    """Whether the caller's certificate belongs to `subscription`; without TLS no certificate is asked for."""
    return not call.client.tls or subscription in SUBSCRIPTIONS_OF_CERTIFICATE.get(call.client.identity or "", ())


@point
def check_resource(call: Call) -> Refusal | None:
    """The target must be valid and address some kind of resource."""
    if not call.route.valid:
        return Refusal("target", 400, "BadRequest", "The request target is not valid.")
    return None if call.kind else not_found("path", "The requested resource does not exist.")


@point
def check_verb(call: Call) -> Refusal | None:
    """The resource must allow the method (REQ-ERR-VERB, REQ-HTTP-UNKNOWN-METHOD)."""
    if call.message.method in allowed_methods(call):
        return None
    if call.message.method not in KNOWN_METHODS:
        return Refusal("verb-unknown", 501, "InvalidHttpVerb", "The HTTP verb is not known to the server.")
    allow = (("Allow", ", ".join(allowed_methods(call))),)
    return Refusal("verb", 405, "InvalidHttpVerb", "The HTTP verb is not valid for this resource.", allow)


@point
def allowed_methods(call: Call) -> tuple[str, ...]:
    """The methods of the resource; methods are case-sensitive."""
    return ("POST",) if call.kind == "reimage" else ("GET", "HEAD")


@point
def check_version(call: Call) -> Refusal | None:
    """x-ms-version must be present, a date, not before the first version of the operation, and a known version."""
    if not version_present(call):
        return wrong_version("version-missing")
    if not version_well_formed(call, call.version):
        return wrong_version("version-format")
    if call.version < earliest_version(call):
        return wrong_version("version-old")
    return None if version_known(call, call.version) else wrong_version("version-unknown")


@point
def version_present(call: Call) -> bool:
    """Whether there is an x-ms-version header at all."""
    return bool(call.message.values("x-ms-version"))


@point
def version_well_formed(_: Call, version: str) -> bool:
    """Whether `version` has the form YYYY-MM-DD."""
    return _DATE.fullmatch(version) is not None


@point
def earliest_version(call: Call) -> str:
    """The first version with the operation that is requested."""
    return REIMAGE_SINCE if call.kind == "reimage" else READ_SINCE


@point
def version_known(_: Call, version: str) -> bool:
    """Whether `version` is one that this emulator knows."""
    return version in VERSIONS


@point
def check_comp(call: Call) -> Refusal | None:
    """The query must select the operation with exactly one comp=reimage (REQ-REIMAGE-COMP-MISSING)."""
    values = call.route.parameters("comp")
    if comp_selects(call, values):
        return None
    message = "A required query parameter was not specified, or was specified incorrectly."
    return Refusal("comp-wrong" if values else "comp-missing", 400, "MissingOrInvalidRequiredQueryParameter", message)


@point
def comp_selects(_: Call, values: list[str]) -> bool:
    """Whether the values of comp select the reimage."""
    return values == ["reimage"]


@point
def check_body(call: Call) -> Refusal | None:
    """A reimage has no content, and announces none that this emulator did not ask for (REQ-REIMAGE-CL-NONZERO)."""
    if not call.message.body and not call.client.unrequested_octets:
        return None
    return Refusal("body", 400, "BadRequest", "The request must not have a body.")


@point
def check_length(call: Call) -> Refusal | None:
    """A reimage has a Content-Length header (REQ-REIMAGE-CL-ABSENT)."""
    if call.message.values("content-length"):
        return None
    return Refusal("length", 411, "BadRequest", "The Content-Length header is required.")


@point
def check_media_type(call: Call) -> Refusal | None:
    """A reimage names the media type application/xml, with or without parameters (REQ-REIMAGE-CT-ABSENT)."""
    values = call.message.values("content-type")
    if not values:
        return Refusal("type-missing", 400, "BadRequest", "The Content-Type header is required.")
    if media_type_accepted(call, ", ".join(values)):
        return None
    return Refusal("type-wrong", 415, "BadRequest", "The Content-Type must be application/xml.")


@point
def media_type_accepted(_: Call, value: str) -> bool:
    """Whether a Content-Type names application/xml; types are compared without case (RFC 9110 8.3.1)."""
    return value.partition(";")[0].strip(" \t").lower() == "application/xml"


@point
def check_reimage_target(call: Call) -> Refusal | None:
    """Cloud service, deployment and role instance must exist (REQ-REIMAGE-UNKNOWN-SERVICE, -INSTANCE).

    Sets `call.deployment` and `call.instance`.
    """
    refused = check_read_target(call)
    if refused is not None or call.deployment is None:  # a reimage that is not refused has a deployment
        return refused
    call.instance = find_instance(call, call.deployment, call.route.instance)
    if call.instance is None:
        return not_found("instance", f"The role instance {call.route.instance} does not exist.")
    return None


@point
def check_read_target(call: Call) -> Refusal | None:
    """The operation, or the cloud service and the deployment in it, must exist.

    Sets `call.operation` or `call.deployment`, neither for a request about a cloud service.
    """
    if call.kind == "operation":
        call.operation = find_operation(call, call.route.operation)
        return None if call.operation else not_found("operation", "The operation request ID was not found.")
    service = find_service(call, call.route.service)
    if service is None:
        return not_found("service", f"The hosted service {call.route.service} does not exist.")
    if call.kind == "service":
        return None
    call.deployment = find_deployment(call, service, call.form, call.route.slot_or_name)
    if call.deployment is None:
        defect = "slot" if call.form == "slot" else "deployment"
        return not_found(defect, f"No deployment {call.route.slot_or_name} was found.")
    return None


@point
def check_conflict(call: Call) -> Refusal | None:
    """Only one operation at a time may run in a deployment (REQ-CONC-CONFLICT)."""
    running = conflicting_operation(call)
    if running is None:
        return None
    message = f"An operation with request ID {running.id} has exclusive access to the deployment."
    return Refusal("conflict", 409, "ConflictError", message)


def not_found(defect: str, message: str) -> Refusal:
    """The refusal of a request for something that does not exist: 404 ResourceNotFound."""
    return Refusal(defect, 404, "ResourceNotFound", message)


def wrong_version(defect: str) -> Refusal:
    """The refusal of a request for its x-ms-version: 400 MissingOrIncorrectVersionHeader."""
    message = "The versioning header is not specified or was specified incorrectly."
    return Refusal(defect, 400, "MissingOrIncorrectVersionHeader", message)
