"""Header lines that carry secrets: masked by their name, sought wherever they come back; what is judged stays readable."""

from __future__ import annotations

import base64
import html
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest

from reimage_conformance.model import Deployment, Exchange, Request, Response, Target
from reimage_conformance.redaction.echoes import EchoMasks
from reimage_conformance.redaction.redactor import Redactor

if TYPE_CHECKING:
    from collections.abc import Callable

VALUE = "k3y/with+odd&<chars>=9"
TARGET = Target("rig", "https://rig.example", "6a8b7c2e-f1d0-4a3b-9c5d-e7f8a9b0c1d2", (
    Deployment("contoso", "production", "contoso-v1", ("WebRole1_IN_0",)),
))  # fmt: skip

SECRET_NAMES = (
    "Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "X-Api-Key", "Ocp-Apim-Subscription-Key", "X-Auth-Token",
    "X-Client-Cert", "x-amz-security-token", "X-Client-Secret", "X-SESSION-ID", "X-ARR-ClientCert", "x-functions-key",
    "X-Password", "X-Credential", "X-Api-Signature", "X-CSRF-Value", "X-JWT", "X-MS-Client-Principal",
)  # fmt: skip
OPEN_NAMES = (
    "x-ms-request-id", "x-ms-version", "Content-Type", "Content-Length", "Date", "Server", "Host", "Location",
    "Cache-Control", "Keep-Alive", "Strict-Transport-Security", "Retry-After", "Via",
)  # fmt: skip


def exchange(
    request: tuple[tuple[str, str], ...] = (), response: tuple[tuple[str, str], ...] = (), body: str = ""
) -> Exchange:
    return Exchange(
        1, Request("GET", "/s/operations/1", request), Response(200, "OK", response, body.encode("latin-1"))
    )


@pytest.mark.parametrize("name", SECRET_NAMES)
@pytest.mark.parametrize("side", ["request", "response"])
def test_a_header_named_after_a_secret_is_masked(name: str, side: str) -> None:
    lines = ((name, VALUE),)
    masked = Redactor({}).exchange(exchange(lines) if side == "request" else exchange(response=lines))

    found = masked.request if side == "request" else masked.response
    assert found is not None
    assert found.headers == ((name, "masked-1".ljust(len(VALUE), "x")),)


@pytest.mark.parametrize("name", OPEN_NAMES)
def test_a_header_that_is_judged_stays_readable(name: str) -> None:
    sent = exchange(response=((name, VALUE),), body=VALUE)

    assert Redactor({}).exchange(sent) == sent


PARAMETERS = {
    "/s/x?comp=reimage&sig=Zm9v%2Fbar9": "/s/x?comp=reimage&sig=masked-1xxx",
    "/s/x?access_token=a1b2c3d4e5&comp=reimage": "/s/x?access_token=masked-1xx&comp=reimage",
    "/s/x?code=pin4&comp=reimage": "/s/x?code=mask&comp=reimage",
    "/s/x?Subscription-Key=k1k2k3k4k5#top": "/s/x?Subscription-Key=masked-1xx#top",
    "/s/x?comp=reimage&embed-detail=true&resources=allLocalDrives": "/s/x?comp=reimage&embed-detail=true&resources=allLocalDrives",
    "/token=abc/x?comp=reimage&sig": "/token=abc/x?comp=reimage&sig",
}  # fmt: skip


@pytest.mark.parametrize("target", PARAMETERS)
def test_secret_parameters_of_a_query_are_masked(target: str) -> None:
    lines = (("Location", f"https://eu.rig.example{target}"),)
    sent = Exchange(1, Request("POST", target, ()), Response(307, "Moved", lines))

    masked = Redactor({}).exchange(sent)

    assert masked.request.target == PARAMETERS[target]
    assert masked.response is not None
    assert masked.response.headers == (("Location", f"https://eu.rig.example{PARAMETERS[target]}"),)


def test_a_secret_parameter_that_comes_back_is_masked() -> None:
    sent = Exchange(1, Request("GET", "/s/x?sig=Zm9v%2Fbar9%3D", ()), Response(400, "No", (), b"no such: Zm9v/bar9="))

    masked = Redactor({}).exchange(sent)

    assert masked.response is not None
    assert b"bar9" not in masked.response.body


ADDRESSES = {
    ("X-Forwarded-For", "203.0.113.7"): "masked-1xxx",
    ("x-forwarded-for", "203.0.113.7, 198.51.100.9:4711"): "masked-1xxx, masked-2xxxxxxxxx",
    ("X-Real-IP", "2001:db8::7"): "masked-1xxx",
    ("Forwarded", 'for="[2001:db8::7]:4711";proto=https;by=203.0.113.43'): 'for="masked-1xxxxxxxxxx";proto=https;by=masked-2xxxx',
    ("Forwarded", "for=192.0.2.60, For=198.51.100.17;host=inner"): "for=masked-1xx, For=masked-2xxxxx;host=maske",
}  # fmt: skip


