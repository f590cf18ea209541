"""Echoes: secrets that were seen in a header line, masked wherever they come back, plain or in one of their encodings.

There may be hundreds of them, and every message is searched, so they are found by how they begin.
"""

from __future__ import annotations

import base64
import html
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterator

_START = 7
"""A form is looked up by this many of its first characters; no secret that is sought is shorter."""
_FEW = 100
"""With at most this many beginnings, each is sought in the whole text first: that is faster than a look-up at every index."""
MAX_ECHOES = 2_000
"""Stop adding secrets after this many: each is kept in some twenty forms."""


@dataclass(slots=True)
class EchoMasks:
    """Secrets to find in any text, each with its mask; masks are as long as what they hide."""

    _by_start: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    _known: set[str] = field(default_factory=set)

    def add(self, secret: str, mask: str) -> bool:
        """Seek `secret`, latin-1 text, from now on; `mask` is as long as `secret`.

        False where the secret was known already, or where there are `MAX_ECHOES`.
        """
        if secret in self._known or len(self._known) >= MAX_ECHOES:
            return False
        self._known.add(secret)
        self._put(secret, mask)
        for form in _forms(secret):
            self._put(form, "masked".ljust(len(form), "x")[: len(form)])
        return True

    def _put(self, form: str, mask: str) -> None:
        """Seek one form of a secret, the longest one first among those with the same beginning."""
        if len(form) >= _START:
            same_start = self._by_start.setdefault(form[:_START], [])
            if all(form != known for known, _ in same_start):
                same_start.append((form, mask))
                same_start.sort(key=lambda each: len(each[0]), reverse=True)

    def apply(self, text: str) -> str:
        """`text` with every secret masked."""
        if not self._by_start or len(text) < _START:
            return text
        if len(self._by_start) <= _FEW and not any(start in text for start in self._by_start):
            return text
        pieces: list[str] = []
        end = index = 0
        while index <= len(text) - _START:
            same_start = self._by_start.get(text[index : index + _START])
            if same_start is None:
                index += 1
                continue
            hit = next((each for each in same_start if text.startswith(each[0], index)), None)
            if hit is None:
                index += 1
                continue
            pieces += [text[end:index], hit[1]]
            index = end = index + len(hit[0])
        return "".join([*pieces, text[end:]]) if pieces else text


def _forms(secret: str) -> Iterator[str]:
    """The encodings of a secret: percent, character references, JSON, UTF-16, base64, hexadecimal digits."""
    octets = secret.encode("latin-1", errors="replace")
    percent = quote(octets, safe="")
    yield from (
        percent,
        _lower_escapes(percent),
        quote_plus(octets),
        quote(percent, safe=""),
        quote(octets, safe="/:="),
    )
    yield from (html.escape(secret), html.escape(secret, quote=False), html.escape(secret).replace("&#x27;", "&apos;"))
    escaped = json.dumps(secret)[1:-1]
    yield from (escaped, escaped.replace("/", "\\/"))
    for form in ("%{:02X}", "%{:02x}", "\\u{:04x}", "\\u{:04X}", "\\x{:02x}", "&#{};", "&#x{:x};", "&#x{:X};"):
        yield "".join(form.format(octet) for octet in octets)
    for codec in ("utf-16-le", "utf-16-be", "utf-8"):
        yield secret.encode(codec).decode("latin-1")
    for coded in (base64.b64encode(octets), base64.urlsafe_b64encode(octets)):
        yield coded.decode("ascii").rstrip("=")
    yield from (octets.hex(), octets.hex().upper())


def _lower_escapes(percent: str) -> str:
    """Percent escapes with lower-case digits."""
    first, *others = percent.split("%")
    return "%".join([first, *(other[:2].lower() + other[2:] for other in others)])
