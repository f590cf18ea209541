"""Operations judged: the accepted reimage, each document of Get Operation Status, and the sequence of statuses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.checks.operations import status_of, version_of
from conformance.model import Exchange, FailureKind
from conformance.protocol.requests import with_header, without_header
from conformance.tests.judging_samples import (
    BUILDER,
    DASHED_ID,
    FAILED,
    NAMESPACE,
    OPERATION_ID,
    OTHER_ID,
    POLL,
    REIMAGE,
    RUNNING,
    SUCCEEDED,
    advisory,
    brief,
    error,
    exchange,
    inconclusive,
    judged,
    lenient,
    met,
    operation,
    poll,
    polls,
    refusal,
    silent,
    started,
    violated,
    worded,
)

OLDER = with_header(POLL, "x-ms-version", "2009-10-01")


class TestStart:
    """The answer to the reimage itself."""

    @pytest.mark.parametrize("status", [200, 202, 299])
    def test_any_2xx_accepts(self, status: int) -> None:
        assert brief(judged("accepted", [exchange(status=status)], requirement="REQ-REIMAGE-URI-SLOT")) == [
            met("REQ-REIMAGE-URI-SLOT")
        ]

    @pytest.mark.parametrize("status", [199, 300, 307, 400, 404, 500])
    def test_another_status_does_not(self, status: int) -> None:
        found = judged("accepted", [exchange(status=status)], requirement="REQ-REIMAGE-URI-SLOT")

        assert brief(found) == [violated("REQ-REIMAGE-URI-SLOT", f"status:{status}")]
        assert found[0].expected == "202 Accepted"

    @pytest.mark.parametrize(
        ("code", "root"),
        [
            ("MissingOrInvalidRequiredQueryParameter", "REQ-REIMAGE-COMP"),
            ("MissingOrIncorrectVersionHeader", "REQ-REIMAGE-VERSION"),
            ("InvalidHttpVerb", "REQ-REIMAGE-METHOD"),
        ],
    )
    @pytest.mark.parametrize("form", ["REQ-REIMAGE-URI-SLOT", "REQ-REIMAGE-URI-NAME"])
    def test_a_refusal_that_misses_what_is_there_names_the_cause(self, code: str, root: str, form: str) -> None:
        found = judged("accepted", [refusal(REIMAGE, 400, code)], requirement=form)

        assert brief(found) == [violated(form, "status:400", because=(root,)), violated(root, "status:400")]
        assert worded(found) == [("202 Accepted", f"400 Bad Request with {code}")] * 2
        assert brief(judged("accepted", [refusal(REIMAGE, 400, code)], requirement=root)) == [
            violated(root, "status:400")
        ]
        other = judged("accepted", [refusal(REIMAGE, 400, code)], requirement="REQ-HTTP-FIELD-CASE")
        assert brief(other) == [violated("REQ-HTTP-FIELD-CASE", "status:400", because=(root,))]

    def test_the_expectation_can_be_worded(self) -> None:
        found = judged("accepted", [refusal(REIMAGE, 400, "X")], requirement="REQ-REIMAGE-COMP", expected="as before")

        assert worded(found) == [("as before", "400 Bad Request with X")]

    def test_silence_and_busyness_prove_nothing(self) -> None:
        busy = judged("accepted", [exchange(status=503)], requirement="REQ-REIMAGE-URI-SLOT")
        quiet = judged("accepted", [silent()], requirement="REQ-REIMAGE-URI-SLOT")

        assert brief(busy) == brief(quiet) == [inconclusive("REQ-REIMAGE-URI-SLOT")]
        assert busy[0].actual == "the endpoint was busy: 503 Service Unavailable"
        assert quiet[0].actual == "no complete reply: timeout, as arranged"

    def test_silence_to_sound_reimages_alone_is_a_violation(self) -> None:
        found = judged("accepted", [silent()], requirement="REQ-REIMAGE-URI-SLOT", alive=True)

        assert brief(found) == [
            violated("REQ-REIMAGE-202", "no-reply:timeout"),
            violated("REQ-REIMAGE-URI-SLOT", "no-reply:timeout", because=("REQ-REIMAGE-202",)),
        ]
        assert worded(found) == [("202 Accepted", "no complete reply: timeout, as arranged")] * 2
        busy = judged("accepted", [exchange(status=503)], requirement="REQ-REIMAGE-URI-SLOT", alive=True)
        assert brief(busy) == [inconclusive("REQ-REIMAGE-URI-SLOT")]

    def test_the_first_exchange_is_judged(self) -> None:
        both = [exchange(status=202), refusal(REIMAGE, 400, number=2)]

        assert brief(judged("accepted", both, requirement="REQ-REIMAGE-URI-SLOT")) == [met("REQ-REIMAGE-URI-SLOT")]

    def test_an_accepted_request_is_answered_202(self) -> None:
        assert brief(judged("answered_202", [exchange(status=202)])) == [met("REQ-REIMAGE-202")]
        found = judged(
            "answered_202", [exchange(status=400), silent(), exchange(status=300), exchange(status=200, number=4)]
        )
        assert brief(found) == [violated("REQ-REIMAGE-202", "status:200", 4)]
        assert worded(found) == [("202 Accepted", "200 OK")]

    @pytest.mark.parametrize(
        ("values", "told"),
        [
            ((), "0 x-ms-request-id lines: []"),
            (("",), "1 x-ms-request-id lines: ['']"),
            ((" ",), "1 x-ms-request-id lines: [' ']"),
            (("a", "a"), "2 x-ms-request-id lines: ['a', 'a']"),
        ],
    )
    def test_one_request_id_is_carried(self, values: tuple[str, ...], told: str) -> None:
        headers = tuple(("X-Ms-Request-Id", value) for value in values)
        found = judged("request_id_present", [exchange(headers=headers)], requirement="REQ-REIMAGE-REQID")

        assert brief(found) == [violated("REQ-REIMAGE-REQID", "request-id")]
        assert worded(found) == [("one x-ms-request-id, not empty", told)]

    def test_a_request_id_is_asked_of_successes_alone(self) -> None:
        several = [silent(), exchange(status=300), exchange(status=400), started(number=4)]

        assert brief(judged("request_id_present", several, requirement="REQ-GOS-REQID")) == [met("REQ-GOS-REQID", 4)]

    @pytest.mark.parametrize("status", [200, 299])
    def test_every_success_needs_one(self, status: int) -> None:
        assert brief(judged("request_id_present", [exchange(status=status)], requirement="REQ-GOS-REQID")) == [
            violated("REQ-GOS-REQID", "request-id")
        ]

    def test_a_202_has_no_content(self) -> None:
        several = [silent(), exchange(status=200, body=b"x"), exchange(status=202, body=b"y" * 70, number=3)]
        found = judged("empty_body", several)

        assert brief(found) == [violated("REQ-REIMAGE-BODY-EMPTY", "body", 3)]
        assert worded(found) == [("no content", f"70 octets: {b'y' * 60!r}")]
        assert brief(judged("empty_body", [exchange()])) == [met("REQ-REIMAGE-BODY-EMPTY")]


class TestUsableId:
    """The check `id_usable`."""

    USABLE, PROMPT, URI = "REQ-REIMAGE-REQID-USABLE", "REQ-REIMAGE-REQID-PROMPT", "REQ-GOS-URI"

    def test_an_id_that_is_known_at_once(self) -> None:
        found = judged("id_usable", [started(), poll()])

        assert brief(found) == [met(self.USABLE, 2), met(self.URI, 2), met(self.PROMPT, 2)]
        assert [verdict.actual for verdict in found] == [
            f"polled as {OPERATION_ID}",
            "Get Operation Status answers",
            "first known 0.0 s after the 202",
        ]

    def test_the_first_poll_that_shows_it_counts(self) -> None:
        several = [started(), poll(b"", at=1.0), poll(b"", 404, number=3, at=3.5), poll(number=4, at=4.0)]

        assert brief(judged("id_usable", several)) == [met(self.USABLE, 2), met(self.URI, 2), met(self.PROMPT, 2)]
        assert judged("id_usable", several)[2].actual == "first known 1.0 s after the 202"
        assert brief(judged("id_usable", [started(), poll(b"", 199)]))[0] == violated(
            self.URI, "no-operation-status", 2, 1
        )

    def test_the_first_late_refusal_is_the_evidence(self) -> None:
        several = [started(), *(poll(b"", 404, number=n, at=float(n)) for n in (3, 4)), poll(number=5, at=5.0)]

        assert brief(judged("id_usable", several))[0] == violated(self.PROMPT, "late-id", 3, 5, 1)

    @pytest.mark.parametrize("identifier", ["", "a/b", "a b", "a?b", "a#b", "é", "a\n"])
    def test_an_id_that_no_path_can_hold(self, identifier: str) -> None:
        found = judged("id_usable", [started(identifier=identifier), poll()])

        assert brief(found) == [violated(self.USABLE, "unsafe-id", 2, 1)]
        assert worded(found) == [("an id usable as a path segment", repr(identifier))]
        assert brief(judged("id_usable", [silent()])) == [violated(self.USABLE, "unsafe-id", 1)]

    @pytest.mark.parametrize("identifier", ["A-z0.9_~", "!$&'()*+,;=:@", "%41"])
    def test_any_segment_will_do(self, identifier: str) -> None:
        assert brief(judged("id_usable", [started(identifier=identifier), poll()]))[0] == met(self.USABLE, 2)

    @pytest.mark.parametrize("status", [400, 404, 410])
    def test_an_id_that_is_never_known(self, status: int) -> None:
        found = judged("id_usable", [started(), poll(b"", status), poll(b"", status, number=3)])

        assert brief(found) == [violated(self.USABLE, "unusable-id", 2, 1)]
        assert found[0].expected == "the status of the operation"
        assert found[0].actual.startswith(f"2 polls, all {status} ")

    def test_one_refusal_among_failures_is_enough_to_blame_the_id(self) -> None:
        found = judged("id_usable", [started(), poll(b"", 500), poll(b"", 404, number=3)])

        assert brief(found) == [violated(self.USABLE, "unusable-id", 2, 1)]
        assert found[0].actual == "2 polls, all 404 Not Found, 500 Internal Server Error"

    @pytest.mark.parametrize("status", [301, 405, 501, 500])
    def test_an_endpoint_without_get_operation_status(self, status: int) -> None:
        found = judged("id_usable", [started(), poll(b"", status), silent(POLL, number=3)])

        assert brief(found) == [
            violated(self.URI, "no-operation-status", 2, 1),
            violated(self.USABLE, "unusable-id", 2, 1, because=(self.URI,)),
        ]
        assert found[0].expected == "an answer to Get Operation Status"
        assert found[1].expected == "the status of the operation"
        assert found[0].actual == found[1].actual
        assert found[0].actual.startswith("2 polls, all ")

    def test_without_an_answer_nothing_is_known(self) -> None:
        quiet = judged("id_usable", [started(), silent(POLL, number=2), poll(b"", 503, number=3)])
        none = judged("id_usable", [started()])

        assert brief(quiet) == [inconclusive(self.USABLE, 2, 1, because=("REQ-GOS-200",))]
        assert (
            quiet[0].actual == "no poll was answered: 503 Service Unavailable, no complete reply: timeout, as arranged"
        )
        assert brief(none) == [inconclusive(self.USABLE, 1, because=("REQ-GOS-200",))]
        assert none[0].actual == "no poll was answered: none was sent"

    def test_an_operation_document_counts_under_any_status(self) -> None:
        assert brief(judged("id_usable", [started(), poll(RUNNING, 404)]))[0] == met(self.USABLE, 2)
        assert brief(judged("id_usable", [started(), poll(b"", 299)]))[0] == met(self.USABLE, 2)
        assert brief(judged("id_usable", [started(), poll(b"", 300)]))[0][1] == "violated"
        assert brief(judged("id_usable", [started(), poll(error(), 404)]))[0][1] == "violated"

    def test_two_seconds_are_prompt(self) -> None:
        start = started(at=10.0, elapsed=0.5)
        unknown = poll(b"", 404, number=2, at=12.5)
        shown = poll(number=3, at=14.0)

        assert brief(judged("id_usable", [start, unknown, shown]))[2] == met(self.PROMPT, 3)

    def test_more_are_late(self) -> None:
        start = started(at=10.0, elapsed=0.5)
        unknown = poll(b"", 404, number=2, at=12.6)
        shown = poll(number=3, at=14.0)
        found = judged("id_usable", [start, unknown, shown])

        assert brief(found) == [violated(self.PROMPT, "late-id", 2, 3, 1), met(self.USABLE, 2), met(self.URI, 3)]
        late = next(verdict for verdict in found if verdict.requirement == self.PROMPT)
        assert (late.expected, late.actual) == ("the id is known within 2 s", "first known 3.5 s after the 202")

    def test_silence_and_later_refusals_are_not_lateness(self) -> None:
        start = started()
        quiet = silent(POLL, number=2, at=3.0)
        shown = poll(number=3, at=4.0)
        gone = poll(b"", 404, number=4, at=5.0)

        assert met(self.PROMPT, 3) in brief(judged("id_usable", [start, quiet, shown, gone]))


class TestPollsAnswered:
    """The check `polls_answered`."""

    def test_every_poll_of_a_known_operation_is_answered_200(self) -> None:
        several = [started(), *polls(RUNNING, SUCCEEDED, SUCCEEDED)]

        assert brief(judged("polls_answered", several)) == [met("REQ-GOS-200", 2, 3, 4)]

    def test_polls_before_the_operation_is_known_say_nothing(self) -> None:
        assert judged("polls_answered", [started(), poll(b"", 404)]) == []
        assert brief(judged("polls_answered", [started(), poll(b"", 404), poll(number=3)])) == [met("REQ-GOS-200", 3)]

    def test_another_status_in_between_is_a_violation(self) -> None:
        found = judged("polls_answered", [started(), poll(), poll(b"", 404, number=3), poll(number=4)])

        assert violated("REQ-GOS-200", "status:404", 3, 1) in brief(found)
        assert met("REQ-GOS-200", 2, 4) in brief(found)
        assert worded(found)[0] == ("200 OK", "404 Not Found")
        assert brief(judged("polls_answered", [started(), poll(FAILED, 404)])) == [
            violated("REQ-GOS-200", "status:404", 2, 1)
        ]

    @pytest.mark.parametrize("status", [429, 503, 307])
    def test_busy_and_moved_say_nothing(self, status: int) -> None:
        assert brief(judged("polls_answered", [started(), poll(), poll(b"", status, number=3)])) == [
            met("REQ-GOS-200", 2)
        ]

    def test_after_the_end_another_status_says_nothing(self) -> None:
        end = poll(SUCCEEDED, number=2, at=2.0)

        assert brief(judged("polls_answered", [started(), end, poll(b"", 404, number=3, at=2.1)])) == [
            met("REQ-GOS-200", 2)
        ]
        assert brief(judged("polls_answered", [started(), end, poll(b"", 404, number=3, at=2.0)])) == [
            violated("REQ-GOS-200", "status:404", 3, 1),
            met("REQ-GOS-200", 2),
        ]

    def test_a_poll_left_unanswered_is_inconclusive_or_violated(self) -> None:
        lone = [started(), poll(), silent(POLL, number=3)]

        assert brief(judged("polls_answered", lone))[0] == inconclusive("REQ-GOS-200", 3, 1)
        assert judged("polls_answered", lone)[0].actual == "no complete reply: timeout, as arranged"
        assert brief(judged("polls_answered", lone, alive=True))[0] == violated("REQ-GOS-200", "no-reply:timeout", 3, 1)
        assert worded(judged("polls_answered", lone, alive=True))[0] == (
            "200 OK",
            "no complete reply: timeout, as arranged",
        )

    def test_a_poll_that_was_repeated_with_success_is_forgiven(self) -> None:
        again = [started(), silent(POLL, number=2), poll(number=3)]

        assert brief(judged("polls_answered", again, alive=True)) == [met("REQ-GOS-200", 3)]
        assert brief(judged("polls_answered", again)) == [met("REQ-GOS-200", 3)]

    def test_a_poll_that_was_repeated_in_vain_is_not(self) -> None:
        vain = [started(), silent(POLL, number=2), silent(POLL, number=3), poll(number=4)]

        assert brief(judged("polls_answered", vain, alive=True)) == [
            violated("REQ-GOS-200", "no-reply:timeout", 2, 1),
            met("REQ-GOS-200", 4),
        ]


def document(inner: str, *, root: str = "Operation", namespace: str = NAMESPACE) -> str:
    return f'<{root} xmlns="{namespace}">{inner}</{root}>'


ID = f"<ID>{DASHED_ID}</ID>"


class TestDocuments:
    """The check `operation_documents`."""

    def of(self, requirement: str, *found: Exchange) -> list[object]:
        """What the check says of one requirement."""
        return [said for said in brief(judged("operation_documents", found)) if said[0] == requirement]

    def test_a_running_operation(self) -> None:
        assert brief(judged("operation_documents", [poll(RUNNING)])) == [
            met(name, 2)
            for name in (
                "REQ-GOS-REQID-OWN",
                "REQ-GOS-ROOT",
                "REQ-GOS-CT",
                "REQ-GOS-ID",
                "REQ-GOS-STATUS",
                "REQ-GOS-HTTPSTATUS",
                "REQ-GOS-ERROR",
                "REQ-GOS-ORDER",
            )
        ]

    def test_a_finished_operation(self) -> None:
        common = [
            "REQ-GOS-REQID-OWN",
            "REQ-GOS-ROOT",
            "REQ-GOS-CT",
            "REQ-GOS-ID",
            "REQ-GOS-STATUS",
            "REQ-GOS-HTTPSTATUS",
        ]

        assert [v.requirement for v in judged("operation_documents", [poll(SUCCEEDED)]) if v.outcome == "met"] == [
            *common,
            "REQ-REIMAGE-FINAL-200",
            "REQ-GOS-HTTPSTATUS-INT",
            "REQ-GOS-ERROR",
            "REQ-GOS-ORDER",
        ]
        assert [v.requirement for v in judged("operation_documents", [poll(FAILED)]) if v.outcome == "met"] == [
            *common,
            "REQ-GOS-HTTPSTATUS-INT",
            "REQ-GOS-ERROR",
            "REQ-GOS-ORDER",
        ]

    def test_only_answers_of_success_hold_documents(self) -> None:
        assert (
            judged("operation_documents", [silent(POLL), poll("<x/>", 300), poll("<x/>", 404), poll("<x/>", 199)]) == []
        )
        assert len(judged("operation_documents", [silent(POLL), poll(RUNNING, 299)])) == 8

    @pytest.mark.parametrize("own", [OPERATION_ID, OPERATION_ID.upper(), DASHED_ID])
    def test_the_tracked_id_is_not_the_polls_own(self, own: str) -> None:
        assert self.of("REQ-GOS-REQID-OWN", poll(own=own)) == [advisory("REQ-GOS-REQID-OWN", "tracked-id", 2)]
        assert worded(judged("operation_documents", [poll(own=own)]))[0] == (
            "an id of the poll's own",
            f"the tracked id {own}",
        )
        assert self.of("REQ-GOS-REQID-OWN", poll(own="")) == []

    @pytest.mark.parametrize(
        "root",
        [
            document("", root="Error"),
            document("", namespace="urn:x"),
            "<Operation/>",
            document("", namespace=NAMESPACE + "/"),
        ],
    )
    def test_another_root_is_a_violation(self, root: str) -> None:
        assert self.of("REQ-GOS-ROOT", poll(root)) == [violated("REQ-GOS-ROOT", "root", 2)]

    def test_another_root_is_named(self) -> None:
        found = judged("operation_documents", [poll(document("", root="Error", namespace="urn:x"), own="")])

        assert worded(found) == [(f"{{{NAMESPACE}}}Operation", "{urn:x}Error")]

    def test_no_body_is_a_violation_of_its_own(self) -> None:
        found = judged("operation_documents", [poll(b" \r\n", own="")])

        assert brief(found) == [violated("REQ-GOS-ROOT", "no-document", 2)]
        assert worded(found) == [("an XML document with root Operation", "no body")]

    def test_ill_formed_xml_explains_the_missing_root(self) -> None:
        found = judged("operation_documents", [poll("<Operation>", own="")])

        assert brief(found) == [violated("REQ-GOS-ROOT", "no-document", 2, because=("REQ-XML-WF",))]
        assert found[0].actual.startswith("no XML: ")

    def test_one_unreadable_document_does_not_hide_the_next(self) -> None:
        assert self.of("REQ-GOS-STATUS", poll(b""), poll(number=3)) == [met("REQ-GOS-STATUS", 3)]

    def test_a_wrong_encoding_leaves_the_root_open(self) -> None:
        assert brief(judged("operation_documents", [poll(b"<Operation>\xff</Operation>", own="")])) == [
            inconclusive("REQ-GOS-ROOT", 2, because=("REQ-XML-ENC",))
        ]
        headers = (("Content-Type", "application/xml; charset=iso-8859-1"),)
        readable = self.of("REQ-GOS-ROOT", poll(RUNNING, headers=headers))
        assert readable == [inconclusive("REQ-GOS-ROOT", 2, because=("REQ-XML-ENC",)), met("REQ-GOS-ROOT", 2)]

    @pytest.mark.parametrize(("value", "symptom"), [("text/plain", "media-type:text/plain"), ("", "media-type:")])
    def test_the_media_type_is_xml(self, value: str, symptom: str) -> None:
        found = judged("operation_documents", [poll(RUNNING, headers=(("Content-Type", value),))])

        assert advisory("REQ-GOS-CT", symptom, 2) in brief(found)
        assert ("application/xml or text/xml", value or "no Content-Type") in worded(found)

    @pytest.mark.parametrize("shown", ["", "<ID/>", f"<ID>{OTHER_ID}</ID>", ID + ID])
    def test_another_id_is_a_violation(self, shown: str) -> None:
        assert self.of("REQ-GOS-ID", poll(document(shown + "<Status>InProgress</Status>"))) == [
            violated("REQ-GOS-ID", "id", 2)
        ]

    def test_another_id_is_told(self) -> None:
        found = judged("operation_documents", [poll(operation(identifier=OTHER_ID))])

        assert (f"ID {OPERATION_ID}, dashes and case aside", f"ID {OTHER_ID!r}") in worded(found)

    def test_the_id_of_another_operation_that_was_polled_is_the_headers_matter(self) -> None:
        other = poll(operation(identifier=OTHER_ID), number=3, request=BUILDER.operation_status(OTHER_ID), own="a")
        mixed = poll(operation(identifier=OTHER_ID), own="b")
        usable = "REQ-REIMAGE-REQID-USABLE"

        assert self.of("REQ-GOS-ID", mixed, other) == [
            violated("REQ-GOS-ID", "id", 2, because=(usable,)),
            met("REQ-GOS-ID", 3),
        ]
        assert self.of(usable, mixed, other) == [violated(usable, "other-operation", 2)]
        assert self.of(usable, mixed) == []
        assert ("the status of this operation", f"that of another operation, {OTHER_ID}") in worded(
            judged("operation_documents", [mixed, other])
        )

    @pytest.mark.parametrize(
        "status",
        [
            "",
            "<Status/>",
            "<Status>inprogress</Status>",
            "<Status> InProgress </Status>",
            "<Status>Done</Status>",
            "<Status>Failed</Status>" * 2,
        ],
    )
    def test_another_status_is_a_violation(self, status: str) -> None:
        names = {v.requirement for v in judged("operation_documents", [poll(document(ID + status))])}

        assert self.of("REQ-GOS-STATUS", poll(document(ID + status))) == [violated("REQ-GOS-STATUS", "status-value", 2)]
        assert names == {"REQ-GOS-REQID-OWN", "REQ-GOS-ROOT", "REQ-GOS-CT", "REQ-GOS-ID", "REQ-GOS-STATUS"}

    def test_another_status_is_told(self) -> None:
        found = judged("operation_documents", [poll(operation("Done"))])

        assert ("InProgress or Succeeded or Failed", "Status 'Done'") in worded(found)

    @pytest.mark.parametrize(
        ("status", "code", "symptom"),
        [
            ("InProgress", "200", "early-http-status"),
            ("Succeeded", "", "no-http-status"),
            ("Failed", "", "no-http-status"),
        ],
    )
    def test_the_embedded_status_is_there_when_finished(self, status: str, code: str, symptom: str) -> None:
        shown = poll(operation(status, code))

        assert self.of("REQ-GOS-HTTPSTATUS", shown) == [violated("REQ-GOS-HTTPSTATUS", symptom, 2)]
        assert self.of("REQ-GOS-HTTPSTATUS-INT", shown) == []

    def test_the_embedded_status_is_told(self) -> None:
        early = judged("operation_documents", [poll(operation("InProgress", "200"))])
        missing = judged("operation_documents", [poll(operation("Failed"))])
        there = judged("operation_documents", [poll(SUCCEEDED)])
        running = judged("operation_documents", [poll(RUNNING)])

        assert ("no HttpStatusCode while InProgress", "HttpStatusCode '200'") in worded(early)
        assert ("HttpStatusCode with Failed", "none") in worded(missing)
        assert ("", "HttpStatusCode 200") in worded(there)
        assert ("", "HttpStatusCode None") in worded(running)

    @pytest.mark.parametrize("value", ["OK", "20", "2000", "099", "600", "2oo", "200.0", "+200", "٢٠٠"])
    def test_the_embedded_status_is_a_number_of_three_digits(self, value: str) -> None:
        for status in ("Succeeded", "Failed"):
            shown = poll(operation(status, value, "<Code>a</Code><Message/>" if status == "Failed" else ""))
            assert self.of("REQ-GOS-HTTPSTATUS-INT", shown) == [
                violated("REQ-GOS-HTTPSTATUS-INT", "http-status-form", 2)
            ]
            assert self.of("REQ-GOS-HTTPSTATUS", shown) == [met("REQ-GOS-HTTPSTATUS", 2)]
            assert self.of("REQ-REIMAGE-FINAL-200", shown) == []
            assert ("a three-digit integer", f"HttpStatusCode {value!r}") in worded(
                judged("operation_documents", [shown])
            )

    @pytest.mark.parametrize("value", ["100", "201", "202", "400", "599"])
    def test_success_embeds_200(self, value: str) -> None:
        shown = poll(operation("Succeeded", value))

        assert self.of("REQ-REIMAGE-FINAL-200", shown) == [violated("REQ-REIMAGE-FINAL-200", "final-status", 2)]
        assert self.of("REQ-GOS-HTTPSTATUS-INT", shown) == [
            violated("REQ-GOS-HTTPSTATUS-INT", "http-status-value", 2, because=("REQ-REIMAGE-FINAL-200",))
        ]
        assert ("HttpStatusCode 200 with Succeeded", f"HttpStatusCode {value}") in worded(
            judged("operation_documents", [shown])
        )
        assert ("200 on success", f"HttpStatusCode {value}") in worded(judged("operation_documents", [shown]))

    def test_failure_embeds_an_error_status(self) -> None:
        fault = "<Code>a</Code><Message>b</Message>"

        for value in ("200", "399"):
            shown = poll(operation("Failed", value, fault))
            assert self.of("REQ-GOS-HTTPSTATUS-INT", shown) == [
                violated("REQ-GOS-HTTPSTATUS-INT", "http-status-value", 2)
            ]
            assert ("the failure's status with Failed", f"HttpStatusCode {value}") in worded(
                judged("operation_documents", [shown])
            )
        for value in ("400", "599"):
            assert self.of("REQ-GOS-HTTPSTATUS-INT", poll(operation("Failed", value, fault))) == [
                met("REQ-GOS-HTTPSTATUS-INT", 2)
            ]

    @pytest.mark.parametrize(
        ("status", "fault", "symptom"),
        [
            ("InProgress", "<Code>a</Code><Message>b</Message>", "early-error"),
            ("Succeeded", "<Code>a</Code><Message>b</Message>", "early-error"),
            ("Failed", "", "no-error"),
            ("Failed", " ", "error-members"),
            ("Failed", "<Code>a</Code>", "error-members"),
            ("Failed", "<Message>a</Message>", "error-members"),
            ("Failed", "<Code/><Message>a</Message>", "error-members"),
            ("Failed", '<Code xmlns="urn:x">a</Code><Message>b</Message>', "error-members"),
        ],
    )
    def test_error_is_there_when_failed(self, status: str, fault: str, symptom: str) -> None:
        shown = poll(operation(status, "" if status == "InProgress" else "200", fault))

        assert self.of("REQ-GOS-ERROR", shown) == [violated("REQ-GOS-ERROR", symptom, 2)]

    def test_error_is_told(self) -> None:
        early = judged("operation_documents", [poll(operation("Succeeded", "200", "<Code>a</Code>"))])
        none = judged("operation_documents", [poll(operation("Failed", "400"))])
        half = judged("operation_documents", [poll(operation("Failed", "400", "<Detail/><Message/>"))])

        assert ("no Error while Succeeded", "an Error element") in worded(early)
        assert ("Error with Code and Message", "no Error") in worded(none)
        assert ("Error with Code and Message", "Error holding ['Message']") in worded(half)

    @pytest.mark.parametrize(
        ("inner", "wanted", "shown"),
        [
            (f"<Status>InProgress</Status>{ID}", "ID, Status", "Status, ID"),
            (
                f"{ID}<HttpStatusCode>200</HttpStatusCode><Status>Succeeded</Status>",
                "ID, Status, HttpStatusCode",
                "ID, HttpStatusCode, Status",
            ),
        ],
    )
    def test_another_order_is_an_advisory(self, inner: str, wanted: str, shown: str) -> None:
        found = judged("operation_documents", [poll(document(inner))])

        assert [s for s in brief(found) if s[0] == "REQ-GOS-ORDER"] == [advisory("REQ-GOS-ORDER", "order", 2)]
        assert (wanted, shown) in worded(found)

    def test_unknown_elements_do_not_disturb_the_order(self) -> None:
        inner = f"<More/>{ID}<More/><Status>InProgress</Status><More/>"

        assert self.of("REQ-GOS-ORDER", poll(document(inner))) == [met("REQ-GOS-ORDER", 2)]

    def test_message_before_code_is_an_advisory(self) -> None:
        found = judged("operation_documents", [poll(operation("Failed", "400", "<Message>a</Message><Code>b</Code>"))])

        assert advisory("REQ-GOS-ORDER", "order", 2) in brief(found)
        assert ("Code, Message", "Message, Code") in worded(found)
        assert met("REQ-GOS-ERROR", 2) in brief(found)

    def test_members_in_another_namespace_are_that_requirements_matter(self) -> None:
        shown = poll(
            document(f'<ID xmlns="urn:x">{DASHED_ID}</ID><Status xmlns="">InProgress</Status><More xmlns="urn:x"/>'),
            own="",
        )
        found = judged("operation_documents", [shown])

        assert brief(found) == [
            violated("REQ-XML-NS", "child-namespace", 2),
            met("REQ-GOS-ROOT", 2),
            met("REQ-GOS-CT", 2),
        ]
        assert worded(found)[0] == (f"ID, Status in {NAMESPACE}", "in another namespace, or none")
        extra = document(f'{ID}<Status>InProgress</Status><More xmlns="urn:x"/>')
        assert self.of("REQ-XML-NS", poll(extra)) == []


class TestReading:
    """What a poll says, read shortly."""

    def test_a_status_is_read_exactly(self) -> None:
        assert status_of(poll(RUNNING)) == "InProgress"
        assert status_of(poll(operation(" Failed "))) == " Failed "
        assert status_of(poll(operation("In<b>Pro</b>gress"))) == "InProgress"

    @pytest.mark.parametrize(
        "other",
        [
            silent(POLL),
            poll(SUCCEEDED, 202),
            poll(SUCCEEDED, 404),
            poll(document("<Status>Failed</Status>", root="X")),
            poll(b"x"),
        ],
    )
    def test_what_is_no_operation_has_no_status(self, other: Exchange) -> None:
        assert status_of(other) == ""

    def test_the_version_asked_for(self) -> None:
        assert version_of(exchange(OLDER)) == "2009-10-01"
        assert version_of(exchange(without_header(POLL, "x-ms-version"))) == ""


STABLE, PROGRESS, SAFE = "REQ-GOS-TERMINAL-STABLE", "REQ-GOS-PROGRESS", "REQ-GOS-READONLY"


class TestProgress:
    """The check `progress`."""

    def test_in_progress_so_far(self) -> None:
        found = judged("progress", polls(RUNNING, RUNNING))

        assert brief(found) == [met(PROGRESS, 3)]
        assert found[0].actual == "2 times InProgress"

    def test_to_an_end(self) -> None:
        found = judged("progress", polls(RUNNING, RUNNING, SUCCEEDED))

        assert brief(found) == [met(PROGRESS, 4)]
        assert found[0].actual == "InProgress x 2, Succeeded"

    def test_to_an_end_and_still_there(self) -> None:
        found = judged("progress", polls(RUNNING, FAILED, FAILED))

        assert brief(found) == [met(PROGRESS, 3), met(STABLE, 4)]
        assert {verdict.actual for verdict in found} == {"InProgress, Failed x 2"}

    def test_whichever_version_asks(self) -> None:
        several = [*polls(RUNNING, SUCCEEDED), poll(SUCCEEDED, request=OLDER, number=4, at=4.0)]

        assert brief(judged("progress", several)) == [met(PROGRESS, 3), met(STABLE, 4), met(SAFE, 4)]

    def test_nothing_known_says_nothing(self) -> None:
        assert judged("progress", [silent(POLL), poll(b"", 404), poll(operation("Odd"))]) == []

    @pytest.mark.parametrize(
        ("bodies", "told"),
        [
            ((RUNNING, SUCCEEDED, FAILED), "InProgress, Succeeded, Failed"),
            ((RUNNING, RUNNING, SUCCEEDED, RUNNING), "InProgress x 2, Succeeded, InProgress"),
            ((SUCCEEDED, FAILED), "Succeeded, Failed"),
        ],
    )
    def test_another_status_after_the_end_is_instability(self, bodies: tuple[str, ...], told: str) -> None:
        found = judged("progress", polls(*bodies))
        changed, end = len(bodies) + 1, len(bodies)

        assert brief(found) == [
            violated(STABLE, "flip", changed, end),
            violated(PROGRESS, "flip", changed, end, because=(STABLE,)),
        ]
        assert {verdict.actual for verdict in found} == {told}
        assert found[0].expected.startswith("InProgress, then ")
        assert found[0].expected.endswith(" for good")

    @pytest.mark.parametrize(
        "bodies", [(SUCCEEDED, RUNNING, SUCCEEDED), (FAILED, RUNNING), (RUNNING, SUCCEEDED, RUNNING)]
    )
    def test_an_early_end_that_is_taken_back_at_once_is_wrong_progress(self, bodies: tuple[str, ...]) -> None:
        end = 3 if bodies[0] == RUNNING else 2

        assert brief(judged("progress", polls(*bodies))) == [
            violated(STABLE, "flip", end + 1, end, because=(PROGRESS,)),
            violated(PROGRESS, "flip", end + 1, end),
        ]

    def test_the_first_change_decides(self) -> None:
        twice = judged("progress", polls(RUNNING, RUNNING, SUCCEEDED, FAILED, FAILED))
        mixed = judged("progress", polls(SUCCEEDED, RUNNING, FAILED))

        assert brief(twice)[0] == violated(STABLE, "flip", 5, 4)
        assert [s[0] for s in brief(mixed) if s[3] == ()] == [PROGRESS]

    def test_repeats_are_told_by_their_number(self) -> None:
        assert (
            judged("progress", polls(RUNNING, RUNNING, SUCCEEDED, SUCCEEDED))[0].actual
            == "InProgress x 2, Succeeded x 2"
        )

    def test_an_early_end_that_is_taken_back_later_is_instability(self) -> None:
        assert brief(judged("progress", polls(SUCCEEDED, SUCCEEDED, RUNNING))) == [
            violated(STABLE, "flip", 4, 2),
            violated(PROGRESS, "flip", 4, 2, because=(STABLE,)),
        ]

    def test_a_status_of_another_name_is_no_progress(self) -> None:
        found = judged("progress", polls(RUNNING, operation("Paused"), operation("Odd"), SUCCEEDED))

        assert brief(found) == [violated(PROGRESS, "other-status", 3, because=("REQ-GOS-STATUS",)), met(PROGRESS, 5)]
        assert worded(found)[0] == ("nothing but InProgress, Succeeded, Failed", "Status 'Paused'")

    def test_another_answer_under_another_version_is_not_safe(self) -> None:
        several = [*polls(RUNNING, SUCCEEDED), poll(FAILED, request=OLDER, number=4), poll(SUCCEEDED, number=5)]

        assert brief(judged("progress", several)) == [
            violated(STABLE, "flip", 4, 3, because=(SAFE,)),
            violated(PROGRESS, "flip", 4, 3, because=(SAFE,)),
            violated(SAFE, "flip", 4, 3),
        ]
        assert [v.outcome.value for v in judged("progress", several, lenient())] == ["advisory"] * 3

    def test_another_answer_under_a_version_that_knew_better_is_not_safe(self) -> None:
        first, older = polls(RUNNING, SUCCEEDED, start=3), poll(RUNNING, request=OLDER)

        steady = [older, *first, poll(FAILED, request=OLDER, number=5), poll(SUCCEEDED, number=6)]
        assert [s[0] for s in brief(judged("progress", steady)) if s[3] == ()] == [SAFE]

    def test_changing_under_every_version_is_instability(self) -> None:
        older, first = poll(RUNNING, request=OLDER), polls(RUNNING, SUCCEEDED, start=3)

        several = [older, *first, poll(FAILED, request=OLDER, number=5), poll(FAILED, number=6)]
        assert [s[0] for s in brief(judged("progress", several)) if s[3] == ()] == [STABLE]
        back = [
            older,
            *first,
            poll(FAILED, request=OLDER, number=5),
            poll(RUNNING, number=6),
            poll(SUCCEEDED, number=7),
        ]
        assert [s[0] for s in brief(judged("progress", back)) if s[3] == ()] == [STABLE]

    def test_a_change_that_a_new_version_shows_first_is_not_safe(self) -> None:
        several = [*polls(RUNNING, SUCCEEDED), poll(FAILED, request=OLDER, number=4), poll(FAILED, number=5)]

        assert [s[0] for s in brief(judged("progress", several)) if s[3] == ()] == [SAFE]

    def test_an_operation_that_is_gone_soon_after_its_end_is_unstable(self) -> None:
        end = poll(SUCCEEDED, number=3, at=3.0)
        for at, said in ((3.1, True), (5.0, True), (5.1, False), (3.0, False)):
            found = judged("progress", [poll(RUNNING), end, poll(b"", 404, number=4, at=at)])
            assert [s[0] for s in brief(found) if s[1] == "violated"] == ([STABLE] if said else [])
        gone = judged("progress", [poll(RUNNING), end, poll(b"", 404, number=4, at=4.0)])
        assert brief(gone) == [violated(STABLE, "gone", 4, 3)]
        assert worded(gone) == [("InProgress, then Succeeded for good", "InProgress, Succeeded, then 404 Not Found")]
        twice = [poll(RUNNING), end, poll(b"", 404, number=4, at=4.0), poll(b"", 410, number=5, at=4.5)]
        assert judged("progress", twice)[0].actual == "InProgress, Succeeded, then 404 Not Found"

    @pytest.mark.parametrize("status", [400, 404, 499])
    def test_any_refusal_says_that_it_is_gone(self, status: int) -> None:
        several = [poll(RUNNING), poll(SUCCEEDED, number=3, at=3.0), poll(b"", status, number=4, at=4.0)]

        assert brief(judged("progress", several)) == [violated(STABLE, "gone", 4, 3)]

    @pytest.mark.parametrize("status", [399, 429, 500, 503])
    def test_other_answers_do_not_say_that_it_is_gone(self, status: int) -> None:
        several = [poll(RUNNING), poll(SUCCEEDED, number=3, at=3.0), poll(b"", status, number=4, at=4.0)]

        assert brief(judged("progress", several)) == [met(PROGRESS, 3)]

    def test_a_refusal_before_the_end_says_nothing(self) -> None:
        several = [poll(b"", 404, number=2, at=2.0), poll(SUCCEEDED, number=3, at=3.0)]

        assert brief(judged("progress", several)) == [met(PROGRESS, 3)]


class TestCompletes:
    """The checks `completes` and `fails_as_announced`."""

    NAME = "REQ-REIMAGE-COMPLETES"

    def test_succeeded_with_200(self) -> None:
        found = judged("completes", [started(), *polls(RUNNING, SUCCEEDED, SUCCEEDED)])

        assert brief(found) == [met(self.NAME, 3)]
        assert found[0].actual == "Succeeded with 200 after 3 polls"

    def test_failed(self) -> None:
        found = judged("completes", [started(), *polls(RUNNING, FAILED, FAILED)])

        assert brief(found) == [violated(self.NAME, "failed", 3, 4, 1)]
        assert worded(found) == [("Succeeded", "Failed, HttpStatusCode 404")]
        assert worded(judged("completes", [started(), poll(operation("Failed"))])) == [
            ("Succeeded", "Failed, HttpStatusCode none")
        ]

    def test_succeeded_with_something_else(self) -> None:
        found = judged("completes", [started(), poll(operation("Succeeded", "202"))])
        blame = ("REQ-REIMAGE-FINAL-200", "REQ-GOS-HTTPSTATUS", "REQ-GOS-HTTPSTATUS-INT")

        assert brief(found) == [violated(self.NAME, "final-status", 2, 2, 1, because=blame)]
        assert worded(found) == [("Succeeded with 200", "Succeeded, HttpStatusCode 202")]

    def test_no_end_in_time(self) -> None:
        found = judged("completes", [started(), *polls(RUNNING, RUNNING)], waited=12.34)

        assert brief(found) == [violated(self.NAME, "no-end", 3, 1)]
        assert worded(found) == [("Succeeded", "still InProgress after 12.3 s and 2 polls")]
        assert judged("completes", [started(), *polls(RUNNING)])[0].actual == "still InProgress after 0.0 s and 1 polls"
        assert brief(judged("completes", [started(), *polls(RUNNING)], lenient())) == [
            advisory(self.NAME, "no-end", 2, 1)
        ]

    @pytest.mark.parametrize("after", [RUNNING, SUCCEEDED])
    def test_a_failure_that_was_taken_back_is_explained_by_that(self, after: str) -> None:
        because = ("REQ-GOS-PROGRESS", "REQ-GOS-TERMINAL-STABLE")

        assert brief(judged("completes", [started(), *polls(FAILED, after)])) == [
            violated(self.NAME, "failed", 2, 3, 1, because=because)
        ]
        assert (
            brief(judged("completes", [started(), *polls(after, FAILED), poll(b"", 404, number=4, at=9.0)]))[0][3] == ()
        )

    def test_an_answer_of_the_same_moment_takes_nothing_back(self) -> None:
        several = [started(), poll(FAILED, at=2.0), poll(SUCCEEDED, number=3, at=2.0)]

        assert brief(judged("completes", several)) == [violated(self.NAME, "failed", 2, 3, 1)]

    def test_no_status_at_all(self) -> None:
        found = judged("completes", [started(), poll(b"", 404)])
        because = ("REQ-REIMAGE-REQID-USABLE", "REQ-GOS-STATUS", "REQ-GOS-ROOT", "REQ-GOS-200")

        assert brief(found) == [inconclusive(self.NAME, 2, 1, because=because)]
        assert found[0].actual == "no poll showed a status"
        assert brief(judged("completes", [started()])) == [inconclusive(self.NAME, 1, because=because)]
        ceased = judged("completes", [started(), *polls(RUNNING), poll(b"", 404, number=3)])
        assert brief(ceased) == [inconclusive(self.NAME, 3, 1, because=because)]
        quiet = judged("completes", [started(), *polls(RUNNING), silent(POLL, number=3)])
        assert brief(quiet) == [violated(self.NAME, "no-end", 3, 1)]

    def test_another_requirement_can_be_asked_about(self) -> None:
        assert brief(judged("completes", [started(), poll(SUCCEEDED)], requirement="REQ-CONC-REFUSED-NOEFFECT")) == [
            met("REQ-CONC-REFUSED-NOEFFECT", 2)
        ]

    def test_an_instance_that_should_fail_fails(self) -> None:
        found = judged("fails_as_announced", [started(), *polls(RUNNING, FAILED)])

        assert brief(found) == [met("REQ-GOS-ERROR", 3)]
        assert found[0].actual == "Failed, as the target says"
        assert brief(judged("fails_as_announced", [started(), *polls(FAILED, SUCCEEDED)])) == [met("REQ-GOS-ERROR", 2)]

    @pytest.mark.parametrize(
        ("bodies", "evidence", "told"),
        [
            ((RUNNING, SUCCEEDED), (3, 1), "Succeeded"),
            ((SUCCEEDED, SUCCEEDED, FAILED), (2, 1), "Succeeded"),
            ((RUNNING,), (1,), "no end"),
            ((), (1,), "no end"),
        ],
    )
    def test_one_that_does_not_may_be_the_target_files_mistake(
        self, bodies: tuple[str, ...], evidence: tuple[int, ...], told: str
    ) -> None:
        found = judged("fails_as_announced", [started(), *polls(*bodies)])

        assert brief(found) == [inconclusive("REQ-GOS-ERROR", *evidence)]
        assert found[0].actual == f"the instance that should fail showed {told}"

    def test_one_that_never_ends_is_a_violation(self) -> None:
        found = judged("fails_as_announced", [started(), *polls(RUNNING, RUNNING)], overdue=True)

        assert brief(found) == [violated("REQ-GOS-ERROR", "no-end", 1, because=(self.NAME,))]
        assert worded(found) == [("Failed, with an Error", "still InProgress after 2 polls")]
        assert brief(judged("fails_as_announced", [started()], overdue=True)) == [inconclusive("REQ-GOS-ERROR", 1)]
        gone = [started(), *polls(RUNNING), poll(b"", 404, number=3)]
        assert brief(judged("fails_as_announced", gone, overdue=True)) == [inconclusive("REQ-GOS-ERROR", 1)]
        assert brief(judged("fails_as_announced", [started(), *polls(SUCCEEDED)], overdue=True)) == [
            inconclusive("REQ-GOS-ERROR", 2, 1)
        ]


class TestUnknownOperation:
    """The check `unknown_operation`."""

    NAME, EXPECTED = "REQ-GOS-UNKNOWN-ID", "404 with ResourceNotFound or 400 with BadRequest"

    @pytest.mark.parametrize(("status", "code"), [(404, "ResourceNotFound"), (400, "BadRequest"), (404, ""), (400, "")])
    def test_it_is_refused(self, status: int, code: str) -> None:
        assert brief(judged("unknown_operation", [refusal(POLL, status, code)])) == [met(self.NAME)]

    def test_another_code_is_the_tables_matter(self) -> None:
        found = judged("unknown_operation", [refusal(POLL, 404, "X")])

        assert brief(found) == [
            violated("REQ-ERR-CODES", "code:X"),
            violated(self.NAME, "code:X", because=("REQ-ERR-CODES",)),
        ]
        assert worded(found) == [(self.EXPECTED, "404 Not Found with X")] * 2
        assert brief(judged("unknown_operation", [refusal(POLL, 404, "X")], lenient())) == [met(self.NAME)]

    @pytest.mark.parametrize("status", [200, 202, 299])
    def test_it_is_never_reported_as_an_operation(self, status: int) -> None:
        for where in (None, lenient()):
            found = judged("unknown_operation", [exchange(POLL, status)], where)
            assert brief(found) == [violated(self.NAME, f"status:{status}")]
            assert found[0].expected == self.EXPECTED

    @pytest.mark.parametrize("status", [300, 403, 500])
    def test_another_refusal_is_a_violation_under_strict_alone(self, status: int) -> None:
        assert brief(judged("unknown_operation", [exchange(POLL, status)])) == [violated(self.NAME, f"status:{status}")]
        found = judged("unknown_operation", [exchange(POLL, status)], lenient())
        assert brief(found) == [advisory(self.NAME, f"status:{status}")]
        assert found[0].expected == self.EXPECTED

    def test_silence_and_busyness_prove_nothing(self) -> None:
        found = judged("unknown_operation", [silent(POLL), exchange(POLL, 429, number=2)])

        assert brief(found) == [inconclusive(self.NAME, 1), inconclusive(self.NAME, 2)]
        assert [v.actual for v in found] == [
            "no complete reply: timeout, as arranged",
            "the endpoint was busy: 429 Too Many Requests",
        ]


class TestContended:
    """The check `contended`."""

    NAME, EXPECTED = "REQ-CONC-SAME", "202 with an id of its own that finishes, or 409 with ConflictError"

    def of(self, second: Exchange, *more: Exchange, ended: bool = True) -> list[object]:
        """What the check says of the second request."""
        return list(brief(judged("contended", [started(), second, *more], requirement=self.NAME, ended=ended)))

    def test_accepted_under_an_id_of_its_own_and_finished(self) -> None:
        found = judged(
            "contended",
            [started(), started(number=2, identifier=OTHER_ID), *polls(SUCCEEDED, start=3)],
            requirement=self.NAME,
            ended=True,
        )

        assert brief(found) == [met(self.NAME, 2)]
        assert found[0].actual == "202 Accepted, and finished"

    def test_refused_as_a_conflict(self) -> None:
        assert self.of(refusal(REIMAGE, 409, "ConflictError", number=2)) == [met(self.NAME, 2)]

    @pytest.mark.parametrize(("code", "told"), [("X", "409 Conflict with X"), ("", "409 Conflict")])
    def test_refused_as_another_conflict(self, code: str, told: str) -> None:
        found = judged(
            "contended", [started(), refusal(REIMAGE, 409, code, number=2)], requirement=self.NAME, ended=False
        )
        blame = ("REQ-ERR-CODES", "REQ-ERR-BODY-OPTIONAL", "REQ-ERR-BODY-FORMAT")

        assert brief(found) == [violated(self.NAME, f"code:{code}", 2, 1, because=blame)]
        assert worded(found) == [(self.EXPECTED, told)]

    def test_one_that_ends_the_running_one(self) -> None:
        second = started(number=2, identifier=OTHER_ID)
        found = judged("contended", [started(), second], requirement=self.NAME, ended=True, lost=True)

        assert brief(found) == [violated(self.NAME, "first-lost", 2, 1, because=("REQ-REIMAGE-COMPLETES",))]
        assert worded(found) == [(self.EXPECTED, "202 Accepted, and the running operation came to no end")]

    def test_silence_to_it_alone(self) -> None:
        found = judged("contended", [started(), silent(number=2)], requirement=self.NAME, ended=True, alive=True)

        assert brief(found) == [violated(self.NAME, "no-reply:timeout", 2, 1)]
        assert worded(found) == [(self.EXPECTED, "no complete reply: timeout, as arranged")]
        busy = judged(
            "contended", [started(), exchange(status=503, number=2)], requirement=self.NAME, ended=True, alive=True
        )
        assert brief(busy) == [inconclusive(self.NAME, 2, 1)]

    @pytest.mark.parametrize("status", [200, 203, 300, 400, 500])
    def test_refused_otherwise(self, status: int) -> None:
        assert self.of(exchange(status=status, number=2)) == [violated(self.NAME, f"status:{status}", 2, 1)]

    def test_silence_and_busyness_prove_nothing(self) -> None:
        assert self.of(silent(number=2), poll(number=3)) == [inconclusive(self.NAME, 2, 1, 3)]
        assert self.of(exchange(status=503, number=2)) == [inconclusive(self.NAME, 2, 1)]
        quiet = judged("contended", [started(), silent(number=2)], requirement=self.NAME, ended=True)
        assert quiet[0].actual == "no complete reply: timeout, as arranged"

    def test_the_running_operations_id_is_not_its_own(self) -> None:
        found = judged("contended", [started(), started(number=2)], requirement=self.NAME, ended=True)

        assert brief(found) == [violated(self.NAME, "shared-id", 2, 1, because=("REQ-ASYNC-REQID-UNIQUE",))]
        assert worded(found) == [(self.EXPECTED, f"202 with the running operation's id {OPERATION_ID}")]
        unnamed = started(number=2, identifier="")
        assert brief(judged("contended", [started(identifier=""), unnamed], requirement=self.NAME, ended=True)) == [
            met(self.NAME, 2)
        ]
        assert brief(judged("contended", [silent(), unnamed], requirement=self.NAME, ended=True)) == [met(self.NAME, 2)]

    def test_one_that_never_ends(self) -> None:
        second = started(number=2, identifier=OTHER_ID)
        found = judged(
            "contended", [started(), second, *polls(RUNNING, RUNNING, start=3)], requirement=self.NAME, ended=False
        )
        blame = (
            "REQ-REIMAGE-COMPLETES",
            "REQ-REIMAGE-REQID",
            "REQ-REIMAGE-REQID-USABLE",
            "REQ-GOS-STATUS",
            "REQ-GOS-ROOT",
            "REQ-GOS-200",
        )

        assert brief(found) == [violated(self.NAME, "no-end", 2, 1, 4, because=blame)]
        assert worded(found) == [(self.EXPECTED, "202 Accepted, and no end after 2 polls")]


def test_a_truncated_answer_is_none() -> None:
    broken = replace(exchange(failure=FailureKind.TRUNCATED), number=1)

    assert brief(judged("accepted", [broken], requirement="REQ-REIMAGE-URI-SLOT")) == [
        inconclusive("REQ-REIMAGE-URI-SLOT")
    ]
    assert judged("answered_202", [broken]) == []
