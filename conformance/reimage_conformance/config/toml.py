"""Reads TOML files that people write by hand: an error names the line, what is wrong in it, and what to write instead."""

from __future__ import annotations

import codecs
import re
import tomllib
from typing import TYPE_CHECKING, Any

from reimage_conformance.errors import TargetError

if TYPE_CHECKING:
    from pathlib import Path

_AT = re.compile(r"\s*\(at (?:line (?P<line>\d+), column \d+|end of document)\)$")
_ASSIGNMENT = re.compile(r"\s*(?P<key>[A-Za-z0-9_.\"'-]+)\s*=\s*(?P<value>.*?)\s*(?:#[^\"']*)?$")
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_BARE = re.compile(r"[A-Za-z0-9_./:\\~-]+")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{60,}={0,2}")
"""A private key in base64 has at least this many characters."""


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """The TOML document in the file at `path`; `what` names the expected file in errors.

    Raises TargetError for a file that cannot be read, and FileNotFoundError for a missing one.
    """
    if path.is_dir():
        raise TargetError(f"{path}: is a folder; expected the name of {what}")
    try:
        octets = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise TargetError(f"{path}: cannot be read: {error.strerror}") from error
    text = _decoded(path, octets, what)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TargetError(f"{path}: {_mistake(text, str(error))}") from error


def _decoded(path: Path, octets: bytes, what: str) -> str:
    if octets.startswith(_UTF_16) or b"\x00" in octets[:4]:
        raise TargetError(f"{path}: is saved as UTF-16; {what} is TOML in UTF-8: save it with that encoding")
    try:
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TargetError(f"{path}: not UTF-8 text (octet {error.start}); {what} is TOML") from error


def _mistake(text: str, error: str) -> str:
    """What is wrong in the line of `text` that the parser's error names, and what to write instead."""
    at = _AT.search(error)
    lines = text.splitlines()
    number = int(at["line"]) if at is not None and at["line"] else len(lines)
    line = lines[number - 1] if 0 < number <= len(lines) else ""
    advice = _twice(line, error) or _content_advice(line) or _value_advice(line) or _reason(error)
    return f"line {number}: {advice}"


def _twice(line: str, error: str) -> str:
    """The error for a key or a table that occurs twice, or ""."""
    header = re.match(r"\s*\[([^\[\]]+)\]", line)
    if header is not None and error.startswith("Cannot"):
        table = header[1].strip()
        more = "; each of several deployments is [[deployments]], in double brackets" if table == "deployments" else ""
        return f"the table [{table}] occurs twice{more}"
    found = _ASSIGNMENT.match(line)
    return f"the key {found['key']} occurs twice; expected once" if found and error.startswith("Cannot") else ""


def _value_advice(line: str) -> str:
    """What to write in place of an invalid value, or ""."""
    found = _ASSIGNMENT.match(line)
    if found is None:
        return ""
    key, value = found["key"], found["value"]
    if '"' in value and "\\" in value:
        return f"{key}: in double quotes a backslash begins an escape; write the path with / or in single quotes"
    if value.lower() in ("true", "false"):
        return f"{key}: {value} is written {value.lower()} in TOML, in lower case"
    if value.lower() in ("none", "null", "nil", ""):
        return f"{key}: it has no value; leave out a key that is not needed"
    return _quotes_advice(key, value) if _BARE.fullmatch(value) else ""


def _quotes_advice(key: str, value: str) -> str:
    """The advice to put a bare word in quotes; the word is not shown where it may be a secret, and not the name of a file or variable."""
    if "\\" in value:
        return f"{key}: a path with backslashes needs single quotes"
    if key.endswith(("_env", "_file")):
        return f"{key}: a string needs quotes"
    return f'{key}: a string needs quotes: {key} = "{value}"'


def _content_advice(line: str) -> str:
    """The error, which does not show the value, for the content of a file in place of its path, or ""."""
    found = _ASSIGNMENT.match(line)
    if found is None or not ("-----BEGIN" in found["value"] or _BASE64.fullmatch(found["value"])):
        return ""
    return f"{found['key']}: it holds the content of a file, such as a key; expected the path of a file, in quotes"


def _reason(error: str) -> str:
    """The parser's error without its position."""
    reason = _AT.sub("", error)
    return f"not valid TOML: {reason[:1].lower()}{reason[1:]}" if "(" not in reason else "not valid TOML"
