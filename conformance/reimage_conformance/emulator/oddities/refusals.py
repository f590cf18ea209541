"""Oddities of refusals: which of several permitted answers is given, and which defect is looked at first."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from reimage_conformance.emulator.admission import (
    Check,
    check_conflict,
    check_reimage_target,
    check_version,
    checks,
    comp_selects,
    version_known,
)
from reimage_conformance.emulator.departures import Change, edits, instead, skips
from reimage_conformance.emulator.faults.conditions import error_edit, refusal_edit, refused_with, reply_edit, reply_set
from reimage_conformance.emulator.http1 import reply_to
from reimage_conformance.emulator.lookup import find_deployment, find_operation
from reimage_conformance.emulator.messages import Call, Refusal, Reply
from reimage_conformance.emulator.oddities.registry import oddity
from reimage_conformance.emulator.operations import operation_error, operation_http_status
from reimage_conformance.emulator.reading import check_both_lengths, check_folding, check_transfer_encoding
from reimage_conformance.emulator.world import OPENED_BY, Deployment, Instance

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reimage_conformance.emulator.world import Operation

_HTTP = (
    "request-line",
    "request-line-long",
    "protocol",
    "folding",
    "colon",
    "field",
    "host-twice",
    "host-missing",
    "host-invalid",
    "coding-order",
    "coding-unknown",
    "length-invalid",
    "length-differs",
    "both-lengths",
    "expectation",
    "body-large",
    "chunks",
    "head-long",
)

oddity(
    "verbs-400",
    "a wrong verb gives 400 InvalidHttpVerb",
    refusal_edit(refused_with(status=400, fields=()), "verb", "verb-unknown"),
    advisories=("REQ-HTTP-UNKNOWN-METHOD",),
)
oddity(
    "verbs-404",
    "a wrong verb gives 404",
    refusal_edit(refused_with(status=404, code="ResourceNotFound", fields=()), "verb", "verb-unknown"),
    advisories=("REQ-HTTP-UNKNOWN-METHOD",),
)
oddity(
    "verbs-501",
    "a wrong verb gives 501",
    refusal_edit(refused_with(status=501, fields=()), "verb"),
    advisories=("REQ-HTTP-UNKNOWN-METHOD",),
)
oddity(
    "head-not-allowed",
    "HEAD is a wrong verb everywhere",
    Change("allowed_methods", lambda original, call: tuple(each for each in original(call) if each != "HEAD")),
)
oddity("length-400", "a missing Content-Length gives 400", refusal_edit(refused_with(status=400), "length"))
oddity(
    "type-415", "a missing Content-Type gives 415", refusal_edit(refused_with(status=415), "type-missing", "type-wrong")
)
oddity(
    "type-400",
    "a wrong Content-Type gives 400 InvalidContentType",
    refusal_edit(refused_with(status=400, code="InvalidContentType"), "type-missing", "type-wrong"),
)
oddity("body-413", "a body gives 413", refusal_edit(refused_with(status=413), "body"))
oddity(
    "body-413-and-close",
    "a body gives 413 and the connection is closed",
    refusal_edit(refused_with(status=413, close=True), "body"),
)
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
    "newer-versions-code-of-its-own",
    "versions after 2012-03-01 give 400 with a code that no document names",
    instead(version_known, lambda original, call, version: original(call, version) and version <= "2012-03-01"),
    refusal_edit(refused_with(code="VersionNotSupported"), "version-unknown"),
    lenient_only=True,
)
oddity(
    "unknown-names-code-of-its-own",
    "what does not exist gives 404 with a code that no document names",
    refusal_edit(refused_with(code="NoSuchThing"), "service", "slot", "deployment", "instance", "operation"),
    lenient_only=True,
)
oddity(
    "conflict-code-of-its-own",
    "a busy deployment gives 409 with a code that no document names",
    refusal_edit(refused_with(code="DeploymentBusy"), "conflict"),
    lenient_only=True,
)
oddity(
    "unknown-operation-400",
    "an unknown operation id gives 400 BadRequest",
    refusal_edit(refused_with(status=400, code="BadRequest"), "operation"),
)
oddity(
    "malformed-operation-400",
    "a malformed operation id gives 400 BadRequest",
    refusal_edit(
        refused_with(status=400, code="BadRequest"), "operation", when=lambda call: len(call.route.operation) != 32
    ),
)
oddity("refusals-close", "the connection is closed after every refusal", error_edit(reply_set(close=True)))
oddity(
    "http-errors-html",
    "what HTTP forbids is answered in HTML",
    reply_edit(lambda _, reply: _plain(reply, b"<html><body>Bad Request</body></html>", "text/html"), *_HTTP),
    advisories=("REQ-ASYNC-REQID-ERRORS",),
)
oddity(
    "http-errors-empty",
    "what HTTP forbids is answered without content",
    reply_edit(lambda _, reply: _plain(reply, b"", ""), *_HTTP),
    advisories=("REQ-ASYNC-REQID-ERRORS",),
)
oddity(
    "strangers-refused-in-front",
    "what ends TLS answers callers without a registered certificate in HTML, before the application sees them",
    reply_edit(
        lambda _, reply: _plain(reply, b"<html><body>403 Forbidden</body></html>", "text/html"),
        "certificate",
        when=lambda call: call.connection.identity not in OPENED_BY,
    ),
)
oddity(
    "unplain-targets-html",
    "NUL, slashes in names and what is no UTF-8 are answered in HTML, before the application sees them",
    reply_edit(
        lambda _, reply: _plain(reply, b"<html><body>Bad Request</body></html>", "text/html"),
        *("service", "slot", "deployment", "instance", "operation", "comp-wrong"),
        when=lambda call: bool(re.search(r"%(00|FF|C3%28|2F|5C)", call.message.target, re.IGNORECASE)),
    ),
)
oddity("folded-lines-read", "folded header lines are read as spaces", skips(check_folding))
oddity(
    "both-lengths-decoded",
    "with two kinds of framing the coding counts, and the connection is closed",
    skips(check_both_lengths),
    instead(
        reply_to,
        lambda original, call, *args: _closing(original(call, *args)) if _two_framings(call) else original(call, *args),
    ),
)
oddity(
    "chunked-411",
    "any chunked request gives 411",
    instead(
        check_transfer_encoding,
        lambda original, call: (
            Refusal("coding", 411, "BadRequest", "A length is required.", close=True)
            if call.message.values("transfer-encoding") == ["chunked"] and not _two_framings(call)
            else original(call)
        ),
    ),
)


def _plain(reply: Reply, body: bytes, media_type: str) -> None:
    reply.body, reply.media_type, reply.request_id = body, media_type, ""


def _two_framings(call: Call) -> bool:
    return bool(call.message.values("transfer-encoding")) and bool(call.message.values("content-length"))


def _closing(reply: Reply) -> Reply:
    return replace(reply, close=True)


def _reordered(order: Callable[[list[Check]], Sequence[Check]]) -> Change:
    return edits(checks, lambda _, given: order(list(given)))


def _moved(name: str, place: int) -> Change:
    """Moves one check to a place among the others, after the certificate's."""

    def order(given: list[Check]) -> list[Check]:
        rest = [check for check in given if check.__name__ != name]
        moved = [check for check in given if check.__name__ == name]
        return rest[:place] + moved + rest[place:]

    return _reordered(order)


