"""Mistakes about TLS, one a row: what is set up, the sentence that names what to mend, the exit code, the requests that went out."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from certificate_samples import made, rsa_key
from proxy_servers import TestProxy
from tls_stage import Stage, answer, said, stage_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LONGEST_SECONDS = 2.0
MENDED, KEPT_OUT, READY = 4, 6, 0
TLS_1_1 = 0x0302
"""As a number, since Python warns of the name."""
TLS_1_2, TLS_1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


@dataclass(frozen=True)
class Row:
    """What is wrong, the words that the sentence holds, the exit code, and how many requests reach the endpoint.

    None stands for the questions of a preflight, at least one and at most twenty.
    """

    arrange: Callable[[Stage], None]
    words: tuple[str, ...]
    code: int
    requests: int | None = 0


def server(**how: object) -> Callable[[Stage], None]:
    """Another certificate for the endpoint."""

    def arrange(stage: Stage) -> None:
        issuer = None if how.get("alone") else stage.authority
        details = {"names": ("127.0.0.1",)} | {key: value for key, value in how.items() if key != "alone"}
        stage.server = made("rig", issuer, **details)  # type: ignore[arg-type]

    return arrange


def client(**how: object) -> Callable[[Stage], None]:
    """Another certificate for the client."""

    def arrange(stage: Stage) -> None:
        party = made("tester", stage.authority, **how)  # type: ignore[arg-type]
        stage.write("client.pem", party.pem)
        stage.write("client.key", party.key_pem())

    return arrange


def settings(**lines: str | None) -> Callable[[Stage], None]:
    """Other keys in [target]; None takes one out."""

    def arrange(stage: Stage) -> None:
        stage.settings = {key: value for key, value in (stage.settings | lines).items() if value is not None}

    return arrange


def endpoint(**how: object) -> Callable[[Stage], None]:
    """Another behaviour of the endpoint."""

    def arrange(stage: Stage) -> None:
        for name, value in how.items():
            setattr(stage, name, value)

    return arrange


def unknown_client(version: ssl.TLSVersion) -> Callable[[Stage], None]:
    """A client certificate of an authority that the endpoint does not know."""

    def arrange(stage: Stage) -> None:
        party = made("stranger")
        stage.write("client.pem", party.pem)
        stage.write("client.key", party.key_pem())
        stage.verify, stage.version = ssl.CERT_REQUIRED, version

    return arrange


def missing_client(version: ssl.TLSVersion) -> Callable[[Stage], None]:
    """No client certificate where the endpoint demands one."""

    def arrange(stage: Stage) -> None:
        settings(client_certificate=None, client_key=None)(stage)
        stage.verify, stage.version = ssl.CERT_REQUIRED, version

    return arrange


def another_authority(stage: Stage) -> None:
    """A ca_bundle that holds another authority."""
    stage.write("ca.pem", made("Other CA", authority=True).pem)


def intermediate_only(stage: Stage) -> None:
    """A ca_bundle that holds only the intermediate that signed the endpoint's certificate."""
    middle = made("Middle CA", stage.authority, authority=True)
    stage.server = made("rig", middle, names=("127.0.0.1",))
    stage.write("ca.pem", middle.pem)


def leaf_only(stage: Stage) -> None:
    """A ca_bundle that holds the endpoint's own certificate alone."""
    stage.write("ca.pem", stage.server.pem)


def readable(name: str) -> Callable[[Stage], None]:
    """A file that others can read."""
    return lambda stage: (stage.folder / name).chmod(0o644)


def archive(passphrase: bytes, told: bytes | None) -> Callable[[Stage], None]:
    """The client certificate as PKCS#12, locked, and what the file of its passphrase says."""

    def arrange(stage: Stage) -> None:
        lines = {"client_certificate": stage.write("client.pfx", stage.client.pfx(passphrase)), "client_key": None}
        if told is not None:
            lines["key_passphrase_file"] = stage.write("passphrase.txt", told)
        settings(**lines)(stage)

    return arrange


