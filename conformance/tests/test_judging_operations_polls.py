"""Single polls judged: their statuses, and ids that are no operation's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from judging_samples import (
    FAILED,
    OPERATION_ID,
    OTHER_ID,
    POLL,
    RUNNING,
    SUCCEEDED,
    advisory,
    brief,
    document,
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
from reimage_conformance.judging.operations.polls import status_of, version_of
from reimage_conformance.model import Exchange, FailureKind
from reimage_conformance.protocol.requests import with_header, without_header

STABLE, PROGRESS, SAFE = "REQ-GOS-TERMINAL-STABLE", "REQ-GOS-PROGRESS", "REQ-GOS-READONLY"


OLDER = with_header(POLL, "x-ms-version", "2009-10-01")


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

        assert brief(found) == [
            violated("REQ-GOS-200", "status:404", 3, 1),
            met("REQ-GOS-200", 2, 4),
        ]
        assert worded(found)[0] == ("200 OK", "404 Not Found")
        assert brief(judged("polls_answered", [started(), poll(FAILED, 404)])) == [
            violated("REQ-GOS-200", "status:404", 2, 1)
        ]

    def test_an_error_document_for_a_known_operation_leaves_its_id_without_use(self) -> None:
        found = judged("polls_answered", [started(), poll(), poll(error("ResourceNotFound"), 404, number=3)])

        assert brief(found)[:2] == [
            violated("REQ-REIMAGE-REQID-USABLE", "denied", 3, 1),
            violated("REQ-GOS-200", "status:404", 3, 1),
        ]
        assert worded(found)[0] == ("the status of the operation", "404 Not Found with ResourceNotFound")
        odd = judged("polls_answered", [started(), poll(), poll(error("ResourceNotFound"), 403, number=3)])
        assert brief(odd)[0] == violated("REQ-GOS-200", "status:403", 3, 1)

    @pytest.mark.parametrize("status", [400, 404, 410])
    def test_a_known_operation_that_is_denied_is_a_violation(self, status: int) -> None:
        found = judged("polls_answered", [started(), poll(), poll(b"", status, number=3)])

        assert brief(found)[0] == violated("REQ-GOS-200", f"status:{status}", 3, 1)

    @pytest.mark.parametrize("status", [202, 403, 409, 500])
    def test_any_other_status_denies_no_operation(self, status: int) -> None:
        found = judged("polls_answered", [started(), poll(), poll(b"", status, number=3)])

        assert brief(found)[0] == violated("REQ-GOS-200", f"status:{status}", 3, 1)

    @pytest.mark.parametrize("status", [429, 503, 307])
    def test_busy_and_moved_say_nothing(self, status: int) -> None:
        assert brief(judged("polls_answered", [started(), poll(), poll(b"", status, number=3)])) == [
            met("REQ-GOS-200", 2)
        ]

    def test_after_the_end_another_status_says_nothing(self) -> None:
        end, gone = poll(SUCCEEDED, number=3, at=2.0), poll(b"", 404, number=4, at=2.0)

        for at in (1.9, 2.0, 2.1):
            after = [started(), poll(), end, poll(b"", 404, number=4, at=at)]
            assert brief(judged("polls_answered", after)) == [met("REQ-GOS-200", 2, 3)]
        assert brief(judged("polls_answered", [started(), poll(), gone, end])) == [
            violated("REQ-GOS-200", "status:404", 4, 1),
            met("REQ-GOS-200", 2, 3),
        ]

    @pytest.mark.parametrize("status", [399, 400, 401, 402, 403, 404, 409, 410, 499, 500])
    def test_after_the_end_nothing_but_a_denial_may_take_the_place_of_200(self, status: int) -> None:
        several = [started(), *polls(FAILED, FAILED), poll(b"", status, number=4)]
        denied = status in (400, 401, 403, 404, 410)

        bad = [] if denied else [violated("REQ-GOS-200", f"status:{status}", 4, 1)]
        assert brief(judged("polls_answered", several)) == [*bad, met("REQ-GOS-200", 2, 3)]

    def test_what_comes_after_a_denial_counts_again(self) -> None:
        several = [started(), poll(FAILED), poll(b"", 404, number=3), poll(b"", 500, number=4)]

        assert brief(judged("polls_answered", several)) == [
            violated("REQ-GOS-200", "status:500", 4, 1),
            met("REQ-GOS-200", 2),
        ]

    @pytest.mark.parametrize("end", [SUCCEEDED, FAILED])
    def test_either_end_is_one(self, end: str) -> None:
        assert brief(judged("polls_answered", [started(), poll(end), poll(b"", 404, number=3)])) == [
            met("REQ-GOS-200", 2)
        ]

    def test_a_poll_left_unanswered_is_inconclusive_or_violated(self) -> None:
        lone = [started(), poll(), silent(POLL, number=3)]

        assert brief(judged("polls_answered", lone))[0] == inconclusive("REQ-GOS-200", 3, 1)
        told = "Get Operation Status got no complete answer: no answer came in time: as arranged"
        assert judged("polls_answered", lone)[0].actual == told
        assert brief(judged("polls_answered", lone, alive=True))[0] == violated("REQ-GOS-200", "no-reply:timeout", 3, 1)
        assert worded(judged("polls_answered", lone, alive=True))[0] == (
            "200 OK",
            "no answer came in time: as arranged",
        )

    def test_a_poll_that_was_repeated_with_success_is_forgiven(self) -> None:
        again = [started(), silent(POLL, number=2), poll(number=3)]

        assert brief(judged("polls_answered", again, alive=True)) == [met("REQ-GOS-200", 3)]
        assert brief(judged("polls_answered", again)) == [met("REQ-GOS-200", 3)]

    @pytest.mark.parametrize("alive", [True, False])
    def test_where_most_operations_lose_a_poll_none_is_forgiven(self, *, alive: bool) -> None:
        lost = [started(), silent(POLL, number=2), poll(number=3), silent(POLL, number=4)]

        assert brief(judged("polls_answered", lost, alive=alive, again=True)) == [
            violated("REQ-GOS-200", "no-reply:timeout", 2, 1),
            violated("REQ-GOS-200", "no-reply:timeout", 4, 1),
            met("REQ-GOS-200", 3),
        ]
        assert brief(judged("polls_answered", [started(), poll()], again=True)) == [met("REQ-GOS-200", 2)]

    def test_a_poll_that_was_repeated_in_vain_is_not(self) -> None:
        vain = [started(), silent(POLL, number=2), silent(POLL, number=3), poll(number=4)]

        assert brief(judged("polls_answered", vain, alive=True)) == [
            violated("REQ-GOS-200", "no-reply:timeout", 2, 1),
            met("REQ-GOS-200", 4),
        ]


class TestReading:
    """What a poll says, read shortly."""

    def test_a_status_is_read_exactly(self) -> None:
        assert status_of(poll(RUNNING)) == "InProgress"
        assert status_of(poll(operation(" Failed "))) == " Failed "
        assert status_of(poll(operation("In<b>Pro</b>gress"))) == "InProgress"
        assert status_of(poll(RUNNING.replace("<Status>", "<Status>Failed</Status><Status>"))) == ""
        assert (
            status_of(poll(RUNNING.replace("<Status>", '<Status xmlns="urn:x">Failed</Status><Status>')))
            == "InProgress"
        )

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


class TestNeedsNoMore:
    """The check `needs_no_more`."""

    NAME = "REQ-GOS-URI"

    @pytest.mark.parametrize("status", [400, 404, 410])
    def test_a_poll_that_is_answered_only_with_more_in_it(self, status: int) -> None:
        varied = [poll(b"", status, number=3), poll(number=4), poll(number=5)]
        found = judged("needs_no_more", [poll(b"", status), *varied])

        assert brief(found) == [violated(self.NAME, "needs-more", 2, 4)]
        assert found[0].expected == "200 OK"
        assert found[0].actual.startswith(f"{status} ")
        assert found[0].actual.endswith(", but 200 OK to the same poll with a query added")
        assert brief(judged("needs_no_more", [poll(b"", status), poll(number=3)])) == [
            violated(self.NAME, "needs-more", 2, 3)
        ]

    def test_a_poll_that_is_answered_as_it_is(self) -> None:
        for varied in ([], [poll(b"", 400, number=3)], [poll(number=3)]):
            found = judged("needs_no_more", [poll(), *varied])
            assert brief(found) == [met(self.NAME, 2)]
            assert found[0].actual == "200 OK"

    @pytest.mark.parametrize("more", [silent(POLL, number=3), poll(b"", 404, number=3), poll(b"", 202, number=3)])
    def test_a_poll_that_nothing_helps_says_nothing(self, more: Exchange) -> None:
        assert judged("needs_no_more", [poll(b"", 404), more]) == []

    @pytest.mark.parametrize("plain", [silent(POLL, number=2), poll(b"", 403), poll(b"", 503), poll(b"", 202)])
    def test_only_a_poll_that_is_denied_can_lack_something(self, plain: Exchange) -> None:
        assert judged("needs_no_more", [plain, poll(number=3)]) == []


class TestUnknownOperation:
    """The check `unknown_operation`."""

    NAME, EXPECTED = "REQ-GOS-UNKNOWN-ID", "404 with ResourceNotFound or 400 with BadRequest"

    @pytest.mark.parametrize("status", [400, 404])
    @pytest.mark.parametrize("code", ["ResourceNotFound", "BadRequest", ""])
    def test_it_is_refused(self, status: int, code: str) -> None:
        assert brief(judged("unknown_operation", [refusal(POLL, status, code)])) == [met(self.NAME)]

    def test_another_code_is_the_tables_matter(self) -> None:
        found = judged("unknown_operation", [refusal(POLL, 404, "X")])

        assert brief(found) == [
            violated("REQ-ERR-CODES", "code:X"),
            violated(self.NAME, "code:X"),
        ]
        assert worded(found) == [(self.EXPECTED, "404 Not Found with X")] * 2
        assert brief(judged("unknown_operation", [refusal(POLL, 404, "X")], lenient())) == [met(self.NAME)]

    @pytest.mark.parametrize("status", [200, 202, 299])
    def test_it_is_never_reported_as_an_operation(self, status: int) -> None:
        for where in (None, lenient()):
            found = judged("unknown_operation", [exchange(POLL, status)], where)
            assert brief(found) == [violated(self.NAME, f"status:{status}")]
            assert found[0].expected == self.EXPECTED
            assert found[0].actual.endswith(f", for the operation id '{OPERATION_ID}'")

    @pytest.mark.parametrize("status", [300, 403, 500])
    def test_another_refusal_is_a_violation_under_strict_alone(self, status: int) -> None:
        assert brief(judged("unknown_operation", [exchange(POLL, status)])) == [violated(self.NAME, f"status:{status}")]
        found = judged("unknown_operation", [exchange(POLL, status)], lenient())
        assert brief(found) == [advisory(self.NAME, f"status:{status}")]
        assert found[0].expected == self.EXPECTED

    @pytest.mark.parametrize(
        ("issued", "made"),
        [
            (f"{OPERATION_ID}0", f", made from the id {OPERATION_ID}0 of an operation"),
            (OPERATION_ID[2:], f", made from the id {OPERATION_ID[2:]} of an operation"),
            (OTHER_ID, ""),
            ("", ""),
        ],
    )
    def test_the_id_that_another_one_was_made_from_is_told(self, issued: str, made: str) -> None:
        found = judged("unknown_operation", [exchange(POLL, 200)], issued=issued)

        assert [verdict.actual for verdict in found] == [
            f"200 OK without content, for the operation id '{OPERATION_ID}'{made}"
        ]

    def test_silence_and_busyness_prove_nothing(self) -> None:
        found = judged(
            "unknown_operation", [silent(POLL), exchange(POLL, 429, number=2), exchange(POLL, 307, number=3)]
        )

        assert brief(found) == [inconclusive(self.NAME, number) for number in (1, 2, 3)]
        assert [v.actual for v in found] == [
            "Get Operation Status got no complete answer: no answer came in time: as arranged",
            "the endpoint was busy: 429 Too Many Requests",
            "redirected with 307",
        ]


def test_a_truncated_answer_is_none() -> None:
    broken = replace(exchange(failure=FailureKind.TRUNCATED), number=1)

    assert brief(judged("accepted", [broken], requirement="REQ-REIMAGE-URI-SLOT")) == [
        inconclusive("REQ-REIMAGE-URI-SLOT")
    ]
    assert judged("answered_202", [broken]) == []
