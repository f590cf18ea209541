"""Making connections to a target over TCP and TLS, and saying plainly why one cannot be made."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from conformance.errors import TargetError, UnreachableError
from conformance.model import FailureKind, Identity
from conformance.wire.identities import context_for
from conformance.wire.streams import SocketStream, StreamError

if TYPE_CHECKING:
    from conformance.model import Target
    from conformance.wire.clock import Clock


class SocketConnector:
    """Connects to the target's base URL; raises TargetError at once when its certificate files cannot be used."""

    def __init__(self, target: Target, clock: Clock) -> None:
        self._target = target
        self._clock = clock
        self._host, self._port = _address(target.base_url)
        self._contexts: dict[Identity, ssl.SSLContext] = {}
        if target.is_https:
            self._context(Identity.PRIMARY)
            if target.second_client_certificate:
                self._context(Identity.SECOND)

    def connect(self, identity: Identity, deadline: float) -> SocketStream:
        """A new connection as `identity`; raises StreamError, and TargetError when it has no certificate."""
        context = self._context(identity) if self._target.is_https else None
        connected = self._connect(deadline)
        if context is None:
            return SocketStream(connected, self._clock)
        try:
            connected.settimeout(max(deadline - self._clock.now(), 0.001))
            secured = context.wrap_socket(connected, server_hostname=self._host)
        except OSError as error:
            connected.close()
            raise _tls_failure(error, self._host) from error
        return SocketStream(secured, self._clock)

    def reach(self, deadline: float) -> None:
        """Make sure that the endpoint can be connected to with the primary certificate; raises UnreachableError."""
        try:
            self.connect(Identity.PRIMARY, deadline).close()
        except StreamError as error:
            raise UnreachableError(f"{self._target.base_url} cannot be reached: {error.detail}") from error

    def _connect(self, deadline: float) -> socket.socket:
        where = f"{self._host} port {self._port}"
        try:
            remaining = max(deadline - self._clock.now(), 0.001)
            connected = socket.create_connection((self._host, self._port), timeout=remaining)
        except TimeoutError as error:
            raise StreamError(FailureKind.TIMEOUT, f"no connection to {where} within the time limit") from error
        except socket.gaierror as error:
            raise StreamError(FailureKind.REFUSED, f"the name {self._host} cannot be resolved") from error
        except ConnectionResetError as error:  # made and reset before it could be used
            raise StreamError(FailureKind.RESET, f"the connection to {where} was reset as it was made") from error
        except OSError as error:
            raise StreamError(FailureKind.REFUSED, f"no connection to {where}: {error.strerror or error}") from error
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connected

    def _context(self, identity: Identity) -> ssl.SSLContext:
        if identity not in self._contexts:
            self._contexts[identity] = context_for(self._target, identity)
        return self._contexts[identity]


def _address(base_url: str) -> tuple[str, int]:
    parts = urlsplit(base_url)
    try:
        port = parts.port
    except ValueError as error:
        raise TargetError(f"base_url: {base_url!r} has no usable port") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise TargetError(f"base_url: expected http:// or https:// and a host, found {base_url!r}")
    return parts.hostname, port or (443 if parts.scheme == "https" else 80)


def _tls_failure(error: OSError, host: str) -> StreamError:
    if isinstance(error, ssl.SSLCertVerificationError):
        hint = "its name does not match base_url" if "mismatch" in str(error) else "set ca_bundle to its CA"
        detail = f"the certificate of {host} is not accepted: {error.verify_message or error.reason}; {hint}"
        return StreamError(FailureKind.TLS, detail)
    if isinstance(error, TimeoutError):
        return StreamError(FailureKind.TIMEOUT, "TLS was not set up within the time limit")
    if isinstance(error, ssl.SSLError):
        return StreamError(FailureKind.TLS, f"TLS could not be set up: {error.reason or error}")
    return StreamError(FailureKind.TLS, f"the endpoint broke off while TLS was being set up: {error.strerror or error}")
