"""Step runs: how one step of the campaign is carried out, from the look before it to the probe of its instance after it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import trio

from reimage_conformance.judging.wording import is_conflict
from reimage_conformance.protocol.requests import Place, with_query
from reimage_conformance.protocol.variations import varied
from reimage_conformance.session.manner import Manner
from reimage_conformance.session.thresholds import FEW_CONFLICT_TRIES, MAX_STEP_CONFLICTS, SHORTEST_PROBE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.model import Deployment, Exchange, Limits, Request
    from reimage_conformance.session.collaborators import Collaborators
    from reimage_conformance.session.instances import Watch
    from reimage_conformance.session.operation import Operation
    from reimage_conformance.session.signals import Reason
    from reimage_conformance.session.steps import Step


CONTEND_SAME, CONTEND_OTHER = "contend:same", "contend:other"
"""The labels of the requests that contend with a step: reimages of the same instance, and of another one.

They go out on new connections: an endpoint may close one that was used before for other reasons than contention.
"""


@dataclass(slots=True)
class Result:
    """The result of a step.

    `exchange` is the last try of its request. `skipped` says why the step was left out or stopped. `adopted` says that an
    earlier part of the run sent it, `was_refused` that the step was refused before and is sent again. `decided` is set once
    it is known whether the request was accepted, or the step was left out or stopped. `over` is set once its watch and its
    probe have ended, or there are none.

    `same` and `other` are the exchanges of the contending requests, to the same instance and to another one.
    `same_operation` and `other_operation` are the operations that they started, `other_place` is the other instance.

    `probe_before` and `probe_after` hold three answers of the probe, in this order: the installation id, the marker inside
    local storage, and the marker outside of it.
    """

    step: Step
    exchange: Exchange | None = None
    operation: Operation | None = None
    watch: Watch | None = None
    same: Exchange | None = None
    other: Exchange | None = None
    same_operation: Operation | None = None
    other_operation: Operation | None = None
    other_place: Place | None = None
    probe_before: list[Exchange] = field(default_factory=list)
    probe_after: list[Exchange] = field(default_factory=list)
    skipped: Reason | None = None
    adopted: bool = False
    was_refused: bool = False
    decided: trio.Event = field(default_factory=trio.Event)
    over: trio.Event = field(default_factory=trio.Event)

    @property
    def contention_sent(self) -> bool:
        """Whether contending requests were sent: the one to the same instance is sent first."""
        return self.same is not None

    @property
    def contention_refused(self) -> bool:
        """Whether a contending request was refused with 409."""
        return any(is_conflict(e) for e in (self.same, self.other))

    @property
    def is_accepted(self) -> bool:
        """Whether the endpoint took the request."""
        return self.exchange is not None and self.exchange.is_successful


def probing_seconds(duration: float, limits: Limits) -> float:
    """For how many seconds after an operation that took `duration` seconds the probe may still show the old installation."""
    wanted = max(3 * duration, 4 * limits.poll_interval_seconds, SHORTEST_PROBE_SECONDS)
    return min(wanted, limits.operation_timeout_seconds)


def label_of(name: str) -> str:
    """The label of the requests that the step of this name sends."""
    return f"step:{name}"


def other_contending_place(step: Step) -> Place | None:
    """The other instance that is reimaged while a contended step runs; None where the deployment has no other, and for other steps."""
    names = [name for name in step.place.deployment.role_instances if name != step.place.role_instance]
    return Place(step.place.deployment, names[0]) if step.contend and names else None


def contending_requests(step: Step) -> int:
    """How many requests contend with a step: one for the same instance, and one for another instance where there is one."""
    if not step.contend:
        return 0
    return 1 if other_contending_place(step) is None else 2


def places_to_hold(step: Step) -> list[Place]:
    """The instances that a step and the requests that contend with it may reimage."""
    other = other_contending_place(step)
    return [step.place] if other is None else [step.place, other]


class StepRuns:
    """Carries out steps whose instances are held, and fills their results.

    The markers of the probe are two files on an instance. A reimage is expected to keep the one in local storage,
    and to remove the other.

    `on_sending` is called before each try of a step, with the step, the look before it and the exchanges of the probe.
    `on_probed` is called with each result whose instance was probed after the step. `session/resuming.py` sets both.
    `met_conflict` says that a step met a conflict: from then on the campaign runs one step at a time.
    `still_locked` holds the deployments that answered 409 to a postponed step every time, as long as the run waited.
    """

    def __init__(self, shared: Collaborators) -> None:
        self.on_sending: Callable[[Step, Exchange | None, list[Exchange]], None] = lambda *_: None
        self.on_probed: Callable[[Result], None] = lambda *_: None
        self.met_conflict = False
        self.still_locked: set[Deployment] = set()
        self._conflicting: set[Deployment] = set()  # the deployments whose last step was answered 409 every time
        self._builder, self._sender, self._operations = shared.builder, shared.sender, shared.operations
        self._conflicts, self._instances, self._probe = shared.conflicts, shared.instances, shared.probe

    async def start(self, step: Step, result: Result) -> None:
        """Sends a step's request, opens its operation (`Operations.open`) and watches its instance.

        If the step was refused before, this waits until the instance should run again, and repeats the request for longer
        while the deployment is locked, within the patience of the run. `session/instances.py` explains the states that are
        waited for.
        """
        if result.was_refused:
            await self._instances.until_running_again(self._operations.at(step.place))
        await self._instances.until_online(step.place)
        if not step.observe:
            await self._instances.until_back(self._operations.at(step.place))
        if step.observe and self._instances.offers_deployment:
            # An earlier reimage that nobody watched may not have taken the instance offline yet; the looks of this step would show it.
            await self._instances.until_settled(self._operations.at(step.place))
        with self._operations.starting(step.place):
            before = await self._send(step, result)
            if not result.is_accepted or result.exchange is None:
                return
            result.operation = self._operations.open(result.exchange, step.place, step.form)
        self._instances.address(step.place)
        if before is not None:
            bystanders = self._bystanders(step.place)
            result.watch = self._instances.watch(result.operation, step.place, before, bystanders)

    async def _send(self, step: Step, result: Result) -> Exchange | None:
        """Sends a step's request, repeats it while it meets a conflict, and gives the look before the last try, if there was one."""
        deployment = step.place.deployment
        observed = step.observe and step.expected == "succeeds"
        looks: list[Exchange | None] = []

        async def look_and_send() -> Exchange:
            looks.append(await self._look_and_mark(step, result) if observed else None)
            self.on_sending(step, looks[-1], result.probe_before)
            return await self._sender.send(self._request_of(step), Manner(label_of(step.name)))

        if result.was_refused and self._conflicts.may_wait_for_lock:
            result.exchange = await self._conflicts.repeat_while_locked(look_and_send)
        else:
            # `was_refused` is about this step, `_conflicting` about the last step on the deployment.
            was_refused_before = result.was_refused or deployment in self._conflicting
            max_repeats = FEW_CONFLICT_TRIES if was_refused_before else MAX_STEP_CONFLICTS
            result.exchange = await self._conflicts.repeat_on_conflict(
                look_and_send, max_repeats, self._note_conflict, holds_back_bad_requests=True
            )
        if is_conflict(result.exchange):
            self._conflicting.add(deployment)
            if result.was_refused:
                self.still_locked.add(deployment)
        else:
            self._conflicting.discard(deployment)
            self.still_locked.discard(deployment)
        return looks[-1]

    async def _look_and_mark(self, step: Step, result: Result) -> Exchange | None:
        """Makes the look before a step and gives it, None without Get Deployment.

        The first time, it also writes the markers of the probe.
        """
        before = None
        if self._instances.offers_deployment:
            before = await self._instances.look_before(step.place)
        if self._probe.offered and not result.probe_before:
            result.probe_before = await self._mark(step.place)
        return before

    def _note_conflict(self) -> None:
        self.met_conflict = True

    def _request_of(self, step: Step) -> Request:
        """The request that a step sends."""
        request = varied(self._builder.reimage(step.place, step.form, version=step.version), step.variations)
        if step.query is not None:
            request = with_query(request, step.query)
        if step.capital_slot:
            slot = step.place.deployment.slot
            request = replace(request, target=request.target.replace(f"/{slot}/", f"/{slot.capitalize()}/", 1))
        return replace(request, identity=step.identity)

    async def _mark(self, place: Place) -> list[Exchange]:
        """Writes a marker inside and one outside local storage, and gives the answers of `_read`."""
        for where in ("local-storage", "other"):
            await self._probe.ask(place, "PUT", f"/{where}/conformance", b"marker")
        return await self._read(place)

    async def _read(self, place: Place) -> list[Exchange]:
        """Reads the markers and then the installation id; the id comes first in the list, then the markers inside and outside local storage."""
        inside, outside = [
            await self._probe.ask(place, "GET", f"/{where}/conformance") for where in ("local-storage", "other")
        ]
        return [await self._probe.installation(place), inside, outside]

    async def read_probe_after(self, result: Result) -> None:
        """Reads the markers and the installation id once the id has changed, or the time for that is over."""
        operation, place, limits = result.operation, result.step.place, self._sender.limits
        if operation is None or not result.probe_before or result.probe_after:
            return
        if operation.status == "Succeeded":
            installation_before, seconds = result.probe_before[0], probing_seconds(operation.duration, limits)
            await self._probe.until_reinstalled(place, installation_before, operation.ended, seconds, self._sender)
        result.probe_after = await self._read(place)
        self.on_probed(result)

    def _bystanders(self, place: Place) -> tuple[str, ...]:
        """The other instances of the deployment that no reimage of ours may still change (`_is_at_rest`)."""
        places = [Place(place.deployment, name) for name in place.deployment.role_instances]
        return tuple(p.role_instance for p in places if p != place and self._is_at_rest(p))

    def _is_at_rest(self, place: Place) -> bool:
        """Whether no reimage of ours may still change an instance."""
        if str(place) not in self._instances.addressed:
            return True
        operations = self._operations.at(place)
        if not operations:  # its request named no listed instance, or its answer was lost, so its end is not known
            return False
        return self._instances.are_at_rest(operations)

    async def contend(self, result: Result) -> None:
        """Sends another reimage of the same instance while the step's operation runs, then one of another instance.

        The second one is sent only if there is another instance, and an operation of ours is still under way in the deployment.
        """
        step = result.step
        same = replace(self._builder.reimage(step.place, step.form), fresh_connection=True)
        result.same = await self._sender.send(same, Manner(CONTEND_SAME))
        result.same_operation = self._open_if_accepted(result.same, step.place, step)
        place = result.other_place = other_contending_place(step)
        if place is not None and self._operations.has_operation_on(place.deployment):
            other = replace(self._builder.reimage(place, step.form), fresh_connection=True)
            result.other = await self._sender.send(other, Manner(CONTEND_OTHER))
            result.other_operation = self._open_if_accepted(result.other, place, step)
            if result.other_operation is not None:
                self._instances.address(place)

    def _open_if_accepted(self, exchange: Exchange, place: Place, step: Step) -> Operation | None:
        """Opens the operation that a contending request started, and gives it; None where the request was not accepted."""
        if exchange.is_successful:
            return self._operations.open(exchange, place, step.form)
        return None
