"""The oracle: each change to a sound request gives exactly its defects, with exactly the answers that are permitted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from conformance.model import CountsAs, Identity, Request
from conformance.oracle import Answer, Defect, permitted
from conformance.protocol.addresses import Kind, UriForm
from conformance.protocol.requests import (
    with_body,
    with_chunked,
    with_header,
    with_query,
    with_subscription,
    without_header,
)
from conformance.tests.judging_samples import (
    BUILDER,
    FOREIGN_SUBSCRIPTION,
    LOOK,
    OTHER_SUBSCRIPTION,
    POLL,
    REIMAGE,
    REIMAGE_BY_NAME,
    SUBSCRIPTION,
    lenient,
    world,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.world import World

FAIL, WARN, INFO = CountsAs.FAIL, CountsAs.WARN, CountsAs.INFO
CLIENT_ERRORS = frozenset(range(400, 500))
VERSION_CODE = frozenset({"MissingOrIncorrectVersionHeader"})
QUERY_CODE = frozenset({"MissingOrInvalidRequiredQueryParameter"})
ABSENT_CODE = frozenset({"ResourceNotFound"})
VERB_CODE = frozenset({"InvalidHttpVerb"})
ACCESS_CODES = frozenset({"AuthenticationFailed", "ForbiddenError"})
ANY: frozenset[str] = frozenset()

Answers = tuple[tuple[frozenset[int], frozenset[str]], ...]


def answers(*pairs: tuple[int | tuple[int, ...], frozenset[str]]) -> Answers:
    """Answers written shortly."""
    return tuple(
        (frozenset((statuses,) if isinstance(statuses, int) else statuses), codes) for statuses, codes in pairs
    )


VERSION = answers((400, VERSION_CODE))
QUERY = answers((400, QUERY_CODE))
QUERY_OPEN = answers((400, QUERY_CODE), ((400, 404), ANY))
ABSENT = answers((404, ABSENT_CODE))
BAD = answers((400, ANY))
LENGTH = answers(((400, 411), ANY))
TYPE = answers(((400, 415), ANY))
NAME = answers(((400, 404), ANY))
CODING = answers(((400, 411, 501), ANY))


def header(name: str, *values: str) -> Callable[[Request], Request]:
    return lambda request: with_header(request, name, *values)


def query(text: str | None) -> Callable[[Request], Request]:
    return lambda request: with_query(request, text)


def target(old: str, new: str) -> Callable[[Request], Request]:
    return lambda request: replace(request, target=request.target.replace(old, new, 1))


def method(name: str) -> Callable[[Request], Request]:
    return lambda request: replace(request, method=name)


def both(*changes: Callable[[Request], Request]) -> Callable[[Request], Request]:
    def change(request: Request) -> Request:
        for each in changes:
            request = each(request)
        return request

    return change


def lines(request: Request, *more: tuple[str, str]) -> Request:
    return replace(request, headers=(*request.headers, *more))


def added(*more: tuple[str, str]) -> Callable[[Request], Request]:
    return lambda request: lines(request, *more)


# name, change, key, requirement, answers, strict binding, lenient binding, later, layer
Row = tuple[str, "Callable[[Request], Request]", str, str, Answers, CountsAs, CountsAs, tuple[int, ...], str]
APP, HTTP = "application", "http"
VERB = answers((400, VERB_CODE), ((404, 405, 501), ANY))
VERB_HTTP = answers(((400, 404, 405, 501), ANY))
ROWS: list[Row] = [
    ("no version", header("x-ms-version"), "version-missing", "REQ-VER-MISSING", VERSION, FAIL, FAIL, (), APP),
    ("empty version", header("x-ms-version", ""), "version-malformed", "REQ-VER-FORMAT", VERSION, FAIL, FAIL, (), APP),
    (
        "blank version",
        header("x-ms-version", " \t"),
        "version-malformed",
        "REQ-VER-FORMAT",
        VERSION,
        FAIL,
        FAIL,
        (),
        APP,
    ),
    (
        "version in words",
        header("x-ms-version", "latest"),
        "version-malformed",
        "REQ-VER-FORMAT",
        VERSION,
        FAIL,
        FAIL,
        (),
        APP,
    ),
    (
        "short month",
        header("x-ms-version", "2011-6-01"),
        "version-malformed",
        "REQ-VER-FORMAT",
        VERSION,
        FAIL,
        FAIL,
        (),
        APP,
    ),
    (
        "short day",
        header("x-ms-version", "2011-06-1"),
        "version-malformed",
        "REQ-VER-FORMAT",
        VERSION,
        FAIL,
        FAIL,
        (),
        APP,
    ),
    (
        "short year",
        header("x-ms-version", "11-06-01"),
        "version-malformed",
        "REQ-VER-FORMAT",
        VERSION,
        FAIL,
        FAIL,
        (),
        APP,
    ),
    (
        "no dashes",
        header("x-ms-version", "20101028"),
        "version-malformed",
        "REQ-VER-FORMAT",
        VERSION,
        FAIL,
        FAIL,
        (),
        APP,
    ),
    (
        "day first",
        header("x-ms-version", "28-10-2010"),
        "version-malformed",
        "REQ-VER-FORMAT",
        VERSION,
        FAIL,
        FAIL,
        (),
        APP,
    ),
    (
        "version and more",
        header("x-ms-version", "2011-10-01x"),
        "version-malformed",
        "REQ-VER-FORMAT",
        VERSION,
        FAIL,
        FAIL,
        (),
        APP,
    ),
    (
        "version after more",
        header("x-ms-version", "v2011-10-01"),
        "version-malformed",
        "REQ-VER-FORMAT",
        VERSION,
        FAIL,
        FAIL,
        (),
        APP,
    ),
    (
        "first version of all",
        header("x-ms-version", "2009-10-01"),
        "version-old",
        "REQ-REIMAGE-VERSION-OLD",
        VERSION,
        FAIL,
        WARN,
        (),
        APP,
    ),
    (
        "version below the minimum",
        header("x-ms-version", "2010-04-01"),
        "version-old",
        "REQ-REIMAGE-VERSION-OLD",
        VERSION,
        FAIL,
        WARN,
        (),
        APP,
    ),
    (
        "unpublished old version",
        header("x-ms-version", "2008-01-01"),
        "version-unpublished",
        "REQ-VER-UNPUBLISHED",
        VERSION,
        INFO,
        INFO,
        (),
        APP,
    ),
    (
        "unpublished version",
        header("x-ms-version", "2011-08-18"),
        "version-unpublished",
        "REQ-VER-UNPUBLISHED",
        VERSION,
        INFO,
        INFO,
        (),
        APP,
    ),
    (
        "future version",
        header("x-ms-version", "2999-01-01"),
        "version-unpublished",
        "REQ-VER-UNPUBLISHED",
        VERSION,
        INFO,
        INFO,
        (),
        APP,
    ),
    (
        "impossible date",
        header("x-ms-version", "2011-13-45"),
        "version-unpublished",
        "REQ-VER-UNPUBLISHED",
        VERSION,
        INFO,
        INFO,
        (),
        APP,
    ),
    (
        "another published version",
        header("x-ms-version", "2012-03-01"),
        "version-other",
        "REQ-VER-OLD-KEPT",
        VERSION,
        INFO,
        INFO,
        (),
        APP,
    ),
    (
        "two versions",
        header("x-ms-version", "2011-10-01", "2011-10-01"),
        "version-repeated",
        "REQ-VER-OWS",
        VERSION,
        INFO,
        INFO,
        (),
        APP,
    ),
    ("GET", method("GET"), "method", "REQ-ERR-VERB", VERB, FAIL, WARN, (), APP),
    ("HEAD", method("HEAD"), "method", "REQ-ERR-VERB", VERB, FAIL, WARN, (), APP),
    ("PUT", method("PUT"), "method", "REQ-ERR-VERB", VERB, FAIL, WARN, (), APP),
    ("DELETE", method("DELETE"), "method", "REQ-ERR-VERB", VERB, FAIL, WARN, (), APP),
    ("PATCH", method("PATCH"), "method", "REQ-ERR-VERB", VERB, FAIL, WARN, (), APP),
    ("OPTIONS", method("OPTIONS"), "method", "REQ-ERR-VERB", VERB, FAIL, WARN, (), APP),
    ("TRACE", method("TRACE"), "method", "REQ-ERR-VERB", VERB_HTTP, FAIL, WARN, (), HTTP),
    ("CONNECT", method("CONNECT"), "method", "REQ-ERR-VERB", VERB_HTTP, FAIL, WARN, (), HTTP),
    ("unknown method", method("BREW"), "method", "REQ-ERR-VERB", VERB_HTTP, FAIL, WARN, (), HTTP),
    ("post", method("post"), "method-case", "REQ-HTTP-METHOD-CASE", VERB_HTTP, WARN, WARN, (), HTTP),
    ("Post", method("Post"), "method-case", "REQ-HTTP-METHOD-CASE", VERB_HTTP, WARN, WARN, (), HTTP),
    ("no query", query(None), "comp", "REQ-REIMAGE-COMP-MISSING", QUERY, FAIL, FAIL, (), APP),
    ("empty comp", query("comp="), "comp", "REQ-REIMAGE-COMP-MISSING", QUERY, FAIL, FAIL, (), APP),
    ("unknown comp", query("comp=restart"), "comp", "REQ-REIMAGE-COMP-MISSING", QUERY, FAIL, FAIL, (), APP),
    ("another parameter", query("action=reimage"), "comp", "REQ-REIMAGE-COMP-MISSING", QUERY, FAIL, FAIL, (), APP),
    ("Comp of nothing", query("Comp=x"), "comp", "REQ-REIMAGE-COMP-MISSING", QUERY, FAIL, FAIL, (), APP),
    ("comp=reboot", query("comp=reboot"), "comp-sibling", "REQ-REBOOT", QUERY, INFO, INFO, (), APP),
    ("comp=Rebuild", query("comp=Rebuild"), "comp-sibling", "REQ-REBOOT", QUERY, INFO, INFO, (), APP),
    ("comp=delete", query("comp=delete"), "comp-sibling", "REQ-REBOOT", QUERY, INFO, INFO, (), APP),
    ("COMP=reimage", query("COMP=reimage"), "comp-variant", "REQ-REIMAGE-COMP-EXACT", QUERY_OPEN, INFO, INFO, (), APP),
    ("comp=REIMAGE", query("comp=REIMAGE"), "comp-variant", "REQ-REIMAGE-COMP-EXACT", QUERY_OPEN, INFO, INFO, (), APP),
    (
        "comp= reimage",
        query("comp=%20reimage"),
        "comp-variant",
        "REQ-REIMAGE-COMP-EXACT",
        QUERY_OPEN,
        INFO,
        INFO,
        (),
        APP,
    ),
    (
        "comp twice",
        query("comp=reimage&comp=reimage"),
        "comp-variant",
        "REQ-REIMAGE-COMP-EXACT",
        QUERY_OPEN,
        INFO,
        INFO,
        (),
        APP,
    ),
    (
        "two other comps",
        query("comp=x&comp=y"),
        "comp-variant",
        "REQ-REIMAGE-COMP-EXACT",
        QUERY_OPEN,
        INFO,
        INFO,
        (),
        APP,
    ),
    (
        "a parameter more",
        query("comp=reimage&verbose=1"),
        "comp-company",
        "REQ-REIMAGE-COMP-EXACT",
        QUERY_OPEN,
        INFO,
        INFO,
        (),
        APP,
    ),
    ("a slash more", target("?", "/?"), "comp-company", "REQ-REIMAGE-COMP-EXACT", QUERY_OPEN, INFO, INFO, (), APP),
    ("no Content-Type", header("Content-Type"), "content-type", "REQ-REIMAGE-CT-ABSENT", TYPE, FAIL, INFO, (), APP),
    (
        "text/xml",
        header("Content-Type", "text/xml"),
        "content-type",
        "REQ-REIMAGE-CT-ABSENT",
        TYPE,
        FAIL,
        INFO,
        (),
        APP,
    ),
    (
        "empty Content-Type",
        header("Content-Type", ""),
        "content-type",
        "REQ-REIMAGE-CT-ABSENT",
        TYPE,
        FAIL,
        INFO,
        (),
        APP,
    ),
    (
        "two types",
        header("Content-Type", "application/xml", "text/plain"),
        "content-type",
        "REQ-REIMAGE-CT-ABSENT",
        TYPE,
        FAIL,
        INFO,
        (),
        APP,
    ),
    (
        "the type twice",
        header("Content-Type", "application/xml", "application/xml"),
        "content-type-repeated",
        "REQ-REIMAGE-CT-PARAM",
        TYPE,
        INFO,
        INFO,
        (),
        APP,
    ),
    ("no length", header("Content-Length"), "length-missing", "REQ-REIMAGE-CL-ABSENT", LENGTH, FAIL, INFO, (), APP),
    (
        "a body",
        lambda r: with_body(r, b"x"),
        "body",
        "REQ-REIMAGE-CL-NONZERO",
        answers(((400, 413), ANY)),
        FAIL,
        INFO,
        (),
        APP,
    ),
    (
        "a length of 10",
        header("Content-Length", "10"),
        "body",
        "REQ-REIMAGE-CL-NONZERO",
        answers(((400, 413), ANY)),
        FAIL,
        INFO,
        (),
        APP,
    ),
    (
        "a chunked body",
        lambda r: with_chunked(r, b"<a/>"),
        "body",
        "REQ-REIMAGE-CL-NONZERO",
        answers(((400, 411, 413), ANY)),
        FAIL,
        INFO,
        (),
        APP,
    ),
    ("an empty chunked body", with_chunked, "chunked-empty", "REQ-HTTP-CHUNKED", LENGTH, INFO, INFO, (), APP),
    (
        "another slot",
        target("/production/", "/test/"),
        "slot",
        "REQ-REIMAGE-SLOT-OTHER",
        NAME,
        FAIL,
        FAIL,
        (400, 404),
        APP,
    ),
    (
        "Production",
        target("/production/", "/Production/"),
        "name-case",
        "REQ-REIMAGE-BAD-NAME",
        NAME,
        INFO,
        INFO,
        (400, 404),
        APP,
    ),
    (
        "Contoso",
        target("/contoso/", "/Contoso/"),
        "name-case",
        "REQ-REIMAGE-BAD-NAME",
        NAME,
        INFO,
        INFO,
        (400, 404),
        APP,
    ),
    (
        "webrole1",
        target("/WebRole1_IN_0", "/webrole1_in_0"),
        "name-case",
        "REQ-REIMAGE-BAD-NAME",
        NAME,
        INFO,
        INFO,
        (400, 404),
        APP,
    ),
    (
        "unknown service",
        target("/contoso/", "/nobody/"),
        "place",
        "REQ-REIMAGE-UNKNOWN-SERVICE",
        ABSENT,
        FAIL,
        FAIL,
        (404,),
        APP,
    ),
    (
        "empty slot",
        target("/contoso/deploymentslots/production/", "/fabrikam/deploymentslots/staging/"),
        "place",
        "REQ-REIMAGE-UNKNOWN-SERVICE",
        ABSENT,
        FAIL,
        FAIL,
        (404,),
        APP,
    ),
    (
        "unknown instance",
        target("/WebRole1_IN_0", "/WebRole1_IN_9"),
        "instance",
        "REQ-REIMAGE-UNKNOWN-INSTANCE",
        ABSENT,
        FAIL,
        FAIL,
        (404,),
        APP,
    ),
    (
        "malformed instance",
        target("/WebRole1_IN_0", "/Web%3CRole"),
        "bad-name",
        "REQ-REIMAGE-UNKNOWN-INSTANCE",
        answers(((400, 404, 414), ANY)),
        FAIL,
        FAIL,
        (400, 404),
        APP,
    ),
    (
        "malformed service",
        target("/contoso/", "/con%26toso/"),
        "bad-name",
        "REQ-REIMAGE-UNKNOWN-SERVICE",
        answers(((400, 404, 414), ANY)),
        FAIL,
        FAIL,
        (400, 404),
        APP,
    ),
    ("no Host", header("Host"), "host", "REQ-HTTP-HOST", BAD, FAIL, FAIL, (), HTTP),
    ("two Hosts", header("Host", "a", "a"), "host", "REQ-HTTP-HOST", BAD, FAIL, FAIL, (), HTTP),
    ("invalid Host", header("Host", "a b"), "host", "REQ-HTTP-HOST", BAD, FAIL, FAIL, (), HTTP),
    ("Host with a path", header("Host", "a/b"), "host", "REQ-HTTP-HOST", BAD, FAIL, FAIL, (), HTTP),
    (
        "space before colon",
        added(("X-Extra ", "1")),
        "space-before-colon",
        "REQ-HTTP-WS-COLON",
        BAD,
        FAIL,
        FAIL,
        (),
        HTTP,
    ),
    (
        "tab before colon",
        added(("X-Extra\t", "1")),
        "space-before-colon",
        "REQ-HTTP-WS-COLON",
        BAD,
        FAIL,
        FAIL,
        (),
        HTTP,
    ),
    ("folded line", added(("X-Extra", "a\r\n b")), "folded-line", "REQ-HTTP-OBSFOLD", BAD, INFO, INFO, (), HTTP),
    (
        "length in letters",
        header("Content-Length", "abc"),
        "invalid-length",
        "REQ-HTTP-CL-INVALID",
        BAD,
        FAIL,
        FAIL,
        (),
        HTTP,
    ),
    (
        "negative length",
        header("Content-Length", "-1"),
        "invalid-length",
        "REQ-HTTP-CL-INVALID",
        BAD,
        FAIL,
        FAIL,
        (),
        HTTP,
    ),
    (
        "signed length",
        header("Content-Length", "+0"),
        "invalid-length",
        "REQ-HTTP-CL-INVALID",
        BAD,
        FAIL,
        FAIL,
        (),
        HTTP,
    ),
    (
        "hexadecimal length",
        header("Content-Length", "0x0"),
        "invalid-length",
        "REQ-HTTP-CL-INVALID",
        BAD,
        FAIL,
        FAIL,
        (),
        HTTP,
    ),
    (
        "length and a word",
        header("Content-Length", "0, abc"),
        "invalid-length",
        "REQ-HTTP-CL-INVALID",
        BAD,
        FAIL,
        FAIL,
        (),
        HTTP,
    ),
    (
        "length and nothing",
        header("Content-Length", "0", ""),
        "invalid-length",
        "REQ-HTTP-CL-INVALID",
        BAD,
        FAIL,
        FAIL,
        (),
        HTTP,
    ),
    (
        "empty length",
        header("Content-Length", ""),
        "invalid-length",
        "REQ-HTTP-CL-INVALID",
        LENGTH,
        WARN,
        WARN,
        (),
        HTTP,
    ),
    (
        "equal lengths",
        header("Content-Length", "0", "0"),
        "repeated-length",
        "REQ-HTTP-CL-SAME",
        BAD,
        INFO,
        INFO,
        (),
        HTTP,
    ),
    (
        "a list of equal lengths",
        header("Content-Length", "0, 0"),
        "repeated-length",
        "REQ-HTTP-CL-SAME",
        BAD,
        INFO,
        INFO,
        (),
        HTTP,
    ),
    (
        "length and coding",
        added(("Transfer-Encoding", "chunked")),
        "length-and-coding",
        "REQ-HTTP-TE-CL",
        CODING,
        INFO,
        INFO,
        (),
        HTTP,
    ),
]


def told(defect: Defect) -> tuple[str, str, Answers, CountsAs, frozenset[int], str]:
    """A defect as a tuple that compares plainly."""
    pairs = tuple((answer.statuses, answer.codes) for answer in defect.answers)
    return (defect.key, defect.requirement, pairs, defect.binding, defect.later, defect.layer)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_change_gives_one_defect_under_strict(row: Row) -> None:
    _, change, key, requirement, permits, strict, _, later, layer = row

    found = permitted(change(REIMAGE), world())

    assert [told(defect) for defect in found.defects] == [(key, requirement, permits, strict, frozenset(later), layer)]
    assert found.may_be_accepted is (strict is INFO)
    assert found.must_be_accepted is False
    assert found.binding == (() if strict is INFO else found.defects)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_lenient_leaves_the_form_of_the_applications_refusals_open(row: Row) -> None:
    _, change, key, requirement, permits, _, binding, later, layer = row
    wider = (*permits, (CLIENT_ERRORS, ANY)) if layer == "application" else permits

    found = permitted(change(REIMAGE), lenient())

    assert [told(defect) for defect in found.defects] == [(key, requirement, wider, binding, frozenset(later), layer)]
    assert found.may_be_accepted is (binding is INFO)


def test_a_sound_request_has_to_be_accepted() -> None:
    for request in (REIMAGE, REIMAGE_BY_NAME, POLL, LOOK, BUILDER.cloud_service("contoso")):
        for where in (world(), lenient()):
            found = permitted(request, where)
            assert found.defects == ()
            assert found.binding == ()
            assert found.must_be_accepted is True
            assert found.may_be_accepted is True


SOUND: list[tuple[str, Callable[[Request], Request]]] = [
    ("the minimum version", header("x-ms-version", "2010-10-28")),
    ("spaces around the version", header("x-ms-version", " \t2011-10-01 \t")),
    ("names in upper case", lambda r: replace(r, headers=tuple((k.upper(), v) for k, v in r.headers))),
    ("a charset", header("Content-Type", "application/xml; charset=utf-8")),
    ("the type in upper case", header("Content-Type", "APPLICATION/XML")),
    ("space before the semicolon", header("Content-Type", "application/xml \t; charset=utf-8")),
    ("a literal ContentLength", added(("ContentLength", "0"))),
    ("many zeros", header("Content-Length", "000")),
    ("an encoded letter", target("/WebRole1", "/%57ebRole1")),
    ("absolute form", lambda r: replace(r, target="https://127.0.0.1:8443" + r.target)),
    ("the failing instance", target("/WebRole1_IN_0", "/Broken_IN_0")),
    ("staging", target("/production/", "/staging/")),
    ("the subscription in upper case", lambda r: with_subscription(r, SUBSCRIPTION, SUBSCRIPTION.upper())),
    ("an IPv6 host", header("Host", "[::1]:8443")),
    ("a second certificate", lambda r: replace(r, identity=Identity.SECOND)),
]


@pytest.mark.parametrize(("change", "where"), [(c, w) for _, c in SOUND for w in (world(), lenient())])
def test_a_change_that_makes_no_difference_is_no_defect(change: Callable[[Request], Request], where: World) -> None:
    assert permitted(change(REIMAGE), where).defects == ()


def keys(request: Request, where: World | None = None) -> list[str]:
    return [defect.key for defect in permitted(request, where or world()).defects]


def test_defects_come_in_order_from_the_outside_in() -> None:
    request = both(
        header("Host"),
        header("x-ms-version"),
        header("Content-Type"),
        header("Content-Length"),
        query(None),
        method("PUT"),
        target("/WebRole1_IN_0", "/None_IN_0"),
        target(SUBSCRIPTION, FOREIGN_SUBSCRIPTION),
    )(replace(REIMAGE, identity=Identity.UNKNOWN))

    assert keys(request) == [
        "host",
        "unknown-certificate",
        "foreign-subscription",
        "version-missing",
        "method",
        "comp",
        "content-type",
        "length-missing",
        "instance",
    ]


def test_only_binding_defects_oblige_to_refuse() -> None:
    request = both(header("Content-Type"), query("comp=REIMAGE"), method("post"))(REIMAGE)

    assert [d.key for d in permitted(request, world()).binding] == ["method-case", "content-type"]
    assert [d.key for d in permitted(request, lenient()).binding] == ["method-case"]


FRAMING: list[tuple[str, Callable[[Request], Request], list[str]]] = [
    ("differing lengths", header("Content-Length", "0", "5"), ["differing-lengths", "body"]),
    ("a list of differing lengths", header("Content-Length", "0,5"), ["differing-lengths", "body"]),
    ("equal lengths that are not zero", header("Content-Length", "5", "5"), ["repeated-length", "body"]),
    (
        "an unknown coding",
        both(header("Content-Length"), added(("Transfer-Encoding", "gzip"))),
        ["unknown-coding", "body"],
    ),
    (
        "chunked twice",
        both(header("Content-Length"), added(("Transfer-Encoding", "chunked, chunked"))),
        ["unknown-coding", "body"],
    ),
    (
        "chunked is not last",
        both(header("Content-Length"), added(("Transfer-Encoding", "chunked, gzip"))),
        ["unknown-coding", "body"],
    ),
    ("an unknown coding with a length", added(("Transfer-Encoding", "gzip")), ["length-and-coding", "unknown-coding"]),
    (
        "a length in letters with a coding",
        both(header("Content-Length", "abc"), added(("Transfer-Encoding", "chunked"))),
        ["length-and-coding"],
    ),
    (
        "a length of 5 with a coding",
        both(header("Content-Length", "5"), added(("Transfer-Encoding", "chunked"))),
        ["length-and-coding"],
    ),
    ("CHUNKED", lambda r: with_header(with_chunked(r), "Transfer-Encoding", "CHUNKED"), ["chunked-empty"]),
    (
        "chunked over two lines",
        lambda r: with_header(with_chunked(r), "Transfer-Encoding", "gzip", "chunked"),
        ["unknown-coding", "chunked-empty"],
    ),
    ("a chunk of ten octets", lambda r: with_chunked(r, b"0\r\n5678901"), ["body"]),
    ("a folded Host", header("Host", "127.0.0.1\r\n :8443"), ["host", "folded-line"]),
    ("a length beyond all bounds", header("Content-Length", "9" * 5000), ["body"]),
]


@pytest.mark.parametrize(("change", "expected"), [row[1:] for row in FRAMING], ids=[row[0] for row in FRAMING])
def test_framing_is_read_as_http_says(change: Callable[[Request], Request], expected: list[str]) -> None:
    assert keys(change(REIMAGE)) == expected


def test_differing_lengths_and_unknown_codings_bind() -> None:
    differing = permitted(header("Content-Length", "0", "5")(REIMAGE), world()).defects[0]
    unknown = permitted(added(("Transfer-Encoding", "gzip"))(REIMAGE), world()).defects[1]

    assert told(differing) == ("differing-lengths", "REQ-HTTP-CL-DIFFER", BAD, FAIL, frozenset(), "http")
    assert told(unknown) == ("unknown-coding", "REQ-HTTP-TE-UNKNOWN", CODING, WARN, frozenset(), "http")


ACCESS = answers((403, ACCESS_CODES))
ACCESS_LENIENT = answers((403, ACCESS_CODES), ((401, 404), ANY))


@pytest.mark.parametrize(
    ("identity", "key", "requirement"),
    [(Identity.NONE, "anonymous", "REQ-AUTH-TLS"), (Identity.UNKNOWN, "unknown-certificate", "REQ-AUTH-FAIL")],
)
@pytest.mark.parametrize("base", [REIMAGE, POLL, LOOK], ids=["reimage", "poll", "look"])
def test_without_a_known_certificate_nothing_is_served(
    base: Request, identity: Identity, key: str, requirement: str
) -> None:
    request = replace(base, identity=identity)

    assert [told(d) for d in permitted(request, world()).defects] == [
        (key, requirement, ACCESS, FAIL, frozenset(), "auth")
    ]
    assert [told(d) for d in permitted(request, lenient()).defects] == [
        (key, requirement, ACCESS_LENIENT, FAIL, frozenset(), "auth")
    ]


def test_without_tls_no_certificate_is_asked_for() -> None:
    plain = world(base_url="http://127.0.0.1:8080")

    assert keys(replace(REIMAGE, identity=Identity.NONE), plain) == []
    assert keys(replace(REIMAGE, identity=Identity.UNKNOWN), plain) == []


def test_a_foreign_subscription_is_not_served() -> None:
    request = with_subscription(POLL, SUBSCRIPTION, FOREIGN_SUBSCRIPTION)
    key, requirement = "foreign-subscription", "REQ-AUTH-FAIL"
    configured = {"foreign_subscription_id": FOREIGN_SUBSCRIPTION.upper()}
    unknown = ((frozenset({400, 404}), ANY),)

    assert [told(d) for d in permitted(request, world(**configured)).defects] == [
        (key, requirement, ACCESS, FAIL, frozenset(), "auth")
    ]
    assert [told(d) for d in permitted(request, world()).defects] == [
        (key, requirement, ACCESS + unknown, FAIL, frozenset(), "auth")
    ]
    elsewhere = world(foreign_subscription_id=OTHER_SUBSCRIPTION)
    assert [told(d) for d in permitted(request, elsewhere).defects] == [
        (key, requirement, ACCESS + unknown, FAIL, frozenset(), "auth")
    ]
    assert [told(d) for d in permitted(request, lenient(**configured)).defects] == [
        (key, requirement, ACCESS_LENIENT, FAIL, frozenset(), "auth")
    ]
    plain = world(base_url="http://127.0.0.1:8080", **configured)
    assert [told(d) for d in permitted(request, plain).defects] == [
        (key, requirement, ACCESS, INFO, frozenset(), "auth")
    ]


def test_the_other_subscription_is_our_own() -> None:
    request = with_subscription(POLL, SUBSCRIPTION, OTHER_SUBSCRIPTION)

    assert keys(request, world(other_subscription_id=OTHER_SUBSCRIPTION.upper())) == []
    assert keys(POLL, world(other_subscription_id=OTHER_SUBSCRIPTION)) == []
    assert keys(request) == ["foreign-subscription"]


@pytest.mark.parametrize("base", [POLL, LOOK, BUILDER.cloud_service("contoso")], ids=["poll", "look", "cloud service"])
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2009-10-01", []),
        ("2010-04-01", []),
        ("2010-10-28", []),
        ("2011-10-01", []),
        ("2011-06-01", ["version-other"]),
        ("2009-09-30", ["version-unpublished"]),
        ("2011-08-18", ["version-unpublished"]),
        ("2011-1-1", ["version-malformed"]),
        ("", ["version-malformed"]),
    ],
)
def test_asking_needs_a_version_too_but_an_older_one_will_do(base: Request, value: str, expected: list[str]) -> None:
    assert keys(with_header(base, "x-ms-version", value)) == expected


def test_asking_is_judged_by_host_identity_and_version_alone() -> None:
    assert keys(without_header(POLL, "x-ms-version")) == ["version-missing"]
    assert keys(Request("POST", "/elsewhere", (("Host", "h"), ("x-ms-version", "2011-10-01")))) == [
        "foreign-subscription"
    ]
    assert permitted(Request("GET", "*", (("Host", "h"),)), world()).address.kind is Kind.OTHER


def test_the_targets_own_version_is_sound() -> None:
    request = with_header(REIMAGE, "x-ms-version", "2012-03-01")

    assert keys(request, world(x_ms_version="2012-03-01")) == []
    assert keys(REIMAGE, world(x_ms_version="2012-03-01")) == ["version-other"]


BY_NAME: list[tuple[str, str, str, str]] = [
    ("unknown deployment", "/deployments/contoso-v2/", "/deployments/contoso-v9/", "place"),
    ("deployment in another case", "/deployments/contoso-v2/", "/deployments/CONTOSO-V2/", "name-case"),
    ("deployment of another service", "/deployments/contoso-v2/", "/deployments/fabrikam-v1/", "place"),
    ("malformed deployment", "/deployments/contoso-v2/", "/deployments/contoso%0D/", "bad-name"),
    ("slot as a deployment", "/deployments/contoso-v2/", "/deployments/production/", "place"),
    ("unknown instance", "/WebRole1_IN_0", "/Nobody", "instance"),
]


@pytest.mark.parametrize(("old", "new", "key"), [row[1:] for row in BY_NAME], ids=[row[0] for row in BY_NAME])
def test_the_name_form_names_deployments(old: str, new: str, key: str) -> None:
    found = permitted(target(old, new)(REIMAGE_BY_NAME), world())

    assert found.address.form is UriForm.NAME
    assert [defect.key for defect in found.defects] == [key]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("No_role.(1)-x%20y", "instance"),
        ("a" * 249, "instance"),
        ("a" * 250, "bad-name"),
        (".", "bad-name"),
        ("..", "bad-name"),
        ("...", "instance"),
        ("%20Role", "bad-name"),
        ("Role%20", "bad-name"),
        ("R%C3%B4le", "bad-name"),
        ("Ro~le", "bad-name"),
        ("Role%0A", "bad-name"),
    ],
)
def test_names_that_no_instance_can_have_are_malformed(name: str, key: str) -> None:
    assert keys(target("/WebRole1_IN_0", f"/{name}")(REIMAGE)) == [key]


def test_instances_that_the_endpoint_listed_are_known() -> None:
    where = replace(world(), listed={"contoso-v2": ("Fresh_IN_0",), "contoso-v3": ("Other_IN_0",)})

    assert keys(target("/WebRole1_IN_0", "/Fresh_IN_0")(REIMAGE), where) == []
    assert keys(target("/WebRole1_IN_0", "/Other_IN_0")(REIMAGE), where) == ["instance"]


def test_an_answer_says_itself() -> None:
    assert str(Answer(frozenset({404, 400}))) == "400 or 404"
    assert str(Answer(frozenset({403}), ACCESS_CODES)) == "403 with AuthenticationFailed or ForbiddenError"


def test_a_defect_says_what_it_permits() -> None:
    (unknown,) = permitted(target("/WebRole1_IN_0", "/Nobody")(REIMAGE), world()).defects
    (slot,) = permitted(target("/production/", "/test/")(REIMAGE), world()).defects
    (verb,) = permitted(method("PUT")(REIMAGE), world()).defects

    assert str(unknown) == "404 with ResourceNotFound, or 202 and then Failed with 404"
    assert str(slot) == "400 or 404, or 202 and then Failed with 400 or 404"
    assert str(verb) == "400 with InvalidHttpVerb, or 404 or 405 or 501"


def test_a_defect_knows_statuses_and_their_codes() -> None:
    (verb,) = permitted(method("PUT")(REIMAGE), world()).defects
    (loose,) = permitted(method("PUT")(REIMAGE), lenient()).defects
    (variant,) = permitted(query("COMP=reimage")(REIMAGE), world()).defects

    assert verb.statuses == {400, 404, 405, 501}
    assert verb.codes(400) == VERB_CODE
    assert verb.codes(405) == frozenset()
    assert verb.codes(418) == frozenset()
    assert loose.statuses == {*range(400, 500), 501}
    assert loose.codes(400) == frozenset()
    assert variant.codes(400) == frozenset()


def test_the_answer_is_kept_in_the_worlds_memory() -> None:
    where = world()
    first = permitted(REIMAGE, where)

    assert where.memory == {REIMAGE: first}
    assert permitted(replace(REIMAGE), where) is first
