"""Intervals in which our own requests may be changing a role instance.

A verdict about an effect rests on looks (answers that list role instances with their statuses) or on answers of the probe.
It becomes inconclusive if these overlap such an interval of another request. An interval begins when a request that may
reach the instance is sent. It ends when the operation was seen to end and the instance was seen at ReadyRole again. At
the historical service an instance left ReadyRole only after Succeeded. So if it was not seen to leave, the interval goes
on for a while after the operation (`settling_seconds`); if it was not seen to come back, for as long as an operation may
take (`reimage_conformance.assessment.interval_ends`). No document limits the time until an instance leaves: a reimage whose
instance was not seen to leave yet explains one departure of it, however late (`IntervalEnds.may_leave_until`).

A refused request counts in two cases (`reimage_conformance.assessment.refused_requests`): if the judged request was refused too
and was under way at the same time, or if the effect is on an instance that the judged request does not address, and came
right after the refusal. All of this is computed from the exchanges, so that every journal gives the same intervals,
whichever version wrote it.
"""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from reimage_conformance.assessment.interval_ends import NEVER, WHOLE_RUN, IntervalEnds, is_ready
from reimage_conformance.assessment.own_requests import (
    REFUSED_HAS_NO_EFFECT,
    SAFE_METHODS,
    UNKNOWN_EFFECT,
    Key,
    Moment,
    OwnRequest,
    addresses_nothing,
    answered,
    began,
    blamed,
    blamed_if_refused,
    is_at,
    is_namesake,
    keys_of,
    worded,
    worded_as_refused,
)
from reimage_conformance.assessment.refused_requests import RefusalSearch, refused_meanwhile
from reimage_conformance.judging.instances.effects import settling_seconds
from reimage_conformance.judging.operations.polls import STATUSES, status_of
from reimage_conformance.judging.oracle import expectation_of
from reimage_conformance.judging.registry import EFFECTS
from reimage_conformance.model import Outcome, Why
from reimage_conformance.protocol.addresses import Kind, read_target
from reimage_conformance.protocol.deployments import statuses_in
from reimage_conformance.protocol.documents import plain_identifier

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reimage_conformance.judging.registry import Effect
    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Exchange, Verdict
    from reimage_conformance.protocol.requests import Place

_READ_METHODS = ("GET", "HEAD")
"""The methods of looks and polls. `SAFE_METHODS` has more: an endpoint may answer those 2xx without starting anything."""
_JUDGED = (Outcome.MET, Outcome.VIOLATED, Outcome.ADVISORY)
_IF_A_NAMESAKE_IS_REACHED = ("REQ-REIMAGE-URI-EQUIV", "REQ-REIMAGE-SLOT-VALUES")
"""The requirements that are violated if a request reaches an instance of the same name in another deployment."""
_REIMAGE_KINDS = (Kind.REIMAGE, Kind.OTHER)
"""The kinds of address that may lead to a role instance; nothing is known of where one of `Kind.OTHER` leads."""
_LOOK_KINDS = (Kind.DEPLOYMENT, Kind.CLOUD_SERVICE)


class _Window(NamedTuple):
    """The time in which an effect was looked for: `start` is when the first look was sent, `end` when the last one was answered."""

    start: Moment
    end: Moment


