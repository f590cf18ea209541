"""Step runs: carry out one step of the campaign, from the look before it to the probe of its instance after it."""

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

They go out on new connections: a loss on a used one would show nothing.
"""


@dataclass(slots=True)
class Result:
    """The result of a step.

    `sent` is set once its request was answered, `over` once its watch and its probe have ended. `same` and `other` are
    the contending requests, to the same instance and to another one. `skipped` says why the step was left out.
    `adopted` says that an earlier part of the run sent it.
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
    sent: trio.Event = field(default_factory=trio.Event)
    over: trio.Event = field(default_factory=trio.Event)

    @property
    def contention_sent(self) -> bool:
        """Whether contending requests were sent while its operation ran."""
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


def contending_places(step: Step) -> list[Place]:
    """The other instance of which a reimage is sent while a contended step runs, as a list; empty where there is none."""
    names = [name for name in step.place.deployment.role_instances if name != step.place.role_instance]
    return [Place(step.place.deployment, names[0])] if step.contend and names else []


class StepRuns:
    """Carries out steps whose instances are held, and fills their results.

    `starting` is called with each step before it is sent, the look before it and the exchanges of the probe; `probed`
    with each result whose instance was probed. `met_conflict` says that a step met a conflict: from then on the campaign
    runs one step at a time. `still_locked` holds the deployments that answered 409 to a postponed step every time, as long
    as the run waited for locks to pass.
    """

    def __init__(self, parts: Collaborators) -> None:
        self.starting: Callable[[Step, Exchange | None, list[Exchange]], None] = lambda *_: None
        self.probed: Callable[[Result], None] = lambda *_: None
        self.met_conflict = False
        self.still_locked: set[Deployment] = set()
        self._conflicting: set[Deployment] = set()  # the deployments whose last step was answered 409 every time
        self._outlasting_seconds = parts.sender.patience.seconds  # how long the run may still wait for locks to pass
        self._builder, self._sender, self._operations = parts.builder, parts.sender, parts.operations
        self._conflicts, self._instances, self._probe = parts.conflicts, parts.instances, parts.probe

    async def start(self, step: Step, result: Result, *, is_postponed: bool = False) -> None:
        """Sends a step's request, books its operation and watches its instance.

        `is_postponed` says that the step was refused before. It has more time then for its instance to run again, and
        for a lock of its deployment to pass, as long as the patience of the run lasts.
        """
        if is_postponed:
            await self._instances.until_running_again(self._operations.at(step.place))
        await self._instances.until_online(step.place)
        if step.observe and self._instances.offers_deployment:
            await self._instances.until_settled(self._operations.at(step.place))
        with self._operations.starting(step.place):
            before = await self._send(step, result, is_postponed=is_postponed)
            if not result.is_accepted or result.exchange is None:
                return
            result.operation = self._operations.open(result.exchange, step.place, step.form)
        self._instances.address(step.place)
        if before is not None:
            bystanders = self._bystanders(step.place)
            result.watch = self._instances.watch(result.operation, step.place, before, bystanders)

    async def _send(self, step: Step, result: Result, *, is_postponed: bool) -> Exchange | None:
        """Sends a step's request, repeats it while it meets a conflict, and gives the look before the last time."""
        deployment = step.place.deployment
        is_patient = not is_postponed and deployment not in self._conflicting
        max_repeats = MAX_STEP_CONFLICTS if is_patient else FEW_CONFLICT_TRIES
        observed = step.observe and step.expected == "succeeds"
        looks: list[Exchange | None] = []

        async def look_and_send() -> Exchange:
            looks.append(await self._look_before(step, result) if observed else None)
            self.starting(step, looks[-1], result.probe_before)
            return await self._sender.send(self._request_of(step), Manner(label_of(step.name)))

        if is_postponed and self._outlasting_seconds > 0:
            began = self._sender.clock.now()
            result.exchange = await self._conflicts.outlast(look_and_send, self._outlasting_seconds)
            self._outlasting_seconds -= self._sender.clock.now() - began
        else:
            result.exchange = await self._conflicts.send_past(
                look_and_send, max_repeats, self._go_one_at_a_time, calm=True
            )
        if is_conflict(result.exchange):
            self._conflicting.add(deployment)
            if is_postponed:
                self.still_locked.add(deployment)
        else:
            self._conflicting.discard(deployment)
            self.still_locked.discard(deployment)
        return looks[-1]

    async def _look_before(self, step: Step, result: Result) -> Exchange | None:
        """The look before a step, None without Get Deployment.

        The first time also the markers of the probe are written.
        """
        before = None
        if self._instances.offers_deployment:
            before = await self._instances.look_before(step.place)
        if self._probe.offered and not result.probe_before:
            result.probe_before = await self._mark(step.place)
        return before

    def _go_one_at_a_time(self) -> None:
        self.met_conflict = True

    def _request_of(self, step: Step) -> Request:
        """The request that a step sends."""
        request = varied(self._builder.reimage(step.place, step.form, version=step.version), step.variations)
        if step.query is not None:
            request = with_query(request, step.query)
        if step.name == "slot-case":
            slot = step.place.deployment.slot
            request = replace(request, target=request.target.replace(f"/{slot}/", f"/{slot.capitalize()}/", 1))
        return replace(request, identity=step.identity)

    async def _mark(self, place: Place) -> list[Exchange]:
        """Writes a marker inside and one outside local storage, and reads them and the installation id back."""
        for where in ("local-storage", "other"):
            await self._probe.ask(place, "PUT", f"/{where}/conformance", b"marker")
        return await self._read(place)

    async def _read(self, place: Place) -> list[Exchange]:
        """The installation id, and the markers inside and outside local storage."""
        kept, other = [
            await self._probe.ask(place, "GET", f"/{where}/conformance") for where in ("local-storage", "other")
        ]
        return [await self._probe.installation(place), kept, other]

    async def read_probe_after(self, result: Result) -> None:
        """Reads the markers and the installation id once the id has changed, or the time for that is over."""
        operation, place, limits = result.operation, result.step.place, self._sender.limits
        if operation is None or not result.probe_before or result.probe_after:
            return
        if operation.status == "Succeeded":
            patience = probing_seconds(operation.duration, limits)
            await self._probe.until_reinstalled(place, result.probe_before[0], operation.ended, patience, self._sender)
        result.probe_after = await self._read(place)
        self.probed(result)

    def _bystanders(self, place: Place) -> tuple[str, ...]:
        """Instances of the same deployment that no request reimages now, or reimaged a short time ago (`_is_at_rest`)."""
        places = [Place(place.deployment, name) for name in place.deployment.role_instances]
        return tuple(p.role_instance for p in places if p != place and self._is_at_rest(p))

    def _is_at_rest(self, place: Place) -> bool:
        """Whether no reimage of ours may still change an instance."""
        if str(place) not in self._instances.addressed:
            return True
        operations = self._operations.at(place)
        return bool(operations) and self._instances.are_steady(operations)

    async def contend(self, result: Result) -> None:
        """Sends two reimages while the step's operation runs: of the same instance, and of another one."""
        step = result.step
        same = replace(self._builder.reimage(step.place, step.form), fresh_connection=True)
        result.same = await self._sender.send(same, Manner(CONTEND_SAME))
        result.same_operation = self._opened(result.same, step.place, step)
        for place in contending_places(step):
            result.other_place = place
            if self._operations.under_way:
                other = replace(self._builder.reimage(place, step.form), fresh_connection=True)
                result.other = await self._sender.send(other, Manner(CONTEND_OTHER))
                result.other_operation = self._opened(result.other, place, step)
                if result.other_operation is not None:
                    self._instances.address(place)

    def _opened(self, exchange: Exchange, place: Place, step: Step) -> Operation | None:
        """The operation that a contending request started, or None."""
        if exchange.is_successful:
            return self._operations.open(exchange, place, step.form)
        return None
