"""The connections to the endpoint: one pool of idle ones per identity, and those set aside after a doubtful request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conformance.model import Identity
    from conformance.wire.streams import Connector, Stream

_IDLE_LIMIT = 4
_ASIDE_LIMIT = 8


@dataclass(slots=True)
class Connection:
    """One connection: its number, counted from 1, and how many requests went out on it."""

    number: int
    identity: Identity
    stream: Stream
    requests: int = 0


@dataclass(slots=True)
class ConnectionPool:
    """Connections that may be used again, the latest first.

    A connection whose last request could be framed in two ways is set aside: nobody is given it who does not ask for
    it by number, so that a misreading endpoint spoils no innocent exchange. `late_surplus` collects what arrived on
    idle connections, for the next exchange to tell.
    """

    connector: Connector
    late_surplus: list[str] = field(default_factory=list)
    _opened: int = 0
    _idle: dict[Identity, list[Connection]] = field(default_factory=dict)
    _aside: list[Connection] = field(default_factory=list)

    def open(self, identity: Identity, deadline: float) -> Connection:
        """A new connection; raises StreamError."""
        stream = self.connector.connect(identity, deadline)
        self._opened += 1
        return Connection(self._opened, identity, stream)

    def take(self, identity: Identity) -> Connection | None:
        """The latest idle connection that is still open and silent, or None."""
        idle = self._idle.get(identity, [])
        while idle:
            connection = idle.pop()
            if self._is_quiet(connection):
                return connection
        return None

    def take_number(self, number: int) -> Connection | None:
        """The connection with this number if it is kept and open, or None; what waits on it is left for the reader."""
        for kept in (self._aside, *self._idle.values()):
            for connection in kept:
                if connection.number == number:
                    kept.remove(connection)
                    return connection if connection.stream.pending() != b"" else None
        return None

    def give(self, connection: Connection) -> None:
        """Keep a connection for any request of its identity."""
        self._keep(self._idle.setdefault(connection.identity, []), connection, _IDLE_LIMIT)

    def set_aside(self, connection: Connection) -> None:
        """Keep a connection for whoever asks for its number."""
        self._keep(self._aside, connection, _ASIDE_LIMIT)

    def close(self) -> None:
        """Close every connection that is kept."""
        for kept in (self._aside, *self._idle.values()):
            while kept:
                kept.pop().stream.close()

    def _keep(self, kept: list[Connection], connection: Connection, limit: int) -> None:
        kept.append(connection)
        if len(kept) > limit:
            kept.pop(0).stream.close()

    def _is_quiet(self, connection: Connection) -> bool:
        waiting = connection.stream.pending()
        if waiting is None:
            return True
        connection.stream.close()
        if waiting:
            which = f"request {connection.requests} of connection {connection.number}"
            self.late_surplus.append(f"late-surplus: {len(waiting)} octets after the response to {which}")
        return False
