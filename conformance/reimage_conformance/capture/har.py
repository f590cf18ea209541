"""Reads HAR 1.2 as browsers and proxies write it: entries become exchanges, each with the facts that the HAR does not show (`unrecorded`).

The table of `capture.fields` says what recorders do to each field. Entries that cannot be used are left out and
counted; nothing here raises for what a recorder wrote.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from reimage_conformance.capture.fields import ABOVE_THE_TRANSPORT, NEVER_RECORDED, ON_THE_WIRE, OPEN_TO_WEB_PAGES
from reimage_conformance.capture.har_bodies import request_body, response_body
from reimage_conformance.capture.har_headers import REQUEST_LINES, latin, read_headers
from reimage_conformance.capture.har_order import in_order, started
from reimage_conformance.capture.har_repeats import without_cached, without_other_clocks, without_repeats
from reimage_conformance.capture.har_silence import LINES_TAKEN_OUT, lacking, with_unshown_facts_marked
from reimage_conformance.capture.har_targets import UnusableEntryError, hides_its_query, listed_query, read_url
from reimage_conformance.capture.masked_ids import with_masked_ids_marked
from reimage_conformance.capture.masked_values import with_masked_values_marked
from reimage_conformance.capture.traffic import Recorded
from reimage_conformance.model import Exchange, Fact, Failure, FailureKind, Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reimage_conformance.capture.har_order import Timed

_VERSIONS = {
    "HTTP/1.0": "HTTP/1.0", "HTTP/1.1": "HTTP/1.1", "HTTP/2": "HTTP/2", "HTTP/2.0": "HTTP/2", "H2": "HTTP/2",
    "HTTP/3": "HTTP/3", "HTTP/3.0": "HTTP/3", "H3": "HTTP/3", "H3-29": "HTTP/3",
}  # fmt: skip
_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT")
_CACHES = ("_fromCache", "_fromDiskCache", "_fromMemoryCache", "_cached", "_fetchedViaServiceWorker")
_NO_CHUNKS = b"0\r\n\r\n"
"""A chunked body without content, as it went over the wire (RFC 9112, section 7.1)."""
_FIRST_FINAL, _NOT_MODIFIED, _TEMPORARY_REDIRECT = 200, 304, 307
_OTHER_SOURCES = ("cache", "service worker", "override")
"""Words in `_fetchType` for answers that Safari did not get from the network."""
_HEADER_OF_CHROME_REDIRECT = "Non-Authoritative-Reason"
"""The line that Chrome writes into its own 307 from http to https, where the host asks for it (RFC 6797, section 8.3)."""
_STATUS_TEXT = re.compile(r"\s*(\d{1,3})(?:\s[^\d].*|\s*)", re.ASCII | re.DOTALL)
_CHARLES_COMPLETE = ("", "complete")


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
    """Reads entries; `attached` gives bodies in files of their own.

    `above_the_transport` says that the recorder sees no line that the transport adds, `on_the_wire` that it sees all.
    """

    attached: Callable[[str], bytes | None]
    above_the_transport: bool
    on_the_wire: bool

    @classmethod
    def of(cls, log: Mapping[str, Any], attached: Callable[[str], bytes | None]) -> HarReader:
        """A reader of the entries of `log`."""
        creator = log.get("creator")
        name = str(creator.get("name", "")).lower() if isinstance(creator, dict) else ""
        above = any(word in name for word in ABOVE_THE_TRANSPORT)
        return cls(attached, above, not above and any(word in name for word in ON_THE_WIRE))

    def entry(self, entry: Any, number: int) -> Recorded:
        """The exchange of one entry; raises UnusableEntryError where the entry cannot be used.

        The message of the error is the predicate of a sentence about such entries (`_note`).
        """
        if not isinstance(entry, dict) or not isinstance(entry.get("request"), dict):
            raise UnusableEntryError("hold no request")
        sent, received = entry["request"], entry.get("response")
        received = received if isinstance(received, dict) else {}
        error = _error(entry, received)
        received = received if _is_complete(received) else {}
        request, origin, unrecorded = self._request(sent, received)
        response, lost = self._response(received, request)
        if _is_from_cache(entry, response) or _is_revalidated(request, response, unrecorded):
            raise UnusableEntryError("were answered from a cache")
        if response is not None and response.values(_HEADER_OF_CHROME_REDIRECT):
            raise UnusableEntryError("hold a redirect that the browser made by itself")
        if response is not None and response.status < _FIRST_FINAL:
            raise UnusableEntryError("hold only an interim response (1xx)")
        # A HAR does not say how a reply was lost: CLOSED stands for every reason.
        failure = None if response else Failure(FailureKind.CLOSED, f"the capture has no complete reply{error}")
        exchange = Exchange(
            number, request, response, failure, elapsed=_seconds(entry.get("time")), connection=number,
            unrecorded=NEVER_RECORDED | unrecorded | lost,
        )  # fmt: skip
        return Recorded(exchange, origin, number, _moved_to(response, received))

    def _request(self, sent: dict[str, Any], received: dict[str, Any]) -> tuple[Request, str, set[Fact]]:
        """The request of an entry, where it went, and what of it was not recorded."""
        lines = read_headers(sent.get("headers"))
        hosts, pseudo, headers = lines.all_hosts, lines.pseudo, lines.headers
        host = hosts[0] if hosts else pseudo.get(":authority", "")
        origin, authority, target = read_url(sent.get("url"), host)
        has_all_lines = (hosts or ":authority" in pseudo) and lines.lost.isdisjoint(REQUEST_LINES)
        unrecorded = set() if has_all_lines else {Fact.REQUEST_LINES}
        if not hosts:
            headers = (("Host", pseudo.get(":authority", authority)), *headers)
        version, version_back = _version(sent.get("httpVersion")), _version(received.get("httpVersion"))
        if not _are_of_one_family(version, version_back):
            unrecorded.add(Fact.HTTP_VERSION)
        http_version = version or version_back or "HTTP/1.1"
        # HTTP/2 and HTTP/3 end a request without content by themselves. In HTTP/1.0 the missing line counts as unrecorded too.
        needs_length_line = http_version == "HTTP/1.1"
        if self.above_the_transport or "content-length" in lines.lost or not needs_length_line:
            unrecorded.add(Fact.REQUEST_LENGTH)
        body = request_body(sent.get("postData"), self.attached)
        if not body and any(name.lower() == "transfer-encoding" for name, _ in headers):
            body = _NO_CHUNKS
        target += listed_query(sent, target)
        if hides_its_query(target):
            unrecorded.add(Fact.QUERY)
        request = Request(_method(sent), target, headers, body, http_version=http_version)
        return request, origin, unrecorded

    def _response(self, received: dict[str, Any], request: Request) -> tuple[Response | None, set[Fact]]:
        """The response, None where there was none, and what of it was not recorded."""
        status = _status(received.get("status"))
        if status is None:
            return None, set()
        lines = read_headers(received.get("headers"))
        headers = lines.headers
        reason = received.get("statusText")
        version = _version(received.get("httpVersion")) or request.http_version
        bare = Response(status, latin(reason) if isinstance(reason, str) else "", headers, http_version=version)
        body = response_body(received.get("content"), bare, request.method, self.attached, hidden=not headers)
        # A recorder inside a web page shows no other lines than these, so one more shows that the recorder saw all lines.
        is_from_outside_a_page = any(name.lower() not in OPEN_TO_WEB_PAGES for name, _ in headers)
        lost = {LINES_TAKEN_OUT[name] for name in lines.lost if name in LINES_TAKEN_OUT}
        if bare.values("Via") and version != request.http_version:
            lost.add(Fact.HTTP_VERSION)  # the version is that of the last proxy
        if not is_from_outside_a_page or "allow" in lines.lost:
            lost.add(Fact.RESPONSE_LINES)
        return replace(bare, body=body.octets), {*body.unrecorded, *lost}


def _status(found: Any) -> int | None:
    """A status code as a number or as text, with or without its phrase; None where there is none."""
    if isinstance(found, str) and (text := _STATUS_TEXT.fullmatch(found)):
        found = int(text[1])
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 < found < 1000 or found % 1:
        return None
    return int(found)


def har_recorded(log: Mapping[str, Any], attached: Callable[[str], bytes | None]) -> HarTraffic:
    """The exchanges among the entries of a HAR's log; `attached` gives the octets of a file beside it."""
    reader = HarReader.of(log, attached)
    timed: list[Timed] = []
    left_out: dict[str, list[int]] = {}
    perhaps_cached = {number for number, entry in enumerate(log["entries"], start=1) if _may_be_cached(entry)}
    latest_start = datetime.fromtimestamp(0, UTC)  # of an entry without a time, that of the entry before it is taken
    for number, entry in enumerate(log["entries"], start=1):
        try:
            latest_start, has_time = started(entry, latest_start)
            recorded = reader.entry(entry, number)
        except UnusableEntryError as error:
            left_out.setdefault(str(error), []).append(number)
            continue
        if recorded.exchange.request.method == "OPTIONS":
            left_out.setdefault("are preflights that a browser sent by itself", []).append(number)
        else:
            timed.append((latest_start, recorded if has_time else lacking(recorded, Fact.MOMENT)))
    timed, of_second_recorder = without_other_clocks(timed, perhaps_cached)
    timed = in_order(timed)
    timed, cached = without_cached(timed, perhaps_cached)
    if cached:
        left_out.setdefault("were answered from a cache", []).extend(cached)
    timed, repeats = without_repeats(timed)
    if of_second_recorder or repeats:
        left_out["repeat an earlier one"] = sorted((*of_second_recorder, *repeats))
    notes = tuple(_note(reason, numbers) for reason, numbers in left_out.items())
    return _traffic(timed, notes, reads_the_wire=reader.on_the_wire)


