"""HAR 1.2, as browsers and proxies write it: entries become exchanges, and what an entry does not tell is remembered.

What recorders do to each field, and what is known all the same, is the table of `capture.fields`. What cannot be used is
left out and counted; nothing here raises for what a recorder wrote.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from conformance.capture.fields import ABOVE_THE_TRANSPORT, NEVER_RECORDED, OPEN_TO_WEB_PAGES
from conformance.capture.har_bodies import request_body, response_body
from conformance.capture.masked_ids import without_masked_ids
from conformance.capture.traffic import Recorded
from conformance.model import Exchange, Fact, Failure, FailureKind, Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from conformance.model import Headers

_VERSIONS = {
    "HTTP/1.0": "HTTP/1.0", "HTTP/1.1": "HTTP/1.1", "HTTP/2": "HTTP/2", "HTTP/2.0": "HTTP/2", "H2": "HTTP/2",
    "HTTP/3": "HTTP/3", "HTTP/3.0": "HTTP/3", "H3": "HTTP/3", "H3-29": "HTTP/3",
}  # fmt: skip
_DEFAULT_PORTS = {"https": ":443", "http": ":80"}
_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT")
_CACHES = ("_fromCache", "_fromDiskCache", "_fromMemoryCache", "_cached", "_fetchedViaServiceWorker")
_TEMPORARY_REDIRECT = 307


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


@dataclass(frozen=True, slots=True)
class HarReader:
    """Reads entries; `attached` gives bodies in files of their own, `on_the_wire` whether the recorder reads what was sent."""

    attached: Callable[[str], bytes | None]
    on_the_wire: bool

    @classmethod
    def of(cls, log: Mapping[str, Any], attached: Callable[[str], bytes | None]) -> HarReader:
        """A reader of the entries of `log`."""
        creator = log.get("creator")
        name = str(creator.get("name", "")).lower() if isinstance(creator, dict) else ""
        return cls(attached, not any(word in name for word in ABOVE_THE_TRANSPORT))

    def entry(self, entry: Any, number: int) -> Recorded:
        """The exchange of one entry; raises UnusableEntryError where it is none."""
        if not isinstance(entry, dict) or not isinstance(entry.get("request"), dict):
            raise UnusableEntryError("hold no request")
        if any(entry.get(name) for name in _CACHES):
            raise UnusableEntryError("were answered from a cache")
        sent, came = entry["request"], entry.get("response")
        came = came if isinstance(came, dict) else {}
        request, origin, unrecorded = self._request(sent, came)
        response, lost = self._response(came, request)
        failure = None if response else Failure(FailureKind.CLOSED, f"the capture has no reply{_error(entry, came)}")
        exchange = Exchange(
            number, request, response, failure, elapsed=_seconds(entry.get("time")), connection=number,
            unrecorded=NEVER_RECORDED | unrecorded | lost,
        )  # fmt: skip
        return Recorded(exchange, origin, number, _moved_to(response, came))

    def _request(self, sent: dict[str, Any], came: dict[str, Any]) -> tuple[Request, str, set[Fact]]:
        """The request of an entry, where it went, and what of it was not recorded."""
        headers, pseudo = _headers(sent.get("headers"))
        hosts = [value for name, value in headers if name.lower() == "host"]
        origin, authority, target = _address(sent.get("url"), [*hosts, pseudo.get(":authority", "")][0])
        unrecorded = set() if hosts or ":authority" in pseudo else {Fact.REQUEST_LINES}
        if not hosts:
            headers = (("Host", pseudo.get(":authority", authority)), *headers)
        version, version_back = _version(sent.get("httpVersion")), _version(came.get("httpVersion"))
        if not (version and version_back):
            unrecorded.add(Fact.HTTP_VERSION)
        http_version = version or version_back or "HTTP/1.1"
        if not self.on_the_wire or http_version != "HTTP/1.1":  # HTTP/2 ends a request without content by itself
            unrecorded.add(Fact.REQUEST_LENGTH)
        body = request_body(sent.get("postData"), self.attached)
        return (
            Request(_method(sent), target + _query(sent, target), headers, body, http_version=http_version),
            origin,
            unrecorded,
        )

    def _response(self, came: dict[str, Any], request: Request) -> tuple[Response | None, set[Fact]]:
        """The response, None where there was none, and what of it was not recorded."""
        status = came.get("status")
        if isinstance(status, str) and status.isascii() and status.isdecimal() and len(status) < 4:
            status = int(status)
        if isinstance(status, float) and status.is_integer():
            status = int(status)
        if not isinstance(status, int) or isinstance(status, bool) or not 0 < status < 1000:
            return None, set()
        headers, _ = _headers(came.get("headers"))
        reason = came.get("statusText")
        version = _version(came.get("httpVersion")) or request.http_version
        bare = Response(status, latin(reason) if isinstance(reason, str) else "", headers, http_version=version)
        body = response_body(came.get("content"), bare, request.method, self.attached, hidden=not headers)
        whole = any(name.lower() not in OPEN_TO_WEB_PAGES for name, _ in headers)
        return replace(bare, body=body.octets), {*body.unrecorded, *(() if whole else (Fact.RESPONSE_LINES,))}


def har_recorded(log: Mapping[str, Any], attached: Callable[[str], bytes | None]) -> HarTraffic:
    """The exchanges among the entries of a HAR's log; `attached` gives the octets of a file beside it."""
    reader = HarReader.of(log, attached)
    timed: list[tuple[datetime, Recorded]] = []
    left_out: dict[str, list[int]] = {}
    now = datetime.fromtimestamp(0, UTC)
    for number, entry in enumerate(log["entries"], start=1):
        try:
            now, is_told = _started(entry, now)
            recorded = reader.entry(entry, number)
        except UnusableEntryError as error:
            left_out.setdefault(str(error), []).append(number)
            continue
        if recorded.exchange.request.method == "OPTIONS":
            left_out.setdefault("are preflights that a browser sent by itself", []).append(number)
        else:
            timed.append((now, recorded if is_told else _lacking(recorded, Fact.MOMENT)))
    timed.sort(key=lambda each: each[0])
    timed, repeats = _once(timed)
    if repeats:
        left_out["repeat an earlier one"] = repeats
    return _placed(timed, tuple(_note(reason, numbers) for reason, numbers in left_out.items()))


