"""Refusals judged: what was permitted, what was wrong, and which requirement a wrong answer is held against."""

from __future__ import annotations

from dataclasses import replace

import pytest

from judging_samples import (
    ANONYMOUS,
    COMP,
    LOOK,
    MALFORMED,
    NO_COMP,
    NO_HOST,
    NO_TYPE,
    NO_VERSION,
    NOBODY,
    NOWHERE,
    OLD,
    OTHER_SUBSCRIPTION,
    POLL,
    PUT,
    REIMAGE,
    SUBSCRIPTION,
    TABLE,
    UNKNOWN,
    brief,
    exchange,
    inconclusive,
    judged,
    lenient,
    met,
    refusal,
    silent,
    violated,
    worded,
    world,
)
from reimage_conformance.model import FailureKind, Identity, Outcome, Request
from reimage_conformance.protocol.requests import with_body, with_header, with_query, without_header

CODES = "REQ-ERR-CODES"


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
            (OLD, 404, "REQ-REIMAGE-VERSION-OLD"),
            (NO_COMP, 405, "REQ-REIMAGE-COMP-MISSING"),
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
        assert brief(judged("refused", [refusal(request_, 499)]))[0] == violated(CODES, "status:499")
        assert brief(judged("refused", [refusal(request_, 500)])) == [
            violated(own, "status:500"),
            violated(CODES, "status:500", because=(own,)),
        ]

    def test_another_status_outside_the_table_is_one_violation(self) -> None:
        assert brief(judged("refused", [refusal(NO_TYPE, 404)])) == [violated("REQ-REIMAGE-CT-ABSENT", "status:404")]
        assert worded(judged("refused", [refusal(NO_TYPE, 404, "X")])) == [
            ("400 or 415", "404 Not Found with X, for no Content-Type header")
        ]
        assert brief(judged("refused", [refusal(UNKNOWN, 401)])) == [violated("REQ-AUTH-FAIL", "status:401")]
        assert brief(judged("refused", [refusal(NO_TYPE, 300)])) == [violated("REQ-REIMAGE-CT-ABSENT", "status:300")]

    @pytest.mark.parametrize(
        ("status", "code", "told"),
        [
            (404, "ResourceNotFound", "404 Not Found with ResourceNotFound, as if the certificate were accepted"),
            (400, "AuthenticationFailed", "400 Bad Request with AuthenticationFailed"),
            (401, "", "401 Unauthorized"),
        ],
    )
    def test_a_refusal_that_is_not_about_the_certificate_says_so(self, status: int, code: str, told: str) -> None:
        found = judged("refused", [refusal(UNKNOWN, status, code)])

        assert brief(found) == [violated("REQ-AUTH-FAIL", f"status:{status}")]
        assert found[0].actual == f"{told}, for Reimage Role Instance"

    def test_an_accepted_body_is_told(self) -> None:
        chunked = replace(with_header(REIMAGE, "Transfer-Encoding", "chunked"), body=b"1\r\nx\r\n0\r\n\r\n")
        chunked = without_header(chunked, "Content-Length")
        told = "a body with Transfer-Encoding 'chunked' and without Content-Length"

        assert judged("refused", [exchange(chunked)])[0].actual == f"202 Accepted, for {told}"
        plain = judged("refused", [exchange(with_body(REIMAGE, b"x"))])
        assert plain[0].actual == "202 Accepted, for a body of 1 octet"

    def test_another_status_for_a_name_of_odd_characters_may_be_the_tables_matter(self) -> None:
        odd = replace(REIMAGE, target=REIMAGE.target.replace("/WebRole1_IN_0", "/No%3Cbody%3E"))
        name = "REQ-REIMAGE-UNKNOWN-INSTANCE"

        assert brief(judged("refused", [refusal(odd, 403)])) == [violated(name, "status:403", because=(CODES,))]
        assert brief(judged("refused", [refusal(odd, 499)])) == [violated(name, "status:499", because=(CODES,))]
        for status in (400, 404, 414):
            assert brief(judged("refused", [refusal(odd, status)])) == [met(name)]

    def test_so_may_it_be_for_a_service_of_another_subscription(self) -> None:
        other = replace(REIMAGE, target=REIMAGE.target.replace(SUBSCRIPTION, OTHER_SUBSCRIPTION))
        name = "REQ-REIMAGE-UNKNOWN-SERVICE"

        for status, expected in (
            (409, violated(name, "status:409", because=(CODES,))),
            (400, met(name)),
            (403, met(name)),
            (404, met(name)),
        ):
            where = world(other_subscription_id=OTHER_SUBSCRIPTION)
            assert brief(judged("refused", [refusal(other, status)], where)) == [expected]

    def test_an_invented_status_is_explained_by_that(self) -> None:

        assert brief(judged("refused", [refusal(NO_TYPE, 499)])) == [violated("REQ-REIMAGE-CT-ABSENT", "status:499")]
        assert brief(judged("refused", [refusal(ANONYMOUS, 499)])) == [
            violated("REQ-AUTH-FAIL", "status:499"),
            met("REQ-AUTH-TLS"),
        ]

    def test_another_code_is_the_tables_matter(self) -> None:
        found = judged("refused", [refusal(NO_VERSION, 400, "BadRequest")])

        assert brief(found) == [
            violated(CODES, "code:BadRequest"),
            violated("REQ-VER-MISSING", "code:BadRequest"),
        ]
        assert worded(found) == [
            (
                f"400 with {TABLE}",
                "400 Bad Request with BadRequest, for a request without x-ms-version (Reimage Role Instance)",
            ),
            (f"400 with {TABLE}", "400 Bad Request with BadRequest, for Reimage Role Instance"),
        ]

    def test_another_code_of_an_access_refusal_is_its_own(self) -> None:
        assert brief(judged("refused", [refusal(UNKNOWN, 403, "Nope")])) == [violated("REQ-AUTH-FAIL", "code:Nope")]
        assert brief(judged("refused", [refusal(ANONYMOUS, 403, "Nope")])) == [
            violated("REQ-AUTH-FAIL", "code:Nope"),
            met("REQ-AUTH-TLS"),
        ]

    @pytest.mark.parametrize("code", ["", "Nope", "ForbiddenError"])
    def test_lenient_asks_for_no_code_of_an_access_refusal(self, code: str) -> None:
        assert brief(judged("refused", [refusal(UNKNOWN, 403, code)], lenient())) == [met("REQ-AUTH-FAIL")]

    @pytest.mark.parametrize("identity", [Identity.NONE, Identity.UNKNOWN])
    @pytest.mark.parametrize("request_", [REIMAGE, POLL, LOOK])
    def test_a_page_with_400_of_what_ends_tls_refuses_an_unknown_caller(
        self, request_: Request, identity: Identity
    ) -> None:
        page = "<html><head><title>400 No required SSL certificate was sent</title></head></html>"
        request_ = replace(request_, identity=identity)
        requirement = "REQ-AUTH-TLS" if identity is Identity.NONE else "REQ-AUTH-FAIL"
        html = (("Content-Type", "text/html"),)

        found = judged("refused", [exchange(request_, 400, page, headers=html)])
        assert {(each.requirement, each.outcome) for each in found} == {
            (name, Outcome.MET) for name in (requirement, "REQ-AUTH-FAIL")
        }
        of_application = (*html, ("x-ms-request-id", "a"))
        for wrong in (
            exchange(request_, 400, page, headers=of_application),
            exchange(request_, 400),
            exchange(request_, 404, page, headers=html),
            refusal(request_, 400, "BadRequest"),
        ):
            assert violated("REQ-AUTH-FAIL", f"status:{wrong.reply.status if wrong.reply else 0}", 1) in brief(
                judged("refused", [wrong])
            )
        known = exchange(replace(NO_VERSION, identity=Identity.PRIMARY), 404, page, headers=html)
        assert Outcome.VIOLATED in {each.outcome for each in judged("refused", [known])}

    def test_an_anonymous_request_that_is_refused_was_not_served_and_is_to_be_told_so(self) -> None:
        assert brief(judged("refused", [refusal(ANONYMOUS, 401)])) == [
            violated("REQ-AUTH-FAIL", "status:401"),
            met("REQ-AUTH-TLS"),
        ]
        assert brief(judged("refused", [refusal(ANONYMOUS, 403, "AuthenticationFailed")])) == [
            met("REQ-AUTH-TLS"),
            met("REQ-AUTH-FAIL"),
        ]
        assert brief(judged("refused", [exchange(ANONYMOUS, 202)])) == [violated("REQ-AUTH-TLS", "accepted")]

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
                "400 or 415; or 404 with ResourceNotFound, or 202 and then Failed with 404",
                "405 Method Not Allowed",
            )
        ]

    def test_a_code_of_none_of_several_defects_is_the_tables_matter(self) -> None:
        request = with_query(NO_VERSION, None)

        assert brief(judged("refused", [refusal(request, 400, COMP)])) == [met("REQ-VER-MISSING")]
        assert brief(judged("refused", [refusal(request, 400, "X")])) == [
            violated(CODES, "code:X"),
            violated("REQ-VER-MISSING", "code:X"),
        ]

    def test_a_code_that_belongs_to_another_status_of_theirs_may_be_that_ones_matter(self) -> None:
        request = with_query(replace(REIMAGE, target=NOBODY.target), None)
        owner = "REQ-REIMAGE-UNKNOWN-INSTANCE"

        assert brief(judged("refused", [refusal(request, 400, "ResourceNotFound")])) == [
            violated(CODES, "code:ResourceNotFound", because=(owner,)),
            violated("REQ-REIMAGE-COMP-MISSING", "code:ResourceNotFound", because=(owner,)),
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
        assert found[0].actual == "redirected with 307"

    def test_silence_is_no_refusal_where_others_were_answered(self) -> None:
        found = judged("refused", [silent(NO_VERSION)], alive=True)

        assert brief(found) == [violated("REQ-VER-MISSING", "no-reply:timeout")]
        assert worded(found) == [
            (f"400 with {TABLE}", "no answer came in time: as arranged, for Reimage Role Instance")
        ]
        assert brief(judged("refused", [silent(NO_VERSION)])) == [inconclusive("REQ-VER-MISSING")]

    @pytest.mark.parametrize(
        ("size", "kind", "lost"),
        [
            (16_384, FailureKind.CLOSED, True),
            (16_384, FailureKind.RESET, True),
            (16_384, FailureKind.TRUNCATED, True),
            (16_383, FailureKind.RESET, False),
            (16_384, FailureKind.TIMEOUT, False),
        ],
    )
    def test_a_reply_may_be_lost_under_a_large_body(self, size: int, kind: FailureKind, *, lost: bool) -> None:
        found = judged("refused", [silent(with_body(REIMAGE, b"x" * size), kind)], alive=True)

        assert [verdict.outcome.value for verdict in found] == ["inconclusive" if lost else "violated"]

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


def test_a_body_is_refused_by_its_own_statuses() -> None:
    request = with_body(REIMAGE, b"x")

    assert brief(judged("refused", [refusal(request, 413)])) == [met("REQ-REIMAGE-CL-NONZERO")]
    assert brief(judged("refused", [refusal(request, 411)])) == [violated("REQ-REIMAGE-CL-NONZERO", "status:411")]
