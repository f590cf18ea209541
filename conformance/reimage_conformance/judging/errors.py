"""Checks of error answers: their statuses, codes, documents and ids, whatever caused the error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.judging.oracle import expectation_of
from reimage_conformance.judging.registry import about, check
from reimage_conformance.judging.sent import answer_to, with_kind_sent
from reimage_conformance.judging.wording import is_busy, is_other_redirect, is_standard, reply_summary, symptom
from reimage_conformance.model import Identity
from reimage_conformance.protocol.addresses import Kind, is_plain, read_target
from reimage_conformance.protocol.documents import error_code, looks_like_xml, read_document, read_error
from reimage_conformance.quantities import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Exchange, Response, Verdict

TABLE_KEYS = ("version-missing", "version-malformed", "version-old", "comp", "place", "instance")
"""The keys of the defects that the error table lists (REQ-ERR-CODES)."""
BY_TABLE = ("place", "instance")
"""The keys of those whose status stands in the table alone; the requirements of the others give a status too."""
STRANGERS = (Identity.NONE, Identity.UNKNOWN)
"""Callers whom the endpoint does not know."""
_OF_HTTP = (408, 411, 413, 414, 417, 421, 426, 429, 431)
"""Statuses of 4xx that HTTP software may send before the application sees a request."""


def _is_application_error(world: World, exchange: Exchange) -> bool:
    """Whether a reply is certainly a 4xx of the application.

    The request addresses something of this protocol and has a defect, or polls with another caller's certificate.
    Neither HTTP software nor a TLS layer in front of the application has a reason to refuse it.
    """
    response = exchange.reply
    if response is None or not 400 <= response.status < 500 or response.status in _OF_HTTP:
        return False
    if exchange.request.method == "HEAD" or is_refused_before_application(exchange):
        return False
    judged = expectation_of(exchange.request, world)
    if not judged.passes_http or exchange.request.values("Transfer-Encoding"):
        return False
    is_length_missing = any(defect.key == "length-missing" for defect in judged.defects)
    if is_length_missing and response.status == 400 and not looks_like_xml(response):
        return False  # HTTP software may ask for a length with 400 as it may with 411 (REQ-REIMAGE-CL-ABSENT)
    wrong = bool(judged.defects) or exchange.label == "poll-stranger"
    return wrong and read_target(exchange.request.resource).kind is not Kind.OTHER


def is_refused_before_application(exchange: Exchange) -> bool:
    """Whether the TLS layer in front of the application refused an unknown caller.

    That layer writes neither Error documents nor request ids.
    """
    reply = exchange.reply
    if reply is None or exchange.request.identity not in STRANGERS:
        return False
    return not reply.values("x-ms-request-id") and not looks_like_xml(reply)


@check
def error_document_present(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """Every 4xx of the application carries the Error document (REQ-ERR-BODY-OPTIONAL)."""
    for exchange in exchanges:
        if exchange.reply is not None and _is_application_error(world, exchange):
            verdict = about("REQ-ERR-BODY-OPTIONAL", exchange)
            present = bool(exchange.reply.body.strip()) and looks_like_xml(exchange.reply)
            content_type = exchange.reply.header("Content-Type")
            media = f"Content-Type {content_type}" if content_type else "no Content-Type"
            content = f"{counted(len(exchange.reply.body), 'octet')}, {media}"
            actual = f"{reply_summary(exchange)}, {content} {answer_to(exchange.request)}"
            yield verdict.judged(present, "an Error document", actual, "no-error-document")


@check
def error_document_form(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """An error's XML body is an Error document with Code, then Message (REQ-ERR-BODY-FORMAT)."""
    del world
    for exchange in exchanges:
        response = exchange.reply
        if (
            response is None
            or response.status < 400
            or exchange.request.method == "HEAD"
            or not looks_like_xml(response)
        ):
            continue
        yield from _error_form(exchange, response)


