"""Serves an emulator on loopback sockets: octets received go to a connection, its actions become I/O."""

from __future__ import annotations

import asyncio
import signal
import ssl
import tempfile
import threading
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from reimage_conformance.emulator.admission import refuses_anonymous_in_tls
from reimage_conformance.emulator.certificates import make_certificates
from reimage_conformance.emulator.layouts import MAIN, OTHER
from reimage_conformance.emulator.listener import LINGER_SECONDS, LONGEST_WAIT_SECONDS, Listener, reset
from reimage_conformance.emulator.messages import Action, Close, Later, Pause, Reset, Send
from reimage_conformance.emulator.simultaneous import SimultaneousHandling, Turns
from reimage_conformance.emulator.target import describe
from reimage_conformance.emulator.written import certificate_files, refuse_foreign, signed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from reimage_conformance.emulator.emulator import Emulator
    from reimage_conformance.emulator.http1 import Connection

_HOST = "127.0.0.1"


class _Peer(asyncio.Protocol):
    """One socket: it passes received octets to the connection when their turn comes, and carries out its actions in order."""

    def __init__(
        self,
        open_connection: Callable[[str | None], Connection],
        peers: set[_Peer],
        turns: Turns,
        gone: Callable[[], None] = lambda: None,
    ) -> None:
        self._open, self._gone = open_connection, gone
        self._peers = peers
        self._turns = turns
        self._idle: asyncio.TimerHandle | None = None
        self._at_end = False
        self._dropped = False
        self._actions: deque[Action] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._ending = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._connection = self._open(_common_name(transport.get_extra_info("peercert")))
        self._peers.add(self)
        self._start_idle_timer()

    def data_received(self, data: bytes) -> None:
        self._stop_idle_timer()
        if self._dropped:
            self._reset()
        if not self._ending:
            self._turns.serve(self, data)

    def answer(self, data: bytes) -> list[Action]:
        """The actions that answer `data`, once its turn has come."""
        return [] if self._ending else self._connection.receive(data)

    def perform(self, actions: Sequence[Action]) -> None:
        """Carries the actions out, then the end of the connection if it came meanwhile."""
        self._actions.extend(actions)
        if self._at_end and not self._turns.is_serving(self):
            self._at_end = False
            self._actions.extend(self._connection.eof())
        if self._timer is None:
            self._resume()
        if not self._turns.is_serving(self):
            self._start_idle_timer()

    def eof_received(self) -> bool:
        self._at_end = True
        if not self._turns.is_serving(self):
            self.perform(())
        # True keeps the socket open for answers that are not sent yet; with TLS asyncio does not allow that.
        return not self._ending and self._transport.get_extra_info("sslcontext") is None

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._cancel()
        self._peers.discard(self)
        self._turns.leave(self)
        self._gone()

    def abort(self) -> None:
        """Drops the connection at once."""
        self._cancel()
        self._transport.abort()

    def _start_idle_timer(self) -> None:
        """Closes or drops the connection after `idle_seconds` without any traffic."""
        self._stop_idle_timer()
        simultaneous = self._turns.simultaneous
        if simultaneous.idle_seconds:
            end = self._drop if simultaneous.drops_idle else self._close
            self._idle = asyncio.get_running_loop().call_later(simultaneous.idle_seconds, end)

    def _stop_idle_timer(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _drop(self) -> None:
        self._dropped = True

    def _resume(self) -> None:
        self._timer = None
        while self._actions and not self._ending:
            match self._actions.popleft():
                case Send(data):
                    self._transport.write(data)
                case Later(make):
                    self._transport.write(make())
                case Pause(seconds):
                    self._timer = asyncio.get_running_loop().call_later(seconds, self._resume)
                    return
                case Close():
                    self._close()
                case Reset():
                    self._reset()

    def _close(self) -> None:
        """Closes so that what was written arrives even if the client is still sending (RFC 9112 9.6)."""
        self._ending = True
        if self._transport.can_write_eof() and not self._transport.is_closing():
            self._transport.write_eof()
            self._timer = asyncio.get_running_loop().call_later(LINGER_SECONDS, self._transport.close)
        else:
            self._transport.close()

    def _reset(self) -> None:
        self._ending = True
        reset(self._transport.get_extra_info("socket"))
        self._transport.abort()

    def _cancel(self) -> None:
        self._ending = True
        self._stop_idle_timer()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class RunningEmulator:
    """An emulator being served; a context manager that stops it at its end."""

    def __init__(self, emulator: Emulator, *, port: int = 0, tls: bool = True) -> None:
        self.emulator = emulator
        self.tls = tls
        self.port = port
        self.probe_port = 0
        self._failure: BaseException | None = None
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._peers: set[_Peer] = set()
        self._turns = Turns(emulator.state, emulator.simultaneous)
        self._probe_turns = Turns(emulator.state, SimultaneousHandling())
        self._thread = threading.Thread(target=self._run, name="emulator", daemon=True)

    @property
    def base_url(self) -> str:
        """The address of the service."""
        return f"{'https' if self.tls else 'http'}://{_HOST}:{self.port}"

    @property
    def probe_url(self) -> str:
        """The address of the data-plane probe, without its path."""
        return f"http://{_HOST}:{self.probe_port}"

    def __enter__(self) -> RunningEmulator:
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Closes every connection and stops serving."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(LONGEST_WAIT_SECONDS)

    def target_text(self, *, probe: bool = True, **options: Any) -> str:
        """The text of a target file for this emulator, with its probe or without; `options` as in `describe`."""
        return describe(self.emulator, self.base_url, probe_url=self.probe_url if probe else None, **options)

    def write_target(self, file_or_folder: Path, **options: Any) -> Path:
        """Writes the target file, and into the same folder the certificates that it names; `options` as in `target_text`.

        A path that does not end in .toml is the folder for a file called target.toml. Raises UsageError, and
        writes nothing, where one of these files is there and the emulator did not write it.
        """
        path = file_or_folder if file_or_folder.suffix == ".toml" else file_or_folder / "target.toml"
        refuse_foreign(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        certificates = certificate_files(path)
        if self.tls:
            make_certificates().write(certificates, self.base_url, (MAIN, OTHER))
        else:  # certificates that an earlier emulator wrote would be of no use
            for old in certificates.values():
                old.unlink(missing_ok=True)
        text = self.target_text(**options, prefix=f"{path.stem}.")
        path.write_text(signed(text, certificates.values() if self.tls else ()), encoding="utf-8", newline="\n")
        return path

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
        except Exception as error:  # noqa: BLE001 - raised again in the thread that waits for the start
            self._failure = error
        finally:
            self._loop.close()
            self._ready.set()

    async def _serve(self) -> None:
        context = _server_context(self.emulator) if self.tls else None
        listener = Listener(self._accept_service, context, self._turns.simultaneous)
        await listener.open(_HOST, self.port)
        probe = await self._loop.create_server(self._accept_probe, _HOST, 0)
        self.port = listener.port
        self.probe_port = probe.sockets[0].getsockname()[1]
        self._loop.set_exception_handler(_ignore)
        self._ready.set()
        await self._stopping.wait()
        listener.close()
        probe.close()
        await self._drop_peers()

    async def _drop_peers(self) -> None:
        """Drops every connection, also those whose handshake is under way."""
        for _ in range(100):
            for peer in tuple(self._peers):
                peer.abort()
            await asyncio.sleep(0)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _accept_service(self, gone: Callable[[], None]) -> _Peer:
        return _Peer(lambda identity: self.emulator.connect(identity, tls=self.tls), self._peers, self._turns, gone)

    def _accept_probe(self) -> _Peer:
        return _Peer(
            lambda identity: self.emulator.connect(identity, probe=True, tls=False), self._peers, self._probe_turns
        )


def serve(emulator: Emulator, *, port: int = 0, tls: bool = True) -> RunningEmulator:
    """Serves `emulator` on 127.0.0.1 while the returned context manager is entered; port 0 takes any free one."""
    return RunningEmulator(emulator, port=port, tls=tls)


def serve_until_stopped(
    emulator: Emulator, *, port: int = 0, tls: bool = True, started: Callable[[RunningEmulator], None]
) -> None:
    """Serves `emulator` until SIGINT or SIGTERM arrives; calls `started` once it is served. Main thread only."""
    stopped = threading.Event()
    previous = {number: signal.signal(number, lambda *_: stopped.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with serve(emulator, port=port, tls=tls) as running:
            started(running)
            while not stopped.wait(LONGEST_WAIT_SECONDS):
                pass
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _server_context(emulator: Emulator) -> ssl.SSLContext:
    """TLS that asks for a client certificate and refuses one of an unknown authority; a client needs none, unless a change says so."""
    certificates = make_certificates()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_REQUIRED if refuses_anonymous_in_tls(emulator.state) else ssl.CERT_OPTIONAL
    context.load_verify_locations(cadata=certificates.authority.decode())
    with tempfile.TemporaryDirectory() as folder:
        context.load_cert_chain(certificates.write_server(Path(folder)))
    return context


def _common_name(certificate: dict[str, Any] | None) -> str | None:
    pairs = [pair for name in (certificate or {}).get("subject", ()) for pair in name]
    return next((value for key, value in pairs if key == "commonName"), None)


def _ignore(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Ignores an error in a callback of the loop, such as a client that disconnects in the middle of a request."""
    del loop, context
