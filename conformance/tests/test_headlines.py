"""Headlines: every violation is told as a sentence about the endpoint, and none reads as if the check had passed."""

from __future__ import annotations

import pytest

from reimage_conformance.catalogue import CATALOGUE
from reimage_conformance.headlines import HEADLINE_CHARACTERS, headline_of, violation_sentence
from reimage_conformance.model import CountsAs, Outcome, Requirement, Verdict

JUDGED = [
    each
    for each in CATALOGUE.values()
    if not each.untestable and {each.strict, each.lenient} & {CountsAs.FAIL, CountsAs.WARN}
]


def violated(requirement: str, symptom: str, actual: str) -> Verdict:
    """A violation as a check gives it."""
    return Verdict(requirement, Outcome.VIOLATED, actual=actual, symptom=symptom)


@pytest.mark.parametrize("row", JUDGED, ids=lambda row: row.id)
def test_every_requirement_that_can_be_violated_says_what_is_wrong_then(row: Requirement) -> None:
    told = [row.violation, *row.violations.values(), *([row.request] if row.request else [])]

    assert all(each and each[0].isupper() and not each.endswith(".") for each in told)
    assert row.title not in told
    assert all(" REQ-" not in each and "[]" not in each for each in told)


@pytest.mark.parametrize(
    ("requirement", "symptom", "actual", "headline"),
    [
        ("REQ-REIMAGE-202", "status:200", "200 OK", "A valid reimage was not answered 202 Accepted: 200 OK"),
        ("REQ-REIMAGE-CL-ABSENT", "accepted", "202 Accepted", "A reimage without Content-Length was not refused: 202 Accepted"),
        ("REQ-REIMAGE-CL-ABSENT", "status:404", "404 Not Found", "A reimage without Content-Length was answered with a wrong status: 404 Not Found"),
        ("REQ-GOS-ERROR", "no-error", "Status Failed, no Error element", "The Operation document of a Failed operation has no Error element: Status Failed, no Error element"),
        ("REQ-XML-WF", "not-well-formed", "line 1, column 135: a bare & in text", "The XML of an answer is not well formed: line 1, column 135: a bare & in text"),
        ("REQ-HTTP-OBSFOLD", "no-reply:closed", "x", "A request with a header that continues on a second line got no complete answer: x"),
        ("REQ-HTTP-UNKNOWN-METHOD", "no-reply:timeout", "x", "A request with a method that HTTP does not define, or that the address does not allow, got no complete answer: x"),
        ("REQ-HTTP-STD-HEADERS", "malformed-status-line:", "x", "The status line of a response is malformed: x"),
        ("REQ-AUTH-ANYCERT", "failed", "x", "A reimage with the second management certificate ended Failed: x"),
        ("REQ-HTTP-DATE", "no-date", "no Date header (the answer to X)", "A response has no Date header (the answer to X)"),
        ("REQ-HTTP-DATE", "no-date", "no", "A response has no Date header: no"),
        ("REQ-GOS-ID", "id", "no ID element", "The Operation document has no ID element"),
        ("REQ-GOS-ID", "id", "an empty ID", "The Operation document has an empty ID"),
        ("REQ-GOS-ID", "id", "2 ID elements", "The Operation document has more than one ID element: 2 ID elements"),
        ("REQ-GOS-ID", "id", "ID 'x'", "The ID in the Operation document is not the id that was polled: ID 'x'"),
        ("REQ-GOS-STATUS", "status-value", "no Status element", "The Operation document has no Status element"),
        ("REQ-GOS-STATUS", "status-value", "Status 'Done'", "The Status in the Operation document is not a documented value: Status 'Done'"),
        ("REQ-HTTP-HOST", "accepted", "200 OK, for Host 'a b'", "A request with an invalid Host was not refused: 200 OK, for Host 'a b'"),
        ("REQ-HTTP-HOST", "status:404", "404 Not Found, for Host 'a' and 'b'", "A request with two Host headers was answered with a wrong status: 404 Not Found, for Host 'a' and 'b'"),
        ("REQ-HTTP-HOST", "no-reply:timeout", "x, for no Host header", "A request without a Host header got no complete answer: x, for no Host header"),
        ("REQ-DEPL-INSTANCES", "members", "InstanceName, InstanceStatus, X", "A RoleInstance element does not begin with RoleName, InstanceName, InstanceStatus: InstanceName, InstanceStatus, X"),
        ("REQ-GOS-CT", "media-type:text/html", "", "The answer to a poll is XML, but its Content-Type does not say so"),
    ],
)  # fmt: skip
def test_a_headline_is_the_sentence_of_the_symptom_and_what_was_seen(
    requirement: str, symptom: str, actual: str, headline: str
) -> None:
    assert headline_of(violated(requirement, symptom, actual)) == headline


@pytest.mark.parametrize("row", [each for each in CATALOGUE.values() if each.seen], ids=lambda row: row.id)
def test_a_more_exact_sentence_leaves_out_the_mistakes_that_were_not_made(row: Requirement) -> None:
    told = [*row.seen.values()]

    assert all(each[0].isupper() and not each.endswith(".") and " or " not in each for each in told)
    assert not row.request or row.violation.startswith(row.request)


@pytest.mark.parametrize("row", JUDGED, ids=lambda row: row.id)
def test_no_headline_names_several_mistakes_of_which_one_was_seen(row: Requirement) -> None:
    told = f"{row.request} {row.violation}"

    assert row.seen or "missing, repeated" not in told


def test_a_headline_is_one_line_of_bounded_length() -> None:
    told = headline_of(violated("REQ-REIMAGE-202", "status:200", "a\nb " + "c" * 1000))

    assert "\n" not in told
    assert len(told) == HEADLINE_CHARACTERS
    assert told.endswith("…")


def test_a_requirement_without_a_sentence_does_not_read_as_a_pass() -> None:
    free = next(row for row in CATALOGUE.values() if not row.violation)

    assert violation_sentence(free.id) == f"Not as required: {free.title}"
