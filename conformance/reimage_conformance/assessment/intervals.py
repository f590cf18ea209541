"""Intervals in which our own requests may be changing a role instance.

A verdict about an effect becomes inconclusive if its looks overlap such an interval of another request. An interval
begins when a request that may reach the instance is sent. It ends when the operation was seen to end and the instance
was seen at ReadyRole again. At the historical service an instance left ReadyRole only after Succeeded. So if it was not
seen to leave, the interval goes on for a while after the operation (`settling_seconds`). A refused request counts only
where the effect is on an instance that the judged request does not address. If that instance leaves ReadyRole right
after the refusal, the judged request is not accused. All of this is computed from the exchanges, so that every journal
gives the same intervals, whichever version wrote it.
"""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING

from reimage_conformance.assessment.own_requests import (
    REFUSED_HAS_NO_EFFECT,
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
    overlap,
    worded,
    worded_as_refused,
)
from reimage_conformance.judging.instances.effects import LATE_DEPARTURE_SECONDS, relapse_seconds, settling_seconds
from reimage_conformance.judging.operations.polls import STATUSES, TERMINAL, status_of
from reimage_conformance.judging.oracle import permitted
from reimage_conformance.judging.registry import EFFECTS
from reimage_conformance.judging.wording import is_conflict
from reimage_conformance.model import Outcome, Why
from reimage_conformance.protocol.addresses import Address, Kind, UriForm, read_target
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

    from reimage_conformance.judging.registry import Effect
    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Exchange, Verdict
    from reimage_conformance.protocol.requests import Place

NEVER: Moment = (inf, 0)
"""A moment after all others. As a `horizon` it lets every exchange count."""
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE")
"""Methods that may be answered 2xx without starting anything; only a 202 to them says that something was started."""
_READING = ("GET", "HEAD")
_JUDGED = (Outcome.MET, Outcome.VIOLATED, Outcome.ADVISORY)
CLOSE_LOOKS_SECONDS = 0.5
"""Looks follow each other closely if they are at most this far apart: an instance is not away and back between them."""
_VIOLATED_ELSEWHERE = ("REQ-REIMAGE-URI-EQUIV", "REQ-REIMAGE-SLOT-VALUES")
"""The requirements that are violated if a request reaches an instance of the same name in another deployment."""


