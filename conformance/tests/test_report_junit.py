"""junit.xml: read with a parser, as a CI server does."""

from __future__ import annotations

from dataclasses import replace

from lxml import etree

from conformance.model import Outcome
from conformance.report.junit import junit_text
from conformance.tests.report_samples import conformant_assessment, hostile_assessment, sample_assessment


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
    totals = {"tests": "10", "failures": "2", "errors": "2", "skipped": "3"}
    for element in (root, root[0]):
        assert {name: element.get(name) for name in totals} == totals


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
