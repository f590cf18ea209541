"""Header lines of a HAR: rows become lines, pseudo-headers are set apart, and what sanitisers wrote is no value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reimage_conformance.capture.masked_ids import is_replaced

if TYPE_CHECKING:
    from reimage_conformance.model import Headers

REQUEST_LINES = ("host", "x-ms-version", "content-type", "content-length")
_JUDGED_LINES = (*REQUEST_LINES, "date", "retry-after", "allow", "last-modified", "expires")
"""Lines whose values are judged, so that a sanitiser's word in them is no value."""


def read_headers(found: Any) -> tuple[Headers, dict[str, str]]:
    """Header lines, and the pseudo-headers of HTTP/2 by name; a value over several lines stands for several lines.

    The same line twice is one: recorders write lines as they came and once more as they were read.
    """
    rows = [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []
    lines: dict[tuple[str, str], tuple[str, str]] = {}
    pseudo: dict[str, str] = {}
    for row in rows:
        name, values = row.get("name"), row.get("value", "")
        if not isinstance(name, str) or not name.strip():
            continue
        for value in map(text_of, values if isinstance(values, list) else [values]):
            if value is not None and name.startswith(":"):
                pseudo[name.lower()] = latin(value)
            elif value is not None:
                for line in map(_halved, value.split("\n")):
                    lines.setdefault((name.strip().lower(), line.strip()), (latin(name), latin(line.strip())))
    return tuple(lines.values()), pseudo


def _halved(value: str) -> str:
    """A value without what a recorder joined to it, where a line came twice."""
    half = value[: (len(value) - 2) // 2]
    return half if half and value == f"{half}, {half}" else value


def without_replaced(headers: Headers) -> tuple[Headers, set[str]]:
    """The lines without those that are judged and whose values a sanitiser replaced by a word; the names of these, in lower case."""
    lost = [(name, value) for name, value in headers if name.strip().lower() in _JUDGED_LINES and is_replaced(value)]
    return tuple(line for line in headers if line not in lost), {name.strip().lower() for name, _ in lost}


def text_of(value: Any) -> str | None:
    """A value as header lines and queries write it, numbers included; None where it is none."""
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
