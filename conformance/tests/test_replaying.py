"""Repeating a finding: seen again while the fault is there, mended once it is gone, and not to be told where it was not judged."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from memory_runs import run_in_memory
from reimage_conformance.choosing import exchanges_of
from reimage_conformance.cli import main
from reimage_conformance.emulator import emulator_with, serve
from reimage_conformance.journal import read_journal
from reimage_conformance.model import Exchange, Request
from reimage_conformance.replay.comparing import Answer, Comparison, compared, exit_code, lines_of

if TYPE_CHECKING:
    from pathlib import Path

    from reimage_conformance.model import Headers

FAULTS = {
    "core": ("accepted-body[slot]", "REQ-REIMAGE-BODY-EMPTY"),
    "transport": ("date-missing", "REQ-HTTP-DATE"),
    "auth": ("foreign-subscription-open", "REQ-AUTH-FAIL"),
    "observation": ("deployment-id-missing[slot]", "REQ-DEPL-URI"),
    "framing": ("length-differs-status[500]", "REQ-HTTP-CL-DIFFER"),
    "probe": ("guest-not-fresh", "REQ-REIMAGE-FRESH-OS"),
    "end": ("http-status-empty[Succeeded]", "REQ-GOS-HTTPSTATUS-INT"),
}
"""A fault of each area, and one that curl cannot show, each with the requirement that it breaks."""
SHOWN = {
    "core": r"HTTP/1.1 202 .*\n(?:\S.*\n)*Content-Length: [1-9]",
    "transport": r"(?s)\A(?!.*\nDate: ).*HTTP/1.1 ",
    "auth": r"== answer-\d+\nHTTP/1.1 (?!403)",
    "observation": r"(?s)== answer-\d+\nHTTP/1.1 200 (?:(?!x-ms-request-id: ).)*<Deployment",
    "framing": r"HTTP/1.1 500",
    "end": r"(?s)== answer-\d+\nHTTP/1.1 200 (?:(?!\n== |\nHTTP/1.1 ).)*<HttpStatusCode></HttpStatusCode>",
    "probe": r'(?s)installation_id": ?"(\w+)".*installation_id": ?"\1"',
}
"""What the script of each fault shows as long as the fault is there, and not any more."""
EVERY_FAULT = [word for fault, _ in FAULTS.values() for word in ("--fault", fault)]


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report folder of a short run that finds all of these faults."""
    folder = tmp_path_factory.mktemp("broken") / "then"
    names = ",".join(requirement for _, requirement in FAULTS.values())
    assert run_in_memory(folder, *EVERY_FAULT, "--only", names, "--max-reimages", "4") == 1
    return folder


def number_of(run: Path, requirement: str) -> int:
    """The number of the finding about a requirement."""
    return next(n for n, each in enumerate(results(run)["findings"], 1) if each["requirement"] == requirement)


def results(folder: Path) -> Any:
    return json.loads((folder / "results.json").read_text(encoding="utf-8"))


def repeated(run: Path, number: int | str, folder: Path, *words: str) -> dict[str, Comparison]:
    """What has become of findings in an emulator in memory, by requirement."""
    run_in_memory(folder, "--failed-in", str(run), "--finding", str(number), *words)
    then, now = exchanges_of(run), read_journal(folder / "journal.jsonl")
    findings = [each for n, each in enumerate(results(run)["findings"], 1) if number in ("all", n)]
    return {each["requirement"]: compared(each, then, results(folder), now) for each in findings}


@pytest.mark.parametrize("area", FAULTS)
def test_a_fault_of_each_area_is_seen_again(broken: Path, tmp_path: Path, area: str) -> None:
    fault, requirement = FAULTS[area]
    again = repeated(broken, number_of(broken, requirement), tmp_path / "now", "--fault", fault)[requirement]

    assert (again.answer, again.reason) == (Answer.AGAIN, "the same is seen again")


def test_faults_of_every_area_are_seen_to_be_mended(broken: Path, tmp_path: Path) -> None:
    mended = repeated(broken, "all", tmp_path / "now")

    assert {name: mended[name].answer for _, name in FAULTS.values()} == dict.fromkeys(
        (name for _, name in FAULTS.values()), Answer.MENDED
    )


def test_a_repetition_without_a_reimage_cannot_tell(broken: Path, tmp_path: Path) -> None:
    _, requirement = FAULTS["core"]
    number = number_of(broken, requirement)
    unknown = repeated(broken, number, tmp_path / "now", "--max-reimages", "0")[requirement]

    assert unknown.answer is Answer.UNKNOWN
    assert f"{requirement} is " in unknown.reason