def _note(reason: str, numbers: list[int]) -> str:
    """The sentence about entries that were left out; `reason` is a predicate whose subject is these entries."""
    shown = ", ".join(map(str, numbers[:8])) + (", ..." if len(numbers) > 8 else "")
    return f"Entries of the HAR left out, because they {reason}: {len(numbers)} ({shown})."


def _traffic(timed: Sequence[Timed], notes: tuple[str, ...], *, reads_the_wire: bool) -> HarTraffic:
    """The exchanges, with their times in seconds since the first one, and with the facts marked that the HAR as a whole does not show."""
    if not timed:
        return HarTraffic((), "", "", 0.0, notes)
    first = min(when for when, _ in timed)
    last = max(when + timedelta(seconds=each.exchange.elapsed) for when, each in timed)
    unknown = (
        {Fact.MOMENT} if len(timed) > 1 and not _are_fine_enough_for_intervals([when for when, _ in timed]) else set()
    )
    recorded = [
        replace(each, exchange=replace(each.exchange, at=round((when - first).total_seconds(), 6)))
        for when, each in timed
    ]
    recorded = with_unshown_facts_marked([lacking(each, *unknown) for each in recorded], reads_the_wire=reads_the_wire)
    written = [moment.isoformat(timespec="seconds") for moment in (first, last)]
    seconds = round((last - first).total_seconds(), 3)
    recorded = with_masked_values_marked(with_masked_ids_marked(recorded))
    return HarTraffic(tuple(recorded), written[0], written[1], seconds, notes)


