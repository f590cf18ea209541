"""Output that nobody reads, that a full disk does not take, or whose encoding is narrow."""

from __future__ import annotations

import io
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reimage_conformance.commands.case_files import cases_folder
from reimage_conformance.config import new_target_text
from reimage_conformance.errors import ReportError
from reimage_conformance.standard_streams import guard_output, guarded_streams, interrupt_when_closed

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = [sys.executable, "-m", "reimage_conformance.cli"]
REPORTS = {"journal.jsonl", "results.json", "report.html", "junit.xml", "summary.md"}
FULL = Path("/dev/full")
PATIENCE = 60.0


def with_output(output: int, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A process whose standard output is the file descriptor `output`, to its end."""
    return subprocess.run(  # noqa: S603
        words,
        stdout=output,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=PATIENCE,
        env={**os.environ, **environment},
    )


@pytest.fixture
def unread() -> Iterator[int]:
    """The end to write to of a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


@pytest.mark.parametrize(
    "words",
    [("--help",), ("requirements",), ("emulator", "--list-faults"), ("new-target", "-"), ("run", "--help")],
    ids=" ".join,
)
def test_a_command_that_nobody_reads_ends_quietly(unread: int, words: tuple[str, ...]) -> None:
    done = with_output(unread, *COMMAND, *words)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full on this system")
@pytest.mark.parametrize("words", [("requirements", "--format", "json"), ("new-target", "-")], ids=" ".join)
def test_output_to_a_full_disk_is_one_sentence(words: tuple[str, ...]) -> None:
    with FULL.open("wb") as full:
        done = with_output(full.fileno(), *COMMAND, *words)
    assert done.returncode == 3
    assert done.stderr == "error: standard output cannot be written: No space left on device\n"


RUNS = {
    "run": [*COMMAND, "run", "--profile", "smoke"],
    "pytest": [sys.executable, "-m", "pytest", str(cases_folder()), "--in-memory", "--profile", "smoke"],
}


@pytest.mark.parametrize("words", RUNS.values(), ids=RUNS)
def test_a_run_that_nobody_reads_is_interrupted_with_all_reports(unread: int, tmp_path: Path, words: list[str]) -> None:
    done = with_output(unread, *words, "--report-dir", str(tmp_path / "reports"))
    results = json.loads((tmp_path / "reports" / "results.json").read_text())
    assert (done.returncode, done.stderr) == (2, "")
    assert {file.name for file in (tmp_path / "reports").iterdir()} == REPORTS
    assert results["run"]["interrupted"] is True
    assert results["run"]["verdict"] != "conformant"


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full on this system")
def test_a_run_whose_output_fills_the_disk_says_so_and_has_its_reports(tmp_path: Path) -> None:
    with FULL.open("wb") as full:
        done = with_output(full.fileno(), *RUNS["pytest"], "--report-dir", str(tmp_path / "reports"))
    results = json.loads((tmp_path / "reports" / "results.json").read_text())
    assert done.returncode == 3
    assert done.stderr == "error: standard output cannot be written: No space left on device\n"
    assert results["run"]["interrupted"] is True


@pytest.mark.parametrize(
    ("environment", "written"),
    [
        ({"PYTHONIOENCODING": "cp1252"}, b"\\u2603 "),
        ({"LC_ALL": "C", "PYTHONIOENCODING": "", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, "\u2603 ".encode()),
    ],
    ids=["cp1252", "C, where click writes UTF-8"],
)
def test_a_character_that_the_encoding_lacks_stops_nothing(
    tmp_path: Path, environment: dict[str, str], written: bytes
) -> None:
    file = tmp_path / "target.toml"
    text = new_target_text().replace('base_url = "', 'base_url = "http://127.0.0.1:9" # "', 1)
    file.write_text(text.replace('name = "', 'name = "\u2603 ', 1), encoding="utf-8")
    reading, writing = os.pipe()
    done = with_output(writing, *COMMAND, "preflight", str(file), **environment)
    os.close(writing)
    with open(reading, "rb") as told:  # noqa: PTH123
        first = told.readline()
    assert (done.returncode, done.stderr) == (6, "")
    assert first.startswith(written)


def test_a_new_target_file_that_does_not_fit_leaves_nothing(tmp_path: Path) -> None:
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))  # noqa: E731
    file = tmp_path / "target.toml"
    done = subprocess.run(  # noqa: S603  the child does nothing but start Python
        [*COMMAND, "new-target", str(file)],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
        preexec_fn=limit,
    )
    assert done.returncode == 4
    assert done.stderr == f"error: {file}: cannot be written: File too large\n"
    assert list(tmp_path.iterdir()) == []


def test_a_stream_goes_quiet_after_its_first_error_and_is_put_back(
    unread: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost: list[int | None] = []
    with open(unread, "w", encoding="ascii", closefd=False) as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        undo = guard_output(lambda error: lost.append(error.errno))
        for _ in range(3):
            print("nobody reads this")  # noqa: T201
            sys.stdout.flush()
        undo()
        assert sys.stdout is stream
    assert lost == [32]


def test_what_happens_when_output_is_lost_can_be_changed_for_a_while(
    unread: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open(unread, "w", encoding="ascii", closefd=False) as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        with guarded_streams():
            undo = guard_output(interrupt_when_closed)
            print("nobody reads this")  # noqa: T201
            with pytest.raises(KeyboardInterrupt):
                sys.stdout.flush()
            undo()
        assert sys.stdout is stream


def test_a_full_disk_does_not_interrupt_but_refuse() -> None:
    with pytest.raises(ReportError, match="standard output cannot be written: No space left on device"):
        interrupt_when_closed(OSError(28, "No space left on device"))


def test_a_stream_without_a_file_and_none_at_all_are_borne(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = io.StringIO()
    monkeypatch.setattr(sys, "stdout", kept)
    monkeypatch.setattr(sys, "stderr", None)
    with guarded_streams():
        print("said")  # noqa: T201
        print("not said", file=sys.stderr)  # noqa: T201
    assert kept.getvalue() == "said\n"
    assert sys.stderr is None
