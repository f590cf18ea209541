"""Reading the head of a response leniently: status line and field lines; what RFC 9112 forbids becomes an anomaly."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reimage_conformance.anomalies import Anomaly, AnomalyKind
from reimage_conformance.model import header_line

if TYPE_CHECKING:
    from reimage_conformance.model import Headers

_END = re.compile(rb"\n\r?\n")
_STATUS_LINE = re.compile(r"(HTTP/[0-9]\.[0-9]) ([0-9]{3}) ([\t\x20-\x7e\x80-\xff]*)")
_LIKE_A_STATUS_LINE = re.compile(
    r"(HTTP/[0-9]+(?:\.[0-9]+)?)[ \t]*([0-9]{3})(?![0-9])[ \t]*(.*)", re.IGNORECASE | re.DOTALL
)
TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
"""A token: a method or the name of a field (RFC 9110 5.6.2)."""
_FORBIDDEN_IN_VALUES = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)")
_EXCERPT_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Head:
    """The head of one response, interim or final; `anomalies` say what is wrong with it."""

    status: int
    reason: str
    http_version: str
    headers: Headers
    anomalies: tuple[Anomaly, ...] = ()

    def members(self, name: str) -> list[str]:
        """The comma-separated members of every field line called `name` (RFC 9110 5.6.1), empty ones left out."""
        lower = name.lower()
        lines = [value for key, value in self.headers if key.lower() == lower]
        return [member for line in lines for part in line.split(",") if (member := part.strip(" \t"))]

    def has(self, name: str) -> bool:
        """Whether there is a field line called `name`."""
        lower = name.lower()
        return any(key.lower() == lower for key, _ in self.headers)


def end_of_head(octets: bytes | bytearray, start: int = 0) -> int | None:
    """The index of the first octet after the head, None while the empty line is missing; searches from `start` on."""
    found = _END.search(octets, start)
    return found.end() if found else None


def excerpt(text: str) -> str:
    """A short printable quotation of `text`."""
    return repr(text if len(text) <= _EXCERPT_LENGTH else text[:_EXCERPT_LENGTH] + "...")


def parse_head(block: bytes) -> Head | None:
    """The head in `block`, which may lack its end; None when its first line is not like a status line."""
    text = block.decode("latin-1")
    anomalies: list[Anomaly] = []
    if text.count("\n") != text.count("\r\n"):
        anomalies.append(Anomaly(AnomalyKind.BARE_LF, "a line before the content ends with LF alone, without CR"))
    first, *lines = [line.removesuffix("\r") for line in text.rstrip("\r\n").split("\n")]
    status_line = _read_status_line(first, anomalies)
    if status_line is None:
        return None
    headers = _read_field_lines(lines, anomalies)
    if _FORBIDDEN_IN_VALUES.search(text):
        named = [name for name, value in headers if _FORBIDDEN_IN_VALUES.search(value)]
        words = "the value of the header {} has characters that HTTP does not allow"
        anomalies += [Anomaly(AnomalyKind.INVALID_VALUE, words.format(name)) for name in named]
    version, status, reason = status_line
    return Head(int(status), reason, version, tuple(headers), tuple(dict.fromkeys(anomalies)))


def _read_status_line(line: str, anomalies: list[Anomaly]) -> tuple[str, str, str] | None:
    found = _STATUS_LINE.fullmatch(line)
    if not found:
        found = _LIKE_A_STATUS_LINE.fullmatch(line)
        anomalies.append(Anomaly(AnomalyKind.MALFORMED_STATUS_LINE, f"the status line {excerpt(line)}"))
    if not found:
        return None
    version, status, reason = found.groups()
    if not "100" <= status <= "599":
        anomalies.append(Anomaly(AnomalyKind.INVALID_STATUS_CODE, f"the status code {status}"))
    return version, status, reason


def _read_field_lines(lines: list[str], anomalies: list[Anomaly]) -> list[tuple[str, str]]:
    headers: list[tuple[str, str]] = []
    for line in lines:
        name, colon, value = line.partition(":")
        if TOKEN.fullmatch(name) and colon:
            headers.append(header_line(name, value.strip(" \t")))
        else:
            _read_odd_line(line, headers, anomalies)
    return headers


def _read_odd_line(line: str, headers: list[tuple[str, str]], anomalies: list[Anomaly]) -> None:
    if line[:1] in {" ", "\t"} and headers:
        name, value = headers[-1]
        headers[-1] = (name, f"{value} {line.strip(' ' + chr(9))}".strip())
        anomalies.append(Anomaly(AnomalyKind.OBS_FOLD, f"the header {name} continues on a second line"))
        return
    name, colon, value = line.partition(":")
    bare = name.strip(" \t")
    if not colon:
        anomalies.append(Anomaly(AnomalyKind.MALFORMED_LINE, f"a header line without a colon: {excerpt(line)}"))
        return
    if bare != name:
        words = f"a blank before the colon of the header {excerpt(name)}"
        anomalies.append(Anomaly(AnomalyKind.WHITE_SPACE_BEFORE_COLON, words))
    if not TOKEN.fullmatch(bare):
        words = f"a header name with characters that HTTP does not allow: {excerpt(bare)}"
        anomalies.append(Anomaly(AnomalyKind.INVALID_NAME, words))
    headers.append((bare, value.strip(" \t")))
