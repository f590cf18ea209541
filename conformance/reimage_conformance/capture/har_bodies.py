"""Bodies in a HAR: text, base64 or a file become octets; facts that were not recorded are marked."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from xml.parsers import expat

from reimage_conformance.capture.har_texts import (
    GZIP,
    as_sent,
    begins_as_text,
    decoded,
    is_mask,
    is_not_as_sent,
    octets_of,
    of_misread_mark,
)
from reimage_conformance.model import Fact
from reimage_conformance.protocol.documents import charset, read_document

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.model import Response

LIMIT = 16 * 1024 * 1024
"""At most this many octets of a body are read."""
_SLACK = 4
"""A text may be this many octets shorter than announced: a recorder may have dropped a byte-order mark."""
_UTF_16 = re.compile(r"""^\s*<\?xml[^>]*encoding\s*=\s*["']utf-16""", re.IGNORECASE)
_CUT_MARK = re.compile(
    rb"""(?:\s*(?:\.{3}|\xe2\x80\xa6))?\s*[\[({<]\W*truncated\b[^\])}>]*[\])}>]\s*\Z    # ... [truncated 4,000 bytes]
    | (?:\.{3}|\xe2\x80\xa6)\s*\Z                                                 # three dots
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""What recorders write where they cut a body."""
_LONGEST_CUT_MARK = 1000
"""Octets."""
_REPLACEMENT = "\ufffd"
"""What a recorder writes for octets that it could not decode."""
_BODILESS = (204, 205, 304)
_UNREADABLE_CODINGS = ("br", "zstd", "compress", "x-compress", "dcb", "dcz")
_GZIP_WBITS, _ZLIB_WBITS = 31, 15
"""The `wbits` of zlib for each of the two formats."""


@dataclass(frozen=True, slots=True)
class Body:
    """The octets of a body, and the facts about it that were not recorded."""

    octets: bytes = b""
    unrecorded: frozenset[Fact] = frozenset()


NOT_RECORDED = Body(b"", frozenset({Fact.CONTENT, Fact.OCTETS}))
_AS_TEXT = frozenset({Fact.OCTETS})


def request_body(data: Any, attached: Callable[[str], bytes | None]) -> bytes:
    """The octets of postData; b"" where there are none, or only the fields of a form."""
    if not isinstance(data, dict):
        return b""
    if isinstance(data.get("_file"), str):
        return (attached(data["_file"]) or b"")[:LIMIT]
    text = data.get("text")
    if not isinstance(text, str):
        return b""
    plain = text.encode("utf-8", errors="replace")
    return ((decoded(text) if _is_labelled(data) else None) or plain)[:LIMIT]


def response_body(
    content: Any, response: Response, method: str, attached: Callable[[str], bytes | None], *, hidden: bool
) -> Body:
    """The body of a response; `hidden` says that its header lines were not recorded, so that no line says how long it is."""
    body = _recorded_body(content, response, method, attached, hidden=hidden)
    return NOT_RECORDED if _is_cut(body.octets, response) else body


def _recorded_body(
    content: Any, response: Response, method: str, attached: Callable[[str], bytes | None], *, hidden: bool
) -> Body:
    """The body as the recorder shows it."""
    content = content if isinstance(content, dict) else {}
    if method == "HEAD" or response.status in _BODILESS or 100 <= response.status < 200:
        return Body()
    if isinstance(content.get("_file"), str):
        octets = attached(content["_file"])
        return NOT_RECORDED if octets is None else _without_coding(octets[:LIMIT], response)
    text, size = content.get("text"), _size(content.get("size"))
    if not isinstance(text, str) or not text:
        return _no_text(response, size, has_text=isinstance(text, str), hidden=hidden)
    return _with_text(text, size, content, response)


def _with_text(text: str, size: int, content: dict[str, Any], response: Response) -> Body:
    """The body of which the recorder shows `text`."""
    if _declared(response) == 0:
        return Body()
    is_as_sent = _is_as_long_as_declared(text, response)
    octets = None if is_as_sent else octets_of(text)
    if octets is not None:
        return _without_coding(octets, response)
    if is_mask(text) or (is_not_as_sent(text) and not is_as_sent):
        return NOT_RECORDED
    octets = decoded(text) if _is_labelled(content) or _looks_coded(text, response) else None
    return _without_coding(octets, response) if octets is not None else _of_text(text, response, size)


def _of_text(text: str, response: Response, size: int) -> Body:
    """The body of text that the recorder decoded.

    It counts as not recorded if it is no complete document, and is shorter than announced, is longer than declared, or has
    characters in place of octets that the recorder could not decode.
    """
    text = text if _is_as_long_as_declared(text, response) else as_sent(text)
    octets = (of_misread_mark(text) or text.encode(_codec(text, response), errors="replace"))[:LIMIT]
    is_cut = max(size, _declared(response)) > len(octets) + _SLACK
    is_longer = 0 < _declared(response) < len(octets)
    if (is_cut or is_longer or _REPLACEMENT in text) and read_document(replace(response, body=octets)).root is None:
        return NOT_RECORDED
    return Body(octets, _AS_TEXT)


def _is_cut(octets: bytes, response: Response) -> bool:
    """Whether a body is a document that only lacks its end, because the recorder keeps only the beginning of long bodies.

    Where Content-Length gives the number of its octets, the endpoint sent it so.
    """
    if _declared(response) == len(octets) or not begins_as_text(octets):
        return False
    return read_document(replace(response, body=octets)).root is None and _is_unfinished(_without_cut_mark(octets))


def _without_cut_mark(octets: bytes) -> bytes:
    """Octets without what a recorder wrote at their end where it cut them."""
    return octets[:-_LONGEST_CUT_MARK] + _CUT_MARK.sub(b"", octets[-_LONGEST_CUT_MARK:])


def _is_unfinished(octets: bytes) -> bool:
    """Whether octets are well-formed XML as far as they go, and end too early."""
    parser = expat.ParserCreate()
    try:
        parser.Parse(octets)
    except expat.ExpatError:
        return False
    try:
        parser.Parse(b"", True)  # noqa: FBT003 -- the end; the parameter has no name
    except expat.ExpatError:
        return True
    return False


def _without_coding(octets: bytes, response: Response) -> Body:
    """Octets without their content coding; not recorded where the coding is one that cannot be undone here."""
    coding = (response.header("Content-Encoding") or "").strip().lower()
    if octets.startswith(GZIP):
        return Body(_inflated(octets, _GZIP_WBITS))
    if coding == "deflate" and not begins_as_text(octets):
        return Body(_inflated(octets, _ZLIB_WBITS))
    if coding in _UNREADABLE_CODINGS and not begins_as_text(octets):
        return NOT_RECORDED
    return Body(octets[:LIMIT])


def _no_text(response: Response, size: int, *, has_text: bool, hidden: bool) -> Body:
    """The body where there is no text: empty if everything else agrees, else not recorded.

    A Content-Type without a Content-Length announces content, which recorders drop when their memory is full.
    """
    declared = _declared(response)
    announced = bool(response.values("Content-Type")) and declared < 0
    empty = size <= 0 and declared <= 0 and (declared == 0 or (not announced and (has_text or size == 0)))
    return Body() if empty and not (hidden and size < 0) else NOT_RECORDED


def _size(found: Any) -> int:
    """A number of octets, or -1 for anything else."""
    return int(found) if isinstance(found, int | float) and not isinstance(found, bool) and 0 <= found < 1e15 else -1


def _declared(response: Response) -> int:
    """The Content-Length of a body that is recorded as it was sent, or -1."""
    value = response.header("Content-Length") or ""
    return int(value) if value.isdecimal() and len(value) < 18 and not response.values("Content-Encoding") else -1


def _is_as_long_as_declared(text: str, response: Response) -> bool:
    """Whether Content-Length gives the number of octets of `text`, so that the recorder changed nothing."""
    return _declared(response) == len(text.encode("utf-8", errors="replace"))


def _is_labelled(content: dict[str, Any]) -> bool:
    """Whether a body is said to be base64."""
    return str(content.get("encoding", "")).strip().lower() == "base64"


def _looks_coded(text: str, response: Response) -> bool:
    """Whether text that is not labelled as base64 is a document in base64.

    No document of this protocol begins with a letter.
    """
    if begins_as_text(text.encode("utf-8", errors="replace")) or response.status == 202:
        return False
    octets = decoded(text)
    return octets is not None and (octets.startswith(GZIP) or begins_as_text(octets))


def _inflated(octets: bytes, wbits: int) -> bytes:
    """The decoded octets of a body that a proxy kept in its content coding."""
    try:
        return zlib.decompressobj(wbits=wbits).decompress(octets, LIMIT)
    except zlib.error:
        return octets


def _codec(text: str, response: Response) -> str:
    """The encoding that the text will have had on the wire, as far as it is declared."""
    declared = charset(response)
    return "utf-16" if declared.startswith("utf-16") or (not declared and _UTF_16.match(text)) else "utf-8"
