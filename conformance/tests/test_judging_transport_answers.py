"""Single answers judged that HTTP allows a choice of."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from judging_samples import (
    FAILED,
    LOOK,
    NOBODY,
    POLL,
    PUT,
    REIMAGE,
    SUCCEEDED,
    advisory,
    brief,
    exchange,
    inconclusive,
    judged,
    lenient,
    met,
    poll,
    silent,
    started,
    violated,
    worded,
)
from reimage_conformance.protocol.requests import with_header, without_header

if TYPE_CHECKING:
    from reimage_conformance.model import Request


class TestTransport:
    """Single answers that HTTP allows a choice of."""

    NAME = "REQ-HTTP-URI-LENGTH"

    def test_one_of_some_statuses(self) -> None:
        arguments: dict[str, Any] = {"requirement": "REQ-HTTP-HOST", "statuses": [400, 414]}

        assert brief(judged("answered_with", [exchange(status=414)], **arguments)) == [met("REQ-HTTP-HOST")]
        found = judged("answered_with", [exchange(status=404)], **arguments)
        assert brief(found) == [violated("REQ-HTTP-HOST", "status:404")]
        assert worded(found) == [("400 or 414", "404 Not Found")]
        assert brief(judged("answered_with", [silent()], **arguments)) == [
            violated("REQ-HTTP-HOST", "no-reply:timeout")
        ]
        for status in (399, 413, 415):
            assert brief(judged("answered_with", [exchange(status=status)], **arguments)) == [
                violated("REQ-HTTP-HOST", f"status:{status}")
            ]
        busy = judged("answered_with", [exchange(status=503)], **arguments)
        assert brief(busy) == [inconclusive("REQ-HTTP-HOST")]
        assert busy[0].actual == "503 Service Unavailable"
        redirected = judged("answered_with", [exchange(status=307)], **arguments)
        assert brief(redirected) == [inconclusive("REQ-HTTP-HOST")]
        assert redirected[0].actual == "redirected with 307"

    def test_one_of_some_statuses_in_words(self) -> None:
        found = judged("answered_with", [silent()], requirement="REQ-HTTP-HOST", statuses=[400], expected="a refusal")

        assert worded(found) == [("a refusal", "no answer came in time: as arranged")]

    def test_a_missing_answer_shows_nothing_where_others_may_be_missing_too(self) -> None:
        arguments: dict[str, Any] = {"requirement": "REQ-HTTP-HOST", "statuses": [400], "alive": False}

        assert brief(judged("answered_with", [silent()], **arguments)) == [inconclusive("REQ-HTTP-HOST")]
        assert brief(judged("answered_with", [exchange(status=404)], **arguments)) == [
            violated("REQ-HTTP-HOST", "status:404")
        ]

    def test_another_status_is_a_violation(self) -> None:
        arguments: dict[str, Any] = {"requirement": "REQ-HTTP-HOST", "statuses": [400]}
        found = judged("answered_with", [exchange(status=404)], **arguments)

        assert brief(found) == [violated("REQ-HTTP-HOST", "status:404")]
        assert brief(judged("answered_with", [exchange(status=400)], **arguments)) == [met("REQ-HTTP-HOST")]
        assert brief(judged("answered_with", [silent()], **arguments)) == [
            violated("REQ-HTTP-HOST", "no-reply:timeout")
        ]
        assert brief(judged("answered_with", [exchange(status=429)], **arguments)) == [inconclusive("REQ-HTTP-HOST")]

    def test_none_of_some_statuses(self) -> None:
        arguments: dict[str, Any] = {
            "requirement": self.NAME,
            "statuses": [414, 400],
            "expected": "8000 octets are read",
        }

        assert brief(judged("not_answered_with", [exchange(status=404)], **arguments)) == [met(self.NAME)]
        found = judged("not_answered_with", [exchange(status=414)], **arguments)
        assert brief(found) == [advisory(self.NAME, "status:414")]
        assert found[0].expected == "8000 octets are read"
        quiet = judged("not_answered_with", [silent()], **arguments)
        assert brief(quiet) == [advisory(self.NAME, "no-reply:timeout")]
        assert worded(quiet) == [("8000 octets are read", "no answer came in time: as arranged")]
        busy = judged("not_answered_with", [exchange(status=429)], **arguments)
        assert brief(busy) == [inconclusive(self.NAME)]
        assert busy[0].actual == "429 Too Many Requests"

    @pytest.mark.parametrize(
        ("request_", "requirement", "told"),
        [
            (PUT, "REQ-ERR-VERB", "method 'PUT' at the address of Reimage Role Instance"),
            (replace(POLL, method="BREW"), "REQ-ERR-VERB", "method 'BREW' at the address of Get Operation Status"),
            (PUT, "REQ-HTTP-UNKNOWN-METHOD", "method 'PUT' at the address of Reimage Role Instance"),
            (
                replace(PUT, method="POS"),
                "REQ-HTTP-UNKNOWN-METHOD",
                "method 'POS' (POST without its last letter) at the address of Reimage Role Instance",
            ),
            (
                with_header(NOBODY, "Transfer-Encoding", "gzip"),
                "REQ-HTTP-TE-UNKNOWN",
                "Transfer-Encoding 'gzip' in a reimage of a role instance that the deployment does not have",
            ),
            (POLL, "REQ-GOS-VERSION-MIN", "x-ms-version '2011-10-01'"),
            (POLL, "REQ-AUTH-ANYCERT", "Get Operation Status"),
            (LOOK, "REQ-AUTH-ANYCERT", "Get Deployment"),
        ],
    )
    def test_what_was_sent_is_told_where_the_requirement_is_about_it(
        self, request_: Request, requirement: str, told: str
    ) -> None:
        other: dict[str, Any] = {"requirement": requirement, "statuses": [200]}
        same: dict[str, Any] = {"requirement": requirement, "statuses": [501], "expected": "another status"}
        wrong = exchange(request_, 501)

        assert worded(judged("answered_with", [wrong], **other)) == [("200 OK", f"501 Not Implemented, for {told}")]
        assert worded(judged("not_answered_with", [wrong], **same)) == [
            ("another status", f"501 Not Implemented, for {told}")
        ]

    def test_not_accepted(self) -> None:
        name = "REQ-HTTP-CL-INVALID"

        assert brief(judged("not_accepted", [silent()], requirement=name)) == [met(name)]
        assert brief(judged("not_accepted", [exchange(status=300)], requirement=name)) == [met(name)]
        assert brief(judged("not_accepted", [exchange(status=299)], requirement=name)) == [violated(name, "accepted")]

    def test_the_length_of_what_was_accepted_is_told(self) -> None:
        name = "REQ-REIMAGE-CL-NONZERO"
        expected = "a refusal, or no answer until the body that Content-Length announces has come"
        declared = with_header(REIMAGE, "Content-Length", "4294967296")
        bare = without_header(REIMAGE, "Content-Length")

        assert worded(judged("not_accepted", [exchange(declared)], requirement=name)) == [
            (expected, "202 Accepted, for Content-Length '4294967296' and no body yet")
        ]
        assert worded(judged("not_accepted", [exchange(bare)], requirement=name)) == [(expected, "202 Accepted")]

    def test_the_same_answer(self) -> None:
        arguments: dict[str, Any] = {
            "requirement": "REQ-VER-HEADER-CASE",
            "what": "the header name written X-Ms-Version",
        }
        plain = poll(number=1)

        assert brief(judged("same_answer", [plain, poll(number=2)], **arguments)) == [met("REQ-VER-HEADER-CASE", 2)]
        found = judged("same_answer", [plain, poll(b"", 400)], **arguments)
        assert brief(found) == [violated("REQ-VER-HEADER-CASE", "status:400", 2, 1)]
        expected = "200 OK, the answer to the same request without this difference"
        asked = "for a request with the header name written X-Ms-Version"
        assert worded(found) == [(expected, f"400 Bad Request, {asked}")]
        quiet = judged("same_answer", [plain, silent(POLL, number=2)], **arguments)
        assert brief(quiet) == [violated("REQ-VER-HEADER-CASE", "no-reply:timeout", 2, 1)]
        assert worded(quiet) == [(expected, f"no answer came in time: as arranged, {asked}")]
        unanswered = [silent(POLL), *(poll(b"", status, number=1) for status in (307, 503))]
        for pair in (*([each, poll()] for each in unanswered), [plain, poll(b"", 429)], [plain, poll(b"", 307)]):
            assert brief(judged("same_answer", pair, **arguments)) == [inconclusive("REQ-VER-HEADER-CASE", 2, 1)]

    def test_answers_that_the_documents_name_for_the_same_request_are_alike(self) -> None:
        arguments: dict[str, Any] = {"requirement": "REQ-VER-MISSING", "what": "other requests at the same time"}
        nobody = without_header(NOBODY, "x-ms-version")
        plain, varied = exchange(nobody, 404), exchange(nobody, 400, number=2)

        assert brief(judged("same_answer", [plain, varied], **arguments)) == [met("REQ-VER-MISSING", 2)]
        for status in (403, 409, 500):
            other = [plain, exchange(nobody, status, number=2)]
            assert brief(judged("same_answer", other, **arguments)) == [
                violated("REQ-VER-MISSING", f"status:{status}", 2, 1)
            ]
        undocumented = judged("same_answer", [exchange(NOBODY, 404), exchange(NOBODY, 400, number=2)], **arguments)
        assert brief(undocumented) == [violated("REQ-VER-MISSING", "status:400", 2, 1)]

    def test_a_404_at_once_and_a_failure_later_are_alike(self) -> None:
        arguments: dict[str, Any] = {
            "requirement": "REQ-REIMAGE-UNKNOWN-INSTANCE",
            "what": "other requests at the same time",
        }
        plain, late = exchange(NOBODY, 404), started(NOBODY, number=2)

        found = judged("same_answer", [plain, late, poll(FAILED, number=3)], **arguments)
        assert brief(found) == [met("REQ-REIMAGE-UNKNOWN-INSTANCE", 2)]
        for polls in ([], [poll(SUCCEEDED, number=3)]):
            assert brief(judged("same_answer", [plain, late, *polls], **arguments)) == [
                violated("REQ-REIMAGE-UNKNOWN-INSTANCE", "status:202", 2, 1)
            ]

    def test_what_lenient_permits_besides_does_not_make_answers_alike(self) -> None:
        arguments: dict[str, Any] = {"requirement": "REQ-REIMAGE-VERSION", "what": "x-ms-version 2010-10-28"}
        pair = [exchange(NOBODY, 404), exchange(NOBODY, 400, number=2)]

        assert brief(judged("same_answer", pair, lenient(), **arguments)) == [
            violated("REQ-REIMAGE-VERSION", "status:400", 2, 1)
        ]
