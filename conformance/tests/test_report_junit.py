"""junit.xml: read with a parser, as a CI server does."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from lxml import etree

from reimage_conformance.model import Assessment, Outcome
from reimage_conformance.report.junit import junit_text
from report_samples import HOSTILE, conformant_assessment, hostile_assessment, sample_assessment

COUNTS = r"\d+"
SECONDS = r"\d+\.\d{3}"
ALLOWED: dict[str, tuple[dict[str, str], set[str], set[str]]] = {
    "testsuites": (
        {"name": ".*", "time": SECONDS, "tests": COUNTS, "failures": COUNTS, "errors": COUNTS},
        set(),
        {"testsuite"},
    ),
    "testsuite": (
        {
            **dict.fromkeys(("tests", "failures", "errors", "skipped"), COUNTS),
            "name": ".+",
            "time": SECONDS,
            "timestamp": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d",
        },
        {"name", "tests", "failures", "errors"},
        {"properties", "testcase"},
    ),
    "properties": ({}, set(), {"property"}),
    "property": ({"name": ".+", "value": "(?s).*"}, {"name", "value"}, set()),
    "testcase": (
        {"name": ".+", "classname": r"[\w.-]+", "time": SECONDS},
        {"name", "classname", "time"},
        {"failure", "error", "skipped", "system-out"},
    ),
    **{
        name: ({"type": ".+", "message": "(?s).+"}, {"type", "message"}, set())
        for name in ("failure", "error", "skipped")
    },
    "system-out": ({}, set(), set()),
}
"""What every reader takes: for each element its attributes with their forms, those it must have, and its children.

