"""Header lines of a HAR: rows become lines, pseudo-headers are set apart, and values that sanitisers replaced are left out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from reimage_conformance.capture.masked_ids import is_replaced

if TYPE_CHECKING:
    from reimage_conformance.model import Headers

REQUEST_LINES = ("host", "x-ms-version", "content-type", "content-length")
"""If one of these lines was lost, the lines of the request count as not recorded."""
_MASK = re.compile(r"[*#x._-]{3,}|-", re.IGNORECASE)
_OF_NAMES = frozenset(name.rpartition("-")[2] for name in (*REQUEST_LINES, "date"))
"""The last words of these names; sanitisers write them in place of values, such as VERSION or TYPE."""
_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_ONCE = ("x-ms-request-id",)
"""Lines whose number is judged: where one is there twice, either the recorder wrote it twice, or the endpoint."""
_IN_QUOTES = re.compile(r"""b?(["'])(?P<value>.*)\1""", re.DOTALL)
"""A value as programs print a string."""
_MIN_IN_QUOTES = 2
"""At least this many lines that all have quotes were quoted by the recorder; a single one may have been sent so."""
_MIN_SAME = 3
"""At least this many lines that all have the same value were masked, whatever the value is."""


@dataclass(frozen=True, slots=True)
class Lines:
    """The header lines of a message; `pseudo` are the pseudo-headers of HTTP/2 by name.

    `all_hosts` are the values of Host as they were written. `lost` names, in lower case, the lines that are not among `headers`
    because their values were not recorded or were replaced, and the lines of `headers` of which it is unclear how often they were sent.
    """

    headers: Headers
    pseudo: dict[str, str]
    all_hosts: tuple[str, ...]
    lost: frozenset[str]


def read_headers(found: Any) -> Lines:
    """Header lines; a value with line breaks stands for several lines, except for line breaks at its beginning or end.

    The same line twice counts as one: some recorders write each line both as it was received and as it was parsed.
    """
    rows = _without_quotes([row for row in found if isinstance(row, dict)] if isinstance(found, list) else [])
    lines: dict[tuple[str, str], tuple[str, str]] = {}
    pseudo: dict[str, str] = {}
    lost: set[str] = set()
    for row in rows:
        name, values = row.get("name"), row.get("value", "")
        if not isinstance(name, str) or not name.strip():
            continue
        for value in map(text_of, values if isinstance(values, list) else [values]):
            if value is None:
                lost.add(name.strip().lower())
            elif name.startswith(":"):
                pseudo[name.lower()] = latin(value)
            else:
                for line in value.strip("\r\n").split("\n"):
                    once, key = _halved(line), (name.strip().lower(), _halved(line).strip())
                    if key[0] in _ONCE and (once != line or key in lines):
                        lost.add(key[0])
                    lines.setdefault(key, (latin(name), latin(once.strip())))
    return _without_replaced(tuple(lines.values()), pseudo, lost)


def _without_quotes(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows, their values without the quotes that a recorder put around all of them."""
    quoted = [_IN_QUOTES.fullmatch(value) for row in rows if isinstance(value := row.get("value"), str)]
    if len(quoted) < max(len(rows), _MIN_IN_QUOTES) or None in quoted:
        return rows
    return [{**row, "value": each["value"]} for row, each in zip(rows, quoted, strict=True) if each is not None]


def _halved(value: str) -> str:
    """A value once, where a recorder joined two lines with the same value."""
    half = value[: (len(value) - 2) // 2]
    return half if half and value == f"{half}, {half}" else value


def _without_replaced(headers: Headers, pseudo: dict[str, str], lost: set[str]) -> Lines:
    """The lines without those whose values a recorder or a sanitiser replaced.

    The x-ms-request-id stays: it shows that there was one.
    """
    hosts = tuple(value for name, value in headers if name.strip().lower() == "host")
    values = {value for _, value in headers}
    are_masked = values == {""} or (len(headers) >= _MIN_SAME and len(values) == 1)
    kept = [line for line in headers if not (are_masked or _is_lost(line[0].strip().lower(), line[1]))]
    replaced = {name.strip().lower() for name, value in headers if (name, value) not in kept}
    return Lines(tuple(kept), pseudo, hosts, frozenset(lost | replaced))


def _is_lost(name: str, value: str) -> bool:
    """Whether a recorder or sanitiser replaced the value of a line: by a mask, by a word of a name, or 0 by nothing."""
    if name == "x-ms-request-id":
        return False
    if name == "content-length" and not value:
        return True
    if name == "x-ms-version" and _VERSION.fullmatch(value):
        return not _is_date(value)
    return is_masked(value) or value.lower() in _OF_NAMES or not value.isascii()


def _is_date(value: str) -> bool:
    """Whether a version is a day of the calendar; sanitisers write others in place of versions, such as 0000-00-00."""
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def is_masked(value: str) -> bool:
    """Whether a value is a word or a row of characters that sanitisers write in place of values."""
    return is_replaced(value) or _MASK.fullmatch(value) is not None


def text_of(value: Any) -> str | None:
    """A string, number or boolean as header lines and queries write it; None for anything else."""
    match value:
        case str():
            return value
        case bool():
            return str(value).lower()
        case float() if value.is_integer():
            return str(int(value))
        case int() | float():
            return str(value)
        case _:
            return None


def latin(text: str) -> str:
    """`text` as the latin-1 view of its octets, UTF-8 where it is more than latin-1."""
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", errors="replace").decode("latin-1")
    return text
