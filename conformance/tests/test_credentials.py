"""Certificates, keys and passphrases: every form that is read, and every mistake in them by name."""

from __future__ import annotations

import base64
import contextlib
import os
import ssl
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs7
from hypothesis import given
from hypothesis import strategies as st

from certificate_samples import PEM, TRADITIONAL, Party, made, rsa_key
from judging_samples import TARGET
from reimage_conformance import cli
from reimage_conformance.config import load_target
from reimage_conformance.credentials.contents import contents_of
from reimage_conformance.credentials.passphrases import proxy_credentials
from reimage_conformance.credentials.reading import Credential, armoured, read_authorities, read_credential
from reimage_conformance.credentials.secrets import secret_blocks, secret_words
from reimage_conformance.errors import TargetError
from reimage_conformance.model import Identity
from reimage_conformance.redaction.redactor import Redactor
from reimage_conformance.wire.identities import context_for
from tls_stage import DEPLOYMENT, SUBSCRIPTION

if TYPE_CHECKING:
    from reimage_conformance.model import Target

WORD = "Tr0ub4dor & 3"
AUTHORITY = made("Rig CA", authority=True)
MIDDLE = made("Middle CA", AUTHORITY, authority=True)
CLIENT = made("tester", MIDDLE)
OLD = made("tester", MIDDLE, key=rsa_key(2048))
Form = dict[str, bytes]
"""The content of each file by its name; the keys of [target] follow from the names."""

NAMES = {
    "client": "client_certificate",
    "key": "client_key",
    "second": "second_client_certificate",
    "ca": "ca_bundle",
    "passphrase": "key_passphrase_file",
    "second-passphrase": "second_key_passphrase_file",
}


def published(archive: bytes, subscription: str = SUBSCRIPTION, version: str = "2.0") -> bytes:
    """A .publishsettings file in one of the two forms of the period."""
    written = base64.b64encode(archive).decode()
    profile, own = ("", f'ManagementCertificate="{written}"') if version else (f'ManagementCertificate="{written}"', "")
    schema = f'SchemaVersion="{version}" ' if version else ""
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n<PublishData>\n  <PublishProfile {schema}'
        f'PublishMethod="AzureServiceManagementAPI" {profile}>\n    <Subscription Id="{subscription}" Name="rig" {own}/>\n'
        "  </PublishProfile>\n</PublishData>\n"
    ).encode()


def relabelled(pem: bytes, old: str, new: str) -> bytes:
    return pem.replace(f" {old}-----".encode(), f" {new}-----".encode())


def trusted(party: Party) -> bytes:
    """A certificate as `openssl x509 -trustout` writes it: what it is trusted for follows the certificate."""
    return armoured("TRUSTED CERTIFICATE", party.der + bytes.fromhex("300c300a06082b06010505070302"))


def collection(*parties: Party) -> bytes:
    return pkcs7.serialize_certificates([each.certificate for each in parties], PEM)


