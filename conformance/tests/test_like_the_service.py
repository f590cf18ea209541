"""The emulator with the manners of the historical service: what its published clients send is served, and nobody accuses it."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING

import pytest

from emulator_script import NEEDED, SERVICES, octets, place
from memory_runs import run_in_memory
from reimage_conformance import cli
from reimage_conformance.config import load_target
from reimage_conformance.credentials.reading import read_credential
from reimage_conformance.emulator import LIKE_THE_SERVICE, ODDITIES, Emulator, Send, emulator_with, serve, with_manners
from reimage_conformance.emulator.layouts import MAIN
from reimage_conformance.model import Identity

if TYPE_CHECKING:
    from pathlib import Path

ATOM = "application/atom+xml;type=entry;charset=utf-8"
MANNERS = {
    "a slot in capitals": octets("POST", place("WebRole1_IN_1", where="Production")),
    "another slot in capitals": octets("POST", place("StagingRole1_IN_0", where="STAGING")),
    "atom+xml": octets("POST", place("WebRole1_IN_1", "name"), Content_Type=ATOM, x_ms_version="2014-10-01"),
    "no Content-Type": octets("POST", place("WebRole1_IN_1"), Content_Type=None, x_ms_version="2015-04-01"),
    "the first version with a reimage": octets("POST", place("WebRole1_IN_1"), x_ms_version="2010-10-28"),
    "the last version of a client": octets("POST", place("WebRole1_IN_1"), x_ms_version="2017-01-01"),
    "a version of later days": octets("POST", place("WebRole1_IN_1"), x_ms_version="2016-06-01"),
    "a slash before the query": octets("POST", place("WebRole1_IN_1", comp="/?comp=reimage")),
    "an absolute request target": octets("POST", f"https://localhost{place('WebRole1_IN_1')}"),
}
"""What clients of the period send, each a request for a reimage."""


def answer(request: bytes, *, like_the_service: bool = True) -> bytes:
    emulator = emulator_with(5.0, oddities=with_manners((), like_the_service=like_the_service), clock=lambda: 1000.0)
    return b"".join(each.data for each in emulator.connect().receive(request) if isinstance(each, Send))


@pytest.mark.parametrize("manner", MANNERS)
def test_a_reimage_as_clients_ask_for_it_is_accepted(manner: str) -> None:
    assert answer(MANNERS[manner])[:13] == b"HTTP/1.1 202 "


@pytest.mark.parametrize("request_", [octets("POST", place("WebRole1_IN_1"), b"<x/>"), octets("PUT", place("x"))])
def test_what_no_client_sends_is_refused_as_ever(request_: bytes) -> None:
    assert answer(request_)[:10] == b"HTTP/1.1 4"


@pytest.mark.parametrize("wanted", ["true", "True"])
def test_details_are_embedded_in_any_case(wanted: str) -> None:
    shown = answer(octets("GET", f"{SERVICES}/contoso?embed-detail={wanted}"))

    assert b"<Deployments>" in shown
    assert f"<Url>https://{NEEDED['Host']}{SERVICES}/contoso</Url>".encode() in shown


def test_fields_are_those_of_the_service() -> None:
    early, late = (
        answer(octets("GET", f"{SERVICES}/contoso", x_ms_version=each)) for each in ("2014-06-01", "2015-04-01")
    )

    assert b"\r\nx-ms-servedbyregion: " in early
    assert b"Strict-Transport-Security" not in early
    assert b"\r\nStrict-Transport-Security: " in late


def test_without_the_word_the_emulator_goes_by_the_document() -> None:
    assert answer(MANNERS["atom+xml"], like_the_service=False)[:13] == b"HTTP/1.1 415 "


def test_the_words_can_be_combined() -> None:
    assert set(LIKE_THE_SERVICE) <= set(ODDITIES)
    assert with_manners(("ids-dashed", "slash-before-query"), like_the_service=True) == (
        *LIKE_THE_SERVICE,
        "ids-dashed",
    )
    assert with_manners(("ids-dashed",), like_the_service=False) == ("ids-dashed",)


def test_nobody_accuses_it_who_judges_leniently(tmp_path: Path) -> None:
    words = ("--like-the-service", "--strictness", "lenient", "--profile", "smoke", "--world", "two-instances")
    code = run_in_memory(tmp_path / "run", *words)
    told = json.loads((tmp_path / "run" / "results.json").read_text())

    assert code == 0
    assert [row["id"] for row in told["requirements"] if row["outcome"] in ("violated", "advisory")] == []
    assert told["summary"]["met"] > 50


def test_a_target_file_leaves_no_room_for_manners(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "rig.toml").touch()

    assert cli.main(["run", "--like-the-service", str(tmp_path / "rig.toml")]) == cli.WRONG_USAGE
    assert "--like-the-service change the embedded emulator" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["client-and-key.pem", "publishsettings"])
def test_each_form_of_the_certificate_opens_the_emulator(tmp_path: Path, name: str) -> None:
    with serve(Emulator(0.05)) as running:
        file = running.write_target(tmp_path / "rig.toml")
    text = file.read_text().replace('"rig.client.pem"', f'"rig.{name}"')
    other = tmp_path / "other.toml"
    other.write_text("\n".join(line for line in text.splitlines() if not line.startswith("client_key")))
    one, same = (read_credential(load_target(each), Identity.PRIMARY) for each in (file, other))

    assert one is not None
    assert same is not None
    assert same.certificate == one.certificate
    assert (tmp_path / f"rig.{name}").stat().st_mode & 0o077 == 0
    assert tomllib.loads(file.read_text())["target"]["subscription_id"] == MAIN


def test_publish_settings_lead_to_the_emulator(tmp_path: Path) -> None:
    with serve(Emulator(0.05)) as running:
        running.write_target(tmp_path / "rig.toml")
        address = running.base_url
    text = (tmp_path / "rig.publishsettings").read_text()

    assert f'ServiceManagementUrl="{address}" Id="{MAIN}"' in text
    assert 'SchemaVersion="2.0"' in text
