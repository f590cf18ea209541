"""TCP connections to a target: which address is connected to, and the reason if no connection can be made."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reimage_conformance.errors import TargetError
from reimage_conformance.model import FailureKind
from reimage_conformance.wire.failures import StreamError
from reimage_conformance.wire.proxying import proxy_of

if TYPE_CHECKING:
    from reimage_conformance.model import Target
    from reimage_conformance.wire.clock import Clock
    from reimage_conformance.wire.proxying import Proxy


class Dialler:
    """Makes the TCP connections to a target: to connect_to if it is set, else to base_url; through the proxy if it is set.

    `host` is always the host in base_url. Raises TargetError for a base_url without a usable host and port, and for
    proxy credentials that cannot be read.
    """

    def __init__(self, target: Target, clock: Clock) -> None:
        self._clock = clock
        self.host, port = address_of(target.base_url)
        self._key = "base_url" if target.connect_to is None else "connect_to"
        self._address = (self.host, port) if target.connect_to is None else split_authority(target.connect_to)
        self._proxy = proxy_of(target)

    def dial(self, deadline: float) -> socket.socket:
        """A new connection by `deadline`; raises StreamError."""
        if self._proxy is None:
            connected = self._connect(*self._address, self._key, deadline)
        else:
            connected = self._tunnel(self._proxy, deadline)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connected

    def _tunnel(self, proxy: Proxy, deadline: float) -> socket.socket:
        host, port = self._address
        connected = self._connect(proxy.host, proxy.port, "proxy", deadline)
        try:
            connected.settimeout(max(deadline - self._clock.now(), 0.001))
            proxy.open(connected, f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
        except StreamError:
            connected.close()
            raise
        return connected

    def _connect(self, host: str, port: int, key: str, deadline: float) -> socket.socket:
        where = f"{host} port {port}"
        try:
            return socket.create_connection((host, port), timeout=max(deadline - self._clock.now(), 0.001))
        except TimeoutError as error:
            raise StreamError(
                FailureKind.TIMEOUT, f"no connection to {where} within the time limit", key=key
            ) from error
        except (socket.gaierror, UnicodeError) as error:
            raise StreamError(FailureKind.REFUSED, f"the name {host} cannot be resolved", key=key) from error
        except ConnectionResetError as error:  # reset before it could be used
            detail = f"the connection to {where} was reset as it was made"
            raise StreamError(FailureKind.RESET, detail, key=key) from error
        except OSError as error:
            detail = f"no connection to {where}: {error.strerror or error}"
            raise StreamError(FailureKind.REFUSED, detail, key=key) from error


def split_authority(authority: str) -> tuple[str, int]:
    """The host and port of an authority like `host:8443` or `[::1]:8443`."""
    parts = urlsplit(f"//{authority}")
    return parts.hostname or "", parts.port or 0


def address_of(base_url: str) -> tuple[str, int]:
    """The host and port of `base_url`; raises TargetError."""
    parts = urlsplit(base_url)
    try:
        port = parts.port
    except ValueError as error:
        raise TargetError(f"base_url: {base_url!r} has no usable port") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise TargetError(f"base_url: expected http:// or https:// and a host, found {base_url!r}")
    return parts.hostname, port or (443 if parts.scheme == "https" else 80)
