"""What makes the command line easy to use: an example in every help, completion in a shell, and no colour where none is wanted."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click import Context

from reimage_conformance.cli import COMMANDS, PROGRAM, cli, main

ROOT = Path(__file__).parents[2]
COLOUR = re.compile(rb"\x1b\[(?:[0-9;]*;)?(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])[0-9;]*m")
EXAMPLE = re.compile(rf"Example: {PROGRAM} (.+)$", re.MULTILINE)
COMPLETED = {
    ("verify-",): {"verify-bundle"},
    ("run", "--prof"): {"--profile"},
    ("run", "--profile", "s"): {"smoke", "standard"},
    ("run", "--fault", "accepted-status[20"): {f"accepted-status[{n}]" for n in (200, 201, 203, 204, 206)},
    ("emulator", "--oddity", "ids-op"): {"ids-opaque"},
    ("run", "--only", "req-reimage-20"): {"REQ-REIMAGE-202"},
    ("explain", "REQ-REIMAGE-202", "REQ-REIMAGE-20"): {"REQ-REIMAGE-202"},
    ("rum", "--prof"): set(),
}
"""What a shell offers for the words of a command line, the last one unfinished."""


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_every_help_has_an_example_that_the_command_takes(name: str) -> None:
    with Context(cli) as context:
        command = cli.get_command(context, name) if name else cli
        assert command is not None
        (example,) = EXAMPLE.findall(command.help or "")
        called, *words = shlex.split(re.split(r" [>|] ", example)[0])
        assert called == name or not name
        taking = cli.get_command(context, called)
        assert taking is not None
        assert taking.make_context(called, words, parent=context) is not None


@pytest.mark.parametrize("words", COMPLETED, ids=" ".join)
def test_a_shell_completes(
    words: tuple[str, ...], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMP_WORDS", shlex.join([PROGRAM, *words]))
    monkeypatch.setenv("COMP_CWORD", str(len(words)))
    monkeypatch.setenv("_REIMAGE_CONFORMANCE_COMPLETE", "bash_complete")

    with pytest.raises(SystemExit, match=r"^0$"):
        main([])
    out, err = capfd.readouterr()

    assert {line.partition(",")[2] for line in out.split()} == COMPLETED[words]
    assert err == ""


def test_the_documented_line_prints_what_a_shell_evaluates(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (name,) = re.findall(rf'^eval "\$\((\w+)=bash_source {PROGRAM}\)"$', readme, re.MULTILINE)
    monkeypatch.setenv(name, "bash_source")

    with pytest.raises(SystemExit, match=r"^0$"):
        main([])
    assert f"_reimage_conformance_completion {PROGRAM}\n" in capfd.readouterr().out


def on_a_terminal(*words: str, **environment: str) -> bytes:
    """What the program shows on a terminal."""
    pty = pytest.importorskip("pty", reason="a system without pseudo-terminals")
    shown_at, other = pty.openpty()
    kept = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR", "PY_COLORS")}
    environment = {**kept, "TERM": "xterm-256color", "PYTHONPATH": str(ROOT / "conformance"), **environment}
    command = [sys.executable, "-m", "reimage_conformance", *words]
    shown = b""
    with subprocess.Popen(command, stdout=other, stderr=other, stdin=subprocess.DEVNULL, env=environment):  # noqa: S603
        os.close(other)
        try:
            while octets := os.read(shown_at, 65536):
                shown += octets
        except OSError:  # how Linux tells that the last writer is gone
            pass
    os.close(shown_at)
    return shown


def test_no_color_switches_colours_off() -> None:
    words = ("run", "--list", "--only", "REQ-REIMAGE-202")

    assert COLOUR.search(on_a_terminal(*words))
    plain = on_a_terminal(*words, NO_COLOR="1")
    assert b"would run" in plain
    assert not COLOUR.search(plain)


def said(*words: str) -> str:
    """What the program prints where no terminal is."""
    command = [sys.executable, "-m", "reimage_conformance", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "conformance")}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment).stdout  # noqa: S603


CHOSEN = ("--profile", "smoke", "--only", "REQ-REIMAGE-202", "--fault", "accepted-status[200]")


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The report folder of a quiet run that found something, and what it printed."""
    folder = tmp_path_factory.mktemp("quiet") / "run"
    return folder, said("run", "-q", "--report-dir", str(folder), *CHOSEN)


def test_a_quiet_run_prints_its_conclusion_alone(quiet: tuple[Path, str]) -> None:
    folder, out = quiet

    assert out.strip().splitlines() == [
        "NONCONFORMANT  embedded emulator: 1 requirement is violated: 1 finding.",
        "FAIL  1. A valid reimage was not answered 202 Accepted: 200 OK",
        f"report: {folder / 'report.html'}",
    ]


@pytest.mark.parametrize("command", ["report", "check"])
def test_a_quiet_command_prints_the_same(command: str, quiet: tuple[Path, str], tmp_path: Path) -> None:
    folder, _ = quiet
    lines = said(command, "-q", str(folder), "--report-dir", str(tmp_path)).splitlines()

    assert lines[0].startswith("NONCONFORMANT  embedded emulator: ")
    assert lines[1].startswith("FAIL  1. A valid reimage was not answered 202 Accepted")
    assert lines[2:] == [f"report: {tmp_path / 'report.html'}"]


def test_a_verbose_run_prints_a_line_for_each_case(tmp_path: Path) -> None:
    out = said("run", "-v", "--report-dir", str(tmp_path / "run"), *CHOSEN)

    assert len(re.findall(r"test_response\.py::test_an_accepted_reimage_is_answered_202 FAILED", out)) >= 1
    assert "\nNONCONFORMANT  embedded emulator: " in out
    assert not re.search("metadata|short test summary|FAILURES|Generated html|cases: [.]", out)
    assert re.search(r"=+ cases: \d+ failed", out)
