"""Refusals judged: what was permitted, what was wrong, and which requirement a wrong answer is held against."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.model import Exchange, FailureKind, Identity, Request
from conformance.protocol.requests import with_body, with_chunked, with_header, with_query, without_header
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
            advisory("REQ-REIMAGE-VERSION-OLD", "accepted")
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
        assert brief(judged("refused", [exchange(NO_VERSION, 299)])) == [violated("REQ-VER-MISSING", "accepted")]
        assert brief(judged("refused", [exchange(NOBODY, 200)])) == [
            violated("REQ-REIMAGE-UNKNOWN-INSTANCE", "accepted")
        ]

    def test_an_error_document_in_a_200_is_the_statuss_fault(self) -> None:
        found = judged("refused", [exchange(NO_VERSION, 200, error(TABLE))])

        assert brief(found) == [
            violated("REQ-ERR-STATUS", "error-in-200"),
            violated("REQ-VER-MISSING", "error-in-200", because=("REQ-ERR-STATUS",)),
        ]
        assert worded(found) == [("a 4xx status", "an Error document under 200 OK"), (f"400 with {TABLE}", "200 OK")]

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


class TestErrorDocuments:
    """Error documents: whether they are there, and in their form."""

    def test_an_error_of_the_application_carries_a_document(self) -> None:
        found = judged("error_document_present", [refusal(NO_VERSION, 400, TABLE)])

        assert brief(found) == [met("REQ-ERR-BODY-OPTIONAL")]

    @pytest.mark.parametrize(
        ("body", "told"),
        [
            (b"", "400 Bad Request, 0 octets of no media type"),
            (b"  \r\n", "400 Bad Request, 4 octets of no media type"),
            (b"no", "400 Bad Request, 2 octets of no media type"),
        ],
    )
    def test_an_error_without_one_is_a_violation_under_strict(self, body: bytes, told: str) -> None:
        found = judged("error_document_present", [exchange(NO_VERSION, 400, body)])

        assert brief(found) == [violated("REQ-ERR-BODY-OPTIONAL", "no-error-document")]
        assert worded(found) == [("an Error document", told)]
        assert brief(judged("error_document_present", [exchange(NO_VERSION, 400, body)], lenient())) == [
            observed("REQ-ERR-BODY-OPTIONAL", symptom="no-error-document")
        ]

    @pytest.mark.parametrize("check", ["error_document_present", "error_request_ids"])
    @pytest.mark.parametrize(
        "other",
        [
            exchange(NO_HOST, 400),
            exchange(with_chunked(REIMAGE), 400),
            exchange(replace(NO_VERSION, target="/elsewhere"), 404),
            exchange(replace(REIMAGE, method="HEAD"), 400),
            exchange(REIMAGE, 409),
            exchange(NO_VERSION, 399),
            exchange(NO_VERSION, 500),
            silent(NO_VERSION),
            *(exchange(NO_LENGTH, status) for status in (411, 413, 414, 417, 421, 426, 429, 431)),
        ],
    )
    def test_other_answers_may_come_from_below_the_application(self, check: str, other: Exchange) -> None:
        assert judged(check, [other]) == []

    @pytest.mark.parametrize("status", [400, 404, 412, 416, 499])
    def test_every_4xx_of_the_application_counts(self, status: int) -> None:
        assert brief(judged("error_request_ids", [exchange(NO_VERSION, status)])) == [
            advisory("REQ-ASYNC-REQID-ERRORS", "no-request-id")
        ]

    def test_a_refusal_of_a_certificate_over_http_counts(self) -> None:
        assert brief(judged("error_document_present", [exchange(UNKNOWN, 403)])) == [
            violated("REQ-ERR-BODY-OPTIONAL", "no-error-document")
        ]

    def test_errors_carry_a_request_id(self) -> None:
        with_id = exchange(NO_VERSION, 400, headers=(("X-MS-Request-ID", "7"),))
        empty = exchange(NO_VERSION, 400, headers=(("x-ms-request-id", ""),))

        assert brief(judged("error_request_ids", [with_id])) == [met("REQ-ASYNC-REQID-ERRORS")]
        found = judged("error_request_ids", [empty])
        assert brief(found) == [advisory("REQ-ASYNC-REQID-ERRORS", "no-request-id")]
        assert worded(found) == [("an x-ms-request-id", "400 Bad Request without one")]

    def test_the_form_is_code_then_message(self) -> None:
        found = judged("error_document_form", [refusal(NO_VERSION, 400, TABLE)])

        assert brief(found) == [met("REQ-ERR-BODY-FORMAT")]
        assert found[0].actual == f"Error with {TABLE}"

    @pytest.mark.parametrize(
        ("body", "problem"),
        [
            ("<Fault/>", "the root element is 'Fault', not 'Error'"),
            ("<Error/>", "no Code and no Message in Error"),
            ("<Error><Code>a</Code></Error>", "no Message in Error"),
            ("<Error><Message>a</Message></Error>", "no Code in Error"),
            ("<Error><Code> </Code><Message>a</Message></Error>", "Code is empty"),
        ],
    )
    def test_another_form_is_a_violation(self, body: str, problem: str) -> None:
        found = judged("error_document_form", [exchange(NO_VERSION, 400, body)])

        assert brief(found) == [violated("REQ-ERR-BODY-FORMAT", "error-form")]
        assert worded(found) == [("an Error element with Code, then Message", problem)]

    def test_ill_formed_xml_is_a_violation_of_the_form(self) -> None:
        assert brief(judged("error_document_form", [exchange(NO_VERSION, 400, "<Error>")])) == [
            violated("REQ-ERR-BODY-FORMAT", "error-form")
        ]

    def test_message_before_code_is_an_advisory(self) -> None:
        found = judged(
            "error_document_form", [exchange(NO_VERSION, 400, "<Error><Message>m</Message><Code>c</Code></Error>")]
        )

        assert brief(found) == [advisory("REQ-ERR-BODY-FORMAT", "error-order")]
        assert worded(found) == [("Code before Message", "Message before Code")]

    def test_an_encoding_problem_is_another_requirements(self) -> None:
        found = judged("error_document_form", [exchange(NO_VERSION, 400, b"<Error>\xff</Error>")])

        assert brief(found) == [inconclusive("REQ-ERR-BODY-FORMAT", because=("REQ-XML-ENC",))]
        assert found[0].actual.startswith("not utf-8: ")

    @pytest.mark.parametrize(
        "other",
        [
            exchange(NO_VERSION, 400, b"plain"),
            exchange(NO_VERSION, 399, "<Fault/>"),
            exchange(replace(REIMAGE, method="HEAD"), 400, "<Fault/>"),
            silent(NO_VERSION),
        ],
    )
    def test_only_xml_errors_have_a_form(self, other: Exchange) -> None:
        assert judged("error_document_form", [other]) == []

    def test_one_odd_exchange_does_not_hide_the_next(self) -> None:
        several = [
            silent(NO_VERSION),
            exchange(REIMAGE, 202, number=2),
            exchange(NO_VERSION, 400, "<Fault/>", number=3),
        ]

        assert brief(judged("error_document_form", several)) == [violated("REQ-ERR-BODY-FORMAT", "error-form", 3)]


class TestErrorStatuses:
    """The check `error_statuses`."""

    @pytest.mark.parametrize("status", [400, 404, 409, 499 - 68, 451])
    def test_a_standard_status_is_met(self, status: int) -> None:
        assert brief(judged("error_statuses", [exchange(NO_VERSION, status)])) == [met("REQ-ERR-STATUS")]

    def test_an_error_in_a_2xx_is_a_violation(self) -> None:
        for status in (200, 202, 299):
            found = judged("error_statuses", [exchange(NO_VERSION, status, error())])
            assert brief(found) == [violated("REQ-ERR-STATUS", "error-in-2xx")]
            assert found[0].expected == "a 4xx or 5xx status"
            assert found[0].actual.startswith(f"an Error document under {status} ")

    def test_success_says_nothing(self) -> None:
        assert (
            judged("error_statuses", [exchange(), poll(SUCCEEDED), exchange(NO_VERSION, 302, error()), silent()]) == []
        )
        assert judged("error_statuses", [exchange(NO_VERSION, 199), exchange(NO_VERSION, 300, error())]) == []

    @pytest.mark.parametrize("status", [299, 419, 499, 599, 700])
    def test_an_invented_status_is_a_violation(self, status: int) -> None:
        found = judged("error_statuses", [exchange(NO_VERSION, status)])

        assert brief(found) == [violated("REQ-ERR-STATUS", f"status:{status}")]
        assert worded(found) == [("a standard HTTP status code", f"{status} (not a standard status code)")]

    def test_a_5xx_to_a_clients_error_is_a_violation_because_of_it(self) -> None:
        found = judged("error_statuses", [exchange(with_query(NO_VERSION, None), 500)])

        assert brief(found) == [
            violated("REQ-ERR-STATUS", "server-error", because=("REQ-VER-MISSING", "REQ-REIMAGE-COMP-MISSING"))
        ]
        assert worded(found) == [("a 4xx status for a client's error", "500 Internal Server Error")]
        assert brief(judged("error_statuses", [exchange(NO_VERSION, 502)])) == [
            violated("REQ-ERR-STATUS", "server-error", because=("REQ-VER-MISSING",))
        ]

    @pytest.mark.parametrize("status", [501, 503, 505])
    def test_some_5xx_are_answers_to_anything(self, status: int) -> None:
        assert brief(judged("error_statuses", [exchange(NO_VERSION, status)])) == [met("REQ-ERR-STATUS")]

    def test_a_5xx_to_a_sound_request_is_standard(self) -> None:
        assert brief(judged("error_statuses", [exchange(REIMAGE, 500)])) == [met("REQ-ERR-STATUS")]
        assert brief(judged("error_statuses", [exchange(NO_TYPE, 500)], lenient())) == [met("REQ-ERR-STATUS")]

    def test_one_silent_exchange_does_not_hide_the_next(self) -> None:
        assert brief(judged("error_statuses", [silent(), exchange(NO_VERSION, 419, number=2)])) == [
            violated("REQ-ERR-STATUS", "status:419", 2)
        ]


class TestErrorCodes:
    """The check `error_codes`."""

    @pytest.mark.parametrize(
        ("request_", "status", "code"),
        [
            (NO_VERSION, 400, TABLE),
            (MALFORMED, 400, TABLE),
            (OLD, 400, TABLE),
            (NO_COMP, 400, COMP),
            (NOWHERE, 404, "ResourceNotFound"),
            (NOBODY, 404, "ResourceNotFound"),
        ],
    )
    def test_the_table_is_met(self, request_: Request, status: int, code: str) -> None:
        found = judged("error_codes", [refusal(request_, status, code)])

        assert brief(found) == [met(CODES)]
        assert found[0].actual.endswith(f" with {code}")
        assert judged("error_codes", [refusal(request_, status)]) == []

    def test_another_code_is_a_violation(self) -> None:
        found = judged("error_codes", [refusal(NOBODY, 404, "BadRequest")])

        assert brief(found) == [violated(CODES, "code:BadRequest")]
        assert worded(found) == [
            ("404 with ResourceNotFound, or 202 and then Failed with 404", "404 Not Found with BadRequest")
        ]
        assert brief(judged("error_codes", [refusal(NOBODY, 404, "BadRequest")], lenient())) == [met(CODES)]

    def test_another_status_is_a_violation_of_whoever_names_it(self) -> None:
        assert brief(judged("error_codes", [refusal(NOBODY, 400)])) == [violated(CODES, "status:400")]
        assert brief(judged("error_codes", [refusal(NOBODY, 499)])) == [
            violated(CODES, "status:499", because=("REQ-ERR-STATUS",))
        ]
        assert brief(judged("error_codes", [refusal(NOBODY, 500)])) == [
            violated(CODES, "status:500", because=("REQ-REIMAGE-UNKNOWN-INSTANCE",))
        ]
        found = judged("error_codes", [refusal(NO_VERSION, 404, "X")])
        assert brief(found) == [violated(CODES, "status:404", because=("REQ-VER-MISSING",))]
        assert worded(found) == [(f"400 with {TABLE}", "404 Not Found with X")]

    @pytest.mark.parametrize(
        "other",
        [
            silent(NO_VERSION),
            exchange(NO_VERSION, 202),
            refusal(NO_VERSION, 399, "X"),
            refusal(NO_TYPE, 400, "X"),
            refusal(PUT, 400, "X"),
            refusal(with_query(NO_VERSION, None), 400, "X"),
            refusal(REIMAGE, 400, "X"),
            refusal(NO_VERSION, 503, "X"),
            refusal(NO_VERSION, 429, "X"),
            refusal(NO_VERSION, 409, "X"),
        ],
    )
    def test_other_answers_are_none_of_the_tables(self, other: Exchange) -> None:
        bad = refusal(NO_VERSION, 400, "X", number=2)

        assert brief(judged("error_codes", [other, bad])) == [violated(CODES, "code:X", 2)]

    def test_400_itself_counts(self) -> None:
        assert brief(judged("error_codes", [refusal(with_header(NOBODY, "x-ms-version", "2011-10-01"), 400, "X")])) == [
            violated(CODES, "status:400")
        ]


class TestNoEffect:
    """What a refusal left behind."""

    REFUSAL = refusal(NO_VERSION, 400, number=5)

    @pytest.mark.parametrize(("body", "status"), [(RUNNING, "InProgress"), (SUCCEEDED, "Succeeded")])
    def test_an_operation_of_a_refused_request_is_a_violation(self, body: str, status: str) -> None:
        found = judged("nothing_left_behind", [self.REFUSAL, poll(body, number=6)])

        assert brief(found) == [violated("REQ-GOS-NOTFOUND-NOEFFECT", f"operation:{status}", 6, 5)]
        assert worded(found) == [
            ("no operation InProgress or Succeeded under the id of a refused request", f"200 OK, Status {status}")
        ]
        assert brief(judged("nothing_left_behind", [self.REFUSAL, poll(body, number=6)], lenient())) == [
            advisory("REQ-GOS-NOTFOUND-NOEFFECT", f"operation:{status}", 6, 5)
        ]

    @pytest.mark.parametrize("last", [poll(FAILED, number=6), poll(b"", 404, number=6), poll(SUCCEEDED, 404, number=6)])
    def test_a_failed_or_unknown_operation_is_fine(self, last: Exchange) -> None:
        assert brief(judged("nothing_left_behind", [self.REFUSAL, last])) == [met("REQ-GOS-NOTFOUND-NOEFFECT", 6)]

    def test_an_unanswered_poll_says_nothing(self) -> None:
        found = judged("nothing_left_behind", [self.REFUSAL, silent(POLL, number=6)])

        assert brief(found) == [inconclusive("REQ-GOS-NOTFOUND-NOEFFECT", 6, 5)]
        assert found[0].actual == "no complete reply: timeout, as arranged"

    READY = look({"WebRole1_IN_0": "ReadyRole"}, number=4)

    def test_an_instance_that_stayed_ready_is_untouched(self) -> None:
        after = look({"WebRole1_IN_0": "ReadyRole"}, number=6)
        found = judged(
            "instance_untouched",
            [self.READY, self.REFUSAL, after],
            requirement="REQ-VER-MISSING",
            instance="WebRole1_IN_0",
        )

        assert brief(found) == [met("REQ-VER-MISSING", 5)]
        assert found[0].actual == "400 Bad Request, and WebRole1_IN_0 stays ReadyRole"

    def test_an_instance_that_went_offline_was_touched(self) -> None:
        after = look({"WebRole1_IN_0": "BusyRole"}, number=6)
        found = judged(
            "instance_untouched",
            [self.READY, self.REFUSAL, after],
            requirement="REQ-VER-MISSING",
            instance="WebRole1_IN_0",
        )

        assert brief(found) == [
            violated("REQ-VER-MISSING", "touched", 5, 6),
            violated("REQ-GOS-NOTFOUND-NOEFFECT", "touched", 5, 6, because=("REQ-VER-MISSING",)),
        ]
        assert (
            worded(found)
            == [
                (
                    "WebRole1_IN_0 stays ReadyRole after a refused request",
                    "400 Bad Request, and WebRole1_IN_0 is BusyRole",
                )
            ]
            * 2
        )
        own = judged(
            "instance_untouched",
            [self.READY, self.REFUSAL, after],
            requirement="REQ-GOS-NOTFOUND-NOEFFECT",
            instance="WebRole1_IN_0",
        )
        assert brief(own) == [violated("REQ-GOS-NOTFOUND-NOEFFECT", "touched", 5, 6)]

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ({"WebRole1_IN_0": "BusyRole"}, {"WebRole1_IN_0": "StoppedVM"}),
            ({}, {"WebRole1_IN_0": "BusyRole"}),
            ({"WebRole1_IN_0": "ReadyRole"}, {}),
        ],
    )
    def test_an_instance_that_was_not_seen_ready_says_nothing(
        self, before: dict[str, str], after: dict[str, str]
    ) -> None:
        seen = [look(before, number=4), self.REFUSAL, look(after, number=6)]

        assert judged("instance_untouched", seen, requirement="REQ-VER-MISSING", instance="WebRole1_IN_0") == []


def test_a_body_is_refused_by_its_own_statuses() -> None:
    request = with_body(REIMAGE, b"x")

    assert brief(judged("refused", [refusal(request, 413)])) == [met("REQ-REIMAGE-CL-NONZERO")]
    assert brief(judged("refused", [refusal(request, 411)])) == [violated("REQ-REIMAGE-CL-NONZERO", "status:411")]
