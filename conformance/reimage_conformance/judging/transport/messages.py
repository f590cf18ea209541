"""Checks of every response, whatever was asked for: HTTP headers, XML, request ids."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from reimage_conformance.anomalies import AnomalyKind
from reimage_conformance.judging.oracle import expectation_of
from reimage_conformance.judging.registry import about, check
from reimage_conformance.judging.sent import answer_of, answer_to, call_of
from reimage_conformance.judging.transport.anomalies import head_anomalies
from reimage_conformance.judging.wording import in_namespaces, quoted
from reimage_conformance.model import Fact
from reimage_conformance.protocol.addresses import Kind, read_target
from reimage_conformance.protocol.documents import (
    is_xml_media_type,
    looks_like_xml,
    media_type,
    plain_identifier,
    read_document,
    same_identifier,
)
from reimage_conformance.quantities import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Exchange, Response, Verdict

_DATE = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d GMT\Z"
)
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105  RFC 9110 5.6.2, no secret
_MEDIA_TYPE = re.compile(rf"""{_TOKEN}/{_TOKEN}(?:[ \t]*;[ \t]*(?:{_TOKEN}=(?:{_TOKEN}|"(?:[^"\\]|\\.)*"))?)*\Z""")
_TOKENS = re.compile(rf"(?:{_TOKEN})?(?:[ \t]*,[ \t]*(?:{_TOKEN})?)*\Z")
_DIRECTIVE = rf"""{_TOKEN}(?:=(?:{_TOKEN}|"(?:[^"\\]|\\.)*"))?"""
_DIRECTIVES = re.compile(rf"(?:{_DIRECTIVE})?(?:[ \t]*,[ \t]*(?:{_DIRECTIVE})?)*\Z")
_CODED = {"gzip": b"\x1f\x8b", "x-gzip": b"\x1f\x8b"}
"""The first octets of content in these codings (RFC 9110 8.4.1.3)."""
FROZEN_SECONDS = 3.0
"""If all Dates of this many seconds are the same, they do not come from a clock that runs."""
_SINGLETONS = (
    "Date",
    "Content-Type",
    "Server",
    "Location",
    "Retry-After",
    "ETag",
    "Last-Modified",
    "Age",
    "Content-Location",
)
"""Headers that a response has once at most (RFC 9110)."""


def is_date(value: str) -> bool:
    """Whether a value is an IMF-fixdate that exists, day of the week included (RFC 9110 5.6.7)."""
    if not _DATE.match(value):
        return False
    try:
        parsed = datetime.strptime(value, "%a, %d %b %Y %H:%M:%S GMT")  # noqa: DTZ007  the zone is fixed by the form
    except ValueError:
        return False
    return parsed.strftime("%a") == value[:3]


_FORMS: dict[str, tuple[Callable[[str], object], str]] = {
    "Content-Type": (_MEDIA_TYPE.match, "media type"),
    "Allow": (_TOKENS.match, "list of tokens"),
    "Connection": (_TOKENS.match, "list of tokens"),
    "Vary": (_TOKENS.match, "list of tokens"),
    "Transfer-Encoding": (re.compile(rf"{_TOKENS.pattern}|.*;").match, "list of tokens"),
    "Cache-Control": (_DIRECTIVES.match, "list of directives"),
    "Last-Modified": (is_date, "HTTP date"),
    "ETag": (re.compile(r'(?:W/)?"[^"\x00-\x20\x7f]*"\Z').match, "entity tag"),
    "Location": (re.compile(r"[^\x00-\x20\x7f<>\"{}|\\^`]*\Z").match, "URI reference"),
    "Expires": (lambda value: value in ("0", "-1") or is_date(value), "HTTP date"),
    "Age": (str.isdecimal, "number of seconds"),
}
"""Headers, each with the test of a value and what a value is (RFC 9110 5.6.1, 8.8.3 and 10.2.2, RFC 9111 5.1 to 5.3)."""


def _reaches_application(world: World, exchange: Exchange) -> bool:
    """Whether nothing in front of the application has a reason to refuse the request."""
    judged = expectation_of(exchange.request, world)
    return judged.passes_http and all(defect.layer == "application" for defect in judged.defects)


