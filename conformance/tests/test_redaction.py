"""No secret survives redaction in any writing of it, no length changes, and nothing else is touched."""

from __future__ import annotations

import base64
import json
import re
import ssl
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from reimage_conformance.anomalies import Anomaly, AnomalyKind
from reimage_conformance.model import Deployment, Exchange, Failure, FailureKind, Request, Response, Target
from reimage_conformance.redaction.base64_masks import Base64Masks
from reimage_conformance.redaction.masks import mask_of
from reimage_conformance.redaction.redactor import Redactor
from reimage_conformance.wire.reading import ResponseReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SECRET = "6a8b7c2e-f1d0-4a3b-9c5d-e7f8a9b0c1d2"  # noqa: S105  a subscription id nobody has
OTHER = "0f1e2d3c-4b5a-4697-8877-665544332211"
WORD = "contoso+subscription/7"
MASK = "00000000-0000-4000-8000-000000000001"
REDACTOR = Redactor({"subscription_id": SECRET, "foreign_subscription_id": OTHER, "odd": WORD})

CHARACTERS: tuple[Callable[[str], str], ...] = (
    str,
    str.upper,
    lambda c: f"%{ord(c):02x}",
    lambda c: f"%{ord(c):02X}",
    lambda c: f"%25{ord(c):02X}",
    lambda c: f"\\u{ord(c):04x}",
    lambda c: f"\\u{ord(c):04X}",
    lambda c: f"\\x{ord(c):02x}",
    lambda c: f"&#{ord(c)};",
    lambda c: f"&#{ord(c):05d};",
    lambda c: f"&#x{ord(c):x};",
    lambda c: f"&#X{ord(c):04X};",
    lambda c: c + "\x00",
)
around = st.text("xyz <>/", max_size=5)


def decoded(text: str) -> str:
    """What plain, percent, backslash and character reference forms stand for."""
    text = re.sub(r"%(?:25)*([0-9a-fA-F]{2})", lambda m: chr(int(m[1], 16)), text.replace("\x00", ""))
    text = re.sub(r"\\(?:u00|x)([0-9a-fA-F]{2})", lambda m: chr(int(m[1], 16)), text)
    text = re.sub(r"&#[xX]([0-9a-fA-F]+);", lambda m: chr(int(m[1], 16)), text)
    return re.sub(r"&#([0-9]+);", lambda m: chr(int(m[1])), text)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (SECRET, MASK),
        (SECRET.upper(), MASK),
        (SECRET.replace("-", ""), MASK.replace("-", "")),
        (OTHER, MASK[:-1] + "2"),
        (WORD, "masked-3xxxxxxxxxxxxxx"),
        (quote(WORD, safe=""), "masked-%33xxxxxxxxxxxx%78x"),
        (f"/{SECRET}/services?x={SECRET.upper()}", f"/{MASK}/services?x={MASK}"),
        ("&#54;&#97;&#56;&#98;&#55;&#99;&#50;&#101;" + SECRET[8:], "&#48;" * 7 + "&#048;" + MASK[8:]),
        ("%7B" + SECRET.replace("-", "%2D") + "%7D", "%7B" + MASK.replace("-", "%2D") + "%7D"),
    ],
)
def test_identifiers_get_masks_of_their_own(text: str, masked: str) -> None:
    assert REDACTOR.text(text) == masked


@given(st.lists(st.sampled_from(CHARACTERS), min_size=36, max_size=36), around, around)
def test_an_identifier_is_found_however_each_character_is_written(
    forms: list[Callable[[str], str]], before: str, after: str
) -> None:
    text = before + "".join(form(character) for form, character in zip(forms, SECRET, strict=True)) + after

    masked = REDACTOR.text(text)

    assert decoded(masked) == before + MASK + after
    assert len(masked) == len(text)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-8"])
def test_an_identifier_is_found_in_octets_of_other_encodings(encoding: str) -> None:
    assert REDACTOR.data(f"<a>{SECRET}</a>".encode(encoding)) == f"<a>{MASK}</a>".encode(encoding)


WRITINGS = {
    "dashed": SECRET.encode(),
    "undashed": SECRET.replace("-", "").encode(),
    "upper": SECRET.upper().encode(),
    "utf-16": SECRET.encode("utf-16-le"),
    "octets": uuid.UUID(SECRET).bytes,
    "octets-le": uuid.UUID(SECRET).bytes_le,
    "word": WORD.encode(),
}