@pytest.mark.parametrize("line", ADDRESSES)
def test_addresses_are_masked_and_nothing_around_them(line: tuple[str, str]) -> None:
    masked = Redactor({}).exchange(exchange((line,)))

    assert masked.request.headers == ((line[0], ADDRESSES[line]),)


@pytest.mark.parametrize("line", [("X-Forwarded-For", "203.0.113.7:80"), ("Forwarded", 'for="203.0.113.7:80"')])
def test_an_address_that_comes_back_is_masked(line: tuple[str, str]) -> None:
    masked = Redactor({}).exchange(exchange((line,), body="no access from 203.0.113.7."))

    assert masked.response is not None
    assert b"203.0" not in masked.response.body
    assert masked.response.body[:15] + masked.response.body[-1:] == b"no access from ."


FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "percent": lambda value: quote(value, safe=""),
    "lower percent": lambda value: re.sub("%..", lambda escape: escape[0].lower(), quote(value, safe="")),
    "path": quote,
    "form": quote_plus,
    "twice percent": lambda value: quote(quote(value, safe=""), safe=""),
    "html": html.escape,
    "json": lambda value: json.dumps(value)[1:-1],
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "base64 among others": lambda value: base64.b64encode(b"user:" + value.encode() + b";").decode(),
    "url-safe base64": lambda value: base64.urlsafe_b64encode(value.encode()).decode(),
    "hexadecimal": lambda value: value.encode().hex(),
    "references": lambda value: "".join(f"&#{ord(character)};" for character in value),
    "utf-16": lambda value: value.encode("utf-16-le").decode("latin-1"),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["Authorization", "X-Api-Key", "X-Auth-Token"])
def test_a_secret_that_comes_back_is_masked_in_every_encoding(form: str, name: str) -> None:
    told = FORMS[form](VALUE)
    value = f"Bearer {VALUE}" if name == "Authorization" else VALUE

    masked = Redactor({}).exchange(exchange(((name, value),), body=f"<a>{told}</a>"))

    assert masked.response is not None
    shown = masked.response.body.decode("latin-1")
    assert len(shown) == len(told) + 7
    assert shown.startswith("<a>")
    assert told[4:12] not in shown


PARTS = {
    "Authorization": ("Basic " + base64.b64encode(b"operator:hunter2-hunter2").decode(), "hunter2-hunter2"),
    "Cookie": ("a=1; session=t0ps3cr3t-c00kie", "t0ps3cr3t-c00kie"),
    "Set-Cookie": ("ARRAffinity=4ff1n1ty4ff1n1ty; Path=/; Domain=rig7.example", "4ff1n1ty4ff1n1ty"),
    "X-Client-Cert": ("Hash=0123abcd4567ef89;Subject=CN", "0123abcd4567ef89"),
}


@pytest.mark.parametrize("name", PARTS)
def test_a_part_of_a_secret_is_sought_too(name: str) -> None:
    value, part = PARTS[name]
    masked = Redactor({}).exchange(exchange(((name, value),), body=f"it was {part}, at rig7.example"))

    assert masked.response is not None
    assert part.encode() not in masked.response.body
    assert masked.response.body.endswith(b", at rig7.example")


OPEN_VALUES = (
    "Succeeded", "InProgress", "ResourceNotFound", "application/xml", "2011-10-01", "20111001", "contoso-v1", "WebRole1_IN_0",
    "rig.example", "0123456789abcdef0123456789abcdef", "01234567-89ab-cdef-0123-456789abcdef", "Thu, 01 Jan 2026 00:00:00 GMT",
)  # fmt: skip


@pytest.mark.parametrize("value", OPEN_VALUES)
def test_what_replies_are_judged_by_is_no_secret_wherever_else_it_stands(value: str) -> None:
    redactor = Redactor.for_target(TARGET)
    identified = ("x-ms-request-id", "0123456789abcdef0123456789abcdef")
    masked = redactor.exchange(
        exchange(response=(("X-Auth-Session", value), identified), body=f"<Status>{value}</Status>")
    )

    assert masked.response is not None
    assert masked.response.headers[0][1] != value
    assert masked.response.body == f"<Status>{value}</Status>".encode()


def test_what_was_learnt_is_masked_in_what_came_before() -> None:
    early, late = exchange(body=f"use {VALUE}"), exchange((("X-Api-Key", VALUE),))
    redactor = Redactor({})
    redactor.learn(late)

    masked = redactor.exchange(early)

    assert masked.response is not None
    assert VALUE.encode() not in masked.response.body


def test_only_so_many_secrets_are_sought(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reimage_conformance.redaction.echoes.MAX_ECHOES", 2)
    masks = EchoMasks()

    assert [masks.add(f"secret-{n}-secret", "m" * 15) for n in (1, 1, 2, 3)] == [True, False, True, False]
    assert masks.apply("secret-2-secret, secret-3-secret") == "m" * 15 + ", secret-3-secret"