@check
def dates(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """2xx, 3xx and 4xx responses carry one Date in IMF-fixdate form (REQ-HTTP-DATE)."""
    for exchange in exchanges:
        response = exchange.reply
        if response is None or not 200 <= response.status < 500 or not _reaches_application(world, exchange):
            continue
        values = response.values("Date")
        actual = f"Date {quoted(values[0])}" if values else "no Date header"
        yield about("REQ-HTTP-DATE", exchange).judged(
            bool(values) and is_date(values[0]),
            "a Date such as 'Sun, 06 Nov 1994 08:49:37 GMT'",
            f"{actual} {answer_to(exchange.request)}",
            "date" if values else "no-date",
        )


@check
def dates_go_on(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """The Date of a later response is another one (REQ-HTTP-DATE); judged where `FROZEN_SECONDS` lie between the first and the last."""
    del world
    dated = [(each, each.reply.values("Date")[:1]) for each in exchanges if each.reply is not None]
    shown = [(each, value[0]) for each, value in dated if value and is_date(value[0])]
    if not shown or shown[-1][0].at - shown[0][0].at < FROZEN_SECONDS:
        return
    (first, value), last = shown[0], shown[-1][0]
    stands_still = len({value for _, value in shown}) == 1
    actual = f"Date {quoted(value)} in each of {len(shown)} responses within {last.at - first.at:.0f} s"
    yield about("REQ-HTTP-DATE", last, first).judged(
        not stands_still, "a Date that goes on with the time", actual, "date-stands-still"
    )


@check
def standard_headers(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """Standard headers conform to HTTP/1.1 (REQ-HTTP-STD-HEADERS)."""
    del world
    for exchange in exchanges:
        if exchange.response is not None:
            is_decoded = Fact.CODING in exchange.unrecorded
            problems = [
                *_header_problems(exchange.response),
                *_coding_problems(exchange.response, is_decoded=is_decoded),
            ]
            seen = "; ".join(problem.seen for problem in problems)
            yield about("REQ-HTTP-STD-HEADERS", exchange).judged(
                not problems,
                problems[0].expected if problems else "",
                f"{seen} {answer_to(exchange.request)}" if problems else "",
                problems[0].symptom if problems else "",
            )


@dataclass(frozen=True, slots=True)
class _HeaderProblem:
    """What is wrong with the headers of one response."""

    symptom: str
    seen: str
    expected: str = "standard headers as HTTP/1.1 defines them"


def _header_problems(response: Response) -> Iterator[_HeaderProblem]:
    """What is wrong with the standard headers of one response."""
    for anomaly, expected in head_anomalies(response):
        yield _HeaderProblem(anomaly.key, anomaly.words, expected)
    for name in _SINGLETONS:
        values = response.values(name)
        if len(values) > 1:
            yield _HeaderProblem(name.lower(), f"the header {name} came {len(values)} times", f"one {name}")
    for name, (has_form, what) in _FORMS.items():
        for value in response.values(name):
            if not has_form(value):
                yield _HeaderProblem(name.lower(), f"{name} {quoted(value)} is no {what}")


def _coding_problems(response: Response, *, is_decoded: bool) -> Iterator[_HeaderProblem]:
    """What is wrong with the coding that one response is said to have: the wire could not decode it, or its octets begin otherwise."""
    coding = ", ".join(response.values("Content-Encoding")).strip().lower()
    is_broken = any(anomaly.kind is AnomalyKind.CONTENT_CODING for anomaly in response.anomalies)
    is_plain = not is_decoded and coding in _CODED and not response.body.startswith(_CODED[coding])
    if is_broken or (is_plain and response.body):
        seen = f"Content-Encoding {quoted(coding)}, but the content is not in this coding"
        yield _HeaderProblem("content-encoding", seen)


@check
def response_versions(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """A response to an HTTP/1.1 request is HTTP/1.1 (REQ-HTTP-VERSION-RESP)."""
    del world
    for exchange in exchanges:
        if exchange.reply is not None and exchange.request.http_version == "HTTP/1.1":
            version = exchange.reply.http_version
            yield about("REQ-HTTP-VERSION-RESP", exchange).judged(
                version == "HTTP/1.1", "HTTP/1.1", version, "http-version"
            )


@check
def allow_with_405(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """A 405 carries Allow (REQ-HTTP-405-ALLOW)."""
    del world
    for exchange in exchanges:
        if exchange.reply is not None and exchange.reply.status == 405:
            allow = exchange.reply.header("Allow")
            yield about("REQ-HTTP-405-ALLOW", exchange).judged(
                allow is not None,
                "an Allow header with 405",
                f"Allow: {allow}" if allow is not None else "405 without Allow",
                "no-allow",
            )


@check
def retry_after_form(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """Retry-After, where present, is a date or a number of seconds (REQ-HTTP-RETRY-AFTER)."""
    del world
    for exchange in exchanges:
        value = exchange.reply.header("Retry-After") if exchange.reply is not None else None
        if value is not None:
            valid = bool(re.fullmatch(r"\d+", value, re.ASCII)) or is_date(value)
            yield about("REQ-HTTP-RETRY-AFTER", exchange).judged(
                valid, "a number of seconds or an HTTP date", f"Retry-After {quoted(value)}", "retry-after"
            )


@check
def request_ids_unique(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """No two requests share an x-ms-request-id (REQ-ASYNC-REQID-UNIQUE).

    A poll that carries the id it asks about violates REQ-GOS-REQID-OWN and is left out here. Where every request whose
    answer repeats an id is a reimage sent while another ran, REQ-CONC-SAME or REQ-CONC-OTHER may be the cause.
    """
    del world
    first: dict[str, Exchange] = {}
    repeats: list[tuple[Exchange, Exchange]] = []
    for exchange in exchanges:
        identifier, address = exchange.request_id, read_target(exchange.request.resource)
        if not identifier or (address.kind is Kind.OPERATION and same_identifier(address.operation, identifier)):
            continue
        earlier = first.setdefault(plain_identifier(identifier), exchange)
        if earlier is not exchange:
            repeats.append((exchange, earlier))
    if repeats:
        repeat, earlier = repeats[0]
        both = " and ".join(f"{call_of(each.request)} (exchange {each.number})" for each in (earlier, repeat))
        actual = f"the answers to {both} both carry {repeat.request_id}"
        others = len(repeats) - 1
        more = f"; {counted(others, 'more answer')} {'repeats' if others == 1 else 'repeat'} an id" if others else ""
        because = _causes_of_repeats([later for later, _ in repeats])
        shift = _out_of_step(repeats)
        verdict = about("REQ-ASYNC-REQID-UNIQUE", *dict.fromkeys(each for pair in repeats for each in pair))
        yield verdict.violated(
            "an id of its own for every request", f"{shift}{actual}{more}", "reused-id", because=because
        )
    elif len(first) > 1:
        yield about("REQ-ASYNC-REQID-UNIQUE", next(reversed(first.values()))).met(f"{len(first)} distinct ids")


def _out_of_step(repeats: Sequence[tuple[Exchange, Exchange]]) -> str:
    """Words for an answer that belongs to the request before on its connection, which asked for something else; "" where there is none."""
    for later, earlier in repeats:
        is_next = (later.connection, later.position) == (earlier.connection, earlier.position + 1)
        if not is_next or call_of(later.request) == call_of(earlier.request):
            continue
        content = earlier.reply.body if earlier.reply is not None and earlier.is_successful else b""
        if content and later.reply is not None and later.reply.body == content:
            return (
                f"{call_of(later.request)} (exchange {later.number}) got the answer to the request before it on the same connection, "
                f"{call_of(earlier.request)}; "
            )
    return ""


def _causes_of_repeats(repeats: Sequence[Exchange]) -> tuple[str, ...]:
    """The requirements to blame where every request in `repeats` is a reimage that was sent while another ran."""
    labels = {exchange.label for exchange in repeats}
    by_label = {"contend:same": "REQ-CONC-SAME", "contend:other": "REQ-CONC-OTHER"}
    return tuple(by_label[label] for label in sorted(labels)) if labels <= set(by_label) else ()


@check
def xml_bodies(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """XML bodies are well formed, encoded as declared, and in their namespace (REQ-XML-WF, REQ-XML-ENC, REQ-XML-NS)."""
    del world
    for exchange in exchanges:
        response = exchange.reply
        if response is None or exchange.request.method == "HEAD" or not looks_like_xml(response):
            continue
        if read_target(exchange.request.resource).kind is Kind.OTHER:
            continue
        document = read_document(response)
        problem = document.encoding_problem
        where = f" {answer_of(exchange)}"
        yield about("REQ-XML-ENC", exchange).judged(
            not problem, "UTF-8 or UTF-16, as declared", f"{problem}{where}" if problem else "", "encoding"
        )
        if not (problem and document.root is None):
            syntax = document.syntax_problem
            yield about("REQ-XML-WF", exchange).judged(
                not syntax,
                "well-formed XML",
                f"{syntax}{where}" if syntax else "",
                "not-well-formed",
            )
        if document.root is not None:
            yield from _namespace(exchange, document.local_name, document.namespace, document.children())


def _namespace(exchange: Exchange, name: str, namespace: str, children: list[tuple[str, str]]) -> Iterator[Verdict]:
    """Whether the children of a protocol document share its namespace."""
    expected = {
        "Operation": ("ID", "Status"),
        "Deployment": ("Name", "Status"),
        "HostedService": ("Url", "ServiceName"),
        "Error": ("Code", "Message"),
    }.get(name, ())
    own = [child for child, space in children if space == namespace]
    wrong = [(child, space) for child, space in children if child in expected and child not in own]
    if expected and children:
        wanted = in_namespaces([(child, namespace) for child in expected])
        where = in_namespaces(wrong) if wrong else "all in the namespace of the root"
        yield about("REQ-XML-NS", exchange).judged(not wrong, wanted, where, "child-namespace")


@check
def error_media_types(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """An error with XML content names an XML media type (REQ-ERR-CT)."""
    for exchange in exchanges:
        response = exchange.reply
        if (
            response is None
            or response.status < 400
            or exchange.request.method == "HEAD"
            or not _reaches_application(world, exchange)
        ):
            continue
        if looks_like_xml(response):
            found = media_type(response)
            yield about("REQ-ERR-CT", exchange).judged(
                is_xml_media_type(found),
                "application/xml or text/xml",
                found or "no Content-Type",
                f"media-type:{found}",
            )
