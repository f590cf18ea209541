"""Text made visible: whatever an endpoint sent becomes characters that show themselves and do nothing; no markup."""

from __future__ import annotations

import unicodedata

HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories whose characters steer a display, or show nothing: controls, bidi and format marks, surrogates."""


def visible(text: str, keep: str = "\n\t") -> str:
    """Give `text` with every control, bidi, format and unassigned character, save those in `keep`, as an escape."""
    if text.isprintable() or text.translate(dict.fromkeys(map(ord, keep))).isprintable():
        return text
    return "".join(one if one in keep else _shown(one) for one in text)


def one_line(text: str, limit: int = 0) -> str:
    """Give `text` visibly on one line, cut to `limit` characters where `limit` is not 0."""
    line = visible(" ".join(text.split()), keep="")
    return f"{line[: limit - 1]}…" if limit and len(line) > limit else line


def octets_as_text(octets: bytes) -> str:
    """Decode `octets` as UTF-8 where they are that, else as ASCII with the others as backslash escapes."""
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("ascii", errors="backslashreplace")


def _shown(one: str) -> str:
    code = ord(one)
    if unicodedata.category(one) not in HIDDEN_CATEGORIES:
        return one
    if one in "\r\n\t":
        return {"\r": "\\r", "\n": "\\n", "\t": "\\t"}[one]
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
