"""Intervals in which requests of ours may be changing a role instance: no verdict about an effect rests on one.

An instance may be changing from the moment that a request of ours which may reach it is sent until its operation was
seen to be over and the instance was seen back at ReadyRole after it had left. The instance of the historical service
left only after Succeeded, so one that was not seen to leave is waited for (`settling_seconds`). Everything is read
from the exchanges, so that a journal of any age, whatever its runner did, gives the same intervals.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING, TypeAlias

from conformance.checks.deployments import READY, deployment_elements, member, statuses_in
from conformance.checks.instances import LATE_DEPARTURE_SECONDS, settling_seconds
from conformance.checks.polls import STATUSES, TERMINAL, status_of
from conformance.checks.registry import EFFECTS
from conformance.checks.wording import is_passing_fault
from conformance.model import FailureKind, Outcome
from conformance.oracle import permitted
from conformance.protocol.addresses import Address, Kind, UriForm, read_target
from conformance.protocol.documents import plain_identifier
from conformance.protocol.requests import is_cut_short
from conformance.world import Absence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from conformance.checks.registry import Effect
    from conformance.model import Deployment, Exchange, Verdict
    from conformance.protocol.requests import Place
    from conformance.world import World

Moment: TypeAlias = "tuple[float, int]"
"""Seconds since the run began, and the number of the exchange that happened then: exchanges of one moment are in order."""

Key: TypeAlias = "tuple[str, str, str]"
"""A deployment as addresses name it: cloud service, form, and slot or name, in lower case."""
NEVER: Moment = (inf, 0)
_READING = ("GET", "HEAD", "OPTIONS", "TRACE")
"""Methods that have 2xx answers of their own, so that only a 202 to them says that something was started."""
_UNKNOWN_FATE = (500, 502, 504)
"""Statuses with which a sound request may have been carried out all the same, but for a 500 that asks to come back."""
_JUDGED = (Outcome.MET, Outcome.VIOLATED, Outcome.ADVISORY)
_ELSEWHERE = ("REQ-REIMAGE-URI-EQUIV", "REQ-REIMAGE-SLOT-VALUES")
"""What is violated where a request reaches an instance of the same name elsewhere."""
_REFUSED_HAS_NO_EFFECT = "REQ-GOS-NOTFOUND-NOEFFECT"
"""Violated by an effect of any refused request, so that several at a time are no excuse."""


def _began(exchange: Exchange) -> Moment:
    """When a request was sent."""
    return (exchange.at, exchange.number)


def _answered(exchange: Exchange) -> Moment:
    """When its reply had come."""
    return (exchange.at + exchange.elapsed, exchange.number)


@dataclass(frozen=True, slots=True)
class _Request:
    """A request of ours that may have started a reimage; `identifier` is that of the operation, "" where none is known."""

    exchange: Exchange
    address: Address
    identifier: str = ""

    @property
    def is_accepted(self) -> bool:
        """Whether it was answered 2xx."""
        return self.exchange.reply is not None and 200 <= self.exchange.reply.status < 300

    def is_of_unknown_fate(self, world: World) -> bool:
        """Whether nothing tells if it was carried out; a caller who is refused in TLS is refused, and one that is cut short waited for."""
        reply = self.exchange.reply
        judged = permitted(self.exchange.request, world)
        if reply is not None:
            failed = reply.status in _UNKNOWN_FATE and not is_passing_fault(self.exchange)
            return failed and not judged.binding
        failure = self.exchange.failure
        hung_up = failure is not None and failure.kind in (FailureKind.TLS, FailureKind.CLOSED, FailureKind.RESET)
        never_sent = (failure is not None and failure.kind is FailureKind.REFUSED) or is_cut_short(
            self.exchange.request
        )
        stranger = any(defect.layer == "auth" for defect in judged.binding)
        return not never_sent and not (hung_up and stranger)


class Intervals:
    """What the exchanges of a run, as far as they were added, say of when its own requests may be changing an instance."""

    def __init__(self) -> None:
        self._exchanges: dict[int, Exchange] = {}
        self._requests: list[_Request] = []
        self._refused: list[_Request] = []
        self._early: Moment | None = None
        self._polls: dict[str, list[Exchange]] = {}
        self._looks: dict[Key, list[Exchange]] = {}

    @classmethod
    def of(cls, exchanges: Iterable[Exchange]) -> Intervals:
        """The intervals of all these exchanges."""
        intervals = cls()
        for exchange in exchanges:
            intervals.add(exchange)
        return intervals

    def add(self, exchange: Exchange) -> None:
        """Takes one more exchange into account."""
        self._exchanges[exchange.number] = exchange
        if exchange.label == "probe":
            return
        address = read_target(exchange.request.target)
        reply, method = exchange.reply, exchange.request.method
        if address.kind is Kind.OPERATION and status_of(exchange) in STATUSES:
            self._polls.setdefault(plain_identifier(address.operation), []).append(exchange)
        elif address.kind in (Kind.DEPLOYMENT, Kind.CLOUD_SERVICE) and method == "GET":
            for key in _shown_in(exchange, address):
                self._looks.setdefault(key, []).append(exchange)
        elif address.kind in (Kind.REIMAGE, Kind.OTHER) and (
            method not in _READING or (reply is not None and reply.status == 202)
        ):
            identifier = (reply.header("x-ms-request-id") if reply is not None else "") or ""
            request = _Request(exchange, address, plain_identifier(identifier))
            may_have_worked = reply is None or request.is_accepted or reply.status in _UNKNOWN_FATE
            (self._requests if may_have_worked else self._refused).append(request)

    def weighed(self, verdict: Verdict, world: World) -> Verdict:
        """`verdict`, inconclusive where it is about an effect that another request of ours may have had."""
        if verdict.outcome not in _JUDGED or verdict.check not in EFFECTS or not verdict.between:
            return verdict
        given = [self._exchanges[number] for number in verdict.between if number in self._exchanges]
        effect = EFFECTS[verdict.check](world, verdict, given) if len(given) == len(verdict.between) else None
        if effect is None or not effect.places:
            return verdict
        found = [self._confusion(place, effect, verdict, given, world) for place in effect.places]
        if any(not reason for reason, _ in found):
            return verdict
        reason, because = found[0]
        return replace(verdict, outcome=Outcome.INCONCLUSIVE, actual=reason, because=because, expected="", symptom="")

    def _confusion(
        self, place: Place, effect: Effect, verdict: Verdict, given: list[Exchange], world: World
    ) -> tuple[str, tuple[str, ...]]:
        """Why an effect on `place` may be another request's, and the requirements that this points at; "" where it is none's."""
        looks = [exchange for exchange in given if not effect.looks or exchange.number in effect.looks]
        window = min(map(_began, looks)), max(map(_answered, looks))
        judged = [self._exchanges[number] for number in effect.judged if number in self._exchanges]
        others = [request for request in self._others(effect, judged) if self._is_in_the_way(request, effect, window)]
        here = [request for request in others if _is_at(request.address, place, world)]
        if not effect.judged:  # the first that was accepted between the looks is the one whose effect is judged
            own = next((r for r in here if r.is_accepted and _began(r.exchange) > window[0]), None)
            here = [request for request in here if request is not own]
        found = list(here)
        if verdict.outcome is not Outcome.MET:
            found += [request for request in others if self._may_reach(request, place, effect, world)]
        for request in found:
            lasts = request.is_accepted or request.is_of_unknown_fate(world)
            if lasts and (effect.passing or self._until(request, place, window[1], world) > window[0]):
                elsewhere = request not in here and _is_namesake(request.address, place)
                return _worded(request, place), (*_blamed(request, world), *(_ELSEWHERE if elsewhere else ()))
        if effect.refusal and verdict.outcome is not Outcome.MET and verdict.requirement != _REFUSED_HAS_NO_EFFECT:
            return self._beside(judged, place), ()
        return "", ()

    def _others(self, effect: Effect, judged: list[Exchange]) -> Iterator[_Request]:
        """The requests that are not judged themselves, nor the same request once more for want of a reply."""
        same = [replace(exchange.request, fresh_connection=False) for exchange in judged] if effect.refusal else []
        for request in self._requests:
            exchange = request.exchange
            repeated = exchange.reply is None and replace(exchange.request, fresh_connection=False) in same
            if exchange.number not in effect.judged and not repeated:
                yield request

    def _is_in_the_way(self, request: _Request, effect: Effect, window: tuple[Moment, Moment]) -> bool:
        """Whether a request was sent so early that it may have had an effect by the last look; a passing one only between the looks."""
        began = _began(request.exchange)
        return began < window[1] and (not effect.passing or _answered(request.exchange) > window[0])

    def _may_reach(self, request: _Request, place: Place, effect: Effect, world: World) -> bool:
        """Whether a request reaches a place only if the endpoint is wrong about what it addresses."""
        astray = request.is_accepted and _addresses_nothing(request.address, world)
        return astray or (effect.anywhere and _is_namesake(request.address, place))

    def _beside(self, judged: list[Exchange], place: Place) -> str:
        """Which other refused request to an instance of this name was under way at the same time as the one that is judged, or ""."""
        for exchange in judged:
            for other in self._refused:
                rival = _is_namesake(other.address, place) and other.exchange.request != exchange.request
                if rival and _overlap(exchange, other.exchange):
                    return f"another request that was refused (exchange {other.exchange.number}) was under way at the same time"
        return ""

    def _until(self, request: _Request, place: Place, horizon: Moment, world: World) -> Moment:
        """Until when a request may be changing an instance, as far as was known at `horizon`."""
        began, limits = _began(request.exchange), world.target.limits
        polls = [p for p in self._polls.get(request.identifier, ()) if began < _began(p) and _answered(p) <= horizon]
        over = self._over(request, horizon)
        if over is None and polls:
            return NEVER
        accepted = _answered(request.exchange)[0]
        ended = over if over is not None else (accepted + self._longest(horizon, limits.operation_timeout_seconds), 0)
        early = self._departs_early(horizon)
        deadline = (ended[0] + settling_seconds(ended[0] - accepted, limits, departs_early=early), 0)
        looks = [look for look in self._looks_at(_keys_of(place.deployment), horizon) if began < _began(look)]
        states = [(look, _is_ready(look, place.role_instance)) for look in looks]
        left = next((i for i, (look, ready) in enumerate(states) if not ready and look.at <= deadline[0]), None)
        if left is None:
            return deadline
        back = [_began(look) for look, ready in states[left:] if ready]
        since = [moment for moment in back if over is None or moment >= over]
        if since:
            return since[0]
        return deadline if back else NEVER

    def _over(self, request: _Request, horizon: Moment) -> Moment | None:
        """When the operation of a request was first seen to be over, as far as was known at `horizon`."""
        polls = (p for p in self._polls.get(request.identifier, ()) if _began(request.exchange) < _began(p))
        ends = [_answered(poll) for poll in polls if status_of(poll) in TERMINAL and _answered(poll) <= horizon]
        return min(ends, default=None)

    def _looks_at(self, keys: Iterable[Key], horizon: Moment) -> list[Exchange]:
        """The looks that show the instances of a deployment, in order."""
        found = {look.number: look for key in keys for look in self._looks.get(key, ()) if _answered(look) <= horizon}
        return sorted(found.values(), key=_began)

    def _started(self) -> Iterator[_Request]:
        """The requests that were accepted under an id."""
        return (request for request in self._requests if request.is_accepted and request.identifier)

    def _longest(self, horizon: Moment, otherwise: float) -> float:
        """The longest time that an operation was seen to take, in seconds, or `otherwise` where none was seen to end."""
        ends = ((request, self._over(request, horizon)) for request in self._started())
        return max((over[0] - _answered(request.exchange)[0] for request, over in ends if over), default=otherwise)

    def _departs_early(self, horizon: Moment) -> bool:
        """Whether instances do not leave late: one was seen away before the end, or to stay for long enough after it."""
        if self._early is None or self._early > horizon:
            found = (self._early_by(request, horizon) for request in self._started())
            self._early = min((moment for moment in found if moment is not None), default=None)
        return self._early is not None and self._early <= horizon

    def _early_by(self, request: _Request, horizon: Moment) -> Moment | None:
        """When it was known of the instance of a request that it does not leave late, if it was."""
        over, address = self._over(request, horizon), request.address
        if over is None or address.form is None:
            return None
        key = (address.service.lower(), address.form, address.deployment.lower())
        for look in self._looks_at([key], horizon):
            if _began(look) < _began(request.exchange):
                continue
            if not _is_ready(look, address.instance):
                return over if look.at <= over[0] else None
            if look.at >= over[0] + LATE_DEPARTURE_SECONDS:
                return _answered(look)
        return None


def weighed(verdicts: Iterable[Verdict], exchanges: Mapping[int, Exchange], world: World) -> list[Verdict]:
    """`verdicts`, those inconclusive that are about an effect which another request of ours may have had."""
    intervals = Intervals.of(exchanges.values())
    return [intervals.weighed(verdict, world) for verdict in verdicts]


def _shown_in(look: Exchange, address: Address) -> Iterator[Key]:
    """Which deployments a look shows the instances of, as `_keys_of` names them."""
    if not statuses_in(look):
        return
    if address.form is not None:
        yield (address.service.lower(), address.form, address.deployment.lower())
        return
    for element in deployment_elements(look):
        yield (address.service.lower(), UriForm.NAME, member(element, "Name").lower())


def _keys_of(deployment: Deployment) -> tuple[Key, ...]:
    """A deployment by its slot and by its name, whatever their letter case."""
    service = deployment.cloud_service.lower()
    return ((service, UriForm.SLOT, deployment.slot.lower()), (service, UriForm.NAME, deployment.name.lower()))


def _is_ready(look: Exchange, instance: str) -> bool:
    """Whether a look shows an instance at ReadyRole."""
    return statuses_in(look).get(instance) == READY


def _is_at(address: Address, place: Place, world: World) -> bool:
    """Whether an address leads to a place, letter case and white space aside."""
    if address.form is None or address.subscription.lower() != world.target.subscription_id.lower():
        return False
    key = (address.service.strip().lower(), address.form, address.deployment.strip().lower())
    return key in _keys_of(place.deployment) and _is_namesake(address, place)


def _is_namesake(address: Address, place: Place) -> bool:
    """Whether an address names an instance of this name, wherever."""
    return address.instance.strip().lower() == place.role_instance.lower()


def _addresses_nothing(address: Address, world: World) -> bool:
    """Whether an address leads to no place that is known, so that where the request went is not known either."""
    if address.kind is not Kind.REIMAGE or address.subscription.lower() != world.target.subscription_id.lower():
        return True
    return world.absence(address) is not Absence.NOTHING


def _overlap(first: Exchange, second: Exchange) -> bool:
    """Whether two requests were under way at the same time."""
    return first.at < second.at + second.elapsed and second.at < first.at + first.elapsed


def _worded(request: _Request, place: Place) -> str:
    """How a request of ours was in the way, for people."""
    number, name = request.exchange.number, place.role_instance
    if not request.is_accepted:
        return f"our own request to reimage {request.address.instance} (exchange {number}) got no reply that tells whether it was carried out, and may have changed {name} between the looks"
    if _is_namesake(request.address, place):
        return f"our own reimage of {name} (exchange {number}) was under way between the looks"
    return f"our own request (exchange {number}) was accepted although it addresses nothing known, and may have changed {name} between the looks"


def _blamed(request: _Request, world: World) -> tuple[str, ...]:
    """The requirements that an accepted request breaks, if it should have been refused."""
    return tuple(dict.fromkeys(defect.requirement for defect in permitted(request.exchange.request, world).binding))
