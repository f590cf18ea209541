"""Content codings: what content holds once it is decoded (RFC 9110 8.4.1); judges nothing.

The suite sends no Accept-Encoding, so that any content coding is acceptable (RFC 9110 12.5.3).
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reimage_conformance.model import Fact

if TYPE_CHECKING:
    from collections.abc import Sequence

_GZIP_WBITS, _ZLIB_WBITS, _DEFLATE_WBITS = 31, 15, -15
"""The `wbits` of zlib for each of the three formats."""
_FORMATS = {
    "gzip": (_GZIP_WBITS,),
    "x-gzip": (_GZIP_WBITS,),
    # Some servers leave out the zlib format around deflated content (RFC 9110 8.4.1.2).
    "deflate": (_ZLIB_WBITS, _DEFLATE_WBITS),
}
"""The codings that can be decoded, each with the formats that it is tried in."""
_UNKNOWN_IF_DECODED = frozenset({Fact.CODING})
_UNKNOWN_IF_NOT_DECODED = frozenset(
    {Fact.CODING, Fact.CONTENT, Fact.OCTETS, Fact.SECRETS, Fact.SHOWN_ID, Fact.SHOWN_NAME, Fact.SHOWN_VALUES}
)
"""The facts that are not known of content that was decoded, and of content that could not be."""
_MARKUP = re.compile(rb"(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?[ \t\r\n]*\0?<\0?[?!A-Za-z]")
"""The beginning of a document that is in no coding: a byte order mark, white space, and `<` in UTF-8 or UTF-16."""
_SALVAGED_OCTETS = 64 * 1024
"""At most this many octets of broken content are decoded, one by one: zlib gives nothing of a piece with a mistake in it."""


@dataclass(frozen=True, slots=True)
class Content:
    """Content after its codings were undone.

    `unrecorded` holds the facts that are not known because of its coding. `problem` says what is wrong with the coding, "" for
    nothing. `is_too_large` says that the content has more octets than were allowed; `body` is then its beginning.
    """

    body: bytes
    unrecorded: frozenset[Fact] = field(default_factory=frozenset)
    problem: str = ""
    is_too_large: bool = False


def content_of(body: bytes, codings: Sequence[str], *, is_complete: bool, limit: int) -> Content:
    """The content of a body in `codings`, which are in the order of Content-Encoding; at most `limit` octets of it.

    Content that is not complete is decoded as far as it came. If the suite cannot decode a coding, nothing is known of the content,
    and no secret in it could be masked: `body` is then empty. A document under a word that is no coding, such as `utf-8`, is left
    as it is. If the body is not in its coding, it is decoded up to the first mistake; if nothing comes of that, it is left as it is.
    """
    names = [name for name in map(str.lower, codings) if name and name != "identity"]
    if not body or not names:
        return Content(body)
    if any(name not in _FORMATS for name in names):
        return Content(body) if _MARKUP.match(body) else Content(b"", _UNKNOWN_IF_NOT_DECODED)
    content = Content(body)
    for name in reversed(names):
        decoded = _decoded(content.body, name, is_complete=is_complete, limit=limit)
        content = replace(decoded, unrecorded=content.unrecorded | decoded.unrecorded)
        if content.problem or content.is_too_large:
            break
    return content


def _decoded(body: bytes, name: str, *, is_complete: bool, limit: int) -> Content:
    """The content of a body in one coding."""
    for wbits in _FORMATS[name]:
        try:
            octets, has_ended = _inflated(body, wbits, limit)
        except zlib.error:
            continue
        if len(octets) > limit:
            return Content(octets[:limit], _UNKNOWN_IF_DECODED, is_too_large=True)
        if has_ended or not is_complete:
            return Content(octets, _UNKNOWN_IF_DECODED)
    problem = f"the content is not in {name}"
    salvaged = _salvaged(body[:_SALVAGED_OCTETS], _FORMATS[name][0], limit)
    return Content(salvaged, _UNKNOWN_IF_DECODED, problem) if salvaged else Content(body, problem=problem)


def _inflated(body: bytes, wbits: int, limit: int) -> tuple[bytes, bool]:
    """At most `limit` + 1 octets of what `body` holds, and whether its format ends where `body` ends; raises zlib.error.

    Content in gzip may have several members, one after the other (RFC 1952 2.2).
    """
    octets, rest = b"", body
    while True:
        decoder = zlib.decompressobj(wbits)
        octets += decoder.decompress(rest, limit + 1 - len(octets))
        rest = decoder.unused_data
        if len(octets) > limit or not decoder.eof or not rest:
            return octets, decoder.eof and not rest
        if wbits != _GZIP_WBITS:
            raise zlib.error("more octets after the end")


def _salvaged(body: bytes, wbits: int, limit: int) -> bytes:
    """What can be decoded of broken content before the first mistake."""
    decoder, octets = zlib.decompressobj(wbits), b""
    try:
        for at in range(len(body)):
            octets += decoder.decompress(body[at : at + 1], limit)
            if len(octets) >= limit or decoder.eof:
                break
    except zlib.error:
        pass
    return octets[:limit]
