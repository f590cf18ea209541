"""Text made safe to show: characters that are invisible or that control a display become escapes; makes no markup."""

from __future__ import annotations

import unicodedata

HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories whose characters control a display, or are invisible: controls, bidi and format marks, surrogates."""


def visible(text: str, keep: str = "\n\t") -> str:
    """`text` with an escape for each character of `HIDDEN_CATEGORIES` that is not in `keep`."""
    if text.isprintable() or text.translate(dict.fromkeys(map(ord, keep))).isprintable():
        return text
    return "".join(one if one in keep else _escaped(one) for one in text)


def one_line(text: str, limit: int = 0) -> str:
    """`text` made visible and on one line, cut to `limit` characters; 0 is no limit."""
    line = visible(" ".join(text.split()), keep="")
    return f"{line[: limit - 1]}…" if limit and len(line) > limit else line


def octets_as_text(octets: bytes) -> str:
    """`octets` decoded as UTF-8; if they are not valid UTF-8, as ASCII with backslash escapes for all others."""
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("ascii", errors="backslashreplace")


def _escaped(one: str) -> str:
    code = ord(one)
    if unicodedata.category(one) not in HIDDEN_CATEGORIES:
        return one
    if one in "\r\n\t":
        return {"\r": "\\r", "\n": "\\n", "\t": "\\t"}[one]
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