def _first_version(original: Callable[..., Refusal | None], call: Call) -> Refusal | None:
    """Looks at the first of several versions, whether they come on lines of their own or as a list."""
    first = call.version.partition(",")[0].strip()
    fields = tuple(field for field in call.message.fields if field[0].lower() != "x-ms-version")
    fields += (("x-ms-version", first),) if call.message.values("x-ms-version") else ()
    return original(replace(call, message=replace(call.message, fields=fields)))


oddity("first-version-counts", "of several versions the first counts", instead(check_version, _first_version))
oddity("version-checked-last", "the version is looked at after everything else", _moved("check_version", 99))
oddity(
    "target-checked-first",
    "the role instance is looked up before the request is looked at",
    _moved("check_reimage_target", 3),
)
oddity("target-checked-before-comp", "the role instance is looked up before comp", _moved("check_reimage_target", 4))
oddity("body-checked-first", "the body is looked at first of all", _moved("check_body", 3))
oddity("type-checked-first", "the media type is looked at first of all", _moved("check_media_type", 3))
oddity(
    "resource-before-certificate",
    "whether there is such a path is looked at before the certificate",
    _moved("check_certificate", 1),
)
oddity(
    "checks-in-reverse",
    "everything is looked at in reverse order, except for certificate, path and conflict",
    _reordered(
        lambda given: [*given[:2], *given[-2:1:-1], given[-1]] if given[-1].__name__ == "check_conflict" else given
    ),
)


