"""The connections to the endpoint: one pool of idle ones per identity, and those set aside after a doubtful request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.model import FailureKind
from conformance.wire.failures import StreamError

if TYPE_CHECKING:
    from conformance.model import Identity
    from conformance.wire.streams import Connector, Stream

_IDLE_LIMIT = 4
_ASIDE_LIMIT = 8


@dataclass(slots=True)
class Connection:
    """One connection: its number, counted from 1, how many requests it carried, whether the latest was just one."""

    number: int
    identity: Identity
    stream: Stream
    requests: int = 0
    sole: bool = True

    def note_surplus(self, octets: bytes, found: list[str], kind: str = "late-surplus") -> None:
        """Add to `found` what `octets` after the latest response are, unless they may answer that request too."""
        if octets and (self.sole or not octets.startswith(b"HTTP/")):
            where = f" to request {self.requests} of connection {self.number}" if kind == "late-surplus" else ""
            found.append(f"{kind}: {len(octets)} octets after the response{where}")


@dataclass(slots=True)
class ConnectionPool:
    """Connections that may be used again, the latest first.

    A connection whose last request an endpoint could misread is set aside: nobody is given it who does not ask for it
    by number, so that the misreading spoils no innocent exchange. `found` collects what came too late on connections,
    for the next exchange to tell.
    """

    connector: Connector
    found: list[str] = field(default_factory=list)
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

    def take_number(self, number: int) -> Connection:
        """The connection with this number, what waits on it left to be read; raises StreamError when there is none."""
        for kept in (self._aside, *self._idle.values()):
            for connection in kept:
                if connection.number == number:
                    kept.remove(connection)
                    return self._still_open(connection)
        raise StreamError(FailureKind.CLOSED, f"connection {number} was given up after its latest reply")

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

    def _still_open(self, connection: Connection) -> Connection:
        waiting = connection.stream.pending()
        if waiting == b"":
            connection.stream.close()
            raise StreamError(FailureKind.CLOSED, f"the endpoint has closed connection {connection.number}")
        connection.note_surplus(waiting or b"", self.found)
        return connection

    def _is_quiet(self, connection: Connection) -> bool:
        waiting = connection.stream.pending()
        if waiting is None:
            return True
        connection.stream.close()
        connection.note_surplus(waiting, self.found)
        return False
