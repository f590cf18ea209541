"""A stage for mistakes about TLS: an endpoint on loopback, the files beside a target file, and what preflight says to it."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import time
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from certificate_samples import Party, made
from reimage_conformance import cli
from wire_servers import read_request, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest

    from wire_servers import Endpoint

SUBSCRIPTION = "6a8b7c2e-0000-4000-8000-000000000001"
TLS_HANDSHAKE = b"\x16"
ERROR = b"<Error><Code>ResourceNotFound</Code><Message>No.</Message></Error>"
DEPLOYMENT = """
[[deployments]]
cloud_service = "contoso"
slot = "production"
name = "contoso-v1"
role_instances = ["WebRole1_IN_0"]

[limits]
allow_reimage = true
"""


def answer(status: str, body: bytes, kind: str = "application/xml") -> bytes:
    """An answer that leaves the connection open."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@dataclass
class Stage:
    """What a row of a table changes before the endpoint is served and the target file written.

    `files` are written beside the target file; `settings` are the lines of [target], in which
    {port} stands for the endpoint's port; `stack` ends what a row starts, `names` collects the names that TLS was asked for, `presented` the subjects of
    the client certificates that came with requests. `mixed` is what a port with TLS answers to plain text.
    """

    folder: Path
    authority: Party
    client: Party
    server: Party
    environment: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    tls: bool = True
    scheme: str = ""
    version: int | None = None
    trusted: tuple[Party, ...] = ()
    verify: ssl.VerifyMode = ssl.CERT_OPTIONAL
    after_handshake: bool = False
    mixed: bytes = b""
    reply: bytes = answer("404 Not Found", ERROR)
    requests: int = 0
    port: int = 0
    presented: list[str] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)
    stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def write(self, name: str, content: bytes, mode: int = 0o600) -> str:
        """A file beside the target file; gives its name."""
        path = self.folder / name
        path.touch(mode=mode)
        path.write_bytes(content)
        path.chmod(mode)
        return name

    @contextlib.contextmanager
    def served(self) -> Iterator[Endpoint]:
        """The endpoint, as the row wants it."""
        with serving(self._script, self._context() if self.tls else None) as endpoint:
            self.port = endpoint.port
            yield endpoint

    def target(self) -> Path:
        """The target file, once the endpoint is served."""
        scheme = self.scheme or ("https" if self.tls else "http")
        lines = {"name": "rig", "subscription_id": SUBSCRIPTION} | self.settings
        lines.setdefault("base_url", f"{scheme}://127.0.0.1:{self.port}")
        text = "".join(f"{key} = '{value.replace('{port}', str(self.port))}'\n" for key, value in lines.items())
        file = self.folder / "target.toml"
        file.write_text("[target]\n" + text + DEPLOYMENT, encoding="utf-8")
        return file

    def _context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        if self.version is not None:
            with warnings.catch_warnings(action="ignore"):
                context.minimum_version = context.maximum_version = ssl.TLSVersion(self.version)
        path = self.folder / "server.pem"
        path.write_bytes(self.server.both)
        context.load_cert_chain(path)
        context.load_verify_locations(cadata="".join(each.pem.decode() for each in (*self.trusted, self.authority)))
        context.verify_mode = self.verify
        context.post_handshake_auth = self.after_handshake
        context.sni_callback = lambda _, name, __: self.names.append(name)
        return context

    def _script(self, connected: socket.socket, _: int) -> None:
        if self.mixed and connected.recv(1, socket.MSG_PEEK) != TLS_HANDSHAKE:
            read_request(connected)
            connected.sendall(self.mixed)
            return
        if self.mixed:
            with contextlib.closing(self._context().wrap_socket(connected, server_side=True)) as secured:
                self._answer(secured)
            return
        self._answer(connected)

    def _answer(self, connected: socket.socket) -> None:
        while read_request(connected):
            self.requests += 1
            if isinstance(connected, ssl.SSLSocket):
                if self.after_handshake and not _asked_afterwards(connected):
                    connected.sendall(answer("403 Forbidden", b"no certificate", "text/plain"))
                    return
                self.presented.append(_subject(connected))
            connected.sendall(self.reply)


def _asked_afterwards(connected: ssl.SSLSocket) -> bool:
    """Whether the client shows a certificate that it is asked for after the handshake (RFC 8446, 4.6.2)."""
    with contextlib.suppress(ssl.SSLError):
        connected.verify_client_post_handshake()
        connected.settimeout(0)
        end = time.monotonic() + 5
        while not _subject(connected) and time.monotonic() < end:
            select.select([connected], [], [], 0.1)
            with contextlib.suppress(ssl.SSLWantReadError):
                connected.recv(1)
    connected.settimeout(20)
    return bool(_subject(connected))


def _subject(connected: ssl.SSLSocket) -> str:
    try:
        found = connected.getpeercert() or {}
    except ValueError:  # a handshake is under way
        return ""
    subject: tuple[tuple[tuple[str, str], ...], ...] = found.get("subject", ())  # type: ignore[assignment]
    return next((value for pairs in subject for key, value in pairs if key == "commonName"), "")


def stage_in(folder: Path) -> Stage:
    """A stage on which nothing is wrong: TLS, a client certificate in two files, and the CA of both ends."""
    authority = made("Rig CA", authority=True)
    client = made("tester", authority)
    stage = Stage(folder, authority, client, made("rig", authority, names=("127.0.0.1", "localhost")))
    stage.settings = {
        "client_certificate": stage.write("client.pem", client.pem),
        "client_key": stage.write("client.key", client.key_pem()),
        "ca_bundle": stage.write("ca.pem", authority.pem),
    }
    return stage


def said(file: Path, capsys: pytest.CaptureFixture[str], command: str = "preflight") -> tuple[int, str, float]:
    """The exit code of a command on a target file, everything that it printed, and the seconds that it took."""
    capsys.readouterr()
    began = time.monotonic()
    code = cli.main([command, str(file)])
    seconds = time.monotonic() - began
    printed = capsys.readouterr()
    return code, printed.out + printed.err, seconds