def _note(reason: str, numbers: list[int]) -> str:
    shown = ", ".join(map(str, numbers[:8])) + (", ..." if len(numbers) > 8 else "")
    return f"Entries of the HAR left out, because they {reason}: {len(numbers)} ({shown})."


def _once(timed: Sequence[tuple[datetime, Recorded]]) -> tuple[list[tuple[datetime, Recorded]], list[int]]:
    """The exchanges without repeats: the same request and response, at the same time or while the first was under way."""
    kept: list[tuple[datetime, Recorded]] = []
    repeats: list[int] = []
    until: dict[tuple[Request, Response | None], datetime] = {}
    for when, recorded in timed:
        exchange = recorded.exchange
        same = (exchange.request, exchange.response)
        if same in until and when <= until[same]:
            repeats.append(recorded.entry)
            continue
        until[same] = when + timedelta(seconds=exchange.elapsed)
        kept.append((when, recorded))
    return kept, repeats


def _placed(timed: Sequence[tuple[datetime, Recorded]], notes: tuple[str, ...]) -> HarTraffic:
    """The exchanges with seconds since the first one."""
    if not timed:
        return HarTraffic((), "", "", 0.0, notes)
    first, last = timed[0][0], max(when + timedelta(seconds=each.exchange.elapsed) for when, each in timed)
    frozen = len(timed) > 1 and first == timed[-1][0]
    recorded = [
        replace(each, exchange=replace(each.exchange, at=round((when - first).total_seconds(), 6)))
        for when, each in timed
    ]
    if frozen:
        recorded = [_lacking(each, Fact.MOMENT) for each in recorded]
    written = [moment.isoformat(timespec="seconds") for moment in (first, last)]
    seconds = round((last - first).total_seconds(), 3)
    return HarTraffic(tuple(without_masked_ids(recorded)), written[0], written[1], seconds, notes)


def _lacking(recorded: Recorded, fact: Fact) -> Recorded:
    """The same, with a fact more that was not recorded."""
    exchange = recorded.exchange
    return replace(recorded, exchange=replace(exchange, unrecorded=exchange.unrecorded | {fact}))


def _started(entry: Any, before: datetime) -> tuple[datetime, bool]:
    """When an entry started, in UTC, and whether it says so; that of the one before it where it does not."""
    try:
        moment = datetime.fromisoformat(entry["startedDateTime"])
        return (moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)), True
    except (KeyError, TypeError, ValueError, OverflowError):
        return before, False


def _method(sent: dict[str, Any]) -> str:
    """The method; a known one in capitals, however the recorder writes it."""
    method = sent.get("method")
    if not isinstance(method, str) or not method.strip():
        raise UnusableEntryError("name no method")
    upper = method.strip().upper()
    return upper if upper in _METHODS else latin(method)


def _moved_to(response: Response | None, came: dict[str, Any]) -> str:
    """Where a 307 sends the request: its Location line, or what the recorder says of it."""
    if response is None or response.status != _TEMPORARY_REDIRECT:
        return ""
    told = response.header("Location") or came.get("redirectURL")
    return told if isinstance(told, str) else ""


def _error(entry: dict[str, Any], came: dict[str, Any]) -> str:
    told = came.get("_error") or entry.get("_error")
    return f": {latin(told)[:120]}" if isinstance(told, str) else ""


def _address(url: Any, host: str) -> tuple[str, str, str]:
    """Origin, authority and request target of a URL; the default port is left out of the first two."""
    url = url.strip() if isinstance(url, str) else ""
    if url.startswith("/") and not url.startswith("//") and host:
        url = f"https://{host}{url}"
    try:
        parts = urlsplit(url)
        name, port = parts.hostname, parts.port
    except ValueError:
        name = None
    if not name:
        raise UnusableEntryError("have no usable URL")
    authority = parts.netloc.rpartition("@")[2].lower()
    default = _DEFAULT_PORTS.get(parts.scheme, "")
    if port is not None and default == f":{port}":
        authority = authority.removesuffix(default)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return f"{parts.scheme}://{authority}", authority, latin(target)


def _query(sent: dict[str, Any], target: str) -> str:
    """The query as queryString lists it, where the URL has none."""
    rows = sent.get("queryString")
    if "?" in target or not isinstance(rows, list):
        return ""
    pairs = [
        f"{quote(name, safe='')}={quote(value, safe='')}"
        for row in rows
        if isinstance(row, dict) and (name := _text(row.get("name"))) and (value := _text(row.get("value"))) is not None
    ]
    return f"?{'&'.join(pairs)}" if pairs else ""


def _headers(found: Any) -> tuple[Headers, dict[str, str]]:
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
        for value in map(_text, values if isinstance(values, list) else [values]):
            if value is not None and name.startswith(":"):
                pseudo[name.lower()] = latin(value)
            elif value is not None:
                for line in value.split("\n"):
                    lines.setdefault((name.strip().lower(), line.strip()), (latin(name), latin(line.strip())))
    return tuple(lines.values()), pseudo


def _text(value: Any) -> str | None:
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
