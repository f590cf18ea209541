"""Masks for whatever is written in base64: certificates and keys, whole or in part, and identifiers among other octets.

What is to be hidden is found by its value. Base64 writes the same octets in three ways, depending on how many octets stand
before them; all three are found, with any line breaks inside, and with `+` and `/` escaped. Masks are as long as what they hide.
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
"""Characters by which a hidden text is looked up; a shorter text is not found."""
_STRIDE = 8
"""Characters from the beginning of one window of a hidden text to the next."""
_MAX_REMEMBERED_LENGTH = 256
_MAX_REMEMBERED = 20_000
"""At most this many stretches without anything to hide are remembered, none longer than the number of characters above."""
_ESCAPES = (
    ("-", "_"), ("%2B", "%2F"), ("%2b", "%2f"), ("\\u002B", "/"), ("\\u002b", "/"), ("+", "\\/"), ("\\u002B", "\\/"),
    ("&#43;", "/"), ("&#x2B;", "/"), ("&#x2b;", "/"),
)  # fmt: skip
"""How `+` and `/` are written in URLs, JSON and HTML."""
_CHARACTER = re.compile(
    r"(?P<plus>[+-]|%2b|\\u002b|&\#(?:43|x2b);)|(?P<slash>/|_|%2f|\\/|\\u002f|&\#(?:47|x2f);)|.",
    re.IGNORECASE | re.DOTALL,
)
_CHARACTER_OF = {"plus": "+", "slash": "/"}


@dataclass(slots=True)
class Base64Masks:
    """Texts to hide, each with its mask.

    `_texts` are the texts in base64. `_windows` finds them by parts of `_WINDOW` characters, which give the index of the
    text and the offset in it. `_octets` are texts to hide as they are, not in base64. Most stretches of base64 characters
    come again with every reply, so those without anything to hide are remembered (`_harmless`).
    """

    _texts: list[tuple[str, str]] = field(default_factory=list)
    _windows: dict[str, tuple[int, int]] = field(default_factory=dict)
    _octets: list[tuple[str, str]] = field(default_factory=list)
    _harmless: set[str] = field(default_factory=set)

    def add_identifier(self, value: str, mask: str) -> None:
        """Hide `value` where it is written in base64; what is shown instead decodes to `mask`."""
        for hidden, shown in zip(_octets_of(value), _octets_of(mask), strict=True):
            for text, masked in zip(_alignments(hidden), _alignments(shown), strict=True):
                self._add(text, masked)

    def add_pem(self, pem: bytes, word: str) -> None:
        """Hide every block of `pem`, in base64 and as plain octets; its mask repeats `word`."""
        for block in _PEM.finditer(pem):
            lines = [line for line in block[2].splitlines() if line and b":" not in line]
            try:
                der = base64.b64decode(b"".join(lines))
            except ValueError:
                continue
            if len(der) < _WINDOW:
                continue  # too short: it would match other data by chance
            octets = der.decode("latin-1")
            self._octets.append((octets, _repeat(word, len(octets))))
            for text in _alignments(der):
                self._add(text, _repeat(word, len(text)))

    def apply(self, text: str) -> str:
        """`text` with masks over everything that was added."""
        if not self._windows:
            return text
        for octets, mask in self._octets:
            if octets[:_WINDOW] in text:
                text = text.replace(octets, mask)
        masks = list(self._find(text))
        if not masks:
            return text
        pieces: list[str] = []
        end = 0
        for start, mask in masks:
            pieces += [text[end:start], mask]
            end = start + len(mask)
        return "".join([*pieces, text[end:]])

    def _add(self, text: str, mask: str) -> None:
        """Hide `text`, which is base64; its windows are sought with their `+` and `/` in every form."""
        self._texts.append((text, mask))
        self._harmless.clear()
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
        """Each index at which something is to be hidden, with its mask, in order."""
        windows = self._windows
        end = 0
        for run in _RUN.finditer(text):
            if run[0] in self._harmless:
                continue
            index = max(run.start(), end)
            before, last = end, run.end() - _WINDOW
            while index <= last:
                hit = windows.get(text[index : index + _WINDOW])
                if hit is None:
                    index += 1
                    continue
                for start, mask in self._extend(text, index, end, *hit):
                    yield start, mask
                    end = start + len(mask)
                index = max(end, index + 1)
            if end == before <= run.start():  # nothing in this stretch was masked
                self._remember(run[0])

    def _remember(self, run: str) -> None:
        if len(run) <= _MAX_REMEMBERED_LENGTH:
            if len(self._harmless) >= _MAX_REMEMBERED:
                self._harmless.clear()
            self._harmless.add(run)

    def _extend(self, text: str, index: int, earliest: int, which: int, offset: int) -> Iterator[tuple[int, str]]:
        """The index and the mask of each line of `text` around `index` that agrees with hidden text `which` around `offset`.

        Nothing before `earliest` is masked.
        """
        hidden, mask = self._texts[which]
        while index > earliest and offset > 0 and text[index - 1] == hidden[offset - 1]:
            index, offset = index - 1, offset - 1
        while shown := list(_agreement(text, index, hidden[offset:], mask[offset:])):
            overlay = "".join(shown)
            yield index, overlay
            index, offset = index + len(overlay), offset + len(shown)
            if line_break := _LINE_BREAK.match(text, index):
                index = line_break.end()


def _agreement(text: str, index: int, hidden: str, mask: str) -> Iterator[str]:
    """The mask of each character of `text` from `index` on that agrees with `hidden`, up to the first that does not.

    The mask of an escape is as long as the escape.
    """
    for form, character, shown in zip(_CHARACTER.finditer(text, index), hidden, mask, strict=False):
        if _CHARACTER_OF.get(form.lastgroup or "", form[0]) != character:
            return
        yield shown * len(form[0])


def _octets_of(identifier: str) -> list[bytes]:
    """The octets of an identifier in UTF-8 and UTF-16, in either case, with and without dashes; of a GUID as a number too."""
    bare = identifier.replace("-", "") if is_guid(identifier) else identifier
    spellings = [spell(form) for form in (identifier, bare) for spell in (str, str.lower, str.upper)]
    octets = [spelling.encode(encoding) for encoding in ("utf-8", "utf-16-le") for spelling in spellings]
    if is_guid(identifier):
        number = uuid.UUID(identifier)
        octets += [number.bytes, number.bytes_le]
    return octets


def _alignments(octets: bytes) -> Iterator[str]:
    """The base64 of `octets` behind 0, 1 and 2 other octets, without the characters that depend on their neighbours."""
    for before in range(3):
        text = base64.b64encode(bytes(before) + octets).decode("ascii")
        yield text[-(-before * 8 // 6) : (before + len(octets)) * 8 // 6]


def _repeat(word: str, length: int) -> str:
    return "".join(islice(cycle(word), length))
