"""The httpx transport that writes a request's octets verbatim and reads the reply without normalising anything.

The request travels in the extension "reimage.request". What was received comes back in the extension "reimage.received" of
the httpx response, or in NoReplyError when no complete reply came. The httpx response has no header lines: httpx would
fold, decode and follow them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import httpx

from reimage_conformance.model import Fact, Failure, FailureKind, Request, Response
from reimage_conformance.wire.framing import announces_close, is_plainly_framed, must_be_last
from reimage_conformance.wire.pool import Connection, ConnectionPool
from reimage_conformance.wire.reading import BODY_LIMIT, LINGER_SECONDS, STALLS, Reading, ResponseReader
from reimage_conformance.wire.source import StreamSource
from reimage_conformance.wire.streams import failure_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reimage_conformance.wire.clock import Clock
    from reimage_conformance.wire.streams import Connector

CLOSE_SECONDS = 0.5
"""How long to wait for the endpoint to close a connection after a reply that does not announce it."""
ANNOUNCED_CLOSE_SECONDS = 5.0
"""How long to wait for a close that the reply announces.

RFC 9112 9.6 gives no time for it. A front may wait a second or more, so that the client can close first.
"""
_REQUEST_TIMEOUT = 408
_SENT_AGAIN = {"GET", "HEAD"}
"""Methods of requests that are sent again if the endpoint closed an idle connection."""
RECENT_SECONDS = 2.0
"""A request that is not repeated goes out on a connection that was used within these seconds, or on a new one.

An idle connection may be dropped without a sign before its next request (RFC 9112 9.5). That request gets no reply.
"""
_MAX_BROKEN_ANNOUNCEMENTS = 3
"""After this number of announced closes that did not come, the wait for another one is CLOSE_SECONDS as well."""
_MAX_STALLS, _STALL_SECONDS = 2, 2.0
"""After two replies that stopped before their end, a reply that pauses this many seconds counts as stopped too.

