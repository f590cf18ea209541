"""Names of files as users give them: what is wrong with one that no file can have, and how a message shows it. Opens no file."""

from __future__ import annotations

import re

MOST_OCTETS_OF_A_PART = 255
"""The longest name of a file or folder, in octets; the common file systems have this limit."""
MOST_OCTETS = 4095
"""The longest path, in octets."""
_SHOWN = 200
"""Characters of a path that a message shows."""
_LINE_BREAKS = ("\n", "\r", "\0")
_DER_IN_BASE64 = re.compile(r"M[A-Za-z0-9+/]{59,}={0,2}")
"""Every certificate and private key is a SEQUENCE in DER, which begins with M in base64; the shortest key has 64 characters."""


def has_lines(name: str) -> bool:
    """Whether `name` is the text of a file rather than its name: it has a line break."""
    return any(mark in name for mark in _LINE_BREAKS)


def is_too_long(name: str) -> bool:
    """Whether `name` is longer than the name of a file can be."""
    octets = name.encode("utf-8", "surrogateescape")
    return len(octets) > MOST_OCTETS or any(len(part) > MOST_OCTETS_OF_A_PART for part in octets.split(b"/"))


def holds_secret(name: str) -> bool:
    """Whether `name` is the content of a certificate, key or secret file rather than its name."""
    return (
        has_lines(name)
        or "-----BEGIN" in name
        or name.lstrip().startswith("<")  # a .publishsettings file
        or _DER_IN_BASE64.fullmatch(name.strip()) is not None
    )


def secret_file_fault(name: str, what: str = "a certificate or key") -> str:
    """What is wrong with `name` as that of a file with `what` in it, "" for nothing; the value itself is never shown."""
    advice = "expected the path of a file (GitLab: a variable of type File)"
    if holds_secret(name):
        return f"holds {what} itself; {advice}"
    return f"is longer than the name of a file can be; {advice}" if is_too_long(name) else ""


def named_file_fault(name: str) -> str:
    """What is wrong with `name` as that of a file or folder, "" for nothing; the name itself is never shown."""
    return _fault(
        name,
        empty="the name is empty; is the variable set?",
        lines="the name has more than one line; expected a path",
        long="the name is longer than that of a file can be; expected a path",
    )


def target_file_fault(name: str) -> str:
    """The same for the name of a target file, in words that fit it."""
    return _fault(
        name,
        empty="the name of the target file is empty; is the variable set?",
        lines="the target is the text of a target file; expected its path",
        long="the name of the target file is longer than a name can be; expected its path",
    )


def _fault(name: str, *, empty: str, lines: str, long: str) -> str:
    """The words for a name that is empty, has line breaks or is too long; "" for any other."""
    if not name:
        return empty
    if has_lines(name):
        return lines
    return long if is_too_long(name) else ""


def shown_path(path: object) -> str:
    """A path as a message shows it: the middle of a long one is left out."""
    text = str(path)
    half = _SHOWN // 2
    return text if len(text) <= _SHOWN else f"{text[:half]}[...]{text[-half:]}"
