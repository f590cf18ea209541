"""The session under pytest: its options do what pytest's users expect, though cases run ahead of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from reimage_conformance.commands.case_files import cases_folder

if TYPE_CHECKING:
    from pathlib import Path

FAULT = ("--fault", "type-missing-accepted")
SEVERAL = ("-k", "version_before_the_minimum or missing_content_type or missing_content_length")
LATER = "test_a_missing_content_length_is_refused"


@dataclass(frozen=True)
class Ran:
    """What a run of pytest said, and what it left in its journal."""

    code: int
    said: str
    events: list[dict[str, str]]

    def cases(self, event: str = "case-end") -> list[str]:
        """The ids of cases that ended, or began, in the order in which they did."""
        return [each["id"] for each in self.events if each["type"] == event]

    def words(self) -> list[str]:
        """What pytest said of each case, in order."""
        return re.findall(r"^cases/\S+::\S+ ([A-Z-]+)\b.*\[ *\d+%\]$", self.said, re.MULTILINE)

    def failed(self) -> list[str]:
        """The ids that pytest lists as failed."""
        return re.findall(r"^FAILED (\S+)", self.said, re.MULTILINE)


def pytest_run(folder: Path, *words: str, said: str = "") -> Ran:
    """A run of pytest over the cases, in memory, as it is typed; `said` is what is typed after that."""
    root = cases_folder()
    line = [sys.executable, "-m", "pytest", str(root), f"--rootdir={root.parent}", "--in-memory", "-v"]
    line += ["-o", f"cache_dir={folder / 'cache'}", "--overwrite", "--report-dir", str(folder / "reports"), *words]
    environment = {**os.environ, "COLUMNS": "200"}
    done = subprocess.run(line, capture_output=True, text=True, check=False, env=environment, input=said, timeout=120)  # noqa: S603
    journal = folder / "reports" / "journal.jsonl"
    lines = journal.read_text(encoding="ascii").splitlines() if journal.exists() else []
    return Ran(done.returncode, done.stdout + done.stderr, [json.loads(each) for each in lines])


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ran]:
    """A run of a few cases, two of which fail, and where what pytest remembers of it is kept."""
    folder = tmp_path_factory.mktemp("plain")
    return folder, pytest_run(folder, *FAULT, *SEVERAL)


def test_k_runs_what_it_chooses_and_nothing_else(plain: tuple[Path, Ran]) -> None:
    _, ran = plain

    assert ran.code == 1
    assert {name.partition("::")[2].partition("[")[0] for name in ran.cases()} == {
        "test_a_version_before_the_minimum_is_refused",
        "test_a_missing_content_type_is_refused",
        LATER,
    }
    assert sorted(set(ran.words())) == ["FAILED", "PASSED"]
    assert [name.partition("::")[2] for name in ran.failed()] == [
        "test_a_missing_content_type_is_refused[slot]",
        "test_a_missing_content_type_is_refused[name]",
    ]


def test_lf_runs_what_failed_last(plain: tuple[Path, Ran]) -> None:
    folder, before = plain
    again = pytest_run(folder, *FAULT, "--lf")

    assert sorted(again.cases()) == sorted(before.failed())
    assert again.code == 1


def test_x_ends_at_the_first_failure(tmp_path: Path) -> None:
    ran = pytest_run(tmp_path, *FAULT, *SEVERAL, "-x")

    assert ran.code == 1
    assert ran.words()[-1] == "FAILED"
    assert ran.words().count("FAILED") == 1
    assert "stopping after 1 failures" in ran.said
    assert LATER not in ran.said
    assert (tmp_path / "reports" / "results.json").exists()


def test_pdb_stops_in_step(tmp_path: Path) -> None:
    """Nothing has begun that pytest has not come to, while somebody looks at a failure."""
    ran = pytest_run(tmp_path, *FAULT, *SEVERAL, "--pdb", "-x", said="p 'here'\nc\n")

    assert "entering PDB" in ran.said
    assert "'here'" in ran.said
    assert ran.cases("case-start") == ran.cases()
    assert ran.cases()[-1].endswith("test_a_missing_content_type_is_refused[slot]")


def test_collecting_sends_nothing_and_names_every_case(tmp_path: Path) -> None:
    ran = pytest_run(tmp_path, *SEVERAL, "--collect-only", "-q")

    assert ran.code == 0
    assert "test_a_missing_content_type_is_refused[slot]" in ran.said
    assert ran.events == []


def test_a_plugin_that_orders_at_random_can_be_left_out(tmp_path: Path) -> None:
    ran = pytest_run(tmp_path, *SEVERAL, "-p", "no:randomly", "--profile", "smoke")

    assert ran.code == 0


def test_what_the_time_leaves_out_is_untested_with_the_reason(tmp_path: Path) -> None:
    ran = pytest_run(tmp_path, *SEVERAL, "--max-minutes", "0.00001")

    assert set(ran.words()) == {"UNTESTED"}
    details = {each["detail"] for each in ran.events if each["type"] == "case-end"}
    assert details == {"the 1e-05 minutes of --max-minutes were over"}
    assert (tmp_path / "reports" / "results.json").exists()


BROKEN = """
from reimage_conformance.casebook import verifies


@verifies("REQ-REIMAGE-202")
async def test_a_defect(sut):
    await sut.send(sut.builder.operation_status("0" * 32))
    raise ZeroDivisionError("a defect of this case")


@verifies("REQ-REIMAGE-202")
async def test_after_it(sut):
    sut.observe("REQ-REIMAGE-202", "was asked")
"""


def test_a_defect_of_a_case_is_an_error_of_that_case(tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text(BROKEN, encoding="utf-8")
    words = [str(tmp_path), f"--rootdir={tmp_path}", "-p", "reimage_conformance.pytest_plugin", "--in-memory", "-q"]
    line = [sys.executable, "-m", "pytest", *words]
    done = subprocess.run(  # noqa: S603
        [*line, "--report-dir", str(tmp_path / "reports")], capture_output=True, text=True, check=False, timeout=120
    )
    results = json.loads((tmp_path / "reports" / "results.json").read_text())

    assert {each["id"].partition("::")[2]: each["outcome"] for each in results["cases"]} == {
        "test_a_defect": "error",
        "test_after_it": "observed",
    }
    assert "a defect of this case" in done.stdout
    assert done.returncode == 3
