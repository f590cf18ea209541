"""Endings judged: reimages that succeed, fail or find no end, polled or left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from judging_samples import (
    FAILED,
    POLL,
    RUNNING,
    SUCCEEDED,
    advisory,
    brief,
    inconclusive,
    judged,
    lenient,
    met,
    operation,
    poll,
    polls,
    silent,
    started,
    violated,
    worded,
)

if TYPE_CHECKING:
    from reimage_conformance.model import Exchange, Verdict

SAFE = "REQ-GOS-READONLY"


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
            ("Succeeded", "Failed, no HttpStatusCode")
        ]

    def test_succeeded_with_something_else(self) -> None:
        found = judged("completes", [started(), poll(operation("Succeeded", "202"))])

        assert brief(found) == [violated(self.NAME, "final-status", 2, 2, 1)]
        assert worded(found) == [("Succeeded with 200", "Succeeded, HttpStatusCode 202")]

    def test_no_end_in_time(self) -> None:
        found = judged("completes", [started(), *polls(RUNNING, RUNNING)], waited=12.34)

        assert brief(found) == [violated(self.NAME, "no-end", 3, 1)]
        assert worded(found) == [("Succeeded within 1800 s", "still InProgress after 12.3 s and 2 polls")]
        assert judged("completes", [started(), *polls(RUNNING)])[0].actual == "still InProgress after 0.0 s and 1 poll"
        assert brief(judged("completes", [started(), *polls(RUNNING)], lenient())) == [
            advisory(self.NAME, "no-end", 2, 1)
        ]

    @pytest.mark.parametrize("after", [RUNNING, SUCCEEDED])
    def test_a_failure_that_was_taken_back_is_explained_by_that(self, after: str) -> None:
        because = ("REQ-GOS-PROGRESS", "REQ-GOS-TERMINAL-STABLE")

        assert brief(judged("completes", [started(), *polls(FAILED, after)])) == [
            violated(self.NAME, "failed", 2, 3, 1, because=because)
        ]

    def test_one_that_was_not_may_be_pollings_alone(self) -> None:
        for before, after in ((RUNNING, FAILED), (RUNNING, b"")):
            several = [started(), *polls(before, FAILED), poll(after, 200 if after else 404, number=4, at=9.0)]
            assert brief(judged("completes", several)) == [violated(self.NAME, "failed", 3, 4, 1)]

    def test_the_first_end_counts(self) -> None:
        assert brief(judged("completes", [started(), *polls(SUCCEEDED, FAILED)])) == [met(self.NAME, 2)]
        twice = judged("completes", [started(), *polls(FAILED, operation("Failed", "500"))])
        assert twice[0].actual == "Failed, HttpStatusCode 404"

    def test_an_answer_of_the_same_moment_takes_nothing_back(self) -> None:
        several = [started(), poll(FAILED, at=2.0), poll(SUCCEEDED, number=3, at=2.0)]

        assert brief(judged("completes", several)) == [violated(self.NAME, "failed", 2, 3, 1)]

    def test_no_status_at_all(self) -> None:
        found = judged("completes", [started(), poll(b"", 404)])
        because = ("REQ-REIMAGE-REQID-USABLE", "REQ-GOS-STATUS", "REQ-GOS-ROOT", "REQ-GOS-200")

        assert brief(found) == [inconclusive(self.NAME, 2, 1, because=because)]
        assert found[0].actual == "no poll showed a Status"
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
        assert found[0].actual == "Failed, as the target file says"
        assert brief(judged("fails_as_announced", [started(), *polls(FAILED, SUCCEEDED)])) == [met("REQ-GOS-ERROR", 2)]

    @pytest.mark.parametrize(
        ("bodies", "evidence", "told"),
        [
            ((RUNNING, SUCCEEDED), (3, 1), "ended Succeeded"),
            ((SUCCEEDED, SUCCEEDED, FAILED), (2, 1), "ended Succeeded"),
            ((RUNNING,), (1,), "was not seen to end"),
            ((), (1,), "was not seen to end"),
        ],
    )
    def test_one_that_does_not_may_be_the_target_files_mistake(
        self, bodies: tuple[str, ...], evidence: tuple[int, ...], told: str
    ) -> None:
        found = judged("fails_as_announced", [started(), *polls(*bodies)])

        assert brief(found) == [inconclusive("REQ-GOS-ERROR", *evidence)]
        assert found[0].actual == f"the reimage of a role instance that the target file lists as failing {told}"

    def test_one_that_never_ends_is_a_violation(self) -> None:
        found = judged("fails_as_announced", [started(), *polls(RUNNING, RUNNING)], overdue=True)

        assert brief(found) == [violated("REQ-GOS-ERROR", "no-end", 1)]
        assert worded(found) == [("Failed, as the target file says, with an Error", "still InProgress after 2 polls")]
        assert brief(judged("fails_as_announced", [started()], overdue=True)) == [inconclusive("REQ-GOS-ERROR", 1)]
        gone = [started(), *polls(RUNNING), poll(b"", 404, number=3)]
        assert brief(judged("fails_as_announced", gone, overdue=True)) == [inconclusive("REQ-GOS-ERROR", 1)]
        for bodies in ((SUCCEEDED,), (SUCCEEDED, RUNNING)):
            assert brief(judged("fails_as_announced", [started(), *polls(*bodies)], overdue=True)) == [
                inconclusive("REQ-GOS-ERROR", 2, 1)
            ]


class TestPollingIsToBlame:
    """The check `polling_is_to_blame`."""

    def of(self, quiet: Exchange, *polled: Exchange) -> list[Verdict]:
        """What the check says of a reimage that was polled once, as exchange 2, and of another with these polls."""
        return judged("polling_is_to_blame", [started(), quiet, started(number=3), *polled])

    def test_left_alone_it_succeeds(self) -> None:
        found = self.of(poll(SUCCEEDED), *polls(RUNNING, RUNNING, FAILED, start=4))

        assert brief(found) == [violated(SAFE, "polling-spoils", 6, 2)]
        assert worded(found) == [
            (
                "the same outcome however often an operation is polled",
                "polled all the time: InProgress x 2, Failed; polled only at the end: Succeeded",
            )
        ]

    def test_polled_as_usual_it_succeeds_too(self) -> None:
        found = self.of(poll(SUCCEEDED), *polls(RUNNING, SUCCEEDED, start=4))

        assert brief(found) == [inconclusive(SAFE, 5, 2, because=("REQ-REIMAGE-COMPLETES",))]
        assert found[0].actual == "the reimage that was polled all the time succeeded too"

    def test_polls_that_lead_elsewhere_show_no_other_outcome(self) -> None:
        found = self.of(poll(SUCCEEDED), poll(RUNNING, number=4), poll(b"", 307, number=5))

        assert brief(found) == [inconclusive(SAFE, 5, 2)]
        assert found[0].actual == "redirected with 307"

    def test_polls_without_a_status_are_told_by_what_came(self) -> None:
        lost = [poll(RUNNING, number=4), poll(b"", 404, number=5), poll(b"", 404, number=6), silent(POLL, number=7)]

        assert self.of(poll(SUCCEEDED), *lost)[0].actual == (
            "polled all the time: InProgress, 404 Not Found x 2, no answer came in time: as arranged; polled only at the end: Succeeded"
        )

    @pytest.mark.parametrize(
        ("quiet", "told"),
        [
            (poll(FAILED), "Failed"),
            (poll(RUNNING), "InProgress"),
            (poll(b"", 404), "404 Not Found"),
            (poll(SUCCEEDED, 404), "404 Not Found"),
            (silent(POLL, number=2), "no answer came in time: as arranged"),
        ],
    )
    def test_left_alone_it_goes_wrong_as_well(self, quiet: Exchange, told: str) -> None:
        found = self.of(quiet, *polls(RUNNING, FAILED, start=4))

        assert brief(found) == [inconclusive(SAFE, 5, 2, because=("REQ-REIMAGE-COMPLETES", "REQ-GOS-200"))]
        assert found[0].actual == f"the reimage that was polled only at the end showed {told}"
