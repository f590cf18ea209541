"""Endpoints in trouble, on real sockets: an emulator behind a server that spoils what it sends, or goes away."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reimage_conformance.emulator import Emulator, Later, Send, describe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from reimage_conformance.emulator import Connection

BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n%s\r\n"
MOST_CONNECTIONS = 256


class Silence(Exception):  # noqa: N818  what the endpoint does, no error
    """The endpoint says nothing, and keeps the connection."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One request and the reply that the conforming emulator has for it, both as octets."""

    link: socket.socket
    asked: bytes
    reply: bytes
    number: int

    @property
    def method(self) -> str:
        """The method of the request."""
        return self.asked.split(b" ", 1)[0].decode("latin-1")

    @property
    def target(self) -> str:
        """The target of the request."""
        return self.asked.split(b" ", 2)[1].decode("latin-1")

    @property
    def status(self) -> int:
        """The status of the reply."""
        return int(self.reply[9:12])


def as_it_is(turn: Turn) -> None:
    """Sends the reply."""
    turn.link.sendall(turn.reply)


def never(when: Callable[[Turn], bool] = lambda _: True) -> Callable[[Turn], None]:
    """Does not answer some requests."""

    def spoil(turn: Turn) -> None:
        if when(turn):
            raise Silence
        as_it_is(turn)

    return spoil


def always(octets: bytes) -> Callable[[Turn], None]:
    """Sends these octets in place of every reply."""
    return lambda turn: turn.link.sendall(octets)


