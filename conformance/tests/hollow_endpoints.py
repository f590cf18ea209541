"""Endpoints with nothing behind them: one canned answer to whatever is asked, on a real socket."""

from __future__ import annotations

import contextlib
import socket
import threading
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NS = "http://schemas.microsoft.com/windowsazure"


@dataclass(frozen=True)
class Canned:
    """What is sent back: status, body and media type."""

    status: int
    body: bytes = b""
    media_type: str = "text/plain"
    headers: tuple[str, ...] = ()


def error(status: int, code: str) -> Canned:
    body = f'<Error xmlns="{NS}"><Code>{code}</Code><Message>no</Message></Error>'.encode()
    return Canned(status, body, "application/xml; charset=utf-8")


def refuses_reimages(method: str, head: bytes) -> Canned:
    """Answers polls as unknown and refuses every reimage, well formed or not."""
    return error(400, "BadRequest") if method == "POST" else error(404, "ResourceNotFound")


HOLLOW: dict[str, Callable[[str, bytes], Canned]] = {
    "always-200-7": lambda method, head: Canned(200, b"7"),
    "always-202": lambda method, head: Canned(202),
    "always-403": lambda method, head: error(403, "ForbiddenError"),
    "always-404": lambda method, head: error(404, "ResourceNotFound"),
    "always-500": lambda method, head: error(500, "InternalError"),
    "login-page": lambda method, head: Canned(
        200, b"<html><form action='/login'><input name=password></form></html>", "text/html"
    ),
    "echo": lambda method, head: Canned(200, head, "text/plain"),
    "refuses-every-reimage": refuses_reimages,
    "always-503": lambda method, head: error(503, "ServerBusy"),
    "always-400": lambda method, head: error(400, "MissingOrIncorrectVersionHeader"),
    "redirects": lambda method, head: Canned(302, b"", "text/html", ("Location: /login",)),
}


def _converse(connection: socket.socket, answer: Callable[[str, bytes], Canned]) -> None:
    buffered = b""
    with connection, contextlib.suppress(OSError):
        while True:
            while b"\r\n\r\n" not in buffered:
                data = connection.recv(65536)
                if not data:
                    return
                buffered += data
            head, _, buffered = buffered.partition(b"\r\n\r\n")
            buffered = b""
            method = head.split(b" ", 1)[0].decode("latin-1")
            canned = answer(method, head)
            lines = [
                f"HTTP/1.1 {canned.status} Whatever",
                f"Date: {formatdate(usegmt=True)}",
                f"x-ms-request-id: {uuid4().hex}",
                f"Content-Type: {canned.media_type}",
                f"Content-Length: {len(canned.body)}",
                *canned.headers,
            ]
            body = b"" if method == "HEAD" else canned.body
            connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)


@contextlib.contextmanager
def serve_hollow(name: str) -> Iterator[int]:
    """Serves a hollow endpoint on loopback; gives its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.1)
    stopping = threading.Event()

    def accept() -> None:
        while not stopping.is_set():
            with contextlib.suppress(TimeoutError, OSError):
                connection, _ = listener.accept()
                connection.settimeout(5)
                threading.Thread(target=_converse, args=(connection, HOLLOW[name]), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        stopping.set()
        thread.join(2)
        listener.close()


def hollow_target(folder: Path, port: int) -> Path:
    """A target file for a hollow endpoint."""
    path = folder / "target.toml"
    path.write_text(
        f"""
[target]
name = "hollow"
base_url = "http://127.0.0.1:{port}"
subscription_id = "6a8b7c2e-0000-4000-8000-000000000001"

[[deployments]]
cloud_service = "contoso"
slot = "production"
name = "contoso-v1"
role_instances = ["WebRole1_IN_0", "WebRole1_IN_1", "WorkerRole1_IN_0"]

[[deployments]]
cloud_service = "contoso"
slot = "staging"
name = "contoso-v2"
role_instances = ["WebRole1_IN_0"]

[limits]
max_reimages = 500
operation_timeout_seconds = 0.5
poll_interval_seconds = 0.02
request_timeout_seconds = 2
""",
        encoding="utf-8",
    )
    return path
