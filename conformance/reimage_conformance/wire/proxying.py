"""Tunnels through an HTTP proxy by CONNECT (RFC 9110, 9.3.6), and the failures where the proxy refuses one."""

from __future__ import annotations

import base64
import http
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reimage_conformance.credentials.passphrases import proxy_credentials
from reimage_conformance.model import FailureKind
from reimage_conformance.wire.failures import StreamError

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

    from reimage_conformance.model import Target

VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy", "all_proxy")
"""Environment variables that name a proxy to other programs."""
HEAD_LIMIT = 65_536
"""The most octets that are read of the head of an answer to CONNECT."""


def proxies_in(environment: Mapping[str, str]) -> list[str]:
    """The variables of `environment` that name a proxy."""
    return [name for name in VARIABLES if environment.get(name)]


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy: its address, and the value of Proxy-Authorization, "" for none."""

    host: str
    port: int
    authorization: str = field(default="", repr=False)

    def __str__(self) -> str:
        """The proxy as messages name it."""
        return f"{self.host} port {self.port}"

    def open(self, connected: socket.socket, authority: str) -> None:
        """Make `connected` a tunnel to `authority`, a host and port; raises StreamError if the proxy refuses."""
        lines = [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}"]
        if self.authorization:
            lines.append(f"Proxy-Authorization: {self.authorization}")
        try:
            connected.sendall("\r\n".join([*lines, "", ""]).encode("ascii"))
            status = _status(_head(connected))
        except TimeoutError as error:
            raise self._failure(FailureKind.TIMEOUT, "gives no answer to CONNECT within the time limit") from error
        except OSError as error:
            raise self._failure(FailureKind.RESET, "closes the connection without an answer to CONNECT") from error
        if not 200 <= status < 300:
            raise self._refusal(status, authority)

    def _refusal(self, status: int, authority: str) -> StreamError:
        known = {each.value: f"{each.value} {each.phrase}" for each in http.HTTPStatus}
        answer = known.get(status, str(status))
        if status == 407 and self.authorization:
            return self._failure(
                FailureKind.REFUSED, f"refuses its credentials ({answer})", "proxy_credentials_file", mistake=True
            )
        if status == 407:
            detail = f"demands credentials ({answer}); name a file with user:password in proxy_credentials_file"
            return self._failure(FailureKind.REFUSED, detail, mistake=True)
        if status == 403:
            return self._failure(FailureKind.REFUSED, f"does not allow connections to {authority} ({answer})")
        if status >= 500 and status != 501:
            return self._failure(FailureKind.REFUSED, f"cannot connect to {authority} ({answer})")
        found = f"answers {answer}" if status else "does not answer in HTTP"
        detail = f"{found} to CONNECT {authority}; expected an HTTP proxy that tunnels"
        return self._failure(FailureKind.REFUSED, detail, mistake=True)

    def _failure(self, kind: FailureKind, detail: str, key: str = "proxy", *, mistake: bool = False) -> StreamError:
        return StreamError(kind, f"the proxy {self} {detail}", key=key, mistake=mistake)


def proxy_of(target: Target) -> Proxy | None:
    """The proxy that `target` names, with its credentials, or None; raises TargetError for credentials that cannot be read."""
    if target.proxy is None:
        return None
    parts = urlsplit(target.proxy)
    credentials = proxy_credentials(target)
    authorization = f"Basic {base64.b64encode(credentials).decode()}" if credentials else ""
    return Proxy(parts.hostname or "", parts.port or 80, authorization)


def _head(connected: socket.socket) -> bytes:
    """The head of an answer; read octet by octet, since what follows it belongs to the tunnel."""
    octets = bytearray()
    while not octets.endswith((b"\r\n\r\n", b"\n\n")) and len(octets) < HEAD_LIMIT:
        octet = connected.recv(1)
        if not octet:
            break
        octets += octet
        if len(octets) == 5 and octets != b"HTTP/":  # not an answer in HTTP
            break
    if not octets:
        raise ConnectionResetError
    return bytes(octets)


def _status(head: bytes) -> int:
    """The status of an answer, 0 where it is not HTTP."""
    words = head.split(None, 2)
    return int(words[1]) if len(words) > 1 and head.startswith(b"HTTP/1.") and words[1].isdigit() else 0
