"""Replaying journals: the same results again."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from memory_runs import run_in_memory
from reimage_conformance import cli
from reimage_conformance.errors import JournalError
from reimage_conformance.journal import read_journal
from reimage_conformance.replay import assessed, regenerate

REPORTS = ("report.html", "results.json", "junit.xml", "summary.md")


@pytest.fixture(scope="module", params=[(), ("--fault", "accepted-status[200]"), ("--strictness", "lenient")], ids=str)
def complete(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """The folder and exit code of a run that came to its end."""
    folder = tmp_path_factory.mktemp("run")
    code = run_in_memory(folder, "--profile", "smoke", *request.param)
    return folder, code


def test_a_journal_gives_the_results_of_its_run(complete: tuple[Path, int], tmp_path: Path) -> None:
    folder, code = complete

    again = regenerate(folder / "journal.jsonl", tmp_path)

    assert again == code
    for name in ("results.json", "junit.xml", "summary.md"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes(), name


def test_the_page_shows_every_case_as_it_was_assessed(complete: tuple[Path, int], tmp_path: Path) -> None:
    folder, _ = complete
    regenerate(folder / "journal.jsonl", tmp_path)

    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    cases = json.loads((folder / "results.json").read_text())["cases"]
    assert cases
    assert outcomes_in(page) == outcomes_in((folder / "report.html").read_text(encoding="utf-8"))
    assert set(outcomes_in(page)) == {case["id"] for case in cases}


def outcomes_in(page: str) -> dict[str, str]:
    """What the table of cases holds: the id and the outcome of each."""
    blob = re.search(r"data-jsonblob='([^']*)'", page)
    assert blob is not None
    data = json.loads(blob[1].replace("&#39;", "'").replace("&lt;", "<").replace("&amp;", "&"))
    return {node: tests[-1]["outcome"] for node, tests in data["tests"].items()}


def test_the_command_writes_beside_the_journal(complete: tuple[Path, int], tmp_path: Path) -> None:
    folder, code = complete
    (tmp_path / "journal.jsonl").write_bytes((folder / "journal.jsonl").read_bytes())

    assert cli.main(["report", str(tmp_path)]) == code

    assert {file.name for file in tmp_path.iterdir()} == {"journal.jsonl", *REPORTS}


def test_a_journal_read_as_mere_traffic_accuses_no_more_than_its_run(
    complete: tuple[Path, int], tmp_path: Path
) -> None:
    folder, _ = complete

    cli.main(["check", str(folder), "--report-dir", str(tmp_path)])

    ran, checked = (json.loads((each / "results.json").read_text()) for each in (folder, tmp_path))
    assert checked["summary"]["met"] > 20
    assert {f["requirement"] for f in checked["findings"]} == {f["requirement"] for f in ran["findings"]}


def test_a_journal_can_be_compared_with_a_run(complete: tuple[Path, int], capsys: pytest.CaptureFixture[str]) -> None:
    folder, _ = complete

    assert cli.main(["compare", str(folder), str(folder / "journal.jsonl")]) == 0

    assert "no difference" in capsys.readouterr().out


def cut(folder: Path, into: Path, keep: float) -> Path:
    """The first part of a journal, as a kill leaves it: `keep` of its lines, and half of the next."""
    lines = (folder / "journal.jsonl").read_bytes().splitlines(keepends=True)
    whole = int(len(lines) * keep)
    path = into / "journal.jsonl"
    path.write_bytes(b"".join(lines[:whole]) + lines[whole][: len(lines[whole]) // 2])
    return path


def test_what_was_asked_before_a_run_is_in_its_journal(complete: tuple[Path, int], tmp_path: Path) -> None:
    lines = (complete[0] / "journal.jsonl").read_text().splitlines(keepends=True)
    event = {"type": "preflight", "at": 0.0, "requests": 2, "answers": [["ok", "all is well"]]}
    for asked, expected in (
        (event, {"requests": 2, "answers": [("ok", "all is well")]}),
        (event | {"answers": 3}, None),
    ):
        path = tmp_path / "journal.jsonl"
        path.write_text("".join([lines[0], json.dumps(asked) + "\n", *lines[1:3]]))
        if expected is None:
            with pytest.raises(JournalError, match="the journal's preflight cannot be read"):
                assessed(read_journal(path))
        else:
            found = assessed(read_journal(path)).preflight
            assert found is not None
            assert {"requests": found.requests, "answers": list(found.answers)} == expected


@pytest.mark.parametrize("keep", [0.05, 0.4, 0.95, 0.9999])
def test_a_torn_journal_gives_all_reports(complete: tuple[Path, int], tmp_path: Path, keep: float) -> None:
    path = cut(complete[0], tmp_path, keep)

    code = regenerate(path, tmp_path)

    results = json.loads((tmp_path / "results.json").read_text())
    assert results["run"]["interrupted"] is True
    assert results["run"]["finished"] == ""
    assert results["notes"][0] == "The journal ends before the run did; this is what it holds."
    assert re.fullmatch(r"The journal is damaged: line \d+ was cut short.", results["notes"][1])
    assert code == (1 if results["summary"]["violated"] else 6)
    assert results["run"]["exit_code"] == 2
    ET.fromstring((tmp_path / "junit.xml").read_bytes())  # noqa: S314  our own file
    assert "interrupted" in (tmp_path / "summary.md").read_text()
    assert "interrupted" in (tmp_path / "report.html").read_text()


def test_a_journal_without_a_case_gives_all_reports(complete: tuple[Path, int], tmp_path: Path) -> None:
    first = (complete[0] / "journal.jsonl").read_bytes().partition(b"\n")[0]
    (tmp_path / "journal.jsonl").write_bytes(first + b"\n")

    assert regenerate(tmp_path / "journal.jsonl", tmp_path) == 6

    assert {file.name for file in tmp_path.iterdir()} == {"journal.jsonl", *REPORTS}


def test_a_damaged_line_is_said_and_passed_over(complete: tuple[Path, int], tmp_path: Path) -> None:
    lines = (complete[0] / "journal.jsonl").read_bytes().split(b"\n")
    lines[3] = lines[3][:-9]
    (tmp_path / "journal.jsonl").write_bytes(b"\n".join(lines))

    notes = assessed(read_journal(tmp_path / "journal.jsonl")).notes

    assert len(notes) == 1
    assert notes[0].startswith("The journal is damaged: line 4 is damaged: ")


@pytest.mark.parametrize("octets", [b"", b'{"type":"run","sch', b"{}\n", b"\xff\n"])
def test_what_is_no_journal_is_an_error(tmp_path: Path, octets: bytes) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(octets)

    with pytest.raises(JournalError):
        regenerate(path, tmp_path)

    assert cli.main(["report", str(path)]) == 4
    assert [file.name for file in tmp_path.iterdir()] == ["journal.jsonl"]


def test_neither_target_nor_options_of_the_surroundings_matter(
    complete: tuple[Path, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "--no-such-option")
    monkeypatch.setenv("PYTEST_PLUGINS", "no_such_plugin")
    monkeypatch.chdir(tmp_path)

    assert regenerate(complete[0] / "journal.jsonl", Path("reports")) == complete[1]

    assert os.environ["PYTEST_ADDOPTS"] == "--no-such-option"
    assert {file.name for file in (tmp_path / "reports").iterdir()} == set(REPORTS)
