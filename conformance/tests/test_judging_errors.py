"""Error answers judged: their documents, statuses and codes, and that a refusal left nothing behind."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from judging_samples import (
    ANONYMOUS,
    BUILDER,
    COMP,
    FAILED,
    LOOK,
    MALFORMED,
    NO_COMP,
    NO_HOST,
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
    UNKNOWN,
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
    poll,
    refusal,
    silent,
    violated,
    worded,
)
from reimage_conformance.protocol.requests import with_chunked, with_header, with_query, without_header

if TYPE_CHECKING:
    from reimage_conformance.model import Exchange, Request

CODES = "REQ-ERR-CODES"


class TestErrorDocuments:
    """Error documents: whether they are there, and in their form."""

    def test_an_error_of_the_application_carries_a_document(self) -> None:
        found = judged("error_document_present", [refusal(NO_VERSION, 400, TABLE)])

        assert brief(found) == [met("REQ-ERR-BODY-OPTIONAL")]

    @pytest.mark.parametrize(
        ("body", "told"),
        [
            (b"", "400 Bad Request, 0 octets"),
            (b"  \r\n", "400 Bad Request, 4 octets"),
            (b"no", "400 Bad Request, 2 octets"),
        ],
    )
    def test_an_error_without_one_is_a_violation_under_strict(self, body: bytes, told: str) -> None:
        found = judged("error_document_present", [exchange(NO_VERSION, 400, body)])

        assert brief(found) == [violated("REQ-ERR-BODY-OPTIONAL", "no-error-document")]
        told = f"{told}, no Content-Type (the answer to Reimage Role Instance)"
        assert worded(found) == [("an Error document", told)]
        assert brief(judged("error_document_present", [exchange(NO_VERSION, 400, body)], lenient())) == [
            observed("REQ-ERR-BODY-OPTIONAL", symptom="no-error-document")
        ]

    @pytest.mark.parametrize(
        ("request_", "call"),
        [
            (POLL, "Get Operation Status"),
            (LOOK, "Get Deployment"),
            (BUILDER.cloud_service("contoso"), "Get Cloud Service Properties"),
        ],
    )
    def test_what_was_asked_is_told(self, request_: Request, call: str) -> None:
        plain = exchange(without_header(request_, "x-ms-version"), 400, b"n", (("Content-Type", "text/plain"),))
        told = f"400 Bad Request, 1 octet, Content-Type text/plain (the answer to {call})"

        assert worded(judged("error_document_present", [plain])) == [("an Error document", told)]

    @pytest.mark.parametrize("check", ["error_document_present", "error_request_ids"])
    @pytest.mark.parametrize(
        "other",
        [
            exchange(NO_HOST, 400),
            exchange(with_chunked(REIMAGE), 400),
            exchange(with_header(REIMAGE, "Content-Length", str(2**32)), 400),
            exchange(replace(NO_VERSION, target="/elsewhere"), 404),
            exchange(replace(NO_VERSION, target=NO_VERSION.target.replace("?", "%00?")), 400),
            exchange(replace(REIMAGE, method="HEAD"), 400),
            *(exchange(with_header(REIMAGE, "x-ms-version", value), 400) for value in ("\xb22011-10-01", "2011\x7f")),
            exchange(REIMAGE, 404),
            exchange(NO_VERSION, 399),
            exchange(NO_VERSION, 500),
            silent(NO_VERSION),
            exchange(NO_LENGTH, 400),
            exchange(NO_LENGTH, 400, "<html/>", headers=(("Content-Type", "text/html"),)),
            exchange(without_header(NO_LENGTH, "x-ms-version"), 400),
            *(exchange(NO_LENGTH, status) for status in (408, 411, 413, 414, 417, 421, 426, 429, 431)),
        ],
    )
    def test_other_answers_may_come_from_below_the_application(self, check: str, other: Exchange) -> None:
        assert judged(check, [other]) == []

    def test_another_refusal_of_no_length_is_the_applications(self) -> None:
        assert brief(judged("error_document_present", [exchange(NO_LENGTH, 404)])) == [
            violated("REQ-ERR-BODY-OPTIONAL", "no-error-document")
        ]
        assert brief(judged("error_request_ids", [refusal(NO_LENGTH, 400, "BadRequest")])) == [
            advisory("REQ-ASYNC-REQID-ERRORS", "no-request-id")
        ]

    @pytest.mark.parametrize(("digits", "counts"), [(9, True), (10, False), (11, False)])
    def test_the_refusal_of_a_huge_length_may_come_from_below_the_application(
        self, digits: int, *, counts: bool
    ) -> None:
        found = judged("error_request_ids", [exchange(with_header(REIMAGE, "Content-Length", "1" * digits), 400)])

        assert bool(found) is counts

    @pytest.mark.parametrize("status", [400, 404, 412, 416, 499])
    def test_every_4xx_of_the_application_counts(self, status: int) -> None:
        assert brief(judged("error_request_ids", [exchange(NO_VERSION, status)])) == [
            advisory("REQ-ASYNC-REQID-ERRORS", "no-request-id")
        ]

    def test_a_refusal_of_a_certificate_by_the_application_counts(self) -> None:
        refused = exchange(UNKNOWN, 403, headers=(("x-ms-request-id", "7"),))

        assert brief(judged("error_document_present", [refused])) == [
            violated("REQ-ERR-BODY-OPTIONAL", "no-error-document")
        ]

    @pytest.mark.parametrize("check", ["error_document_present", "error_request_ids"])
    def test_a_refusal_of_a_certificate_in_front_of_the_application_does_not(self, check: str) -> None:
        page = (("Content-Type", "text/html"),)

        assert judged(check, [exchange(UNKNOWN, 403, "<html/>", headers=page), exchange(ANONYMOUS, 403)]) == []

    def test_an_error_document_for_a_stranger_is_the_applications(self) -> None:
        assert brief(
            judged(
                "error_request_ids",
                [exchange(UNKNOWN, 403, "<Error><Code>AuthenticationFailed</Code><Message>No.</Message></Error>")],
            )
        ) == [advisory("REQ-ASYNC-REQID-ERRORS", "no-request-id")]

    def test_errors_carry_a_request_id(self) -> None:
        with_id = exchange(NO_VERSION, 400, headers=(("X-MS-Request-ID", "7"),))
        empty = exchange(NO_VERSION, 400, headers=(("x-ms-request-id", ""),))

        assert brief(judged("error_request_ids", [with_id])) == [met("REQ-ASYNC-REQID-ERRORS")]
        found = judged("error_request_ids", [empty])
        assert brief(found) == [advisory("REQ-ASYNC-REQID-ERRORS", "no-request-id")]
        assert worded(found) == [("an x-ms-request-id", "400 Bad Request without x-ms-request-id")]

    @pytest.mark.parametrize("request_", [REIMAGE, NO_VERSION, NO_HOST])
    def test_a_conflict_carries_one_whatever_was_asked(self, request_: Request) -> None:
        identified = exchange(request_, 409, headers=(("x-ms-request-id", "7"),))

        assert brief(judged("error_request_ids", [exchange(request_, 409)])) == [
            advisory("REQ-ASYNC-REQID-ERRORS", "no-request-id")
        ]
        assert brief(judged("error_request_ids", [identified])) == [met("REQ-ASYNC-REQID-ERRORS")]
        assert judged("error_document_present", [exchange(REIMAGE, 409)]) == []

    def test_the_form_is_code_then_message(self) -> None:
        found = judged("error_document_form", [refusal(NO_VERSION, 400, TABLE)])

        assert brief(found) == [met("REQ-ERR-BODY-FORMAT")]
        assert found[0].actual == f"Error with {TABLE}"

    @pytest.mark.parametrize(
        ("body", "problem"),
        [
            ("<Fault/>", "the root element is Fault, not Error"),
            ("<Error/>", "Error has no Code and no Message"),
            ("<Error><Code>a</Code></Error>", "Error has no Message"),
            ("<Error><Message>a</Message></Error>", "Error has no Code"),
            ("<Error><Code> </Code><Message>a</Message></Error>", "Code is empty"),
        ],
    )
    def test_another_form_is_a_violation(self, body: str, problem: str) -> None:
        found = judged("error_document_form", [exchange(NO_VERSION, 400, body)])

        assert brief(found) == [violated("REQ-ERR-BODY-FORMAT", "error-form")]
        assert worded(found) == [("an Error element with Code, then Message", problem)]

    def test_ill_formed_xml_is_a_violation_of_the_form(self) -> None:
        found = judged("error_document_form", [exchange(NO_VERSION, 400, "<Error>")])

        assert brief(found) == [violated("REQ-ERR-BODY-FORMAT", "error-form")]

    def test_message_before_code_is_an_advisory(self) -> None:
        found = judged(
            "error_document_form", [exchange(NO_VERSION, 400, "<Error><Message>m</Message><Code>c</Code></Error>")]
        )

        assert brief(found) == [advisory("REQ-ERR-BODY-FORMAT", "error-order")]
        assert worded(found) == [("Code before Message", "Message before Code")]

    def test_an_encoding_problem_is_another_requirements(self) -> None:
        found = judged("error_document_form", [exchange(NO_VERSION, 400, b"<Error>\xff</Error>")])

        assert brief(found) == [inconclusive("REQ-ERR-BODY-FORMAT")]
        assert found[0].actual.startswith("the Error document cannot be read: the octets from octet ")

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
            assert found[0].actual.startswith(f"{status} ")
            assert found[0].actual.endswith(" with an Error document")

    def test_an_error_document_under_a_redirection_is_no_error_in_a_2xx(self) -> None:
        assert "error-in-2xx" not in [each.symptom for each in judged("error_statuses", [exchange(POLL, 300, error())])]

    @pytest.mark.parametrize("request_", [LOOK, BUILDER.cloud_service("contoso"), POLL, REIMAGE])
    def test_an_error_in_a_2xx_is_a_violation_whatever_was_asked(self, request_: Request) -> None:
        assert brief(judged("error_statuses", [exchange(request_, 200, error())])) == [
            violated("REQ-ERR-STATUS", "error-in-2xx")
        ]

    @pytest.mark.parametrize("request_", [LOOK, BUILDER.cloud_service("contoso"), replace(REIMAGE, target="/x")])
    def test_other_calls_may_not_be_offered_at_all(self, request_: Request) -> None:
        assert judged("error_statuses", [exchange(request_, 404), exchange(request_, 501)]) == []
        assert brief(judged("error_statuses", [exchange(request_, 499)])) == [violated("REQ-ERR-STATUS", "status:499")]

    def test_a_poll_counts(self) -> None:
        assert brief(judged("error_statuses", [exchange(POLL, 400)])) == [met("REQ-ERR-STATUS")]

    def test_success_says_nothing(self) -> None:
        assert judged("error_statuses", [exchange(), poll(SUCCEEDED), exchange(NO_VERSION, 199), silent()]) == []

    @pytest.mark.parametrize("status", [300, 302, 308])
    def test_neither_is_a_bad_request_answered_by_sending_it_elsewhere(self, status: int) -> None:
        found = judged("error_statuses", [exchange(NO_VERSION, status)])

        assert brief(found) == [violated("REQ-ERR-STATUS", f"status:{status}")]
        assert found[0].expected == "a 4xx status for a client's error"

    @pytest.mark.parametrize(
        "other", [exchange(NO_VERSION, 307), exchange(NO_VERSION, 304), exchange(REIMAGE, 302), exchange(LOOK, 302)]
    )
    def test_other_redirections_say_nothing(self, other: Exchange) -> None:
        assert judged("error_statuses", [other]) == []

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

    def test_a_defect_that_binds_nobody_may_be_what_it_stumbles_over(self) -> None:
        odd = with_header(REIMAGE, "x-ms-version", "2011-06-01")

        assert brief(judged("error_statuses", [exchange(odd, 500)])) == [met("REQ-ERR-STATUS")]
        assert brief(judged("error_statuses", [exchange(with_query(odd, None), 500)])) == [
            violated("REQ-ERR-STATUS", "server-error", because=("REQ-VER-OLD-KEPT", "REQ-REIMAGE-COMP-MISSING"))
        ]

    @pytest.mark.parametrize("status", [501, 503, 505])
    def test_some_5xx_are_answers_to_anything(self, status: int) -> None:
        assert brief(judged("error_statuses", [exchange(NO_VERSION, status)])) == [met("REQ-ERR-STATUS")]

    @pytest.mark.parametrize(
        ("request_", "blamed"),
        [(ANONYMOUS, ("REQ-AUTH-TLS", "REQ-AUTH-FAIL")), (UNKNOWN, ("REQ-AUTH-FAIL",))],
    )
    def test_a_5xx_to_whom_nothing_is_open_is_the_access_refusals(
        self, request_: Request, blamed: tuple[str, ...]
    ) -> None:
        found = brief(judged("error_statuses", [exchange(request_, 500)]))

        assert found == [violated("REQ-ERR-STATUS", "server-error", because=blamed)]

    def test_a_5xx_from_below_the_application_is_not_the_services(self) -> None:
        assert brief(judged("error_statuses", [exchange(NO_HOST, 500)])) == [met("REQ-ERR-STATUS")]

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
        place = "role instance 'Nobody' in cloud service 'contoso', slot 'production'"
        kind = "a reimage of a role instance that the deployment does not have"
        assert worded(found) == [
            (
                "404 with ResourceNotFound, or 202 and then Failed with 404",
                f"404 Not Found with BadRequest, for {kind} ({place})",
            )
        ]
        assert brief(judged("error_codes", [refusal(NOBODY, 404, "BadRequest")], lenient())) == [met(CODES)]

    @pytest.mark.parametrize(
        ("request_", "kind", "told"),
        [
            (without_header(POLL, "x-ms-version"), "request without x-ms-version", " (Get Operation Status)"),
            (
                MALFORMED,
                "request whose x-ms-version is not written YYYY-MM-DD",
                " (Reimage Role Instance with x-ms-version 'latest')",
            ),
            (OLD, "reimage with an x-ms-version older than 2010-10-28", " (x-ms-version '2009-10-01')"),
            (NO_COMP, "POST without comp=reimage", " (an address without a query)"),
            (with_query(REIMAGE, "a=1"), "POST without comp=reimage", " (query 'a=1')"),
            (with_query(REIMAGE, "comp=other"), "POST without comp=reimage", " (comp='other')"),
            (
                NOWHERE,
                "reimage in a cloud service, deployment or slot that does not exist or is empty",
                " (cloud service 'nowhere', slot 'production')",
            ),
        ],
    )
    def test_what_was_sent_is_told(self, request_: Request, kind: str, told: str) -> None:
        found = judged("error_codes", [refusal(request_, 400, "X")])

        assert [verdict.actual for verdict in found] == [f"400 Bad Request with X, for a {kind}{told}"]

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
        told = "404 Not Found with X, for a request without x-ms-version (Reimage Role Instance)"
        assert worded(found) == [(f"400 with {TABLE}", told)]

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
            replace(refusal(NO_VERSION, 400, "X"), label="varied"),
            replace(refusal(NO_VERSION, 404, "X"), label="varied"),
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
            (
                "no operation InProgress or Succeeded under the id of a refused request",
                f"a poll with the id of the refusal (400 Bad Request) was answered 200 OK, Status {status}",
            )
        ]
        assert brief(judged("nothing_left_behind", [self.REFUSAL, poll(body, number=6)], lenient())) == [
            advisory("REQ-GOS-NOTFOUND-NOEFFECT", f"operation:{status}", 6, 5)
        ]

    def test_one_of_a_stranger_is_an_effect_of_who_may_have_none(self) -> None:
        found = judged("nothing_left_behind", [refusal(UNKNOWN, 403, number=5), poll(SUCCEEDED, number=6)])

        assert brief(found) == [violated("REQ-GOS-NOTFOUND-NOEFFECT", "operation:Succeeded", 6, 5)]

    @pytest.mark.parametrize(
        ("last", "told"),
        [
            (poll(FAILED, number=6), "200 OK, Status Failed"),
            (poll(b"", 404, number=6), "404 Not Found, no Status"),
            (poll(SUCCEEDED, 404, number=6), "404 Not Found, no Status"),
        ],
    )
    def test_a_failed_or_unknown_operation_is_fine(self, last: Exchange, told: str) -> None:
        found = judged("nothing_left_behind", [self.REFUSAL, last])

        assert brief(found) == [met("REQ-GOS-NOTFOUND-NOEFFECT", 6)]
        assert found[0].actual == f"a poll with the id of the refusal (400 Bad Request) was answered {told}"

    def test_an_unanswered_poll_says_nothing(self) -> None:
        found = judged("nothing_left_behind", [self.REFUSAL, silent(POLL, number=6)])

        assert brief(found) == [inconclusive("REQ-GOS-NOTFOUND-NOEFFECT", 6, 5)]
        assert found[0].actual == "Get Operation Status got no complete answer: no answer came in time: as arranged"

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
        assert found[0].actual == "400 Bad Request, and contoso-v2/WebRole1_IN_0 stays ReadyRole"

    def test_an_instance_whose_guest_has_a_problem_proves_nothing(self) -> None:
        after = look({"WebRole1_IN_0": "RestartingRole"}, number=6)
        arguments = {"requirement": "REQ-VER-MISSING", "instance": "WebRole1_IN_0"}

        found = judged("instance_untouched", [self.READY, self.REFUSAL, after], **arguments)
        assert brief(found) == [inconclusive("REQ-VER-MISSING", 5, 6)]

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
            violated("REQ-GOS-NOTFOUND-NOEFFECT", "touched", 5, 6),
        ]
        assert (
            worded(found)
            == [
                (
                    "contoso-v2/WebRole1_IN_0 stays ReadyRole after a refused request",
                    "contoso-v2/WebRole1_IN_0 is BusyRole after 400 Bad Request",
                )
            ]
            * 2
        )
        beside = judged(
            "instance_untouched",
            [self.READY, self.REFUSAL, after],
            requirement="REQ-VER-MISSING",
            instance="WebRole1_IN_0",
            beside=True,
        )
        assert brief(beside) == [
            violated("REQ-VER-MISSING", "touched", 5, 6),
            violated(
                "REQ-GOS-NOTFOUND-NOEFFECT",
                "touched",
                5,
                6,
            ),
        ]
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