def _busy_first(original: Callable[..., Refusal | None], call: Call) -> Refusal | None:
    """Says 409 of a deployment that is busy whatever else is wrong with the request."""
    refused = original(call)
    if refused is None or refused.defect in ("certificate", "path", "target", "verb", "verb-unknown"):
        return refused
    for deployment in call.world.services(call.route.subscription).get(call.route.service, []):
        if call.route.place in (deployment.slot, deployment.name):
            call.deployment = deployment
            return check_conflict(call) or refused
    return refused


oddity(
    "busy-checked-first",
    "409 comes before any other refusal",
    Change(
        "first_refusal",
        lambda original, call: _busy_first(original, call) if call.kind == "reimage" else original(call),
    ),
)


def _fails_later(original: Callable[..., Refusal | None], call: Call) -> Refusal | None:
    """Accepts a reimage of what does not exist, to report its failure later."""
    refused = original(call)
    if refused is None or refused.status != 404:
        return refused
    call.deployment = Deployment(call.route.subscription, call.route.service, "nowhere", call.route.place, "0" * 32, {})
    call.instance = Instance("Missing", call.route.instance, failing=True, installation_id="")
    return None


def _missing(operation: Operation) -> bool:
    return operation.instance.role == "Missing"


oddity(
    "unknown-targets-fail-later",
    "the reimage of what does not exist is accepted and ends Failed with 404",
    instead(check_reimage_target, _fails_later),
    instead(
        operation_http_status,
        lambda original, call, operation, status: (
            "404" if status == "Failed" and _missing(operation) else original(call, operation, status)
        ),
    ),
    instead(
        operation_error,
        lambda original, call, operation, status: (
            ("ResourceNotFound", "No such role instance.")
            if status == "Failed" and _missing(operation)
            else original(call, operation, status)
        ),
    ),
)
oddity(
    "versions-later-accepted",
    "any later date is a version",
    instead(version_known, lambda original, call, version: original(call, version) or version > "2009-10-01"),
)
_PUBLISHED = (
    "2009-10-01",
    "2010-04-01",
    "2010-10-28",
    "2011-02-25",
    "2011-06-01",
    "2011-08-01",
    "2011-10-01",
    "2012-03-01",
    "2012-08-01",
    "2013-03-01",
    "2014-04-01",
    "2015-04-01",
)
oddity(
    "versions-published-only",
    "only versions of the published table are known",
    instead(version_known, lambda _, __, version: version in _PUBLISHED),
    advisories=("REQ-VER-OLD-KEPT",),
)
oddity(
    "slots-without-case",
    "slots are matched without regard to case",
    instead(
        find_deployment,
        lambda original, call, service, form, place: original(
            call, service, form, place.lower() if form == "slot" else place
        ),
    ),
)
oddity(
    "names-without-case",
    "names are matched without regard to case",
    Change(
        "find_instance",
        lambda original, call, deployment, name: (
            original(call, deployment, name)
            or next((each for each in deployment.instances.values() if each.name.lower() == name.lower()), None)
        ),
    ),
)
oddity(
    "comp-without-case",
    "comp is matched without regard to case",
    instead(
        comp_selects,
        lambda original, call, values: original(
            call,
            [each.lower() for each in values or [value for name, value in call.route.query if name.lower() == "comp"]],
        ),
    ),
)
oddity(
    "comp-with-others-refused",
    "unknown query parameters are refused",
    instead(comp_selects, lambda original, call, values: original(call, values) and len(call.route.query) == 1),
)
oddity(
    "slash-before-query",
    "a slash before the query is ignored",
    Change(
        "read_segments",
        lambda original, call, segments, path, query: original(
            call, segments[:-1] if segments[-1] == "" and len(segments) > 8 else segments, path, query
        ),
    ),
)
oddity(
    "operation-id-without-case",
    "operations are found by their id in any case, dashed or not",
    instead(
        find_operation,
        lambda original, call, asked: next(
            (
                original(call, each)
                for each in call.world.operations
                if each.replace("-", "").lower() == asked.replace("-", "").lower()
            ),
            None,
        ),
    ),
)
