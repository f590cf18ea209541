"""The connections to the endpoint: the idle ones of each identity, and those set aside after an ambiguous request."""

from __future__ import annotations

import math
import re
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reimage_conformance.anomalies import Anomaly, AnomalyKind
from reimage_conformance.model import FailureKind
from reimage_conformance.wire.failures import StreamError

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.model import Identity
    from reimage_conformance.wire.streams import Connector, Stream

_REQUEST_TIMEOUT = re.compile(rb"HTTP/1\.[01] 408\b")
_IDLE_LIMIT = 16
"""At most this many idle connections are kept for each identity."""
_ASIDE_LIMIT = 32
"""At most this many connections are kept that were set aside."""
_CLOSE_PAUSE_SECONDS = 0.02
"""The pause between closing an excess connection and opening another: the endpoint may need time to notice the close."""


@dataclass(slots=True)
class Connection:
    """One connection: its number, counted from 1, and how many requests it carried.

    `plainly_framed` says that every HTTP implementation reads exactly one request in the octets of the latest one
    (`framing.is_plainly_framed`). `used_at` is when the latest exchange on it ended, a reading of the clock.
    """

    number: int
    identity: Identity
    stream: Stream
    requests: int = 0
    plainly_framed: bool = True
    used_at: float = 0.0

    def note_surplus(self, octets: bytes, found: list[Anomaly], *, is_late: bool = True) -> None:
        """Add an anomaly to `found` for `octets` after the latest response, unless they may be a second answer to it.

        A 408 by which a server says that it closes an idle connection is no anomaly either (RFC 9110 15.5.9).
        """
        if is_late and _REQUEST_TIMEOUT.match(octets):
            return
        if octets and (self.plainly_framed or not octets.startswith(b"HTTP/")):
            kind = AnomalyKind.LATE_SURPLUS if is_late else AnomalyKind.SURPLUS
            where = f" to request {self.requests} of connection {self.number}" if is_late else ""
            found.append(Anomaly(kind, f"{len(octets)} more octets came after the end of the response{where}"))


@dataclass(slots=True)
class ConnectionPool:
    """Connections that may be used again, the latest first.

    A connection is set aside if an endpoint could misread the end of its last request: it is used again only where its number is
    asked for, so that a misreading affects no other exchange. `late_anomalies` collects anomalies of octets that arrived after their
    response; the next exchange reports them. At most `max_open` connections are open (None: any number), as far as closing
    unused ones allows. `pause` waits for some seconds. `drops_idle` says that the endpoint has closed an idle
    connection. `_opened` counts the connections ever opened, `_open` those that are open now. Several threads may share
    a pool; a connection that was taken belongs to one thread.
    """

    connector: Connector
    late_anomalies: list[Anomaly] = field(default_factory=list)
    max_open: int | None = None
    pause: Callable[[float], None] = lambda _: None
    drops_idle: bool = False
    _opened: int = 0
    _open: int = 0
    _idle: dict[Identity, list[Connection]] = field(default_factory=dict)
    _aside: list[Connection] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def open(self, identity: Identity, deadline: float) -> Connection:
        """A new connection; raises StreamError."""
        with self._lock:
            excess = self._take_excess()
            self._open += 1
        self._close(excess)
        if excess:
            self.pause(_CLOSE_PAUSE_SECONDS)
        try:
            stream = self.connector.connect(identity, deadline)
        except BaseException:
            with self._lock:
                self._open -= 1
            raise
        with self._lock:
            self._opened += 1
            return Connection(self._opened, identity, stream)

    def drop(self, connection: Connection) -> None:
        """Close a connection."""
        self._close([connection])

    def _take_excess(self) -> list[Connection]:
        """Removes and gives the kept connections that have to be closed before another is opened, the oldest first."""
        excess: list[Connection] = []
        for kept in (*self._idle.values(), self._aside):
            while kept and self.max_open is not None and self._open - len(excess) >= self.max_open:
                excess.append(kept.pop(0))
        return excess

    def _close(self, connections: list[Connection]) -> None:
        for connection in connections:
            connection.stream.close()
        with self._lock:
            self._open -= len(connections)

    def take(self, identity: Identity, *, since: float = -math.inf) -> Connection | None:
        """The latest idle connection that is still open, has no octets to read and was used after `since`, or None."""
        while connection := self._latest_idle(identity, since):
            if self._is_quiet(connection):
                return connection
        return None

    def take_number(self, number: int) -> Connection:
        """The kept connection with this number, with its unread octets; raises StreamError when there is none."""
        connection = self._numbered(number)
        if connection is None:
            raise StreamError(FailureKind.CLOSED, f"connection {number} was closed after its latest reply")
        return self._still_open(connection)

    def give(self, connection: Connection, *, last: bool = False) -> None:
        """Keep a connection for any request of its identity; `last` says that it is taken after all others."""
        with self._lock:
            kept = self._idle.setdefault(connection.identity, [])
            excess = _keep(kept, connection, _IDLE_LIMIT)
            if last and kept:
                kept.insert(0, kept.pop())
        self._close(excess)

    def set_aside(self, connection: Connection) -> None:
        """Keep a connection that is used again only by its number."""
        with self._lock:
            excess = _keep(self._aside, connection, _ASIDE_LIMIT)
        self._close(excess)

    def close(self) -> None:
        """Close every connection that is kept."""
        with self._lock:
            kept = [*self._aside, *(each for idle in self._idle.values() for each in idle)]
            self._aside.clear()
            self._idle.clear()
        self._close(kept)

    def take_late_anomalies(self) -> tuple[Anomaly, ...]:
        """Gives the anomalies in `late_anomalies`, and empties it."""
        with self._lock:
            taken = tuple(self.late_anomalies)
            self.late_anomalies.clear()
        return taken

    def _latest_idle(self, identity: Identity, since: float) -> Connection | None:
        with self._lock:
            idle = self._idle.get(identity)
            return idle.pop() if idle and idle[-1].used_at >= since else None

    def _numbered(self, number: int) -> Connection | None:
        """Removes and gives the kept connection with this number, or None."""
        with self._lock:
            for kept in (self._aside, *self._idle.values()):
                for connection in kept:
                    if connection.number == number:
                        kept.remove(connection)
                        return connection
        return None

    def _still_open(self, connection: Connection) -> Connection:
        """`connection`; raises StreamError if the endpoint has closed it."""
        waiting = connection.stream.pending()
        if waiting == b"":
            self.drop(connection)
            raise StreamError(FailureKind.CLOSED, f"the endpoint has closed connection {connection.number}")
        connection.note_surplus(waiting or b"", self.late_anomalies)
        return connection

    def _is_quiet(self, connection: Connection) -> bool:
        """Whether nothing came on an idle connection, neither octets nor a close; closes the connection if not."""
        waiting = connection.stream.pending()
        if waiting is None:
            return True
        self.drop(connection)
        self.drops_idle = self.drops_idle or not waiting
        connection.note_surplus(waiting, self.late_anomalies)
        return False


def _keep(kept: list[Connection], connection: Connection, limit: int) -> list[Connection]:
    """Adds a connection to `kept`; removes and gives the oldest one if there are more than `limit`."""
    kept.append(connection)
    return [kept.pop(0)] if len(kept) > limit else []
