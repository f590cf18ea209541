"""Guarding: if a request of ours seems to have reimaged an unlisted instance, no more requests of its kind are sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reimage_conformance.judging.instances.unlisted import unlisted_away, unlisted_in, unlisted_untouched
from reimage_conformance.judging.oracle import expectation_of
from reimage_conformance.model import Outcome
from reimage_conformance.protocol.addresses import Kind, read_target
from reimage_conformance.protocol.deployments import statuses_in

if TYPE_CHECKING:
    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Deployment, Exchange, Request
    from reimage_conformance.session.operations import Operations
    from reimage_conformance.session.recorder import Recorder

_SOUND_REIMAGE = "REQ-REIMAGE-OTHERS-UNTOUCHED"
"""The kind of a sound reimage: the requirement that it must not change other instances."""
_READING = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class Departure:
    """An unlisted instance that left ReadyRole between the looks `before` and `look`."""

    deployment: Deployment
    before: Exchange
    look: Exchange
    instance: str

    @property
    def reason(self) -> str:
        """Why no more requests are sent of a kind that may have caused it."""
        return (
            f"{self.instance} left ReadyRole in deployment {self.deployment.path} after a request of this kind, and "
            f"the target file does not list {self.instance} there"
        )


class Guard:
    """Compares each look at a deployment with the one before, and blocks the kinds of requests that may have reimaged an unlisted instance.

    `_blocked` holds the reason for each kind that is blocked.
    """

    def __init__(self, recorder: Recorder, operations: Operations) -> None:
        self._recorder, self._operations = recorder, operations
        self._last: dict[Deployment, Exchange] = {}
        self._departures: list[Departure] = []
        self._blocked: dict[str, str] = {}

    def take(self, exchange: Exchange) -> None:
        """Takes each exchange; a look at a listed deployment is compared with the last look at it."""
        if exchange.request.method == "GET" and statuses_in(exchange):
            address = read_target(exchange.request.resource)
            own = address.subscription == self._recorder.world.target.subscription_id
            deployment = self._recorder.world.deployment_of(address)
            if address.kind is Kind.DEPLOYMENT and own and deployment is not None:
                self._compare(deployment, exchange)
        for departure in list(self._departures):
            self._find_culprit(departure)

    def _compare(self, deployment: Deployment, look: Exchange) -> None:
        """Notes whether an unlisted instance has left ReadyRole since the last look."""
        before = self._last.get(deployment)
        if before is not None and before.number > look.number:
            return  # a later look was answered first
        self._last[deployment] = look
        if before is not None and (gone := unlisted_away(deployment, before, look)):
            self._departures.append(Departure(deployment, before, look, next(iter(gone))))

    def _find_culprit(self, departure: Departure) -> None:
        """Judges a departure once every request between the two looks is answered, and blocks the kinds of the suspects."""
        before, look = departure.before, departure.look
        answered = sum(1 for each in self._recorder.exchanges if before.number < each.number < look.number)
        if answered < look.number - before.number - 1:
            return
        self._departures.remove(departure)
        suspects = self._suspects(departure)
        if not suspects:
            return
        kinds = self._kinds(suspects)
        verdicts = self._recorder.judge(unlisted_untouched, [before, suspects[-1], look], requirement=kinds[-1])
        if any(verdict.outcome is not Outcome.INCONCLUSIVE for verdict in verdicts):
            self._blocked |= {kind: departure.reason for kind in kinds if kind not in self._blocked}

    def _kinds(self, exchanges: list[Exchange]) -> list[str]:
        """The kind of the request of each exchange."""
        return [kind_of(each.request, self._recorder.world) for each in exchanges]

    @property
    def may_have_done_harm(self) -> bool:
        """Whether a request of ours may have reimaged an instance that is not listed."""
        return bool(self._blocked or self._departures)

    def deployments_with_unlisted(self) -> list[Deployment]:
        """The deployments that were shown to have instances which are not listed."""
        return [deployment for deployment, look in self._last.items() if unlisted_in(deployment, look)]

    def why_blocked(self, request: Request, world: World) -> str:
        """Why no more requests of the kind of `request` are sent, "" where they are; `request` and `world` hold unmasked names."""
        if not self.may_have_done_harm or request.method in _READING:
            return ""
        kind = kind_of(request, world)
        undecided = (each.reason for each in self._departures if kind in self._kinds(self._suspects(each)))
        return self._blocked.get(kind) or next(undecided, "")

    def _suspects(self, departure: Departure) -> list[Exchange]:
        """The requests that may have caused a departure between its two looks, the likeliest last.

        An operation that addresses no listed instance may reimage an unlisted one, which may leave after its end too.
        """
        deployment, before, look = departure.deployment, departure.before, departure.look
        earlier = [operation for operation in self._operations.all if operation.start.number < before.number]
        running = [
            o.start for o in earlier if o.is_under_way and o.place is not None and o.place.deployment == deployment
        ]
        unplaced = [o.start for o in earlier if o.place is None and (o.is_under_way or o.status == "Succeeded")]
        between = [each for each in self._recorder.exchanges if before.number < each.number < look.number]
        harmful = [each for each in between if _may_do_harm(each)]
        accepted = [each for each in harmful if each.is_successful]
        return [*running, *(each for each in harmful if each not in accepted), *unplaced, *accepted]


def _may_do_harm(exchange: Exchange) -> bool:
    """Whether a request may have reimaged an instance: it is no GET or HEAD, and addresses an instance or something unknown."""
    if exchange.request.method in _READING or exchange.label == "probe":
        return False
    return read_target(exchange.request.resource).kind in (Kind.REIMAGE, Kind.OTHER)


def kind_of(request: Request, world: World) -> str:
    """The kind of a request: the first requirement that it breaks, or _SOUND_REIMAGE."""
    defects = expectation_of(request, world).must_be_refused_for
    return defects[0].requirement if defects else _SOUND_REIMAGE
