"""Bodies in a HAR: text or base64 to octets, and a plain word where a body was not recorded."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from typing import TYPE_CHECKING, Any

from conformance.protocol.documents import charset

if TYPE_CHECKING:
    from conformance.model import Response

LIMIT = 16 * 1024 * 1024
_SLACK = 4  # a byte-order mark that a recorder dropped
_WIDE = re.compile(r"""^\s*<\?xml[^>]*encoding\s*=\s*["']utf-16""", re.IGNORECASE)
_BODILESS = (204, 205, 304)


class UnknownBodyError(Exception):
    """A body of which the capture does not hold the octets; the message says so of several entries."""


def request_body(data: Any) -> bytes:
    """The octets of postData; b"" where there are none, or only the fields of a form."""
    text = data.get("text") if isinstance(data, dict) else None
    if not isinstance(text, str):
        return b""
    if isinstance(data, dict) and data.get("encoding") == "base64":
        try:
            return base64.b64decode(text)[:LIMIT]
        except (binascii.Error, ValueError):
            return b""
    return text.encode("utf-8", errors="replace")[:LIMIT]


def response_body(content: Any, response: Response, method: str) -> tuple[bytes, bool]:
    """The octets of a response's content, and whether they are those that were sent, not text encoded again.

    Raises UnknownBodyError where the recorder did not keep them, or not all.
    """
    content = content if isinstance(content, dict) else {}
    text, size = content.get("text"), content.get("size")
    size = size if isinstance(size, int) and not isinstance(size, bool) else -1
    if method == "HEAD" or response.status in _BODILESS or 100 <= response.status < 200:
        return b"", True
    if not isinstance(text, str) or not text:
        return _no_body(response, size, told=isinstance(text, str))
    if str(content.get("encoding", "")).lower() == "base64":
        return _decoded(text), True
    body = text.encode(_codec(text, response), errors="replace")
    if max(size, _declared(response)) > len(body) + _SLACK:
        raise UnknownBodyError("hold only part of the response")
    return body, False


def _no_body(response: Response, size: int, *, told: bool) -> tuple[bytes, bool]:
    """No text: an empty body if everything says so."""
    declared = _declared(response)
    if size <= 0 and declared <= 0 and (size == 0 or declared == 0 or told):
        return b"", True
    raise UnknownBodyError("were recorded without the content of the response")


def _declared(response: Response) -> int:
    """The Content-Length of a body that is recorded as it was sent, or -1."""
    value = response.header("Content-Length") or ""
    return int(value) if value.isdecimal() and len(value) < 18 and not response.values("Content-Encoding") else -1


def _decoded(text: str) -> bytes:
    try:
        octets = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnknownBodyError("hold content that is no base64") from error
    return _inflated(octets) if octets.startswith(b"\x1f\x8b") else octets[:LIMIT]


def _inflated(octets: bytes) -> bytes:
    """What some proxies keep as it was sent, with its gzip coding."""
    try:
        return zlib.decompressobj(wbits=31).decompress(octets, LIMIT)
    except zlib.error:
        return octets


def _codec(text: str, response: Response) -> str:
    """The encoding that the text will have had on the wire, as far as it is declared."""
    declared = charset(response)
    return "utf-16" if declared.startswith("utf-16") or (not declared and _WIDE.match(text)) else "utf-8"
