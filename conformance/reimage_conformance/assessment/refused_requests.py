"""Refused requests of ours that may have had the effect for which another request is judged."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from reimage_conformance.assessment.interval_ends import is_ready
from reimage_conformance.assessment.own_requests import (
    SAFE_METHODS,
    answered,
    began,
    is_at,
    is_namesake,
    keys_of,
    overlap,
)
from reimage_conformance.judging.oracle import expectation_of
from reimage_conformance.judging.wording import is_conflict
from reimage_conformance.protocol.addresses import read_target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reimage_conformance.assessment.interval_ends import IntervalEnds
    from reimage_conformance.assessment.own_requests import Moment, OwnRequest
    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Exchange
    from reimage_conformance.protocol.requests import Place


@dataclass(frozen=True, slots=True)
class _Window:
    """When a refused request must have been under way to explain an effect: sent before a moment, and answered at a time in seconds or later."""

    sent_before: Moment
    answered_from: float


def refused_meanwhile(refused: Sequence[OwnRequest], judged: Sequence[Exchange], place: Place) -> str:
    """A sentence on a request in `refused` that may have had the effect of the judged ones, or "".

    It is another request to an instance of the same name, under way at the same time as a judged request.
    """
    for exchange in judged:
        for other in refused:
            is_other = is_namesake(other.address, place) and other.exchange.request != exchange.request
            may_change = is_other and other.exchange.request.method not in SAFE_METHODS
            if may_change and overlap(exchange, other.exchange):
                return f"another request that was refused (exchange {other.exchange.number}) was under way at the same time"
    return ""


@dataclass(frozen=True, slots=True)
class RefusalSearch:
    """A search for a refused request that may have reimaged `place`, which the requests `judged` do not address.

    `compared` are the answers between which the effect was seen, and `horizon` is the moment up to which exchanges count.
    """

    ends: IntervalEnds
    place: Place
    judged: Sequence[Exchange]
    compared: Sequence[Exchange]
    horizon: Moment
    world: World

    def latest(self, refused: Sequence[OwnRequest]) -> OwnRequest | None:
        """The last request in `refused`, which are in order, that may have reimaged the instance.

        A sound reimage that was refused because of a conflict is no excuse: no other check judges what it leaves behind.
        None if every refusal came too early to be the cause. Looks show this if they still show the
        instance at ReadyRole when any instance of this endpoint would have left. Probes show it if any operation of
        this endpoint would have been over before the first probe.
        """
        if not self.judged or any(is_at(read_target(e.request.resource), self.place, self.world) for e in self.judged):
            return None
        window = self._window_by_looks() or self._window_by_probes()
        if window is None:
            return None
        sent = [r for r in refused if began(r.exchange) < window.sent_before and answered(r.exchange) <= self.horizon]
        late = (r for r in reversed(sent) if answered(r.exchange)[0] >= window.answered_from)
        here = (r for r in late if is_at(r.address, self.place, self.world))
        return next((r for r in here if not self._is_sound_and_conflicts(r.exchange)), None)

    def _window_by_looks(self) -> _Window | None:
        """The window for a refusal to explain that the instance is away in a look of `compared`.

        None where no look since the first judged request shows the instance away.
        """
        start = min(map(began, self.judged))
        instance, looks = self.place.role_instance, self.ends.looks_at(keys_of(self.place.deployment), self.horizon)
        seen = {look.number for look in self.compared if began(look) > start and not is_ready(look, instance)}
        away = next((look for look in looks if look.number in seen), None)
        if away is None:
            return None
        stayed = [look.at for look in looks if look.at < away.at and is_ready(look, instance)]
        slowest = self.ends.slowest_departure(self.horizon, self.world)
        return _Window(answered(away), max(stayed, default=-inf) - slowest)

    def _window_by_probes(self) -> _Window | None:
        """The window for the operation of a refusal to have written between two probes; None where `compared` has no probe."""
        probes = [exchange for exchange in self.compared if exchange.label == "probe"]
        if not probes:
            return None
        longest = self.ends.longest_duration(self.horizon, self.world.target.limits.operation_timeout_seconds)
        return _Window(max(map(began, probes)), min(probe.at for probe in probes) - longest)

    def _is_sound_and_conflicts(self, exchange: Exchange) -> bool:
        """Whether a request has no defect, and was refused because of a conflict."""
        return is_conflict(exchange) and not expectation_of(exchange.request, self.world).defects
