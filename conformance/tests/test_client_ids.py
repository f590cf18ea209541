"""The ids by which requests are found in the endpoint's log: on sound messages alone, beside the request, in reports and journals."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from reimage_conformance.cli import main
from reimage_conformance.emulator import Emulator, serve
from reimage_conformance.journal import read_journal
from reimage_conformance.model import Exchange, Request
from reimage_conformance.report.http_text import exchange_lines
from reimage_conformance.wire.client_ids import HEADER, with_client_id

if TYPE_CHECKING:
    from pathlib import Path

SOUND = Request("POST", "/s?comp=reimage", (("Host", "h"), ("Content-Length", "0")))


def test_a_sound_request_carries_the_run_and_the_exchange() -> None:
    sent, name = with_client_id(SOUND, "run", 12)

    assert name == "run-12"
    assert sent == replace(SOUND, headers=(*SOUND.headers, (HEADER, "run-12")))


def test_without_a_run_nothing_is_added() -> None:
    assert with_client_id(SOUND, "", 12) == (SOUND, "")


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(replace(SOUND, headers=(("Host", "h"), ("x", "a\r\n b"))), id="folded"),
        pytest.param(replace(SOUND, headers=(("Host ", "h"),)), id="space before the colon"),
        pytest.param(replace(SOUND, headers=(("Host", "h"), ("x", "\x00"))), id="control"),
        pytest.param(replace(SOUND, headers=(("Host", "h"), ("x", "y" * 9_000))), id="long"),
        pytest.param(replace(SOUND, headers=()), id="no header lines"),
        pytest.param(replace(SOUND, http_version="HTTP/2.0"), id="another version"),
        pytest.param(replace(SOUND, headers=(("Host", "h"), ("X-MS-Client-Request-Id", "mine"))), id="has one"),
    ],
)
def test_a_message_that_is_judged_by_its_lines_goes_out_as_it_is(request_: Request) -> None:
    assert with_client_id(request_, "run", 1) == (request_, "")


def test_a_report_shows_the_id_as_it_was_sent() -> None:
    lines = [line.text for line in exchange_lines(Exchange(1, SOUND, None, client_request_id="run-1"))]

    assert f"{HEADER}: run-1" in lines


def test_a_run_that_asks_for_ids_sends_them_and_judges_as_ever(tmp_path: Path) -> None:
    with serve(Emulator(0.2)) as running:
        target = running.write_target(tmp_path)
        text = target.read_text(encoding="utf-8")
        target.write_text(text.replace("[target]\n", "[target]\nclient_request_id = true\n", 1), encoding="utf-8")
        folder = tmp_path / "run"
        assert main(["run", str(target), "--profile", "smoke", "--report-dir", str(folder)]) == 0

    journal = read_journal(folder / "journal.jsonl")
    named = [each for each in journal.exchanges.values() if each.client_request_id]
    assert {each.client_request_id for each in named} == {f"{journal.header['id']}-{each.number}" for each in named}
    assert len(named) > 0.8 * len([each for each in journal.exchanges.values() if each.label != "probe"])
    assert not any(each.request.values(HEADER) for each in named)
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert results["findings"] == []
    assert re.search(rf"{HEADER}: {journal.header['id']}-\d+", (folder / "report.html").read_text(encoding="utf-8"))
