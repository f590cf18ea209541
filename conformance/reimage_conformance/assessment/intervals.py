"""Intervals in which our own requests may be changing a role instance.

A verdict about an effect rests on looks (answers that list role instances with their statuses) or on answers of the probe.
It becomes inconclusive if these overlap such an interval of another request. An interval begins when a request that may
reach the instance is sent. It ends when the operation was seen to end and the instance was seen at ReadyRole again. At
the historical service an instance left ReadyRole only after Succeeded. So if it was not seen to leave, the interval goes
on for a while after the operation (`settling_seconds`); if it was not seen to come back, for as long as an operation may
take (`reimage_conformance.assessment.interval_ends`).

A refused request counts in two cases (`reimage_conformance.assessment.refused_requests`): if the judged request was refused too
and was under way at the same time, or if the effect is on an instance that the judged request does not address, and came
right after the refusal. All of this is computed from the exchanges, so that every journal gives the same intervals,
whichever version wrote it.
"""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING

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
from reimage_conformance.judging.oracle import permitted
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

_READING = ("GET", "HEAD")
_JUDGED = (Outcome.MET, Outcome.VIOLATED, Outcome.ADVISORY)
_VIOLATED_ELSEWHERE = ("REQ-REIMAGE-URI-EQUIV", "REQ-REIMAGE-SLOT-VALUES")
"""The requirements that are violated if a request reaches an instance of the same name in another deployment."""


