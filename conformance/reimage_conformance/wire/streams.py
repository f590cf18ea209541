"""Streams of octets to an endpoint, and their failures; `wire/reading.py` interprets the octets."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Protocol

from reimage_conformance.model import NOTHING_CAME, TIME_LIMIT_PASSED, Failure, FailureKind
from reimage_conformance.wire.failures import StreamError
from reimage_conformance.wire.tls_failures import broken_tls

if TYPE_CHECKING:
    import socket

    from reimage_conformance.model import Identity
    from reimage_conformance.wire.clock import Clock

_AHEAD_OCTETS = 65_536
_TLS_ALERT = b"\x15\x03"
"""The first octets of a TLS record with an alert (RFC 8446, 5.1)."""


class Stream(Protocol):
    """A two-way stream of octets; deadlines are readings of the clock, not durations."""

    def send(self, data: bytes, deadline: float) -> None:
        """Write all of `data`; raises TimeoutError after `deadline`, ConnectionError when the connection is broken."""

    def receive(self, limit: int, deadline: float) -> bytes:
        """The next octets, at most `limit`; b"" once the peer has closed; raises like `send`."""

    def pending(self) -> bytes | None:
        """Without waiting or consuming: the octets at hand, b"" when the peer has closed, None when nothing came."""

    def close(self) -> None:
        """Close the connection; closing twice is harmless."""


class Connector(Protocol):
    """Makes connections to the endpoint under an identity."""

    def connect(self, identity: Identity, deadline: float) -> Stream:
        """A new connection; raises StreamError when there is none by `deadline`."""


class SocketStream:
    """A stream over a connected TCP or TLS socket."""

    def __init__(self, connected: socket.socket, clock: Clock) -> None:
        self._socket = connected
        self._clock = clock
        self._ahead = b""
        self._ended = False

    def send(self, data: bytes, deadline: float) -> None:
        """Write all of `data` before `deadline`."""
        rest = memoryview(data)
        while rest:
            self._socket.settimeout(self._remaining(deadline))
            rest = rest[self._socket.send(rest) :]

    def receive(self, limit: int, deadline: float) -> bytes:
        """The next octets, at most `limit`; b"" once the peer has closed."""
        if self._ahead:
            data, self._ahead = self._ahead[:limit], self._ahead[limit:]
            return data
        if self._ended:
            return b""
        self._socket.settimeout(self._remaining(deadline))
        return self._not_tls(self._socket.recv(limit))

    def pending(self) -> bytes | None:
        """Without waiting or consuming: the octets at hand, b"" when the peer has closed, None when nothing came."""
        self._socket.settimeout(0)
        try:
            data = self._socket.recv(_AHEAD_OCTETS)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return self._ahead or None
        except OSError:
            data = b""
        self._ended = self._ended or not data
        self._ahead += data
        return self._ahead

    def peer(self) -> tuple[bytes, str]:
        """The endpoint's certificate in DER and the version of TLS; both empty without TLS."""
        if not isinstance(self._socket, ssl.SSLSocket):
            return b"", ""
        return self._socket.getpeercert(binary_form=True) or b"", self._socket.version() or ""

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _not_tls(self, data: bytes) -> bytes:
        """`data`; raises StreamError if it is a TLS alert on a connection without TLS."""
        if data.startswith(_TLS_ALERT) and not isinstance(self._socket, ssl.SSLSocket):
            raise StreamError(FailureKind.TLS, "the endpoint answers in TLS", mistake=True)
        return data

    def _remaining(self, deadline: float) -> float:
        remaining = deadline - self._clock.now()
        if remaining <= 0:
            raise TimeoutError
        return remaining


def failure_of(error: OSError, progress: str = "") -> Failure:
    """The failure that `error` means for an exchange; `progress` says what had arrived before it."""
    after = f" ({progress})" if progress else ""
    when = " before any octet of an answer" if progress == NOTHING_CAME else f" {progress}".rstrip()
    match error:
        case StreamError():
            return Failure(error.kind, error.detail + after)
        case TimeoutError():
            return Failure(FailureKind.TIMEOUT, f"{TIME_LIMIT_PASSED}{after}")
        case ssl.SSLEOFError() | ssl.SSLZeroReturnError():
            return Failure(FailureKind.CLOSED, f"the endpoint closed the connection{when}")
        case ssl.SSLError():
            return Failure(FailureKind.TLS, broken_tls(error)[0] + after)
        case ConnectionResetError():
            return Failure(FailureKind.RESET, f"the endpoint reset the connection{when}")
        case _:
            problem = error.strerror or type(error).__name__
            return Failure(FailureKind.RESET, f"the connection broke ({problem}){when}")
