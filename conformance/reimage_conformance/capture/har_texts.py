"""Texts that a HAR holds for bodies: which of them are not the body as it was sent, and the octets of bodies in another form."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any
from urllib.parse import unquote_to_bytes

from lxml import etree

GZIP = b"\x1f\x8b"
_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_MASKED = re.compile(
    r"[\[({<]*(?:[\w/+.:;= -]*\b)?(?:redacted|saniti[sz]ed|masked|scrubbed|removed|stripped|censored)\b[\w/+.:;= -]*[\])}>]*",
    re.IGNORECASE,
)
"""What sanitisers write in place of content, such as `[application/xml redacted]`."""
_LONGEST_MASK = 1000
"""Characters; the time that `_MASKED` takes grows with the square of them."""
_BLOTTED = re.compile(r"[*•█x.\s]{3,}", re.IGNORECASE)
"""What sanitisers write over content, character by character."""
_NOTHING = r"""
    -|null|none|nil|undefined|false|0|n/?a|""|''|b''|b""|\{\s*\}|\[\s*\]
    | [\[(<{]?(?:(?:the|request|response|reply|body|has|is|with)\s)*
      (?:empty(?:\s(?:body|content|response))?|no\s(?:body|content|data|response)|none|0\sbytes)[\])>}]?
    """
"""Words for no body."""
_LEFT_OUT = r"""
    [\[(<{][^<>\[\](){}="']{0,80}\b(?:binary|blob|buffer|stream|arraybuffer|object\s\w+|omitted|evicted|skipped|unavailable|
        too\s(?:large|big|long)|no\sdata|not\s(?:available|captured|recorded|shown))\b[^<>\[\](){}="']{0,400}[\])>}]
    | failed\sto\sload\b[^<]{0,400}
    """
"""Words for a body that was left out."""
_NOT_AS_SENT = re.compile(
    rf"""\s*(?:
        \Z
        | (?:{_NOTHING})\s*\Z
        | (?:{_LEFT_OUT})\s*\Z
        | &lt;                                                          # escaped for a page
        | \\u003c | %3c                                                 # escaped as JSON or a URL
        | (?:<(?:!doctype|html)\b(?:(?!&lt;).)*)?<pre\b[^<>]*>\s*&lt;    # in a page that a browser makes of it
        | <div\ id="webkit-xml-viewer-source-xml"
        | this\ xml\ file\ does\ not\ appear\ to\ have\ any\ style\ information
        | <!\[CDATA\[
        | b?["']\s*<                                                    # as a program prints a string
        | <[^<>]*=\\"                                                   # escaped as a JSON string
        | [0-9a-f]{{1,8}}\r?\n\s*<                                     # with the lengths of its chunks
        | HTTP/\d(?:\.\d)?\ \d{{3}}\b                                  # with its header lines
        | ```
    )""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
"""Text that recorders write, and that is not a body as it was sent."""
_HEAD = 65_536
"""What `_NOT_AS_SENT` matches stands among this many characters at the beginning of a text."""
_LAST_CHUNK = "\r\n0\r\n\r\n"
"""What recorders leave behind the text of the chunks before it."""
_BEFORE = re.compile(r"\A(?:\?{3}|∩╗┐)(?=\s*<)")
"""A byte-order mark that a recorder could not decode, or read as the letters of a console."""
_DATA_URL = re.compile(r"data:[^,<>]{0,200}?(;base64)?,", re.IGNORECASE)
_MISREAD_MARK = "\xef\xbb\xbf"
_HEX_DUMP = re.compile(r"\s*[0-9a-f]{2}(?::?[0-9a-f]{2}){3}", re.IGNORECASE)
_LEAF = re.compile(r"(<[^<>/!?][^<>]*(?<!/)>)(\s*)([^<>\s](?:[^<>]*[^<>\s])?)(\s*)(?=</)")
"""An element that has only text: its tag, white space, the text, white space."""
_MIN_LAID_OUT = 2
"""A document with fewer elements that have only text does not show whether the recorder laid it out."""
_PLACEHOLDER = re.compile(
    r"""(?P<start><(?P<name>[A-Za-z]\w*)>[^<>]*)
        <(?P<word>[A-Z][A-Z0-9_ -]*|redacted|removed|masked|hidden|filtered|saniti[sz]ed)>
        (?P<end>[^<>]*</(?P=name)>)""",
    re.VERBOSE,
)
"""An element that has a word in angle brackets in its text, as sanitisers write it that do not support XML."""


def is_mask(text: str) -> bool:
    """Whether a text is what sanitisers write in place of content."""
    bare = text.strip()
    is_word = len(bare) <= _LONGEST_MASK and _MASKED.fullmatch(bare) is not None
    return is_word or _BLOTTED.fullmatch(bare) is not None


def is_not_as_sent(text: str) -> bool:
    """Whether a text is the recorder's own, or written in a way from which the body cannot be read."""
    return _NOT_AS_SENT.match(text[:_HEAD]) is not None


def octets_of(text: str) -> bytes | None:
    """The octets that a text lists or holds encoded, None for any other text."""
    for read in (_of_hex_dump, _of_data_url, _of_json):
        octets = read(text)
        if octets is not None:
            return octets
    return None


def as_sent(text: str) -> str:
    """A text without what recorders and sanitisers wrote into it, and without the end of a buffer or of chunks behind it."""
    whole = text.rstrip("\0").removesuffix(_LAST_CHUNK)
    return _with_placeholders_escaped(_without_lines_around_text(_BEFORE.sub("", whole)))


def _with_placeholders_escaped(text: str) -> str:
    """A document with its words in angle brackets escaped, if only that makes it well-formed."""
    escaped = _PLACEHOLDER.sub(r"\g<start>&lt;\g<word>&gt;\g<end>", text)
    return escaped if escaped != text and not _is_well_formed(text) and _is_well_formed(escaped) else text


def _is_well_formed(text: str) -> bool:
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        etree.fromstring(text.removeprefix("\ufeff").strip().encode("utf-8", errors="replace"), parser)
    except etree.XMLSyntaxError:
        return False
    return True


def _of_data_url(text: str) -> bytes | None:
    found = _DATA_URL.match(text.strip())
    if found is None:
        return None
    content = text.strip()[found.end() :]
    octets = decoded(content) if found[1] else unquote_to_bytes(content.encode("utf-8", errors="replace"))
    return octets if octets is not None and is_document(octets) else None


def _of_json(text: str) -> bytes | None:
    """The octets that JSON lists: pieces in base64 or digits, as Polly.JS writes them, or numbers, as JavaScript writes a buffer."""
    if text.lstrip()[:1] not in ("[", "{"):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    is_buffer = isinstance(found, dict) and found.get("type") == "Buffer"
    octets = _of_numbers(found["data"] if is_buffer and "data" in found else found)
    if is_buffer and octets == b"":
        return octets
    octets = _of_pieces(found) if octets is None else octets
    return octets if octets is not None and is_document(octets) else None


def _of_numbers(found: Any) -> bytes | None:
    """Octets listed as numbers, with or without their indexes as keys; None for anything else."""
    if isinstance(found, dict):
        found = list(found.values()) if list(found) == [str(index) for index in range(len(found))] else None
    if not isinstance(found, list) or not all(type(each) is int and 0 <= each < 256 for each in found):
        return None
    return bytes(found)


def _of_pieces(found: Any) -> bytes | None:
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        return None
    for pieces in ([_of_digits(each) for each in found], [decoded(each) for each in found]):
        octets = b"".join(each or b"" for each in pieces)
        if None not in pieces and is_document(octets):
            return octets
    return None


def of_misread_mark(text: str) -> bytes | None:
    """The octets of text that begins with a byte-order mark of UTF-8 which was read as latin-1 or windows-1252; None where it does not."""
    if not text.startswith(_MISREAD_MARK):
        return None
    for codec in ("latin-1", "cp1252"):
        try:
            return text.encode(codec)
        except UnicodeEncodeError:
            continue
    return None


def _without_lines_around_text(text: str) -> str:
    """A document without the white space around the text of its elements, where all of them have some: the recorder laid it out."""
    texts = _LEAF.findall(text)
    if len(texts) < _MIN_LAID_OUT or any(before == "" or after == "" for _, before, _, after in texts):
        return text
    return _LEAF.sub(r"\1\3", text)


def _of_hex_dump(text: str) -> bytes | None:
    """The octets of a document in hexadecimal digits, with or without colons, as packet analysers write it; None for any other text."""
    octets = _of_digits(text.replace(":", " ")) if _HEX_DUMP.match(text) else None
    return octets if octets is not None and is_document(octets) else None


def _of_digits(text: str) -> bytes | None:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return None


def is_document(octets: bytes) -> bool:
    """Whether octets begin as a document does, or as a compressed one."""
    return octets.startswith(GZIP) or begins_as_text(octets)


def begins_as_text(octets: bytes) -> bool:
    """Whether octets begin as a document does, after white space and a byte-order mark."""
    bare = next((octets.removeprefix(mark) for mark in _MARKS if octets.startswith(mark)), octets)
    return bare.lstrip(b" \t\r\n\0").startswith(b"<")


def decoded(text: str) -> bytes | None:
    """The octets of base64 in either alphabet, wrapped or not, with or without padding; None for any other text."""
    bare = "".join(text.split()).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
