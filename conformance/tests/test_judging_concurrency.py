"""A reimage that meets another judged."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from judging_samples import (
    FAILED,
    OPERATION_ID,
    OTHER_ID,
    POLL,
    REIMAGE,
    RUNNING,
    SUCCEEDED,
    brief,
    exchange,
    inconclusive,
    judged,
    met,
    poll,
    polls,
    refusal,
    silent,
    started,
    violated,
    worded,
)
from reimage_conformance.judging.concurrency import seconds_until_prolonged
from reimage_conformance.model import Outcome

if TYPE_CHECKING:
    from reimage_conformance.model import Exchange, Verdict


class TestContended:
    """The check `contended`."""

    NAME = "REQ-CONC-SAME"
    EXPECTED = "202 with an x-ms-request-id of its own, and both operations end; or 409 with the code ConflictError"

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
        assert found[0].actual == "202 Accepted, and the operation ended"

    def test_refused_as_a_conflict(self) -> None:
        assert self.of(refusal(REIMAGE, 409, "ConflictError", number=2)) == [met(self.NAME, 2)]

    @pytest.mark.parametrize(
        ("code", "told"), [("X", "409 Conflict with X"), ("", "409 Conflict without an error code")]
    )
    def test_refused_as_another_conflict(self, code: str, told: str) -> None:
        found = judged(
            "contended", [started(), refusal(REIMAGE, 409, code, number=2)], requirement=self.NAME, ended=False
        )

        assert brief(found) == [violated(self.NAME, f"code:{code}", 2, 1)]
        assert worded(found) == [(self.EXPECTED, told)]

    def test_one_that_ends_the_running_one(self) -> None:
        second = started(number=2, identifier=OTHER_ID)
        found = judged("contended", [started(), second], requirement=self.NAME, ended=True, lost=True)

        assert brief(found) == [violated(self.NAME, "first-lost", 2, 1)]
        assert worded(found) == [(self.EXPECTED, "202 Accepted, but no poll of the first operation showed its end")]

    def test_silence_to_it_alone(self) -> None:
        found = judged("contended", [started(), silent(number=2)], requirement=self.NAME, ended=True, alive=True)

        assert brief(found) == [violated(self.NAME, "no-reply:timeout", 2, 1)]
        assert worded(found) == [(self.EXPECTED, "no answer came in time: as arranged")]
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
        assert quiet[0].actual == "Reimage Role Instance got no complete answer: no answer came in time: as arranged"

    def test_a_307_to_elsewhere_proves_nothing(self) -> None:
        second = started(number=2, identifier=OTHER_ID)

        assert self.of(exchange(status=307, number=2)) == [inconclusive(self.NAME, 2, 1)]
        assert self.of(second, poll(number=3), poll(b"", 307, number=4), ended=False) == [
            inconclusive(self.NAME, 2, 1, 4)
        ]
        assert self.of(second, poll(b"", 307, number=3), poll(number=4), ended=False) == [
            violated(self.NAME, "no-end", 2, 1, 4)
        ]

    def test_the_running_operations_id_is_not_its_own(self) -> None:
        found = judged("contended", [started(), started(number=2)], requirement=self.NAME, ended=True)

        assert brief(found) == [
            violated(
                self.NAME,
                "shared-id",
                2,
                1,
            )
        ]
        assert worded(found) == [(self.EXPECTED, f"202 with the running operation's id {OPERATION_ID}")]
        unnamed = started(number=2, identifier="")
        assert brief(judged("contended", [started(identifier=""), unnamed], requirement=self.NAME, ended=True)) == [
            met(self.NAME, 2)
        ]
        for second in (unnamed, started(number=2)):
            unanswered = judged("contended", [silent(), second], requirement=self.NAME, ended=True)
            assert brief(unanswered) == [met(self.NAME, 2)]

    def test_one_that_never_ends(self) -> None:
        second = started(number=2, identifier=OTHER_ID)
        found = judged(
            "contended", [started(), second, *polls(RUNNING, RUNNING, start=3)], requirement=self.NAME, ended=False
        )

        assert brief(found) == [violated(self.NAME, "no-end", 2, 1, 4)]
        assert worded(found) == [(self.EXPECTED, "202 Accepted, but the operation had not ended after 2 polls")]
        unknown = [poll(b"", 404, number=number) for number in (3, 4)]
        found = judged("contended", [started(), second, *unknown], requirement=self.NAME, ended=False)
        assert brief(found) == [violated(self.NAME, "no-end", 2, 1, 4)]
        told = "202 Accepted, but every poll of the operation was answered 404 Not Found"
        assert worded(found) == [(self.EXPECTED, told)]


class TestUndisturbed:
    """The check `undisturbed`."""

    NAME, EXPECTED = "REQ-CONC-REFUSED-NOEFFECT", "the running operation reaches Succeeded"

    def of(self, *polled: Exchange, until: float = 4.0, usual: float = 0.0, before: int = 0) -> list[Verdict]:
        """What the check says of an operation from second 1 under two refusals, the last at second `until`."""
        refused = [refusal(REIMAGE, 409, "ConflictError", number=n) for n in (2, 3)]
        refused = [replace(refused[0], at=2.0), replace(refused[1], at=until)]
        seen = [started(at=1.0), *refused, *polled]
        given = {"usual_seconds": usual, "prolonged_before": before}
        return judged("undisturbed", seen, refusals=2, **{name: value for name, value in given.items() if value})

    def test_the_running_one_succeeds(self) -> None:
        found = self.of(poll(number=4), poll(SUCCEEDED, number=5), poll(SUCCEEDED, number=6))

        assert brief(found) == [met(self.NAME, 2)]
        assert found[0].actual == "Succeeded; 2 requests refused meanwhile"

    def test_what_follows_the_refusals_are_its_polls(self) -> None:
        seen = [started(), refusal(REIMAGE, 409, number=2), poll(FAILED, number=3), poll(SUCCEEDED, number=4)]

        assert brief(judged("undisturbed", seen, refusals=1))[0][2] == "failed"
        assert brief(judged("undisturbed", seen, refusals=2)) == [met(self.NAME, 2)]

    def test_polls_without_a_readable_status_show_nothing(self) -> None:
        found = self.of(poll(b"<Operation/>", number=4), poll(b"", number=5))

        assert [verdict.outcome for verdict in found] == [Outcome.INCONCLUSIVE]
        assert found[0].actual == "no poll showed a Status"

    def test_it_fails(self) -> None:
        found = self.of(poll(number=4), poll(FAILED, number=5), poll(SUCCEEDED, number=6))

        assert brief(found) == [violated(self.NAME, "failed", 2, 5, 6, 1)]
        assert worded(found) == [(self.EXPECTED, "it ended Failed after 2 requests had been refused")]

    @pytest.mark.parametrize(
        ("last", "told"),
        [
            (poll(number=5), "not ended after 2 polls (the last one: 200 OK, Status InProgress)"),
            (poll(b"", 404, number=5), "the last of 2 polls of the operation was answered 404 Not Found"),
            (
                silent(POLL, number=5),
                "not ended after 2 polls (the last one: no answer came in time: as arranged)",
            ),
        ],
    )
    def test_it_comes_to_no_end(self, last: Exchange, told: str) -> None:
        found = self.of(poll(number=4), last)

        assert brief(found) == [violated(self.NAME, "no-end", 2, 5, 1)]
        assert worded(found) == [(self.EXPECTED, f"{told}; 2 requests refused meanwhile")]

    def test_its_polls_lead_elsewhere(self) -> None:
        found = self.of(poll(number=4), poll(b"", 307, number=5))

        assert brief(found) == [inconclusive(self.NAME, 2, 5, 1)]
        assert found[0].actual == "redirected with 307"

    def test_it_is_never_polled(self) -> None:
        found = self.of()

        assert brief(found) == [violated(self.NAME, "no-end", 2, 1)]
        assert found[0].actual == "its operation could not be polled; 2 requests refused meanwhile"

    @pytest.mark.parametrize(
        ("end", "symptom"),
        [(FAILED, "failed"), (RUNNING, "no-end")],
    )
    def test_another_that_was_accepted_beside_it_makes_no_difference(self, end: str, symptom: str) -> None:
        seen = [started(), refusal(REIMAGE, 409, number=2), poll(end, number=3)]
        found = judged("undisturbed", seen, refusals=1, beside="REQ-CONC-OTHER")

        assert [(each.symptom, each.because) for each in found] == [(symptom, ())]

    @pytest.mark.parametrize("before", [0, 40])
    def test_it_goes_on_for_as_long_as_others_are_refused_twice(self, before: int) -> None:
        """Once is no proof: no document says how long an operation takes."""
        polls = poll(number=4, at=7.0), poll(SUCCEEDED, number=5, at=13.5)
        found = self.of(*polls, until=13.25, usual=2.0, before=before)
        took = "still InProgress after 12.2 s, ended once no more requests were refused; other operations took 2.0 s at most"

        if before:
            assert brief(found) == [violated(self.NAME, "prolonged", 2, 5, 5, 1)]
            assert worded(found) == [
                (
                    "the running operation ends as soon as without the refused requests",
                    f"{took}; the reimage of exchange 40 was prolonged in the same way",
                )
            ]
        else:
            assert brief(found) == [inconclusive(self.NAME, 2, 5, 5, 1)]
            assert found[0].actual == f"{took}; a single operation may take longer than others"

    @pytest.mark.parametrize(
        ("until", "ended", "usual"),
        [
            pytest.param(13.0, 13.5, 2.0, id="six times as long is no multiple yet"),
            pytest.param(4.5, 5.0, 0.5, id="a short operation had a hiccup"),
            pytest.param(11.5, 12.0, 0.5, id="ten seconds longer is within the floor"),
            pytest.param(13.25, 13.25, 2.0, id="ended with the last refusal"),
            pytest.param(13.25, 6.0, 2.0, id="ended while others were refused"),
            pytest.param(25.0, 26.0, 4.0, id="others took long too"),
            pytest.param(13.25, 13.5, 0.0, id="nothing to compare with"),
        ],
    )
    def test_it_ends_as_it_would_have(self, until: float, ended: float, usual: float) -> None:
        assert brief(self.of(poll(SUCCEEDED, number=4, at=ended), until=until, usual=usual)) == [met(self.NAME, 2)]

    def test_the_first_end_counts(self) -> None:
        ends = poll(SUCCEEDED, number=4, at=3.0), poll(SUCCEEDED, number=5, at=9.0)

        assert brief(self.of(*ends, until=8.0, usual=1.0)) == [met(self.NAME, 2)]

    @pytest.mark.parametrize(
        ("usual", "timeout", "allowed"), [(0.5, 3600.0, 10.5), (5.0, 3600.0, 30.0), (0.2, 10.0, 5.2), (2.0, 10.0, 12.0)]
    )
    def test_the_floor_leaves_room_within_the_time_limit_of_operations(
        self, usual: float, timeout: float, allowed: float
    ) -> None:
        assert seconds_until_prolonged(usual, timeout) == pytest.approx(allowed)
