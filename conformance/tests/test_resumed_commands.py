"""Whole commands over sockets that are killed, and gone on with by `run --resume`."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from reimage_conformance.commands.case_files import cases_folder
from reimage_conformance.emulator import Emulator, serve

if TYPE_CHECKING:
    from pathlib import Path

OPERATION_SECONDS = 3.0
REIMAGES = 6
CASES = "test_response or test_instances or test_versions"
PATIENCE_SECONDS = 60.0


def command(target: Path, *words: str) -> list[str]:
    line = [sys.executable, "-m", "reimage_conformance", "run", str(target), "--max-reimages", str(REIMAGES), *words]
    return [*line, "--", "-q", "-p", "no:cacheprovider", "-k", CASES]


def killed_when(journal: Path, words: list[str], text: bytes, times: int) -> None:
    """Starts a command, and kills it once its journal holds a text so often."""
    with subprocess.Popen(words, cwd=cases_folder().parent, stdout=subprocess.DEVNULL) as process:  # noqa: S603
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (journal.exists() and journal.read_bytes().count(text) >= times) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.kill()
    assert process.returncode == -9, "it was not over by then"


@pytest.mark.parametrize(
    ("text", "times"), [(b'"type":"operation"', 1), (b'"type":"watched"', 1)], ids=["as-one-begins", "as-one-is-back"]
)
def test_a_killed_command_goes_on_and_spends_no_reimage_twice(tmp_path: Path, text: bytes, times: int) -> None:
    emulator, folder = Emulator(OPERATION_SECONDS), tmp_path / "reports"
    with serve(emulator) as running:
        target = running.write_target(tmp_path)
        killed_when(folder / "journal.jsonl", command(target, "--report-dir", str(folder)), text, times)
        done = subprocess.run(  # noqa: S603
            command(target, "--resume", str(folder)),
            cwd=cases_folder().parent,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))

    assert done.returncode == 0, done.stdout + done.stderr
    assert results["findings"] == []
    assert results["run"]["verdict"] == "partial", "most cases were not chosen"
    assert results["summary"]["inconclusive"] == 0
    assert len(emulator.world.operations) <= results["summary"]["reimages"] <= REIMAGES
    places = [(each["deployment"], each["role_instance"], each["form"]) for each in results["operations"]]
    assert len(places) == len(set(places)), "no step was accepted twice"


def test_an_endpoint_that_is_gone_leaves_the_earlier_part_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    with serve(Emulator(OPERATION_SECONDS)) as running:
        target = running.write_target(tmp_path)
        killed_when(folder / "journal.jsonl", command(target, "--report-dir", str(folder)), b'"type":"case-end"', 1)
    before = (folder / "journal.jsonl").read_bytes()
    line = command(target, "--resume", str(folder))
    done = subprocess.run(line, cwd=cases_folder().parent, capture_output=True, check=False, timeout=PATIENCE_SECONDS)  # noqa: S603

    assert done.returncode == 6
    assert (folder / "journal.jsonl").read_bytes() == before
