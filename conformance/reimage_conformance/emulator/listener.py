"""Accepts the connections of a server: all of them, or only as many as its limits allow."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import TYPE_CHECKING

from reimage_conformance.emulator.simultaneous import SimultaneousHandling, WhenFull

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Coroutine

LINGER_SECONDS = 0.5
"""A closed connection may take this many seconds to end."""
LONGEST_WAIT_SECONDS = 5.0
"""A TLS handshake, and the end of a server that is stopped, may take this many seconds."""
_BACKLOG = 64


def reset(connected: socket.socket) -> None:
    """Makes the connection end with a RST when its socket is closed."""
    with contextlib.suppress(OSError):
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Listener:
    """Listens on a port, and gives each connection that it accepts to an asyncio protocol of its own.

    `make` makes the protocol of a connection; it gets a function that the protocol has to call when the connection has ended.
    Connections above the limit wait in the backlog, are reset, or are refused: then nothing listens until one has ended.
    """

    def __init__(
        self,
        make: Callable[[Callable[[], None]], asyncio.BaseProtocol],
        context: ssl.SSLContext | None,
        simultaneous: SimultaneousHandling,
    ) -> None:
        self._make, self._context, self._simultaneous = make, context, simultaneous
        self._address: tuple[str, int] = ("", 0)
        self._listener: socket.socket | None = None
        self._taken = 0
        self._left = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """The port on which it listens."""
        return self._address[1]

    async def open(self, host: str, port: int) -> None:
        """Begins to accept connections; raises OSError where the port cannot be used."""
        self._address = (host, port)
        self._listen()
        self._start(self._accept_all())

    def close(self) -> None:
        """Stops accepting connections."""
        for task in self._tasks:
            task.cancel()
        self._shut()

    def _listen(self) -> socket.socket:
        if self._listener is None:
            self._listener = socket.create_server(self._address, backlog=_BACKLOG)
            self._listener.settimeout(0)
            self._address = self._listener.getsockname()
        return self._listener

    def _shut(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _is_full(self) -> bool:
        return 0 < self._simultaneous.connections <= self._taken

    async def _accept_all(self) -> None:
        while True:
            if self._is_full() and self._simultaneous.when_full is not WhenFull.RESET:
                await self._until_one_leaves()
                continue
            connected, _ = await asyncio.get_running_loop().sock_accept(self._listen())
            if self._is_full():
                reset(connected)
                connected.close()
                continue
            self._taken += 1
            self._start(self._serve(connected))

    async def _until_one_leaves(self) -> None:
        if self._simultaneous.when_full is WhenFull.REFUSED:
            self._shut()
        self._left.clear()
        await self._left.wait()

    async def _serve(self, connected: socket.socket) -> None:
        """Serves one connection from its handshake to its end."""
        gone = asyncio.Event()
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: self._make(gone.set),
                connected,
                ssl=self._context,
                ssl_handshake_timeout=LONGEST_WAIT_SECONDS if self._context else None,
                ssl_shutdown_timeout=LINGER_SECONDS if self._context else None,
            )
            await gone.wait()
        except OSError:
            connected.close()
        finally:
            self._taken -= 1
            self._left.set()

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
