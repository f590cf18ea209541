"""The accepted reimage judged: its 202, and the id that it hands out."""

from __future__ import annotations

import pytest

from judging_samples import (
    OPERATION_ID,
    POLL,
    REIMAGE,
    RUNNING,
    brief,
    error,
    exchange,
    inconclusive,
    judged,
    met,
    poll,
    refusal,
    silent,
    started,
    violated,
    worded,
)
from reimage_conformance.protocol.variations import varied

ADDRESSED = "role instance 'WebRole1_IN_0' in cloud service 'contoso', slot 'production'"

STABLE, PROGRESS, SAFE = "REQ-GOS-TERMINAL-STABLE", "REQ-GOS-PROGRESS", "REQ-GOS-READONLY"


class TestStart:
    """The answer to the reimage itself."""

    @pytest.mark.parametrize("status", [200, 202, 299])
    def test_any_2xx_accepts(self, status: int) -> None:
        assert brief(judged("accepted", [exchange(status=status)], requirement="REQ-REIMAGE-URI-SLOT")) == [
            met("REQ-REIMAGE-URI-SLOT")
        ]

    @pytest.mark.parametrize("status", [199, 400, 404, 500])
    def test_another_status_does_not(self, status: int) -> None:
        found = judged("accepted", [exchange(status=status)], requirement="REQ-REIMAGE-URI-SLOT")

        assert brief(found) == [violated("REQ-REIMAGE-URI-SLOT", f"status:{status}")]
        assert found[0].expected == "202 Accepted"

    @pytest.mark.parametrize("status", [300, 301, 306, 308, 399])
    @pytest.mark.parametrize("name", ["REQ-REIMAGE-URI-SLOT", "REQ-HTTP-FIELD-CASE"])
    def test_a_redirection_that_is_none_of_the_documents_is_the_202s_matter(self, name: str, status: int) -> None:
        found = judged("accepted", [exchange(status=status)], requirement=name, expected="as before")

        assert brief(found) == [
            violated("REQ-REIMAGE-202", f"status:{status}"),
            violated(name, f"status:{status}"),
        ]
        assert {each.expected for each in found} == {"as before"}

    def test_a_conflict_with_nothing_is_the_202s_matter(self) -> None:
        told = "409 Conflict with ConflictError at every try"
        plain = judged("accepted", [refusal(REIMAGE, 409, "ConflictError")], requirement="REQ-REIMAGE-URI-SLOT")
        other = judged("accepted", [refusal(REIMAGE, 409, "ConflictError")], requirement="REQ-HTTP-FIELD-CASE")

        assert brief(plain) == [
            violated("REQ-REIMAGE-202", "conflict-with-nothing"),
            violated("REQ-REIMAGE-URI-SLOT", "conflict-with-nothing"),
        ]
        assert worded(plain) == [("202 Accepted", told)] * 2
        assert brief(other) == [violated("REQ-HTTP-FIELD-CASE", "conflict-with-nothing")]

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

        assert brief(found) == [violated(form, "status:400"), violated(root, "status:400")]
        refused = f"400 Bad Request with {code}"
        assert worded(found) == [("202 Accepted", f"{refused}, for {ADDRESSED}"), ("202 Accepted", refused)]
        assert brief(judged("accepted", [refusal(REIMAGE, 400, code)], requirement=root)) == [
            violated(root, "status:400")
        ]
        other = judged("accepted", [refusal(REIMAGE, 400, code)], requirement="REQ-HTTP-FIELD-CASE")
        assert brief(other) == [violated("REQ-HTTP-FIELD-CASE", "status:400")]

    def test_the_expectation_can_be_worded(self) -> None:
        found = judged("accepted", [refusal(REIMAGE, 400, "X")], requirement="REQ-REIMAGE-COMP", expected="as before")

        assert worded(found) == [("as before", "400 Bad Request with X")]

    def test_silence_and_busyness_prove_nothing(self) -> None:
        busy = judged("accepted", [exchange(status=503)], requirement="REQ-REIMAGE-URI-SLOT")
        quiet = judged("accepted", [silent()], requirement="REQ-REIMAGE-URI-SLOT")

        assert brief(busy) == brief(quiet) == [inconclusive("REQ-REIMAGE-URI-SLOT")]
        assert busy[0].actual == "the endpoint was busy: 503 Service Unavailable"
        assert quiet[0].actual == "Reimage Role Instance got no complete answer: no answer came in time: as arranged"

    @pytest.mark.parametrize("name", ["REQ-REIMAGE-URI-SLOT", "REQ-REIMAGE-URI-NAME", "REQ-HTTP-FIELD-CASE"])
    @pytest.mark.parametrize("alive", [False, True])
    def test_a_307_to_elsewhere_proves_nothing(self, name: str, *, alive: bool) -> None:
        found = judged("accepted", [exchange(status=307)], requirement=name, alive=alive)

        assert brief(found) == [inconclusive(name)]
        assert found[0].actual == "redirected with 307"

    def test_silence_to_sound_reimages_alone_is_a_violation(self) -> None:
        found = judged("accepted", [silent()], requirement="REQ-REIMAGE-URI-SLOT", alive=True)

        assert brief(found) == [
            violated("REQ-REIMAGE-202", "no-reply:timeout"),
            violated("REQ-REIMAGE-URI-SLOT", "no-reply:timeout"),
        ]
        told = "no answer came in time: as arranged"
        assert worded(found) == [("202 Accepted", told), ("202 Accepted", f"{told}, for {ADDRESSED}")]
        busy = judged("accepted", [exchange(status=503)], requirement="REQ-REIMAGE-URI-SLOT", alive=True)
        assert brief(busy) == [inconclusive("REQ-REIMAGE-URI-SLOT")]

    @pytest.mark.parametrize(
        "name",
        [
            "REQ-REIMAGE-URI-SLOT",
            "REQ-REIMAGE-URI-NAME",
            "REQ-REIMAGE-METHOD",
            "REQ-REIMAGE-COMP",
            "REQ-REIMAGE-VERSION",
            "REQ-REIMAGE-SLOT-VALUES",
        ],
    )
    def test_silence_without_any_variation_is_the_202s_matter(self, name: str) -> None:
        assert brief(judged("accepted", [silent()], requirement=name, alive=True)) == [
            violated("REQ-REIMAGE-202", "no-reply:timeout"),
            violated(name, "no-reply:timeout"),
        ]

    def test_silence_to_a_variation_is_the_variations_own(self) -> None:
        name = "REQ-HTTP-FIELD-CASE"
        found = judged("accepted", [silent()], requirement=name, alive=True)

        assert brief(found) == [violated(name, "no-reply:timeout")]
        assert worded(found) == [("202 Accepted", "no answer came in time: as arranged, for headers in another order")]

    @pytest.mark.parametrize(
        ("variation", "requirement", "told"),
        [
            ("field-names-upper", "REQ-HTTP-FIELD-CASE", "header names in capitals"),
            ("field-names-lower", "REQ-HTTP-FIELD-CASE", "header names in small letters"),
            ("fields-reversed", "REQ-HTTP-FIELD-CASE", "headers in another order"),
            (
                "instance-percent-encoded",
                "REQ-NAME-ENCODING",
                "a percent-encoded letter in the name of the role instance",
            ),
            (
                "container-percent-encoded",
                "REQ-NAME-ENCODING",
                "percent-encoded letters in the names of the cloud service and of its slot or deployment",
            ),
        ],
    )
    def test_what_was_varied_is_told(self, variation: str, requirement: str, told: str) -> None:
        found = judged("accepted", [exchange(varied(REIMAGE, (variation,)), 404)], requirement=requirement)

        assert worded(found) == [("202 Accepted", f"404 Not Found, for {told}")]

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

    def test_an_invented_2xx_is_first_of_all_no_standard_status(self) -> None:
        assert brief(judged("answered_202", [exchange(status=299)])) == [violated("REQ-REIMAGE-202", "status:299")]

    @pytest.mark.parametrize(
        ("values", "told"),
        [
            ((), "no x-ms-request-id header"),
            (("",), "an x-ms-request-id header without a value"),
            ((" ",), "an x-ms-request-id header without a value"),
            (("a", "a"), "2 x-ms-request-id headers: 'a', 'a'"),
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
        assert worded(found) == [("no content", f"70 octets: {'y' * 70!r}")]
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
            "the first poll that showed the operation came 0.0 s after the 202",
        ]

    def test_the_first_poll_that_shows_it_counts(self) -> None:
        several = [started(), poll(b"", at=1.0), poll(b"", 404, number=3, at=3.5), poll(number=4, at=4.0)]

        assert brief(judged("id_usable", several)) == [met(self.USABLE, 2), met(self.URI, 2), met(self.PROMPT, 2)]
        told = "the first poll that showed the operation came 1.0 s after the 202"
        assert judged("id_usable", several)[2].actual == told
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
        assert worded(found) == [
            ("an id usable as a path segment", repr(identifier) if identifier else "no x-ms-request-id")
        ]
        assert brief(judged("id_usable", [silent()])) == [violated(self.USABLE, "unsafe-id", 1)]

    @pytest.mark.parametrize("identifier", ["A-z0.9_~", "!$&'()*+,;=:@", "%41"])
    def test_any_segment_will_do(self, identifier: str) -> None:
        assert brief(judged("id_usable", [started(identifier=identifier), poll()]))[0] == met(self.USABLE, 2)

    @pytest.mark.parametrize("status", [400, 404, 410])
    def test_an_id_that_is_never_known(self, status: int) -> None:
        found = judged("id_usable", [started(), poll(b"", status), poll(b"", status, number=3)])

        assert brief(found) == [violated(self.USABLE, "unusable-id", 2, 1)]
        assert found[0].expected == "the status of the operation"
        assert found[0].actual.startswith(f"2 polls, answered {status} ")

    def test_one_refusal_among_failures_is_enough_to_blame_the_id(self) -> None:
        found = judged("id_usable", [started(), poll(b"", 500), poll(b"", 404, number=3)])

        assert brief(found) == [violated(self.USABLE, "unusable-id", 2, 1)]
        assert found[0].actual == "2 polls, answered 404 Not Found and 500 Internal Server Error"

    @pytest.mark.parametrize("status", [301, 405, 501, 500])
    def test_an_endpoint_without_get_operation_status(self, status: int) -> None:
        found = judged("id_usable", [started(), poll(b"", status), silent(POLL, number=3)])

        assert brief(found) == [
            violated(self.URI, "no-operation-status", 2, 1),
            violated(self.USABLE, "unusable-id", 2, 1),
        ]
        assert found[0].expected == "an answer to Get Operation Status"
        assert found[1].expected == "the status of the operation"
        assert found[0].actual == found[1].actual
        assert found[0].actual.startswith("2 polls, answered ")

    def test_without_an_answer_nothing_is_known(self) -> None:
        quiet = judged("id_usable", [started(), silent(POLL, number=2), poll(b"", 503, number=3)])
        none = judged("id_usable", [started()])

        assert brief(quiet) == [inconclusive(self.USABLE, 2, 1, because=("REQ-GOS-200",))]
        assert quiet[0].actual == "no poll was answered: 503 Service Unavailable, no answer came in time: as arranged"
        assert brief(none) == [inconclusive(self.USABLE, 1, because=("REQ-GOS-200",))]
        assert none[0].actual == "no poll was sent"

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
        assert (late.expected, late.actual) == (
            "a poll shows the operation within 2 s of the 202",
            "the first poll that showed the operation came 3.5 s after the 202",
        )

    @pytest.mark.parametrize("status", [307, 429, 500, 502, 503, 504])
    def test_answers_that_do_not_say_that_the_id_is_unknown_are_not_lateness(self, status: int) -> None:
        several = [
            started(),
            poll(b"", 404, at=1.0),
            poll(b"", status, number=3, at=1.5, own=""),
            poll(b"", status, number=4, at=3.0, own=""),
            poll(number=5, at=4.0),
        ]
        found = judged("id_usable", several)

        assert brief(found) == [inconclusive(self.PROMPT, 4, 5, 1), met(self.USABLE, 2), met(self.URI, 5)]
        assert found[0].actual.startswith("a poll more than 2 s after the 202 shows nothing: ")
        assert brief(judged("id_usable", [*several[:3], poll(number=4, at=1.9)]))[2] == met(self.PROMPT, 4)

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
    def test_one_late_refusal_among_throttled_polls_is_enough(self, status: int) -> None:
        several = [started(), poll(b"", 503, at=2.5), poll(b"", status, number=3, at=3.0), poll(number=4, at=4.0)]

        assert brief(judged("id_usable", several))[0] == violated(self.PROMPT, "late-id", 3, 4, 1)

    def test_polls_that_lead_elsewhere_prove_nothing(self) -> None:
        moved = [started(), poll(b"", 503), poll(b"", 307, number=3)]
        found = judged("id_usable", moved)

        assert brief(found) == [inconclusive(self.URI, 3, 1), inconclusive(self.USABLE, 2, 1)]
        assert {verdict.actual for verdict in found} == {"redirected with 307"}
        assert brief(judged("id_usable", [*moved, poll(b"", 404, number=4)])) == [
            violated(self.USABLE, "unusable-id", 2, 1)
        ]

    def test_silence_and_later_refusals_are_not_lateness(self) -> None:
        start = started()
        quiet = silent(POLL, number=2, at=3.0)
        shown = poll(number=3, at=4.0)
        gone = poll(b"", 404, number=4, at=5.0)

        assert met(self.PROMPT, 3) in brief(judged("id_usable", [start, quiet, shown, gone]))
