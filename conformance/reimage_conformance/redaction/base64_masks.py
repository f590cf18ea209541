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

from reimage_conformance.redaction.masks import is_guid

if TYPE_CHECKING:
    from collections.abc import Iterator

_RUN = re.compile(r"[A-Za-z0-9+/_%\\&#;=-]{16,}")
_LINE_BREAK = re.compile(r"(?:[\r\n\t \x00]|\\[rn]|%0[ad]|&\#(?:10|13|x0?[ad]);)+", re.IGNORECASE)
_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)
_WINDOW = 16
_STRIDE = 8
_REMEMBERED_LENGTH = 256
_REMEMBERED_RUNS = 20_000
_ESCAPES = (
    ("-", "_"), ("%2B", "%2F"), ("%2b", "%2f"), ("\\u002B", "/"), ("\\u002b", "/"), ("+", "\\/"), ("\\u002B", "\\/"),
    ("&#43;", "/"), ("&#x2B;", "/"), ("&#x2b;", "/"),
)  # fmt: skip
_CHARACTER = re.compile(
    r"(?P<plus>[+-]|%2b|\\u002b|&\#(?:43|x2b);)|(?P<slash>/|_|%2f|\\/|\\u002f|&\#(?:47|x2f);)|.",
    re.IGNORECASE | re.DOTALL,
)
_FORMS = {"plus": "+", "slash": "/"}


@dataclass(slots=True)
class Base64Masks:
    """Texts to hide, each with its mask, indexed by windows of their characters.

    Most runs of base64 characters come again with every reply, so those that hide nothing are remembered.
    """

    _texts: list[tuple[str, str]] = field(default_factory=list)
    _windows: dict[str, tuple[int, int]] = field(default_factory=dict)
    _octets: list[tuple[str, str]] = field(default_factory=list)
    _innocent: set[str] = field(default_factory=set)

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
            if len(der) < _WINDOW:
                continue  # it would be found by chance
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
        self._texts.append((text, mask))
        self._innocent.clear()
        which = len(self._texts) - 1
        windows = [(text[offset : offset + _WINDOW], offset) for offset in range(0, len(text) - _WINDOW + 1, _STRIDE)]
        for window, offset in windows:
            self._windows.setdefault(window, (which, offset))
        escaped = [(window, offset) for window, offset in windows if "+" in window or "/" in window]
        for plus, slash in _ESCAPES:
            forms = {ord("+"): plus, ord("/"): slash}
            for window, offset in escaped:
                self._windows.setdefault(window.translate(forms)[:_WINDOW], (which, offset))

    def _find(self, text: str) -> Iterator[tuple[int, str]]:
        """Where something hidden is, and the mask to lay over it, in order."""
        windows = self._windows
        end = 0
        for run in _RUN.finditer(text):
            if run[0] in self._innocent:
                continue
            place = max(run.start(), end)
            before = end
            while place <= run.end() - _WINDOW:
                hit = windows.get(text[place : place + _WINDOW])
                if hit is None:
                    place += 1
                    continue
                for start, mask in self._extend(text, place, end, *hit):
                    yield start, mask
                    end = start + len(mask)
                place = max(end, place + 1)
            if end == before <= run.start():
                self._remember(run[0])

    def _remember(self, run: str) -> None:
        if len(run) <= _REMEMBERED_LENGTH:
            if len(self._innocent) >= _REMEMBERED_RUNS:
                self._innocent.clear()
            self._innocent.add(run)

    def _extend(self, text: str, place: int, floor: int, which: int, offset: int) -> Iterator[tuple[int, str]]:
        """The stretches of `text` around `place` that agree with hidden text `which` around `offset`, line by line."""
        hidden, mask = self._texts[which]
        while place > floor and offset > 0 and text[place - 1] == hidden[offset - 1]:
            place, offset = place - 1, offset - 1
        while shown := list(_agreement(text, place, hidden[offset:], mask[offset:])):
            laid = "".join(shown)
            yield place, laid
            place, offset = place + len(laid), offset + len(shown)
            if line_break := _LINE_BREAK.match(text, place):
                place = line_break.end()


def _agreement(text: str, place: int, hidden: str, mask: str) -> Iterator[str]:
    """For each character from `place` on, while they agree with `hidden`, what to show for it, as long as its form."""
    for form, character, shown in zip(_CHARACTER.finditer(text, place), hidden, mask, strict=False):
        if _FORMS.get(form.lastgroup or "", form[0]) != character:
            return
        yield shown * len(form[0])


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


def _repeat(word: str, length: int) -> str:
    return "".join(islice(cycle(word), length))
