"""results.json: its form, its determinism, and reading it back."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from reimage_conformance.errors import UsageError
from reimage_conformance.model import Assessment, Outcome
from reimage_conformance.report.console import console_lines
from reimage_conformance.report.html.page import Page
from reimage_conformance.report.results import load_results, results, results_schema, results_text
from reimage_conformance.report.summary import summary_text
from report_samples import conformant_assessment, hostile_assessment, sample_assessment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SAMPLES = {"sample": sample_assessment, "conformant": conformant_assessment, "hostile": hostile_assessment}


@pytest.fixture(params=SAMPLES)
def assessment(request: pytest.FixtureRequest) -> Assessment:
    return SAMPLES[request.param]()


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(results_schema())


def test_results_are_of_the_form_that_the_schema_describes(assessment: Assessment) -> None:
    read_back = json.loads(results_text(assessment))
    assert list(Draft202012Validator(results_schema()).iter_errors(read_back)) == []


def test_every_member_that_is_written_is_described(assessment: Assessment) -> None:
    assert list(undescribed(results(assessment), results_schema(), "$")) == []


def test_what_was_asked_before_the_run_is_told_in_every_report() -> None:
    told = sample_assessment()
    sentence = "Before the run, 7 requests asked about the target file: 1 answer to check in the target file."
    asked = results(told)["preflight"]
    assert asked["requests"] == 7
    assert [answer["level"] for answer in asked["answers"]] == ["ok", "check"]
    assert sentence in summary_text(told)
    assert "check: second_client_certificate: answered 403 <b>no</b>" in console_lines(told)
    assert sentence in str(Page.of(told, {}).verdict())
    assert "preflight" not in results(replace(told, preflight=None))


@pytest.mark.parametrize("member", ["schema", "run", "summary", "requirements", "findings", "operations", "cases"])
def test_the_schema_refuses_results_without_a_member(member: str) -> None:
    damaged = results(sample_assessment())
    del damaged[member]
    assert not Draft202012Validator(results_schema()).is_valid(damaged)


def test_the_members_that_other_programs_rely_on() -> None:
    found = results(sample_assessment())
    assert found["schema"] == "reimage-conformance/results/1"
    assert found["run"]["verdict"] == "nonconformant"
    assert found["summary"] == {
        **{outcome.value: 1 for outcome in Outcome},
        "violated": 2,
        "requests": 6,
        "reimages": 2,
        "duration_seconds": 9.25,
    }
    assert found["requirements"][1] == {
        "id": "REQ-REIMAGE-VERSION-OLD",
        "level": "MUST",
        "area": "core",
        "counts_as": "FAIL",
        "outcome": "violated",
        "cases": ["cases/test_versions.py::test_old"],
        "reason": "A version before 2010-10-28 was accepted.",
        "title": "Title of REQ-REIMAGE-VERSION-OLD",
        "evidence": [4],
        "fingerprints": [],
        "headline": "",
    }
    assert found["operations"][0]["polls"] == [[0.1, "InProgress"], [2.5, "InProgress"], [5.1, "Succeeded"]]


def test_the_text_is_ascii_and_the_same_each_time() -> None:
    text = results_text(hostile_assessment())
    assert text.isascii()
    assert text == results_text(hostile_assessment())


def test_results_are_read_back_from_a_file_and_from_its_folder(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text(results_text(sample_assessment()))
    expected = results(sample_assessment())
    assert load_results(tmp_path) == expected
    assert load_results(tmp_path / "results.json") == expected


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "cannot be read"),
        ("{", "is not JSON"),
        ("[]", "is not of the form"),
        ('{"schema": "other/1"}', "is not of the form"),
    ],
)
def test_a_file_that_is_no_results_is_refused_in_one_sentence(
    tmp_path: Path, content: str | None, complaint: str
) -> None:
    path = tmp_path / "results.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UsageError, match=complaint) as caught:
        load_results(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_target_with_values_that_json_lacks_is_written_as_text(tmp_path: Path) -> None:
    target = {
        "name": "x",
        "base_url": "http://x",
        "path": tmp_path,
        "set": frozenset({"b", "a"}),
        "deep": ({"k": (1,)},),
    }
    found = results(replace(sample_assessment(), target=target))["target"]
    assert found == {**target, "path": str(tmp_path), "set": ["a", "b"], "deep": [{"k": [1]}]}


def undescribed(value: Any, schema: dict[str, Any], path: str) -> Iterator[str]:
    """The paths of members of `value` that `schema` says nothing of."""
    if isinstance(value, dict) and "properties" in schema:
        for name, item in value.items():
            if name in schema["properties"]:
                yield from undescribed(item, schema["properties"][name], f"{path}.{name}")
            elif path != "$.target":
                yield f"{path}.{name}"
    if isinstance(value, list) and "items" in schema and isinstance(schema["items"], dict):
        for item in value:
            yield from undescribed(item, schema["items"], f"{path}[]")