def _error_form(exchange: Exchange, response: Response) -> Iterator[Verdict]:
    """The verdict on one Error document."""
    verdict = about("REQ-ERR-BODY-FORMAT", exchange)
    document = read_document(response)
    error = read_error(document)
    if document.encoding_problem:
        yield verdict.inconclusive(f"the Error document cannot be read: {document.encoding_problem}")
    elif error.problem:
        yield verdict.violated("an Error element with Code, then Message", error.problem, "error-form")
    elif error.misordered:
        yield verdict.advised("Code before Message", "Message before Code", "error-order")
    else:
        yield verdict.met(f"Error with {error.code}")


@check
def error_statuses(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """Errors have standard status codes, and never a 2xx (REQ-ERR-STATUS).

    Errors that HTTP software meets before the application sees the request are judged by the requirements of HTTP.
    """
    for exchange in exchanges:
        response = exchange.reply
        if response is None or response.status < 200:
            continue
        judged = expectation_of(exchange.request, world)
        is_below_application = any(defect.layer == "http" for defect in judged.defects)
        verdict = about("REQ-ERR-STATUS", exchange)
        if response.status < 300 and looks_like_xml(response) and read_document(response).local_name == "Error":
            actual = f"{reply_summary(exchange)} with an Error document"
            yield verdict.violated("a 4xx or 5xx status", actual, "error-in-2xx")
        elif not is_standard(response.status):
            yield verdict.violated("a standard HTTP status code", reply_summary(exchange), f"status:{response.status}")
        elif is_other_redirect(response.status) and judged.must_be_refused_for and is_plain(exchange.request.target):
            yield verdict.violated(
                "a 4xx status for a client's error", reply_summary(exchange), f"status:{response.status}"
            )
        elif (
            response.status >= 500
            and response.status not in (501, 503, 505)
            and judged.must_be_refused_for
            and not is_below_application
        ):
            unauthorised = ("REQ-AUTH-FAIL",) if any(defect.layer == "auth" for defect in judged.defects) else ()
            because_of = tuple(dict.fromkeys((*(defect.requirement for defect in judged.defects), *unauthorised)))
            yield verdict.violated(
                "a 4xx status for a client's error", reply_summary(exchange), "server-error", because=because_of
            )
        elif response.status >= 400 and read_target(exchange.request.resource).kind in (Kind.REIMAGE, Kind.OPERATION):
            yield verdict.met(reply_summary(exchange))  # other calls may not be offered at all


@check
def error_request_ids(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """Error answers of the application carry x-ms-request-id too (REQ-ASYNC-REQID-ERRORS)."""
    for exchange in exchanges:
        response = exchange.reply
        if response is not None and (response.status == 409 or _is_application_error(world, exchange)):
            verdict = about("REQ-ASYNC-REQID-ERRORS", exchange)
            present = any(response.values("x-ms-request-id"))
            actual = f"{reply_summary(exchange)} {'with an' if present else 'without'} x-ms-request-id"
            yield verdict.judged(present, "an x-ms-request-id", actual, "no-request-id")


@check
def error_codes(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """Refusals that the error table lists have its status and code (REQ-ERR-CODES).

    Only requests with a single defect are judged. Requests labelled "varied" are left out: they are compared with the
    same request without the variation.
    """
    for exchange in exchanges:
        response = exchange.reply
        judged = expectation_of(exchange.request, world)
        if (
            response is None
            or response.status < 400
            or exchange.label == "varied"
            or len(judged.defects) != 1
            or judged.defects[0].key not in TABLE_KEYS
        ):
            continue
        defect, code = judged.defects[0], error_code(response)
        if is_busy(exchange) or response.status == 409:
            continue
        verdict = about("REQ-ERR-CODES", exchange)
        if response.status not in defect.statuses:
            because = () if defect.key in BY_TABLE and response.status < 500 else (defect.requirement,)
            if not is_standard(response.status):
                because = ("REQ-ERR-STATUS",)
            actual = with_kind_sent(reply_summary(exchange), exchange.request, defect)
            yield verdict.violated(str(defect), actual, symptom(exchange), because=because)
        elif code and defect.codes(response.status) and code not in defect.codes(response.status):
            actual = with_kind_sent(reply_summary(exchange), exchange.request, defect)
            yield verdict.violated(str(defect), actual, f"code:{code}")
        elif code:
            yield verdict.met(reply_summary(exchange))
