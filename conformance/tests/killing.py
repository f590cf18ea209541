"""Runs in memory that are killed at random moments, each forked from one process that has imported everything.

`python conformance/tests/killing.py FOLDER COUNT SEED` leaves the journals in FOLDER/0, FOLDER/1 and so on.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sys
import time
import traceback
from pathlib import Path

import pytest

import reimage_conformance.pytest_plugin  # noqa: F401  imported once, before the first fork
from reimage_conformance.commands.case_files import cases_folder
from reimage_conformance.commands.run import LEAN

PATIENCE = 30.0
MOST_LINES = 600
"""So many lines these cases write for sure; later moments are left to whole commands."""
CASES = "test_addresses.py"
"""One file of cases, for it takes little time to collect."""


def kill_runs(folder: Path, count: int, seed: int) -> None:
    """Start `count` runs one after another and kill each at a random moment, told by how far its journal has come."""
    chance = random.Random(seed)  # noqa: S311  no secret
    for number in range(count):
        run_and_kill(folder / str(number), chance.randint(1, MOST_LINES))


def run_and_kill(folder: Path, lines: int) -> None:
    """Start one run and kill it once its journal has so many lines; raises RuntimeError where it does not get there."""
    child = os.fork()
    if child == 0:
        run(folder)
    try:
        wait_for(folder / "journal.jsonl", lines)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def run(folder: Path) -> None:
    """The whole run, in a child that never returns."""
    root = cases_folder()
    line = [str(root / CASES), f"--rootdir={root.parent}", "--in-memory", *LEAN, "-p", "no:cacheprovider"]
    try:
        with Path(os.devnull).open("w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
            pytest.main([*line, "--report-dir", str(folder)])
    except BaseException:  # noqa: BLE001  whatever it is, the child is not to go on as its parent
        traceback.print_exc()
    finally:
        os._exit(0)


def wait_for(journal: Path, lines: int) -> None:
    """Wait until the journal has so many lines."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if journal.exists() and journal.read_bytes().count(b"\n") >= lines:
            return
        time.sleep(0.005)
    raise RuntimeError(f"{journal} has fewer than {lines} lines")


if __name__ == "__main__":
    kill_runs(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
