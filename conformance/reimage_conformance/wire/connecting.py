"""Making connections to a target over TCP and TLS; a failure names its reason and the key of the target file."""

from __future__ import annotations

import contextlib
import os
import ssl
from dataclasses import replace
from typing import TYPE_CHECKING

from cryptography import x509

from reimage_conformance.errors import SuiteError, TargetError, UnreachableError
from reimage_conformance.model import FailureKind, Identity
from reimage_conformance.wire.dialling import Dialler
from reimage_conformance.wire.failures import StreamError
from reimage_conformance.wire.identities import context_for, trusting_anyone
from reimage_conformance.wire.proxying import proxies_in
from reimage_conformance.wire.streams import SocketStream
from reimage_conformance.wire.tls_failures import handshake_failure, speaks_no_tls

if TYPE_CHECKING:
    import socket

    from reimage_conformance.model import Target
    from reimage_conformance.wire.clock import Clock

SILENCE_SECONDS = 0.8
"""If a TLS handshake gets no answer for this long, plain HTTP is tried: a server without TLS waits for the end of a line."""
LOOK_SECONDS = 1.0
"""The time limit of each further connection that is made to explain a failure."""
_NO_CONNECTION = (FailureKind.REFUSED, FailureKind.TIMEOUT)
_PLAIN_QUESTION = b"HEAD / HTTP/1.0\r\n\r\n"


