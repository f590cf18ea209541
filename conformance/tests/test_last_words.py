"""The last words of pytest: a finding is told once, known violations by their name, and the letters of the progress are explained."""

from __future__ import annotations

from dataclasses import dataclass, replace

from reimage_conformance.model import CaseRecord, Outcome
from reimage_conformance.pytest_plugin.last_words import FAILED, KNOWN, letters_line, separate_known, without_findings
from report_samples import sample_assessment


@dataclass(frozen=True, slots=True)
class Report:
    """What is read of a report of pytest's."""

    nodeid: str
    reimage_outcome: str = "violated"


def test_the_letters_that_were_printed_are_explained() -> None:
    told = letters_line({"passed": [1], FAILED: [1], "untested": [], "observed": [1], "strange": [1]})

    assert told == "cases: . met, F violated, o observed"


def test_violations_are_kept_out_of_the_list_of_failures_and_come_back() -> None:
    violated, broken = Report("a"), Report("b", "error")
    categories = {FAILED: [violated, broken], "passed": [Report("c")]}

    with without_findings(categories):
        assert categories[FAILED] == [broken]
    assert categories[FAILED] == [violated, broken]


def test_without_a_defect_of_the_suite_there_is_no_list_of_failures() -> None:
    categories = {FAILED: [Report("a")]}

    with without_findings(categories):
        assert FAILED not in categories
    assert categories == {FAILED: [Report("a")]}


def test_cases_about_known_violations_alone_are_counted_as_known() -> None:
    sample = sample_assessment()
    row = replace(sample.requirements[0], outcome=Outcome.KNOWN)
    name = row.requirement.id
    cases = (CaseRecord("a", (name,), "violated"), CaseRecord("b", (name, "REQ-OTHER"), "violated"))
    assessment = replace(sample, requirements=(row,), cases=cases)
    categories = {FAILED: [Report("a"), Report("b")]}

    separate_known(categories, assessment)
    assert categories == {FAILED: [Report("b")], KNOWN: [Report("a")]}
    categories = {FAILED: [Report("a")]}
    separate_known(categories, assessment)
    assert categories == {KNOWN: [Report("a")]}