FORMS: dict[str, Form] = {
    "PEM in two files": {"client.pem": CLIENT.pem, "key.pem": CLIENT.key_pem()},
    "PEM in one file": {"client.pem": CLIENT.both},
    "PEM, the key first": {"client.pem": CLIENT.key_pem() + CLIENT.pem},
    "PEM, the authority first": {"client.pem": MIDDLE.pem + CLIENT.both},
    "PEM with text around it": {"client.pem": b"Bag Attributes\n  friendlyName: x\n" + CLIENT.both + b"\nend\n"},
    "PEM in UTF-16 with a mark": {"client.pem": CLIENT.both.decode().encode("utf-16")},
    "PEM in UTF-16 without a mark": {"client.pem": CLIENT.both.decode().encode("utf-16-le")},
    "PEM in UTF-8 with a mark": {"client.pem": b"\xef\xbb\xbf" + CLIENT.both},
    "PEM with line ends of Windows": {"client.pem": CLIENT.both.replace(b"\n", b"\r\n")},
    "PEM labelled trusted": {"client.pem": trusted(CLIENT), "key.pem": CLIENT.key_pem()},
    "PEM labelled X509": {"client.pem": relabelled(CLIENT.both, "CERTIFICATE", "X509 CERTIFICATE")},
    "PEM of PKCS#7": {"client.pem": collection(CLIENT, MIDDLE), "key.pem": CLIENT.key_pem()},
    "a traditional key": {"client.pem": OLD.pem, "key.pem": OLD.key_pem(form=TRADITIONAL)},
    "a key for SSH": {
        "client.pem": CLIENT.pem,
        "key.pem": CLIENT.key_pem(form=serialization.PrivateFormat.OpenSSH),
    },
    "DER in two files": {"client.cer": CLIENT.der, "key.der": CLIENT.key_der()},
    "DER and PEM": {"client.cer": CLIENT.der, "key.pem": CLIENT.key_pem()},
    "base64 alone": {"client.cer": base64.encodebytes(CLIENT.der), "key.pem": CLIENT.key_pem()},
    "an encrypted key": {"client.pem": CLIENT.pem, "key.pem": CLIENT.key_pem(WORD.encode())},
    "an encrypted key in one file": {"client.pem": CLIENT.pem + CLIENT.key_pem(WORD.encode())},
    "an encrypted key in DER": {"client.pem": CLIENT.pem, "key.der": CLIENT.key_der(WORD.encode())},
    "an encrypted traditional key": {"client.pem": OLD.pem, "key.pem": OLD.key_pem(WORD.encode(), TRADITIONAL)},
    "PKCS#12": {"client.pfx": CLIENT.pfx(WORD.encode(), MIDDLE)},
    "PKCS#12 without a passphrase": {"client.p12": CLIENT.pfx(None, MIDDLE)},
    "PKCS#12 in PEM": {"client.pem": armoured("PKCS12", CLIENT.pfx(None))},
    "publishsettings": {"client.publishsettings": published(CLIENT.pfx())},
    "publishsettings, first form": {"client.publishsettings": published(CLIENT.pfx(), version="")},
    "publishsettings of another subscription": {"client.publishsettings": published(CLIENT.pfx(), "other")},
    "publishsettings in UTF-16": {
        "client.publishsettings": published(CLIENT.pfx()).decode().replace("utf-8", "utf-16").encode("utf-16")
    },
    "publishsettings with line ends of Windows": {
        "client.publishsettings": published(CLIENT.pfx()).replace(b"\n", b"\r\n")
    },
}


@dataclass(frozen=True)
class Desk:
    """A folder with a target file and the files that it names."""

    folder: Path

    def target(self, form: Form, **lines: str) -> Target:
        """The target that names the files of `form`, with `lines` in [target] besides."""
        for name, content in form.items():
            (self.folder / name).write_bytes(content)
            lines[NAMES[name.partition(".")[0]]] = name
        settings = {"name": "rig", "base_url": "https://127.0.0.1:1", "subscription_id": SUBSCRIPTION} | lines
        text = "[target]\n" + "".join(f"{key} = '{value}'\n" for key, value in settings.items()) + DEPLOYMENT
        file = self.folder / "target.toml"
        file.write_text(text, encoding="utf-8")
        return load_target(file)

    def credential(self, form: Form, /, *, identity: Identity = Identity.PRIMARY, variable: str = "") -> Credential:
        """The client certificate that is read from the files of `form`."""
        lines = {"key_passphrase_env": variable} if variable else {}
        found = read_credential(self.target(form, **lines), identity)
        assert found is not None
        return found


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    for name in [name for name in os.environ if name.startswith("REIMAGE_CONFORMANCE_")]:
        monkeypatch.delenv(name)
    return Desk(tmp_path)


@pytest.mark.parametrize("name", FORMS)
def test_each_form_is_read(name: str, desk: Desk) -> None:
    form = FORMS[name] | {"passphrase.txt": WORD.encode() + b"\r\n"}

    credential = desk.credential(form)

    party = OLD if "traditional" in name else CLIENT
    assert credential.certificate == party.der
    assert credential.key.public_key() == party.key.public_key()
    context_for(desk.target(form), Identity.PRIMARY)


