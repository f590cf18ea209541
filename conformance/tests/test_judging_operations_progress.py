"""The sequence of statuses judged."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from judging_samples import (
    DASHED_ID,
    FAILED,
    OPERATION_ID,
    OTHER_ID,
    POLL,
    RUNNING,
    SUCCEEDED,
    brief,
    document,
    exchange,
    inconclusive,
    judged,
    lenient,
    met,
    operation,
    poll,
    polls,
    silent,
    violated,
    worded,
)
from reimage_conformance.protocol.requests import with_header

if TYPE_CHECKING:
    from judging_samples import Said
    from reimage_conformance.model import Exchange, Request

STABLE, PROGRESS, SAFE = "REQ-GOS-TERMINAL-STABLE", "REQ-GOS-PROGRESS", "REQ-GOS-READONLY"


OLDER = with_header(POLL, "x-ms-version", "2009-10-01")
FRESH = replace(POLL, fresh_connection=True)
NOT_SAFE = [
    violated(STABLE, "flip", 4, 3, because=(SAFE,)),
    violated(PROGRESS, "flip", 4, 3, because=(SAFE,)),
    violated(SAFE, "flip", 4, 3),
]


class TestProgress:
    """The check `progress`."""

    def test_in_progress_so_far(self) -> None:
        found = judged("progress", polls(RUNNING, RUNNING))

        assert brief(found) == [met(PROGRESS, 3)]
        assert found[0].actual == "2 times InProgress"

    def test_a_poll_that_was_under_way_beside_the_one_that_shows_the_end_takes_nothing_back(self) -> None:
        end = poll(SUCCEEDED, number=3, at=3.0, elapsed=0.5)
        beside, after = (poll(RUNNING, number=4, at=at, elapsed=0.1) for at in (3.1, 3.5))

        found = judged("progress", [*polls(RUNNING), end, beside, poll(SUCCEEDED, number=5, at=5.0)])
        assert brief(found) == [met(PROGRESS, 3), met(STABLE, 5)]
        assert violated(PROGRESS, "flip", 4, 3) in brief(judged("progress", [*polls(RUNNING), end, after]))

    def test_to_an_end(self) -> None:
        found = judged("progress", polls(RUNNING, RUNNING, SUCCEEDED))

        assert brief(found) == [met(PROGRESS, 4)]
        assert found[0].actual == "InProgress x 2, Succeeded"

    def test_to_an_end_and_still_there(self) -> None:
        found = judged("progress", polls(RUNNING, FAILED, FAILED))

        assert brief(found) == [met(PROGRESS, 3), met(STABLE, 4)]
        assert {verdict.actual for verdict in found} == {"InProgress, Failed x 2"}

    def test_nothing_known_says_nothing(self) -> None:
        assert judged("progress", [silent(POLL), poll(b"", 404), poll(operation("Odd"))]) == []
        assert judged("progress", [silent(POLL), poll(b"", 404)]) == []

    @pytest.mark.parametrize(
        ("bodies", "told"),
        [
            ((RUNNING, RUNNING, SUCCEEDED, RUNNING), "InProgress x 2, Succeeded, InProgress"),
            ((RUNNING, RUNNING, SUCCEEDED, FAILED), "InProgress x 2, Succeeded, Failed"),
        ],
    )
    def test_another_status_after_the_end_is_instability(self, bodies: tuple[str, ...], told: str) -> None:
        found = judged("progress", polls(*bodies))

        assert brief(found) == [
            violated(STABLE, "flip", 5, 4),
            violated(PROGRESS, "flip", 5, 4, because=(STABLE,)),
        ]
        last = told.rpartition(", ")[2]
        actual = f"{last} after Succeeded; all polls: {told}"
        assert worded(found) == [
            ("after the first Succeeded, every later poll shows Succeeded", actual),
            ("InProgress until the operation ends, then one end in every poll", actual),
        ]

    @pytest.mark.parametrize(
        ("bodies", "told"),
        [
            ((RUNNING, SUCCEEDED, FAILED), "InProgress, Succeeded, Failed"),
            ((SUCCEEDED, FAILED), "Succeeded, Failed"),
        ],
    )
    def test_another_end_after_an_early_one_may_be_either(self, bodies: tuple[str, ...], told: str) -> None:
        found = judged("progress", polls(*bodies))
        changed, end = len(bodies) + 1, len(bodies)

        assert brief(found) == [
            violated(STABLE, "flip", changed, end, because=(PROGRESS,)),
            violated(PROGRESS, "flip", changed, end, because=(STABLE,)),
        ]
        last = told.rpartition(", ")[2]
        actual = f"{last} after Succeeded; all polls: {told}"
        assert worded(found) == [
            ("after the first Succeeded, every later poll shows Succeeded", actual),
            ("InProgress until the operation ends, then one end in every poll", actual),
        ]

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

        assert brief(found) == [violated(PROGRESS, "other-status", 3), met(PROGRESS, 5)]
        assert worded(found)[0] == ("only InProgress, Succeeded, Failed", "Status 'Paused'")

    @pytest.mark.parametrize(
        ("bodies", "number"),
        [((RUNNING, operation("Paused")), 3), ((operation("Paused"), RUNNING, RUNNING, operation("Odd")), 2)],
    )
    def test_nor_is_it_before_any_end(self, bodies: tuple[str, ...], number: int) -> None:
        found = judged("progress", polls(*bodies))

        assert brief(found) == [violated(PROGRESS, "other-status", number)]
        assert worded(found) == [("only InProgress, Succeeded, Failed", "Status 'Paused'")]

    def test_a_status_of_another_name_takes_no_end_back(self) -> None:
        found = judged("progress", polls(RUNNING, SUCCEEDED, operation("Paused"), SUCCEEDED))

        assert brief(found) == [
            violated(PROGRESS, "other-status", 4),
            met(PROGRESS, 3),
            met(STABLE, 5),
        ]

    def test_an_operation_that_is_gone_soon_after_its_end_is_unstable(self) -> None:
        end = poll(SUCCEEDED, number=3, at=3.0)
        for at, said in ((3.0, True), (3.1, True), (5.0, True), (5.1, False)):
            found = judged("progress", [poll(RUNNING), end, poll(b"", 404, number=4, at=at)])
            assert [s[0] for s in brief(found) if s[1] == "violated"] == ([STABLE] if said else [])
        gone = judged("progress", [poll(RUNNING), end, poll(b"", 404, number=4, at=4.0)])
        assert brief(gone) == [violated(STABLE, "gone", 4, 3)]
        assert worded(gone) == [
            ("after the first Succeeded, every later poll shows Succeeded", "InProgress, Succeeded, then 404 Not Found")
        ]
        twice = [poll(RUNNING), end, poll(b"", 404, number=4, at=4.0), poll(b"", 410, number=5, at=4.5)]
        assert brief(judged("progress", twice)) == [violated(STABLE, "gone", 4, 3)]
        assert judged("progress", twice)[0].actual == "InProgress, Succeeded, then 404 Not Found"

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
    def test_a_denial_says_that_it_is_gone(self, status: int) -> None:
        several = [poll(RUNNING), poll(SUCCEEDED, number=3, at=3.0), poll(b"", status, number=4, at=4.0)]

        assert brief(judged("progress", several)) == [violated(STABLE, "gone", 4, 3)]

    @pytest.mark.parametrize("status", [399, 402, 405, 409, 411, 429, 499, 500, 503])
    def test_other_answers_do_not_say_that_it_is_gone(self, status: int) -> None:
        several = [poll(RUNNING), poll(SUCCEEDED, number=3, at=3.0), poll(b"", status, number=4, at=4.0)]

        assert brief(judged("progress", several)) == [met(PROGRESS, 3)]

    @pytest.mark.parametrize(
        ("shown_with", "status", "said"), [(OLDER, 400, ["gone"]), (POLL, 400, []), (POLL, 404, ["gone"])]
    )
    def test_it_is_not_gone_where_the_version_may_be_why_a_poll_is_refused(
        self, shown_with: Request, status: int, said: list[str]
    ) -> None:
        """A version with which the operation was shown is none that is refused, and a wrong version is refused with 400 (REQ-VER-OLD-KEPT)."""
        shown = [poll(SUCCEEDED, at=3.0), poll(SUCCEEDED, number=3, at=3.5, request=shown_with)]
        found = judged("progress", [*shown, poll(b"", status, number=5, at=4.1, request=OLDER)])

        assert [verdict.symptom for verdict in found if verdict.outcome == "violated"] == said

    @pytest.mark.parametrize("at", [2.0, 3.0, 4.0])
    def test_a_refusal_before_the_end_says_nothing(self, at: float) -> None:
        several = [poll(b"", 404, number=2, at=at), poll(SUCCEEDED, number=3, at=3.0)]

        assert brief(judged("progress", several)) == [met(PROGRESS, 3)]

    def test_gone_comes_before_changed(self) -> None:
        several = [poll(RUNNING), *polls(SUCCEEDED, FAILED, start=3), poll(b"", 404, number=5, at=4.5)]

        assert brief(judged("progress", several)) == [violated(STABLE, "gone", 5, 3)]


def asked(*seen: tuple[str, Request]) -> list[Exchange]:
    """Polls one second apart, each with a body and the request that it answers."""
    return [poll(body, request=request, number=2 + i, at=2.0 + i) for i, (body, request) in enumerate(seen)]


def roots(polled: list[Exchange]) -> list[str]:
    """The requirements that a change is laid at."""
    found = brief(judged("progress", polled))
    assert {(said[1], said[2]) for said in found} == {("violated", "flip")}
    return [said[0] for said in found if said[3] == ()]


class TestAskingForgets:
    """The check `asking_forgets`: a poll, something else, and a poll again."""

    def of(self, *groups: tuple[str, str]) -> tuple[Said, str]:
        """What it says, and tells as actual, of polls that show a document or, with "", are denied: 404 first, 410 after that."""
        bodies = [body for shown, after in groups for body in (shown, "between", after)]
        statuses = {"between": 400, "": 404}
        exchanges = [
            poll(body, 410 if number > 6 and not body else statuses.get(body, 200), number=number)
            for number, body in enumerate(bodies, start=2)
        ]
        (found,) = judged("asking_forgets", exchanges, requirement=SAFE, what="a look")
        return brief([found])[0], found.actual

    @pytest.mark.parametrize(("end", "status"), [(SUCCEEDED, "Succeeded"), (FAILED, "Failed")])
    def test_one_that_is_kept(self, end: str, status: str) -> None:
        assert self.of((end, end)) == (met(SAFE, 4), f"after a look: {status}")
        assert self.of((RUNNING, end)) == (met(SAFE, 4), f"after a look: {status}")

    def test_one_that_goes_may_have_had_its_time(self) -> None:
        assert self.of((SUCCEEDED, "")) == (inconclusive(SAFE, 4, 3, 2), "after a look: 404 Not Found")
        twice = inconclusive(SAFE, 7, 6, 5, 4, 3, 2)
        assert self.of((SUCCEEDED, ""), (SUCCEEDED, SUCCEEDED)) == (twice, "after a look: 200 OK")
        assert self.of((SUCCEEDED, ""), (RUNNING, "")) == (twice, "after a look: 410 Gone")

    def test_one_that_has_not_ended_says_nothing(self) -> None:
        assert self.of((SUCCEEDED, RUNNING)) == (inconclusive(SAFE, 4, 3, 2), "after a look: 200 OK")

    def test_two_that_go_do_so_because_of_it(self) -> None:
        found = self.of((SUCCEEDED, ""), (FAILED, ""))

        assert found == (
            violated(SAFE, "forgotten", 7, 6, 5, 4, 3, 2),
            "the poll after a look was answered 410 Gone, for two operations",
        )


class TestWays:
    """The check `progress`, of polls that ask in more than one way."""

    @pytest.mark.parametrize("request_", [OLDER, FRESH])
    def test_whichever_way_it_is_asked(self, request_: Request) -> None:
        several = [*polls(RUNNING, SUCCEEDED), poll(SUCCEEDED, request=request_, number=4, at=4.0)]

        assert brief(judged("progress", several)) == [met(PROGRESS, 3), met(STABLE, 4), met(SAFE, 4)]

    def test_ways_before_the_end_show_nothing(self) -> None:
        several = [poll(RUNNING, request=OLDER), *polls(SUCCEEDED, SUCCEEDED, start=3)]

        assert brief(judged("progress", several)) == [met(PROGRESS, 3), met(STABLE, 4)]

    def test_another_answer_under_another_version_is_not_safe(self) -> None:
        several = [*polls(RUNNING, SUCCEEDED), poll(FAILED, request=OLDER, number=4), poll(SUCCEEDED, number=5)]

        found = judged("progress", several)
        assert brief(found) == NOT_SAFE
        assert found[0].actual == (
            "Failed after Succeeded, in answer to a poll with x-ms-version 2009-10-01 in place of 2011-10-01; "
            "all polls: InProgress, Succeeded, Failed, Succeeded"
        )
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

    @pytest.mark.parametrize("request_", [OLDER, FRESH])
    def test_an_end_that_one_way_of_asking_denies_is_not_safe(self, request_: Request) -> None:
        several = asked((RUNNING, POLL), (SUCCEEDED, POLL), (RUNNING, request_), (SUCCEEDED, POLL))

        assert brief(judged("progress", several)) == NOT_SAFE

    def test_a_connection_that_is_new_without_having_been_asked_for_is_a_way_too(self) -> None:
        several = [
            *polls(RUNNING, SUCCEEDED),
            poll(RUNNING, number=4, at=4.0, position=1),
            poll(SUCCEEDED, number=5, at=5.0),
        ]

        found = judged("progress", several)
        assert brief(found) == NOT_SAFE
        assert found[0].actual.startswith("InProgress after Succeeded, in answer to a poll with a new connection; ")

    def test_a_fresh_connection_under_another_version_is_another_way_still(self) -> None:
        both = replace(OLDER, fresh_connection=True)
        several = asked(
            (RUNNING, POLL), (RUNNING, POLL), (SUCCEEDED, OLDER), (SUCCEEDED, FRESH), (FAILED, both), (SUCCEEDED, POLL)
        )

        assert roots(several) == [SAFE]

    def test_an_end_that_a_way_of_asking_denies_only_sometimes_is_unstable(self) -> None:
        several = [(RUNNING, POLL), (RUNNING, POLL), (SUCCEEDED, POLL), (SUCCEEDED, OLDER), (FAILED, OLDER)]

        assert roots(asked(*several, (SUCCEEDED, POLL))) == [STABLE]
        assert roots(asked(*several[:3], (FAILED, OLDER), (SUCCEEDED, OLDER))) == [STABLE]

    def test_an_end_that_no_way_of_asking_shows_again_is_unstable(self) -> None:
        several = [(RUNNING, POLL), (RUNNING, POLL), (SUCCEEDED, POLL), (FAILED, OLDER)]

        assert roots(asked(*several)) == [STABLE]
        assert roots(asked(*several, (FAILED, OLDER), (RUNNING, OLDER))) == [STABLE]

    @pytest.mark.parametrize("request_", [OLDER, FRESH])
    def test_a_settled_end_that_a_new_way_of_asking_takes_back_is_not_safe(self, request_: Request) -> None:
        settled = [(RUNNING, POLL), (SUCCEEDED, POLL), (SUCCEEDED, POLL), (SUCCEEDED, POLL)]

        for after in ([], [(FAILED, POLL)], [(SUCCEEDED, request_)]):
            assert roots(asked(*settled, (FAILED, request_), *after)) == [SAFE]
        assert roots(asked(*settled[:3], (FAILED, request_), (FAILED, POLL))) == [STABLE]

    @pytest.mark.parametrize("request_", [OLDER, FRESH])
    def test_an_end_that_stood_for_long_is_not_safe_from_a_new_way_either(self, request_: Request) -> None:
        settled = [(RUNNING, POLL), *[(SUCCEEDED, POLL)] * 5]

        assert roots(asked(*settled, (FAILED, request_))) == [SAFE]

    def test_an_end_that_came_late_and_went_at_once_is_unstable(self) -> None:
        several = [*[(RUNNING, POLL)] * 4, (SUCCEEDED, POLL), (RUNNING, POLL), (SUCCEEDED, POLL)]

        assert roots(asked(*several)) == [STABLE]

    def test_one_that_a_known_way_of_asking_takes_back_is_unstable(self) -> None:
        settled = [(SUCCEEDED, POLL), (SUCCEEDED, POLL), (SUCCEEDED, POLL)]

        assert roots(asked((RUNNING, POLL), *settled, (FAILED, POLL))) == [STABLE]
        assert roots(asked((RUNNING, OLDER), *settled, (FAILED, OLDER), (FAILED, POLL))) == [STABLE]

    def test_an_early_end_that_a_new_way_of_asking_takes_back_at_once_may_be_either(self) -> None:
        several = asked((RUNNING, POLL), (SUCCEEDED, POLL), (FAILED, OLDER), (FAILED, POLL))

        assert brief(judged("progress", several)) == [
            violated(STABLE, "flip", 4, 3, because=(PROGRESS,)),
            violated(PROGRESS, "flip", 4, 3, because=(STABLE,)),
        ]
        assert roots(asked((RUNNING, POLL), (SUCCEEDED, POLL), (RUNNING, OLDER))) == [PROGRESS]


class TestMixedUp:
    """The check `progress`, of polls that show another operation than they ask about."""

    MIXED = (
        violated(STABLE, "flip", 4, 3, because=("REQ-REIMAGE-REQID-USABLE",)),
        violated(PROGRESS, "flip", 4, 3, because=("REQ-REIMAGE-REQID-USABLE",)),
    )

    def test_a_change_that_another_operation_shows_is_the_ids_matter(self) -> None:
        other = operation("Failed", "404", "<Code>c</Code><Message>m</Message>", identifier=OTHER_ID)

        assert brief(judged("progress", polls(RUNNING, SUCCEEDED, other))) == [*self.MIXED]
        assert brief(judged("progress", polls(RUNNING, SUCCEEDED, other, SUCCEEDED))) == [*self.MIXED]

    def test_so_is_an_end_that_another_operation_showed(self) -> None:
        other = operation("Succeeded", "200", identifier=OTHER_ID)

        assert brief(judged("progress", polls(RUNNING, other, RUNNING))) == [*self.MIXED]

    def test_whichever_way_it_is_asked(self) -> None:
        other = operation("Failed", "404", identifier=OTHER_ID)
        several = asked((RUNNING, POLL), (SUCCEEDED, POLL), (other, OLDER), (SUCCEEDED, POLL))

        assert brief(judged("progress", several)) == [*self.MIXED]

    @pytest.mark.parametrize("shown", [OPERATION_ID, DASHED_ID.upper()])
    def test_dashes_and_case_make_no_other_operation(self, shown: str) -> None:
        several = polls(RUNNING, RUNNING, SUCCEEDED, operation("Failed", identifier=shown))

        assert roots(several) == [STABLE]

    def test_without_an_id_there_is_no_other_operation(self) -> None:
        several = polls(RUNNING, RUNNING, SUCCEEDED, document("<Status>Failed</Status>"))

        assert roots(several) == [STABLE]

    def test_only_the_end_and_the_change_tell(self) -> None:
        other = operation(identifier=OTHER_ID)
        again = operation("Failed", identifier=OTHER_ID)

        assert roots(polls(RUNNING, other, SUCCEEDED, FAILED, again)) == [STABLE]


def test_a_head_that_changes_the_outcome_was_not_safe() -> None:
    head = exchange(replace(POLL, method="HEAD"), 200, number=3)
    refused = exchange(replace(POLL, method="HEAD"), 404, number=3)
    before = [poll(SUCCEEDED, number=1), poll(SUCCEEDED, number=2)]

    for asked in (head, refused):
        verdicts = judged("progress", [*before, asked, poll(FAILED, number=4)])
        assert (
            verdicts[0].actual
            == "Failed after Succeeded, after a HEAD to the operation; all polls: Succeeded x 2, Failed"
        )
        found = brief(verdicts)
        assert ("REQ-GOS-READONLY", "violated", "flip", (), (4, 1)) in found
        assert ("REQ-GOS-TERMINAL-STABLE", "violated", "flip", ("REQ-GOS-READONLY",), (4, 1)) in found
    assert all(
        verdict[1] == "met" for verdict in brief(judged("progress", [*before, refused, poll(SUCCEEDED, number=4)]))
    )
    late = brief(judged("progress", [before[0], poll(FAILED, number=2), head]))
    assert "REQ-GOS-READONLY" not in {verdict[0] for verdict in late}


class TestSameStatus:
    """Whether an operation reads alike whoever asks."""

    @staticmethod
    def read(*bodies: str) -> list[Exchange]:
        return [poll(body, number=number) for number, body in enumerate(bodies, 2)]

    def test_the_same_end_is_met(self) -> None:
        assert brief(judged("same_status", self.read(SUCCEEDED, SUCCEEDED, SUCCEEDED))) == [met("REQ-AUTH-ANYCERT", 3)]
        assert brief(judged("same_status", self.read(FAILED, FAILED, FAILED))) == [met("REQ-AUTH-ANYCERT", 3)]

    @pytest.mark.parametrize(("other", "status"), [(FAILED, "Failed"), (RUNNING, "InProgress")])
    def test_another_end_is_a_violation(self, other: str, status: str) -> None:
        found = judged("same_status", self.read(SUCCEEDED, other, SUCCEEDED))

        assert brief(found) == [violated("REQ-AUTH-ANYCERT", "other-status", 3, 2, 4)]
        assert [(each.expected, each.actual) for each in found] == [
            ("the same status as with the first certificate (Succeeded)", f"{status} with the second certificate")
        ]

    @pytest.mark.parametrize(
        "bodies", [(SUCCEEDED, FAILED, FAILED), (RUNNING, SUCCEEDED, RUNNING), (SUCCEEDED, "", SUCCEEDED)]
    )
    def test_what_changes_by_itself_or_is_not_read_says_nothing(self, bodies: tuple[str, ...]) -> None:
        assert judged("same_status", self.read(*bodies)) == []