def _are_fine_enough_for_intervals(moments: Sequence[datetime]) -> bool:
    """Whether intervals can be computed from these times: they differ, and some have a fraction of a second."""
    return len(set(moments)) > 1 and any(moment.microsecond for moment in moments)


def _method(sent: dict[str, Any]) -> str:
    """The method; a known one in capitals, however the recorder writes it."""
    method = sent.get("method")
    if not isinstance(method, str) or not method.strip():
        raise UnusableEntryError("name no method")
    upper = method.strip().upper()
    return upper if upper in _METHODS else latin(method)


def _moved_to(response: Response | None, received: dict[str, Any]) -> str:
    """The URL to which a 307 redirects: its Location line, or the recorder's redirectURL."""
    if response is None or response.status != _TEMPORARY_REDIRECT:
        return ""
    url = response.header("Location") or received.get("redirectURL")
    return url if isinstance(url, str) else ""


def _is_revalidated(request: Request, response: Response | None, unrecorded: set[Fact]) -> bool:
    """Whether a 304 answers a conditional request of a cache (RFC 9110, section 15.4.5), or may do so: some lines are unrecorded."""
    asked = any(request.values(name) for name in ("If-None-Match", "If-Modified-Since"))
    return response is not None and response.status == _NOT_MODIFIED and (asked or Fact.REQUEST_LINES in unrecorded)


def _is_from_cache(entry: dict[str, Any], response: Response | None) -> bool:
    """Whether the recorder says that no endpoint gave this answer: in an extension of its own, or in `cache` as chrome-har does.

    For an answer from the cache, chrome-har writes the start of the request as `lastAccess`.
    """
    source, cache = entry.get("_fetchType"), entry.get("cache")
    elsewhere = isinstance(source, str) and any(word in source.lower() for word in _OTHER_SOURCES)
    before = cache.get("beforeRequest") if isinstance(cache, dict) else None
    if isinstance(before, dict):
        revalidated = response is not None and response.status == _NOT_MODIFIED
        elsewhere |= revalidated or before.get("lastAccess") == entry.get("startedDateTime")
    return elsewhere or any(entry.get(name) for name in _CACHES)


def _may_be_cached(entry: Any) -> bool:
    """Whether an entry has cache.afterRequest, which old Firefox writes for answers from its cache, and for others too."""
    cache = entry.get("cache") if isinstance(entry, dict) else None
    return isinstance(cache, dict) and "afterRequest" in cache


def _is_complete(received: dict[str, Any]) -> bool:
    """Whether a response arrived completely: Charles and Chrome say where it did not."""
    status, error = received.get("_charlesStatus"), received.get("_error")
    if isinstance(error, str) and error.strip():
        return False
    return not isinstance(status, str) or status.strip().lower() in _CHARLES_COMPLETE


def _error(entry: dict[str, Any], received: dict[str, Any]) -> str:
    error = received.get("_error") or entry.get("_error")
    return f": {latin(error)[:120]}" if isinstance(error, str) else ""


def _version(found: Any) -> str:
    """An HTTP version as status lines write it, or "" where it was not recorded."""
    return _VERSIONS.get(found.strip().upper(), "") if isinstance(found, str) else ""


def _are_of_one_family(first: str, second: str) -> bool:
    """Whether two HTTP versions were both recorded, and both or neither of them are HTTP/1."""
    return bool(first and second) and first.startswith("HTTP/1") == second.startswith("HTTP/1")


def _seconds(milliseconds: Any) -> float:
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int | float):
        return 0.0
    return round(milliseconds / 1000, 6) if 0 < milliseconds < 1e10 else 0.0