@pytest.mark.parametrize("writing", WRITINGS)
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@given(before=st.binary(max_size=7), after=st.binary(max_size=7))
def test_base64_hides_identifiers_at_every_alignment(
    writing: str, encode: Callable[[bytes], bytes], before: bytes, after: bytes
) -> None:
    hidden = WRITINGS[writing]
    text = encode(before + hidden + after).decode()

    masked = REDACTOR.text(f"x: {text}.")[3:-1]

    assert len(masked) == len(text)
    content = base64.urlsafe_b64decode(masked.replace("+", "-").replace("/", "_"))
    assert (content[: len(before)], content[len(before) + len(hidden) :]) == (before, after)
    kept = sum(a == b != 0 for a, b in zip(content[len(before) :], hidden, strict=False))
    assert kept <= len(hidden) // 2  # what agrees is dashes, zeros and chance
    assert content[len(before) + 1 : len(before) + 7] != hidden[1:7]


@pytest.mark.parametrize(
    "text",
    [
        "6a8b7c2e-f1d0-4a3b-9c5d-e7f8a9b0c1d3",
        str(uuid.UUID(int=5)),
        "http://schemas.microsoft.com/windowsazure 100% &#169; \\u00e9 \x00",
        "x" * 200,
        base64.b64encode(bytes(range(3, 250))).decode(),
        "",
    ],
)
def test_everything_else_is_left_alone(text: str) -> None:
    assert REDACTOR.text(text) == text


@dataclass(frozen=True)
class Credentials:
    """A certificate and its key, as PEM text, and the redactor that hides them."""

    certificate: str
    key: str
    redactor: Redactor

    def der(self) -> bytes:
        return ssl.PEM_cert_to_DER_cert(self.certificate)


@pytest.fixture(scope="module")
def credentials() -> Credentials:
    issued = trustme.CA(key_type=trustme.KeyType.RSA).issue_cert("client@example.org", key_type=trustme.KeyType.RSA)
    certificate, key = issued.cert_chain_pems[0].bytes().decode(), issued.private_key_pem.bytes().decode()
    return Credentials(certificate, key, Redactor({"certificate": certificate, "key": key}))


def lines_of(pem: str) -> str:
    return "".join(line for line in pem.splitlines() if not line.startswith("-----"))


def pieces(text: str, width: int) -> Iterator[str]:
    return (text[start : start + width] for start in range(0, len(text), width))


