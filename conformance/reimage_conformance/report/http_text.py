"""Exchanges as readable HTTP text, line by line, with the parts that decided a verdict marked; pure, without HTML."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reimage_conformance.model import Fact
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

_DOCUMENT_WORDS = frozenset(
    {"xml", "document", "element", "elements", "root", "namespace", "well-formed", "utf-8", "utf-16", "body"}
)
"""A sentence with one of these words is about the whole body."""

_ELEMENT = re.compile(r"<(?:[\w.-]+:)?([\w.-]+)(?:\s[^<>]*)?>([^<>]*)</[^<>]*>")
"""An element that holds nothing but text."""

_ALWAYS_DIFFERENT = frozenset({"date", "x-ms-request-id"})
"""Headers that differ between any two responses."""

_POSITION = re.compile(r"^line (\d+), column (\d+): ")
"""The words that name a position in a body; a sentence about XML that is not well formed begins with them."""

_MARKED_AROUND = 6
"""Characters that are marked before a position in a body, and after it."""

_MARKED_VALUE_LENGTH = 8
"""A header value that a sentence contains is marked if it has at least this many characters."""

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class TextLine:
    """One line of an exchange.

    `side` is ">" for what was sent, "<" for what was received, "!" for a remark of ours. `part` is start, header, blank, body
    or note. `name` is the name of a header. `marks` are the ranges of `text` that decided the verdict, as (start, stop).
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
    """The lines of `response` as it arrived, an interim response before it; remarks on its framing come last."""
    interim = [TextLine("<", "note", f"(an interim response {status} came first)") for status in response.interim]
    start = TextLine(
        "<", "start", _shortened(f"{response.http_version} {response.status} {response.reason}".rstrip(" "))
    )
    remarks = [TextLine("!", "note", _shortened(str(anomaly))) for anomaly in response.anomalies]
    return (*interim, start, *_headers("<", response.headers), *_body("<", response.body, body_limit), *remarks)


def exchange_lines(exchange: Exchange, body_limit: int = BODY_LIMIT) -> tuple[TextLine, ...]:
    """The lines of the request, of what arrived, and of why it was not complete."""
    request, named = exchange.request, exchange.client_request_id
    if named:
        request = replace(request, headers=(*request.headers, ("x-ms-client-request-id", named)))
    sent = request_lines(request, body_limit)
    received = response_lines(exchange.response, body_limit) if exchange.response is not None else ()
    if exchange.response is not None and exchange.response.values("Content-Encoding"):
        received = (*received, *_coding_remarks(exchange.response, exchange.unrecorded))
    failed = (failure_line(exchange.failure),) if exchange.failure is not None else ()
    return (*sent, *received, *failed)


def _coding_remarks(response: Response, unrecorded: frozenset[Fact]) -> Iterable[TextLine]:
    """The remark that says what became of content in a content coding, if it is not shown as it came."""
    if Fact.CONTENT in unrecorded:
        yield TextLine("<", "note", "(content that could not be decoded was not kept)")
    elif Fact.CODING in unrecorded and response.body:
        yield TextLine("<", "note", "(the content is shown decoded)")


def failure_line(failure: Failure) -> TextLine:
    """The remark that says why no complete response came."""
    return TextLine("!", "note", _shortened(f"no complete response, {failure.kind.value}: {failure.detail}"))


def marked(lines: Iterable[TextLine], about: str, seen: str = "") -> tuple[TextLine, ...]:
    """Mark the header lines, elements and statuses that the sentence `about` names, and every remark.

    Elements and long header values that are a word of the sentence `seen`, and the position in the body that it names, are marked too.
    If nothing is found to mark, the received body is marked if `about` is about a document, else the status line, or the
    request line if nothing was received.
    """
    names, values = _words(about), _words(seen)
    given = tuple(lines)
    position = _POSITION.search(seen)
    if position:
        given = _with_position_marked(given, int(position[2]), int(position[1]))
    found = tuple(line if line.marks else replace(line, marks=_marks(line, names, values)) for line in given)
    if any(line.marks for line in found):
        return found
    return (_body_marked(found) if names & _DOCUMENT_WORDS else None) or _last_start_marked(found)


def _with_position_marked(lines: tuple[TextLine, ...], column: int, row: int) -> tuple[TextLine, ...]:
    """The lines with the text around a position in the received body marked; unchanged if the body does not reach that far."""
    body = [index for index, line in enumerate(lines) if line.side == "<" and line.part == "body"]
    if not 0 < row <= len(body) or column > len(lines[body[row - 1]].text):
        return lines
    text = lines[body[row - 1]].text
    return _with_marks(lines, body[row - 1], (max(0, column - _MARKED_AROUND), min(len(text), column + _MARKED_AROUND)))


def _with_marks(lines: tuple[TextLine, ...], index: int, span: Span) -> tuple[TextLine, ...]:
    """The lines with one range of the line at `index` marked."""
    return (*lines[:index], replace(lines[index], marks=(span,)), *lines[index + 1 :])


def differing(lines: Iterable[TextLine], other: Iterable[TextLine]) -> tuple[TextLine, ...]:
    """Mark what is different in the response of another exchange: the status line, header lines and elements.

    Headers that differ in any two responses are not marked, nor is anything that was sent.
    """
    theirs = [line for line in other if line.side == "<"]
    known = {line.text for line in theirs}
    elements = {match[0] for line in theirs if line.part == "body" for match in _ELEMENT.finditer(line.text)}
    return tuple(replace(line, marks=(*line.marks, *_differences(line, known, elements))) for line in lines)


def _differences(line: TextLine, known: Container[str], elements: Container[str]) -> Iterable[Span]:
    """The ranges of a line that another response, with these lines and elements, does not have."""
    if line.side != "<" or line.marks or line.text in known or line.name.lower() in _ALWAYS_DIFFERENT:
        return []
    found = [match.span() for match in _ELEMENT.finditer(line.text)] if line.part == "body" else []
    if found:
        return [span for span in found if line.text[span[0] : span[1]] not in elements]
    return [(0, len(line.text))] if line.text else []


def _words(sentence: str) -> frozenset[str]:
    return frozenset(word.lower() for word in re.findall(r"[A-Za-z0-9][A-Za-z0-9_-]*", sentence))


def _marks(line: TextLine, names: frozenset[str], values: frozenset[str]) -> tuple[Span, ...]:
    whole = ((0, len(line.text)),)
    if line.side == "!":
        return whole
    if line.part == "header":
        value = line.text.partition(":")[2].strip().lower()
        is_named = line.name.lower() in names or (len(value) >= _MARKED_VALUE_LENGTH and value in values)
        return whole if is_named else ()
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
    """The lines with the received body marked, None if there is none."""
    bodies = [line for line in lines if line.part == "body" and line.side == "<" and line.text]
    if not bodies:
        return None
    return tuple(replace(line, marks=((0, len(line.text)),)) if line in bodies else line for line in lines)


def _last_start_marked(lines: tuple[TextLine, ...]) -> tuple[TextLine, ...]:
    """The lines with the status line marked, or the request line if nothing was received."""
    starts = [index for index, line in enumerate(lines) if line.part == "start"]
    return _with_marks(lines, starts[-1], (0, len(lines[starts[-1]].text))) if starts else lines


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