class Intervals:
    """The intervals of a run, computed from the exchanges that were added so far.

    A `horizon` is the moment up to which exchanges count. `_requests` may have started a reimage, `_refused` were
    answered with a refusal; `_all` holds these and all others that may have had an effect at a wrong endpoint. `_early`
    is when it became known that instances leave ReadyRole early. `_closed` holds the ends of intervals that are over, by
    the number of the exchange and the place. `_slowest` holds how many exchanges there were when the slowest departure
    was computed, and the seconds that it took.
    """

    def __init__(self) -> None:
        self._exchanges: dict[int, Exchange] = {}
        self._requests: list[OwnRequest] = []
        self._refused: list[OwnRequest] = []
        self._all: list[OwnRequest] = []
        self._early: Moment | None = None
        self._closed: dict[tuple[int, Place], Moment] = {}
        self._polls: dict[str, list[Exchange]] = {}
        self._looks: dict[Key, list[Exchange]] = {}
        self._slowest = (0, 0.0)

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
            self._polls.setdefault(plain_identifier(address.operation), []).append(exchange)
        elif address.kind in (Kind.DEPLOYMENT, Kind.CLOUD_SERVICE) and method == "GET":
            shows_some = bool(statuses_in(exchange))
            for key in _shown_in(exchange, address):
                if shows_some or key in self._looks:  # where no instance was ever listed, an empty list tells nothing
                    self._looks.setdefault(key, []).append(exchange)
        elif address.kind in (Kind.REIMAGE, Kind.OTHER) and (
            method not in _SAFE_METHODS or (reply is not None and (reply.status == 202 or reply.status >= 400))
        ):
            request = OwnRequest(exchange, address, plain_identifier(exchange.request_id))
            may_have_worked = reply is None or request.is_accepted or reply.status in UNKNOWN_EFFECT
            (self._requests if may_have_worked else self._refused).append(request)

    def without_other_causes(self, verdict: Verdict, world: World) -> Verdict:
        """`verdict`, made inconclusive where another request of ours may have caused the effect that it is about."""
        if verdict.outcome not in _JUDGED:
            return verdict
        effect, compared = self.effect_of(verdict, world)
        if effect is None:
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
            return self._computed_until(request, place, NEVER, world)[0][0] + self._relapse_seconds(request, NEVER)
        if self._slowest[0] != self.size:
            self._slowest = self.size, self._slowest_departure(NEVER, world)
        return answered(request.exchange)[0] + (self._slowest[1] or inf)

    def left_at(self, request: OwnRequest, world: World) -> float:
        """When a look first showed that the instance of a request had left, in seconds since the run began; infinite where none did."""
        looks = (look for look in self._looks_for(request, NEVER, world) if answered(request.exchange) < began(look))
        return next((answered(look)[0] for look in looks if not _is_ready(look, request.address.instance)), inf)

    @property
    def size(self) -> int:
        """How many exchanges were added so far."""
        return len(self._exchanges)

    @property
    def sent(self) -> Iterator[OwnRequest]:
        """The requests that may have had an effect, wherever the endpoint is wrong, the latest first."""
        return reversed(self._all)

    def _other_cause(
        self, place: Place, effect: Effect, verdict: Verdict, compared: list[Exchange], world: World
    ) -> tuple[str, tuple[str, ...]]:
        """Why another request may have caused an effect on `place`, and the requirements that are violated in that case.

        The reason is "" where no other request may have caused it.
        """
        if effect.unlisted and self._was_never_listed(place, world):
            return "", ()
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
            until = interval_end = self._until(request, place, window[1], world)
            if effect.departs and verdict.outcome is not Outcome.MET and request in here:
                until = (until[0] + self._relapse_seconds(request, window[1]), until[1])
            if may_have_run and (effect.on_operation or until > window[0]):
                elsewhere = request not in here and is_namesake(request.address, place)
                is_back = not effect.on_operation and interval_end <= window[0]
                reason = worded(request, place, is_back=is_back, is_one_answer=len(looks) == 1)
                return reason, (*blamed(request, world), *(_VIOLATED_ELSEWHERE if elsewhere else ()))
        if verdict.outcome is Outcome.MET:
            return "", ()
        if effect.refusal:
            return "" if verdict.requirement == REFUSED_HAS_NO_EFFECT else self._refused_meanwhile(judged, place), ()
        suspect = self._refusal_to_blame(place, judged, looks, window[1], world)
        return ("", ()) if suspect is None else (worded_as_refused(suspect, place), blamed_if_refused(suspect, world))

    def _was_never_listed(self, place: Place, world: World) -> bool:
        """Whether no look of the run lists an instance, and one of them came before the first request that may have reimaged it."""
        looks = self.looks_at(keys_of(place.deployment))
        first = min(
            (began(each.exchange) for each in self._requests if is_at(each.address, place, world)), default=NEVER
        )
        is_listed = any(place.role_instance in statuses_in(look) for look in looks)
        return not is_listed and any(answered(look) < first for look in looks)

    def _failed_late(self, request: OwnRequest, horizon: Moment, world: World) -> bool:
        """Whether a request that may fail after its 202 did so by `horizon`: its answers say that it reimaged nothing."""
        over = self._seen_end(request, horizon)
        ends = (p for p in self._polls.get(request.identifier, ()) if over is not None and answered(p) == over)
        has_failed = any(status_of(end) == "Failed" for end in ends)
        return has_failed and permitted(request.exchange.request, world).may_fail_late

    def _others(self, effect: Effect, judged: list[Exchange]) -> Iterator[OwnRequest]:
        """The requests except the judged ones, and except repeats of these that got no reply."""
        same = [replace(exchange.request, fresh_connection=False) for exchange in judged] if effect.refusal else []
        for request in self._requests:
            exchange = request.exchange
            repeated = exchange.reply is None and replace(exchange.request, fresh_connection=False) in same
            if exchange.number not in effect.judged and not repeated:
                yield request

    def _may_have_had_effect(self, request: OwnRequest, effect: Effect, window: tuple[Moment, Moment]) -> bool:
        """Whether a request was sent early enough to have an effect by the last look.

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
        over = self._seen_end(request, NEVER)
        if key not in keys_of(place.deployment) or address.instance == place.role_instance or over is None:
            return False
        took = over[0] - answered(request.exchange)[0]
        deadline = over[0] + settling_seconds(took, world.target.limits, departs_early=False)
        looks = [
            look for look in self.looks_at(keys_of(place.deployment), NEVER) if began(request.exchange) < began(look)
        ]
        before = [look for look in looks if look.at <= deadline]
        return bool(before) and len(looks) > len(before) and all(_is_ready(look, address.instance) for look in before)

    def _refused_meanwhile(self, judged: list[Exchange], place: Place) -> str:
        """A sentence on another refused request that may have had the effect, or "".

        It is a request to an instance of the same name, under way at the same time as a judged request.
        """
        for exchange in judged:
            for other in self._refused:
                is_other = is_namesake(other.address, place) and other.exchange.request != exchange.request
                may_change = is_other and other.exchange.request.method not in _SAFE_METHODS
                if may_change and overlap(exchange, other.exchange):
                    return f"another request that was refused (exchange {other.exchange.number}) was under way at the same time"
        return ""

    def _refusal_to_blame(
        self, place: Place, judged: list[Exchange], compared: list[Exchange], horizon: Moment, world: World
    ) -> OwnRequest | None:
        """The last refused request that may have reimaged an instance which the judged requests do not address.

        A sound reimage that was refused because of a conflict is no excuse: no other check judges what it leaves behind.
        None if every refusal came too early to be the cause. Looks show this if they still show the
        instance at ReadyRole when any instance of this endpoint would have left. Probes show it if any operation of
        this endpoint would have been over before the first probe.
        """
        if not judged or any(is_at(read_target(exchange.request.resource), place, world) for exchange in judged):
            return None
        window = self._window_by_looks(place, judged, compared, horizon, world) or self._window_by_probes(
            compared, horizon, world
        )
        if window is None:
            return None
        until, since = window
        sent = [r for r in self._refused if began(r.exchange) < until and answered(r.exchange) <= horizon]
        late = (r for r in reversed(sent) if answered(r.exchange)[0] >= since and is_at(r.address, place, world))
        return next((r for r in late if not _is_sound_and_conflicts(r.exchange, world)), None)

    def _window_by_looks(
        self, place: Place, judged: list[Exchange], compared: list[Exchange], horizon: Moment, world: World
    ) -> tuple[Moment, float] | None:
        """The window in which a refusal must lie to explain that its instance is away in a look of `compared`.

        Gives its end and its start: the request was sent before the end, and answered at the start or later.
        None where no look since the first judged request shows the instance away.
        """
        start, looks = min(map(began, judged)), self.looks_at(keys_of(place.deployment), horizon)
        seen = {look.number for look in compared if began(look) > start and not _is_ready(look, place.role_instance)}
        away = next((look for look in looks if look.number in seen), None)
        if away is None:
            return None
        stayed = [look.at for look in looks if look.at < away.at and _is_ready(look, place.role_instance)]
        return answered(away), max(stayed, default=-inf) - self._slowest_departure(horizon, world)

    def _window_by_probes(self, compared: list[Exchange], horizon: Moment, world: World) -> tuple[Moment, float] | None:
        """The window in which a refusal must lie for its operation to have written between two probes; as in `_window_by_looks`.

        None where there is no probe in `compared`.
        """
        probes = [exchange for exchange in compared if exchange.label == "probe"]
        if not probes:
            return None
        longest = self._longest(horizon, world.target.limits.operation_timeout_seconds)
        return max(map(began, probes)), min(probe.at for probe in probes) - longest

    def _slowest_departure(self, horizon: Moment, world: World) -> float:
        """The longest time between a 202 and the first look that shows its instance away, by `horizon`, in seconds.

        0 where no instance was seen away.
        """
        found = [0.0]
        for request in self._started():
            accepted, over = answered(request.exchange), self._seen_end(request, horizon)
            if over is None or request.address.form is None:
                continue
            settling = settling_seconds(over[0] - accepted[0], world.target.limits, departs_early=False)
            looks = [look for look in self._looks_for(request, horizon, world) if accepted < began(look)]
            left = next((look for look in looks if not _is_ready(look, request.address.instance)), None)
            if left is not None and left.at <= over[0] + settling:
                found.append(left.at - accepted[0])
        return max(found)

    def _relapse_seconds(self, request: OwnRequest, horizon: Moment) -> float:
        """For how many seconds after its return an instance may leave ReadyRole once more because of a request.

        No document says that it stays at ReadyRole once it is back. 0 where the operation was not seen to end by `horizon`.
        """
        over = self._seen_end(request, horizon)
        return relapse_seconds(over[0] - answered(request.exchange)[0]) if over is not None else 0.0

    def _until(self, request: OwnRequest, place: Place, horizon: Moment, world: World) -> Moment:
        """Until when a request may be changing an instance, as far as known at `horizon`.

        An interval that was once found closed stays closed.
        """
        key = (request.exchange.number, place)
        known = self._closed.get(key)
        if known is not None and known <= horizon:
            return known
        until, is_closed = self._computed_until(request, place, horizon, world)
        if is_closed:
            self._closed[key] = until
        return until

    def _computed_until(self, request: OwnRequest, place: Place, horizon: Moment, world: World) -> tuple[Moment, bool]:
        """The end of an interval that was not known to be closed, and whether it is closed by `horizon`."""
        sent, limits = began(request.exchange), world.target.limits
        polls = [p for p in self._polls.get(request.identifier, ()) if sent < began(p) and answered(p) <= horizon]
        over = self._seen_end(request, horizon)
        if over is None and polls:
            return NEVER, False
        accepted = answered(request.exchange)[0]
        ended = over if over is not None else (accepted + self._longest(horizon, limits.operation_timeout_seconds), 0)
        early = self._departs_early(horizon, world)
        deadline = (ended[0] + settling_seconds(ended[0] - accepted, limits, departs_early=early), 0)
        looks = [look for look in self.looks_at(keys_of(place.deployment), horizon) if sent < began(look)]
        states = [(look, _is_ready(look, place.role_instance)) for look in looks]
        first_away = next((i for i, (look, ready) in enumerate(states) if not ready and look.at <= deadline[0]), None)
        if first_away is None:
            return deadline, over is not None and deadline < horizon
        back = [began(look) for look, ready in states[first_away:] if ready]
        back_after_end = [moment for moment in back if over is None or moment >= over]
        if back_after_end:
            return back_after_end[0], True
        if back or over is None:
            return (deadline if back else NEVER), False
        return (over[0] + limits.operation_timeout_seconds, 0), False  # until then it may yet come back

    def _seen_end(self, request: OwnRequest, horizon: Moment) -> Moment | None:
        """When the operation of a request was first seen to have ended, by `horizon`; None where it was not."""
        polls = (p for p in self._polls.get(request.identifier, ()) if began(request.exchange) < began(p))
        ends = [answered(poll) for poll in polls if status_of(poll) in TERMINAL and answered(poll) <= horizon]
        return min(ends, default=None)

    def looks_at(self, keys: Iterable[Key], horizon: Moment = NEVER) -> list[Exchange]:
        """The looks that show the instances of a deployment, in order."""
        found = {look.number: look for key in keys for look in self._looks.get(key, ()) if answered(look) <= horizon}
        return sorted(found.values(), key=began)

    def _looks_for(self, request: OwnRequest, horizon: Moment, world: World) -> list[Exchange]:
        """The looks that show the deployment which a request addresses; if it is listed, by slot and by name."""
        address = request.address
        if address.form is None:
            return []
        deployment = world.deployment_of(address)
        own = (address.service.lower(), address.form, address.deployment.lower())
        return self.looks_at([own] if deployment is None else keys_of(deployment), horizon)

    def _started(self) -> Iterator[OwnRequest]:
        """The requests that were accepted under an id."""
        return (request for request in self._requests if request.is_accepted and request.identifier)

    def _longest(self, horizon: Moment, otherwise: float) -> float:
        """The longest duration of an operation in seconds, or `otherwise` where none was seen to end."""
        ends = ((request, self._seen_end(request, horizon)) for request in self._started())
        return max((over[0] - answered(request.exchange)[0] for request, over in ends if over), default=otherwise)

    def _departs_early(self, horizon: Moment, world: World) -> bool:
        """Whether the instances of this endpoint leave ReadyRole before the end of the operation, or never.

        One instance is enough: it was seen away before the end of its operation, or still at ReadyRole long enough after
        it, in looks that followed each other closely.
        """
        if self._early is None or self._early > horizon:
            found = (self._early_by(request, horizon, world) for request in self._started())
            self._early = min((moment for moment in found if moment is not None), default=None)
        return self._early is not None and self._early <= horizon

    def _early_by(self, request: OwnRequest, horizon: Moment, world: World) -> Moment | None:
        """When it became known that the instance of a request left early or not at all; None where that is not known."""
        over = self._seen_end(request, horizon)
        if over is None:
            return None
        ready_until = over[0]
        for look in self._looks_for(request, horizon, world):
            if began(look) < began(request.exchange):
                continue
            if not _is_ready(look, request.address.instance):
                return over if look.at <= over[0] else None
            if look.at > ready_until + CLOSE_LOOKS_SECONDS:
                return None  # it may have been away between two looks
            if look.at >= over[0] + LATE_DEPARTURE_SECONDS:
                return answered(look)
            ready_until = max(ready_until, look.at)
        return None


def _shown_in(look: Exchange, address: Address) -> Iterator[Key]:
    """The deployments whose lists of instances a look shows, as `keys_of` names them."""
    if not has_instance_list(look):
        return
    if address.form is not None:
        yield (address.service.lower(), address.form, address.deployment.lower())
        return
    for element in deployment_elements(look):
        yield (address.service.lower(), UriForm.NAME, member(element, "Name").lower())


def _is_sound_and_conflicts(exchange: Exchange, world: World) -> bool:
    """Whether a request has no defect, and was refused because of a conflict."""
    return is_conflict(exchange) and not permitted(exchange.request, world).defects


def _is_ready(look: Exchange, instance: str) -> bool:
    """Whether a look shows an instance at ReadyRole."""
    return statuses_in(look).get(instance) == READY
