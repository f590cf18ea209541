"""The sequence of statuses judged."""

from __future__ import annotations

import pytest

from conformance.protocol.requests import with_header
from conformance.tests.judging_samples import (
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

STABLE, PROGRESS, SAFE = "REQ-GOS-TERMINAL-STABLE", "REQ-GOS-PROGRESS", "REQ-GOS-READONLY"


OLDER = with_header(POLL, "x-ms-version", "2009-10-01")


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