class Intervals:
    """The intervals of a run, computed from the exchanges that were added so far.

    `_requests` may have started a reimage, `_refused` were answered with a refusal. `_all` holds these, and the other
    requests that may have had an effect if the endpoint does not conform. `_slowest_departure` is in seconds, computed
    when there were `_slowest_computed_at` exchanges.
    """

    def __init__(self) -> None:
        self._exchanges: dict[int, Exchange] = {}
        self._requests: list[OwnRequest] = []
        self._refused: list[OwnRequest] = []
        self._all: list[OwnRequest] = []
        self._ends = IntervalEnds()
        self._slowest_departure = 0.0
        self._slowest_computed_at = 0

    @classmethod
    def of(cls, exchanges: Iterable[Exchange]) -> Intervals:
        """The intervals of all these exchanges."""
        intervals = cls()
        for exchange in exchanges:
            intervals.add(exchange)
        return intervals

    def add(self, exchange: Exchange) -> None:
        """Adds one exchange."""
        self._exchanges[exchange.number] = exchange
        if exchange.label == "probe":
            return
        address = read_target(exchange.request.resource)
        request = OwnRequest(exchange, address, plain_identifier(exchange.request_id))
        if _may_have_effect(request):
            self._all.append(request)
        if address.kind is Kind.OPERATION and status_of(exchange) in STATUSES:
            self._ends.add_poll(exchange, address.operation)
        elif address.kind in _LOOK_KINDS and exchange.request.method == "GET":
            self._ends.add_look(exchange, address)
        elif _started_or_was_refused(request):
            if exchange.reply is None or request.is_accepted or exchange.reply.status in UNKNOWN_EFFECT:
                self._requests.append(request)
                self._ends.add_request(request)
            else:
                self._refused.append(request)

    def without_other_causes(self, verdict: Verdict, world: World, *, is_late_excused: bool = True) -> Verdict:
        """`verdict`, made inconclusive where another request of ours may have caused the effect that it is about.

        With `is_late_excused`, an earlier reimage may have its effect at any time, until that was seen.
        """
        if verdict.outcome not in _JUDGED:
            return verdict
        effect, compared = self.effect_of(verdict, world)
        if effect is None:
            return verdict
        if effect.unlisted and any(self._was_never_listed(place, world) for place in effect.places):
            return verdict
        effect = replace(effect, departs_late=effect.departs and is_late_excused)
        found = [self._other_cause(place, effect, verdict, compared, world) for place in effect.places]
        # The verdict stands if at one of the places no other request explains what was seen.
        if any(not reason for reason, _ in found):
            return verdict
        reason, because = found[0]
        return replace(
            verdict,
            outcome=Outcome.INCONCLUSIVE,
            actual=reason,
            because=because,
            expected="",
            symptom="",
            why=Why.OWN_REQUEST,
        )

    def effect_of(self, verdict: Verdict, world: World) -> tuple[Effect | None, list[Exchange]]:
        """The effect that a verdict is about, and the answers that were compared; None where it is about no effect on an instance."""
        compared = [self._exchanges[number] for number in verdict.between if number in self._exchanges]
        if verdict.check not in EFFECTS or not compared or len(compared) < len(verdict.between):
            return None, compared
        effect = EFFECTS[verdict.check](world, verdict, compared)
        return (effect if effect is not None and effect.places else None), compared

    def may_last_until(self, request: OwnRequest, place: Place, world: World) -> float:
        """Until when a request may have an effect on an instance, in seconds since the run began, as far as the whole run shows.

        After a refused request, that is as long as the slowest departure after any accepted reimage took. Where no departure was
        seen, it is for ever.
        """
        if request.is_accepted or request.has_unknown_effect(world):
            end, _ = self._ends.computed_end(request, place, WHOLE_RUN, world)
            return end.seconds + self._ends.second_departure_seconds(request, WHOLE_RUN)
        if self._slowest_computed_at != self.exchange_count:
            self._slowest_departure = self._ends.slowest_departure(WHOLE_RUN, world)
            self._slowest_computed_at = self.exchange_count
        return answered(request.exchange).seconds + (self._slowest_departure or inf)

    def first_seen_away_at(self, request: OwnRequest, world: World) -> float:
        """When a look first showed that the instance of a request had left, in seconds since the run began; infinite where none did."""
        looks = self._ends.looks_for(request, WHOLE_RUN, world)
        later = (look for look in looks if answered(request.exchange) < began(look))
        return next((answered(look).seconds for look in later if not is_ready(look, request.address.instance)), inf)

    def looks_at(self, keys: Iterable[Key]) -> list[Exchange]:
        """The looks that show the instances of a deployment, in order."""
        return self._ends.looks_at(keys)

    @property
    def exchange_count(self) -> int:
        """How many exchanges were added so far."""
        return len(self._exchanges)

    @property
    def latest_requests(self) -> Iterator[OwnRequest]:
        """The requests that may have had an effect if the endpoint does not conform, the latest first."""
        return reversed(self._all)

    def _other_cause(
        self, place: Place, effect: Effect, verdict: Verdict, compared: list[Exchange], world: World
    ) -> tuple[str, tuple[str, ...]]:
        """Why another request may have caused an effect on `place`, and the requirements that are violated in that case.

        The reason is "" where no other request may have caused it.
        """
        looks = [exchange for exchange in compared if not effect.looks or exchange.number in effect.looks]
        window = _Window(min(map(began, looks)), max(map(answered, looks)))
        judged = [self._exchanges[number] for number in effect.judged if number in self._exchanges]
        is_met = verdict.outcome is Outcome.MET
        for request, is_here in self._candidates(place, effect, judged, window, world, is_met=is_met):
            change_end = self._ends.change_ends_at(request, place, window.end, world)
            may_leave_until = change_end
            if effect.departs and not is_met and is_here:
                may_leave_until = self._departure_excused_until(request, place, effect, window, world)
            if not effect.on_operation and may_leave_until <= window.start:
                continue
            has_ended = not effect.on_operation and change_end <= window.start
            is_late = has_ended and may_leave_until == NEVER
            reason = worded(request, place, is_late=is_late, is_back=has_ended, is_one_answer=len(looks) == 1)
            reached_namesake = not is_here and is_namesake(request.address, place)
            return reason, (*blamed(request, world), *(_IF_A_NAMESAKE_IS_REACHED if reached_namesake else ()))
        # A met verdict stays met, whatever a refused request may have done.
        return ("", ()) if is_met else self._refused_cause(place, effect, verdict, judged, looks, world)

    def _candidates(
        self,
        place: Place,
        effect: Effect,
        judged: list[Exchange],
        window: _Window,
        world: World,
        *,
        is_met: bool,
    ) -> Iterator[tuple[OwnRequest, bool]]:
        """The requests that may have had an effect on `place` by the end of `window`, each with whether it addresses that place.

        Those that address it come first. A met verdict is doubted because of them alone.
        """
        others = [
            request
            for request in self._others(effect, judged)
            if self._may_have_had_effect(request, effect, window)
            and (request.is_accepted or request.has_unknown_effect(world))
        ]
        here = [request for request in others if is_at(request.address, place, world)]
        if is_met:
            here = [request for request in here if not self._failed_late(request, window.end, world)]
        if not effect.judged:
            here = _without_judged(here, window)
        yield from ((request, True) for request in here)
        if not is_met and not effect.absent:
            misdirected = (request for request in others if self._may_reach(request, place, effect, world))
            yield from ((request, request in here) for request in misdirected)

    def _departure_excused_until(
        self, request: OwnRequest, place: Place, effect: Effect, window: _Window, world: World
    ) -> Moment:
        """Until when an instance may leave ReadyRole because of a request that addresses it, as far as known at the end of `window`.

        If `effect` may come late, a departure that was not seen yet may come at any time, unless the request should have been
        refused and got no reply, or its operation failed because of it.
        """
        is_sound = request.is_accepted or not expectation_of(request.exchange.request, world).must_be_refused_for
        if effect.departs_late and is_sound and not self._failed_late(request, window.end, world):
            return self._ends.may_leave_until(request, place, window.start, window.end, world)
        end = self._ends.change_ends_at(request, place, window.end, world)
        return end._replace(seconds=end.seconds + self._ends.second_departure_seconds(request, window.end))

    def _refused_cause(
        self,
        place: Place,
        effect: Effect,
        verdict: Verdict,
        judged: list[Exchange],
        looks: list[Exchange],
        world: World,
    ) -> tuple[str, tuple[str, ...]]:
        """The same as `_other_cause`, for a refused request as the cause."""
        if effect.refusal:
            # This requirement is violated whichever refused request had the effect, so that another one is no excuse.
            is_no_excuse = verdict.requirement == REFUSED_HAS_NO_EFFECT
            return "" if is_no_excuse else refused_meanwhile(self._refused, judged, place), ()
        horizon = max(map(answered, looks))
        suspect = RefusalSearch(self._ends, place, judged, looks, horizon, world).latest(self._refused)
        if suspect is None:
            return "", ()
        return worded_as_refused(suspect, place), blamed_if_refused(suspect, world)

    def _was_never_listed(self, place: Place, world: World) -> bool:
        """Whether the run never saw an instance listed, although it looked before the first request that may have reimaged it."""
        looks = self.looks_at(keys_of(place.deployment))
        own = [began(each.exchange) for each in self._requests if is_at(each.address, place, world)]
        first = min(own, default=NEVER)
        is_listed = any(place.role_instance in statuses_in(look) for look in looks)
        return not is_listed and any(answered(look) < first for look in looks)

    def _failed_late(self, request: OwnRequest, horizon: Moment, world: World) -> bool:
        """Whether the operation of a request that may fail after its 202 ended Failed by `horizon`, so that it reimaged nothing."""
        return self._ends.has_failed(request, horizon) and expectation_of(request.exchange.request, world).may_fail_late

    def _others(self, effect: Effect, judged: list[Exchange]) -> Iterator[OwnRequest]:
        """The requests that may have started a reimage, except the judged ones.

        If the judged request was refused, repeats of it that got no reply are left out too.
        """
        same = [replace(exchange.request, fresh_connection=False) for exchange in judged] if effect.refusal else []
        for request in self._requests:
            exchange = request.exchange
            repeated = exchange.reply is None and replace(exchange.request, fresh_connection=False) in same
            if exchange.number not in effect.judged and not repeated:
                yield request

    def _may_have_had_effect(self, request: OwnRequest, effect: Effect, window: _Window) -> bool:
        """Whether a request was sent early enough to have an effect by the last look.

        If the effect is on an operation, it must also have been answered after the first look.
        """
        return began(request.exchange) < window.end and (
            not effect.on_operation or answered(request.exchange) > window.start
        )

    def _may_reach(self, request: OwnRequest, place: Place, effect: Effect, world: World) -> bool:
        """Whether a request may have reached a place that it does not address, because the endpoint handles addresses wrongly."""
        went_to_unknown_place = request.is_accepted and (
            addresses_nothing(request.address, world) or self._missed_its_instance(request, place, world)
        )
        return went_to_unknown_place or (effect.anywhere and is_namesake(request.address, place))

    def _missed_its_instance(self, request: OwnRequest, place: Place, world: World) -> bool:
        """Whether an accepted reimage seems to have reached another instance of the deployment than the one that it addresses.

        That is so if it addresses another instance than `place`, and looks showed that instance at ReadyRole until it
        must have left.
        """
        address = request.address
        key = (address.service.lower(), address.form, address.deployment.lower())
        ended = self._ends.seen_end(request, WHOLE_RUN)
        if key not in keys_of(place.deployment) or address.instance == place.role_instance or ended is None:
            return False
        took = ended.seconds - answered(request.exchange).seconds
        deadline = ended.seconds + settling_seconds(took, world.target.limits, departs_early=False)
        looks = [look for look in self.looks_at(keys_of(place.deployment)) if began(request.exchange) < began(look)]
        before = [look for look in looks if look.at <= deadline]
        return bool(before) and len(looks) > len(before) and all(is_ready(look, address.instance) for look in before)


def _may_have_effect(request: OwnRequest) -> bool:
    """Whether a request may have changed an instance if the endpoint does not conform.

    That is so if its address may lead to a role instance, or if it was not refused and is no GET or HEAD.
    """
    reply = request.exchange.reply
    is_refused = reply is not None and reply.status >= 400
    is_reading = request.exchange.request.method in _READ_METHODS
    return request.address.kind in _REIMAGE_KINDS or not (is_reading or is_refused)


def _started_or_was_refused(request: OwnRequest) -> bool:
    """Whether a request may have started a reimage, or was refused one.

    With a method of `SAFE_METHODS`, that is so only if it was answered 202 or refused.
    """
    if request.address.kind not in _REIMAGE_KINDS:
        return False
    if request.exchange.request.method not in SAFE_METHODS:
        return True
    reply = request.exchange.reply
    return reply is not None and (reply.status == 202 or reply.status >= 400)


def _without_judged(requests: list[OwnRequest], window: _Window) -> list[OwnRequest]:
    """`requests` without the judged one where the check does not know it: the first that was accepted between the looks."""
    judged = next((r for r in requests if r.is_accepted and began(r.exchange) > window.start), None)
    return [request for request in requests if request is not judged]
