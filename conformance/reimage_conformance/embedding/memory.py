"""Joins the emulator to the wire in memory: streams without sockets, and a clock that takes no real time."""

from __future__ import annotations

import tempfile
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reimage_conformance.config import load_target
from reimage_conformance.emulator import Close, Emulator, Later, Pause, Reset, Send, describe, emulator_with
from reimage_conformance.model import Identity

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reimage_conformance.emulator import Action, Connection, Layout
    from reimage_conformance.model import Target
    from reimage_conformance.wire.streams import Stream

CERTIFICATE_HOLDERS = {
    Identity.PRIMARY: "main",
    Identity.SECOND: "second",
    Identity.NONE: None,
    Identity.UNKNOWN: "a stranger",
}
"""The common name of the certificate with which a connection is made, as the emulator knows it; None for no certificate."""
BASE_URL = "https://emulator.invalid"
PROBE_URL = "http://probe.invalid"
EXCHANGE_SECONDS = 0.0008
"""How far the clock moves for each `send`."""
_EMPTY_PEM = "".join(f"-----BEGIN {each}-----\nMA==\n-----END {each}-----\n" for each in ("CERTIFICATE", "PRIVATE KEY"))


class TurnedClock:
    """A clock for the suite's own runs, which take no real time.

    `source` gives the time of a session, in seconds; this clock is ahead of it by the time that the exchange under way has taken so far,
    which is the sum of what `sleep` was given.
    """

    def __init__(self, source: Callable[[], float] = lambda: 0.0) -> None:
        self._source = source
        self._ahead = 0.0

    def now(self) -> float:
        """The time in seconds."""
        return 1000.0 + self._source() + self._ahead

    def sleep(self, seconds: float) -> None:
        """Moves the clock forward by `seconds`; a negative number moves it by nothing."""
        self._ahead += max(seconds, 0.0)

    def take_ahead(self) -> float:
        """Gives the seconds by which the clock is ahead of its source, and sets them to 0."""
        ahead, self._ahead = self._ahead, 0.0
        return ahead


class MemoryStream:
    """A stream whose other end is a connection of an emulator in this process."""

    def __init__(self, connection: Connection, clock: TurnedClock) -> None:
        self._connection, self._clock = connection, clock
        self._actions: deque[Action] = deque()
        self._closed = False

    def send(self, data: bytes, deadline: float) -> None:
        """Gives `data` to the emulator; `receive` gives its answer. Raises BrokenPipeError on a closed stream."""
        del deadline
        if self._closed:
            raise BrokenPipeError(32, "Broken pipe")
        self._clock.sleep(EXCHANGE_SECONDS)
        self._actions.extend(self._connection.receive(data))

    def receive(self, limit: int, deadline: float) -> bytes:
        """The next octets, at most `limit`; b"" when the emulator has closed. The clock moves by the emulator's pauses.

        Raises TimeoutError when the clock has reached `deadline`, ConnectionResetError when the emulator resets the connection.
        """
        while self._actions:
            match self._actions.popleft():
                case Send(data):
                    if len(data) > limit:
                        self._actions.appendleft(Send(data[limit:]))
                    return data[:limit]
                case Later(make):
                    self._actions.appendleft(Send(make()))
                case Pause(seconds):
                    left = deadline - self._clock.now()
                    if seconds > left:
                        self._actions.appendleft(Pause(seconds - max(left, 0.0)))
                        self._clock.sleep(left)
                        raise TimeoutError
                    self._clock.sleep(seconds)
                case Close():
                    self._closed = True
                case Reset():
                    self._closed = True
                    raise ConnectionResetError(104, "Connection reset by peer")
        if self._closed:
            return b""
        self._clock.sleep(deadline - self._clock.now())
        raise TimeoutError

    def pending(self) -> bytes | None:
        """The octets that can be received at once, b"" when the emulator has closed, None when there are none."""
        if self._closed:
            return b""
        match self._actions[0] if self._actions else None:
            case Send(data):
                return data
            case Close() | Reset():
                self._closed = True
                self._actions.clear()
                return b""
            case _:
                return None

    def close(self) -> None:
        """Closes the stream; the emulator's connection ends."""
        if not self._closed:
            self._closed = True
            self._connection.eof()


class MemoryConnector:
    """Connects to an emulator in this process."""

    def __init__(self, emulator: Emulator, clock: TurnedClock, *, probe: bool = False) -> None:
        self._emulator, self._clock, self._probe = emulator, clock, probe

    def connect(self, identity: Identity, deadline: float) -> Stream:
        """A new connection with the certificate for `identity`."""
        del deadline
        connection = self._emulator.connect(CERTIFICATE_HOLDERS[identity], probe=self._probe, tls=True)
        return MemoryStream(connection, self._clock)


def memory_target(emulator: Emulator, *, probe: bool = True, **options: Any) -> Target:
    """The target of an emulator in this process, with its probe or without; `options` as in `describe`.

    Its certificate files have no content, since a connection in memory does not read them.
    """
    with tempfile.TemporaryDirectory() as folder:
        for name in ("client.pem", "client.key", "ca.pem", "second.pem"):
            (Path(folder) / name).write_text(_EMPTY_PEM, encoding="ascii")
        path = Path(folder) / "target.toml"
        text = describe(emulator, BASE_URL, probe_url=PROBE_URL if probe else None, **options)
        path.write_text(text, encoding="utf-8")
        return load_target(path, environment={})


def memory_emulator(
    clock: TurnedClock,
    faults: Sequence[str] = (),
    oddities: Sequence[str] = (),
    *,
    operation_seconds: float = 0.2,
    seed: int = 1,
    layout: Layout | None = None,
) -> Emulator:
    """An emulator whose time is that of `clock`; the other arguments are those of `emulator_with`."""
    return emulator_with(operation_seconds, clock=clock.now, faults=faults, oddities=oddities, seed=seed, layout=layout)