def environment(**variables: str) -> Callable[[Stage], None]:
    """Variables of the environment; {folder} stands for the folder of the target file."""

    def arrange(stage: Stage) -> None:
        stage.environment = {name: value.replace("{folder}", str(stage.folder)) for name, value in variables.items()}

    return arrange


def proxied(answer: bytes, **lines: str) -> Callable[[Stage], None]:
    """A proxy that gives this answer to CONNECT; no answer stands for a tunnel."""

    def arrange(stage: Stage) -> None:
        proxy = stage.stack.enter_context(TestProxy(answer).served())
        settings(proxy=f"http://127.0.0.1:{proxy.port}", **lines)(stage)
        stage.write("proxy.txt", b"qa:hunter2\n")

    return arrange


def answered(status: str) -> bytes:
    """An answer of a proxy."""
    return f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode()


PLAIN_REFUSAL = answer("400 Bad Request", b"<h1>The plain HTTP request was sent to HTTPS port</h1>", "text/html")
ROWS: dict[str, Row] = {
    "nothing wrong": Row(endpoint(), ("ok    base_url: the endpoint can be connected to",), READY, None),
    "scheme and host in capitals": Row(
        settings(base_url="HTTPS://LOCALHOST:{port}"),
        ("https://localhost:", "ok    client_certificate may use subscription_id"),
        READY,
        None,
    ),
    "http to a TLS port": Row(endpoint(scheme="http"), ("mend  base_url", "answers TLS", "expected https://"), MENDED),
    "http to a TLS port that answers in plain text": Row(
        endpoint(tls=False, mixed=PLAIN_REFUSAL), ("mend  base_url", "answers TLS", "expected https://"), MENDED
    ),
    "https to a plain port": Row(
        endpoint(tls=False, scheme="https"), ("mend  base_url", "plain HTTP", "expected http://"), MENDED, 1
    ),
    "server expired": Row(
        server(begins=-9, ends=-2), ("stop  base_url", "expired on", "the clock of this machine"), KEPT_OUT
    ),
    "server not yet valid": Row(
        server(begins=2, ends=9), ("stop  base_url", "not valid before", "the clock of this machine"), KEPT_OUT
    ),
    "server of another name": Row(
        server(names=("rig.example", "b.example")),
        ("stop  base_url", "its name does not match base_url", "rig.example, b.example", "connect_to"),
        KEPT_OUT,
    ),
    "server of another address": Row(
        server(names=("10.1.2.3",)), ("stop  base_url", "it is for 10.1.2.3, not for 127.0.0.1"), KEPT_OUT
    ),
    "server without names": Row(server(names=()), ("stop  base_url", "its name does not match base_url"), KEPT_OUT),
    "issuer unknown though ca_bundle is set": Row(
        another_authority, ("stop  ca_bundle", "its issuer 'CN=Rig CA' is not in ca_bundle", "set ca_bundle"), KEPT_OUT
    ),
    "issuer unknown to the system": Row(
        settings(ca_bundle=None), ("stop  ca_bundle", "is not known to this system; set ca_bundle"), KEPT_OUT
    ),
    "server signed by itself": Row(
        server(alone=True), ("stop  ca_bundle", "signed by itself", "set ca_bundle to its CA"), KEPT_OUT
    ),
    "an intermediate in ca_bundle": Row(intermediate_only, ("ok    base_url: the endpoint can be",), READY, None),
    "the endpoint's own certificate in ca_bundle": Row(
        leaf_only, ("ok    base_url: the endpoint can be",), READY, None
    ),
    "server's key too small": Row(
        server(key=rsa_key(1024)), ("stop  base_url", "its key is too small for this OpenSSL"), KEPT_OUT
    ),
    "client expired": Row(client(begins=-9, ends=-2), ("mend  client_certificate: client.pem expired on",), MENDED),
    "client not yet valid": Row(
        client(begins=2, ends=9), ("mend  client_certificate: client.pem is not valid before",), MENDED
    ),
    "client refused in TLS 1.2": Row(
        unknown_client(TLS_1_2), ("stop  client_certificate", "refuses the client certificate"), KEPT_OUT
    ),
    "client refused in TLS 1.3": Row(
        unknown_client(TLS_1_3), ("stop  client_certificate", "refuses the client certificate"), KEPT_OUT
    ),
    "no client certificate in TLS 1.2": Row(
        missing_client(TLS_1_2),
        ("stop  client_certificate", "demand a client certificate, and none is named"),
        KEPT_OUT,
    ),
    "no client certificate in TLS 1.3": Row(
        missing_client(TLS_1_3),
        (
            "mend  client_certificate: the target file names none, and REIMAGE_CONFORMANCE_CLIENT_CERTIFICATE is empty",
            "demands a client certificate",
        ),
        MENDED,
    ),
    "client certificate asked for after the handshake": Row(
        endpoint(after_handshake=True, version=TLS_1_3, verify=ssl.CERT_REQUIRED),
        ("ok    client_certificate may use subscription_id",),
        READY,
        None,
    ),
    "old TLS": Row(endpoint(version=TLS_1_1), ("stop  base_url", "supports neither TLS 1.2"), KEPT_OUT),
    "client's key too small": Row(
        client(key=rsa_key(1024)), ("mend  client_certificate", "1024 bits", "2048 bits or more"), MENDED
    ),
    "a key that others can read": Row(
        readable("client.key"), ("note  client_key: other users can read client.key", "chmod 600"), READY, None
    ),
    "PKCS#12 with its passphrase": Row(
        archive(b"open sesame", b"open sesame\n"), ("ok    client_certificate may use",), READY, None
    ),
    "PKCS#12 with a wrong passphrase": Row(
        archive(b"open sesame", b"open\n"),
        ("mend  client_certificate", "does not open with the passphrase from"),
        MENDED,
    ),
    "PKCS#12 without its passphrase": Row(
        archive(b"open sesame", None), ("mend  client_certificate", "is encrypted", "key_passphrase_file"), MENDED
    ),
    "a passphrase that others can read": Row(
        lambda stage: (archive(b"open sesame", b"open sesame")(stage), readable("passphrase.txt")(stage))[0],
        ("note  key_passphrase_file: other users can read passphrase.txt",),
        READY,
        None,
    ),
    "an HTTPS_PROXY that is not used": Row(
        environment(HTTPS_PROXY="http://127.0.0.1:1"),
        ("note  HTTPS_PROXY in the environment is not used", "proxy in [target]"),
        READY,
        None,
    ),
    "an HTTP_PROXY in small letters": Row(
        environment(http_proxy="http://user:hunter2@127.0.0.1:1"),
        ("note  http_proxy in the environment is not used",),
        READY,
        None,
    ),
    "connect_to": Row(
        settings(base_url="https://localhost", connect_to="127.0.0.1:{port}"),
        ("ok    base_url: the endpoint can be connected to at 127.0.0.1:",),
        READY,
        None,
    ),
    "connect_to where nobody is": Row(
        settings(connect_to="127.0.0.1:1"),
        ("stop  connect_to: https://127.0.0.1:", "no connection to 127.0.0.1 port 1"),
        KEPT_OUT,
    ),
    "connect_to a name that is unknown": Row(
        settings(connect_to="nowhere.invalid:1"),
        ("stop  connect_to", "the name nowhere.invalid cannot be resolved"),
        KEPT_OUT,
    ),
    "base_url where nobody is, and a proxy in the environment": Row(
        lambda stage: (
            settings(base_url="https://127.0.0.1:1")(stage),
            environment(HTTPS_PROXY="http://127.0.0.1:9")(stage),
        )[0],
        ("stop  base_url: ", "cannot be reached", "HTTPS_PROXY in the environment is not used: set proxy"),
        KEPT_OUT,
    ),
    "a proxy": Row(proxied(b""), ("can be connected to through http://127.0.0.1:",), READY, None),
    "a proxy where nobody is": Row(
        settings(proxy="http://127.0.0.1:1"), ("stop  proxy: no connection to 127.0.0.1 port 1",), KEPT_OUT
    ),
    "a proxy that demands credentials": Row(
        proxied(answered("407 Proxy Authentication Required")), ("mend  proxy: ", "proxy_credentials_file"), MENDED
    ),
    "a proxy that refuses credentials": Row(
        proxied(answered("407 No"), proxy_credentials_file="proxy.txt"),
        ("mend  proxy_credentials_file: ", "refuses its credentials (407"),
        MENDED,
    ),
    "a proxy without credentials in its variable": Row(
        proxied(b"", proxy_credentials_env="RIG_NONE"),
        ("mend  proxy_credentials_env: the environment variable RIG_NONE is not set",),
        MENDED,
    ),
    "a proxy that does not allow it": Row(
        proxied(answered("403 Forbidden")), ("stop  proxy: ", "does not allow connections to 127.0.0.1:"), KEPT_OUT
    ),
    "a proxy that cannot connect": Row(
        proxied(answered("502 Bad Gateway")),
        ("stop  proxy: ", "cannot connect to 127.0.0.1:", "502 Bad Gateway"),
        KEPT_OUT,
    ),
    "a proxy that is none": Row(
        proxied(answered("405 Method Not Allowed")),
        ("mend  proxy: ", "405", "expected an HTTP proxy that tunnels"),
        MENDED,
    ),
    "a proxy that speaks no HTTP": Row(proxied(b"SSH-2.0-x\r\n"), ("mend  proxy: ", "does not answer in HTTP"), MENDED),
    "SSLKEYLOGFILE": Row(
        environment(SSLKEYLOGFILE="{folder}/keys.log"),
        ("note  SSLKEYLOGFILE in the environment: the TLS secrets",),
        READY,
        None,
    ),
    "SSLKEYLOGFILE that cannot be written": Row(
        environment(SSLKEYLOGFILE="{folder}/none/keys.log"),
        ("mend  SSLKEYLOGFILE in the environment: ", "cannot be written: No such file or directory; unset it"),
        MENDED,
    ),
}


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "SSLKEYLOGFILE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return stage_in(tmp_path)


