"""Masks for whatever is written in base64: certificates and keys, whole or in part, and identifiers among other octets.

What is hidden is found by value, at whichever of three octets its base64 begins, however its lines are wrapped and its
`+` and `/` are escaped; masks are as long as what they hide.
"""

from __future__ import annotations

import base64
import re
import uuid
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import TYPE_CHECKING

from conformance.wire.masks import is_guid

if TYPE_CHECKING:
    from collections.abc import Iterator

_RUN = re.compile(r"[A-Za-z0-9+/_%\\&#;=-]{16,}")
_LINE_BREAK = re.compile(r"(?:[\r\n\t \x00]|\\[rn]|%0[ad]|&\#(?:10|13|x0?[ad]);)+", re.IGNORECASE)
_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)
_WINDOW = 16
_STRIDE = 8
_ESCAPES = (
    ("+", "/"), ("-", "_"), ("%2B", "%2F"), ("%2b", "%2f"), ("\\u002B", "/"), ("\\u002b", "/"), ("+", "\\/"),
    ("\\u002B", "\\/"), ("&#43;", "/"), ("&#x2B;", "/"), ("&#x2b;", "/"),
)  # fmt: skip


@dataclass(slots=True)
class Base64Masks:
    """Texts to hide, each with its mask, indexed by windows of their characters."""

    _texts: list[tuple[str, str]] = field(default_factory=list)
    _windows: dict[str, tuple[int, int]] = field(default_factory=dict)
    _octets: list[tuple[str, str]] = field(default_factory=list)

    def add_identifier(self, value: str, mask: str) -> None:
        """Hide `value` in base64; under the mask the base64 decodes to `mask`."""
        for hidden, shown in zip(_octets_of(value), _octets_of(mask), strict=True):
            for text, masked in zip(_alignments(hidden), _alignments(shown), strict=True):
                self._add(text, masked)

    def add_pem(self, pem: bytes, word: str) -> None:
        """Hide every block of `pem`, the octets themselves too; its mask repeats `word`."""
        for block in _PEM.finditer(pem):
            lines = [line for line in block[2].splitlines() if line and b":" not in line]
            try:
                der = base64.b64decode(b"".join(lines))
            except ValueError:
                continue
            octets = der.decode("latin-1")
            self._octets.append((octets, _repeat(word, len(octets))))
            for text in _alignments(der):
                self._add(text, _repeat(word, len(text)))

    def apply(self, text: str) -> str:
        """`text` with everything hidden that was added."""
        if not self._windows:
            return text
        for octets, mask in self._octets:
            if octets[:_WINDOW] in text:
                text = text.replace(octets, mask)
        covers = list(self._find(text))
        if not covers:
            return text
        pieces: list[str] = []
        end = 0
        for start, mask in covers:
            pieces += [text[end:start], mask]
            end = start + len(mask)
        return "".join([*pieces, text[end:]])

    def _add(self, text: str, mask: str) -> None:
        for plus, slash in _ESCAPES:
            escaped, shown = _escape(text, mask, plus, slash)
            if escaped == text and (plus, slash) != _ESCAPES[0]:
                continue
            self._texts.append((escaped, shown))
            for offset in range(0, len(escaped) - _WINDOW + 1, _STRIDE):
                self._windows.setdefault(escaped[offset : offset + _WINDOW], (len(self._texts) - 1, offset))

    def _find(self, text: str) -> Iterator[tuple[int, str]]:
        """Where something hidden is, and the mask to lay over it, in order."""
        windows = self._windows
        end = 0
        for run in _RUN.finditer(text):
            place = max(run.start(), end)
            while place <= run.end() - _WINDOW:
                hit = windows.get(text[place : place + _WINDOW])
                if hit is None:
                    place += 1
                    continue
                for start, mask in self._extend(text, place, end, *hit):
                    yield start, mask
                    end = start + len(mask)
                place = max(end, place + 1)

    def _extend(self, text: str, place: int, floor: int, which: int, offset: int) -> Iterator[tuple[int, str]]:
        """The stretches of `text` around `place` that agree with hidden text `which` around `offset`, line by line."""
        hidden, mask = self._texts[which]
        while place > floor and offset > 0 and text[place - 1] == hidden[offset - 1]:
            place, offset = place - 1, offset - 1
        while offset < len(hidden):
            length = _agreement(text, place, hidden, offset)
            if not length:
                return
            yield place, mask[offset : offset + length]
            place, offset = place + length, offset + length
            if line_break := _LINE_BREAK.match(text, place):
                place = line_break.end()


def _agreement(text: str, place: int, hidden: str, offset: int) -> int:
    """How many characters of `text` from `place` on agree with `hidden` from `offset` on."""
    longest = min(len(text) - place, len(hidden) - offset)
    differing = (n for n in range(longest) if text[place + n] != hidden[offset + n])
    return next(differing, longest)


def _octets_of(identifier: str) -> list[bytes]:
    bare = identifier.replace("-", "") if is_guid(identifier) else identifier
    writings = [f(form) for form in (identifier, bare) for f in (str, str.lower, str.upper)]
    octets = [writing.encode(encoding) for encoding in ("utf-8", "utf-16-le") for writing in writings]
    if is_guid(identifier):
        number = uuid.UUID(identifier)
        octets += [number.bytes, number.bytes_le]
    return octets


def _alignments(octets: bytes) -> Iterator[str]:
    """The base64 of `octets` behind 0, 1 and 2 others, without the characters that depend on their neighbours."""
    for before in range(3):
        text = base64.b64encode(bytes(before) + octets).decode("ascii")
        yield text[-(-before * 8 // 6) : (before + len(octets)) * 8 // 6]


def _escape(text: str, mask: str, plus: str, slash: str) -> tuple[str, str]:
    """`text` with its plus and slash signs escaped, and the mask as long as that."""
    forms = {"+": plus, "/": slash}
    pairs = [(forms.get(a, a), b.ljust(len(forms.get(a, a)), b)) for a, b in zip(text, mask, strict=True)]
    return "".join(a for a, _ in pairs), "".join(b for _, b in pairs)


def _repeat(word: str, length: int) -> str:
    return "".join(islice(cycle(word), length))
