"""Comparing a night with the last good one, and by the symptoms of what is violated."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from reimage_conformance import cli
from reimage_conformance.report.comparison_reports import comparison_html, comparison_markdown, comparison_text
from reimage_conformance.report.differences import compare
from reimage_conformance.report.results import results
from reimage_conformance.report.runs import last_good
from report_samples import sample_assessment

if TYPE_CHECKING:
    from pathlib import Path

Results = dict[str, Any]
SAMPLE = results(sample_assessment())
BAD_ROW = next(row["id"] for row in SAMPLE["requirements"] if row["outcome"] == "violated")


def night(day: int, verdict: str = "nonconformant", **run: str) -> Results:
    """The sample as the run of one night."""
    made = deepcopy(SAMPLE)
    made["run"].update(started=f"2026-11-{day:02}T02:00:00Z", id=f"night-{day}", verdict=verdict, **run)
    return made


def with_symptoms(run: Results, *fingerprints: str, headline: str = "") -> Results:
    """The run, with these symptoms of what it violates."""
    made = deepcopy(run)
    row = next(row for row in made["requirements"] if row["id"] == BAD_ROW)
    row["fingerprints"] = list(fingerprints)
    for finding in made["findings"]:
        if finding["requirement"] == BAD_ROW and headline:
            finding["headline"] = headline
    return made


def keep(folder: Path, *runs: Results) -> Path:
    """The folder, in which each run has one of its own."""
    for run in runs:
        place = folder / run["run"]["id"]
        place.mkdir(parents=True)
        (place / "results.json").write_text(json.dumps(run))
    return folder


@pytest.mark.parametrize(
    ("nights", "found"),
    [
        ([night(1, "conformant"), night(2), night(3)], "night-1"),
        ([night(1, "conformant"), night(2, "conformant"), night(3)], "night-2"),
        ([night(1, "conformant"), night(2, "partial")], "night-1"),
        ([night(1, "partial"), night(2, "partial"), night(3, "incomplete")], "night-2"),
        ([night(1), night(2, "incomplete")], None),
        ([night(1, "conformant", profile="smoke"), night(2)], None),
        ([night(1, "conformant", strictness="lenient"), night(2)], None),
        ([night(9, "conformant"), night(10, "conformant")], None),
        ([], None),
    ],
)
def test_the_last_good_night_is_found(tmp_path: Path, nights: list[Results], found: str | None) -> None:
    good = last_good(night(9), keep(tmp_path, *nights))

    assert (good.folder.name if good is not None else None) == found


def test_a_run_of_a_few_cases_is_no_measure(tmp_path: Path) -> None:
    few = night(5, "partial")
    for row in few["requirements"][1:]:
        row["outcome"] = "untested"
    good = last_good(night(9), keep(tmp_path, night(1, "partial"), few))

    assert good is not None
    assert good.folder.name == "night-1"


def test_a_night_of_another_target_is_not_compared_with(tmp_path: Path) -> None:
    other = night(1, "conformant")
    other["target"]["name"] = "fabrikam"

    assert last_good(night(2), keep(tmp_path, other)) is None


def test_a_bad_night_does_not_become_what_the_next_is_compared_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = night(1, "conformant")
    for row in good["requirements"]:
        row["outcome"] = "met" if row["outcome"] == "violated" else row["outcome"]
    keep(tmp_path, good, night(2), night(3))
    code = cli.main(["compare", str(tmp_path / "night-3"), "--against", "last-good"])

    assert code == 1
    assert f"{BAD_ROW}: met -> violated" in capsys.readouterr().out


def test_the_first_night_has_nothing_to_be_compared_with(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keep(tmp_path, night(1))
    code = cli.main(["compare", str(tmp_path / "night-1"), "--against", "last-good"])

    assert code == 6
    assert "no earlier run of 'contoso staging rig' (profile standard) below" in capsys.readouterr().out


def test_the_history_may_be_elsewhere(tmp_path: Path) -> None:
    history = keep(tmp_path / "history", night(1, "conformant"))
    keep(tmp_path / "reports", night(2))

    assert cli.main(["compare", str(tmp_path / "reports" / "night-2"), "--against", "last-good"]) == 6
    words = ["compare", str(tmp_path / "reports" / "night-2"), "--against", "last-good", "--history", str(history)]
    assert cli.main(words) == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["a", "b", "--against", "last-good"], "compare --against last-good takes one run, found 2"),
        (["a", "--against", "last-god"], "did you mean 'last-good'?"),
        (["a", "b", "--history", "x"], "--history x: is used only with --against last-good"),
    ],
)
def test_mistakes_are_named(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["compare", *words]) == cli.WRONG_USAGE
    assert told in capsys.readouterr().err


def test_a_new_symptom_of_what_was_violated_already_is_a_change() -> None:
    first = with_symptoms(night(1), "aaa", headline="It answers 200.")
    last = with_symptoms(night(2), "bbb", "ccc", headline="It answers 500.")
    found = compare([first, last])
    (change,) = found.other_symptoms

    assert (change.subject, change.before, change.after) == (
        BAD_ROW,
        "It answers 200.",
        "It answers 500. (2 symptoms)",
    )
    assert change.reason == "2 symptoms new, 1 symptom gone"
    assert found.exit_code == 0
    assert "violated in another way (1)" in comparison_text(found)
    assert "no difference" not in comparison_text(found)
    assert "Violated in another way" in comparison_markdown(found)
    assert "It answers 500." in comparison_html(found)


@pytest.mark.parametrize("before", [["aaa", "bbb"], []])
def test_the_same_symptoms_in_another_order_or_none_are_no_change(before: list[str]) -> None:
    first, last = with_symptoms(night(1), *before), with_symptoms(night(2), "bbb", "aaa")

    assert compare([first, last]).other_symptoms == ()
