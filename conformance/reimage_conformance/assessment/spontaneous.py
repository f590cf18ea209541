"""Spontaneous departures: role instances that leave ReadyRole although no request of ours can be the cause.

A role may be busy by itself, and an update of its host may stop its virtual machine. An endpoint whose instances were
seen to be so without a request is not blamed for one that is so after a request. A virtual machine that was seen to stop
explains a busy role too; a role that was seen busy explains no virtual machine that stops. All of this is computed from the exchanges.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

from reimage_conformance.assessment.own_requests import (
    REFUSED_HAS_NO_EFFECT,
    addresses_nothing,
    answered,
    began,
    is_at,
    is_namesake,
    keys_of,
)
from reimage_conformance.model import Outcome, Why
from reimage_conformance.protocol.addresses import Kind, read_target
from reimage_conformance.protocol.deployments import MACHINE_STATES, READY, ROLE_STATES, has_instance_list, statuses_in
from reimage_conformance.protocol.requests import Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reimage_conformance.assessment.intervals import Intervals
    from reimage_conformance.assessment.own_requests import OwnRequest
    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Deployment, Exchange, Verdict

GROWTH = 1.1
"""After a search that found nothing, the next one comes when the number of exchanges has grown by this factor."""


class Weighing:
    """Weighs verdicts by the exchanges of a run that `intervals` holds so far.

    For each `after_refusal` and `states` of `spontaneous`, `_found` holds the first spontaneous departure that was found,
    and `_searched` the number of exchanges at the last search. `_proven` holds the kinds of effect of which a violation stands.
    """

    def __init__(self, intervals: Intervals) -> None:
        self._intervals = intervals
        self._proven: set[_Kind] = set()
        self._searched: dict[_Sought, int] = {}
        self._found: dict[_Sought, Departure] = {}

    def weighed(self, verdicts: Iterable[Verdict], world: World) -> list[Verdict]:
        """`verdicts` as they count.

        A verdict is inconclusive where another request of ours may have caused the effect that it is about. It is
        untested where it accuses the endpoint of a departure such as its instances were seen to make by themselves.
        A departure that may be the late effect of an earlier reimage is no excuse any more once a violation of the same
        kind stands without it.
        """
        made = list(verdicts)
        found = [self._weighed(verdict, world) for verdict in made]
        self._proven |= {kind for verdict in found if verdict.is_violation and (kind := _kind(verdict)) is not None}
        return [
            self._weighed(before, world) if before.is_violation and _kind(before) in self._proven else after
            for before, after in zip(made, found, strict=True)
        ]

    def _weighed(self, verdict: Verdict, world: World) -> Verdict:
        is_late_excused = _kind(verdict) not in self._proven
        weighed = self._intervals.without_other_causes(verdict, world, is_late_excused=is_late_excused)
        if not weighed.is_violation:
            return weighed
        effect, compared = self._intervals.effect_of(verdict, world)
        if effect is None or not effect.departs:
            return weighed
        shown = [_states(place, compared, world) for place in effect.places]
        states = _explaining(set().union(*shown)) if all(shown) else ()
        departure = self._departure(world, (effect.refusal, states)) if states else None
        if departure is None:
            return weighed
        reason = f"{verdict.actual}; {departure} although no request explains it, so role instances leave {READY} at times by themselves"
        return replace(weighed, outcome=Outcome.UNTESTED, actual=reason, expected="", symptom="", why=Why.OTHER)

    def _departure(self, world: World, sought: _Sought) -> Departure | None:
        """A spontaneous departure of the run, as `spontaneous` finds it; None where none is known."""
        found, size = self._found.get(sought), self._intervals.exchange_count
        if found is None and size >= self._searched.get(sought, 0) * GROWTH:
            after_refusal, states = sought
            found = spontaneous(self._intervals, world, after_refusal=after_refusal, states=states)
            self._searched[sought] = size
            if found is not None:
                self._found[sought] = found
        return found


class _Kind(Enum):
    """The kinds of effect that no request of ours should have."""

    ON_OTHERS = auto()
    OF_A_REFUSAL = auto()


_KINDS = {
    "REQ-REIMAGE-OTHERS-UNTOUCHED": _Kind.ON_OTHERS,
    "REQ-REIMAGE-URI-EQUIV": _Kind.ON_OTHERS,
    REFUSED_HAS_NO_EFFECT: _Kind.OF_A_REFUSAL,
}
"""The kind of effect that a violation of a requirement shows."""


def _kind(verdict: Verdict) -> _Kind | None:
    """The kind of effect that a verdict is about, None for any other effect; a refusal may violate its own requirement too."""
    return _Kind.OF_A_REFUSAL if verdict.check == "instance_untouched" else _KINDS.get(verdict.requirement)


_Sought: TypeAlias = "tuple[bool, tuple[str, ...]]"
"""What `spontaneous` looks for: `after_refusal` and `states`."""


def _explaining(shown: set[str]) -> tuple[str, ...]:
    """The states of a spontaneous departure that explains an instance in the states `shown`; none where nothing does."""
    away = shown - {READY}
    if away <= {*ROLE_STATES}:
        return (*ROLE_STATES, *MACHINE_STATES)
    return MACHINE_STATES if away <= {*ROLE_STATES, *MACHINE_STATES} else ()


@dataclass(frozen=True, slots=True)
class Departure:
    """An instance that was at ReadyRole in look `before`, and in look `after`, the next one, is away."""

    place: Place
    before: Exchange
    after: Exchange

    def __str__(self) -> str:
        status = statuses_in(self.after)[self.place.role_instance]
        return f"{self.place.role_instance} was {status} in exchange {self.after.number}"


def spontaneous(
    intervals: Intervals, world: World, *, after_refusal: bool, states: tuple[str, ...]
) -> Departure | None:
    """A departure of an instance into one of `states` that no request of ours explains, or None.

    With `after_refusal`, refused requests explain one as well: that they have no effect is in question. Without it, they
    explain only a departure of an instance of the name that they address.
    """
    for departure in _departures(intervals, world, states):
        sent = (r for r in intervals.latest_requests if after_refusal or _may_be_carried_out(r, departure, world))
        if not any(_explains(request, departure, intervals, world) for request in sent):
            return departure
    return None


def _may_be_carried_out(request: OwnRequest, departure: Departure, world: World) -> bool:
    """Whether a request was accepted, may have been carried out, or addresses an instance of the name of the one that left."""
    return request.is_accepted or request.has_unknown_effect(world) or is_namesake(request.address, departure.place)


def _departures(intervals: Intervals, world: World, states: tuple[str, ...]) -> Iterator[Departure]:
    """The departures of instances of listed deployments into one of `states` from one answer to Get Deployment to the next, whatever the cause."""
    for deployment in world.target.deployments:
        shown = intervals.looks_at(keys_of(deployment))
        looks = [look for look in shown if read_target(look.request.resource).kind is Kind.DEPLOYMENT]
        for before, after in pairwise(looks):
            yield from _departures_between(before, after, deployment, states)


def _departures_between(
    before: Exchange, after: Exchange, deployment: Deployment, states: tuple[str, ...]
) -> Iterator[Departure]:
    """The departures of instances of a deployment, listed or not, into one of `states` between two looks; not of those that fail."""
    was, now = statuses_in(before), statuses_in(after)
    for name in was:
        if was[name] == READY and now.get(name) in states and name not in deployment.failing_role_instances:
            yield Departure(Place(deployment, name), before, after)


def _explains(request: OwnRequest, departure: Departure, intervals: Intervals, world: World) -> bool:
    """Whether a request of ours may have caused a departure at a wrong endpoint.

    An accepted one may have reached any instance, and a refused one any of its own deployment, any of the same name, and
    any at all if it addresses nothing that exists. A request for another instance does not explain a departure into one
    of `ROLE_STATES` if a look showed this instance at ReadyRole after an earlier look had shown that one away: a wrong
    endpoint may stop the machines one after the other.
    """
    place, address, ready_at = departure.place, request.address, departure.before.at
    if began(request.exchange) > answered(departure.after):
        return False
    may_be_mixed_up = is_namesake(address, place) or addresses_nothing(address, world)
    is_same_deployment = is_at(replace(address, instance=place.role_instance), place, world)
    if not (may_be_mixed_up or is_same_deployment or request.is_accepted or request.has_unknown_effect(world)):
        return False
    if intervals.may_last_until(request, place, world) < ready_at:
        return False
    is_stopped = statuses_in(departure.after).get(place.role_instance) in MACHINE_STATES
    return may_be_mixed_up or is_stopped or intervals.first_seen_away_at(request, world) >= ready_at


def _states(place: Place, compared: Iterable[Exchange], world: World) -> set[str]:
    """The states in which the answers that are compared show an instance, "" where one does not show it."""
    looks = [
        e
        for e in compared
        if has_instance_list(e) and world.deployment_of(read_target(e.request.resource)) == place.deployment
    ]
    return {statuses_in(look).get(place.role_instance, "") for look in looks}
