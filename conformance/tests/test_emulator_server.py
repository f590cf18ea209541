"""The emulator behind real sockets, with TLS and client certificates."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import tomllib
from typing import TYPE_CHECKING

import httpx
import pytest
import trustme

from reimage_conformance.emulator import Emulator, RunningEmulator, emulator_with, serve, serve_until_stopped
from reimage_conformance.emulator.layouts import MAIN
from reimage_conformance.emulator.simultaneous import SimultaneousHandling

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HEADERS = {"x-ms-version": "2011-10-01", "Content-Type": "application/xml", "Content-Length": "0"}


@pytest.fixture(scope="module")
def running() -> Iterator[RunningEmulator]:
    with serve(Emulator(0.05)) as running:
        yield running


@pytest.fixture(scope="module")
def target(running: RunningEmulator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return running.write_target(tmp_path_factory.mktemp("target"))


def client(running: RunningEmulator, target: Path, certificate: str | None, key: str | None = None) -> httpx.Client:
    context = ssl.create_default_context(cafile=target.parent / "target.ca.pem")
    if certificate is not None:
        context.load_cert_chain(target.parent / certificate, target.parent / key if key else None)
    return httpx.Client(verify=context, base_url=running.base_url, trust_env=False)


def reimage_path(target: Path) -> str:
    described = tomllib.loads(target.read_text())
    deployment = described["deployments"][0]
    place = f"hostedservices/{deployment['cloud_service']}/deploymentslots/{deployment['slot']}"
    return f"/{described['target']['subscription_id']}/services/{place}/roleinstances/{deployment['role_instances'][1]}"


def test_a_client_with_the_certificate_reimages(running: RunningEmulator, target: Path) -> None:
    with client(running, target, "target.client.pem", "target.client.key") as http:
        accepted = http.post(f"{reimage_path(target)}?comp=reimage", headers=HEADERS)
        subscription = tomllib.loads(target.read_text())["target"]["subscription_id"]
        polled = http.get(f"/{subscription}/operations/{accepted.headers['x-ms-request-id']}", headers=HEADERS)

    assert (accepted.status_code, polled.status_code) == (202, 200)


@pytest.mark.parametrize(
    ("certificate", "status"), [("target.second.pem", 400), ("target.other.pem", 403), (None, 403)]
)
def test_certificates_are_told_apart(
    running: RunningEmulator, target: Path, certificate: str | None, status: int
) -> None:
    with client(running, target, certificate) as http:
        answer = http.post(reimage_path(target), headers=HEADERS)

    assert answer.status_code == status


def test_a_certificate_of_an_unknown_authority_is_refused(
    running: RunningEmulator, target: Path, tmp_path: Path
) -> None:
    stranger = trustme.CA().issue_cert("stranger", common_name="main")
    stranger.private_key_and_cert_chain_pem.write_to_path(tmp_path / "stranger.pem")
    context = ssl.create_default_context(cafile=target.parent / "target.ca.pem")
    context.load_cert_chain(tmp_path / "stranger.pem")

    with (
        httpx.Client(verify=context, base_url=running.base_url, trust_env=False) as http,
        pytest.raises(httpx.TransportError),
    ):
        http.post(reimage_path(target), headers=HEADERS)


def test_the_probe_answers_without_tls(running: RunningEmulator, target: Path) -> None:
    described = tomllib.loads(target.read_text())
    deployment = described["deployments"][0]
    url = described["probe"]["url"].format(
        cloud_service=deployment["cloud_service"],
        deployment_name=deployment["name"],
        role_instance=deployment["role_instances"][0],
    )

    assert set(httpx.get(url, trust_env=False).json()) == {"installation_id"}


def test_a_client_that_goes_away_does_no_harm(running: RunningEmulator) -> None:
    with socket.create_connection(("127.0.0.1", running.port)) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\n")
    with serve(Emulator(), tls=False) as plain:
        with socket.create_connection(("127.0.0.1", plain.port)) as raw:
            raw.sendall(b"GET / HTTP/1.1\r\nHost")
        assert httpx.get(f"{plain.base_url}/", headers=HEADERS, trust_env=False).status_code == 404


def test_a_closing_answer_arrives_whole(running: RunningEmulator) -> None:
    with serve(Emulator(), tls=False) as plain, socket.create_connection(("127.0.0.1", plain.port)) as raw:
        raw.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n" + b"y" * 1000)
        received = b"".join(iter(lambda: raw.recv(65536), b""))

    assert received.startswith(b"HTTP/1.1 400 ")
    assert received.endswith(b"</Error>")


def test_a_taken_port_is_reported(running: RunningEmulator) -> None:
    with pytest.raises(OSError, match="in use"), serve(Emulator(), port=running.port):
        pass


def plain_request(method: str, target: str) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", *(f"{name}: {value}" for name, value in HEADERS.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def test_a_reset_is_a_reset() -> None:
    emulator = emulator_with(60.0, faults=["poll-resets[InProgress]"])
    target = f"/{MAIN}/services/hostedservices/contoso/deploymentslots/production/roleinstances/WebRole1_IN_0"
    with serve(emulator, tls=False) as plain:
        accepted = httpx.post(f"{plain.base_url}{target}?comp=reimage", headers=HEADERS, trust_env=False)
        with socket.create_connection(("127.0.0.1", plain.port)) as raw:
            raw.sendall(plain_request("GET", f"/{MAIN}/operations/{accepted.headers['x-ms-request-id']}"))
            with pytest.raises(ConnectionResetError):
                raw.recv(1)


def test_an_idle_connection_that_is_dropped_ends_in_a_reset_at_its_next_request() -> None:
    emulator = Emulator(0.05)
    emulator.simultaneous = SimultaneousHandling(idle_seconds=0.05, drops_idle=True)
    with serve(emulator, tls=False) as running, socket.create_connection(("127.0.0.1", running.port)) as connected:
        connected.settimeout(0.5)
        with pytest.raises(TimeoutError):
            connected.recv(1)
        connected.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        connected.settimeout(10)
        with pytest.raises(ConnectionResetError):
            connected.recv(1)


def test_a_connection_that_hangs_holds_up_no_other() -> None:
    with (
        serve(emulator_with(faults=["host-missing-hangs"]), tls=False) as plain,
        socket.create_connection(("127.0.0.1", plain.port)) as hanging,
    ):
        hanging.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert httpx.get(f"{plain.base_url}/", headers=HEADERS, trust_env=False).status_code == 404


def test_answers_reach_a_client_that_has_closed_its_half() -> None:
    with serve(Emulator(), tls=False) as plain, socket.create_connection(("127.0.0.1", plain.port)) as raw:
        raw.sendall(plain_request("GET", "/"))
        raw.shutdown(socket.SHUT_WR)
        received = b"".join(iter(lambda: raw.recv(65536), b""))

    assert received.startswith(b"HTTP/1.1 404 ")


def test_anonymous_clients_can_be_refused_in_tls(target: Path) -> None:
    with (
        serve(emulator_with(oddities=["anonymous-refused-in-tls"])) as strict,
        client(strict, target, None) as http,
        pytest.raises(httpx.TransportError),
    ):
        http.get("/", headers=HEADERS)


def test_serving_ends_with_a_signal() -> None:
    addresses: list[str] = []

    def started(running: RunningEmulator) -> None:
        addresses.append(running.base_url)
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    serve_until_stopped(Emulator(), tls=False, started=started)

    assert addresses[0].startswith("http://127.0.0.1:")
    assert signal.getsignal(signal.SIGTERM) is before