@pytest.mark.parametrize("name", ["PKCS#12", "PKCS#12 without a passphrase", "PEM of PKCS#7"])
def test_intermediates_go_along(name: str, desk: Desk) -> None:
    credential = desk.credential(FORMS[name] | {"passphrase.txt": WORD.encode()})

    assert credential.chain == (MIDDLE.der,)


def test_the_second_certificate_has_forms_of_its_own(desk: Desk) -> None:
    form = {"client.pem": CLIENT.both, "second.pfx": OLD.pfx(b"second"), "second-passphrase.txt": b"second\n"}

    assert desk.credential(form, identity=Identity.SECOND).certificate == OLD.der
    assert desk.credential(form).certificate == CLIENT.der


def test_the_first_passphrase_serves_for_both(desk: Desk) -> None:
    form = {"client.pem": CLIENT.both, "second.pfx": OLD.pfx(WORD.encode()), "passphrase.txt": WORD.encode()}

    assert desk.credential(form, identity=Identity.SECOND).certificate == OLD.der


LOCKED: Form = {"client.pem": CLIENT.pem, "key.pem": CLIENT.key_pem(WORD.encode())}
PFX: Form = {"client.pfx": CLIENT.pfx(WORD.encode())}


@pytest.mark.parametrize("variable", ["RIG_WORD", "REIMAGE_CONFORMANCE_KEY_PASSPHRASE"])
def test_a_passphrase_comes_from_the_environment(desk: Desk, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, WORD)

    assert desk.credential(LOCKED, variable="RIG_WORD").certificate == CLIENT.der


