"""Identities over TLS: who is let in, how a refusal shows, and which files are at fault."""

from __future__ import annotations

import contextlib
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from open_gate import OpenGate
from reimage_conformance.errors import TargetError, UnreachableError
from reimage_conformance.model import Exchange, FailureKind, Identity, Request, Target
from reimage_conformance.wire.client import Client
from reimage_conformance.wire.clock import SystemClock
from reimage_conformance.wire.connecting import SocketConnector
from wire_servers import read_request, repeating, serving

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from wire_servers import Endpoint

GET = Request("GET", "/", (("Host", "h"),))
EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Files:
    """A CA with the certificate files of two clients, of the server and of somebody else."""

    def __init__(self, folder: Path) -> None:
        self.ca = trustme.CA()
        self.server = self.ca.issue_cert("127.0.0.1")
        self.elsewhere = self.ca.issue_cert("elsewhere.example")
        self.bundle = folder / "ca.pem"
        self.ca.cert_pem.write_to_path(self.bundle)
        self.foreign_bundle = folder / "foreign-ca.pem"
        trustme.CA().cert_pem.write_to_path(self.foreign_bundle)
        self.first, self.second = folder / "first.pem", folder / "second.pem"
        client = self.ca.issue_cert("first@example.org")
        client.private_key_and_cert_chain_pem.write_to_path(self.first)
        self.ca.issue_cert("second@example.org").private_key_and_cert_chain_pem.write_to_path(self.second)
        self.certificate, self.key, self.wrong_key = folder / "c.pem", folder / "k.pem", folder / "w.pem"
        client.cert_chain_pems[0].write_to_path(self.certificate)
        client.private_key_pem.write_to_path(self.key)
        self.server.private_key_pem.write_to_path(self.wrong_key)
        self.encrypted_key = folder / "e.pem"
        private = serialization.load_pem_private_key(client.private_key_pem.bytes(), None)
        encryption = serialization.BestAvailableEncryption(b"secret")
        pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        self.encrypted_key.write_bytes(private.private_bytes(pem, pkcs8, encryption))

    def context(self, certificate: trustme.LeafCert | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        (certificate or self.server).configure_cert(context)
        self.ca.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
        return context


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files(tmp_path_factory.mktemp("certificates"))


@contextlib.contextmanager
def client_of(target: Target) -> Iterator[Client]:
    clock = SystemClock()
    with Client(SocketConnector(target, clock), clock, OpenGate(), request_timeout=10) as client:
        yield client


def subject(connected: socket.socket) -> str:
    certificate = connected.getpeercert() if isinstance(connected, ssl.SSLSocket) else None
    return str(dict(certificate or {}).get("subjectAltName"))


def target_of(endpoint: Endpoint, files: Files, **more: object) -> Target:
    return endpoint.target(**({"client_certificate": files.first, "ca_bundle": files.bundle} | more))


def test_each_identity_presents_its_certificate(files: Files) -> None:
    seen: list[str] = []

    def script(connected: socket.socket, number: int) -> None:
        while read_request(connected):
            seen.append(subject(connected))
            connected.sendall(EMPTY)

    with serving(script, files.context()) as endpoint:
        target = target_of(
            endpoint,
            files,
            client_certificate=files.certificate,
            client_key=files.key,
            second_client_certificate=files.second,
        )
        with client_of(target) as client:
            exchanges = [
                client.exchange(Request("GET", "/", identity=i)) for i in (Identity.PRIMARY, Identity.SECOND) * 2
            ]

    assert [e.failure for e in exchanges] == [None] * 4
    assert [(e.connection, e.position) for e in exchanges] == [(1, 1), (2, 1), (1, 2), (2, 2)]
    assert ["first@example.org" in name for name in seen] == [True, False] * 2
    assert ["second@example.org" in name for name in seen] == [False, True] * 2


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("identity", [Identity.NONE, Identity.UNKNOWN])
def test_a_refusal_shows_as_tls_whenever_it_comes(files: Files, identity: Identity, version: ssl.TLSVersion) -> None:
    context = files.context()
    context.minimum_version = context.maximum_version = version
    with serving(repeating(EMPTY), context) as endpoint, client_of(target_of(endpoint, files)) as client:
        exchange = client.exchange(Request("GET", "/", identity=identity))
        admitted = client.exchange(GET)

    assert exchange.failure is not None
    assert exchange.failure.kind is FailureKind.TLS
    assert admitted.reply is not None


def test_an_unknown_certificate_leaves_no_file_behind(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    context = files.context()
    context.verify_mode = ssl.CERT_NONE
    with serving(repeating(EMPTY), context) as endpoint, client_of(target_of(endpoint, files)) as client:
        exchange = client.exchange(Request("GET", "/", identity=Identity.UNKNOWN))

    assert exchange.reply is not None
    assert list(tmp_path.iterdir()) == []


def failed(exchange: Exchange) -> str:
    assert exchange.failure is not None
    assert exchange.failure.kind is FailureKind.TLS
    return exchange.failure.detail


def test_a_server_that_cannot_be_trusted_is_named(files: Files) -> None:
    with serving(repeating(EMPTY), files.context()) as endpoint:
        target = target_of(endpoint, files, ca_bundle=files.foreign_bundle)
        with client_of(target) as client:
            detail = failed(client.exchange(GET))
        clock = SystemClock()
        with pytest.raises(UnreachableError, match="ca_bundle"):
            SocketConnector(target, clock).reach(clock.now() + 5)

    assert "the certificate of 127.0.0.1 is not accepted" in detail
    assert "set ca_bundle" in detail


def test_a_server_with_another_name_is_named(files: Files) -> None:
    with (
        serving(repeating(EMPTY), files.context(files.elsewhere)) as endpoint,
        client_of(target_of(endpoint, files)) as client,
    ):
        assert "does not match base_url" in failed(client.exchange(GET))


def test_a_server_without_tls_is_a_value(files: Files) -> None:
    with serving(repeating(EMPTY)) as endpoint:
        target = target_of(endpoint, files, base_url=f"https://127.0.0.1:{endpoint.port}")
        with client_of(target) as client:
            endpoint.script = lambda connected, _: connected.sendall(b"HTTP/1.1 400 Bad\r\n\r\n")
            assert "the endpoint does not answer in TLS" in failed(client.exchange(GET))


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"client_certificate": Path("none.pem")}, "client_certificate: there is no file 'none.pem'"),
        ({"client_certificate": "bundle"}, "client_certificate: .* holds no private key"),
        ({"client_key": "wrong_key"}, "client_certificate: .* the private key does not belong to the certificate"),
        (
            {"client_certificate": "certificate", "client_key": "encrypted_key"},
            "client_key: .* is encrypted, and its passphrase is not known",
        ),
        ({"ca_bundle": "key"}, "ca_bundle: .* holds no certificate"),
        ({"ca_bundle": Path("none.pem")}, "ca_bundle: there is no file 'none.pem'"),
        ({"second_client_certificate": "certificate"}, "second_client_certificate: .* holds no private key"),
        ({"base_url": "https:///x"}, "base_url: expected http:// or https:// and a host"),
        ({"base_url": "https://h:x"}, "base_url: 'https://h:x' has no usable port"),
    ],
)
def test_files_that_cannot_be_used_are_named_at_once(files: Files, more: dict[str, object], sentence: str) -> None:
    named = {key: getattr(files, value, value) if isinstance(value, str) else value for key, value in more.items()}
    base = {"base_url": "https://127.0.0.1:1", "client_certificate": files.first, "ca_bundle": files.bundle}
    target = Target(**({"name": "t", "subscription_id": "s", "deployments": ()} | base | named))  # type: ignore[arg-type]

    with pytest.raises(TargetError, match=sentence):
        SocketConnector(target, SystemClock())


def test_a_second_identity_needs_its_certificate(files: Files) -> None:
    with (
        serving(repeating(EMPTY), files.context()) as endpoint,
        client_of(target_of(endpoint, files)) as client,
        pytest.raises(TargetError, match="second_client_certificate"),
    ):
        client.exchange(Request("GET", "/", identity=Identity.SECOND))