@pytest.mark.parametrize("name", ROWS)
def test_each_mistake_is_one_sentence(
    name: str, stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = ROWS[name]
    with stage.stack:
        _try(row, stage, capsys, monkeypatch)


def _try(row: Row, stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    row.arrange(stage)
    for variable, value in stage.environment.items():
        monkeypatch.setenv(variable, value)
    with stage.served():
        code, text, seconds = said(stage.target(), capsys)

    assert [word for word in row.words if word not in text] == [], text
    assert code == row.code, text
    assert stage.requests in (range(1, 21) if row.requests is None else (row.requests,))
    assert seconds < LONGEST_SECONDS
    assert "hunter2" not in text
    wrong = [line for line in text.splitlines() if line.startswith(("mend", "stop"))]
    assert len(wrong) == (0 if row.code == READY else 1), text


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.code != READY])
def test_a_run_ends_with_the_same_sentence(
    name: str, stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = ROWS[name]
    monkeypatch.chdir(stage.folder)
    with stage.stack:
        row.arrange(stage)
        for variable, value in stage.environment.items():
            monkeypatch.setenv(variable, value)
        with stage.served():
            code, text, _ = said(stage.target(), capsys, "run")

    (sentence,) = [line for line in text.splitlines() if line.startswith("error: ")]
    assert [word for word in row.words if word.removeprefix("mend  ").removeprefix("stop  ") not in sentence] == []
    assert (code, stage.requests) == (row.code, row.requests)
