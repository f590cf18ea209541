"""The table of changes to a sound reimage: which defect each makes, and how it may be answered; for the oracle's tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from reimage_conformance.model import CountsAs, Request
from reimage_conformance.protocol.requests import with_body, with_chunked, with_header, with_query

Change = Callable[[Request], Request]
Answers = tuple[tuple[frozenset[int], frozenset[str]], ...]

FAIL, WARN, INFO = CountsAs.FAIL, CountsAs.WARN, CountsAs.INFO
ANY: frozenset[str] = frozenset()


def answers(*pairs: tuple[tuple[int, ...], str]) -> Answers:
    """Answers written shortly: statuses, and the code that goes with them ("" for any)."""
    return tuple((frozenset(statuses), frozenset(code.split())) for statuses, code in pairs)


VERSION = answers(((400,), "MissingOrIncorrectVersionHeader"))
QUERY = answers(((400,), "MissingOrInvalidRequiredQueryParameter"))
QUERY_OPEN = answers(((400,), "MissingOrInvalidRequiredQueryParameter"), ((400, 404), ""))
VERB = answers(((400,), "InvalidHttpVerb"), ((404, 405, 501), ""))
VERB_BELOW = answers(((400, 404, 405, 501), ""))
ABSENT = answers(((404,), "ResourceNotFound"))
BAD = answers(((400,), ""))
LENGTH = answers(((400, 411), ""))
BODY = answers(((400, 413), ""))
CHUNKED_BODY = answers(((400, 411, 413), ""))
TYPE = answers(((400, 415), ""))
NAME = answers(((400, 404), ""))
BAD_NAME = answers(((400, 404, 414), ""))
CODING = answers(((400, 411, 501), ""))


def header(name: str, *values: str) -> Change:
    """Replaces a header by one line per value."""
    return lambda request: with_header(request, name, *values)


def version(*values: str) -> Change:
    """Replaces x-ms-version."""
    return header("x-ms-version", *values)


def length(*values: str) -> Change:
    """Replaces Content-Length."""
    return header("Content-Length", *values)


def query(text: str | None) -> Change:
    """Replaces the query."""
    return lambda request: with_query(request, text)


def target(old: str, new: str) -> Change:
    """Replaces a part of the request target once."""
    return lambda request: replace(request, target=request.target.replace(old, new, 1))


def instance(name: str) -> Change:
    """Addresses another role instance."""
    return target("/WebRole1_IN_0", f"/{name}")


def method(name: str) -> Change:
    """Replaces the method."""
    return lambda request: replace(request, method=name)


def added(name: str, value: str) -> Change:
    """Adds a header line at the end."""
    return lambda request: replace(request, headers=(*request.headers, (name, value)))


def together(*changes: Change) -> Change:
    """Several changes, one after the other."""

    def change(request: Request) -> Request:
        for each in changes:
            request = each(request)
        return request

    return change


@dataclass(frozen=True, slots=True)
class Group:
    """Changes that make the same single defect."""

    key: str
    requirement: str
    answers: Answers
    strict: CountsAs
    lenient: CountsAs
    changes: Mapping[str, Change]
    later: tuple[int, ...] = ()
    layer: str = "application"


GROUPS = (
    Group("version-missing", "REQ-VER-MISSING", VERSION, FAIL, FAIL, {"no version": version()}),
    Group(
        "version-malformed",
        "REQ-VER-FORMAT",
        VERSION,
        FAIL,
        FAIL,
        {
            f"version {value!r}": version(value)
            for value in (
                "",
                " \t",
                "latest",
                ",",
                "2011-6-01,2011-06-1",
                "2011-6-01",
                "2011-06-1",
                "11-06-01",
                "20101028",
                "28-10-2010",
                "2011-10-01x",
                "v2011-10-01",
            )
        },
    ),
    Group(
        "version-old",
        "REQ-REIMAGE-VERSION-OLD",
        VERSION,
        FAIL,
        WARN,
        {f"version {value}": version(value) for value in ("2009-10-01", "2010-04-01")},
    ),
    Group(
        "version-unpublished",
        "REQ-VER-UNPUBLISHED",
        VERSION,
        INFO,
        INFO,
        {f"version {value}": version(value) for value in ("2008-01-01", "2011-08-18", "2999-01-01", "2011-13-45")},
    ),
    Group(
        "version-other", "REQ-VER-OLD-KEPT", VERSION, INFO, INFO, {"another published version": version("2012-03-01")}
    ),
    Group(
        "version-repeated",
        "REQ-VER-OWS",
        VERSION,
        INFO,
        INFO,
        {
            "two versions": version("2011-10-01", "2011-10-01"),
            "a list of two versions": version("2011-10-01, 2011-10-01"),
            "a list that ends in nothing": version("2011-10-01,"),
            "a bad version before a good one": version("2011-6-1", "2011-10-01"),
        },
    ),
    Group(
        "method",
        "REQ-ERR-VERB",
        VERB,
        FAIL,
        WARN,
        {name: method(name) for name in ("GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS")},
    ),
    Group(
        "method",
        "REQ-ERR-VERB",
        VERB_BELOW,
        FAIL,
        WARN,
        {name: method(name) for name in ("TRACE", "CONNECT", "BREW", "get")},
        layer="http",
    ),
    Group(
        "method-case",
        "REQ-HTTP-METHOD-CASE",
        VERB_BELOW,
        WARN,
        WARN,
        {name: method(name) for name in ("post", "Post")},
        layer="http",
    ),
    Group(
        "comp",
        "REQ-REIMAGE-COMP-MISSING",
        QUERY,
        FAIL,
        FAIL,
        {
            "no query": query(None),
            **{text: query(text) for text in ("comp=", "comp", "comp=restart", "action=reimage", "Comp=x")},
        },
    ),
    Group(
        "comp-sibling",
        "REQ-REBOOT",
        QUERY,
        INFO,
        INFO,
        {text: query(text) for text in ("comp=reboot", "comp=Rebuild", "comp=delete")},
    ),
    Group(
        "comp-variant",
        "REQ-REIMAGE-COMP-EXACT",
        QUERY_OPEN,
        INFO,
        INFO,
        {
            text: query(text)
            for text in (
                "COMP=reimage",
                "comp=REIMAGE",
                "comp=%20reimage",
                "comp=reimage&comp=reimage",
                "comp=x&comp=y",
                "comp=x&Comp=reimage",
            )
        },
    ),
    Group(
        "comp-not-alone",
        "REQ-REIMAGE-COMP-EXACT",
        QUERY_OPEN,
        INFO,
        INFO,
        {"a parameter more": query("comp=reimage&verbose=1"), "a slash more": target("?", "/?")},
    ),
    Group(
        "content-type",
        "REQ-REIMAGE-CT-ABSENT",
        TYPE,
        FAIL,
        INFO,
        {
            "no Content-Type": header("Content-Type"),
            "an empty Content-Type": header("Content-Type", ""),
            "two types": header("Content-Type", "application/xml", "text/plain"),
            **{
                value: header("Content-Type", value)
                for value in ("text/xml", "application/xml+x", "text/plain; application/xml")
            },
        },
    ),
    Group(
        "content-type-repeated",
        "REQ-REIMAGE-CT-PARAM",
        TYPE,
        INFO,
        INFO,
        {"the type twice": header("Content-Type", "application/xml", "application/xml; charset=utf-8")},
    ),
    Group("length-missing", "REQ-REIMAGE-CL-ABSENT", LENGTH, FAIL, INFO, {"no length": length()}),
    Group(
        "body",
        "REQ-REIMAGE-CL-NONZERO",
        BODY,
        FAIL,
        INFO,
        {
            "a body": lambda r: with_body(r, b"x"),
            "a length of 10": length("10"),
            "an endless length": length("9" * 5000),
        },
    ),
    Group(
        "body",
        "REQ-REIMAGE-CL-NONZERO",
        CHUNKED_BODY,
        FAIL,
        INFO,
        {
            "a chunked body": lambda r: with_chunked(r, b"<a/>"),
            "a chunk of ten": lambda r: with_chunked(r, b"0\r\n5678901"),
        },
    ),
    Group("chunked-empty", "REQ-HTTP-CHUNKED", LENGTH, INFO, INFO, {"an empty chunked body": with_chunked}),
    Group(
        "slot", "REQ-REIMAGE-SLOT-OTHER", NAME, FAIL, FAIL, {"test": target("/production/", "/test/")}, later=(400, 404)
    ),
    Group(
        "name-case",
        "REQ-REIMAGE-BAD-NAME",
        NAME,
        INFO,
        INFO,
        {
            "Production": target("/production/", "/Production/"),
            "Contoso": target("/contoso/", "/Contoso/"),
            "webrole1_in_0": instance("webrole1_in_0"),
        },
        later=(400, 404),
    ),
    Group(
        "place",
        "REQ-REIMAGE-UNKNOWN-SERVICE",
        ABSENT,
        FAIL,
        FAIL,
        {
            "an unknown service": target("/contoso/", "/nobody/"),
            "an empty slot": target("/contoso/deploymentslots/production/", "/fabrikam/deploymentslots/staging/"),
        },
        later=(404,),
    ),
    Group(
        "instance",
        "REQ-REIMAGE-UNKNOWN-INSTANCE",
        ABSENT,
        FAIL,
        FAIL,
        {name: instance(name) for name in ("WebRole1_IN_9", "No_role.(1)-x%20y", "a" * 249, "...")},
        later=(404,),
    ),
    Group(
        "bad-name",
        "REQ-REIMAGE-UNKNOWN-INSTANCE",
        BAD_NAME,
        FAIL,
        FAIL,
        {
            name: instance(name)
            for name in (
                "Web%3CRole",
                "a" * 250,
                "%20Role",
                "Role%20",
                "R%C3%B4le",
                "Ro~le",
                "Role%0A",
                "Role%0AX",
            )
        },
        later=(400, 404),
    ),
    Group(
        "bad-name",
        "REQ-REIMAGE-UNKNOWN-INSTANCE",
        (*BAD_NAME, *answers(((301, 308, 405, 501), ""))),
        FAIL,
        FAIL,
        {name: instance(name) for name in (".", "..", "%2E%2e")},
        later=(400, 404),
    ),
    Group(
        "bad-name",
        "REQ-REIMAGE-UNKNOWN-SERVICE",
        BAD_NAME,
        FAIL,
        FAIL,
        {"a malformed service": target("/contoso/", "/con%26toso/")},
        later=(400, 404),
    ),
    Group(
        "host",
        "REQ-HTTP-HOST",
        BAD,
        FAIL,
        FAIL,
        {
            "no Host": header("Host"),
            "two Hosts": header("Host", "a", "a"),
            "a Host with a space": header("Host", "a b"),
            "a Host with a path": header("Host", "a/b"),
        },
        layer="http",
    ),
    Group(
        "space-before-colon",
        "REQ-HTTP-WS-COLON",
        BAD,
        FAIL,
        FAIL,
        {"space before colon": added("X-Extra ", "1"), "tab before colon": added("X-Extra\t", "1")},
        layer="http",
    ),
    Group(
        "folded-line", "REQ-HTTP-OBSFOLD", BAD, INFO, INFO, {"a folded line": added("X-Extra", "a\r\n b")}, layer="http"
    ),
    Group(
        "invalid-length",
        "REQ-HTTP-CL-INVALID",
        BAD,
        FAIL,
        FAIL,
        {
            "length and nothing": length("0", ""),
            **{f"length {value!r}": length(value) for value in ("abc", "-1", "+0", "0x0", "0, abc", "0.0", "1 0")},
        },
        layer="http",
    ),
    Group("invalid-length", "REQ-HTTP-CL-INVALID", LENGTH, WARN, WARN, {"an empty length": length("")}, layer="http"),
    Group(
        "repeated-length",
        "REQ-HTTP-CL-SAME",
        BAD,
        INFO,
        INFO,
        {"equal lengths": length("0", "0"), "a list of equal lengths": length("0, 0")},
        layer="http",
    ),
    Group(
        "length-and-coding",
        "REQ-HTTP-TE-CL",
        CODING,
        INFO,
        INFO,
        {"length and coding": added("Transfer-Encoding", "chunked")},
        layer="http",
    ),
)
