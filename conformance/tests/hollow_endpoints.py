"""Endpoints with nothing behind them: one canned answer to whatever is asked, on a real socket."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

import trustme

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


class Gateway(NamedTuple):
    """What stands in front of a service: what it answers to everything, whether it closes after each, and words of the sentence for it."""

    canned: Canned
    told: str
    closes: bool = False
    over_tls: bool = False
    post: Canned | None = None


def page(status: int, *headers: str) -> Canned:
    return Canned(status, b"<html><body><h1>Sorry</h1></body></html>", "text/html", headers)


LOGIN = Canned(200, b"<html><form action='/login'><input name=password></form></html>", "text/html")
JSON = Canned(200, b'{"status": "ok"}', "application/json")
GATEWAYS: dict[str, Gateway] = {
    "401": Gateway(page(401, "WWW-Authenticate: Basic realm=rig"), "begin with https://"),
    "401-tls": Gateway(Canned(401), "client_certificate may not use subscription_id", over_tls=True),
    "403": Gateway(page(403), "begin with https://"),
    "403-empty-closing": Gateway(Canned(403), "begin with https://", closes=True),
    "403-tls": Gateway(page(403), "and at base_url", over_tls=True),
    "403-of-the-service": Gateway(error(403, "ForbiddenError"), "begin with https://"),
    "403-of-the-service-tls": Gateway(
        error(403, "AuthenticationFailed"), "subscription_id; look at both", over_tls=True
    ),
    "404-router": Gateway(page(404), "base_url, which seems to lead to something else"),
    "404-empty-closing": Gateway(Canned(404), "base_url, which seems to lead to something else", closes=True),
    "404-tls": Gateway(page(404), "base_url, which seems to lead to something else", over_tls=True),
    "405-for-post": Gateway(page(404), "base_url, which seems to lead to something else", post=page(405, "Allow: GET")),
    "400-port-with-tls": Gateway(page(400), "base_url, which seems to lead to something else", closes=True),
    "407": Gateway(page(407, "Proxy-Authenticate: Basic realm=corp"), "a proxy that asks for credentials"),
    "429": Gateway(page(429, "Retry-After: 0"), "busy or down"),
    "500": Gateway(page(500), "look at its log"),
    "500-of-the-service": Gateway(error(500, "InternalError"), "look at its log"),
    "502": Gateway(page(502), "a gateway does not reach the service"),
    "502-empty-closing": Gateway(Canned(502), "a gateway does not reach the service", closes=True),
    "502-tls": Gateway(page(502), "a gateway does not reach the service", over_tls=True),
    "503": Gateway(page(503), "busy or down"),
    "504": Gateway(Canned(504), "a gateway does not reach the service"),
    "login-page": Gateway(LOGIN, "text/html that is no document of this protocol; look at base_url"),
    "login-page-tls-closing": Gateway(LOGIN, "text/html that is no document", over_tls=True, closes=True),
    "json": Gateway(JSON, "application/json that is no document of this protocol; look at base_url"),
    "empty-200": Gateway(Canned(200, media_type=""), "content without a media type that is no document"),
    "redirect": Gateway(
        Canned(302, headers=("Location: https://login.example.com/?next=1",)), "https://login.example.com"
    ),
    "redirect-here": Gateway(page(301, "Location: /login"), "redirects to /login; look at base_url"),
    "login-for-get-403-for-post": Gateway(
        Canned(302, headers=("Location: /login",)), "look at base_url", post=page(403)
    ),
}
"""What answers everything by itself, in front of the service, without any sign of this protocol or refusing us all."""


def _of_gateway(gateway: Gateway) -> Callable[[str, bytes], Canned]:
    return lambda method, head: gateway.post or gateway.canned if method == "POST" else gateway.canned


def _head(canned: Canned, *, signed: bool, closes: bool) -> list[str]:
    lines = [f"HTTP/1.1 {canned.status} Whatever", f"Content-Length: {len(canned.body)}", *canned.headers]
    lines += [f"Content-Type: {canned.media_type}"] if canned.media_type else []
    lines += ["Connection: close"] if closes else []
    return [*lines, f"Date: {formatdate(usegmt=True)}", f"x-ms-request-id: {uuid4().hex}"] if signed else lines


def _converse(
    connection: socket.socket, answer: Callable[[str, bytes], Canned], *, signed: bool = True, closes: bool = False
) -> None:
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
            lines = _head(canned, signed=signed or canned.media_type.startswith("application/xml"), closes=closes)
            body = b"" if method == "HEAD" else canned.body
            connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
            if closes:
                return


@contextlib.contextmanager
def _serve(converse: Callable[[socket.socket], None]) -> Iterator[int]:
    """Serves on loopback, a thread for each connection; gives the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.1)
    stopping = threading.Event()

    def accept() -> None:
        while not stopping.is_set():
            with contextlib.suppress(TimeoutError, OSError):
                connection, _ = listener.accept()
                connection.settimeout(5)
                threading.Thread(target=converse, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        stopping.set()
        thread.join(2)
        listener.close()


@contextlib.contextmanager
def serve_hollow(name: str) -> Iterator[int]:
    """Serves a hollow endpoint on loopback; gives its port."""
    with _serve(lambda connection: _converse(connection, HOLLOW[name])) as port:
        yield port


@contextlib.contextmanager
def serve_gateway(name: str, folder: Path) -> Iterator[Path]:
    """Serves a gateway on loopback, over TLS where it says so; gives a target file for it in `folder`."""
    gateway = GATEWAYS[name]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority = trustme.CA()
    authority.issue_cert("127.0.0.1").configure_cert(context)

    def converse(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            wrapped = context.wrap_socket(connection, server_side=True) if gateway.over_tls else connection
            _converse(wrapped, _of_gateway(gateway), signed=False, closes=gateway.closes)

    with _serve(converse) as port:
        file = hollow_target(folder, port)
        if gateway.over_tls:
            authority.cert_pem.write_to_path(folder / "ca.pem")
            client = authority.issue_cert("client.invalid")
            client.private_key_and_cert_chain_pem.write_to_path(folder / "client.pem")
            keys = '"\nclient_certificate = "client.pem"\nca_bundle = "ca.pem"\nsubscription_id'
            text = file.read_text(encoding="utf-8").replace("http://", "https://").replace('"\nsubscription_id', keys)
            file.write_text(text, encoding="utf-8")
        yield file


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