def test_the_command_repeats_over_tls_within_the_budget(
    broken: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fault, requirement = FAULTS["core"]
    words = ["replay", str(broken), str(number_of(broken, requirement)), "--max-reimages", "2"]

    for faults, code, told in (((fault,), 1, "not fixed: the same is seen again"), ((), 0, "fixed: ")):
        now = tmp_path / f"now{code}"
        with serve(emulator_with(0.2, faults=faults)) as running:
            (tmp_path / str(code)).mkdir()
            target = running.write_target(tmp_path / str(code))
            assert main([*words, "--target", str(target), "--report-dir", str(now)]) == code
        shown = capsys.readouterr().out
        assert told in shown
        assert all(f"\n  {word} " in shown for word in ("expected", "then", "now"))
        assert "POST /<subscription-id>/services/" in shown
        assert results(now)["summary"]["reimages"] <= 2


def test_a_repetition_leaves_nothing_in_the_report_folder(
    broken: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = number_of(broken, FAULTS["core"][1])
    before = {each.name for each in broken.iterdir()}
    monkeypatch.chdir(broken)
    with serve(emulator_with(0.2)) as running:
        target = running.write_target(tmp_path)
        command = [sys.executable, "-m", "reimage_conformance", "replay", ".", str(number), "--target", str(target)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603

    assert (done.returncode, done.stderr) == (0, "")
    assert {each.name for each in broken.iterdir()} == before


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["then", "99"], "there is no finding 99; it has findings 1 to "),
        (
            ["them"],
            "there is no such run; expected the report folder of a run, or its results.json; did you mean 'then'?",
        ),
    ],
)
def test_what_cannot_be_repeated_is_refused_in_a_sentence(
    broken: Path, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    assert main(["replay", str(broken.with_name(words[0])), *words[1:], "--target", "none.toml"]) == 4
    assert told in capsys.readouterr().err


def test_several_findings_give_the_gravest_exit_code() -> None:
    def of(answer: Answer) -> Comparison:
        return Comparison("REQ-REIMAGE-202", answer, "202", "200", "", "so")

    assert exit_code([of(Answer.MENDED), of(Answer.UNKNOWN), of(Answer.AGAIN)]) == 1
    assert exit_code([of(Answer.MENDED), of(Answer.UNKNOWN)]) == 6
    assert exit_code([of(Answer.MENDED)]) == 0
    assert list(lines_of(of(Answer.UNKNOWN)))[-1] == "cannot tell: so"


def test_a_reason_is_told_once() -> None:
    why = "rig.toml: base_url: no connection"
    told = Comparison("REQ-REIMAGE-202", Answer.UNKNOWN, "202", "200", why, f"REQ-REIMAGE-202 is inconclusive: {why}")

    assert "\n".join(lines_of(told)).count(why) == 1


@pytest.mark.parametrize(
    ("answer", "now", "told"),
    [
        (Answer.MENDED, "met", "as expected"),
        (Answer.UNKNOWN, "so", "no answer that decides it"),
        (Answer.AGAIN, "200", "200"),
    ],
)
def test_what_is_seen_now_is_told_by_the_answer(answer: Answer, now: str, told: str) -> None:
    lines = list(lines_of(Comparison("REQ-REIMAGE-202", answer, "202", "200", now, "so")))

    assert lines[2] == f"  now       {told}"


@pytest.mark.parametrize(
    ("requirement", "headers", "told"),
    [
        ("REQ-HTTP-HOST", (("Host", "a b"),), "GET /x, Host: a b -> no reply"),
        ("REQ-HTTP-HOST", (("Host", "a"), ("host", "b")), "GET /x, Host: a, host: b -> no reply"),
        ("REQ-HTTP-HOST", (), "GET /x, no Host -> no reply"),
        ("REQ-VER-MISSING", (("Host", "a"),), "GET /x, no x-ms-version -> no reply"),
        ("REQ-REIMAGE-202", (("Host", "a"),), "GET /x -> no reply"),
    ],
)
def test_the_header_that_a_finding_is_about_is_shown(requirement: str, headers: Headers, told: str) -> None:
    sent = Exchange(7, Request("GET", "/x", headers), None)
    comparison = Comparison(requirement, Answer.AGAIN, "400", "200", "200", "so", sent, sent)

    kept, lost = "\n".join(lines_of(comparison)), "\n".join(lines_of(comparison, kept=False))
    assert kept.count(f"\n            exchange 7: {told}\n") == 2
    assert lost.count("exchange 7: ") == 1
    assert f"\n            {told}\n" in lost


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("report.html", "where report.html is all that is at hand, `reimage-conformance run TARGET.toml --only"),
        (".", "where report.html is all that is at hand, `reimage-conformance run TARGET.toml --only"),
        ("rig.zip", "unpack the bundle and name the folder"),
    ],
)
def test_whoever_has_no_folder_of_the_run_is_told_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, told: str
) -> None:
    for each in ("report.html", "rig.zip"):
        (tmp_path / each).write_text("<html>", encoding="utf-8")

    assert main(["replay", str(tmp_path / name), "1", "--target", "none.toml"]) == 4
    assert told in capsys.readouterr().err


MISSING = [program for program in ("bash", "curl", "openssl") if shutil.which(program) is None]


@pytest.mark.skipif(bool(MISSING), reason=f"scripts need {', '.join(MISSING)}, which this machine lacks")
@pytest.mark.parametrize("area", FAULTS)
def test_the_script_of_a_fault_of_each_area_shows_it_when_it_is_pasted(broken: Path, tmp_path: Path, area: str) -> None:
    fault, requirement = FAULTS[area]
    script = results(broken)["findings"][number_of(broken, requirement) - 1]["reproduce"]

    assert re.search(SHOWN[area], pasted(script, tmp_path / "faulty", fault))
    assert not re.search(SHOWN[area], pasted(script, tmp_path / "mended"))


def pasted(script: str, folder: Path, *faults: str) -> str:
    """What bash tells when a script is pasted into it, its variables set for an emulator over TLS."""
    folder.mkdir()
    with serve(emulator_with(0.2, faults=faults)) as running:
        file = running.write_target(folder)
        described = tomllib.loads(file.read_text(encoding="utf-8"))
        variables = {name.upper(): value for name, value in described["target"].items() if isinstance(value, str)}
        probe = "/".join(described["probe"]["url"].split("/")[:3])
        told = subprocess.run(
            ["bash"],  # noqa: S607  whichever comes first
            input=script,
            env={**os.environ, **variables, "PROBE": probe, "RAW_WAIT": "2"},
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    assert told.stderr == ""
    return told.stdout
