"""What the job page and the annotations of a night say, for every exit code, whatever an endpoint sent."""

from __future__ import annotations

from copy import deepcopy
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest

from reimage_conformance import cli
from reimage_conformance.report.differences import compare
from reimage_conformance.report.ending import CUT_OFF, reconciled
from reimage_conformance.report.job_page import PAGE_LIMIT, Night, github_annotations, page_text
from reimage_conformance.report.results import results
from report_samples import HOSTILE, sample_assessment

if TYPE_CHECKING:
    from pathlib import Path

SAMPLE = results(sample_assessment())


def judged(verdict: str = "nonconformant", *, violated: int = 1, findings: int = 1, **run: Any) -> dict[str, Any]:
    """The sample as a run that came to this."""
    made = deepcopy(SAMPLE)
    made["run"].update(verdict=verdict, interrupted=False, reason="", **run)
    made["summary"]["violated"] = violated
    made["findings"] = [{**made["findings"][0], "headline": f"Wrong {number}."} for number in range(1, findings + 1)]
    return made


NIGHTS = {
    "conforms": (Night(0, judged("conformant", findings=0)), "# The endpoint conforms (exit code 0)", []),
    "partial": (Night(0, judged("partial", findings=0)), "# No violation was seen (exit code 0)", []),
    "violates": (Night(1, judged()), "# The endpoint violates the protocol (exit code 1)", ["error"]),
    "stale baseline": (
        Night(1, judged(violated=0, findings=0)),
        "# The baseline lists what no longer occurs (exit code 1)",
        ["error"],
    ),
    "interrupted": (Night(2, judged("incomplete", findings=0)), "# The run was interrupted (exit code 2)", ["error"]),
    "internal error": (Night(3, log="Traceback\nboom"), "# The suite itself broke (exit code 3)", ["error"]),
    "an unknown code": (Night(77, log="boom"), "# The suite itself broke (exit code 77)", ["error"]),
    "wrong target": (
        Night(4, log="error: base_url: is missing"),
        "# The job is set up wrongly (exit code 4)",
        ["error"],
    ),
    "no case": (Night(5, log="error: none"), "# No case was selected (exit code 5)", ["error"]),
    "incomplete": (
        Night(6, judged("incomplete", findings=0)),
        "# Not everything could be judged (exit code 6)",
        ["warning"],
    ),
    "killed": (Night(CUT_OFF, judged("incomplete", violated=0, findings=0)), "# The run was cut off\n", ["error"]),
    "killed early": (Night(CUT_OFF), "# The run was cut off\n", ["error"]),
    "nothing, and green": (Night(0), "# No results: nothing was judged (exit code 0)", ["error"]),
    "nothing, and red": (Night(1, log="Traceback"), "# No results: nothing was judged (exit code 1)", ["error"]),
    "nothing, and away": (Night(6), "# No results: nothing was judged (exit code 6)", ["error"]),
    "not installed": (Night(127, log="not found"), "# The job is set up wrongly (exit code 127)", ["error"]),
}


@pytest.mark.parametrize("name", NIGHTS)
def test_the_first_line_tells_whose_turn_it_is(name: str) -> None:
    night, heading, levels = NIGHTS[name]

    assert page_text(night).startswith(heading)
    assert [line.split()[0].removeprefix("::") for line in github_annotations(night)] == levels


def test_a_violation_seen_before_a_run_was_cut_off_is_told() -> None:
    assert "It had seen that the endpoint violates the protocol." in page_text(Night(CUT_OFF, judged()))


@pytest.mark.parametrize(
    ("given", "told", "counts", "remark"),
    [
        (0, 0, 0, ""),
        (0, 1, 1, "exit code 0, and its results.json says 1"),
        (0, 6, 6, "exit code 0, and its results.json says 6"),
        (1, 0, 1, "exit code 1, and its results.json says 0"),
        (6, 1, 1, "exit code 6, and its results.json says 1"),
        (77, 1, 77, "exit code 77, and its results.json says 1"),
        (3, 0, 3, ""),
        (2, 1, 2, ""),
        (None, 6, CUT_OFF, ""),
        (137, 1, CUT_OFF, ""),
        (-9, 1, CUT_OFF, ""),
        (4, 0, 4, "is of another run (exit code 0)"),
    ],
)
def test_the_worse_of_two_exit_codes_counts(given: int | None, told: int, counts: int, remark: str) -> None:
    found, own, strange = reconciled(given, judged(exit_code=told))

    assert (found, own is None) == (counts, given == 4)
    assert remark in strange if remark else not strange


def nightly(code: int, outcomes: dict[str, str], *, verdict: str = "conformant", factor: float | None = None) -> str:
    """The page of a night in which these requirements ended otherwise than the night before, and operations took thrice as long."""
    before, after = judged("conformant", violated=0, findings=0), judged(verdict, violated=0, findings=0)
    before["run"]["started"] = "2026-11-21T20:00:00Z"
    for row in after["requirements"]:
        row["outcome"] = outcomes.get(row["id"], row["outcome"])
    after["observations"][0]["seen"] = "something else"
    after["operations"][0]["polls"][-1][0] *= 3.2
    return unescape(page_text(Night(code, after, changes=compare([before, after]), timing_factor=factor)))


