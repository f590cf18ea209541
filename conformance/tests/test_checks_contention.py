"""A reimage that meets another judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.tests.judging_samples import (
    OPERATION_ID,
    OTHER_ID,
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

if TYPE_CHECKING:
    from conformance.model import Exchange

STABLE, PROGRESS, SAFE = "REQ-GOS-TERMINAL-STABLE", "REQ-GOS-PROGRESS", "REQ-GOS-READONLY"


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
