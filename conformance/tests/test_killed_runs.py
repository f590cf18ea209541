"""Runs that are killed: nothing that was journalled is lost."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import killing
from reimage_conformance.commands.case_files import cases_folder
from reimage_conformance.journal import read_journal
from reimage_conformance.pytest_plugin.run import CONNECTIONS_ON_LOOPBACK
from reimage_conformance.replay import regenerate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

REPORTS = ("report.html", "results.json", "junit.xml", "summary.md")
KILLS, OVER_SOCKETS = (100, 12) if "KILLS_ALL" in os.environ else (24, 4)
"""How many runs are killed, and how many of them are whole commands over sockets; the others run in memory. With KILLS_ALL set, more."""


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Path]:
    """The folders of runs that were killed at random moments."""
    chance = random.Random(7)  # noqa: S311  no secret
    folders = []
    for _ in range(OVER_SOCKETS):
        folder = tmp_path_factory.mktemp("killed")
        kill_one(folder, chance.uniform(0.0, 1.0) ** 2 * 3.0)
        folders.append(folder)
    in_memory = tmp_path_factory.mktemp("killed-in-memory")
    rest = KILLS - OVER_SOCKETS
    words = [sys.executable, killing.__file__, str(in_memory), str(rest), "7"]
    subprocess.run(words, check=True, cwd=cases_folder().parent, timeout=600)  # noqa: S603
    return folders + [in_memory / str(number) for number in range(rest)]


def kill_one(folder: Path, seconds: float) -> None:
    """Start a run and kill it so long after its journal began."""
    root = cases_folder()
    words = [
        sys.executable,
        "-m",
        "reimage_conformance.cli",
        "run",
        "--report-dir",
        str(folder),
        "--",
        "-q",
        "-p",
        "no:cacheprovider",
    ]
    with (folder / "console.txt").open("wb") as console:
        process = subprocess.Popen(words, stdout=console, stderr=console, cwd=root.parent)  # noqa: S603
        try:
            wait_for_header(folder / "journal.jsonl", process)
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
        finally:
            process.kill()
            process.wait()


def wait_for_header(journal: Path, process: subprocess.Popen[bytes]) -> None:
    """Wait until the journal has its first line."""
    for _ in range(3000):
        if journal.exists() and b"\n" in journal.read_bytes()[:100_000]:
            return
        try:
            process.wait(timeout=0.02)
        except subprocess.TimeoutExpired:
            continue
        pytest.fail(f"the run ended early: {(journal.parent / 'console.txt').read_text()[-400:]}")
    pytest.fail("the run began no journal")


def test_killed_runs_keep_every_whole_line_and_give_all_reports(killed: Sequence[Path], tmp_path: Path) -> None:
    assert len(killed) == KILLS
    for number, folder in enumerate(killed):
        lines = (folder / "journal.jsonl").read_bytes().split(b"\n")
        exchanges = [json.loads(line)["number"] for line in lines[:-1] if line.startswith(b'{"type":"exchange"')]

        code = regenerate(folder / "journal.jsonl", tmp_path / str(number))

        journal = read_journal(folder / "journal.jsonl")
        assert list(journal.exchanges) == exchanges
        assert len(set(exchanges)) == len(exchanges)
        under_way = set(range(1, max(exchanges, default=0) + 1)) - set(exchanges)
        assert len(under_way) < CONNECTIONS_ON_LOOPBACK, "only what was under way at the kill is missing"
        assert {file.name for file in (tmp_path / str(number)).iterdir()} == set(REPORTS)
        results = json.loads((tmp_path / str(number) / "results.json").read_text())
        assert results["summary"]["requests"] == len(exchanges)
        assert results["run"]["interrupted"] is not journal.complete
        assert code in (0, 1, 6) if journal.complete else code in (1, 6)
        assert not results["findings"], "the emulator conforms, and a kill accuses nobody"


def test_most_runs_were_killed_in_the_middle_and_at_moments_of_their_own(killed: Sequence[Path]) -> None:
    found = [read_journal(folder / "journal.jsonl") for folder in killed]
    cut_short = [len(journal.exchanges) for journal in found if journal.exchanges and not journal.complete]

    assert len(cut_short) > KILLS / 2
    assert len(set(cut_short)) > KILLS / 4