def test_noise_of_every_night_is_counted_and_not_shown() -> None:
    quiet, loud = nightly(0, {}), nightly(0, {}, factor=3)

    assert "Nothing else changed." in quiet
    assert "Not shown: 1 changed observation, 1 changed timing." in quiet
    assert "16.3 s" not in quiet
    assert ("16.3 s" in loud, "changed timing." in loud) == (True, False)
    assert "16.3 s" not in nightly(0, {}, factor=3.5)


def test_what_was_met_and_is_not_judged_now_stands_above_other_changes() -> None:
    page = nightly(0, {"REQ-REIMAGE-202": "untested"}, verdict="partial")

    assert page.index("**Met before, not judged now: 1.**") < page.index("### Other changes of outcome (1)")


@pytest.mark.parametrize("code", [CUT_OFF, 6])
def test_changes_to_what_a_run_did_not_come_to_are_one_line(code: int) -> None:
    lost = {"REQ-REIMAGE-202": "untested", "REQ-GOS-ORDER": "inconclusive"}
    page = nightly(code, lost, verdict="incomplete")

    assert "**Met before, not judged now: 1.**" in page
    assert "Not shown: 2 changes to what was not judged, 1 changed observation" in page
    assert "REQ-REIMAGE-202" not in page


def test_the_sentence_that_stopped_a_run_is_second_on_the_page_and_annotated() -> None:
    run = judged("incomplete", violated=0, findings=0, exit_code=6)
    for row in run["requirements"]:
        row.update(outcome="inconclusive", reason="rig.toml: base_url: cannot be reached")
    night = Night(6, run)

    assert unescape(page_text(night).split("\n\n")[1]) == "> rig.toml: base_url: cannot be reached"
    assert github_annotations(night)[0].endswith("::rig.toml: base_url: cannot be reached")


def test_a_reason_for_what_was_not_judged_is_told() -> None:
    night = Night(6, {**judged("incomplete", findings=0), "run": {**SAMPLE["run"], "reason": "it was away"}})

    assert "> it was away" in page_text(night)
    assert github_annotations(night)[0].endswith("::it was away")


def test_without_results_the_last_words_of_the_run_are_shown() -> None:
    night = Night(4, log="\n".join([*(f"line {number}" for number in range(50)), "error: rig.toml: wrong", ""]))

    assert page_text(night).endswith("line 49\nerror: rig.toml: wrong\n```\n")
    assert "line 3\n" not in page_text(night)
    assert github_annotations(night) == [
        "::error title=conformance%3A The job is set up wrongly::error: rig.toml: wrong"
    ]


def test_what_an_endpoint_sent_starts_no_command_and_no_markup() -> None:
    run = judged(findings=2)
    run["findings"][0]["headline"] = f"x\n::set-output name=a::b\r\n::error::c %0A::warning::d {HOSTILE}"
    run["run"]["reason"] = HOSTILE
    night = Night(1, run, log=HOSTILE)
    lines = github_annotations(night)

    assert len(lines) == 2
    assert [line.count("\n") + line.count("\r") for line in lines] == [0, 0]
    assert "%250A" in lines[0]
    assert "<script" not in page_text(Night(6, run))


def test_no_more_is_annotated_than_is_shown() -> None:
    assert len(github_annotations(Night(1, judged(findings=30)))) == 10


def test_a_page_fits_where_it_is_to_stand() -> None:
    assert len(page_text(Night(1, judged(), summary="\N{SNOWMAN}" * PAGE_LIMIT)).encode()) <= PAGE_LIMIT


def test_the_page_is_appended_to_the_one_of_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page"
    page.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    (tmp_path / "log").write_text("error: no")

    assert (
        cli.main(["job-page", str(tmp_path / "none"), "--exit-code", "4", "--log", str(tmp_path / "log"), "--github"])
        == 0
    )
    assert page.read_text().startswith("before\n# The job is set up wrongly")
    assert capsys.readouterr().out.startswith("::error ")


def test_where_there_is_no_job_the_page_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)

    for ended in ([], ["--exit-code", "143"]):
        assert cli.main(["job-page", str(tmp_path), *ended]) == 0
        assert capsys.readouterr().out.startswith("# The run was cut off")
    assert cli.main(["job-page", str(tmp_path), "--github"]) == cli.WRONG_USAGE
    assert "GITHUB_STEP_SUMMARY, found none" in capsys.readouterr().err


def test_the_index_of_a_folder_is_written_and_nobody_elses_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["index", str(tmp_path)]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "index.html")
    (tmp_path / "index.html").write_text("mine")
    assert cli.main(["index", str(tmp_path)]) == cli.WRONG_USAGE
    assert cli.main(["index", str(tmp_path / "missing")]) == cli.WRONG_USAGE
    assert (tmp_path / "index.html").read_text() == "mine"
