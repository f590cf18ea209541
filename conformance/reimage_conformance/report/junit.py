"""junit.xml: one testcase for each case, and one for each violated or inconclusive requirement that no case shows as such.

CI servers read different dialects. This file is valid in all of them: it keeps to the schema of Jenkins' xUnit plugin (no `skipped` on
`testsuites`, no `properties` in a `testcase`), times are plain seconds with three decimals, and the timestamp is one that Ant's schema allows.
"""

from __future__ import annotations

import contextlib
import math
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lxml import etree

from reimage_conformance.model import Outcome
from reimage_conformance.report.explaining import explain_command
from reimage_conformance.report.visible import one_line, visible
from reimage_conformance.report.wording import is_known_case, tries_words, verdict_sentence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reimage_conformance.model import Assessment, CaseRecord, Finding, RequirementResult

Element = etree._Element  # noqa: SLF001  (lxml has no other name for the type)

ELEMENTS = {
    "violated": "failure",
    "error": "error",
    "inconclusive": "error",
    "not-applicable": "skipped",
    "untested": "skipped",
}
"""The JUnit element that stands for a case's outcome; every other outcome passes."""

MESSAGE_LIMIT = 300
"""Characters of the message of a failure, an error or a skipped case."""

NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that XML 1.0 does not allow, not even as a character reference."""


def junit_text(assessment: Assessment) -> bytes:
    """The octets of junit.xml."""
    cases = [_case_element(case, assessment) for case in assessment.cases]
    cases += [_requirement_element(result, assessment) for result in _shown_by_no_case(assessment)]
    totals = _totals(cases, assessment)
    root = etree.Element("testsuites", {"name": "reimage-conformance", **totals})
    name = one_line(str(assessment.target.get("name", ""))) or "target"
    of_suite_only = {"skipped": _number_with(cases, "skipped"), **_timestamp(assessment.run.started)}
    suite = etree.SubElement(root, "testsuite", _safe({"name": name, **totals, **of_suite_only}))
    suite.append(_properties(_suite_properties(assessment)))
    suite.extend(cases)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _totals(cases: list[Element], assessment: Assessment) -> dict[str, str]:
    """The attributes that both `testsuites` and `testsuite` have; `skipped` is allowed on `testsuite` only."""
    return {
        "tests": str(len(cases)),
        "failures": _number_with(cases, "failure"),
        "errors": _number_with(cases, "error"),
        "time": _seconds(assessment.run.duration_seconds),
    }


def _seconds(duration: float) -> str:
    """Seconds with three decimals: no sign, no exponent, no separator of thousands."""
    return f"{duration if duration > 0 and math.isfinite(duration) else 0.0:.3f}"


def _timestamp(started: str) -> dict[str, str]:
    """The attribute `timestamp` in UTC, without the offset that Ant's schema forbids; nothing if `started` is no time."""
    with contextlib.suppress(ValueError, OverflowError):
        return {"timestamp": datetime.fromisoformat(started).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")}
    return {}


def _number_with(cases: list[Element], tag: str) -> str:
    return str(sum(case.find(tag) is not None for case in cases))


def _suite_properties(assessment: Assessment) -> dict[str, str]:
    run = assessment.run
    return {
        "verdict": assessment.verdict.value,
        "verdict_reason": verdict_sentence(assessment),
        "exit_code": str(assessment.exit_code),
        "target": str(assessment.target.get("name", "")),
        "base_url": str(assessment.target.get("base_url", "")),
        "strictness": run.strictness.value,
        "profile": run.profile.value,
        "seed": str(run.seed),
        "suite_version": run.suite_version,
        "interrupted": str(run.interrupted).lower(),
        "requests": str(assessment.requests),
        "reimages": str(assessment.reimages),
        **{f"requirements_{name}": str(number) for name, number in assessment.counts().items()},
    }


def _properties(values: Mapping[str, str]) -> Element:
    element = etree.Element("properties")
    for name, value in values.items():
        etree.SubElement(element, "property", _safe({"name": name, "value": value}))
    return element


def _case_element(case: CaseRecord, assessment: Assessment) -> Element:
    element = _testcase(*_class_and_name(case.id), case.duration_seconds)
    findings = [finding for finding in assessment.findings if case.id in finding.cases]
    tag = "skipped" if is_known_case(case, assessment) else ELEMENTS.get(case.outcome)
    text = _finding_texts(findings) or case.detail
    if tag is not None:
        headline = findings[0].headline if findings and tag == "failure" else case.detail or case.outcome
        _conclude(element, tag, case.outcome, headline, text)
    _describe(element, case.requirements, case.outcome, case.detail)
    return element


def _shown_by_no_case(assessment: Assessment) -> list[RequirementResult]:
    """Violated and inconclusive requirements that no case shows as such; a CI server would miss them."""
    shown = {(name, case.outcome) for case in assessment.cases for name in case.requirements}
    wanted = assessment.of_outcome(Outcome.VIOLATED, Outcome.INCONCLUSIVE)
    return [result for result in wanted if (result.requirement.id, result.outcome.value) not in shown]


def _requirement_element(result: RequirementResult, assessment: Assessment) -> Element:
    element = _testcase("requirements", result.requirement.id, 0.0)
    findings = [finding for finding in assessment.findings if finding.requirement == result.requirement.id]
    outcome = result.outcome.value
    message = findings[0].headline if findings else result.headline or result.reason or result.requirement.title
    _conclude(element, ELEMENTS[outcome], outcome, message, _finding_texts(findings) or result.reason)
    _describe(element, (result.requirement.id,), outcome, result.reason)
    return element


def _testcase(classname: str, name: str, seconds: float) -> Element:
    return etree.Element("testcase", _safe({"classname": classname, "name": name, "time": _seconds(seconds)}))


def _conclude(element: Element, tag: str, kind: str, message: str, text: str) -> None:
    """Add the child `tag` that says how a testcase ended."""
    child = etree.SubElement(element, tag, _safe({"type": kind, "message": one_line(message, MESSAGE_LIMIT)}))
    child.text = _xml_safe(text)


def _describe(element: Element, requirements: tuple[str, ...], outcome: str, detail: str) -> None:
    """Add what a testcase is about as `system-out`; the schema has no other element for it."""
    lines = [f"requirements: {' '.join(requirements)}", f"outcome: {outcome}", *([detail] if detail else [])]
    etree.SubElement(element, "system-out").text = _xml_safe("\n".join(lines))


def _finding_texts(findings: list[Finding]) -> str:
    return "\n\n".join(_finding_text(finding) for finding in findings)


def _finding_text(finding: Finding) -> str:
    lines = [
        f"{finding.requirement} ({finding.counts_as.value}): {finding.headline}",
        f"expected: {finding.expected}",
        f"actual:   {finding.actual}",
        f"exchanges: {', '.join(map(str, finding.evidence)) or 'none'}",
    ]
    lines += [f"tried again: {tries_words(finding)}"] if finding.tries is not None else []
    lines += ["reproduce: reimage-conformance replay, or the script in report.html"] if finding.reproduce else []
    lines += [f"probably also causes: {', '.join(finding.also_affected)}"] if finding.also_affected else []
    lines += [f"explained by: {explain_command(finding.requirement)}"]
    return "\n".join(lines)


def _class_and_name(node_id: str) -> tuple[str, str]:
    """`cases/test_x.py::test_y[z]` as the class cases.test_x and the name test_y[z]."""
    path, _, name = node_id.partition("::")
    module = path.removesuffix(".py").replace("/", ".").replace("\\", ".")
    return (module, name) if name else ("cases", node_id)


def _safe(attributes: Mapping[str, str]) -> dict[str, str]:
    return {name: _xml_safe(value) for name, value in attributes.items()}


def _xml_safe(text: str) -> str:
    return NOT_XML.sub("�", visible(text))
