"""Spontaneous departures: an endpoint is not blamed for instances that are busy by themselves, as its other answers show."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from judging_samples import (
    BUILDER,
    FABRIKAM,
    LOOK,
    NO_VERSION,
    OTHER_ID,
    PRODUCTION,
    REIMAGE,
    SUCCEEDED,
    exchange,
    look,
    numbered,
    operation,
    poll,
    refusal,
    started,
    world,
)
from reimage_conformance.assessment.intervals import Intervals
from reimage_conformance.assessment.spontaneous import Weighing
from reimage_conformance.judging import CHECKS, judge
from reimage_conformance.model import Limits, Outcome
from reimage_conformance.protocol.requests import Place, without_header

if TYPE_CHECKING:
    from reimage_conformance.model import Exchange, Request

OWN, OTHER = "WebRole1_IN_0", "WebRole1_IN_1"
UNLISTED = "WebRole1_IN_9"
"""An instance that the target file does not list."""
NEIGHBOUR = BUILDER.reimage(Place(PRODUCTION, OTHER))
WORLD = world(limits=Limits(poll_interval_seconds=0.1, operation_timeout_seconds=60.0))
REQUIREMENT, ADVISED = "REQ-VER-MISSING", "REQ-REIMAGE-OFFLINE"
"""A requirement whose violation fails a run, and one whose violation is an advisory."""


def shown(at: float, status: str = "ReadyRole", instance: str = OTHER) -> Exchange:
    """A look that shows one instance in `status`, and the other at ReadyRole."""
    return look({OWN: "ReadyRole", OTHER: "ReadyRole", instance: status}, at=at, label="look")


def refused(at: float, request: Request = NO_VERSION) -> Exchange:
    return replace(refusal(request, 400, "MissingOrIncorrectVersionHeader"), at=at)


def reimaged(at: float, *, seconds: float, leaves: float) -> list[Exchange]:
    """A reimage of the first instance, which takes `seconds` and is seen away `leaves` seconds after the 202."""
    ended = poll(
        operation("Succeeded", "200", identifier=OTHER_ID), at=at + seconds, request=BUILDER.operation_status(OTHER_ID)
    )
    return [
        started(REIMAGE, at=at, identifier=OTHER_ID),
        shown(at + leaves, "StoppedVM", OWN),
        ended,
        shown(at + seconds + 0.1),
    ]


def outcome_of(
    *others: Exchange, status: str = "BusyRole", requirement: str = REQUIREMENT, instance: str = OWN
) -> Outcome:
    """The outcome of a refusal at 101 s, between looks at 100 s and 102 s that show an instance leave for `status`."""
    given = [shown(100.0, instance=instance), refused(101.0), shown(102.0, status, instance)]
    seen = [replace(e, number=n) for n, e in enumerate(sorted([*given, *others], key=lambda e: e.at), start=1)]
    compared = [each for each in seen if 100.0 <= each.at <= 102.0]
    arguments = {"requirement": requirement} | ({"instance": instance} if instance == OWN else {})
    check = CHECKS["unlisted_untouched" if instance == UNLISTED else "instance_untouched"]
    made = judge(WORLD, check, compared, **arguments)
    weighed = Weighing(Intervals.of(numbered(*seen).values())).weighed(made, WORLD)
    return {verdict.requirement: verdict.outcome for verdict in weighed}[requirement]


def busy_between(at: float) -> list[Exchange]:
    """Looks that show the other instance ready at `at`, busy one second later, and ready after two."""
    return [shown(at), shown(at + 1.0, "BusyRole"), shown(at + 2.0)]


BY_ITSELF = busy_between(20.0)
"""The other instance was busy for a moment, although nothing had been sent."""
LATE_IN_A_REIMAGE = [*reimaged(19.0, seconds=8.0, leaves=0.5), *BY_ITSELF]
"""It was so during a reimage of the first instance, which had left before."""


@pytest.mark.parametrize("seen", [BY_ITSELF, LATE_IN_A_REIMAGE], ids=["nothing was sent", "late in a reimage"])
def test_an_endpoint_whose_instances_are_busy_by_themselves_is_not_accused_of_one_that_is(seen: list[Exchange]) -> None:
    assert outcome_of() is Outcome.VIOLATED
    assert outcome_of(*seen) is Outcome.UNTESTED


def test_advice_is_excused_as_violations_are() -> None:
    assert outcome_of(requirement=ADVISED) is Outcome.ADVISORY
    assert outcome_of(*BY_ITSELF, requirement=ADVISED) is Outcome.UNTESTED


def test_a_state_that_no_role_takes_by_itself_is_a_violation_all_the_same() -> None:
    assert outcome_of(*BY_ITSELF, status="StoppedVM") is Outcome.VIOLATED


STOPPED_BY_ITSELF = [shown(20.0), shown(21.0, "StoppingVM"), shown(22.0, "StartingVM"), shown(23.0)]
"""The machine of the other instance was stopped and started, as for an update of its host."""


@pytest.mark.parametrize("status", ["BusyRole", "StoppingVM", "StoppedVM", "StartingVM"])
def test_a_machine_that_was_stopped_by_itself_excuses_one_that_is_and_a_busy_role(status: str) -> None:
    assert outcome_of(status=status) is Outcome.VIOLATED
    assert outcome_of(*STOPPED_BY_ITSELF, status=status) is Outcome.UNTESTED


def test_an_unlisted_machine_that_others_stop_is_held_against_nobody() -> None:
    """Others may reimage, stop or add what the target file does not list."""
    stopped = [
        shown(at, status, UNLISTED) for at, status in ((20.0, "ReadyRole"), (21.0, "StoppedVM"), (22.0, "ReadyRole"))
    ]

    assert outcome_of(status="StoppedVM", instance=UNLISTED) is Outcome.VIOLATED
    assert outcome_of(*stopped, status="StoppedVM", instance=UNLISTED) is Outcome.UNTESTED
    assert outcome_of(*stopped, status="StoppedVM") is Outcome.UNTESTED


def test_a_machine_that_a_request_may_have_stopped_excuses_nothing() -> None:
    asked = [shown(20.0), started(NEIGHBOUR, at=20.5), shown(21.0, "StoppedVM"), poll(SUCCEEDED, at=22.0)]

    assert outcome_of(*asked, status="StoppedVM") is Outcome.VIOLATED


@pytest.mark.parametrize("status", ["FailedStartingVM", "DeletingVM"])
def test_a_state_of_another_kind_is_not_excused(status: str) -> None:
    assert outcome_of(*STOPPED_BY_ITSELF, status=status) is Outcome.VIOLATED


EXPLAINED = {
    "it was away when the looks began": [shown(21.0, "BusyRole"), shown(22.0)],
    "it was asked for": [shown(20.0), started(NEIGHBOUR, at=20.5), shown(21.0, "BusyRole"), poll(SUCCEEDED, at=22.0)],
    "a refused request asked for it": [
        shown(20.0),
        refused(20.5, without_header(NEIGHBOUR, "x-ms-version")),
        shown(21.0, "BusyRole"),
    ],
    "a reimage of its neighbour had just begun": [
        *reimaged(19.9, seconds=8.0, leaves=2.0),
        shown(20.0),
        shown(21.0, "BusyRole"),
    ],
    "an answer about other deployments too": [
        shown(20.0),
        replace(shown(21.0, "BusyRole"), request=BUILDER.cloud_service(PRODUCTION.cloud_service)),
    ],
    "a reimage in another deployment had just begun": [
        shown(20.0),
        started(BUILDER.reimage(Place(FABRIKAM, FABRIKAM.role_instances[-1])), at=20.5),
        shown(21.0, "BusyRole"),
    ],
    "a GET asked for it": [
        shown(20.0),
        exchange(replace(NEIGHBOUR, method="GET"), 200, at=20.5),
        shown(21.0, "BusyRole"),
    ],
    "a request for its deployment came before": [
        shown(20.0),
        exchange(replace(LOOK, method="DELETE"), 200, at=20.5),
        shown(21.0, "BusyRole"),
    ],
    "a refused request may show late": [
        *reimaged(5.0, seconds=4.0, leaves=2.0),
        refused(19.0, without_header(NEIGHBOUR, "x-ms-version")),
        shown(20.0),
        shown(21.0, "BusyRole"),
    ],
    "a reimage of something unknown was accepted": [
        started(BUILDER.reimage(Place(replace(PRODUCTION, name="unknown", slot="unknown"), OTHER)), at=19.0),
        poll(SUCCEEDED, at=23.0),
        *BY_ITSELF,
    ],
}


@pytest.mark.parametrize("seen", EXPLAINED.values(), ids=EXPLAINED)
def test_a_departure_that_a_request_may_explain_excuses_nothing(seen: list[Exchange]) -> None:
    assert outcome_of(*seen) is Outcome.VIOLATED


@pytest.mark.parametrize(("status", "outcome"), [("StoppedVM", Outcome.VIOLATED), ("BusyRole", Outcome.UNTESTED)])
def test_machines_that_stop_one_after_the_other_in_a_reimage_excuse_nothing(status: str, outcome: Outcome) -> None:
    """A wrong endpoint may stop the other machine once the first one is away; an instance may be busy at any time."""
    later = [*reimaged(19.0, seconds=8.0, leaves=0.5), shown(20.0), shown(21.0, status)]

    assert outcome_of(*later, status=status) is outcome


def outcome_of_others(*others: Exchange, status: str = "BusyRole") -> Outcome:
    """The outcome of a reimage at 101 s during which the other instance is in `status` in the look at 102 s."""
    given = [shown(100.0), started(REIMAGE, at=101.0), shown(102.0, status)]
    seen = [replace(e, number=n) for n, e in enumerate(sorted([*given, *others], key=lambda e: e.at), start=1)]
    compared = [each for each in seen if 100.0 <= each.at <= 102.0]
    arguments = {"instance": OWN, "others": [OTHER], "ended_at": 101.5, "waited": 0.5}
    made = judge(WORLD, CHECKS["instance_effect"], compared, **arguments)
    weighed = Weighing(Intervals.of(numbered(*seen).values())).weighed(made, WORLD)
    return {verdict.requirement: verdict.outcome for verdict in weighed}["REQ-REIMAGE-OTHERS-UNTOUCHED"]


@pytest.mark.parametrize(
    ("request_before", "outcome"),
    [
        (NO_VERSION, Outcome.UNTESTED),
        (BUILDER.reimage(Place(replace(PRODUCTION, name="unknown", slot="unknown"), "Nobody")), Outcome.UNTESTED),
        (without_header(NEIGHBOUR, "x-ms-version"), Outcome.VIOLATED),
    ],
    ids=["to another instance", "to nothing", "to the instance that was busy"],
)
def test_refused_requests_to_others_do_not_explain_what_an_accepted_one_is_accused_of(
    request_before: Request, outcome: Outcome
) -> None:
    assert outcome_of_others() is Outcome.VIOLATED
    assert outcome_of_others(refused(19.5, request_before), *BY_ITSELF) is outcome


def test_a_host_update_during_a_reimage_is_excused_where_one_without_a_request_was_seen() -> None:
    assert outcome_of_others(status="StoppedVM") is Outcome.VIOLATED
    assert outcome_of_others(*BY_ITSELF, status="StoppedVM") is Outcome.VIOLATED
    assert outcome_of_others(*STOPPED_BY_ITSELF, status="StoppedVM") is Outcome.UNTESTED
