"""Endpoints with nothing behind them are never conformant, and none of their refusals counts as met."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from hollow_endpoints import GATEWAYS, HOLLOW, hollow_target, serve_gateway, serve_hollow
from reimage_conformance.catalogue import CATALOGUE
from reimage_conformance.cli import main

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", HOLLOW)
def test_a_hollow_endpoint_is_never_conformant(name: str, tmp_path: Path) -> None:
    with serve_hollow(name) as port:
        target = hollow_target(tmp_path, port)
        words = ["run", str(target), "--profile", "smoke", "--no-preflight", "--report-dir", str(tmp_path / "report")]
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "reimage_conformance.cli", *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
    results = json.loads((tmp_path / "report" / "results.json").read_text())
    assert done.returncode in (1, 6), done.stdout
    assert results["run"]["verdict"] in ("nonconformant", "incomplete")
    met = {row["id"] for row in results["requirements"] if row["outcome"] == "met"}
    refusals = {name for name, requirement in CATALOGUE.items() if requirement.control}
    assert len(refusals) > 20
    # A header that no request of the run could have broken says nothing about refusals.
    assert met & refusals <= {"REQ-ASYNC-REQID-ERRORS", "REQ-ERR-BODY-FORMAT", "REQ-ERR-CT"}
    assert [case for case in results["cases"] if case["outcome"] == "error"] == []


LIVE = ("403-tls", "404-router", "502-empty-closing", "login-page", "503")
"""Gateways that are tried with sockets; `test_fronts.py` judges what all of them answer."""


@pytest.mark.parametrize("name", LIVE)
def test_what_a_gateway_answers_by_itself_is_held_against_nobody(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = GATEWAYS[name].told
    with serve_gateway(name, tmp_path) as target:
        words = ["run", str(target), "--profile", "smoke", "--no-preflight", "--report-dir", str(tmp_path / "report")]
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "reimage_conformance.cli", *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
    results = json.loads((tmp_path / "report" / "results.json").read_text())

    assert done.returncode == 6, done.stdout
    assert "Nothing could be judged: every valid request is answered" in done.stdout
    assert told in results["run"]["reason"]
    assert {row["outcome"] for row in results["requirements"]}.isdisjoint({"met", "violated", "advisory"})
    assert {case["outcome"] for case in results["cases"]}.isdisjoint({"violated", "advisory", "met", "error"})
    assert results["summary"]["requests"] < 60
    assert results["findings"] == []
    (tmp_path / "again").mkdir()
    assert main(["report", str(tmp_path / "report" / "journal.jsonl"), "--report-dir", str(tmp_path / "again")]) == 6
    assert json.loads((tmp_path / "again" / "results.json").read_text()) == results
    assert told in capsys.readouterr().out.replace("\n", " ")
