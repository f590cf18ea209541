"""Refusals judged: what was permitted, what was wrong, and which requirement a wrong answer is held against."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.model import Exchange, FailureKind, Identity, Request
from conformance.protocol.requests import with_body, with_header, with_query, without_header
from conformance.tests.judging_samples import (
    FAILED,
    FOREIGN_SUBSCRIPTION,
    POLL,
    REIMAGE,
    RUNNING,
    SUBSCRIPTION,
    SUCCEEDED,
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
    refusal,
    silent,
    started,
    violated,
    worded,
)

NO_VERSION = without_header(REIMAGE, "x-ms-version")
MALFORMED = with_header(REIMAGE, "x-ms-version", "latest")
OLD = with_header(REIMAGE, "x-ms-version", "2009-10-01")
NO_COMP = with_query(REIMAGE, None)
NO_TYPE = without_header(REIMAGE, "Content-Type")
NO_LENGTH = without_header(REIMAGE, "Content-Length")
NOBODY = replace(REIMAGE, target=REIMAGE.target.replace("/WebRole1_IN_0", "/Nobody"))
NOWHERE = replace(REIMAGE, target=REIMAGE.target.replace("/contoso/", "/nowhere/"))
PUT = replace(REIMAGE, method="PUT")
ANONYMOUS = replace(REIMAGE, identity=Identity.NONE)
UNKNOWN = replace(REIMAGE, identity=Identity.UNKNOWN)
FOREIGN = replace(REIMAGE, target=REIMAGE.target.replace(SUBSCRIPTION, FOREIGN_SUBSCRIPTION))
NO_HOST = without_header(REIMAGE, "Host")

ODD_STATUS = [
    violated("REQ-ERR-STATUS", "error-in-2xx"),
    violated("REQ-VER-MISSING", "error-in-2xx", because=("REQ-ERR-STATUS",)),
]
CODES, TABLE = "REQ-ERR-CODES", "MissingOrIncorrectVersionHeader"
COMP = "MissingOrInvalidRequiredQueryParameter"


class TestRefused:
    """The check `refused`."""

    @pytest.mark.parametrize(
        ("request_", "status", "code", "expected"),
        [
            (NO_VERSION, 400, TABLE, [met("REQ-VER-MISSING"), met(CODES)]),
            (NO_VERSION, 400, "", [met("REQ-VER-MISSING")]),
            (MALFORMED, 400, TABLE, [met("REQ-VER-FORMAT"), met(CODES)]),
            (OLD, 400, TABLE, [met("REQ-REIMAGE-VERSION-OLD"), met(CODES)]),
            (NO_COMP, 400, COMP, [met("REQ-REIMAGE-COMP-MISSING"), met(CODES)]),
            (NOBODY, 404, "ResourceNotFound", [met("REQ-REIMAGE-UNKNOWN-INSTANCE"), met(CODES)]),
            (NOWHERE, 404, "ResourceNotFound", [met("REQ-REIMAGE-UNKNOWN-SERVICE"), met(CODES)]),
            (NO_TYPE, 415, "Whatever", [met("REQ-REIMAGE-CT-ABSENT")]),
            (PUT, 400, "InvalidHttpVerb", [met("REQ-ERR-VERB")]),
            (PUT, 400, "BadRequest", [met("REQ-ERR-VERB")]),
            (PUT, 405, "BadRequest", [met("REQ-ERR-VERB")]),
            (UNKNOWN, 403, "ForbiddenError", [met("REQ-AUTH-FAIL")]),
            (UNKNOWN, 403, "", [met("REQ-AUTH-FAIL")]),
            (NO_HOST, 400, "", [met("REQ-HTTP-HOST")]),
        ],
    )
    def test_a_permitted_answer_meets(self, request_: Request, status: int, code: str, expected: list[object]) -> None:
        assert brief(judged("refused", [refusal(request_, status, code)])) == expected

    @pytest.mark.parametrize(
        ("request_", "status", "own"),
        [
            (NO_VERSION, 404, "REQ-VER-MISSING"),
            (MALFORMED, 404, "REQ-VER-FORMAT"),
            (NO_VERSION, 500, "REQ-VER-MISSING"),
        ],
    )
    def test_another_status_is_the_requirements_own_where_it_names_one(
        self, request_: Request, status: int, own: str
    ) -> None:
        symptom = f"status:{status}"

        assert brief(judged("refused", [refusal(request_, status)])) == [
            violated(own, symptom),
            violated(CODES, symptom, because=(own,)),
        ]

    @pytest.mark.parametrize(
        ("request_", "own"),
        [
            (OLD, "REQ-REIMAGE-VERSION-OLD"),
            (NO_COMP, "REQ-REIMAGE-COMP-MISSING"),
            (NOWHERE, "REQ-REIMAGE-UNKNOWN-SERVICE"),
            (NOBODY, "REQ-REIMAGE-UNKNOWN-INSTANCE"),
        ],
    )
    def test_another_status_is_the_tables_matter_where_only_the_table_names_one(
        self, request_: Request, own: str
    ) -> None:
        assert brief(judged("refused", [refusal(request_, 409)])) == [
            violated(CODES, "status:409"),
            violated(own, "status:409", because=(CODES,)),
        ]
        assert brief(judged("refused", [refusal(request_, 499)]))[0] == violated(
            CODES, "status:499", because=("REQ-ERR-STATUS",)
        )
        assert brief(judged("refused", [refusal(request_, 500)])) == [
            violated(own, "status:500"),
            violated(CODES, "status:500", because=(own,)),
        ]

    def test_another_status_outside_the_table_is_one_violation(self) -> None:
        assert brief(judged("refused", [refusal(NO_TYPE, 404)])) == [violated("REQ-REIMAGE-CT-ABSENT", "status:404")]
        assert worded(judged("refused", [refusal(NO_TYPE, 404, "X")])) == [("400 or 415", "404 Not Found with X")]
        assert brief(judged("refused", [refusal(UNKNOWN, 401)])) == [violated("REQ-AUTH-FAIL", "status:401")]
        assert brief(judged("refused", [refusal(NO_TYPE, 300)])) == [violated("REQ-REIMAGE-CT-ABSENT", "status:300")]

    def test_another_status_for_a_name_of_odd_characters_may_be_the_tables_matter(self) -> None:
        odd = replace(REIMAGE, target=REIMAGE.target.replace("/WebRole1_IN_0", "/No%3Cbody%3E"))
        name = "REQ-REIMAGE-UNKNOWN-INSTANCE"

        assert brief(judged("refused", [refusal(odd, 403)])) == [violated(name, "status:403", because=(CODES,))]
        assert brief(judged("refused", [refusal(odd, 499)])) == [
            violated(name, "status:499", because=(CODES, "REQ-ERR-STATUS"))
        ]
        for status in (400, 404, 414):
            assert brief(judged("refused", [refusal(odd, status)])) == [met(name)]

    def test_an_invented_status_is_explained_by_that(self) -> None:
        because = ("REQ-ERR-STATUS",)

        assert brief(judged("refused", [refusal(NO_TYPE, 499)])) == [
            violated("REQ-REIMAGE-CT-ABSENT", "status:499", because=because)
        ]
        assert brief(judged("refused", [refusal(ANONYMOUS, 499)])) == [
            violated("REQ-AUTH-TLS", "status:499", because=("REQ-AUTH-FAIL", *because))
        ]

    def test_another_code_is_the_tables_matter(self) -> None:
        found = judged("refused", [refusal(NO_VERSION, 400, "BadRequest")])

        assert brief(found) == [
            violated(CODES, "code:BadRequest"),
            violated("REQ-VER-MISSING", "code:BadRequest", because=(CODES,)),
        ]
        assert worded(found) == [(f"400 with {TABLE}", "400 Bad Request with BadRequest")] * 2

    def test_another_code_of_an_access_refusal_is_its_own(self) -> None:
        assert brief(judged("refused", [refusal(UNKNOWN, 403, "Nope")])) == [
            violated("REQ-AUTH-FAIL", "code:Nope", because=(CODES,))
        ]
        assert brief(judged("refused", [refusal(ANONYMOUS, 403, "Nope")])) == [
            violated("REQ-AUTH-TLS", "code:Nope", because=(CODES, "REQ-AUTH-FAIL"))
        ]

    def test_an_anonymous_request_is_an_unauthenticated_one_too(self) -> None:
        because = ("REQ-AUTH-FAIL",)

        assert brief(judged("refused", [refusal(ANONYMOUS, 400)])) == [
            violated("REQ-AUTH-TLS", "status:400", because=because)
        ]
        assert brief(judged("refused", [exchange(ANONYMOUS, 202)])) == [
            violated("REQ-AUTH-TLS", "accepted", because=because)
        ]

    def test_accepting_several_defects_may_be_due_to_any(self) -> None:
        request = with_query(NO_VERSION, None)

        assert brief(judged("refused", [exchange(request, 202)])) == [
            violated("REQ-VER-MISSING", "accepted", because=("REQ-REIMAGE-COMP-MISSING",))
        ]

    def test_with_several_defects_the_answers_of_each_will_do(self) -> None:
        request = with_query(replace(NO_TYPE, target=NOBODY.target), None)

        assert brief(judged("refused", [refusal(request, 404, "ResourceNotFound")])) == [
            met("REQ-REIMAGE-COMP-MISSING")
        ]
        assert brief(judged("refused", [refusal(request, 415)])) == [met("REQ-REIMAGE-COMP-MISSING")]
        assert brief(judged("refused", [refusal(request, 400, "Whatever")])) == [met("REQ-REIMAGE-COMP-MISSING")]
        assert brief(judged("refused", [refusal(request, 405)])) == [violated("REQ-REIMAGE-COMP-MISSING", "status:405")]
        assert worded(judged("refused", [refusal(request, 405)])) == [
            (
                f"400 with {COMP}; or 400 or 415; or 404 with ResourceNotFound, or 202 and then Failed with 404",
                "405 Method Not Allowed",
            )
        ]

    def test_a_code_of_none_of_several_defects_is_the_tables_matter(self) -> None:
        request = with_query(NO_VERSION, None)

        assert brief(judged("refused", [refusal(request, 400, COMP)])) == [met("REQ-VER-MISSING")]
        assert brief(judged("refused", [refusal(request, 400, "X")])) == [
            violated(CODES, "code:X"),
            violated("REQ-VER-MISSING", "code:X", because=(CODES,)),
        ]

    def test_a_code_that_belongs_to_another_status_of_theirs_may_be_that_ones_matter(self) -> None:
        request = with_query(replace(REIMAGE, target=NOBODY.target), None)
        owner = "REQ-REIMAGE-UNKNOWN-INSTANCE"

        assert brief(judged("refused", [refusal(request, 400, "ResourceNotFound")])) == [
            violated(CODES, "code:ResourceNotFound", because=(owner,)),
            violated("REQ-REIMAGE-COMP-MISSING", "code:ResourceNotFound", because=(CODES, owner)),
        ]

    def test_a_wrong_answer_is_held_against_the_requirement_asked_about(self) -> None:
        request = with_query(NO_TYPE, None)

        assert brief(judged("refused", [refusal(request, 405)], requirement="REQ-REIMAGE-CT-ABSENT")) == [
            violated("REQ-REIMAGE-CT-ABSENT", "status:405")
        ]

    def test_a_sound_request_says_nothing(self) -> None:
        assert judged("refused", [refusal(REIMAGE, 400)]) == []
        assert judged("refused", [refusal(NO_TYPE, 400)], lenient()) == []

    @pytest.mark.parametrize("status", [429, 503])
    def test_a_busy_endpoint_proves_nothing(self, status: int) -> None:
        found = judged("refused", [refusal(NO_VERSION, status)])

        assert brief(found) == [inconclusive("REQ-VER-MISSING")]
        assert found[0].actual.startswith(f"the endpoint was busy: {status} ")

    def test_a_redirect_proves_nothing(self) -> None:
        found = judged("refused", [refusal(NO_VERSION, 307)])

        assert brief(found) == [inconclusive("REQ-VER-MISSING")]
        assert found[0].actual == "redirected elsewhere"

    def test_silence_is_no_refusal_where_others_were_answered(self) -> None:
        found = judged("refused", [silent(NO_VERSION)], alive=True)

        assert brief(found) == [violated("REQ-VER-MISSING", "no-reply:timeout")]
        assert worded(found) == [(f"400 with {TABLE}", "no complete reply: timeout, as arranged")]
        assert brief(judged("refused", [silent(NO_VERSION)])) == [inconclusive("REQ-VER-MISSING")]

    @pytest.mark.parametrize("kind", [FailureKind.TLS, FailureKind.CLOSED, FailureKind.RESET])
    def test_hanging_up_on_a_stranger_is_a_refusal(self, kind: FailureKind) -> None:
        found = judged("refused", [silent(ANONYMOUS, kind)], alive=True)

        assert brief(found) == [met("REQ-AUTH-TLS")]
        assert found[0].actual == f"refused in TLS: {kind.value}"
        assert brief(judged("refused", [silent(NO_VERSION, kind)], alive=True)) == [
            violated("REQ-VER-MISSING", f"no-reply:{kind.value}")
        ]

    @pytest.mark.parametrize(
        "kind", [FailureKind.TIMEOUT, FailureKind.NOT_HTTP, FailureKind.TRUNCATED, FailureKind.REFUSED]
    )
    def test_keeping_silent_to_a_stranger_is_none(self, kind: FailureKind) -> None:
        assert brief(judged("refused", [silent(UNKNOWN, kind)], alive=True)) == [
            violated("REQ-AUTH-FAIL", f"no-reply:{kind.value}")
        ]

    def test_an_incomplete_reply_is_no_reply(self) -> None:
        broken = exchange(NO_VERSION, 400, failure=FailureKind.TRUNCATED)

        assert brief(judged("refused", [broken], alive=True)) == [violated("REQ-VER-MISSING", "no-reply:truncated")]


class TestRefusedLate:
    """The check `refused`, of requests that were accepted."""

    def test_accepting_is_a_violation(self) -> None:
        found = judged("refused", [exchange(NO_VERSION, 202)])

        assert brief(found) == [violated("REQ-VER-MISSING", "accepted")]
        assert worded(found) == [(f"400 with {TABLE}", "202 Accepted")]

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
            (SUCCEEDED, "202 Accepted, then Succeeded with 200"),
            (operation("Failed", "500"), "202 Accepted, then Failed with 500"),
            (operation("Succeeded", "404"), "202 Accepted, then Succeeded with 404"),
            (operation("Failed"), "202 Accepted, then Failed with "),
            (operation("Failed", "400"), "202 Accepted, then Failed with 400"),
        ],
    )
    def test_any_other_end_is_a_violation(self, body: str, told: str) -> None:
        found = judged("refused", [started(NOBODY), poll(body)], polls=1)

        assert brief(found) == [violated("REQ-REIMAGE-UNKNOWN-INSTANCE", "accepted", 1, 2)]
        assert found[0].actual == told

    def test_another_slot_may_fail_later_with_400_too(self) -> None:
        request = replace(REIMAGE, target=REIMAGE.target.replace("/production/", "/test/"))

        assert brief(judged("refused", [started(request), poll(operation("Failed", "400"))], polls=1)) == [
            met("REQ-REIMAGE-SLOT-OTHER")
        ]

    @pytest.mark.parametrize("last", [poll(RUNNING), poll(b"", 404), silent(POLL, number=2), poll("<Operation/>")])
    def test_without_an_end_nothing_is_known(self, last: Exchange) -> None:
        found = judged("refused", [started(NOBODY), last], polls=1)

        assert brief(found) == [inconclusive("REQ-REIMAGE-UNKNOWN-INSTANCE", 1, 2)]
        assert found[0].actual == "accepted, and the operation's end was not seen"

    @pytest.mark.parametrize("last", [poll(RUNNING), poll(b"", 404), silent(POLL, number=2)])
    def test_one_that_finds_no_end_in_time_is_a_violation(self, last: Exchange) -> None:
        found = judged("refused", [started(NOBODY), last], polls=1, overdue=True)

        assert brief(found) == [
            violated("REQ-REIMAGE-UNKNOWN-INSTANCE", "accepted:no-end", 1, 2, because=("REQ-REIMAGE-COMPLETES",))
        ]
        assert worded(found) == [
            ("404 with ResourceNotFound, or 202 and then Failed with 404", "202 Accepted, and no end after 1 polls")
        ]

    def test_one_that_was_never_polled_finds_no_end_either(self) -> None:
        found = judged("refused", [started(NOBODY)], overdue=True)

        assert brief(found)[0][2:] == ("accepted:no-end", ("REQ-REIMAGE-COMPLETES",), (1,))
        assert found[0].actual == "202 Accepted, and no end after 0 polls"

    @pytest.mark.xfail(
        reason="refused lays the accepting itself at REQ-REIMAGE-COMPLETES, where no later failure would excuse it"
    )
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

    def test_the_last_poll_is_the_evidence(self) -> None:
        late = [started(NOBODY), poll(RUNNING, number=2), poll(RUNNING, number=3), poll(SUCCEEDED, number=4)]
        quiet = [started(NOBODY), poll(FAILED, number=2), silent(POLL, number=3)]

        assert brief(judged("refused", late, polls=3)) == [violated("REQ-REIMAGE-UNKNOWN-INSTANCE", "accepted", 1, 4)]
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
        assert worded(found) == [("a 4xx status", f"an Error document under {told}"), (f"400 with {TABLE}", told)]

    @pytest.mark.parametrize("request_", [NO_VERSION, replace(NO_VERSION, method="HEAD")])
    def test_an_invented_2xx_is_the_statuss_fault_too(self, request_: Request) -> None:
        for status in (209, 299):
            found = judged("refused", [exchange(request_, status)])
            assert brief(found) == ODD_STATUS
            assert found[0].expected == "a 4xx status"
            assert {each.actual for each in found} == {f"{status} (not a standard status code)"}
        documented = judged("refused", [exchange(NO_VERSION, 299, error())])
        assert documented[0].actual == "an Error document under 299 (not a standard status code)"

    def test_an_invented_2xx_is_no_operation_that_may_fail_later(self) -> None:
        found = judged("refused", [exchange(NOBODY, 299), poll(FAILED)], polls=1, overdue=True)

        assert brief(found) == [
            violated("REQ-ERR-STATUS", "error-in-2xx"),
            violated("REQ-REIMAGE-UNKNOWN-INSTANCE", "error-in-2xx", 1, 2, because=("REQ-ERR-STATUS",)),
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
            violated("REQ-AUTH-TLS", "accepted", because=(own, "REQ-VER-MISSING", "REQ-AUTH-FAIL"))
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


def test_a_body_is_refused_by_its_own_statuses() -> None:
    request = with_body(REIMAGE, b"x")

    assert brief(judged("refused", [refusal(request, 413)])) == [met("REQ-REIMAGE-CL-NONZERO")]
    assert brief(judged("refused", [refusal(request, 411)])) == [violated("REQ-REIMAGE-CL-NONZERO", "status:411")]
