"""Foreign locks: an endpoint is not accused of a 409 where something else than the run seems to hold the deployment."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from judging_samples import (
    BUILDER,
    NO_VERSION,
    NOWHERE,
    OPERATION_ID,
    PRODUCTION,
    REIMAGE,
    REIMAGE_BY_NAME,
    SUCCEEDED,
    error,
    exchange,
    numbered,
    poll,
    started,
    world,
)
from reimage_conformance.assessment.foreign_locks import ForeignLocks
from reimage_conformance.judging import CHECKS, judge
from reimage_conformance.model import Outcome
from reimage_conformance.protocol.addresses import UriForm
from reimage_conformance.protocol.requests import Place, with_header, without_header

if TYPE_CHECKING:
    from reimage_conformance.model import Exchange, Request, Verdict


SILENT = "The deployment is busy."
NAMES_OURS = f"An operation with request ID {OPERATION_ID} has exclusive access to the deployment."
NAMES_ANOTHER = "An operation with request ID 5e1f0c7a-9b3d-4e62-8a1c-0d9e7f6b5a43 has exclusive access."
NAMES_ANOTHER_NUMBER = "Busy (request id: op-4711)."
NEIGHBOUR = BUILDER.reimage(Place(PRODUCTION, "WebRole1_IN_1"))
STAGED = "409 Conflict with ConflictError"
VARIED = with_header(REIMAGE, "Content-Type", "application/xml; charset=utf-8")
OWN = [started(at=1.0), poll(SUCCEEDED, at=3.0)]
"""A reimage of ours that was accepted, and ended."""


def conflict(at: float, request: Request = REIMAGE, message: str = SILENT) -> Exchange:
    return exchange(request, 409, error("ConflictError", message), at=at)


def accepted(at: float, request: Request = REIMAGE) -> Exchange:
    return started(request, at=at, identifier="")


def weighed(check: str, judged: list[Exchange], *others: Exchange, **arguments: Any) -> list[Verdict]:
    """The verdicts of a check on some exchanges of a run, as they count."""
    in_order = sorted([*judged, *others], key=lambda each: each.at)
    by_place = {id(each): replace(each, number=n) for n, each in enumerate(in_order, start=1)}
    exchanges = {each.number: each for each in by_place.values()}
    where = world()
    made = judge(where, CHECKS[check], [by_place[id(each)] for each in judged], **arguments)
    locks = ForeignLocks.of(where, numbered(*exchanges.values()).values())
    return [locks.without_foreign_locks(verdict, exchanges) for verdict in made]


def sound(judged: Exchange, *others: Exchange, requirement: str = "REQ-REIMAGE-URI-SLOT") -> set[Outcome]:
    """How the 409 of a sound reimage counts."""
    return {each.outcome for each in weighed("accepted", [judged], *others, requirement=requirement)}


def bad(judged: Exchange, *others: Exchange) -> set[Outcome]:
    """How the 409 of a bad request counts."""
    return {each.outcome for each in weighed("refused", [judged], *others)}


NOTHING_SHOWN, ACCUSED = {Outcome.INCONCLUSIVE}, {Outcome.VIOLATED}


@pytest.mark.parametrize("message", [NAMES_ANOTHER, NAMES_ANOTHER_NUMBER])
def test_a_409_that_names_an_operation_of_another_shows_nothing(message: str) -> None:
    again = conflict(8.0, message=message)

    assert sound(conflict(9.0, message=message), again, *OWN) == NOTHING_SHOWN
    assert bad(conflict(9.0, NO_VERSION, message), again, *OWN) == NOTHING_SHOWN


def test_an_id_that_one_answer_alone_names_is_no_operation() -> None:
    """Some endpoints draw an id for each answer and tell it in the message."""
    other = conflict(8.0, message=NAMES_ANOTHER.replace("5e1f", "6e1f"))

    assert sound(conflict(9.0, message=NAMES_ANOTHER), other, *OWN) == ACCUSED


def test_an_id_that_a_document_of_the_run_shows_is_no_operation_of_another() -> None:
    shown = exchange(REIMAGE_BY_NAME, 200, f"<PrivateID>{_id_in(NAMES_ANOTHER)}</PrivateID>", at=0.5)
    both = [conflict(9.0, message=NAMES_ANOTHER), conflict(8.0, message=NAMES_ANOTHER)]

    assert sound(*both, replace(shown, request=replace(REIMAGE_BY_NAME, method="GET")), *OWN) == ACCUSED


def _id_in(message: str) -> str:
    return next(word for word in message.split() if word.count("-") == 4)


def test_a_409_that_names_none_accuses_where_no_reimage_is_accepted_later() -> None:
    assert sound(conflict(9.0)) == ACCUSED
    assert sound(conflict(9.0), *OWN, conflict(10.0)) == ACCUSED


def test_a_409_that_names_an_operation_of_ours_accuses() -> None:
    assert sound(conflict(9.0, message=NAMES_OURS), *OWN, accepted(12.0)) == ACCUSED


def test_a_409_shows_nothing_where_the_lock_was_seen_to_pass() -> None:
    assert sound(conflict(9.0), accepted(12.0)) == NOTHING_SHOWN
    assert sound(conflict(9.0), accepted(12.0, NEIGHBOUR)) == NOTHING_SHOWN


def test_the_reason_says_what_to_do() -> None:
    (told,) = {
        each.actual for each in weighed("accepted", [conflict(9.0)], accepted(12.0), requirement="REQ-REIMAGE-URI-SLOT")
    }

    assert told.startswith(f"{STAGED}, ")
    assert told.endswith("something else seems to hold the deployment; try again later")


def test_a_kind_of_request_that_is_refused_with_409_while_others_are_accepted_accuses() -> None:
    assert sound(conflict(9.0, VARIED), accepted(8.0), accepted(12.0), requirement="REQ-HTTP-FIELD-CASE") == ACCUSED
    assert sound(conflict(9.0, REIMAGE_BY_NAME), accepted(8.0), accepted(12.0)) == ACCUSED


def test_a_kind_of_request_that_meets_the_lock_beside_others_shows_nothing() -> None:
    met_too = conflict(8.0)

    assert sound(conflict(9.0, VARIED), met_too, accepted(12.0), requirement="REQ-HTTP-FIELD-CASE") == NOTHING_SHOWN


def test_a_bad_request_shows_nothing_where_a_sound_one_is_refused_with_409_too() -> None:
    assert bad(conflict(9.0, NO_VERSION), conflict(8.0), accepted(12.0)) == NOTHING_SHOWN
    assert bad(conflict(9.0, NO_VERSION), *OWN, conflict(12.0)) == NOTHING_SHOWN


OTHER_BAD, THIRD_BAD = (with_header(REIMAGE, "Content-Type", value) for value in ("text/plain", "text/html"))
AFTER_THE_LOCK = [exchange(OTHER_BAD, 400, at=12.0), exchange(THIRD_BAD, 400, at=12.5)]
MET_TOO = [conflict(9.5, OTHER_BAD), conflict(8.0, THIRD_BAD)]


def test_a_bad_request_shows_nothing_where_the_lock_that_others_met_has_passed() -> None:
    assert bad(conflict(9.0, NO_VERSION), *MET_TOO, *AFTER_THE_LOCK) == NOTHING_SHOWN


def test_a_bad_request_shows_nothing_where_one_of_its_kind_was_answered_otherwise_later() -> None:
    again = exchange(NO_VERSION, 400, at=12.0)

    assert bad(conflict(9.0, NO_VERSION), conflict(9.5, NO_VERSION), again) == NOTHING_SHOWN


def test_a_bad_request_shows_nothing_where_one_with_the_same_mistake_was_answered_otherwise_later() -> None:
    by_name = without_header(REIMAGE_BY_NAME, "x-ms-version")
    later = [conflict(9.5, by_name), exchange(by_name, 400, at=12.0)]

    assert bad(conflict(9.0, NO_VERSION), *later) == NOTHING_SHOWN
    assert bad(conflict(9.0, OTHER_BAD), *later) == ACCUSED


def test_a_bad_request_accuses_where_no_lock_was_seen_to_pass() -> None:
    late = [replace(each, at=each.at + world().target.limits.operation_timeout_seconds) for each in AFTER_THE_LOCK]
    ours = [started(at=1.0), poll(SUCCEEDED, at=11.0)]

    assert bad(conflict(9.0, NO_VERSION), *AFTER_THE_LOCK) == ACCUSED
    assert bad(conflict(9.0, NO_VERSION), *MET_TOO, AFTER_THE_LOCK[0]) == ACCUSED, "one kind alone"
    assert bad(conflict(13.0, NO_VERSION), *MET_TOO, *AFTER_THE_LOCK) == ACCUSED
    assert bad(conflict(9.0, NO_VERSION), *MET_TOO, *late) == ACCUSED
    assert bad(conflict(9.0, NO_VERSION), *MET_TOO, *AFTER_THE_LOCK, *ours) == ACCUSED


def test_a_bad_request_accuses_where_sound_ones_are_accepted_meanwhile() -> None:
    first, last = conflict(9.0, NO_VERSION, NAMES_ANOTHER), conflict(20.0, NO_VERSION, NAMES_ANOTHER)

    assert bad(conflict(9.0, NO_VERSION), accepted(8.0), accepted(12.0)) == ACCUSED
    assert bad(last, first, accepted(12.0)) == ACCUSED


def test_a_bad_request_accuses_where_the_sound_one_met_an_operation_of_ours() -> None:
    running = [started(at=1.0), poll(SUCCEEDED, at=11.0)]

    assert bad(conflict(9.0, NO_VERSION), conflict(8.0), *running) == ACCUSED
    assert bad(conflict(9.0, NO_VERSION), conflict(8.0), accepted(1.0)) == ACCUSED


def test_an_operation_without_an_end_runs_no_longer_than_the_operator_allows() -> None:
    late = world().target.limits.operation_timeout_seconds + 2.0

    assert bad(conflict(late + 1, NO_VERSION), conflict(late), accepted(1.0)) == NOTHING_SHOWN


@pytest.mark.parametrize(
    "request_",
    [
        BUILDER.reimage_at("contoso", UriForm.SLOT, PRODUCTION.name, "WebRole1_IN_0"),
        BUILDER.reimage_at("contoso", UriForm.NAME, "production", "WebRole1_IN_0"),
    ],
    ids=["name as slot", "slot as name"],
)
def test_a_request_that_names_the_deployment_in_the_wrong_form_shows_nothing_where_a_sound_one_met_the_lock(
    request_: Request,
) -> None:
    assert bad(conflict(9.0, request_), conflict(8.0), accepted(12.0)) == NOTHING_SHOWN
    assert bad(conflict(9.0, request_), *OWN) == ACCUSED


def test_a_request_that_addresses_no_deployment_accuses() -> None:
    assert bad(conflict(9.0, NOWHERE), conflict(8.0), accepted(12.0)) == ACCUSED


@pytest.mark.parametrize(
    ("neighbour", "outcomes"), [(conflict(8.0), NOTHING_SHOWN), (accepted(8.0), {Outcome.ADVISORY})]
)
def test_a_request_that_several_answers_are_right_for_shows_nothing_where_it_met_the_lock(
    neighbour: Exchange, outcomes: set[Outcome]
) -> None:
    found = weighed(
        "answered_with", [conflict(9.0, VARIED)], neighbour, requirement="REQ-HTTP-CHUNKED", statuses=[202, 411]
    )

    assert {each.outcome for each in found} == outcomes


def test_answers_are_not_compared_where_one_of_them_met_the_lock() -> None:
    plain = exchange(NO_VERSION, 400, at=1.0)
    alike = weighed(
        "same_answer",
        [plain, conflict(9.0, NO_VERSION)],
        conflict(8.0),
        requirement="REQ-VER-MISSING",
        what="other requests at the same time",
    )

    assert [each.outcome for each in alike] == [Outcome.INCONCLUSIVE]


def test_other_verdicts_stay_as_they_are() -> None:
    others = weighed("refused", [exchange(NO_VERSION, 403, error(), at=9.0)], conflict(8.0))

    assert {(each.outcome, each.symptom) for each in others} == {(Outcome.VIOLATED, "status:403")}