def cut_short(turn: Turn) -> None:
    """Sends half of the content, or of the head where there is none, and closes."""
    head, _, body = turn.reply.partition(b"\r\n\r\n")
    cut = turn.reply[: len(turn.reply) - (len(body) + 1) // 2] if body else head[: len(head) // 2]
    turn.link.sendall(cut)
    turn.link.close()


def drip(turn: Turn) -> None:
    """An octet a second."""
    for octet in turn.reply:
        turn.link.sendall(bytes([octet]))
        time.sleep(1)


def without_end(head: bytes, more: bytes) -> Callable[[Turn], None]:
    """Sends `head`, and then `more` until nobody takes it any more; a HEAD has its reply once the head is whole."""

    def spoil(turn: Turn) -> None:
        turn.link.sendall(head)
        while turn.method != "HEAD" or not head.endswith(b"\r\n\r\n"):
            turn.link.sendall(more)

    return spoil


def reset(turn: Turn) -> None:
    """Resets the connection in place of a reply."""
    turn.link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    turn.link.close()


def close(turn: Turn) -> None:
    """Closes the connection in place of a reply."""
    turn.link.close()


@dataclass(frozen=True, slots=True)
class Trouble:
    """What goes wrong at an endpoint: each reply goes through `spoil`.

    After `after` requests the trouble begins, and it is over `lasts` seconds later. With `vanishes` nobody listens meanwhile, and
    what is connected is reset. `greets` is called with each connection before anything was read from it.
    """

    spoil: Callable[[Turn], None] = as_it_is
    after: int = 0
    lasts: float = float("inf")
    vanishes: bool = False
    greets: Callable[[socket.socket], None] | None = None


def _reset_at_once(link: socket.socket) -> None:
    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    link.close()


def is_reimage(turn: Turn) -> bool:
    """Whether a request asks for a reimage, well-formed or not."""
    return turn.method == "POST"


def is_poll(turn: Turn) -> bool:
    """Whether a request asks about an operation."""
    return turn.method == "GET" and "/operations/" in turn.target


def is_look(turn: Turn) -> bool:
    """Whether a request is a Get Deployment."""
    return turn.method == "GET" and "/deployment" in turn.target and "roleinstances" not in turn.target


OK = b"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 2011 08:49:37 GMT\r\nContent-Type: application/xml\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
UNBOUNDED = OK + b"\r\n"
TROUBLES: dict[str, Trouble] = {
    "never answers": Trouble(never()),
    "reimages are never answered": Trouble(never(is_reimage)),
    "accepted reimages are never answered": Trouble(never(lambda turn: is_reimage(turn) and turn.status == 202)),
    "refused reimages are never answered": Trouble(never(lambda turn: is_reimage(turn) and turn.status >= 400)),
    "refusals are never answered": Trouble(never(lambda turn: turn.status >= 400)),
    "polls are never answered": Trouble(never(is_poll)),
    "Get Deployment is never answered": Trouble(never(is_look)),
    "every tenth request is never answered": Trouble(never(lambda turn: turn.number % 10 == 0)),
    "bodies are cut short": Trouble(cut_short),
    "drips": Trouble(drip),
    "bodies without end": Trouble(without_end(UNBOUNDED, b"<a/>" * 16384)),
    "chunks without end": Trouble(without_end(CHUNKED, b"10000\r\n" + b"x" * 65536 + b"\r\n")),
    "headers without end": Trouble(without_end(b"HTTP/1.1 200 OK\r\n", b"X-More: and more\r\n" * 1000)),
    "interim responses without end": Trouble(without_end(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100)),
    "no line end": Trouble(without_end(b"HTTP/1.1 200 ", b"O" * 65536)),
    "503": Trouble(always(BUSY % b"")),
    "503, Retry-After 1": Trouble(always(BUSY % b"Retry-After: 1\r\n")),
    "503, Retry-After 86400": Trouble(always(BUSY % b"Retry-After: 86400\r\n")),
    "503 after a while": Trouble(always(BUSY % b""), after=300),
    "503 after a while, Retry-After 86400": Trouble(always(BUSY % b"Retry-After: 86400\r\n"), after=300),
    "503 for 8 s": Trouble(always(BUSY % b""), after=300, lasts=8),
    "closes at once": Trouble(greets=socket.socket.close),
    "resets at once": Trouble(greets=_reset_at_once),
    "closes": Trouble(close),
    "resets": Trouble(reset),
    "goes away": Trouble(after=300, vanishes=True),
    "goes away for 8 s": Trouble(after=300, lasts=8, vanishes=True),
    "goes away for 3 s": Trouble(after=60, lasts=3, vanishes=True),
    "falls silent": Trouble(never(), after=300),
    "falls silent for 8 s": Trouble(never(), after=300, lasts=8),
    "resets after a while": Trouble(reset, after=300),
    "resets for 8 s": Trouble(reset, after=300, lasts=8),
    "closes after a while": Trouble(close, after=300),
    "drips after a while": Trouble(drip, after=300),
    "cuts short after a while": Trouble(cut_short, after=300),
    "never answers after a look": Trouble(never(), after=20),
    "bodies are cut short after a look": Trouble(cut_short, after=20),
    "drips after a look": Trouble(drip, after=20),
    "bodies without end after a look": Trouble(without_end(UNBOUNDED, b"<a/>" * 16384), after=20),
    "chunks without end after a look": Trouble(without_end(CHUNKED, b"10000\r\n" + b"x" * 65536 + b"\r\n"), after=20),
    "headers without end after a look": Trouble(
        without_end(b"HTTP/1.1 200 OK\r\n", b"X-More: and more\r\n" * 1000), after=20
    ),
    "interim responses without end after a look": Trouble(
        without_end(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100), after=20
    ),
    "503 after a look": Trouble(always(BUSY % b""), after=20),
    "503 after a look, Retry-After 86400": Trouble(always(BUSY % b"Retry-After: 86400\r\n"), after=20),
    "closes after a look": Trouble(close, after=20),
    "resets after a look": Trouble(reset, after=20),
    "conforms": Trouble(after=1 << 60),
}
"""Every kind of trouble by its name."""


@dataclass
class TroubledEndpoint:
    """An emulator without TLS behind a server in trouble; one thread a connection."""

    trouble: Trouble
    emulator: Emulator = field(default_factory=lambda: Emulator(0.2, seed=1))
    port: int = 0
    requests: int = 0
    began: float | None = None
    stopped: bool = False
    _links: set[socket.socket] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def in_trouble(self) -> bool:
        """Whether the trouble has begun and is not over yet."""
        if self.requests <= self.trouble.after:
            return False
        self.began = self.began if self.began is not None else time.monotonic()
        return time.monotonic() < self.began + self.trouble.lasts

    def is_away(self) -> bool:
        """Whether nobody listens."""
        return self.trouble.vanishes and self.in_trouble()

    def serve(self) -> None:
        """Listens until stopped, but for the time that it is away."""
        while not self.stopped:
            if self.is_away():
                time.sleep(0.05)
                continue
            with socket.create_server(("127.0.0.1", self.port)) as listener:
                self.port = listener.getsockname()[1]
                self._accept(listener)

    def _accept(self, listener: socket.socket) -> None:
        listener.settimeout(0.05)
        while not self.stopped and not self.is_away():
            with contextlib.suppress(TimeoutError):
                link, _ = listener.accept()
                link.settimeout(30)
                self._links.add(link)
                threading.Thread(target=self._serve_one, args=(link,), daemon=True).start()
        for link in tuple(self._links):
            with contextlib.suppress(OSError):
                _reset_at_once(link)

    def _serve_one(self, link: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError):
            if self.trouble.greets is not None:
                self.trouble.greets(link)
            self._converse(link, self.emulator.connect(tls=False))
        self._links.discard(link)
        link.close()

    def _converse(self, link: socket.socket, connection: Connection) -> None:
        asked = b""
        while data := link.recv(65536):
            asked += data
            with self._lock:
                octets = b"".join(
                    action.data if isinstance(action, Send) else action.make() if isinstance(action, Later) else b""
                    for action in connection.receive(data)
                )
                self.requests += bool(octets)
                spoil = self.trouble.spoil if self.in_trouble() else as_it_is
                turn = Turn(link, asked, octets, self.requests)
            if octets:
                asked = b""
                try:
                    spoil(turn)
                except Silence:
                    while link.recv(65536):
                        pass
            if connection.closed:
                return


@contextlib.contextmanager
def troubled(trouble: Trouble, folder: Path) -> Iterator[Path]:
    """Serves an endpoint in trouble on loopback; gives a target file for it in `folder`."""
    endpoint = TroubledEndpoint(trouble)
    thread = threading.Thread(target=endpoint.serve, daemon=True)
    thread.start()
    while not endpoint.port:
        time.sleep(0.005)
    path = folder / "target.toml"
    url = f"http://127.0.0.1:{endpoint.port}"
    path.write_text(describe(endpoint.emulator, url, request_timeout_seconds=2.0), encoding="utf-8")
    try:
        yield path
    finally:
        endpoint.stopped = True
        thread.join(5)
