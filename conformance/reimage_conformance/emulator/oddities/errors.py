"""Oddities of errors: which of several permitted answers is given, and which defect is noticed first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.emulator.admission import (
    Check,
    allowed_methods,
    check_body,
    check_certificate,
    check_conflict,
    check_media_type,
    check_reimage_target,
    check_version,
    checks,
    first_refusal,
)
from reimage_conformance.emulator.conditions import (
    error_edit,
    kind_is,
    refusal_edit,
    refused_with,
    reply_edit,
    reply_set,
)
from reimage_conformance.emulator.departures import Change, edits, instead
from reimage_conformance.emulator.documents import (
    Node,
    error_document,
    namespace_declarations,
)
from reimage_conformance.emulator.oddities.edits import answered_by_front
from reimage_conformance.emulator.oddities.registry import oddity

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reimage_conformance.emulator.messages import Call, Refusal


_HTTP_DEFECTS = (
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
"""The defects of requests that are not valid HTTP."""

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
    "options-204",
    "OPTIONS is answered 204 with Allow",
    reply_edit(
        reply_set(status=204, body=b"", media_type=""), "verb", when=lambda call: call.message.method == "OPTIONS"
    ),
)
oddity(
    "trace-200",
    "TRACE is answered 200 with the request, as servers do that allow it",
    reply_edit(
        reply_set(status=200, body=b"TRACE / HTTP/1.1\r\n\r\n", media_type="message/http"),
        "verb",
        when=lambda call: call.message.method == "TRACE",
    ),
)
oddity(
    "head-not-allowed",
    "HEAD is allowed on no resource",
    edits(allowed_methods, lambda _, methods: tuple(each for each in methods if each != "HEAD")),
)
oddity("refusals-close", "the connection is closed after every refusal", error_edit(reply_set(close=True)))
oddity(
    "errors-without-id",
    "no error carries a request id",
    error_edit(reply_set(request_id="")),
    advisories=("REQ-ASYNC-REQID-ERRORS",),
)
oddity(
    "http-errors-html",
    "requests that are not valid HTTP are answered in HTML",
    reply_edit(answered_by_front(b"<html><body>Bad Request</body></html>", "text/html"), *_HTTP_DEFECTS),
    advisories=("REQ-ASYNC-REQID-ERRORS",),
)
oddity(
    "http-errors-empty",
    "requests that are not valid HTTP are answered without content",
    reply_edit(answered_by_front(), *_HTTP_DEFECTS),
    advisories=("REQ-ASYNC-REQID-ERRORS",),
)


def _reordered(order: Callable[[list[Check]], Sequence[Check]]) -> Change:
    """Runs the checks of a request in the order that `order` puts them into."""
    return edits(checks, lambda _, given: order(list(given)))


def _moved(moved: Check, index: int) -> Change:
    """Moves one check, if the request has it, to `index` in the list of the others, or to the end of a shorter list."""

    def order(given: list[Check]) -> list[Check]:
        others = [check for check in given if check is not moved]
        return [*others[:index], moved, *others[index:]] if moved in given else others

    return _reordered(order)


def _reversed(given: list[Check]) -> list[Check]:
    """The checks of a reimage in reverse order, except for certificate, path and conflict; those of any other request as they are."""
    return [*given[:2], *given[-2:1:-1], given[-1]] if given[-1] is check_conflict else given


oddity("version-checked-last", "the version is checked after everything else", _moved(check_version, 99))
oddity(
    "target-checked-first",
    "the role instance is looked up before version, query, headers and body are checked",
    _moved(check_reimage_target, 3),
)
oddity("target-checked-before-comp", "the role instance is looked up before comp", _moved(check_reimage_target, 4))
oddity("body-checked-first", "the body is checked before version, query and headers", _moved(check_body, 3))
oddity("type-checked-first", "the media type is checked before version, query and body", _moved(check_media_type, 3))
oddity(
    "resource-before-certificate",
    "the path is checked before the certificate",
    _moved(check_certificate, 1),
)
oddity(
    "checks-in-reverse",
    "everything is checked in reverse order, except for certificate, path and conflict",
    _reordered(_reversed),
)
oddity(
    "checks-in-either-order",
    "everything is checked in the usual order and in reverse order by turns",
    edits(checks, lambda call, given: _reversed(list(given)) if call.number % 2 else given),
)


def _busy_first(original: Callable[..., Refusal | None], call: Call) -> Refusal | None:
    """Refuses with 409 where the deployment is busy, whatever else is wrong with the request."""
    refused = original(call)
    if refused is None or refused.defect in ("certificate", "path", "target", "verb", "verb-unknown"):
        return refused
    for deployment in call.world.services(call.route.subscription).get(call.route.service, []):
        if call.route.slot_or_name in (deployment.slot, deployment.name):
            call.deployment = deployment
            return check_conflict(call) or refused
    return refused


oddity(
    "busy-checked-first",
    "409 comes before any other refusal",
    instead(first_refusal, _busy_first, kind_is("reimage")),
)
oddity(
    "errors-without-namespace",
    "error documents are in no namespace",
    instead(namespace_declarations, lambda original, call, root: "" if root.name == "Error" else original(call, root)),
)
oddity(
    "errors-with-more",
    "error documents have further children",
    edits(
        error_document,
        lambda call, root: root.with_more(
            Node("ExtendedCode", "0x80004005"), Node("ConflictingOperationId", f"{call.number:032x}")
        ),
    ),
)
oddity(
    "errors-with-odd-messages",
    "the messages of errors have special characters and no words",
    edits(
        error_document,
        lambda _, root: Node(root.name, (root.children[0], Node("Message", "<&\"'> \N{SNOWMAN}"), *root.children[2:])),
    ),
)
oddity(
    "historical-errors-empty",
    "errors have no content",
    error_edit(reply_set(body=b"", media_type="")),
    lenient_only=True,
    advisories=("REQ-ERR-CODES",),
)
