"""Runs in memory that are killed at random moments, each forked from one process that has imported everything.

`python -m conformance.tests.killing FOLDER COUNT SEED` leaves the journals in FOLDER/0, FOLDER/1 and so on.
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

import conformance.plugin  # noqa: F401  imported once, before the first fork
from conformance.commands.case_files import cases_folder
from conformance.commands.run import LEAN

PATIENCE = 30.0
LATEST = 2.0
"""A run in the profile smoke is nearly over by then; seconds."""


def kill_runs(folder: Path, count: int, seed: int) -> None:
    """Start `count` runs one after another and kill each at a random moment after its journal began."""
    chance = random.Random(seed)  # noqa: S311  no secret
    for number in range(count):
        run_and_kill(folder / str(number), chance.uniform(0.0, LATEST))


def run_and_kill(folder: Path, seconds: float) -> None:
    """Start one run and kill it so long after its journal began; raises RuntimeError where none begins."""
    child = os.fork()
    if child == 0:
        run(folder)
    try:
        wait_for(folder / "journal.jsonl")
        time.sleep(seconds)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def run(folder: Path) -> None:
    """The whole run, in a child that never returns."""
    root = cases_folder()
    line = [str(root), f"--rootdir={root.parent}", "--in-memory", "--profile", "smoke", *LEAN, "-p", "no:cacheprovider"]
    try:
        with Path(os.devnull).open("w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
            pytest.main([*line, "-o", "addopts=", "--report-dir", str(folder)])
    except BaseException:  # noqa: BLE001  whatever it is, the child is not to go on as its parent
        traceback.print_exc()
    finally:
        os._exit(0)


def wait_for(journal: Path) -> None:
    """Wait until the journal has its first line."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if journal.exists() and b"\n" in journal.read_bytes():
            return
        time.sleep(0.005)
    raise RuntimeError(f"{journal} did not begin")


if __name__ == "__main__":
    kill_runs(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
