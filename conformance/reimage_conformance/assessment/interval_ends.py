"""The ends of the intervals in which our own requests may be changing a role instance.

A look is an answer to Get Deployment or Get Cloud Service Properties that lists role instances with their statuses. A
horizon is the moment up to which exchanges count, so that a verdict is the same during the run as after it.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from reimage_conformance.assessment.own_requests import Moment, answered, began, keys_of
from reimage_conformance.judging.instances.effects import (
    LATE_DEPARTURE_SECONDS,
    second_departure_seconds,
    settling_seconds,
)
from reimage_conformance.judging.operations.polls import TERMINAL, status_of
from reimage_conformance.protocol.addresses import UriForm
from reimage_conformance.protocol.deployments import (
    READY,
    deployment_elements,
    has_instance_list,
    member,
    statuses_in,
)
from reimage_conformance.protocol.documents import plain_identifier

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reimage_conformance.assessment.own_requests import Key, OwnRequest
    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Exchange
    from reimage_conformance.protocol.addresses import Address
    from reimage_conformance.protocol.requests import Place

_AFTER_ALL_OTHERS = Moment(inf)
NEVER = _AFTER_ALL_OTHERS
"""The end of an interval that is not known to end."""
WHOLE_RUN = _AFTER_ALL_OTHERS
"""The horizon up to which every exchange counts."""
CLOSE_LOOKS_SECONDS = 0.5
"""Looks follow each other closely if they are at most this far apart: an instance is not away and back between them."""


class IntervalEnds:
    """The ends of intervals, as the requests, polls and looks show them that were added so far.

    `_started` holds the requests that were accepted under an id. `_early_since` is when it became known that instances leave
    ReadyRole early or not at all. `_closed` holds the ends of intervals that are over, by the number of the exchange and the place. `_longest` holds
    the results of `longest_duration` by horizon, -1 for none.
    """

    def __init__(self) -> None:
        self._started: list[OwnRequest] = []
        self._polls: dict[str, list[Exchange]] = {}
        self._looks: dict[Key, list[Exchange]] = {}
        self._early_since: Moment | None = None
        self._closed: dict[tuple[int, Place], Moment] = {}
        self._longest: dict[Moment, float] = {}

    def add_request(self, request: OwnRequest) -> None:
        """Adds a request that may have started a reimage."""
        if request.is_accepted and request.identifier:
            self._started.append(request)
            self._longest.clear()

    def add_poll(self, poll: Exchange, operation: str) -> None:
        """Adds a poll that shows the status of an operation."""
        self._polls.setdefault(plain_identifier(operation), []).append(poll)
        self._longest.clear()

    def add_look(self, look: Exchange, address: Address) -> None:
        """Adds a look; `address` is that of its request."""
        shows_some = bool(statuses_in(look))
        for key in _shown_in(look, address):
            if shows_some or key in self._looks:  # where no instance was ever listed, an empty list tells nothing
                self._looks.setdefault(key, []).append(look)

    def looks_at(self, keys: Iterable[Key], horizon: Moment = WHOLE_RUN) -> list[Exchange]:
        """The looks that show the instances of a deployment, in order."""
        found = {look.number: look for key in keys for look in self._looks.get(key, ()) if answered(look) <= horizon}
        return sorted(found.values(), key=began)

    def looks_for(self, request: OwnRequest, horizon: Moment, world: World) -> list[Exchange]:
        """The looks that show the deployment which a request addresses; if it is listed, by slot and by name."""
        address = request.address
        if address.form is None:
            return []
        deployment = world.deployment_of(address)
        own = (address.service.lower(), address.form, address.deployment.lower())
        return self.looks_at([own] if deployment is None else keys_of(deployment), horizon)

    def seen_end(self, request: OwnRequest, horizon: Moment) -> Moment | None:
        """When the operation of a request was first seen to have ended, by `horizon`; None where it was not."""
        polls = (p for p in self._polls.get(request.identifier, ()) if began(request.exchange) < began(p))
        ends = [answered(poll) for poll in polls if status_of(poll) in TERMINAL and answered(poll) <= horizon]
        return min(ends, default=None)

    def has_failed(self, request: OwnRequest, horizon: Moment) -> bool:
        """Whether the operation of a request was first seen to have ended as Failed, by `horizon`."""
        ended = self.seen_end(request, horizon)
        ends = (p for p in self._polls.get(request.identifier, ()) if ended is not None and answered(p) == ended)
        return any(status_of(end) == "Failed" for end in ends)

    def change_ends_at(self, request: OwnRequest, place: Place, horizon: Moment, world: World) -> Moment:
        """Until when a request may be changing an instance, as far as known at `horizon`.

        An interval that was once found closed stays closed.
        """
        key = (request.exchange.number, place)
        known = self._closed.get(key)
        if known is not None and known <= horizon:
            return known
        end, is_closed = self.computed_end(request, place, horizon, world)
        if is_closed:
            self._closed[key] = end
        return end

    def computed_end(self, request: OwnRequest, place: Place, horizon: Moment, world: World) -> tuple[Moment, bool]:
        """The end of an interval that was not known to be closed, and whether it is closed by `horizon`.

        An operation that was never polled is taken to last as long as the longest known one. The first of these that fits counts:
        1. `NEVER`, if polls show the operation but not its end.
        2. A while after the end (`settling_seconds`), if no look until then shows the instance away.
        3. When it was first seen back at ReadyRole, after the end if that was seen.
        4. The same time as in 2, if looks showed it back before the end, and none after it.
        5. `NEVER`, if the end was not seen.
        6. As long after the end as an operation may take: until then it may come back.
        """
        sent, limits = began(request.exchange), world.target.limits
        polls = [p for p in self._polls.get(request.identifier, ()) if sent < began(p) and answered(p) <= horizon]
        seen_end = self.seen_end(request, horizon)
        if seen_end is None and polls:
            return NEVER, False  # 1
        accepted = answered(request.exchange).seconds
        ended = seen_end or Moment(accepted + self.longest_duration(horizon, limits.operation_timeout_seconds))
        early = self._need_no_time_to_depart_after_end(horizon, world)
        settled = Moment(ended.seconds + settling_seconds(ended.seconds - accepted, limits, departs_early=early))
        looks = [look for look in self.looks_at(keys_of(place.deployment), horizon) if sent < began(look)]
        states = [(look, is_ready(look, place.role_instance)) for look in looks]
        first_away = next(
            (i for i, (look, ready) in enumerate(states) if not ready and look.at <= settled.seconds), None
        )
        if first_away is None:
            return settled, seen_end is not None and settled < horizon  # 2
        back = [began(look) for look, ready in states[first_away:] if ready]
        back_after_end = [moment for moment in back if seen_end is None or moment >= seen_end]
        if back_after_end:
            return back_after_end[0], True  # 3
        if back:
            return settled, False  # 4
        if seen_end is None:
            return NEVER, False  # 5
        return Moment(seen_end.seconds + limits.operation_timeout_seconds), False  # 6

    def second_departure_seconds(self, request: OwnRequest, horizon: Moment) -> float:
        """For how many seconds after its return an instance may leave ReadyRole once more because of a request.

        No document says that it stays at ReadyRole once it is back. 0 where the operation was not seen to end by `horizon`.
        """
        ended = self.seen_end(request, horizon)
        return (
            second_departure_seconds(ended.seconds - answered(request.exchange).seconds) if ended is not None else 0.0
        )

    def may_leave_until(
        self, request: OwnRequest, place: Place, start: Moment, horizon: Moment, world: World
    ) -> Moment:
        """Until when an instance may leave ReadyRole because of a request that addresses it, as far as known at `horizon`.

        No document limits the time until the instance leaves. As long as no look before `start` shows it away, its departure
        may still come: `NEVER`. Once it was seen away, it may leave once more for a while after its return.
        """
        end, sent = self.change_ends_at(request, place, horizon, world), began(request.exchange)
        looks = [look for look in self.looks_at(keys_of(place.deployment), horizon) if sent < began(look)]
        states = [(look, is_ready(look, place.role_instance)) for look in looks]
        left = next((began(look) for look, ready in states if not ready and answered(look) <= start), None)
        if left is None:
            return NEVER
        back = next((began(look) for look, ready in states if ready and left < began(look)), end)
        latest = max(end, back)
        return latest._replace(seconds=latest.seconds + self.second_departure_seconds(request, horizon))

    def longest_duration(self, horizon: Moment, otherwise: float) -> float:
        """The longest duration of an operation in seconds, or `otherwise` where none was seen to end."""
        if horizon not in self._longest:
            ends = ((request, self.seen_end(request, horizon)) for request in self._started)
            took = (ended.seconds - answered(each.exchange).seconds for each, ended in ends if ended)
            self._longest[horizon] = max(took, default=-1.0)
        longest = self._longest[horizon]
        return longest if longest >= 0 else otherwise

    def slowest_departure(self, horizon: Moment, world: World) -> float:
        """The longest time between a 202 and the first look that shows its instance away, by `horizon`, in seconds.

        0 where no instance was seen away.
        """
        found = [0.0]
        for request in self._started:
            accepted, ended = answered(request.exchange), self.seen_end(request, horizon)
            if ended is None or request.address.form is None:
                continue
            settling = settling_seconds(ended.seconds - accepted.seconds, world.target.limits, departs_early=False)
            looks = [look for look in self.looks_for(request, horizon, world) if accepted < began(look)]
            left = next((look for look in looks if not is_ready(look, request.address.instance)), None)
            if left is not None and left.at <= ended.seconds + settling:
                found.append(left.at - accepted.seconds)
        return max(found)

    def _need_no_time_to_depart_after_end(self, horizon: Moment, world: World) -> bool:
        """Whether the instances of this endpoint leave ReadyRole before the end of the operation, or not at all.

        One instance is enough: it was seen away before the end of its operation, or still at ReadyRole long enough after
        it, in looks that followed each other closely.
        """
        if self._early_since is None or self._early_since > horizon:
            found = (self._early_or_never_since(request, horizon, world) for request in self._started)
            self._early_since = min((moment for moment in found if moment is not None), default=None)
        return self._early_since is not None and self._early_since <= horizon

    def _early_or_never_since(self, request: OwnRequest, horizon: Moment, world: World) -> Moment | None:
        """When it became known that the instance of a request left early or not at all; None where that is not known."""
        ended = self.seen_end(request, horizon)
        if ended is None:
            return None
        ready_until = ended.seconds
        for look in self.looks_for(request, horizon, world):
            if began(look) < began(request.exchange):
                continue
            if not is_ready(look, request.address.instance):
                return ended if look.at <= ended.seconds else None
            if look.at > ready_until + CLOSE_LOOKS_SECONDS:
                return None  # it may have been away between two looks
            if look.at >= ended.seconds + LATE_DEPARTURE_SECONDS:
                return answered(look)
            ready_until = max(ready_until, look.at)
        return None


def is_ready(look: Exchange, instance: str) -> bool:
    """Whether a look shows an instance at ReadyRole."""
    return statuses_in(look).get(instance) == READY


def _shown_in(look: Exchange, address: Address) -> Iterator[Key]:
    """The deployments whose lists of instances a look shows, as `keys_of` names them."""
    if not has_instance_list(look):
        return
    if address.form is not None:
        yield (address.service.lower(), address.form, address.deployment.lower())
        return
    for element in deployment_elements(look):
        yield (address.service.lower(), UriForm.NAME, member(element, "Name").lower())
