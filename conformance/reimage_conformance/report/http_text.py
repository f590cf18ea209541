"""Exchanges as readable HTTP text, line by line, with the parts that decided a verdict marked; pure, no markup here."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reimage_conformance.report.visible import octets_as_text, visible

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from reimage_conformance.model import Exchange, Failure, Headers, Request, Response

BODY_LIMIT = 2_000
"""Characters of a body that are shown."""

LINE_LIMIT = 1_000
"""Characters of a start or header line that are shown."""

HEADERS_LIMIT = 6_000
"""Characters of all header lines of a message that are shown."""

_OF_DOCUMENTS = frozenset(
    {"xml", "document", "element", "elements", "root", "namespace", "well-formed", "utf-8", "utf-16", "body"}
)
"""Words by which a sentence speaks of a body as a whole."""

_ELEMENT = re.compile(r"<(?:[\w.-]+:)?([\w.-]+)(?:\s[^<>]*)?>([^<>]*)</[^<>]*>")
"""An element that holds nothing but text."""

_DIFFERENT_ANYWAY = frozenset({"date", "x-ms-request-id"})
"""Headers that differ between any two responses."""

_PLACE = re.compile(r"at column (\d+)(?: of line (\d+))?$")
"""The end of a sentence that names a place in a body."""

_AROUND = 6
"""Characters that are marked before a place in a body, and after it."""

_TELLING_VALUE = 8
"""A header line is marked for its value where a sentence names it and it has so many characters."""

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class TextLine:
    """One line of an exchange.

    `side` is ">" as sent, "<" as received, "!" for a remark; `part` is start, header, blank, body or note; `name` is a
    header's; `marks` are the half-open ranges of `text` that decided the verdict.
    """

    side: str
    part: str
    text: str
    name: str = ""
    marks: tuple[Span, ...] = ()


def request_lines(request: Request, body_limit: int = BODY_LIMIT) -> tuple[TextLine, ...]:
    """The lines of `request` as it went out."""
    start = TextLine(">", "start", _shortened(f"{request.method} {request.target} {request.http_version}"))
    return (start, *_headers(">", request.headers), *_body(">", request.body, body_limit))


def response_lines(response: Response, body_limit: int = BODY_LIMIT) -> tuple[TextLine, ...]:
    """The lines of `response` as it arrived, what was wrong with its framing last."""
    interim = [TextLine("<", "note", f"(an interim response {status} came first)") for status in response.interim]
    start = TextLine(
        "<", "start", _shortened(f"{response.http_version} {response.status} {response.reason}".rstrip(" "))
    )
    remarks = [TextLine("!", "note", _shortened(anomaly)) for anomaly in response.anomalies]
    return (*interim, start, *_headers("<", response.headers), *_body("<", response.body, body_limit), *remarks)


def exchange_lines(exchange: Exchange, body_limit: int = BODY_LIMIT) -> tuple[TextLine, ...]:
    """The lines of the request, of what arrived, and of why it was not complete."""
    request, named = exchange.request, exchange.client_request_id
    if named:
        request = replace(request, headers=(*request.headers, ("x-ms-client-request-id", named)))
    sent = request_lines(request, body_limit)
    received = response_lines(exchange.response, body_limit) if exchange.response is not None else ()
    failed = (failure_line(exchange.failure),) if exchange.failure is not None else ()
    return (*sent, *received, *failed)


def failure_line(failure: Failure) -> TextLine:
    """The remark that says why no complete response came."""
    return TextLine("!", "note", _shortened(f"no complete response, {failure.kind.value}: {failure.detail}"))


def marked(lines: Iterable[TextLine], about: str, seen: str = "") -> tuple[TextLine, ...]:
    """Mark what the sentence `about` speaks of: the header lines, elements and statuses that it names, every remark.

    Elements that hold a word of the sentence `seen` are marked too. Where there is nothing of all this, the received body is
    marked if the sentence speaks of a document, else the status line, or the request line when nothing was received.
    """
    names, values = _words(about), _words(seen)
    given = tuple(lines)
    place = _PLACE.search(seen)
    if place:
        given = _at_place(given, int(place[1]), int(place[2] or 1))
    found = tuple(line if line.marks else replace(line, marks=_marks(line, names, values)) for line in given)
    if any(line.marks for line in found):
        return found
    return (_body_marked(found) if names & _OF_DOCUMENTS else None) or _fallback(found)


def _at_place(lines: tuple[TextLine, ...], column: int, row: int) -> tuple[TextLine, ...]:
    """The lines with what stands around a column of the received body marked; as they are where the body is not so long."""
    body = [index for index, line in enumerate(lines) if line.side == "<" and line.part == "body"]
    if not 0 < row <= len(body) or column > len(lines[body[row - 1]].text):
        return lines
    at = body[row - 1]
    span = (max(0, column - _AROUND), min(len(lines[at].text), column + _AROUND))
    return (*lines[:at], replace(lines[at], marks=(span,)), *lines[at + 1 :])


def differing(lines: Iterable[TextLine], other: Iterable[TextLine]) -> tuple[TextLine, ...]:
    """Mark what came back otherwise than in the lines of another exchange: the status line, header lines and elements that differ.

    Header lines that differ on every response are not marked, nor is anything that was sent.
    """
    theirs = [line for line in other if line.side == "<"]
    known = {line.text for line in theirs}
    elements = {match[0] for line in theirs if line.part == "body" for match in _ELEMENT.finditer(line.text)}
    return tuple(replace(line, marks=(*line.marks, *_differences(line, known, elements))) for line in lines)


def _differences(line: TextLine, known: Container[str], elements: Container[str]) -> Iterable[Span]:
    """The ranges of a line that another response does not have."""
    if line.side != "<" or line.marks or line.text in known or line.name.lower() in _DIFFERENT_ANYWAY:
        return []
    found = [match.span() for match in _ELEMENT.finditer(line.text)] if line.part == "body" else []
    inner = [span for span in found if line.text[span[0] : span[1]] not in elements]
    return inner if found else [(0, len(line.text))] if line.text else []


def _words(sentence: str) -> frozenset[str]:
    return frozenset(word.lower() for word in re.findall(r"[A-Za-z0-9][A-Za-z0-9_-]*", sentence))


def _marks(line: TextLine, names: frozenset[str], values: frozenset[str]) -> tuple[Span, ...]:
    whole = ((0, len(line.text)),)
    if line.side == "!":
        return whole
    if line.part == "header":
        value = line.text.partition(":")[2].strip().lower()
        told = line.name.lower() in names or (len(value) >= _TELLING_VALUE and value in values)
        return whole if told else ()
    if line.part == "start" and line.side == "<":
        status = line.text.split(" ")[1:2]
        return whole if status and status[0] in names else ()
    if line.part == "body":
        return tuple(_elements(line.text, names, values))
    return ()


def _elements(text: str, names: frozenset[str], values: frozenset[str]) -> Iterable[Span]:
    for match in _ELEMENT.finditer(text):
        if match[1].lower() in names or match[2].strip().lower() in values:
            yield match.span()


def _body_marked(lines: tuple[TextLine, ...]) -> tuple[TextLine, ...] | None:
    """The lines with the received body marked, None where there is none."""
    bodies = [line for line in lines if line.part == "body" and line.side == "<" and line.text]
    if not bodies:
        return None
    return tuple(replace(line, marks=((0, len(line.text)),)) if line in bodies else line for line in lines)


def _fallback(lines: tuple[TextLine, ...]) -> tuple[TextLine, ...]:
    starts = [index for index, line in enumerate(lines) if line.part == "start"]
    if not starts:
        return lines
    last = starts[-1]
    line = lines[last]
    return (*lines[:last], replace(line, marks=((0, len(line.text)),)), *lines[last + 1 :])


def _headers(side: str, headers: Headers) -> Iterable[TextLine]:
    room = HEADERS_LIMIT
    for index, (name, value) in enumerate(headers):
        text = _shortened(f"{name}: {value}".rstrip(" "))
        room -= len(text)
        if room < 0:
            yield TextLine(side, "note", f"({len(headers) - index} more header lines)")
            return
        yield TextLine(side, "header", text, name.strip())


def _body(side: str, body: bytes, limit: int) -> Iterable[TextLine]:
    if not body:
        return []
    text = octets_as_text(body[: limit * 4] if len(body) > limit * 4 else body)
    shown = visible(text[:limit]).split("\n")
    lines = [TextLine(side, "body", line) for line in shown]
    if len(text) > limit or len(body) > limit * 4:
        lines.append(TextLine(side, "note", f"(cut here; the body has {len(body):,} octets)"))
    return [TextLine(side, "blank", ""), *lines]


def _shortened(text: str) -> str:
    shown = visible(text, keep="")
    return f"{shown[:LINE_LIMIT]}… ({len(shown):,} characters)" if len(shown) > LINE_LIMIT else shown
