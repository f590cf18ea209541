"""A proxy on loopback for tests: it tunnels by CONNECT, or answers what it is told to."""

from __future__ import annotations

import contextlib
import select
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wire_servers import read_request, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n"
LONGEST_SECONDS = 20.0


@dataclass
class TestProxy:
    """`answer` is what it says to CONNECT in place of a tunnel; `leads_to` is where every tunnel ends; `heads` is what it was asked."""

    __test__ = False

    answer: bytes = b""
    leads_to: int = 0
    port: int = 0
    heads: list[bytes] = field(default_factory=list)

    def _script(self, connected: socket.socket, _: int) -> None:
        head = read_request(connected)
        self.heads.append(head)
        if self.answer:
            connected.sendall(self.answer)
            return
        port = self.leads_to or int(head.split(None, 2)[1].rpartition(b":")[2])
        with contextlib.closing(socket.create_connection(("127.0.0.1", port), timeout=5)) as onward:
            connected.sendall(ESTABLISHED)
            _carry(connected, onward)

    @contextlib.contextmanager
    def served(self) -> Iterator[TestProxy]:
        """The proxy on a port of its own until the block ends."""
        with serving(self._script) as endpoint:
            self.port = endpoint.port
            yield self


def _carry(one: socket.socket, other: socket.socket) -> None:
    while True:
        ready, _, _ = select.select([one, other], [], [], LONGEST_SECONDS)
        for source, sink in ((one, other), (other, one)):
            if source in ready:
                data = source.recv(65_536)
                if not data:
                    return
                sink.sendall(data)
        if not ready:
            return