class SocketConnector:
    """Connects to the target's base URL; raises TargetError at once when its certificate files cannot be used."""

    def __init__(self, target: Target, clock: Clock) -> None:
        self._target = target
        self._clock = clock
        self._dialler = Dialler(target, clock)
        self._contexts: dict[Identity, ssl.SSLContext] = {}
        if target.is_https:
            self._context(Identity.PRIMARY)
            if target.second_client_certificate:
                self._context(Identity.SECOND)

    def connect(self, identity: Identity, deadline: float) -> SocketStream:
        """A new connection as `identity`; raises StreamError, and TargetError when the target names no certificate for it."""
        context = self._context(identity) if self._target.is_https else None
        connected = self._dialler.dial(deadline)
        if context is None:
            return SocketStream(connected, self._clock)
        try:
            return SocketStream(self._secured(connected, context, deadline), self._clock)
        except OSError as error:
            raise self._failure(error, identity) from error

    def reach(self, deadline: float) -> SocketStream:
        """A connection with the primary certificate; a failure says in one sentence why, and which key to mend.

        To explain a failure it makes one or two further connections, on which at most `HEAD /` is sent. Raises
        TargetError if the target file is wrong, and UnreachableError if the endpoint may be at fault.
        """
        try:
            if not self._target.is_https:
                return SocketStream(self._dialler.dial(deadline), self._clock)
            return self._reach_securely(deadline)
        except StreamError as error:
            raise self._unreachable(error) from error

    def speaks_tls(self) -> bool:
        """Whether the port answers a TLS handshake, even with an error; asked where base_url is http."""
        try:
            connected = self._dialler.dial(self._look_deadline())
        except StreamError:
            return False
        try:
            self._secured(connected, trusting_anyone(), self._look_deadline()).close()
        except ssl.SSLEOFError:
            return False
        except ssl.SSLError as error:
            return not speaks_no_tls(error)
        except OSError:
            return False
        return True

    def _reach_securely(self, deadline: float) -> SocketStream:
        connected = self._dialler.dial(deadline)
        try:
            context = self._context(Identity.PRIMARY)
            return SocketStream(self._secured(connected, context, deadline, patient=False), self._clock)
        except StreamError:
            connected.close()
            raise
        except OSError as error:
            no_reply = not isinstance(error, ssl.SSLError) or isinstance(error, ssl.SSLEOFError)
            if (speaks_no_tls(error) or no_reply) and self._speaks_plain_http():
                raise self._plain_http_failure() from error
            raise self._failure(error, Identity.PRIMARY, look=True) from error

    def _secured(
        self, connected: socket.socket, context: ssl.SSLContext, deadline: float, *, patient: bool = True
    ) -> ssl.SSLSocket:
        """`connected` with TLS; raises OSError.

        If not `patient` and the handshake gets no answer within SILENCE_SECONDS, it asks whether the endpoint speaks plain
        HTTP, and raises StreamError if so.
        """
        try:
            secured = context.wrap_socket(
                connected, server_hostname=self._dialler.host.rstrip("."), do_handshake_on_connect=False
            )
        except (OSError, ValueError):
            connected.close()
            raise
        try:
            if not patient and not self._ends_handshake_soon(secured, deadline) and self._speaks_plain_http():
                raise self._plain_http_failure()
            secured.settimeout(self._remaining(deadline))
            secured.do_handshake()
        except OSError:
            secured.close()
            raise
        return secured

    def _ends_handshake_soon(self, secured: ssl.SSLSocket, deadline: float) -> bool:
        """Whether the handshake ends within SILENCE_SECONDS; if not, it can be continued."""
        secured.settimeout(min(SILENCE_SECONDS, self._remaining(deadline)))
        try:
            secured.do_handshake()
        except TimeoutError:
            return False
        return True

    def _speaks_plain_http(self) -> bool:
        """Whether the port answers plain HTTP."""
        try:
            with contextlib.closing(self._dialler.dial(self._look_deadline())) as connected:
                connected.settimeout(LOOK_SECONDS)
                connected.sendall(_PLAIN_QUESTION)
                return connected.recv(5) == b"HTTP/"
        except OSError:
            return False

    def _certificate(self) -> x509.Certificate | None:
        """The endpoint's certificate, read on a connection without client certificate, or None."""
        try:
            connected = self._dialler.dial(self._look_deadline())
            with contextlib.closing(self._secured(connected, trusting_anyone(), self._look_deadline())) as secured:
                return x509.load_der_x509_certificate(secured.getpeercert(binary_form=True) or b"")
        except (OSError, ValueError):
            return None

    def _failure(self, error: OSError, identity: Identity, *, look: bool = False) -> StreamError:
        presented = identity is not Identity.PRIMARY or self._target.client_certificate is not None
        return handshake_failure(
            error,
            self._dialler.host,
            has_ca_bundle=self._target.ca_bundle is not None,
            has_certificate=presented,
            look=self._certificate if look else lambda: None,
        )

    def _plain_http_failure(self) -> StreamError:
        detail = f"{self._target.base_url} answers plain HTTP, not TLS; expected http:// in place of https://"
        return StreamError(FailureKind.TLS, detail, mistake=True)

    def _unreachable(self, error: StreamError) -> SuiteError:
        if error.mistake:
            return TargetError(f"{error.key}: {error.detail}")
        where = f"{self._target.base_url} cannot be reached: " if error.key in ("base_url", "connect_to") else ""
        unused = proxies_in(os.environ) if self._target.proxy is None and error.kind in _NO_CONNECTION else []
        hint = f"; {unused[0]} in the environment is not used: set proxy in [target] to use it" if unused else ""
        return UnreachableError(f"{error.key}: {where}{error.detail}{hint}")

    def _context(self, identity: Identity) -> ssl.SSLContext:
        if identity not in self._contexts:
            self._contexts[identity] = context_for(self._target, identity)
        return self._contexts[identity]

    def _look_deadline(self) -> float:
        return self._clock.now() + LOOK_SECONDS

    def _remaining(self, deadline: float) -> float:
        return max(deadline - self._clock.now(), 0.001)


def probe_connector(target: Target, clock: Clock) -> SocketConnector | None:
    """The connector for the probe of `target`, or None if it has none; connect_to and proxy are not used for the probe."""
    if target.probe_url is None:
        return None
    return SocketConnector(replace(target, base_url=target.probe_url, connect_to=None, proxy=None), clock)
