"""Message framing: where a response ends (RFC 9112, section 6.3), and whether the end of a request is unambiguous."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from reimage_conformance.anomalies import Anomaly, AnomalyKind
from reimage_conformance.wire.heads import TOKEN

if TYPE_CHECKING:
    from reimage_conformance.model import Request, Response
    from reimage_conformance.wire.heads import Head

_KNOWN_CODINGS = {"chunked", "gzip", "x-gzip", "deflate", "compress", "x-compress"}
"""The transfer codings of RFC 9112, section 7.2 and 7.1, with their aliases."""
_TARGET = re.compile(r"[\x21-\x7e]+")
_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,8})\r\n")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_MAX_DIGITS = 18
"""A Content-Length with more digits is read as 10 ** _MAX_DIGITS, which is more than any reply has."""


class Extent(Enum):
    """What ends the content of a response."""

    NOTHING = auto()
    LENGTH = auto()
    CHUNKED = auto()
    CLOSE = auto()
    UNKNOWABLE = auto()


@dataclass(frozen=True, slots=True)
class Framing:
    """What ends the content of a response; `length` in octets, `anomalies` say what is wrong with the framing fields."""

    extent: Extent
    length: int = 0
    anomalies: tuple[Anomaly, ...] = ()


def framing_of(head: Head, method: str) -> Framing:
    """The framing of the response with `head` to a request with `method` (RFC 9112 6.3)."""
    bodiless = f"{head.status}" if head.status < 200 or head.status == 204 else ""
    if method == "CONNECT" and 200 <= head.status < 300:
        bodiless = "connect"
    anomalies = _forbidden_here(head, bodiless)
    if bodiless or method == "HEAD" or head.status == 304:  # the latter two may say how long the content would be
        return Framing(Extent.NOTHING, 0, (*anomalies, *_of_content(head).anomalies))
    return _of_content(head)


def _of_content(head: Head) -> Framing:
    """The framing of a response that has content."""
    return _of_transfer_encoding(head) if head.has("transfer-encoding") else _of_length(head)


def _forbidden_here(head: Head, bodiless: str) -> tuple[Anomaly, ...]:
    """The anomalies of framing fields in a response that must have no content; `bodiless` says why it must not, "" if it may."""
    if not bodiless:
        return ()
    where = "2xx answer to CONNECT" if bodiless == "connect" else bodiless
    names = {"Content-Length": AnomalyKind.LENGTH, "Transfer-Encoding": AnomalyKind.TRANSFER_ENCODING}
    return tuple(
        Anomaly(kind, f"{name}: {', '.join(head.members(name))} in a {where}", bodiless)
        for name, kind in names.items()
        if head.has(name)
    )


def _of_transfer_encoding(head: Head) -> Framing:
    codings = [member.partition(";")[0].strip(" \t").lower() for member in head.members("transfer-encoding")]
    shown = f"Transfer-Encoding: {', '.join(codings)}"
    anomalies = []
    if head.has("content-length"):
        lengths = f"Content-Length: {', '.join(head.members('content-length'))}"
        anomalies.append(Anomaly(AnomalyKind.LENGTH_AND_TRANSFER_ENCODING, f"{lengths} and {shown}"))
    unknown = [coding for coding in codings if coding not in _KNOWN_CODINGS]
    anomalies += [Anomaly(AnomalyKind.UNKNOWN_TRANSFER_CODING, f"Transfer-Encoding: {coding}") for coding in unknown]
    if head.http_version == "HTTP/1.0":
        anomalies.append(Anomaly(AnomalyKind.TRANSFER_ENCODING_IN_HTTP_1_0, f"{shown} in HTTP/1.0"))
    if codings.count("chunked") > 1:
        anomalies.append(Anomaly(AnomalyKind.CHUNKED_TWICE, shown))
    if codings[-1:] == ["chunked"]:
        return Framing(Extent.CHUNKED, 0, tuple(anomalies))
    return Framing(Extent.CLOSE, 0, (*anomalies, Anomaly(AnomalyKind.NOT_FINAL_CHUNKED, shown)))


def _of_length(head: Head) -> Framing:
    if not head.has("content-length"):
        return Framing(Extent.CLOSE)
    lengths = head.members("content-length") or [""]  # an empty Content-Length is invalid too
    invalid = [value for value in lengths if not (value.isascii() and value.isdigit())]
    if invalid:
        anomalies = tuple(Anomaly(AnomalyKind.INVALID_LENGTH, f"Content-Length: {value!r}") for value in invalid)
        return Framing(Extent.UNKNOWABLE, 0, anomalies)
    shown = f"Content-Length: {', '.join(lengths)}"
    if len({value.lstrip("0") for value in lengths}) > 1:
        return Framing(Extent.UNKNOWABLE, 0, (Anomaly(AnomalyKind.DIFFERING_LENGTHS, shown),))
    anomalies = (Anomaly(AnomalyKind.REPEATED_LENGTH, shown),) if len(lengths) > 1 else ()
    is_huge = len(lengths[0].lstrip("0")) > _MAX_DIGITS
    return Framing(Extent.LENGTH, 10**_MAX_DIGITS if is_huge else int(lengths[0]), anomalies)


def is_plainly_framed(request: Request) -> bool:
    """Whether every HTTP/1.1 recipient finds the same end of `request`: its head is well-formed and its length right."""
    if request.http_version != "HTTP/1.1" or not (
        TOKEN.fullmatch(request.method) and _TARGET.fullmatch(request.target)
    ):
        return False
    if not all(TOKEN.fullmatch(name) and _VALUE.fullmatch(value) for name, value in request.headers):
        return False
    lengths = request.values("content-length")
    if request.values("transfer-encoding"):
        return not lengths and _members(request, "transfer-encoding") == ["chunked"] and _is_one_chunked(request.body)
    return lengths == (str(len(request.body)),) or (not lengths and not request.body)


def _is_one_chunked(body: bytes) -> bool:
    """Whether `body` is one complete chunked body without extensions or trailers, and nothing after it."""
    while found := _CHUNK_LINE.match(body):
        size = int(found[1], 16)
        if body[found.end() + size :][:2] != b"\r\n":
            return False
        body = body[found.end() + size + 2 :]
        if not size:
            return not body
    return False


def must_be_last(request: Request) -> bool:
    """Whether the endpoint must close the connection after answering `request` (RFC 9112 6.1, 6.3, 9.6)."""
    if "close" in _members(request, "connection"):
        return True
    lengths, codings = _members(request, "content-length"), _members(request, "transfer-encoding")
    if codings:
        return bool(lengths) or codings[-1] != "chunked"
    invalid = any(not (value.isascii() and value.isdigit()) for value in lengths)
    return invalid or len(set(lengths)) > 1 or (not lengths and bool(request.values("content-length")))


def announces_close(response: Response) -> bool:
    """Whether a response says that its sender closes the connection (RFC 9112 9.6)."""
    return "close" in _members(response, "connection")


def _members(request: Request | Response, name: str) -> list[str]:
    parts = [part.strip(" \t").lower() for value in request.values(name) for part in value.split(",")]
    return [part for part in parts if part]
