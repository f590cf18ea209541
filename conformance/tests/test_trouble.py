"""Trouble ends: runs, as users start them, against endpoints that leave requests unanswered, never end, or go away."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from troubled_endpoints import TROUBLES, troubled

EVERYTHING = "TROUBLE_ALL" in os.environ
"""With this set every kind of trouble is tried, in the standard profile and with the usual patience."""
MOST_SECONDS, MOST_MEGABYTES = 45, 300
VIOLATED, INCOMPLETE = 1, 6
BACK = ("503 for 8 s", "goes away for 8 s", "falls silent for 8 s", "resets for 8 s", "conforms")
"""These end with exit code 0: the endpoint conforms when it is there."""
FOUND = {
    "reimages are never answered": {"REQ-REIMAGE-202"},
    "accepted reimages are never answered": {"REQ-REIMAGE-202"},
    "refused reimages are never answered": {"REQ-REIMAGE-UNKNOWN-INSTANCE", "REQ-REIMAGE-SLOT-OTHER"},
    "polls are never answered": {"REQ-GOS-200"},
    "cuts short after a while": {"REQ-HTTP-FRAMING"},
    "bodies are cut short after a look": {"REQ-HTTP-FRAMING"},
}
"""What is found, one of these at least, before the trouble is given up, so that these end with exit code 1."""
UNDECIDED = ("every tenth request is never answered", "refusals are never answered")
"""Whether something is found depends on which requests these are."""
FEW = (
    "never answers",
    "drips after a look",
    "bodies without end after a look",
    "503 after a look, Retry-After 86400",
    "goes away for 3 s",
)
REPORTS = {"journal.jsonl", "results.json", "report.html", "junit.xml", "summary.md"}


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run against an endpoint in trouble ended."""

    exit_code: int
    seconds: float
    megabytes: float
    reports: frozenset[str]
    results: dict[str, Any]
    told: str


def run(name: str, folder: Path) -> Ended:
    """A run of the suite against one endpoint in trouble."""
    folder.mkdir()
    words = [] if EVERYTHING else ["--profile", "smoke", "--patience", "8"]
    with troubled(TROUBLES[name], folder) as target, (folder / "told").open("w") as told:
        line = [
            sys.executable,
            "-m",
            "reimage_conformance.cli",
            "run",
            str(target),
            "--report-dir",
            str(folder / "reports"),
        ]
        began = time.monotonic()
        process = subprocess.Popen([*line, *words], stdout=told, stderr=told)  # noqa: S603
        megabytes = most_megabytes(process)
        seconds = time.monotonic() - began
    results = folder / "reports" / "results.json"
    return Ended(
        process.returncode,
        seconds,
        megabytes,
        frozenset(file.name for file in results.parent.iterdir()) if results.parent.exists() else frozenset(),
        json.loads(results.read_text()) if results.exists() else {},
        (folder / "told").read_text(),
    )


def most_megabytes(process: subprocess.Popen[bytes]) -> float:
    """Waits for the end of a process; the most memory that it was seen to have. What `wait4` tells includes that of the process that forked it."""
    most = 0.0
    while True:
        with suppress(OSError):
            lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
            most = max([most, *(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))])
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.1)
            return most


NAMES = tuple(name for name in TROUBLES if EVERYTHING or name in FEW)


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ended]:
    """How each run ended; they mostly wait, so they run beside each other."""
    folder = tmp_path_factory.mktemp("trouble")
    with ThreadPoolExecutor(2 if EVERYTHING else len(NAMES)) as pool:
        found = pool.map(lambda each: run(each[1], folder / str(each[0])), enumerate(NAMES))
        return dict(zip(NAMES, found, strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_a_run_ends_in_time_with_all_reports_and_the_right_exit_code(ended: dict[str, Ended], name: str) -> None:
    one = ended[name]
    expected = {0} if name in (*BACK, "goes away for 3 s") else {VIOLATED} if name in FOUND else {INCOMPLETE}

    assert one.exit_code in (expected | {VIOLATED, INCOMPLETE} if name in UNDECIDED else expected), one.told
    assert one.reports == REPORTS
    assert one.seconds < MOST_SECONDS
    assert one.megabytes < MOST_MEGABYTES
    assert "Traceback" not in one.told


@pytest.mark.parametrize("name", NAMES)
def test_only_what_the_trouble_breaks_is_held_against_the_endpoint(ended: dict[str, Ended], name: str) -> None:
    results = ended[name].results
    found = {row["id"] for row in results["requirements"] if row["outcome"] == "violated"}

    assert [case for case in results["cases"] if case["outcome"] == "error"] == []
    if name in FOUND:
        assert FOUND[name] & found
    elif name not in UNDECIDED:
        assert found == set()


@pytest.mark.parametrize("name", [name for name in NAMES if name not in (*BACK, *FOUND, "goes away for 3 s")])
def test_what_could_not_be_judged_says_why(ended: dict[str, Ended], name: str) -> None:
    rows = [row for row in ended[name].results["requirements"] if row["outcome"] == "inconclusive"]

    assert rows
    assert all(row["reason"] for row in rows)