def test_the_environment_replaces_the_passphrase_of_the_file(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REIMAGE_CONFORMANCE_KEY_PASSPHRASE", WORD)

    assert desk.credential(LOCKED | {"passphrase.txt": b"another"}).certificate == CLIENT.der


class Terminal:
    """A terminal, or what is none, in place of the standard input."""

    def __init__(self, *, there: bool) -> None:
        self.there = there

    def isatty(self) -> bool:
        return self.there


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The questions at a terminal that answers with the passphrase."""
    questions: list[str] = []

    def answer(prompt: str) -> str:
        questions.append(prompt)
        return WORD

    monkeypatch.setattr("sys.stdin", Terminal(there=True))
    monkeypatch.setattr("getpass.getpass", answer)
    return questions


def test_a_passphrase_is_asked_for_once(desk: Desk, asked: list[str]) -> None:
    target = desk.target(PFX)
    try:
        for _ in range(2):
            context_for(target, Identity.PRIMARY)
        assert list(secret_words(target)) == [WORD]
    finally:
        for name in [name for name in os.environ if name.startswith("REIMAGE_CONFORMANCE_ENTERED_")]:
            del os.environ[name]

    assert asked == [f"Passphrase of {desk.folder / 'client.pfx'}: "]


def test_a_wrong_answer_is_not_kept(desk: Desk, asked: list[str]) -> None:
    target = desk.target({"client.pfx": CLIENT.pfx(b"another")})

    for _ in range(2):
        with pytest.raises(TargetError, match="does not open with the passphrase from the terminal"):
            read_credential(target, Identity.PRIMARY)
    assert len(asked) == 2


def test_what_needs_no_passphrase_asks_for_none(desk: Desk, asked: list[str]) -> None:
    desk.credential(FORMS["PKCS#12 without a passphrase"])
    desk.credential({"client.pem": CLIENT.pem + CLIENT.key_pem(WORD.encode()), "key.pem": CLIENT.key_pem()})

    assert asked == []


@dataclass(frozen=True)
class Mistake:
    """Files, other lines of [target], and the words of the one sentence."""

    form: Form
    words: tuple[str, ...]
    lines: tuple[tuple[str, str], ...] = ()


KEYSTORE = bytes.fromhex("feedfeed00000002") + bytes(40)
MISTAKES: dict[str, Mistake] = {
    "no passphrase": Mistake(LOCKED, ("client_key: ", "is encrypted", "key_passphrase_file", "key_passphrase_env")),
    "no passphrase for PKCS#12": Mistake(PFX, ("client_certificate: ", "is encrypted", "key_passphrase_file")),
    "no passphrase for the second": Mistake(
        {"client.pem": CLIENT.both, "second.pfx": OLD.pfx(b"x")},
        ("second_client_certificate: ", "is encrypted", "REIMAGE_CONFORMANCE_KEY_PASSPHRASE"),
    ),
    "a wrong passphrase": Mistake(
        LOCKED | {"passphrase.txt": b"wrong"},
        ("client_key: ", "does not open with the passphrase from key_passphrase_file (passphrase.txt)"),
    ),
    "a wrong passphrase for PKCS#12": Mistake(
        PFX | {"passphrase.txt": b"wrong"}, ("client_certificate: ", "does not open with the passphrase from")
    ),
    "an unset variable": Mistake(
        LOCKED, ("the environment variable RIG_NONE is not set",), (("key_passphrase_env", "RIG_NONE"),)
    ),
    "an empty passphrase file": Mistake(
        LOCKED | {"passphrase.txt": b"\n"}, ("key_passphrase_file: the first line of", "is empty")
    ),
    "a passphrase file that is no text": Mistake(
        LOCKED | {"passphrase.txt": b"\xff\xfe\xff"}, ("key_passphrase_file: ", "is not UTF-8 text")
    ),
    "no passphrase file": Mistake(
        LOCKED, ("key_passphrase_file: there is no file",), (("key_passphrase_file", "none.txt"),)
    ),
    "a variable with a dollar": Mistake(
        LOCKED,
        ('"key_passphrase_env" in [target]', "the name of an environment variable"),
        (("key_passphrase_env", "$X"),),
    ),
    "another key": Mistake(
        {"client.pem": CLIENT.pem, "key.pem": OLD.key_pem()}, ("the private key does not belong to the certificate",)
    ),
    "no key": Mistake({"client.pem": CLIENT.pem}, ("holds a certificate but no private key", '"client_key"')),
    "no key in PKCS#12": Mistake(
        {"client.p12": armoured("PKCS7", CLIENT.der)},
        ("client_certificate: ", "holds a certificate but no private key"),
    ),
    "a request for a certificate": Mistake(
        {"client.pem": armoured("CERTIFICATE REQUEST", CLIENT.der)},
        ("holds no certificate", "what it holds is a certificate request"),
    ),
    "a keystore of Java": Mistake(
        {"client.jks": KEYSTORE}, ("holds no certificate", "Java keystore", "keytool -importkeystore")
    ),
    "a key of PuTTY": Mistake(
        {"client.pem": CLIENT.pem, "key.ppk": b"PuTTY-User-Key-File-2: ssh-rsa\n"},
        ("client_key: ", "holds no private key", "puttygen"),
    ),
    "a damaged key": Mistake(
        {"client.pem": CLIENT.pem, "key.pem": armoured("PRIVATE KEY", b"0" * 80)},
        ("client_key: ", "of a kind that cannot be read", "`openssl pkey -in key.pem -out client.key` converts it"),
    ),
    "damaged PKCS#7": Mistake(
        {"client.pem": armoured("PKCS7", CLIENT.der), "key.pem": CLIENT.key_pem()},
        ("client_certificate: ", "PKCS#7 that cannot be read", "openssl pkcs7"),
    ),
    "publishsettings with several": Mistake(
        {
            "client.publishsettings": published(CLIENT.pfx(), "one").replace(
                b"</PublishProfile>",
                published(OLD.pfx(), "two").split(b">\n", 3)[3].partition(b"/>")[0] + b"/></PublishProfile>",
            )
        },
        ("client_certificate: ", "a certificate for subscription_id; found 2 certificates, none of them for it"),
    ),
    "publishsettings without a certificate": Mistake(
        {"client.publishsettings": b"<PublishData><PublishProfile/></PublishData>"}, ("found no ManagementCertificate",)
    ),
    "publishsettings that are broken": Mistake(
        {"client.publishsettings": b"<PublishData><PublishProfile></PublishData>"}, ("it is not well-formed XML",)
    ),
    "publishsettings with an entity": Mistake(
        {
            "client.publishsettings": b'<!DOCTYPE a [<!ENTITY x SYSTEM "passphrase.txt">]><PublishData>&x;</PublishData>',
            "passphrase.txt": WORD.encode(),
        },
        ("found no ManagementCertificate",),
    ),
    "a weak key": Mistake({"client.pem": made("x", key=rsa_key(1024)).both}, ("1024 bits", "2048 bits or more")),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_each_mistake_is_named(name: str, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(there=False))
    mistake = MISTAKES[name]
    with pytest.raises(TargetError) as caught:  # noqa: PT012 -- some mistakes show when the file is read, some when it is used
        target = desk.target(mistake.form, **dict(mistake.lines))
        for identity in (Identity.PRIMARY, Identity.SECOND):
            context_for(target, identity)

    message = str(caught.value)
    assert [word for word in mistake.words if word not in message] == [], message
    assert "\n" not in message
    assert WORD not in message


AUTHORITIES: dict[str, Form] = {
    "PEM": {"ca.pem": AUTHORITY.pem + MIDDLE.pem},
    "PEM in UTF-16": {"ca.pem": (AUTHORITY.pem + MIDDLE.pem).decode().encode("utf-16")},
    "PEM labelled trusted": {"ca.pem": trusted(AUTHORITY) + trusted(MIDDLE)},
    "DER": {"ca.cer": AUTHORITY.der + MIDDLE.der},
    "PKCS#7": {"ca.p7b": collection(AUTHORITY, MIDDLE)},
    "PKCS#12": {"ca.p12": AUTHORITY.pfx(None, MIDDLE)},
}


@pytest.mark.parametrize("name", AUTHORITIES)
def test_authorities_are_read_in_every_form(name: str, desk: Desk) -> None:
    target = desk.target(AUTHORITIES[name])

    assert target.ca_bundle is not None
    assert sorted(read_authorities(target.ca_bundle)) == sorted([AUTHORITY.der, MIDDLE.der])
    assert len(context_for(target, Identity.NONE).get_ca_certs()) == 2


def test_authorities_that_are_encrypted_are_named_with_the_command(desk: Desk) -> None:
    with pytest.raises(TargetError, match=r"ca_bundle: .* is encrypted, .* `openssl pkcs12 -legacy -in ca.p12"):
        context_for(desk.target({"ca.p12": AUTHORITY.pfx(b"changeit")}), Identity.NONE)


def test_the_key_is_on_disk_encrypted_and_for_a_moment(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, bytes, int, int]] = []
    load = ssl.SSLContext.load_cert_chain

    def spied(self: ssl.SSLContext, certfile: Path, keyfile: Path | None = None, password: str | None = None) -> None:
        mode, folder = certfile.stat().st_mode & 0o777, certfile.parent.stat().st_mode & 0o777
        seen.append((str(certfile), certfile.read_bytes(), mode, folder))
        load(self, certfile, keyfile, password)

    monkeypatch.setattr("ssl.SSLContext.load_cert_chain", spied)
    context_for(desk.target(FORMS["PKCS#12 without a passphrase"]), Identity.PRIMARY)

    ((path, content, mode, folder),) = seen
    assert b"ENCRYPTED PRIVATE KEY" in content
    assert b"BEGIN PRIVATE KEY" not in content
    assert (mode, folder) == (0o600, 0o700)
    assert not Path(path).exists()


@pytest.mark.parametrize("name", ["PKCS#12", "an encrypted traditional key", "DER in two files", "publishsettings"])
def test_reports_hide_the_secrets_of_every_form(name: str, desk: Desk) -> None:
    target = desk.target(FORMS[name] | {"passphrase.txt": WORD.encode()})
    party = OLD if "traditional" in name else CLIENT
    redactor = Redactor.for_target(target)
    forms = [party.key_pem(), party.key_pem(form=TRADITIONAL), party.pem, *secret_blocks(target)]

    for shown in forms:
        body = "".join(shown.decode().splitlines()[1:-1])
        longest = max((line for line in shown.decode().splitlines() if ":" not in line), key=len)
        assert longest[:40] not in redactor.text(shown.decode())
        assert body[40:80] not in redactor.text(body)
    assert WORD not in redactor.text(f"it is {WORD}!")


def test_a_plain_word_is_no_secret_to_look_for(desk: Desk) -> None:
    redactor = Redactor.for_target(desk.target({"client.pem": CLIENT.both, "passphrase.txt": b"Deployment"}))

    assert redactor.text("<Deployment/>") == "<Deployment/>"


@pytest.mark.parametrize("size", [0, 1, 2, 3, 40])
@pytest.mark.parametrize("first", [0x30, 0x2D, 0xFF, 0x00, 0x3C])
def test_what_is_nothing_of_the_kind_is_nothing(first: int, size: int) -> None:
    found = contents_of(bytes([first]) * size)

    assert (found.may_hold_certificates and bool(found.archives), found.settings) == (False, b"")


@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"\x30\x82", b"-----BEGIN CERTIFICATE-----\n", b"\xff\xfe", b"<PublishData"]),
)
def test_no_content_breaks_the_reader(octets: bytes, start: bytes) -> None:
    contents_of(start + octets)


@given(st.integers(0, len(CLIENT.der)), st.sampled_from(["client.pem", "client.pfx", "client.cer"]))
def test_a_file_that_was_cut_off_is_read_or_named(end: int, name: str) -> None:
    whole = {"client.pem": CLIENT.both, "client.pfx": CLIENT.pfx(None), "client.cer": CLIENT.der}[name]
    with TemporaryDirectory() as folder, contextlib.suppress(TargetError):
        Desk(Path(folder)).credential({name: whole[:end], "key.pem": CLIENT.key_pem()})


def test_passphrases_are_asked_for_before_processes_start(
    desk: Desk, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reimage_conformance.commands.fleet.run_side_by_side", lambda *_, **__: len(asked))
    files = []
    for name in ("a", "b"):
        folder = desk.folder / name
        folder.mkdir()
        Desk(folder).target(PFX)
        files.append(str(folder / "target.toml"))
    try:
        assert cli.main(["run", *files]) == 2
    finally:
        for name in [name for name in os.environ if name.startswith("REIMAGE_CONFORMANCE_ENTERED_")]:
            del os.environ[name]


def test_archives_of_the_period_are_read(desk: Desk) -> None:
    """RC2 and Triple DES, as the portal's downloads used them; made by the openssl command, where it can."""
    (desk.folder / "both.pem").write_bytes(OLD.both)
    words = ["openssl", "pkcs12", "-export", "-legacy", "-in", "both.pem", "-out", "client.pfx", "-passout", "pass:"]
    try:
        made_by_openssl = subprocess.run(words, cwd=desk.folder, capture_output=True, check=False, timeout=20)  # noqa: S603
    except FileNotFoundError:
        pytest.skip("there is no openssl command")
    if made_by_openssl.returncode:
        pytest.skip("this openssl has no legacy provider")
    archive = (desk.folder / "client.pfx").read_bytes()

    assert desk.credential({"client.publishsettings": published(archive)}).certificate == OLD.der


def test_a_certificate_shows_no_key() -> None:
    assert "key" not in repr(Credential(CLIENT.der, CLIENT.key))
    assert x509.load_der_x509_certificate(CLIENT.der) == CLIENT.certificate


@pytest.mark.parametrize("text", ["qa:x", "qa:", ":x", "a:b:c"])
def test_a_proxy_is_given_a_user_and_a_password_either_of_which_may_be_empty(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RIG_PROXY", text)

    assert proxy_credentials(replace(TARGET, proxy_credentials_env="RIG_PROXY")) == text.encode()


def test_credentials_of_a_proxy_without_a_colon_are_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIG_PROXY", "qa")

    with pytest.raises(TargetError, match="proxy_credentials_env: expected user:password, found something without"):
        proxy_credentials(replace(TARGET, proxy_credentials_env="RIG_PROXY"))