LAYOUTS: dict[str, Callable[[str], str]] = {
    "pem": lambda pem: pem,
    "crlf": lambda pem: pem.replace("\n", "\r\n"),
    "one-line": lines_of,
    "76-columns": lambda pem: "\n".join(pieces(lines_of(pem), 76)),
    "tabs": lambda pem: pem.replace("\n", "\n\t"),
    "json": lambda pem: json.dumps({"certificate": pem}),
    "dotnet-json": lambda pem: json.dumps(pem).replace("+", "\\u002B"),
    "php-json": lambda pem: json.dumps(pem).replace("/", "\\/"),
    "percent": lambda pem: quote(pem, safe=""),
    "xml": lambda pem: pem.replace("\n", "&#10;").replace("+", "&#43;"),
    "url-safe": lambda pem: lines_of(pem).replace("+", "-").replace("/", "_"),
    "shifted": lambda pem: base64.b64encode(b"x" + base64.b64decode(lines_of(pem))).decode(),
    "in-header": lambda pem: "Cert=" + lines_of(pem) + ";Subject=x",
    "second-half": lambda pem: lines_of(pem)[len(lines_of(pem)) // 2 :],
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("which", ["certificate", "key"])
def test_certificates_and_keys_are_hidden_however_they_are_laid_out(
    credentials: Credentials, layout: str, which: str
) -> None:
    pem: str = getattr(credentials, which)
    text = LAYOUTS[layout](pem)

    masked = credentials.redactor.text(text)

    assert len(masked) == len(text)
    secret = lines_of(pem)
    shown = re.sub(r"\\u002B|%2B|&#43;|-(?!-)", "+", re.sub(r"%2F|_", "/", masked))
    left = [window for start in range(len(secret) - 8) if (window := secret[start : start + 8]) in shown]
    assert left == []


def test_what_stands_around_a_certificate_stays(credentials: Credentials) -> None:
    masked = credentials.redactor.text(f"<a>\n{credentials.certificate}</a>")

    assert masked.startswith("<a>\n-----BEGIN CERTIFICATE-----\nmaskedmasked")
    assert masked.endswith("-----END CERTIFICATE-----\n</a>")


def test_the_octets_of_a_certificate_are_hidden(credentials: Credentials) -> None:
    masked = credentials.redactor.data(b"\x00\x01" + credentials.der() + b"\x02")

    assert masked == b"\x00\x01" + (b"masked" * 1000)[: len(credentials.der())] + b"\x02"


def test_what_hid_nothing_is_read_again_once_there_is_more_to_hide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reimage_conformance.redaction.base64_masks._MAX_REMEMBERED", 2)
    texts = [base64.b64encode(f"number {n} {WORD}".encode()).decode() for n in range(4)]
    masks = Base64Masks()
    masks.add_identifier(SECRET, mask_of(SECRET, 1))

    assert [masks.apply(text) for text in texts * 2] == texts * 2
    masks.add_identifier(WORD, mask_of(WORD, 2))
    shown = [base64.b64decode(masks.apply(text)).decode() for text in texts]
    assert all(WORD not in text for text in shown)
    assert [text[:9] for text in shown] == [f"number {n} " for n in range(4)]


def test_another_certificate_keeps_what_is_its_own(credentials: Credentials) -> None:
    other = trustme.CA().cert_pem.bytes().decode()

    masked = credentials.redactor.text(other)

    assert len(masked) == len(other)
    assert sum(a != b for a, b in zip(masked, other, strict=True)) < len(other) / 2


SECRET_LINES = (("Authorization", "Bearer abcdefghijkl"), (" cookie", "id=1; token=zyxwvu"), ("Set-Cookie", "a=b"))


def test_secret_header_lines_are_masked_alike_each_time() -> None:
    redactor = Redactor({})
    request = redactor.request(Request("GET", "/", (*SECRET_LINES, ("Accept", "a"), ("AUTHORIZATION", "Bearer other"))))
    again = redactor.request(Request("GET", "/", (("authorization", "Bearer abcdefghijkl"),)))

    assert request.headers == (
        ("Authorization", "masked-1xxxxxxxxxxx"),
        (" cookie", "masked-2xxxxxxxxxx"),
        ("Set-Cookie", "mas"),
        ("Accept", "a"),
        ("AUTHORIZATION", "masked-3xxxx"),
    )
    assert again.headers == (("authorization", "masked-1xxxxxxxxxxx"),)


def test_credentials_that_come_back_are_masked_with_and_without_their_scheme() -> None:
    redactor = Redactor({})
    exchange = Exchange(
        1, Request("GET", "/", SECRET_LINES), Response(401, body=b"no: Bearer abcdefghijkl; abcdefghijkl")
    )

    reply = redactor.exchange(exchange).reply

    assert reply is not None
    assert reply.body == b"no: masked-1xxxxxxxxxxx; 1xxxxxxxxxxx"


def test_a_text_that_hid_nothing_is_masked_once_a_secret_in_it_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reimage_conformance.redaction.redactor._MAX_KNOWN_TEXTS", 2)
    redactor, texts = Redactor({}), ["no: abcdefghijkl", "nothing", "nothing else"]

    before = [redactor.text(each) for each in texts * 2]
    redactor.learn(Exchange(1, Request("GET", "/", SECRET_LINES), None))

    assert before == texts * 2
    assert [redactor.text(each) for each in texts] == ["no: 1xxxxxxxxxxx", *texts[1:]]


def test_every_part_of_an_exchange_is_redacted() -> None:
    exchange = Exchange(
        7,
        Request("GET", f"/{SECRET}/x", ((SECRET, SECRET),), SECRET.encode()),
        Response(
            400,
            f"no {SECRET}",
            (("Location", f"/{SECRET}"),),
            SECRET.encode(),
            anomalies=(Anomaly(AnomalyKind.OBS_FOLD, SECRET),),
        ),
        Failure(FailureKind.NOT_HTTP, f"it begins with {SECRET}"),
        label=SECRET,
    )

    redacted = REDACTOR.exchange(exchange)

    assert SECRET[:8] not in repr(redacted) + repr(redacted.request.body) + repr(redacted.request.headers)
    assert redacted.response is not None
    assert redacted.response == Response(
        400, f"no {MASK}", (("Location", f"/{MASK}"),), MASK.encode(), anomalies=(Anomaly(AnomalyKind.OBS_FOLD, MASK),)
    )
    assert redacted.request == Request("GET", f"/{MASK}/x", ((MASK, MASK),), MASK.encode())
    assert redacted.failure == Failure(FailureKind.NOT_HTTP, f"it begins with {MASK}")
    assert (redacted.label, redacted.number) == (MASK, 7)


def test_an_exchange_without_secrets_stays_equal() -> None:
    exchange = Exchange(1, Request("GET", "/", (("Host", "h"),)), Response(200, "OK", (("Date", "x"),), b"\xff\x00"))

    assert REDACTOR.exchange(exchange) == exchange
    assert REDACTOR.exchange(replace(exchange, response=None)) == replace(exchange, response=None)


class Chunked:
    """A source whose reply splits a secret over chunks and packets."""

    def __init__(self) -> None:
        body = f"<a>{SECRET}</a>".encode()
        chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (body[:9], body[9:20], body[20:]))
        octets = b"HTTP/1.1 400 Bad\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
        self.packets = [octets[start : start + 7] for start in range(0, len(octets), 7)]

    def receive(self) -> bytes:
        return self.packets.pop(0)

    def linger(self, seconds: float) -> bytes:
        del seconds
        return b""

    def fell_silent(self) -> bool:
        return False


def test_a_secret_split_over_chunks_is_hidden() -> None:
    response = ResponseReader(Chunked(), "GET").read().response

    assert response is not None
    assert REDACTOR.response(response).body == f"<a>{MASK}</a>".encode()


def test_framing_stays_true() -> None:
    body = f"<Error>{quote(SECRET)} &#54;{SECRET[1:]}</Error>".encode()
    response = Response(400, headers=(("Content-Length", str(len(body))),), body=body)

    assert len(REDACTOR.response(response).body) == int(response.headers[0][1])


def test_a_target_is_described_without_its_secrets(tmp_path: Path, credentials: Credentials) -> None:
    (tmp_path / "c.pem").write_text(credentials.certificate)
    (tmp_path / "k.pem").write_text(credentials.key)
    target = Target(
        "rig", "https://h", SECRET, (), client_certificate=tmp_path / "c.pem", client_key=tmp_path / "k.pem",
        second_client_certificate=tmp_path / "missing.pem", other_subscription_id=OTHER,
    )  # fmt: skip
    redactor = Redactor.for_target(target)
    description: dict[str, Any] = {"ids": [SECRET, {"x": OTHER}], "n": 1, "pem": credentials.key, "none": None}

    described = redactor.target_description(description)

    assert described["ids"] == [MASK, {"x": MASK[:-1] + "2"}]
    assert (described["n"], described["none"]) == (1, None)
    assert lines_of(credentials.key)[:40] not in described["pem"]
    assert lines_of(credentials.certificate)[:40] not in redactor.text(credentials.certificate)


def test_a_disabled_redactor_leaves_everything() -> None:
    redactor = Redactor.for_target(Target("rig", "https://h", SECRET, ()), enabled=False)
    exchange = Exchange(1, Request("GET", f"/{SECRET}", SECRET_LINES), Response(200, body=SECRET.encode()))

    assert redactor.exchange(exchange) is exchange
    assert (redactor.text(SECRET), redactor.data(SECRET.encode())) == (SECRET, SECRET.encode())
    assert redactor.target_description({"a": SECRET}) == {"a": SECRET}


def test_a_redactor_does_not_show_what_it_hides() -> None:
    assert SECRET not in repr(REDACTOR)


@given(st.text(st.characters(max_codepoint=255)))
def test_no_text_breaks_it_and_no_length_changes(text: str) -> None:
    assert len(REDACTOR.text(text)) == len(text)
    assert REDACTOR.data(text.encode("latin-1")) == REDACTOR.text(text).encode("latin-1")


@pytest.mark.parametrize("identifier", ["contoso", "CONTOSO-V1", "Role1_IN", "staging", "Instance", SECRET])
def test_an_identifier_that_is_part_of_a_name_is_not_masked(identifier: str) -> None:
    """Masks in names and words that are judged would make a right answer look wrong."""
    deployment = Deployment("contoso", "production", f"contoso-v1-{SECRET}", ("WebRole1_IN_0",))
    redactor = Redactor.for_target(Target("rig", "https://127.0.0.1", identifier, (deployment,)))
    text = f"/{identifier}/services/hostedservices/contoso/deploymentslots/staging/roleinstances/WebRole1_IN_0"

    assert redactor.text(text) == text


def test_an_identifier_in_the_name_of_the_target_is_masked() -> None:
    redactor = Redactor.for_target(Target(f"rig of {SECRET}", f"https://{SECRET}.test", SECRET, ()))

    assert SECRET not in redactor.text(f"rig of {SECRET} at https://{SECRET}.test")


def test_an_identifier_beside_those_of_names_is_masked() -> None:
    deployment = Deployment("contoso", "production", "contoso-v1", ("WebRole1_IN_0",))
    target = Target("rig", "https://127.0.0.1", "contoso", (deployment,), other_subscription_id="contoso-2")

    assert (
        Redactor.for_target(target).text("/contoso/services /contoso-2/services")
        == "/contoso/services /masked-1x/services"
    )
