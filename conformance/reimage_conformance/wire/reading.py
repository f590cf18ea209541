"""Reading one response: keeps everything that arrived, and names what is wrong with its framing as anomalies.

Content is decoded from its transfer coding, then from its content coding; its size on the wire is compared with the framing before.
The `Source` holds the socket and the deadlines. Anomalies are judged elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from reimage_conformance.anomalies import Anomaly, AnomalyKind
from reimage_conformance.model import NOTHING_CAME, Fact, Failure, FailureKind, Response
from reimage_conformance.wire.coding import content_of
from reimage_conformance.wire.framing import Extent, framing_of
from reimage_conformance.wire.heads import Head, end_of_head, excerpt, parse_head
from reimage_conformance.wire.streams import failure_of

if TYPE_CHECKING:
    from collections.abc import Sequence

HEAD_LIMIT = 64 * 1024
BODY_LIMIT = 4 * 1024 * 1024
"""Octets of content; the reading of a longer response ends there."""
INTERIM_LIMIT = 50
KEPT_LIMIT = 64 * 1024
"""Of content longer than BODY_LIMIT, this many octets are kept: a run may get such content many times."""
LINGER_SECONDS = 0.05
"""How long to wait for content after a reply that must have none."""
STALLS = frozenset({AnomalyKind.STALLED, AnomalyKind.NOT_IN_CHUNKS})
"""The anomalies of an incomplete reply after which the endpoint sent no more octets and did not close the connection."""
_CHUNK_LINE_LIMIT = 8 * 1024
_LF_BETWEEN_CHUNKS = Anomaly(AnomalyKind.BAD_CHUNK, "a line between chunks ends with LF alone, without CR")
_SHOWN_OCTETS = 10
"""How much is shown of content that ought to begin with the size of a chunk."""
_NEAR_THE_END = 16
"""If a chunk is shorter than its size says, its CR LF is looked for in this many octets at the end of what was read for it."""
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]+)[ \t]*(?:;[^\r\n]*)?")


@dataclass(frozen=True, slots=True)
class Reading:
    """The result of reading one response.

    `surplus` are the octets after its end. `persistent` says that the connection may be used again, `ended` that the
    close of the connection ended the response. `octets` counts all octets that arrived. `unrecorded` holds the facts that are not known
    of the response because its content was in a content coding.
    """

    response: Response | None
    failure: Failure | None = None
    surplus: bytes = b""
    persistent: bool = False
    ended: bool = False
    octets: int = 0
    unrecorded: frozenset[Fact] = field(default_factory=frozenset)


class _IncompleteError(Exception):
    """The response is incomplete: the failure, and the kind of anomaly whose words are the detail, None for no anomaly."""

    def __init__(self, kind: FailureKind, detail: str, anomaly: AnomalyKind | None = None) -> None:
        super().__init__(detail)
        self.failure = Failure(kind, detail)
        self.anomalies = (Anomaly(anomaly, detail),) if anomaly is not None else ()


class Source(Protocol):
    """Where the octets of a reply come from."""

    def receive(self) -> bytes:
        """The next octets, b"" once the endpoint has closed; raises OSError."""

    def linger(self, seconds: float) -> bytes:
        """All octets that come within `seconds`; at 0, those already there."""

    def fell_silent(self) -> bool:
        """Whether nothing had come for some time when the time limit was over; False for a slow reply."""


class ResponseReader:
    """Reads the response to one request with `method`.

    `plainly_framed` says that every HTTP implementation reads exactly one request in what was sent. `linger_seconds` is how long to look
    for content after a reply that must have none.
    """

    def __init__(
        self,
        source: Source,
        method: str,
        *,
        plainly_framed: bool = True,
        body_limit: int = BODY_LIMIT,
        linger_seconds: float = LINGER_SECONDS,
    ) -> None:
        self._source = source
        self._method = method
        self._plainly_framed = plainly_framed
        self._body_limit = body_limit
        self._linger_seconds = linger_seconds
        self._buffer = bytearray()
        self._octets = 0
        self._head: Head | None = None
        self._interim: list[int] = []
        self._body = bytearray()
        self._expected: int | None = None
        self._anomalies: list[Anomaly] = []
        self._empty_line_octets = 0
        self._awaits_first_chunk = False
        self._chunk_size = 0  # of the latest chunk
        self._chunk_ended_with_lf = False

    def read(self) -> Reading:
        """The response, or the part of it that came, with the failure."""
        failure = None
        extent = Extent.CLOSE
        try:
            head = self._read_final_head()
            framing = framing_of(head, self._method)
            extent = framing.extent
            self._anomalies += framing.anomalies
            self._read_body(extent, framing.length)
        except _IncompleteError as stop:
            failure = stop.failure
            self._anomalies += stop.anomalies
        except OSError as error:
            failure = failure_of(error, self._progress())
            self._note_a_stall(failure)
        return self._conclude(failure, extent)

    def _conclude(self, failure: Failure | None, extent: Extent) -> Reading:
        surplus = b""
        if failure is None and extent in {Extent.NOTHING, Extent.LENGTH, Extent.CHUNKED}:
            surplus = bytes(self._buffer) + self._source.linger(self._linger_seconds if extent is Extent.NOTHING else 0)
            self._name_surplus(surplus, extent)
        head = self._head
        if head is None:
            return Reading(None, failure, octets=self._octets)
        skipped = self._empty_line_octets
        words = f"{skipped} octets of CR and LF before the status line"
        before = [Anomaly(AnomalyKind.OCTETS_BEFORE_STATUS_LINE, words)] if skipped else []
        anomalies = tuple(dict.fromkeys([*before, *self._anomalies]))
        is_too_large = failure is not None and failure.kind is FailureKind.TOO_LARGE
        body = bytes(self._body[:KEPT_LIMIT] if is_too_large else self._body)
        persistent = failure is None and not surplus and not anomalies and _is_persistent(head, extent)
        ended = extent is Extent.CLOSE and failure is None
        codings = head.members("content-encoding")
        content = content_of(body, codings, is_complete=failure is None, limit=self._body_limit)
        body = content.body
        if content.problem:
            anomalies = (*anomalies, Anomaly(AnomalyKind.CONTENT_CODING, content.problem))
        if content.is_too_large:
            body = body[:KEPT_LIMIT]
            failure = failure or self._too_large()
        interim = tuple(self._interim)
        response = Response(head.status, head.reason, head.headers, body, head.http_version, interim, anomalies)
        return Reading(response, failure, surplus, persistent, ended, self._octets, content.unrecorded)

    def _name_surplus(self, surplus: bytes, extent: Extent) -> None:
        is_reply = surplus.startswith(b"HTTP/")
        # A request that can be read as two may be answered twice.
        if not surplus or self._head is None or (is_reply and not self._plainly_framed):
            return
        after = f"{len(surplus)} more octets came after the end of the response"
        if is_reply:
            anomaly = Anomaly(AnomalyKind.SECOND_RESPONSE, f"{after}, and they begin with HTTP/")
        elif extent is not Extent.NOTHING or self._head.status == 101:
            anomaly = Anomaly(AnomalyKind.SURPLUS, after)
        elif self._method == "HEAD":
            anomaly = Anomaly(AnomalyKind.CONTENT, f"{len(surplus)} octets of content came", "head")
        else:
            status = str(self._head.status)
            words = f"{len(surplus)} octets of content after the head of a {status}"
            anomaly = Anomaly(AnomalyKind.CONTENT, words, status)
        self._anomalies.append(anomaly)

    def _more(self) -> bool:
        data = self._source.receive()
        self._buffer += data
        self._octets += len(data)
        return bool(data)

    def _read_final_head(self) -> Head:
        while True:
            head = self._read_head()
            self._anomalies += head.anomalies
            if head.status == 101 or not 100 <= head.status < 200:
                self._head = head
                return head
            self._anomalies += [a for a in framing_of(head, self._method).anomalies if a.where]
            self._interim.append(head.status)
            if len(self._interim) > INTERIM_LIMIT:
                raise _IncompleteError(FailureKind.TOO_LARGE, f"more than {INTERIM_LIMIT} interim responses")

    def _read_head(self) -> Head:
        start = 0
        while (end := end_of_head(self._buffer, start)) is None:
            self._skip_empty_lines()
            self._expect_http()
            if len(self._buffer) > HEAD_LIMIT:
                raise _IncompleteError(FailureKind.TOO_LARGE, f"the head has more than {HEAD_LIMIT} octets")
            start = max(0, len(self._buffer) - 3)
            if not self._more():
                self._end_within_head()
        if self._skip_empty_lines():
            return self._read_head()
        self._expect_http()
        block = bytes(self._buffer[:end])
        del self._buffer[:end]
        head = parse_head(block)
        if head is None:
            raise _not_http(block, self._interim)
        return head

    def _skip_empty_lines(self) -> int:
        empty = len(self._buffer) - len(self._buffer.lstrip(b"\r\n"))
        del self._buffer[:empty]
        self._empty_line_octets += empty
        return empty

    def _expect_http(self) -> None:
        if bytes(self._buffer[:5]).upper() != b"HTTP/"[: len(self._buffer)]:
            raise _not_http(bytes(self._buffer), self._interim)

    def _end_within_head(self) -> None:
        """Keeps the part of the head that came, and raises _IncompleteError."""
        if not self._buffer:
            after = self._after_interim() or "without a reply"
            raise _IncompleteError(FailureKind.CLOSED, f"the endpoint closed the connection {after}")
        whole = bytes(self._buffer[: self._buffer.rfind(b"\n") + 1])
        self._head = parse_head(whole) if whole else None
        raise _truncated(f"within the head of the response, after {len(self._buffer)} octets of it")

    def _read_body(self, extent: Extent, length: int) -> None:
        match extent:
            case Extent.LENGTH:
                self._read_length(length)
            case Extent.CHUNKED:
                self._read_chunks()
            case Extent.CLOSE:
                self._read_until_close()
            case Extent.UNKNOWABLE:
                self._body += self._buffer + self._source.linger(LINGER_SECONDS)
                self._buffer.clear()
            case Extent.NOTHING:
                pass

    def _read_length(self, length: int) -> None:
        self._expected = length
        self._check_size(length)
        while len(self._buffer) < length:
            if not self._more():
                self._move(len(self._buffer))
                raise _truncated(f"after {len(self._body)} of {length} octets of content")
        self._move(length)

    def _read_until_close(self) -> None:
        self._check_size(len(self._buffer))
        while self._more():
            self._check_size(len(self._buffer))
        self._move(len(self._buffer))

    def _read_chunks(self) -> None:
        self._awaits_first_chunk = True
        while (size := self._read_chunk_size()) > 0:
            self._awaits_first_chunk = False
            self._check_size(len(self._body) + size)
            while len(self._buffer) < size:
                if not self._more():
                    self._move(len(self._buffer))
                    raise _truncated(f"within a chunk of {size} octets, after {len(self._body)} octets of content")
            self._move(size)
            self._chunk_size, noted = size, len(self._anomalies)
            if self._read_line():
                raise _bad_chunk(f"the size of a chunk is given as {size}, but no CR LF comes after so many octets")
            self._chunk_ended_with_lf = len(self._anomalies) > noted
        while self._read_line():
            pass

    def _read_chunk_size(self) -> int:
        line = self._read_line()
        found = _CHUNK_SIZE.fullmatch(line)
        if not found:
            raise self._bad_size(line)
        digits = found[1].lstrip(b"0")
        return int(digits[:16] or b"0", 16)

    def _bad_size(self, line: bytes) -> _IncompleteError:
        """What is wrong where `line` does not hold the size of a chunk: often the chunk before is shorter than its size says."""
        instead = excerpt(line.decode("latin-1")) if line else "an empty line"
        size = self._chunk_size
        if not size:
            return _bad_chunk(f"a chunk does not begin with its size, but with {instead}")
        end = self._body[-size:].rfind(b"\r\n")
        if end < max(0, size - _NEAR_THE_END):
            return _bad_chunk(f"after a chunk comes {instead}, not the size of the next chunk")
        if self._chunk_ended_with_lf:  # this line end is a part of what follows the chunk
            self._anomalies.remove(_LF_BETWEEN_CHUNKS)
        return _bad_chunk(f"the size of a chunk is given as {size}, but CR LF comes after {end} octets")

    def _read_line(self) -> bytes:
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > _CHUNK_LINE_LIMIT:
                raise _bad_chunk("a line without end")
            if not self._more():
                raise _truncated(f"after {len(self._body)} octets of content, before the last chunk")
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        if not line.endswith(b"\r"):
            self._anomalies.append(_LF_BETWEEN_CHUNKS)
        return line.removesuffix(b"\r")

    def _move(self, count: int) -> None:
        self._body += self._buffer[:count]
        del self._buffer[:count]

    def _check_size(self, size: int) -> None:
        if size > self._body_limit:
            raise _IncompleteError(FailureKind.TOO_LARGE, self._too_large().detail)

    def _too_large(self) -> Failure:
        return Failure(FailureKind.TOO_LARGE, f"the content has more than {self._body_limit} octets")

    def _progress(self) -> str:
        """How much had arrived when an error came, in words; moves the octets of content that are left from the buffer."""
        if self._head is None and self._interim and not self._buffer:
            return self._after_interim()
        if self._head is None:
            return f"after {self._octets} octets" if self._octets else NOTHING_CAME
        self._move(len(self._buffer))
        of = "" if self._expected is None else f" of {self._expected}"
        return f"after {len(self._body)}{of} octets of content"

    def _after_interim(self) -> str:
        """That only interim responses came, with their statuses; "" if none did."""
        statuses = [str(status) for status in dict.fromkeys(self._interim)]
        what = "response" if len(statuses) == 1 else "responses"
        return f"after the interim {what} {', '.join(statuses)}" if statuses else ""

    def _note_a_stall(self, failure: Failure) -> None:
        """Adds an anomaly if the endpoint fell silent within the content."""
        if failure.kind is FailureKind.TIMEOUT and self._head is not None and self._source.fell_silent():
            self._anomalies.append(self._stall())

    def _stall(self) -> Anomaly:
        """The anomaly of content that did not end although the connection stayed open."""
        octets = len(self._body)
        if self._expected is not None:
            return Anomaly(AnomalyKind.STALLED, f"{octets} of {self._expected} octets of content came, then nothing")
        if self._awaits_first_chunk and self._body and not _CHUNK_SIZE.match(bytes(self._body)):
            start = excerpt(self._body[:_SHOWN_OCTETS].decode("latin-1"))
            announced = (
                f"Transfer-Encoding announces chunks, but the content begins with {start}, not with the size of a chunk"
            )
            return Anomaly(AnomalyKind.NOT_IN_CHUNKS, f"{announced}; {octets} octets came, then nothing")
        lacking = "neither more octets nor the last chunk nor the end of the connection"
        return Anomaly(AnomalyKind.STALLED, f"{octets} octets of content came, then {lacking}")


def _truncated(when: str) -> _IncompleteError:
    return _IncompleteError(FailureKind.TRUNCATED, f"the connection ended {when}", AnomalyKind.TRUNCATED)


def _bad_chunk(how: str) -> _IncompleteError:
    return _IncompleteError(FailureKind.TRUNCATED, f"the chunked coding is broken: {how}", AnomalyKind.BAD_CHUNK)


def _not_http(octets: bytes, interim: Sequence[int]) -> _IncompleteError:
    start = excerpt(octets.decode("latin-1"))
    if interim:
        start = excerpt((octets.partition(b"HTTP/")[0] or octets).decode("latin-1"))
        what = f"after the interim response {interim[-1]}, which must have no content, comes {start}, not a status line"
        return _IncompleteError(FailureKind.NOT_HTTP, f"the reply is not HTTP: {what}")
    return _IncompleteError(FailureKind.NOT_HTTP, f"the reply is not HTTP: it begins with {start}")


def _is_persistent(head: Head, extent: Extent) -> bool:
    """Whether the connection may carry another request after this response (RFC 9112, section 9.3)."""
    if extent in {Extent.CLOSE, Extent.UNKNOWABLE} or head.http_version != "HTTP/1.1" or head.status == 101:
        return False
    return "close" not in (option.lower() for option in head.members("connection"))
