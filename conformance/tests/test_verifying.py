"""Judging several times what failed in a run: always violated, now and then, not any more, or not to be told."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from judging_samples import started
from memory_runs import run_in_memory
from reimage_conformance.cli import main
from reimage_conformance.commands import verify
from reimage_conformance.journal import Journal
from reimage_conformance.replay.comparing import Answer
from reimage_conformance.replay.counting import NOT_REPEATED, LaterOutcome, Tally, later_outcome, reasons_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from reimage_conformance.commands.options import Options

FAULT, REQUIREMENT = "accepted-body[slot]", "REQ-REIMAGE-BODY-EMPTY"
TARGET = """\
[target]
name = "rig"
base_url = "http://127.0.0.1:9"
subscription_id = "s"
[[deployments]]
cloud_service = "contoso"
slot = "production"
name = "contoso-v1"
role_instances = ["WebRole1_IN_0"]
"""


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report folder of a short run that finds the fault."""
    folder = tmp_path_factory.mktemp("broken") / "then"
    words = ("--only", REQUIREMENT, "--profile", "smoke", "--max-reimages", "2")
    assert run_in_memory(folder, "--fault", FAULT, *words) == 1
    return folder


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path, Sequence[str]], int]:
    """Runs in memory with these words; one with the words of an earlier one comes out the same and is copied."""
    kept: dict[tuple[str, ...], tuple[Path, int]] = {}

    def running(folder: Path, words: Sequence[str]) -> int:
        if tuple(words) not in kept:
            run = tmp_path_factory.mktemp("again") / "run"
            kept[tuple(words)] = run, run_in_memory(run, *words)
        run, code = kept[tuple(words)]
        shutil.copytree(run, folder, dirs_exist_ok=True)
        return code

    return running


@pytest.fixture
def verified(
    broken: Path,
    ran: Callable[[Path, Sequence[str]], int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., tuple[int, str, str]]:
    """The exit code of `verify`, the line of the requirement and all that was told, of an endpoint that has the fault in these runs."""
    target = tmp_path / "rig.toml"
    target.write_text(TARGET, encoding="utf-8")

    def verifying(faulty: Sequence[bool], *words: str) -> tuple[int, str, str]:
        left = iter(faulty)

        def running(_: Path, options: Options) -> int:
            assert options.report_dir is not None
            return ran(options.report_dir, [*options.words(), *(("--fault", FAULT) if next(left) else ())])

        monkeypatch.setattr(verify, "run_quietly", running)
        code = main(["verify", str(broken), "--runs", str(len(faulty)), "--target", str(target), *words])
        told = capsys.readouterr().out
        return code, next((line for line in told.splitlines() if line.startswith(REQUIREMENT)), ""), told

    return verifying


@pytest.mark.parametrize(
    ("faulty", "code", "counted"),
    [
        ((True, True, True), 1, "3 of 3 violated"),
        ((False, True, False), 1, "1 of 3 violated, 2 met"),
        ((False, False, False), 0, "0 of 3 violated, 3 met"),
    ],
    ids=["always", "now and then", "mended"],
)
def test_it_is_told_how_often_a_requirement_is_violated(
    verified: Callable[..., tuple[int, str, str]], tmp_path: Path, faulty: Sequence[bool], code: int, counted: str
) -> None:
    kept = tmp_path / "kept"
    found, row, told = verified(faulty, "--report-dir", str(kept))

    assert (found, row.rpartition("  ")[2]) == (code, counted)
    assert "run 3 of 3: sent " in told
    assert sorted(each.name for each in kept.iterdir() if (each / "report.html").is_file()) == ["1", "2", "3"]


def test_what_no_reimage_was_started_for_cannot_be_told(verified: Callable[..., tuple[int, str, str]]) -> None:
    code, row, told = verified([False], "--max-reimages", "0")

    assert code == 6
    assert "  0 of 1 violated, 1 " in row
    assert f": {REQUIREMENT}: " in told


@pytest.mark.parametrize("alone", [True, False], ids=["finding", "explained by another finding"])
def test_met_without_the_reimage_that_showed_the_violation_is_not_mended(*, alone: bool) -> None:
    row = {"id": REQUIREMENT, "outcome": "violated", "evidence": [1]}
    finding = {"requirement": REQUIREMENT, "expected": "", "actual": "", "cases": [], "evidence": [1]}
    found = {"findings": [finding] if alone else []}
    results = {"requirements": [{"id": REQUIREMENT, "outcome": "met", "reason": ""}], "findings": [], "cases": []}
    reimage = replace(started(), label="step:control-slot")

    again = later_outcome(row, found, {1: reimage}, results, Journal({}))
    assert again.outcome == NOT_REPEATED
    assert "the reimage of exchange 1 was not started again" in again.reason
    assert later_outcome(row, found, {1: reimage}, results, Journal({}, exchanges={7: reimage})) == LaterOutcome("met")


def test_what_is_still_violated_outweighs_what_cannot_be_told() -> None:
    met, violated, unclear = LaterOutcome("met"), LaterOutcome("violated"), LaterOutcome("inconclusive", "it was busy")

    assert Tally("REQ-REIMAGE-202", "", (met, violated, unclear)).answer is Answer.AGAIN
    assert Tally("REQ-REIMAGE-202", "", (met, unclear)).answer is Answer.UNKNOWN
    assert Tally("REQ-REIMAGE-202", "", (met, LaterOutcome(NOT_REPEATED, "x"))).answer is Answer.UNKNOWN
    assert Tally("REQ-REIMAGE-202", "", (met, met)).answer is Answer.MENDED


def test_a_reason_is_told_once_with_the_requirements_that_it_holds_for() -> None:
    unclear = LaterOutcome("inconclusive", "it was busy")
    tallies = [Tally(name, "", (unclear, unclear)) for name in ("REQ-REIMAGE-202", "REQ-GOS-URI")]

    assert list(reasons_of(tallies)) == ["inconclusive: REQ-REIMAGE-202, REQ-GOS-URI: it was busy"]


def test_a_folder_that_holds_a_run_is_refused_before_anything_is_sent(
    verified: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    (tmp_path / "2").mkdir()
    (tmp_path / "2" / "results.json").write_text("{}", encoding="utf-8")

    assert verified([False, False], "--report-dir", str(tmp_path))[0] == 4
    assert not (tmp_path / "1" / "journal.jsonl").exists()
