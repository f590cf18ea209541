"""The badge of a night, and its findings as SARIF."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from reimage_conformance import cli
from reimage_conformance.report.badge import badge_text
from reimage_conformance.report.ending import CUT_OFF
from reimage_conformance.report.results import results
from reimage_conformance.report.sarif import FINGERPRINT, sarif_text
from report_samples import HOSTILE, sample_assessment

if TYPE_CHECKING:
    from pathlib import Path

SAMPLE = results(sample_assessment())


@pytest.mark.parametrize(
    ("verdict", "violated", "message", "colour"),
    [
        ("conformant", 0, "conformant", "brightgreen"),
        ("partial", 0, "partial", "green"),
        ("nonconformant", 1, "1 requirement violated", "red"),
        ("nonconformant", 3, "3 requirements violated", "red"),
        ("incomplete", 0, "incomplete", "orange"),
    ],
)
def test_a_badge_says_how_the_night_ended(verdict: str, violated: int, message: str, colour: str) -> None:
    run = deepcopy(SAMPLE)
    run["run"]["verdict"], run["summary"]["violated"] = verdict, violated
    badge = json.loads(badge_text(run))

    assert badge == {"schemaVersion": 1, "label": "contoso staging rig", "message": message, "color": colour}


def test_a_night_that_left_nothing_has_a_badge_and_a_log_too() -> None:
    assert json.loads(badge_text(None))["message"] == "not judged"
    (run,) = json.loads(sarif_text(None))["runs"]
    assert (run["results"], run["tool"]["driver"]["rules"]) == ([], [])


def sarif(run: dict[str, Any]) -> dict[str, Any]:
    document = json.loads(sarif_text(run))
    assert document["version"] == "2.1.0"
    found: dict[str, Any] = document["runs"][0]
    return found


def test_each_finding_is_a_result_under_the_rule_of_its_requirement() -> None:
    run = sarif(SAMPLE)
    rules = run["tool"]["driver"]["rules"]

    assert [result["ruleId"] for result in run["results"]] == [each["requirement"] for each in SAMPLE["findings"]]
    assert [rules[result["ruleIndex"]]["id"] for result in run["results"]] == [
        each["ruleId"] for each in run["results"]
    ]
    assert len({rule["id"] for rule in rules}) == len(rules)
    assert all(rule["shortDescription"]["text"] for rule in rules)
    assert {result["level"] for result in run["results"]} <= {"error", "warning", "note"}
    assert all(result["locations"][0]["physicalLocation"]["region"]["startLine"] == 1 for result in run["results"])


def test_a_finding_stays_the_same_alert() -> None:
    run = deepcopy(SAMPLE)
    run["findings"] = [{**run["findings"][0], "fingerprint": "abc", "headline": HOSTILE}]
    (result,) = sarif(run)["results"]

    assert result["partialFingerprints"] == {FINGERPRINT: "abc"}
    assert "\u202e" not in result["message"]["text"]


@pytest.mark.parametrize(
    ("change", "code", "told"),
    [
        ({"verdict": "incomplete", "exit_code": 6}, 6, "Not everything that must hold could be judged."),
        ({"verdict": "incomplete", "exit_code": 6, "reason": "It was away."}, 6, "It was away."),
        ({"interrupted": True}, 1, "The run did not come to its end."),
        ({"interrupted": True}, CUT_OFF, "The run did not come to its end."),
        ({}, CUT_OFF, "The run was cut off."),
        ({}, 3, "The run ended with exit code 3."),
        ({}, 1, ""),
        ({"verdict": "partial", "exit_code": 0}, None, ""),
    ],
)
def test_a_log_says_whether_everything_could_be_judged(change: dict[str, Any], code: int | None, told: str) -> None:
    night = deepcopy(SAMPLE)
    night["run"].update(reason="", interrupted=False)
    night["run"].update(change)
    (invocation,) = json.loads(sarif_text(night, code=code))["runs"][0]["invocations"]
    notes = [each["message"]["text"] for each in invocation.get("toolExecutionNotifications", [])]

    assert (invocation["executionSuccessful"], notes) == (not told, [told] if told else [])
    assert invocation.get("exitCode") == (
        None if code == CUT_OFF else night["run"]["exit_code"] if code is None else code
    )


def test_a_log_of_a_night_that_left_nothing_closes_no_alert() -> None:
    (invocation,) = json.loads(sarif_text(None, code=4))["runs"][0]["invocations"]

    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (False, 4)
    assert invocation["toolExecutionNotifications"][0]["message"]["text"] == "The run left no results."


def test_both_are_written_and_replace_their_own_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "results.json").write_text(json.dumps(SAMPLE))
    words = ["job-page", str(tmp_path), "--exit-code", "1"]
    badge, log = tmp_path / "badge.json", tmp_path / "findings.sarif"
    both = ["--badge", str(badge), "--sarif", str(log)]

    assert cli.main([*words, *both]) == 0
    written = badge.read_text(), log.read_text()
    badge.write_text(badge_text(None))
    assert cli.main([*words, *both]) == 0
    assert (badge.read_text(), log.read_text()) == written
    for file, strange in (
        (badge, '{"schemaVersion": 1}'),
        (log, '{"runs": [{"tool": {"driver": {"name": "x"}}}]}'),
        (log, "["),
    ):
        before = file.read_text()
        file.write_text(strange)
        assert cli.main([*words, *both]) == cli.WRONG_USAGE
        assert f"{file.name}: exists, and this command did not write it" in capsys.readouterr().err
        assert file.read_text() == strange
        file.write_text(before)
