"""Spontaneous departures: role instances that leave ReadyRole though no request of ours can be the cause.

A role may be busy by itself. An endpoint whose instances were seen to do so without a request is not blamed for one
that does so between two other answers. All of this is computed from the exchanges.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from reimage_conformance.assessment.own_requests import addresses_nothing, answered, began, is_at, is_namesake, keys_of
from reimage_conformance.model import Outcome, Why
from reimage_conformance.protocol.deployments import READY, ROLE_STATES, statuses_in
from reimage_conformance.protocol.requests import Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reimage_conformance.assessment.intervals import Intervals
    from reimage_conformance.assessment.own_requests import OwnRequest
    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Deployment, Exchange, Verdict


def weighed(verdict: Verdict, intervals: Intervals, world: World) -> Verdict:
    """`verdict` as it counts.

    It is inconclusive where another request of ours may have caused the effect that it is about. It is untested where
    it accuses the endpoint of a departure such as its instances were seen to make by themselves.
    """
    weighed = intervals.without_other_causes(verdict, world)
    if weighed.outcome is not Outcome.VIOLATED:
        return weighed
    effect, compared = intervals.effect_of(verdict, world)
    if effect is None or not effect.departs or not all(_is_role_state(place, compared) for place in effect.places):
        return weighed
    departure = next(_departures(intervals, world), None)
    if departure is None:
        return weighed
    reason = (
        f"{verdict.actual}; no request explains that {departure}, so instances of this endpoint do so by themselves"
    )
    return replace(weighed, outcome=Outcome.UNTESTED, actual=reason, expected="", symptom="", why=Why.OTHER)


def all_weighed(verdicts: Iterable[Verdict], intervals: Intervals, world: World) -> list[Verdict]:
    """`verdicts`, each as it counts (`weighed`)."""
    return [weighed(verdict, intervals, world) for verdict in verdicts]


@dataclass(frozen=True, slots=True)
class _Departure:
    """An instance that was at ReadyRole in look `before`, and in look `after`, the next one, is in a state of `ROLE_STATES`."""

    place: Place
    before: Exchange
    after: Exchange

    def __str__(self) -> str:
        status = statuses_in(self.after)[self.place.role_instance]
        return f"{self.place.role_instance} was {status} in exchange {self.after.number}"


def _departures(intervals: Intervals, world: World) -> Iterator[_Departure]:
    """The spontaneous departures of listed instances, in no particular order."""
    for deployment in world.target.deployments:
        for departure in _departures_of(deployment, intervals):
            if not any(_may_explain(request, departure, intervals, world) for request in intervals.sent):
                yield departure


def _departures_of(deployment: Deployment, intervals: Intervals) -> Iterator[_Departure]:
    """The departures of the listed instances of a deployment from one look to the next, whatever the cause."""
    for before, after in pairwise(intervals.looks_at(keys_of(deployment))):
        was, now = statuses_in(before), statuses_in(after)
        for name in deployment.role_instances:
            if was.get(name) == READY and now.get(name) in ROLE_STATES:
                yield _Departure(Place(deployment, name), before, after)


def _may_explain(request: OwnRequest, departure: _Departure, intervals: Intervals, world: World) -> bool:
    """Whether a request of ours may be the cause of a departure.

    An accepted request may have reached any instance of its own deployment and any of the same name, and any at all if
    it addresses nothing that exists. So may a refused one, but only while it is under way. An instance that is still at
    ReadyRole once the instance that was addressed must have left does not leave because of that request.
    """
    place, address, since = departure.place, request.address, began(departure.before)[0]
    if began(request.exchange) > answered(departure.after):
        return False
    if is_namesake(address, place) or addresses_nothing(address, world):
        return intervals.may_last_until(request, place, world) >= since
    is_beside = is_at(replace(address, instance=place.role_instance), place, world)
    return is_beside and intervals.must_leave_by(request, world) >= since


def _is_role_state(place: Place, compared: Iterable[Exchange]) -> bool:
    """Whether the answers that are compared show an instance only at ReadyRole and in states of `ROLE_STATES`."""
    seen = {statuses_in(look).get(place.role_instance, READY) for look in compared}
    return seen <= {READY, *ROLE_STATES}
