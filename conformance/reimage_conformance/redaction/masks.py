"""Masks for identifiers, as long as what they hide, however the identifier's characters are written.

An identifier is found by value alone. It is replaced character by character in the form that was found (`%61` becomes
`%30`, `&#97;` becomes `&#48;`), so that every length in a message stays true.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_FORM = re.compile(
    r"(?P<hex>(?P<open>%(?:25)*|\\u00|\\x|&\#x0*)(?P<code>[0-9a-f]{2})(?P<shut>;?))"
    r"|(?P<decimal>&\#[0-9]+;)|(?P<plain>.)",
    re.IGNORECASE | re.DOTALL,
)
_ESCAPES = ("%", "\\", "&#", "\x00")
"""One of these stands in each text in which characters are escaped, or written in UTF-16."""


def is_guid(value: str) -> bool:
    """Whether `value` has the shape of a GUID with its dashes."""
    return _GUID.fullmatch(value) is not None


def mask_of(value: str, number: int) -> str:
    """The mask of the secret with this number: a GUID for a GUID, else a word; always as long as `value`."""
    if is_guid(value):
        return f"00000000-0000-4000-8000-{number:012d}"
    word = f"masked-{number}"
    return word.ljust(len(value), "x") if len(value) >= len(word) else str(number).rjust(len(value), "0")[-len(value) :]


@dataclass(slots=True)
class IdentifierMasks:
    """Masks of identifiers: in any case, GUIDs with dashes or without, any of the characters escaped."""

    masks: Mapping[str, str]
    _starts: tuple[str, ...] = ()
    _pattern: re.Pattern[str] | None = None
    _by_group: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        longest_first = sorted(self.masks, key=len, reverse=True)
        self._starts = tuple({value[:8].lower() for value in longest_first})
        self._by_group = {f"s{n}": self.masks[value] for n, value in enumerate(longest_first)}
        groups = [f"(?P<s{n}>{_in_any_form(value)})" for n, value in enumerate(longest_first)]
        self._pattern = re.compile("|".join(groups), re.IGNORECASE) if groups else None

    def apply(self, text: str) -> str:
        """`text` with every identifier masked."""
        if self._pattern is None:
            return text
        lower = text.lower()
        if any(start in lower for start in self._starts) or any(mark in text for mark in _ESCAPES):
            return self._pattern.sub(self._mask, text)
        return text

    def _mask(self, found: re.Match[str]) -> str:
        mask = self._by_group[str(found.lastgroup)]
        # A GUID may lack its dashes: they stay where they are, and the digits are masked in turn.
        kept = "-\x00" if is_guid(mask) else "\x00"
        rest = iter(mask.replace("-", "") if is_guid(mask) else mask)
        return "".join(_rewrite(form, rest, kept) for form in _FORM.finditer(found[0]))


def _in_any_form(value: str) -> str:
    """A regular expression for an identifier in any form; the dashes of a GUID may be missing."""
    if any(mark in value for mark in "%\\&"):
        return re.escape(value)
    dash = "(?:{})?" if is_guid(value) else "{}"
    return "".join(
        dash.format(_forms_of(character)) if character == "-" else _forms_of(character) for character in value
    )


def _forms_of(character: str) -> str:
    """A regular expression for a character in either case, as it is or escaped, and with a NUL behind it as in UTF-16."""
    codes = sorted({ord(character.lower()), ord(character.upper())})
    hexes = "|".join(f"{code:02x}" for code in codes)
    decimals = "|".join(str(code) for code in codes)
    escaped = rf"%(?:25)*(?:{hexes})|\\u00(?:{hexes})|\\x(?:{hexes})|&\#x0*(?:{hexes});|&\#0*(?:{decimals});"
    return rf"(?:{re.escape(character)}|{escaped})\x00?"


def _rewrite(form: re.Match[str], rest: Iterator[str], kept: str) -> str:
    """The next character of the mask, taken from `rest`, in this form; the form itself if its character is one of `kept`."""
    if form["plain"] is not None:
        return form[0] if form[0] in kept else next(rest, form[0])
    code = int(form["code"], 16) if form["hex"] is not None else int(form[0][2:-1])
    if chr(code) in kept:
        return form[0]
    masked = ord(next(rest, chr(code)))
    if form["hex"] is not None:
        return f"{form['open']}{masked:02x}{form['shut']}"
    return f"&#{masked:0{len(form[0]) - 3}d};"