Without this, each such reply would cost the whole time limit.
"""


@dataclass(frozen=True, slots=True)
class Received:
    """What came back for one request, with the fields of `Exchange`.

    `elapsed` ends with the reply, before the wait for the connection to close.
    """

    response: Response | None
    failure: Failure | None
    connection: int = 0
    position: int = 1
    closed: bool = False
    elapsed: float = 0.0
    unrecorded: frozenset[Fact] = field(default_factory=frozenset)


class NoReplyError(httpx.TransportError):
    """No complete reply came; `received` holds the failure, and the part that came."""

    def __init__(self, received: Received) -> None:
        super().__init__(received.failure.detail if received.failure else "no reply")
        self.received = received


class VerbatimTransport(httpx.BaseTransport):
    """Sends requests of the suite over connections of its own.

    Extensions of a request: "reimage.request", required; "reimage.connection", the number of the connection to use;
    "reimage.watch", True to wait and see whether the endpoint closes the connection afterwards. In place of these:
    "reimage.together", several requests to send at the same time; then "reimage.received" of the response is a list.
    """

    def __init__(
        self,
        connector: Connector,
        clock: Clock,
        *,
        request_timeout: float,
        body_limit: int = BODY_LIMIT,
        linger_seconds: float = LINGER_SECONDS,
    ) -> None:
        self._clock = clock
        self._pool = ConnectionPool(connector, pause=clock.sleep)
        self._request_timeout = request_timeout
        self._body_limit = body_limit
        self._linger_seconds = linger_seconds
        self._stalls = 0
        self._broken_announcements = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request in the extensions and read its reply; raises NoReplyError."""
        extensions = request.extensions
        if "reimage.together" in extensions:
            all_received = self.carry_together(extensions["reimage.together"])
            return httpx.Response(httpx.codes.MULTI_STATUS, extensions={"reimage.received": all_received})
        received = self.carry(
            extensions["reimage.request"],
            on=extensions.get("reimage.connection"),
            watch=extensions.get("reimage.watch", False),
        )
        if received.failure or not received.response:
            raise NoReplyError(received)
        return httpx.Response(received.response.status, extensions={"reimage.received": received})

    def close(self) -> None:
        """Close every connection that is not in use: httpx calls this when its client is closed."""
        self.close_idle()

    def limit(self, connections: int) -> None:
        """Keep at most so many connections open, by closing connections that are not in use."""
        self._pool.max_open = connections

    def close_idle(self) -> None:
        """Close every connection that is not in use."""
        self._pool.close()

    def carry(self, request: Request, *, on: int | None, watch: bool) -> Received:
        """Send `request` and give what was received, also where no reply came; the arguments are those of `Client.exchange`."""
        start = self._clock.now()
        deadline = self._deadline(request, start)
        try:
            connection = self._connection_for(request, on, deadline)
        except OSError as error:
            return Received(None, failure_of(error), on or 0, elapsed=self._clock.now() - start)
        reading = self._converse(connection, request, deadline)
        is_stale = on is None and _is_stale(connection, reading)
        # Of the pool, `drops_idle` says that the endpoint closes idle connections.
        self._pool.drops_idle = self._pool.drops_idle or is_stale
        if is_stale and request.method in _SENT_AGAIN:
            self._pool.drop(connection)
            try:
                connection = self._pool.open(request.identity, deadline)
            except OSError as error:
                return Received(None, failure_of(error), elapsed=self._clock.now() - start)
            reading = self._converse(connection, request, deadline)
        return self._conclude(connection, request, reading, start, watch=watch)

    def carry_together(self, requests: Sequence[Request]) -> list[Received]:
        """Send `requests`, each on a connection of its own; all are written before the first reply is read.

        Replies are read in the order of the requests, so `elapsed` of a later one may include the time of an earlier one.
        """
        connect_start = self._clock.now()
        connections: list[Connection | Failure] = []
        for request in requests:
            try:
                connections.append(self._connection_for(request, None, self._deadline(request, connect_start)))
            except OSError as error:
                connections.append(failure_of(error))
        start = self._clock.now()
        write_errors = [
            self._write(connection, request, self._deadline(request, start))
            if isinstance(connection, Connection)
            else None
            for connection, request in zip(connections, requests, strict=True)
        ]
        received: list[Received] = []
        for connection, request, write_error in zip(connections, requests, write_errors, strict=True):
            if isinstance(connection, Failure):
                received.append(Received(None, connection))
            else:
                reading = self._read(connection, request, self._deadline(request, start), write_error)
                received.append(self._conclude(connection, request, reading, start, watch=False))
        return received

    def _deadline(self, request: Request, start: float) -> float:
        time_limit = self._request_timeout if request.patience_seconds is None else request.patience_seconds
        return start + time_limit

    def _connection_for(self, request: Request, on: int | None, deadline: float) -> Connection:
        if on is not None:
            return self._pool.take_number(on)
        # A request that must not be sent twice gets a new connection if the endpoint has closed an idle one before.
        is_sent_once = request.method not in _SENT_AGAIN
        fresh = request.fresh_connection or (is_sent_once and self._pool.drops_idle)
        since = self._clock.now() - RECENT_SECONDS if is_sent_once else -math.inf
        kept = None if fresh else self._pool.take(request.identity, since=since)
        return kept or self._pool.open(request.identity, deadline)

    def _converse(self, connection: Connection, request: Request, deadline: float) -> Reading:
        return self._read(connection, request, deadline, self._write(connection, request, deadline))

    def _write(self, connection: Connection, request: Request, deadline: float) -> OSError | None:
        """Write a request, and give the error, if any; the caller still reads, since the endpoint may have replied before."""
        connection.requests += 1
        try:
            connection.stream.send(request.wire(), deadline)
        except OSError as error:
            return error
        return None

    def _read(self, connection: Connection, request: Request, deadline: float, write_error: OSError | None) -> Reading:
        has_own_limit = request.patience_seconds is not None  # it counts as short: a pause within it shows nothing
        silence = math.inf if has_own_limit or self._stalls < _MAX_STALLS else _STALL_SECONDS
        source = StreamSource(connection.stream, self._clock, deadline, silence, hasty=has_own_limit)
        connection.plainly_framed = is_plainly_framed(request)
        reader = ResponseReader(
            source,
            request.method,
            plainly_framed=connection.plainly_framed,
            body_limit=self._body_limit,
            linger_seconds=self._linger_seconds,
        )
        reading = reader.read()
        if reading.response is not None and any(each.kind in STALLS for each in reading.response.anomalies):
            self._stalls += 1
        if write_error and not reading.octets and reading.failure and reading.failure.kind is not FailureKind.TLS:
            return replace(reading, failure=failure_of(write_error, "while the request was being sent"))
        return reading

    def _conclude(
        self, connection: Connection, request: Request, reading: Reading, start: float, *, watch: bool
    ) -> Received:
        """What was received; keeps or closes the connection.

        Waits for the endpoint to close the connection where `watch` asks for it, or where the request obliges it to (`must_be_last`).
        """
        elapsed = self._clock.now() - start
        response, closed = reading.response, reading.ended
        if response is not None and reading.failure is None and not closed and (watch or must_be_last(request)):
            is_awaited = announces_close(response) and self._broken_announcements < _MAX_BROKEN_ANNOUNCEMENTS
            seconds = ANNOUNCED_CLOSE_SECONDS if is_awaited else CLOSE_SECONDS
            # `watch` sets a deadline of its own: the one of the source has no effect on it.
            late, closed = StreamSource(connection.stream, self._clock, deadline=start).watch(seconds)
            self._broken_announcements += is_awaited and not closed
            if not reading.surplus:
                connection.note_surplus(late, self._pool.late_anomalies, is_late=False)
            reading = replace(reading, persistent=reading.persistent and not closed and not late)
        # Octets that came on another connection after its response are reported with the next response of the run, which is this one.
        if response and (late_on_others := self._pool.take_late_anomalies()):
            response = replace(response, anomalies=(*response.anomalies, *late_on_others))
        self._release(connection, request, reading)
        if reading.failure is not None and reading.failure.kind is FailureKind.TIMEOUT and not reading.octets:
            self._pool.close()  # an endpoint that serves one connection at a time may be waiting on another one
        return Received(
            response, reading.failure, connection.number, connection.requests, closed, elapsed, reading.unrecorded
        )

    def _release(self, connection: Connection, request: Request, reading: Reading) -> None:
        connection.used_at = self._clock.now()
        if not reading.persistent:
            self._pool.drop(connection)
        elif connection.plainly_framed and not request.body and not must_be_last(request):
            # Polls do not go out on the new connection of their reimage: an endpoint may know the operation on that connection alone.
            self._pool.give(connection, last=request.fresh_connection)
        else:
            self._pool.set_aside(connection)


def _is_stale(connection: Connection, reading: Reading) -> bool:
    """Whether the endpoint may have closed an idle connection as a request was sent on it, with a 408 or without (RFC 9110 15.5.9)."""
    ended = reading.failure is not None and reading.failure.kind in {FailureKind.CLOSED, FailureKind.RESET}
    is_closed = ended and not reading.octets
    is_timed_out = (
        reading.response is not None and reading.response.status == _REQUEST_TIMEOUT and not reading.persistent
    )
    return connection.requests > 1 and (is_closed or is_timed_out)
