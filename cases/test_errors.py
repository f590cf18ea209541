"""Errors: verbs, and what holds for every error answer of the run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reimage_conformance.casebook import (
    Declared,
    SystemUnderTest,
    Witness,
    at_the_end,
    each_form,
    forms,
    smoke,
    values,
    verifies,
)
from reimage_conformance.judging.errors import (
    error_codes,
    error_document_form,
    error_document_present,
    error_request_ids,
    error_statuses,
)
from reimage_conformance.judging.transport.answers import answered_with, not_answered_with
from reimage_conformance.judging.transport.messages import error_media_types
from reimage_conformance.model import Exchange, Request
from reimage_conformance.protocol.addresses import Kind, UriForm, read_target
from reimage_conformance.protocol.documents import error_code, looks_like_xml, read_document, read_error


@forms
@verifies("REQ-ERR-VERB", "REQ-REIMAGE-METHOD", "REQ-HTTP-UNKNOWN-METHOD")
@values("method", ("PUT", "GET", "DELETE", "PATCH", "HEAD", "OPTIONS"), smoke_of=("GET",))
def test_a_verb_other_than_post_is_refused(sut: SystemUnderTest, form: UriForm, method: str) -> Declared:
    """A verb that is not valid for the resource is refused, and nothing starts."""
    return Declared(replace(sut.reimage_of(Witness.METHOD, form), method=method), then=judge_known_method)


def judge_known_method(sut: SystemUnderTest, exchange: Exchange) -> None:
    """Judges that a method that HTTP defines is not refused with 501, the status for unknown methods."""
    arguments = {
        "statuses": [501],
        "expected": "405 Method Not Allowed, or 400 with InvalidHttpVerb, but not 501, since HTTP defines the method",
    }
    if exchange.is_error:  # any other answer is not a refusal
        sut.judge(not_answered_with, exchange, requirement="REQ-HTTP-UNKNOWN-METHOD", **arguments)


@each_form
@verifies("REQ-ERR-VERB", "REQ-HTTP-UNKNOWN-METHOD")
@pytest.mark.parametrize("method", ["REIMAGE", "POSTS", "POS", "BREW", "TRACE"])
def test_an_unknown_verb_is_refused(sut: SystemUnderTest, form: UriForm, method: str) -> Declared:
    """A method that the service does not know is refused: 501, or what the error table says."""
    request = replace(sut.reimage_of(Witness.METHOD, form), method=method)
    return Declared(request, "REQ-ERR-VERB", then=judge_unknown_method)


@each_form
@verifies("REQ-HTTP-METHOD-CASE")
@pytest.mark.parametrize("method", ["post", "Post"])
def test_methods_are_case_sensitive(sut: SystemUnderTest, form: UriForm, method: str) -> Request:
    """`post` is not POST."""
    return replace(sut.reimage_of(Witness.METHOD, form), method=method)


@smoke
@at_the_end
@verifies("REQ-ERR-BODY-OPTIONAL")
async def test_every_application_error_carries_an_error_document(sut: SystemUnderTest) -> None:
    """An error of the application has an Error document, whose code says what was wrong."""
    sut.judge_all(error_document_present)


@smoke
@at_the_end
@verifies("REQ-ERR-BODY-FORMAT")
async def test_every_error_document_is_well_formed(sut: SystemUnderTest) -> None:
    """An error's XML body has root Error with Code, then Message."""
    sut.judge_all(error_document_form)


@smoke
@at_the_end
@verifies("REQ-ERR-STATUS")
async def test_errors_use_standard_status_codes(sut: SystemUnderTest) -> None:
    """A client's error has a standard 4xx status, and no error has a 2xx."""
    sut.judge_all(error_statuses)


@smoke
@at_the_end
@verifies("REQ-ERR-CODES")
async def test_the_error_table_binds(sut: SystemUnderTest) -> None:
    """A wrong version or query parameter, or an unknown resource, is answered with the status and code of the error table."""
    sut.judge_all(error_codes)


@smoke
@at_the_end
@verifies("REQ-ERR-CT")
async def test_xml_errors_name_an_xml_media_type(sut: SystemUnderTest) -> None:
    """An error with XML content says so in Content-Type."""
    sut.judge_all(error_media_types)


@smoke
@at_the_end
@verifies("REQ-ASYNC-REQID-ERRORS")
async def test_errors_carry_a_request_id(sut: SystemUnderTest) -> None:
    """Error answers carry x-ms-request-id too."""
    sut.judge_all(error_request_ids)


def xml_errors(sut: SystemUnderTest) -> list[Exchange]:
    """Every exchange with a resource of the protocol that was answered with an error in XML."""
    ours = [
        e
        for e in sut.recorder.exchanges
        if e.label != "probe" and read_target(e.request.resource).kind is not Kind.OTHER
    ]
    return [e for e in ours if e.reply is not None and e.is_error and looks_like_xml(e.reply)]


@smoke
@at_the_end
@verifies("REQ-ERR-NS", "REQ-ERR-EXTRA", "REQ-ERR-MESSAGE")
async def test_what_error_documents_look_like(sut: SystemUnderTest) -> None:
    """Records the namespace of errors, further children, and what messages say."""
    seen = xml_errors(sut)
    read = [(e, read_error(read_document(e.reply))) for e in seen if e.reply is not None]
    namespaces = sorted({error.namespace or "none" for _, error in read if not error.problem})
    extra = sorted({name for _, error in read for name in error.extra})
    messages = {error_code(e.reply): error.message for e, error in read if e.reply is not None and error.code}
    sut.observe(
        "REQ-ERR-NS", f"namespace of errors: {', '.join(namespaces) or 'no readable error document'}", *seen[:1]
    )
    sut.observe("REQ-ERR-EXTRA", f"further children of Error: {', '.join(extra) or 'none'}", *seen[:1])
    sut.observe(
        "REQ-ERR-MESSAGE",
        "; ".join(f"{code}: {text[:60]}" for code, text in sorted(messages.items())[:4]) or "none",
        *seen[:1],
    )


def judge_unknown_method(sut: SystemUnderTest, exchange: Exchange) -> None:
    """Judges the status of the refusal of a method that is not of the protocol; a server may allow TRACE."""
    is_trace = exchange.request.method == "TRACE"
    if is_trace and exchange.is_successful:
        return
    statuses, phrase = ([405, 400, 404], "405 Method Not Allowed") if is_trace else ([501, 400], "501 Not Implemented")
    arguments = {"statuses": statuses, "expected": f"{phrase}, or 400 with InvalidHttpVerb"}
    sut.judge(answered_with, exchange, requirement="REQ-HTTP-UNKNOWN-METHOD", **arguments)
