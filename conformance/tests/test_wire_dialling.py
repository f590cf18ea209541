"""Where a target is dialled: elsewhere than base_url says, and through a proxy; the name that TLS and Host bear stays."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from certificate_samples import made
from open_gate import OpenGate
from proxy_servers import TestProxy
from reimage_conformance.config import is_loopback, load_target
from reimage_conformance.errors import TargetError
from reimage_conformance.model import FailureKind, Limits, Request
from reimage_conformance.preflight.remarks import Level
from reimage_conformance.preflight.statement import statement_remarks
from reimage_conformance.redaction.redactor import Redactor
from reimage_conformance.wire.client import Client
from reimage_conformance.wire.clock import SystemClock
from reimage_conformance.wire.connecting import SocketConnector, probe_connector
from tls_stage import Stage, stage_in

if TYPE_CHECKING:
    from pathlib import Path

    from reimage_conformance.model import Exchange, Target

GET = Request("GET", "/", (("Host", "rig.example"),))
NAME = "rig.example"


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """An endpoint whose certificate is for a name that no resolver knows."""
    stage = stage_in(tmp_path)
    stage.server = made("rig", stage.authority, names=(NAME,))
    stage.settings |= {"base_url": f"https://{NAME}", "connect_to": "127.0.0.1:{port}"}
    stage.port = 1  # until it is served
    return stage


def exchanged(target: Target) -> Exchange:
    clock = SystemClock()
    with Client(SocketConnector(target, clock), clock, OpenGate(), request_timeout=5) as client:
        return client.exchange(GET)


def test_another_address_is_dialled_and_the_name_stays(stage: Stage) -> None:
    with stage.served():
        exchange = exchanged(load_target(stage.target()))

    assert exchange.reply is not None
    assert exchange.reply.status == 404
    assert stage.presented == ["tester"]
    assert stage.names == [NAME]


@pytest.mark.parametrize("tls", [True, False])
def test_a_proxy_is_asked_for_a_tunnel(stage: Stage, *, tls: bool) -> None:
    stage.tls = tls
    stage.settings |= {"base_url": f"{'https' if tls else 'http'}://{NAME}:8443"}
    del stage.settings["connect_to"]
    with stage.served(), TestProxy(leads_to=stage.port).served() as proxy:
        stage.settings["proxy"] = f"http://127.0.0.1:{proxy.port}"
        exchange = exchanged(load_target(stage.target()))

    assert exchange.reply is not None
    assert proxy.heads == [b"CONNECT rig.example:8443 HTTP/1.1\r\nHost: rig.example:8443\r\n\r\n"]


def test_the_proxy_is_asked_for_the_address_to_dial(stage: Stage) -> None:
    with stage.served(), TestProxy().served() as proxy:
        stage.settings["proxy"] = f"HTTP://LocalHost:{proxy.port}/"
        exchange = exchanged(load_target(stage.target()))

    assert exchange.reply is not None
    assert proxy.heads[0].startswith(f"CONNECT 127.0.0.1:{stage.port} HTTP/1.1\r\n".encode())


def test_the_proxy_gets_its_credentials_and_nobody_else(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REIMAGE_CONFORMANCE_PROXY_CREDENTIALS", "qa:hunter2:42x")
    with stage.served(), TestProxy().served() as proxy:
        stage.settings |= {"proxy": f"http://127.0.0.1:{proxy.port}", "proxy_credentials_env": "ANOTHER"}
        target = load_target(stage.target())
        exchange = exchanged(target)

    assert exchange.reply is not None
    assert b"Proxy-Authorization: Basic cWE6aHVudGVyMjo0Mng=\r\n" in proxy.heads[0]
    assert Redactor.for_target(target).text("hunter2:42x, cWE6aHVudGVyMjo0Mng=").count("hunter2") == 0


def test_a_tunnel_that_is_refused_is_a_value(stage: Stage) -> None:
    with stage.served(), TestProxy(b"HTTP/1.1 502 Bad Gateway\r\n\r\n").served() as proxy:
        stage.settings["proxy"] = f"http://127.0.0.1:{proxy.port}"
        exchange = exchanged(load_target(stage.target()))

    assert exchange.failure is not None
    assert exchange.failure.kind is FailureKind.REFUSED
    assert "cannot connect to 127.0.0.1" in exchange.failure.detail


def test_the_probe_is_dialled_directly(stage: Stage) -> None:
    with stage.served() as endpoint:
        target = load_target(stage.target())
        probed = replace(target, probe_url=f"http://127.0.0.1:{endpoint.port}/", connect_to="127.0.0.1:1")
        stream = probe_connector(probed, clock := SystemClock())
        assert stream is not None
        stream.connect(GET.identity, clock.now() + 5).close()

    assert probe_connector(target, clock) is None


@pytest.mark.parametrize(
    ("base_url", "connect_to", "proxy", "expected"),
    [
        ("https://localhost:1", None, None, True),
        ("https://localhost:1", "127.0.0.1:2", None, True),
        ("https://localhost:1", "[::1]:2", None, True),
        ("https://rig.example", "127.0.0.1:2", None, False),
        ("https://localhost:1", "10.0.0.1:2", None, False),
        ("https://localhost:1", None, "http://127.0.0.1:3128", False),
        ("https://localhost:1", "127.0.0.1:2", "http://127.0.0.1:3128", False),
    ],
)
def test_a_tunnel_is_not_this_machine(
    stage: Stage, base_url: str, connect_to: str | None, proxy: str | None, *, expected: bool
) -> None:
    target = load_target(stage.target())

    assert is_loopback(replace(target, base_url=base_url, connect_to=connect_to, proxy=proxy)) is expected


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"base_url": "https://rig.example"}, "https://rig.example is not on this machine"),
        ({"connect_to": "10.0.0.1:2"}, "connect_to 10.0.0.1:2 is not on this machine"),
        (
            {"proxy": "http://127.0.0.1:3128"},
            "https://localhost:1 behind the proxy http://127.0.0.1:3128 may be on another machine",
        ),
    ],
)
def test_what_may_be_elsewhere_needs_permission(stage: Stage, changes: dict[str, str], place: str) -> None:
    target = replace(
        load_target(stage.target()), base_url="https://localhost:1", connect_to="127.0.0.1:2", limits=Limits()
    )
    changed = replace(target, **changes)  # type: ignore[arg-type]

    assert list(statement_remarks(target)) == []
    (remark,) = statement_remarks(changed)
    assert remark.level is Level.MEND
    assert remark.text.startswith(f"allow_reimage: {place}, so its role instances are reimaged only with")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("connect_to", "127.0.0.1"),
        ("connect_to", "https://127.0.0.1:1"),
        ("connect_to", "127.0.0.1:0"),
        ("connect_to", "me@h:1"),
        ("connect_to", "h:1/x"),
        ("proxy", "127.0.0.1:3128"),
        ("proxy", "http://127.0.0.1"),
        ("proxy", "https://127.0.0.1:3128"),
        ("proxy", "http://me:hunter2@127.0.0.1:3128"),
        ("proxy", "socks5://127.0.0.1:1080"),
    ],
)
def test_what_is_no_address_to_dial(stage: Stage, key: str, value: str) -> None:
    stage.settings[key] = value
    with pytest.raises(TargetError, match=rf'"{key}" in \[target\] is expected to be') as caught:
        load_target(stage.target())

    assert "hunter2" not in str(caught.value)