The structure is that of Jenkins' xUnit plugin (junit-10.xsd); the timestamp is Ant's; GitLab tells testcases apart by classname and name.
"""


def departures(element: etree._Element) -> list[str]:
    """Where `element` and what it holds is not as ALLOWED says."""
    name = str(element.tag)
    forms, needed, children = ALLOWED[name]
    has = {str(key): str(value) for key, value in element.attrib.items()}
    found = [
        f"{name} has {key}={value!r}" for key, value in has.items() if not re.fullmatch(forms.get(key, "(?!)"), value)
    ]
    found += [f"{name} lacks {key}" for key in needed - set(has)]
    found += [f"{name} holds {child.tag}" for child in element if child.tag not in children]
    return found + [each for child in element if child.tag in children for each in departures(child)]


def parsed(text: bytes) -> etree._Element:
    return etree.fromstring(text)


def children_by_name(root: etree._Element) -> dict[str | None, str]:
    """The element of each testcase that decides how a CI server shows it."""
    return {
        case.get("name"): next(
            (str(child.tag) for child in case if child.tag in ("failure", "error", "skipped")), "passed"
        )
        for case in root.iter("testcase")
    }


def test_each_outcome_becomes_what_a_ci_server_shows_for_it() -> None:
    assert children_by_name(parsed(junit_text(sample_assessment()))) == {
        "test_accepted": "passed",
        "test_old": "failure",
        "test_junk": "passed",
        "test_order": "passed",
        "test_goes": "error",
        "test_other": "skipped",
        "test_comp[x]": "skipped",
        "test_head": "skipped",
        "test_broken": "error",
        "REQ-ERR-CODES": "failure",
    }


def test_the_totals_are_those_of_the_testcases() -> None:
    root = parsed(junit_text(sample_assessment()))
    totals = {"tests": "10", "failures": "2", "errors": "2"}
    for element in (root, root[0]):
        assert {name: element.get(name) for name in totals} == totals
    assert root[0].get("skipped") == "3"


@pytest.mark.parametrize(
    "assessment",
    [
        sample_assessment(),
        conformant_assessment(),
        hostile_assessment(HOSTILE),
        replace(sample_assessment(), target={}),
        replace(conformant_assessment(), cases=(), requirements=()),
    ],
    ids=["sample", "conformant", "hostile", "no-name", "nothing-judged"],
)
def test_the_structure_is_one_that_every_reader_takes(assessment: Assessment) -> None:
    root = parsed(junit_text(assessment))
    assert departures(root) == []
    assert len(root) == 1
    names = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
    assert len(names) == len(assessment.cases) + sum(name[0] == "requirements" for name in names)
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0.0, "0.000"),
        (-0.0, "0.000"),
        (-1.5, "0.000"),
        (12345.6789, "12345.679"),
        (1e-9, "0.000"),
        (float("nan"), "0.000"),
        (float("inf"), "0.000"),
    ],
)
def test_a_time_is_plain_seconds(seconds: float, written: str) -> None:
    sample = sample_assessment()
    case = replace(sample.cases[0], duration_seconds=seconds)
    text = junit_text(replace(sample, cases=(case,), run=replace(sample.run, duration_seconds=seconds)))
    root = parsed(text)
    assert [each.get("time") for each in root.iter("testsuites", "testsuite")] == [written] * 2
    assert next(root.iter("testcase")).get("time") == written


@pytest.mark.parametrize(
    ("started", "written"),
    [
        ("2026-03-01T12:00:05+00:00", "2026-03-01T12:00:05"),
        ("2026-03-01T12:00:05.25+02:00", "2026-03-01T10:00:05"),
        ("", None),
        ("yesterday", None),
    ],
)
def test_the_timestamp_is_utc_without_an_offset(started: str, written: str | None) -> None:
    sample = sample_assessment()
    root = parsed(junit_text(replace(sample, run=replace(sample.run, started=started))))
    assert root[0].get("timestamp") == written


def test_system_out_says_which_requirements_a_testcase_judges_and_how_it_ended() -> None:
    root = parsed(junit_text(sample_assessment()))
    told = {case.get("name"): case.findtext("system-out") for case in root.iter("testcase")}
    assert set(told) == set(children_by_name(root))
    assert told["test_old"] is not None
    assert told["test_old"].startswith("requirements: REQ-REIMAGE-VERSION-OLD\noutcome: violated")
    assert told["REQ-ERR-CODES"] is not None
    assert told["REQ-ERR-CODES"].startswith("requirements: REQ-ERR-CODES\noutcome: violated")


def test_a_failure_says_what_was_expected_and_what_came() -> None:
    failure = parsed(junit_text(sample_assessment())).find(".//testcase[@name='test_old']/failure")
    assert failure is not None
    assert failure.get("message") == "A reimage with x-ms-version 2009-10-01 is accepted"
    assert "expected: 400 with MissingOrIncorrectVersionHeader" in (failure.text or "")
    assert "actual:   202 with x-ms-request-id" in (failure.text or "")


def test_properties_name_the_verdict_and_the_run() -> None:
    root = parsed(junit_text(sample_assessment()))
    found = {one.get("name"): one.get("value") for one in root.findall("testsuite/properties/property")}
    assert found["verdict"] == "nonconformant"
    assert found["seed"] == "42"
    assert found["requirements_violated"] == "2"


def test_a_conformant_run_has_nothing_but_passes() -> None:
    assert set(children_by_name(parsed(junit_text(conformant_assessment()))).values()) == {"passed"}


def test_a_violation_that_no_case_shows_is_a_testcase_of_its_own() -> None:
    sample = sample_assessment()
    alone = replace(sample, cases=(), requirements=tuple(sample.of_outcome(Outcome.VIOLATED, Outcome.INCONCLUSIVE)))
    assert children_by_name(parsed(junit_text(alone))) == {
        "REQ-REIMAGE-VERSION-OLD": "failure",
        "REQ-ERR-CODES": "failure",
        "REQ-GOS-PROGRESS": "error",
    }


def test_every_character_that_an_endpoint_can_send_leaves_well_formed_xml() -> None:
    everything = "".join(map(chr, [*range(0x300), 0x202E, 0xD800, 0xFFFE, 0xFFFF, 0x1F600, 0x10FFFF]))
    root = parsed(junit_text(hostile_assessment(everything)))
    message = root.find(".//failure").get("message")  # type: ignore[union-attr]
    assert message is not None
    assert "\\x1b" in message
    assert "\u202e" not in (root.find(".//failure").text or "")  # type: ignore[union-attr]
