"""Endpoints for the wire's tests: threads on loopback that send the octets they are told to send."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reimage_conformance.model import Deployment, Target

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

Script = Callable[[socket.socket, int], None]
"""Serves one connection; the number counts connections from 1."""


@dataclass
class Endpoint:
    """A listening socket, and what arrived on each of its connections."""

    listener: socket.socket
    script: Script
    context: ssl.SSLContext | None = None
    connections: int = 0
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    def target(self, **more: object) -> Target:
        scheme = "https" if self.context else "http"
        deployments = (Deployment("contoso", "production", "contoso-v1", ("WebRole1_IN_0",)),)
        base = {"name": "test", "subscription_id": "6a8b7c2e-0000-4000-8000-000000000001", "deployments": deployments}
        return Target(**(base | {"base_url": f"{scheme}://127.0.0.1:{self.port}"} | more))  # type: ignore[arg-type]

    def serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                accepted, _ = self.listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve_one, args=(accepted, self.connections), daemon=True).start()

    def _serve_one(self, accepted: socket.socket, number: int) -> None:
        accepted.settimeout(20)
        connected = accepted
        with contextlib.suppress(OSError):
            if self.context:
                connected = self.context.wrap_socket(accepted, server_side=True)
            self.script(connected, number)
        connected.close()


@contextlib.contextmanager
def serving(script: Script, context: ssl.SSLContext | None = None) -> Iterator[Endpoint]:
    """An endpoint that plays `script` on every connection until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        endpoint = Endpoint(listener, script, context)
        thread = threading.Thread(target=endpoint.serve, daemon=True)
        thread.start()
        try:
            yield endpoint
        finally:
            endpoint.released.set()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)


def read_request(connected: socket.socket) -> bytes:
    """One request without content, or b"" when the client closed."""
    octets = b""
    while b"\r\n\r\n" not in octets:
        data = connected.recv(65_536)
        if not data:
            return b""
        octets += data
    return octets


def replying(*replies: bytes) -> Script:
    """Answers the requests of each connection with `replies` in turn, then closes."""

    def script(connected: socket.socket, number: int) -> None:
        for reply in replies:
            if not read_request(connected):
                return
            connected.sendall(reply)

    return script


def repeating(reply: bytes) -> Script:
    """Answers every request with `reply` until the client closes."""

    def script(connected: socket.socket, number: int) -> None:
        while read_request(connected):
            connected.sendall(reply)

    return script


def reset(connected: socket.socket) -> None:
    """End the connection with RST."""
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connected.close()
