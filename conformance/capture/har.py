"""HAR 1.2, as browsers and proxies write it: entries become exchanges, and what an entry does not tell is remembered.

A HAR shows messages after somebody's parser had them: no octets of a head, no framing, often no octets of a body. What
cannot be used is left out and counted; nothing here raises for what a recorder wrote.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from conformance.capture.har_bodies import UnknownBodyError, request_body, response_body
from conformance.capture.traffic import Recorded
from conformance.model import Exchange, Failure, FailureKind, Request, Response

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.model import Headers

_VERSIONS = {
    "HTTP/1.0": "HTTP/1.0", "HTTP/1.1": "HTTP/1.1", "HTTP/2": "HTTP/2", "HTTP/2.0": "HTTP/2", "H2": "HTTP/2",
    "HTTP/3": "HTTP/3", "HTTP/3.0": "HTTP/3", "H3": "HTTP/3", "H3-29": "HTTP/3",
}  # fmt: skip
_DEFAULT_PORTS = {"https": ":443", "http": ":80"}


class UnusableEntryError(Exception):
    """An entry that tells too little to be an exchange; the message says what it lacks."""


@dataclass(frozen=True, slots=True)
class HarTraffic:
    """The usable entries of a HAR, in the order of time, and what was left out."""

    recorded: tuple[Recorded, ...]
    started: str
    finished: str
    seconds: float
    notes: tuple[str, ...]


def har_recorded(entries: Sequence[Any]) -> HarTraffic:
    """The exchanges among the entries of a HAR."""
    timed: list[tuple[datetime, Recorded]] = []
    left_out: dict[str, list[int]] = {}
    seen: set[tuple[datetime, Request, Response | None]] = set()
    now = datetime.fromtimestamp(0, UTC)
    for number, entry in enumerate(entries, start=1):
        try:
            now = _started(entry, now)
            recorded = _recorded(entry, number)
        except UnusableEntryError as error:
            left_out.setdefault(str(error), []).append(number)
            continue
        same = (now, recorded.exchange.request, recorded.exchange.response)
        if same in seen:
            left_out.setdefault("repeat an earlier one", []).append(number)
        else:
            seen.add(same)
            timed.append((now, recorded))
    timed.sort(key=lambda each: each[0])
    return _placed(timed, tuple(_note(reason, numbers) for reason, numbers in left_out.items()))


def _note(reason: str, numbers: list[int]) -> str:
    shown = ", ".join(map(str, numbers[:8])) + (", ..." if len(numbers) > 8 else "")
    return f"Entries of the HAR left out, because they {reason}: {len(numbers)} ({shown})."


def _placed(timed: list[tuple[datetime, Recorded]], notes: tuple[str, ...]) -> HarTraffic:
    """The exchanges with seconds since the first one."""
    if not timed:
        return HarTraffic((), "", "", 0.0, notes)
    first, last = timed[0][0], max(when + timedelta(seconds=each.exchange.elapsed) for when, each in timed)
    recorded = tuple(
        replace(each, exchange=replace(each.exchange, at=round((when - first).total_seconds(), 6)))
        for when, each in timed
    )
    written = [moment.isoformat(timespec="seconds") for moment in (first, last)]
    return HarTraffic(recorded, written[0], written[1], round((last - first).total_seconds(), 3), notes)


def _started(entry: Any, before: datetime) -> datetime:
    """When an entry started, in UTC; that of the one before it where it does not say so."""
    try:
        moment = datetime.fromisoformat(entry["startedDateTime"])
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (KeyError, TypeError, ValueError, OverflowError):
        return before


def _recorded(entry: Any, number: int) -> Recorded:
    if not isinstance(entry, dict) or not isinstance(entry.get("request"), dict):
        raise UnusableEntryError("hold no request")
    if entry.get("_fromCache"):
        raise UnusableEntryError("were answered from a cache")
    sent, came = entry["request"], entry.get("response")
    came = came if isinstance(came, dict) else {}
    origin, authority, target = _address(sent.get("url"))
    headers, pseudo = _headers(sent.get("headers"))
    hosts = [value for name, value in headers if name.lower() == "host"]
    complete = bool(hosts) or ":authority" in pseudo
    if not hosts:
        headers = (("Host", pseudo.get(":authority", authority)), *headers)
    version, version_back = _version(sent.get("httpVersion")), _version(came.get("httpVersion"))
    method = sent.get("method")
    if not isinstance(method, str) or not method:
        raise UnusableEntryError("name no method")
    body = request_body(sent.get("postData"))
    request = Request(latin(method), target, headers, body, http_version=version or version_back or "HTTP/1.1")
    response, exact = _response(came, request, version_back)
    failure = None if response else Failure(FailureKind.CLOSED, f"the capture has no reply{_error(entry, came)}")
    exchange = Exchange(number, request, response, failure, elapsed=_seconds(entry.get("time")), connection=number)
    versioned = bool(version and version_back)
    return Recorded(exchange, origin, number, complete=complete, identified=False, exact=exact, versioned=versioned)


def _response(came: dict[str, Any], request: Request, version: str) -> tuple[Response | None, bool]:
    """The response, None where there was none, and whether its body is made of its octets."""
    status = came.get("status")
    if isinstance(status, str) and status.isdecimal():
        status = int(status)
    if not isinstance(status, int) or isinstance(status, bool) or status <= 0:
        return None, True
    headers, _ = _headers(came.get("headers"))
    reason = came.get("statusText")
    bare = Response(
        status, latin(reason) if isinstance(reason, str) else "", headers, http_version=version or request.http_version
    )
    try:
        body, exact = response_body(came.get("content"), bare, request.method)
    except UnknownBodyError as error:
        raise UnusableEntryError(str(error)) from error
    return replace(bare, body=body), exact


def _error(entry: dict[str, Any], came: dict[str, Any]) -> str:
    told = came.get("_error") or entry.get("_error")
    return f": {latin(told)[:120]}" if isinstance(told, str) else ""


def _address(url: Any) -> tuple[str, str, str]:
    """Origin, authority and request target of a URL; the default port is left out of the first two."""
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host:
        raise UnusableEntryError("have no usable URL")
    authority = parts.netloc.rpartition("@")[2].lower()
    default = _DEFAULT_PORTS.get(parts.scheme, "")
    if port is not None and default == f":{port}":
        authority = authority.removesuffix(default)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return f"{parts.scheme}://{authority}", authority, latin(target)


def _headers(found: Any) -> tuple[Headers, dict[str, str]]:
    """Header lines, and the pseudo-headers of HTTP/2 by name; a value over several lines stands for several lines."""
    rows = [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []
    lines: list[tuple[str, str]] = []
    pseudo: dict[str, str] = {}
    for row in rows:
        name, value = row.get("name"), row.get("value", "")
        if not isinstance(name, str) or not isinstance(value, str):
            continue
        if name.startswith(":"):
            pseudo[name.lower()] = latin(value)
        else:
            lines += [(latin(name), latin(line.strip())) for line in value.split("\n")]
    return tuple(lines), pseudo


def _version(found: Any) -> str:
    """An HTTP version as status lines write it, or "" where it was not recorded."""
    return _VERSIONS.get(found.strip().upper(), "") if isinstance(found, str) else ""


def _seconds(milliseconds: Any) -> float:
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int | float):
        return 0.0
    return round(milliseconds / 1000, 6) if 0 < milliseconds < 1e10 else 0.0


def latin(text: str) -> str:
    """`text` as the latin-1 view of its octets, UTF-8 where it is more than latin-1."""
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", errors="replace").decode("latin-1")
    return text
