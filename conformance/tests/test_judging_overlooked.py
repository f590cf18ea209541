"""Requests that ought to be refused and were accepted: what excuses it, and what it is held against."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from judging_samples import (
    FAILED,
    MALFORMED,
    NO_COMP,
    NO_LENGTH,
    NO_TYPE,
    NO_VERSION,
    NOBODY,
    NOWHERE,
    OLD,
    POLL,
    PUT,
    REIMAGE,
    RUNNING,
    SUCCEEDED,
    TABLE,
    advisory,
    brief,
    error,
    exchange,
    inconclusive,
    judged,
    lenient,
    look,
    met,
    observed,
    operation,
    poll,
    silent,
    started,
    violated,
    worded,
)
from reimage_conformance.model import Exchange, Identity, Request
from reimage_conformance.protocol.requests import with_query

if TYPE_CHECKING:
    from reimage_conformance.model import Verdict

OTHER_SLOT = replace(REIMAGE, target=REIMAGE.target.replace("/production/", "/test/"))

ODD_STATUS = [
    violated("REQ-ERR-STATUS", "error-in-2xx"),
    violated("REQ-VER-MISSING", "error-in-2xx"),
]


class TestRefusedLate:
    """The check `refused`, of requests that were accepted."""

    def test_accepting_is_a_violation(self) -> None:
        found = judged("refused", [exchange(NO_VERSION, 202)])

        assert brief(found) == [violated("REQ-VER-MISSING", "accepted")]
        assert worded(found) == [(f"400 with {TABLE}", "202 Accepted, for Reimage Role Instance")]

    def test_accepting_is_what_the_strictness_makes_of_it(self) -> None:
        assert brief(judged("refused", [exchange(OLD, 202)], lenient())) == [
            advisory("REQ-REIMAGE-VERSION-OLD", "accepted", because=("REQ-VER-MISSING",))
        ]
        assert judged("refused", [exchange(NO_LENGTH, 202)], lenient()) == []

    def test_an_unknown_name_may_be_accepted_and_fail_later(self) -> None:
        late = [started(NOBODY), poll(FAILED)]

        assert brief(judged("refused", late, polls=1)) == [met("REQ-REIMAGE-UNKNOWN-INSTANCE")]
        assert worded(judged("refused", late, polls=1)) == [("", "accepted, then Failed with 404")]
        assert brief(judged("refused", late)) == [inconclusive("REQ-REIMAGE-UNKNOWN-INSTANCE")]

    @pytest.mark.parametrize(
        ("body", "told"),
        [
            (
                SUCCEEDED,
                "202 Accepted, then Succeeded with 200, for role instance 'Nobody' in cloud service 'contoso', slot 'production'",
            ),
            (
                operation("Failed", "500"),
                "202 Accepted, then Failed with 500, not with 404, for role instance 'Nobody' in cloud service 'contoso', slot 'production'",
            ),
            (
                operation("Succeeded", "404"),
                "202 Accepted, then Succeeded with 404, for role instance 'Nobody' in cloud service 'contoso', slot 'production'",
            ),
            (
                operation("Failed"),
                "202 Accepted, then Failed without HttpStatusCode, not with 404, for role instance 'Nobody' in cloud service 'contoso', slot 'production'",
            ),
            (
                operation("Failed", "400"),
                "202 Accepted, then Failed with 400, not with 404, for role instance 'Nobody' in cloud service 'contoso', slot 'production'",
            ),
        ],
    )
    def test_any_other_end_is_a_violation(self, body: str, told: str) -> None:
        found = judged("refused", [started(NOBODY), poll(body)], polls=1)

        assert brief(found) == [violated("REQ-REIMAGE-UNKNOWN-INSTANCE", "accepted", 1, 2)]
        assert found[0].actual == told

    def test_another_slot_may_fail_later_with_400_too(self) -> None:
        assert brief(judged("refused", [started(OTHER_SLOT), poll(operation("Failed", "400"))], polls=1)) == [
            met("REQ-REIMAGE-SLOT-OTHER")
        ]

    @pytest.mark.parametrize(
        ("request_", "requirement", "code"),
        [
            (NOBODY, "REQ-REIMAGE-UNKNOWN-INSTANCE", "404"),
            (NOWHERE, "REQ-REIMAGE-UNKNOWN-SERVICE", "404"),
            (OTHER_SLOT, "REQ-REIMAGE-SLOT-OTHER", "400 or 404"),
        ],
    )
    def test_lenient_holds_only_success_against_it(self, request_: Request, requirement: str, code: str) -> None:
        def ended(*end: str) -> list[Verdict]:
            return judged("refused", [started(request_), poll(operation(*end))], lenient(), polls=1)

        assert brief(ended("Failed", "404")) == [met(requirement)]
        for other in ("409", "500", "", "Oops"):
            assert brief(ended("Failed", other)) == [advisory(requirement, "accepted", 1, 2)]
            assert ended("Failed", other)[0].expected == f"Failed with {code}"
        assert ended("Failed", "500")[0].actual.startswith("202 Accepted, then Failed with 500, for ")
        assert ended("Failed")[0].actual.startswith("202 Accepted, then Failed without HttpStatusCode, for ")
        assert brief(ended("Succeeded", "200")) == [violated(requirement, "accepted", 1, 2)]
        assert ended("Succeeded", "200")[0].expected.endswith(", or 202 and then Failed")

    @pytest.mark.parametrize("last", [poll(RUNNING), poll(b"", 404), silent(POLL, number=2)])
    def test_lenient_does_not_judge_one_that_finds_no_end_in_time(self, last: Exchange) -> None:
        found = judged("refused", [started(NOBODY), last], lenient(), polls=1, overdue=True)

        assert brief(found) == [inconclusive("REQ-REIMAGE-UNKNOWN-INSTANCE", 1, 2)]

    @pytest.mark.parametrize("last", [poll(RUNNING), poll(b"", 404), silent(POLL, number=2), poll("<Operation/>")])
    def test_without_an_end_nothing_is_known(self, last: Exchange) -> None:
        found = judged("refused", [started(NOBODY), last], polls=1)

        assert brief(found) == [inconclusive("REQ-REIMAGE-UNKNOWN-INSTANCE", 1, 2)]
        assert found[0].actual == "accepted; the end of the operation was not seen"

    @pytest.mark.parametrize("last", [poll(b"", 503), poll(b"", 404), silent(POLL, number=3)])
    def test_a_poll_after_the_end_that_shows_nothing_does_not_hide_the_end(self, last: Exchange) -> None:
        polls = [poll(operation("Failed", "404")), replace(last, number=3)]

        assert brief(judged("refused", [started(NOBODY), *polls], polls=2)) == [met("REQ-REIMAGE-UNKNOWN-INSTANCE")]

    @pytest.mark.parametrize(
        ("last", "told"),
        [
            (poll(RUNNING), "the operation had not ended after 1 poll"),
            (poll(b"", 404), "the only poll of the operation was answered 404 Not Found"),
            (silent(POLL, number=2), "the operation had not ended after 1 poll"),
        ],
    )
    def test_one_that_finds_no_end_in_time_is_a_violation(self, last: Exchange, told: str) -> None:
        found = judged("refused", [started(NOBODY), last], polls=1, overdue=True)

        assert brief(found) == [violated("REQ-REIMAGE-UNKNOWN-INSTANCE", "accepted:no-end", 1, 2)]
        assert worded(found) == [
            (
                "404 with ResourceNotFound, or 202 and then Failed with 404",
                f"202 Accepted, but {told}",
            )
        ]

    def test_the_end_of_one_whose_polls_lead_elsewhere_was_not_seen(self) -> None:
        found = judged("refused", [started(NOBODY), poll(b"", 307)], polls=1, overdue=True)

        assert brief(found) == [inconclusive("REQ-REIMAGE-UNKNOWN-INSTANCE", 1, 2)]

    def test_one_that_was_never_polled_finds_no_end_either(self) -> None:
        found = judged("refused", [started(NOBODY)], overdue=True)

        assert brief(found)[0][2:] == ("accepted:no-end", (), (1,))
        assert found[0].actual == "202 Accepted, but the operation could not be polled"

    def test_where_none_may_fail_later_accepting_is_wrong_whatever_the_end(self) -> None:
        assert brief(judged("refused", [started(NO_VERSION), poll(RUNNING)], polls=1, overdue=True)) == [
            violated("REQ-VER-MISSING", "accepted", 1, 2)
        ]

    def test_an_end_is_one_however_late(self) -> None:
        assert brief(judged("refused", [started(NOBODY), poll(FAILED)], polls=1, overdue=True)) == [
            met("REQ-REIMAGE-UNKNOWN-INSTANCE")
        ]
        assert brief(judged("refused", [started(NOBODY), poll(SUCCEEDED)], polls=1, overdue=True)) == [
            violated("REQ-REIMAGE-UNKNOWN-INSTANCE", "accepted", 1, 2)
        ]

    def test_the_last_poll_decides(self) -> None:
        late = [started(NOBODY), poll(RUNNING, number=2), poll(FAILED, number=3), look({}, number=4)]

        assert brief(judged("refused", late, polls=2)) == [met("REQ-REIMAGE-UNKNOWN-INSTANCE")]

    def test_the_poll_that_shows_the_end_is_the_evidence_or_else_the_last_one(self) -> None:
        late = [started(NOBODY), poll(RUNNING, number=2), poll(RUNNING, number=3), poll(SUCCEEDED, number=4)]
        quiet = [started(NOBODY), poll(RUNNING, number=2), silent(POLL, number=3)]

        assert brief(judged("refused", late, polls=3)) == [violated("REQ-REIMAGE-UNKNOWN-INSTANCE", "accepted", 1, 4)]
        shown = [*late, silent(POLL, number=5)]
        assert brief(judged("refused", shown, polls=4)) == [violated("REQ-REIMAGE-UNKNOWN-INSTANCE", "accepted", 1, 4)]
        assert brief(judged("refused", quiet, polls=2)) == [inconclusive("REQ-REIMAGE-UNKNOWN-INSTANCE", 1, 3)]

    def test_failing_later_excuses_only_unknown_names(self) -> None:
        assert brief(judged("refused", [started(NO_VERSION), poll(FAILED)], polls=1)) == [
            violated("REQ-VER-MISSING", "accepted", 1, 2)
        ]

    def test_200_instead_of_202_is_accepted_at_once(self) -> None:
        assert brief(judged("refused", [exchange(NO_VERSION, 226)])) == [violated("REQ-VER-MISSING", "accepted")]
        assert brief(judged("refused", [exchange(NOBODY, 200)])) == [
            violated("REQ-REIMAGE-UNKNOWN-INSTANCE", "accepted")
        ]

    @pytest.mark.parametrize(("status", "told"), [(200, "200 OK"), (202, "202 Accepted")])
    def test_an_error_document_in_a_2xx_is_the_statuss_fault(self, status: int, told: str) -> None:
        found = judged("refused", [exchange(NO_VERSION, status, error(TABLE))])

        assert brief(found) == ODD_STATUS
        assert worded(found) == [("a 4xx status", f"{told} with an Error document"), (f"400 with {TABLE}", told)]

    @pytest.mark.parametrize("request_", [NO_VERSION, replace(NO_VERSION, method="HEAD")])
    def test_an_invented_2xx_is_the_statuss_fault_too(self, request_: Request) -> None:
        for status in (209, 299):
            found = judged("refused", [exchange(request_, status)])
            assert brief(found) == [
                violated("REQ-ERR-STATUS", f"status:{status}"),
                violated("REQ-VER-MISSING", f"status:{status}"),
            ]
            assert found[0].expected == "a 4xx status"
            assert {each.actual for each in found} == {f"{status} (not a standard status code)"}
        documented = judged("refused", [exchange(NO_VERSION, 299, error())])
        assert brief(documented) == ODD_STATUS
        assert documented[0].actual == "299 (not a standard status code) with an Error document"

    def test_an_invented_2xx_is_no_operation_that_may_fail_later(self) -> None:
        found = judged("refused", [exchange(NOBODY, 299), poll(FAILED)], polls=1, overdue=True)

        assert brief(found) == [
            violated("REQ-ERR-STATUS", "status:299"),
            violated("REQ-REIMAGE-UNKNOWN-INSTANCE", "status:299", 1, 2),
        ]

    @pytest.mark.parametrize(("request_", "own"), [(MALFORMED, "REQ-VER-FORMAT"), (OLD, "REQ-REIMAGE-VERSION-OLD")])
    def test_a_version_that_is_overlooked_may_not_be_read_at_all(self, request_: Request, own: str) -> None:
        assert brief(judged("refused", [exchange(request_, 202)])) == [
            violated(own, "accepted", because=("REQ-VER-MISSING",))
        ]
        several = with_query(request_, None)
        assert brief(judged("refused", [exchange(several, 202)])) == [
            violated(own, "accepted", because=("REQ-REIMAGE-COMP-MISSING", "REQ-VER-MISSING"))
        ]
        anonymous = replace(request_, identity=Identity.NONE)
        assert brief(judged("refused", [exchange(anonymous, 202)])) == [
            violated("REQ-AUTH-TLS", "accepted", because=(own, "REQ-VER-MISSING"))
        ]

    def test_other_defects_say_nothing_of_the_version(self) -> None:
        for request in (NO_COMP, PUT, NO_TYPE):
            assert brief(judged("refused", [exchange(request, 202)]))[0][3] == ()

    @pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE"])
    def test_a_safe_method_answered_200_is_observed(self, method: str) -> None:
        found = judged("refused", [exchange(replace(REIMAGE, method=method), 200)])

        assert brief(found) == [observed("REQ-ERR-VERB")]
        assert found[0].actual == f"{method} is answered 200 OK"
        assert brief(judged("refused", [exchange(replace(REIMAGE, method=method), 202)])) == [
            violated("REQ-ERR-VERB", "accepted")
        ]

    def test_another_method_answered_200_is_a_violation(self) -> None:
        assert brief(judged("refused", [exchange(replace(REIMAGE, method="GET"), 200)])) == [
            violated("REQ-ERR-VERB", "accepted")
        ]
