"""Endpoints that conform and dislike company, judged over TLS sockets: none is accused, each run ends, and narrows where it has to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from reimage_conformance.emulator import ODDITIES

if TYPE_CHECKING:
    from pathlib import Path

EVERYTHING = "COMPANY_ALL" in os.environ
"""With this set every such oddity is judged, in the standard profile; else some are, in the smoke profile."""
ALL = tuple(name for name, each in ODDITIES.items() if each.simultaneous is not None)
FEW = ("one-connection-at-a-time", "third-connection-reset", "throttled-by-number-503")
NAMES = ALL if EVERYTHING else FEW
UNTOUCHED = (
    "one-request-at-a-time",
    "closed-when-idle",
    "dropped-when-idle",
    "closed-after-ten",
    "answers-overtake-each-other",
)
"""These take as many connections as come, so that nothing has to be narrowed."""
LONGEST_SECONDS = 240


def run(name: str, folder: Path) -> tuple[int, dict[str, Any], str]:
    """The exit code of a run against an emulator with one oddity, its results and its notes."""
    words = ["run", "--oddity", name, "--report-dir", str(folder), *([] if EVERYTHING else ["--profile", "smoke"])]
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "reimage_conformance.cli", *words],
        capture_output=True,
        check=False,
        timeout=LONGEST_SECONDS,
    )
    events = [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]
    notes = " ".join(event["text"] for event in events if event["type"] == "note")
    return done.returncode, json.loads((folder / "results.json").read_text()), notes


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, dict[str, Any], str]]:
    """How each run ended; they mostly wait, so they run beside each other."""
    folder = tmp_path_factory.mktemp("company")
    with ThreadPoolExecutor(2 if EVERYTHING else len(NAMES)) as pool:
        return dict(zip(NAMES, pool.map(lambda name: run(name, folder / name), NAMES), strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_an_endpoint_that_dislikes_company_is_not_accused(
    ended: dict[str, tuple[int, dict[str, Any], str]], name: str
) -> None:
    code, results, _ = ended[name]
    told = {row["id"]: row for row in results["requirements"] if row["outcome"] in ("violated", "advisory")}
    undecided = {row["id"]: row["reason"] for row in results["requirements"] if row["outcome"] == "inconclusive"}

    assert told == {}
    assert undecided == {}
    assert [case for case in results["cases"] if case["outcome"] == "error"] == []
    assert code == 0


@pytest.mark.parametrize("name", NAMES)
def test_a_run_narrows_itself_where_it_has_to_and_says_how_wide_it_ran(
    ended: dict[str, tuple[int, dict[str, Any], str]], name: str
) -> None:
    notes = ended[name][2]

    assert ("of 8 connections were used at the same time: " in notes) == (name not in UNTOUCHED)
