"""What the job page and the annotations of a night say, for every exit code, whatever an endpoint sent."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from reimage_conformance import cli
from reimage_conformance.report.job_page import CUT_OFF, PAGE_LIMIT, Night, github_annotations, page_text
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
}


@pytest.mark.parametrize("name", NIGHTS)
def test_the_first_line_tells_whose_turn_it_is(name: str) -> None:
    night, heading, levels = NIGHTS[name]

    assert page_text(night).startswith(heading)
    assert [line.split()[0].removeprefix("::") for line in github_annotations(night)] == levels


def test_a_violation_seen_before_a_run_was_cut_off_is_told() -> None:
    assert "It had seen that the endpoint violates the protocol." in page_text(Night(CUT_OFF, judged()))


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

    assert cli.main(["job-page", str(tmp_path)]) == 0
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