class Intervals:
    """The intervals of a run, computed from the exchanges that were added so far.

    `_requests` may have started a reimage, `_refused` were answered with a refusal; `_all` holds these and all others that
    may have had an effect at a wrong endpoint. `_slowest_departure` is in seconds, computed when there were
    `_slowest_computed_at` exchanges.
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
        reply, method = exchange.reply, exchange.request.method
        is_refused = reply is not None and reply.status >= 400
        if address.kind in (Kind.REIMAGE, Kind.OTHER) or (method not in _READING and not is_refused):
            self._all.append(OwnRequest(exchange, address, plain_identifier(exchange.request_id)))
        if address.kind is Kind.OPERATION and status_of(exchange) in STATUSES:
            self._ends.add_poll(exchange, address.operation)
        elif address.kind in (Kind.DEPLOYMENT, Kind.CLOUD_SERVICE) and method == "GET":
            self._ends.add_look(exchange, address)
        elif address.kind in (Kind.REIMAGE, Kind.OTHER) and (
            method not in SAFE_METHODS or (reply is not None and (reply.status == 202 or reply.status >= 400))
        ):
            request = OwnRequest(exchange, address, plain_identifier(exchange.request_id))
            if reply is None or request.is_accepted or reply.status in UNKNOWN_EFFECT:
                self._requests.append(request)
                self._ends.add_request(request)
            else:
                self._refused.append(request)

    def without_other_causes(self, verdict: Verdict, world: World) -> Verdict:
        """`verdict`, made inconclusive where another request of ours may have caused the effect that it is about."""
        if verdict.outcome not in _JUDGED:
            return verdict
        effect, compared = self.effect_of(verdict, world)
        if effect is None:
            return verdict
        if effect.unlisted and any(self._was_never_listed(place, world) for place in effect.places):
            return verdict
        found = [self._other_cause(place, effect, verdict, compared, world) for place in effect.places]
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

        After a refused one the instance may leave as long as after the accepted one whose instance was the slowest to
        leave; that is for ever where none was seen to leave.
        """
        if request.is_accepted or request.has_unknown_effect(world):
            end, _ = self._ends.computed_until(request, place, WHOLE_RUN, world)
            return end[0] + self._ends.second_departure_seconds(request, WHOLE_RUN)
        if self._slowest_computed_at != self.exchange_count:
            self._slowest_departure = self._ends.slowest_departure(WHOLE_RUN, world)
            self._slowest_computed_at = self.exchange_count
        return answered(request.exchange)[0] + (self._slowest_departure or inf)

    def left_at(self, request: OwnRequest, world: World) -> float:
        """When a look first showed that the instance of a request had left, in seconds since the run began; infinite where none did."""
        looks = self._ends.looks_for(request, WHOLE_RUN, world)
        later = (look for look in looks if answered(request.exchange) < began(look))
        return next((answered(look)[0] for look in later if not is_ready(look, request.address.instance)), inf)

    def looks_at(self, keys: Iterable[Key]) -> list[Exchange]:
        """The looks that show the instances of a deployment, in order."""
        return self._ends.looks_at(keys)

    @property
    def exchange_count(self) -> int:
        """How many exchanges were added so far."""
        return len(self._exchanges)

    @property
    def latest_requests(self) -> Iterator[OwnRequest]:
        """The requests that may have had an effect, wherever the endpoint is wrong, the latest first."""
        return reversed(self._all)

    def _other_cause(
        self, place: Place, effect: Effect, verdict: Verdict, compared: list[Exchange], world: World
    ) -> tuple[str, tuple[str, ...]]:
        """Why another request may have caused an effect on `place`, and the requirements that are violated in that case.

        The reason is "" where no other request may have caused it.
        """
        looks = [exchange for exchange in compared if not effect.looks or exchange.number in effect.looks]
        window = min(map(began, looks)), max(map(answered, looks))
        judged = [self._exchanges[number] for number in effect.judged if number in self._exchanges]
        others = [
            request for request in self._others(effect, judged) if self._may_have_had_effect(request, effect, window)
        ]
        here = [request for request in others if is_at(request.address, place, world)]
        if verdict.outcome is Outcome.MET:
            here = [request for request in here if not self._failed_late(request, window[1], world)]
        if not effect.judged:  # the first request accepted between the looks is the judged one
            own = next((r for r in here if r.is_accepted and began(r.exchange) > window[0]), None)
            here = [request for request in here if request is not own]
        found = list(here)
        if verdict.outcome is not Outcome.MET and not effect.absent:
            found += [request for request in others if self._may_reach(request, place, effect, world)]
        for request in found:
            may_have_run = request.is_accepted or request.has_unknown_effect(world)
            until = interval_end = self._ends.until(request, place, window[1], world)
            if effect.departs and verdict.outcome is not Outcome.MET and request in here:
                until = (until[0] + self._ends.second_departure_seconds(request, window[1]), until[1])
            if may_have_run and (effect.on_operation or until > window[0]):
                elsewhere = request not in here and is_namesake(request.address, place)
                is_back = not effect.on_operation and interval_end <= window[0]
                reason = worded(request, place, is_back=is_back, is_one_answer=len(looks) == 1)
                return reason, (*blamed(request, world), *(_VIOLATED_ELSEWHERE if elsewhere else ()))
        if verdict.outcome is Outcome.MET or (effect.refusal and verdict.requirement == REFUSED_HAS_NO_EFFECT):
            return "", ()
        if effect.refusal:
            return refused_meanwhile(self._refused, judged, place), ()
        suspect = RefusalSearch(self._ends, place, judged, looks, window[1], world).latest(self._refused)
        if suspect is None:
            return "", ()
        return worded_as_refused(suspect, place), blamed_if_refused(suspect, world)

    def _was_never_listed(self, place: Place, world: World) -> bool:
        """Whether no look of the run lists an instance, and one of them came before the first request that may have reimaged it."""
        looks = self.looks_at(keys_of(place.deployment))
        own = [began(each.exchange) for each in self._requests if is_at(each.address, place, world)]
        first = min(own, default=NEVER)
        is_listed = any(place.role_instance in statuses_in(look) for look in looks)
        return not is_listed and any(answered(look) < first for look in looks)

    def _failed_late(self, request: OwnRequest, horizon: Moment, world: World) -> bool:
        """Whether a request that may fail after its 202 did so by `horizon`: its answers say that it reimaged nothing."""
        return self._ends.has_failed(request, horizon) and permitted(request.exchange.request, world).may_fail_late

    def _others(self, effect: Effect, judged: list[Exchange]) -> Iterator[OwnRequest]:
        """The requests except the judged ones, and except repeats of these that got no reply."""
        same = [replace(exchange.request, fresh_connection=False) for exchange in judged] if effect.refusal else []
        for request in self._requests:
            exchange = request.exchange
            repeated = exchange.reply is None and replace(exchange.request, fresh_connection=False) in same
            if exchange.number not in effect.judged and not repeated:
                yield request

    def _may_have_had_effect(self, request: OwnRequest, effect: Effect, window: tuple[Moment, Moment]) -> bool:
        """Whether a request was sent early enough to have an effect by the last look; `window` goes from the first look to the last.

        If the effect is on an operation, it must also have been answered after the first look.
        """
        return began(request.exchange) < window[1] and (
            not effect.on_operation or answered(request.exchange) > window[0]
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
        over = self._ends.seen_end(request, WHOLE_RUN)
        if key not in keys_of(place.deployment) or address.instance == place.role_instance or over is None:
            return False
        took = over[0] - answered(request.exchange)[0]
        deadline = over[0] + settling_seconds(took, world.target.limits, departs_early=False)
        looks = [look for look in self.looks_at(keys_of(place.deployment)) if began(request.exchange) < began(look)]
        before = [look for look in looks if look.at <= deadline]
        return bool(before) and len(looks) > len(before) and all(is_ready(look, address.instance) for look in before)
