"""The campaign: the reimages that a run starts and observes, advancing by itself while cases do other things.

One step runs on a deployment at a time; whenever a deployment is free, its next step starts. A step that is refused with
several variations is taken apart, one variation at a time, so that the refusal finds its cause.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from conformance.checks.probes import installation_in
from conformance.checks.wording import is_conflict
from conformance.oracle import MINIMUM_VERSION, permitted
from conformance.protocol.requests import Place, with_query
from conformance.runner.holding import Holds
from conformance.runner.signals import Withheld
from conformance.runner.variations import varied

if TYPE_CHECKING:
    from conformance.model import Exchange, Limits, Request
    from conformance.protocol.requests import RequestBuilder
    from conformance.runner.budget import Budget
    from conformance.runner.dispatch import Dispatcher
    from conformance.runner.observing import Observer, Probe, Watch
    from conformance.runner.operations import Operation, OperationBook
    from conformance.runner.planning import Step

CONFLICT_PATIENCE = 40
FEW_CONFLICTS = 2
"""So often a request is sent again where others never got past a conflict."""
SHORTEST_PATIENCE = 0.5
"""Seconds after its end within which a reimage is given time to show in the instance."""


@dataclass(slots=True)
class Result:
    """What became of a step."""

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
    conflicts: int = 0
    again: float = 0.0
    skipped: str = ""

    @property
    def awaits_probe(self) -> bool:
        """Whether the instance is still to be looked into."""
        return bool(self.probe_before) and not self.probe_after and self.operation is not None

    @property
    def was_tried(self) -> bool:
        """Whether another reimage of the same instance was sent while it ran."""
        return self.same is not None

    @property
    def was_contended(self) -> bool:
        """Whether others were refused with 409 while it ran."""
        return any(is_conflict(e) for e in (self.same, self.other))

    @property
    def is_accepted(self) -> bool:
        """Whether the endpoint took the request."""
        reply = self.exchange.reply if self.exchange is not None else None
        return reply is not None and 200 <= reply.status < 300


def probing_seconds(duration: float, limits: Limits) -> float:
    """How long after the end of an operation that took `duration` its instance may still show the old installation; seconds."""
    patience = max(3 * duration, 4 * limits.poll_interval_seconds, SHORTEST_PATIENCE)
    return min(patience, limits.operation_timeout_seconds)


class Campaign:
    """Starts steps when their deployment is free, and keeps what became of each."""

    def __init__(
        self,
        steps: list[Step],
        *,
        builder: RequestBuilder,
        dispatcher: Dispatcher,
        book: OperationBook,
        observer: Observer,
        probe: Probe,
        budget: Budget,
    ) -> None:
        self.pending = list(steps)
        self.results: dict[str, Result] = {}
        self._refused: dict[str, Result] = {}
        self.paused = False
        self.exclusive = False
        self.holds = Holds()
        self.reserve = budget.reserve
        self._again = 0.0
        self._locked: set[str] = set()
        self._builder, self._dispatcher, self._book = builder, dispatcher, book
        self._observer, self._probe, self._budget = observer, probe, budget

    def tick(self) -> None:
        """Looks into instances whose reimage is over, and starts what can be started now."""
        for result in self.results.values():
            if result.awaits_probe:
                self._look_into(result)
        if not self.paused:
            self._start_what_is_free()

    def _start_what_is_free(self) -> None:
        """Starts steps in their order; a step whose instance is examined waits, and keeps its share of the budget meanwhile."""
        spared = 0
        for step in list(self.pending):
            if self._book.hopeless:
                self._skip(step, "operations find no end")
            elif not self._budget.allows(reserved=self.reserve + spared):
                if self.reserve + spared == 0:
                    self._skip(step, "the budget of reimages is spent")
                return
            elif self.holds.keeps(step.place):
                spared += 1
            elif self._is_free(step):
                waiting = len(self.pending)
                self._start(step)
                if len(self.pending) >= waiting:
                    return  # it was taken apart, or has to wait: its parts, or it, come before what follows

    def go_on(self) -> None:
        """The refusals are through: start whatever is left, out of the whole budget."""
        self.paused = False
        self.reserve = 0
        self.holds.release()

    def has_settled(self, place: Place) -> bool:
        """Whether no reimage of ours that was not watched may still change an instance, as far as Get Deployment would show it."""
        if not self._observer.offers_deployment:
            return True
        here = (operation for operation in self._book.operations if operation.place == place)
        return all(self._observer.has_settled(operation) for operation in here)

    def _is_free(self, step: Step) -> bool:
        """Whether nothing of ours is in a step's way; after a conflict, whether nothing of ours runs at all."""
        if self.exclusive and (self._book.under_way or self._dispatcher.clock.now() < self._again):
            return False
        awaited = any(result.awaits_probe and result.step.place == step.place for result in self.results.values())
        if awaited or self.holds.keeps(step.place) or self._observer.is_last_bystander(step.place):
            return False
        if step.observe and not self.has_settled(step.place):
            return False
        return not self._book.is_busy(step.place.deployment) and self._observer.is_online(step.place)

    def _look_into(self, result: Result) -> None:
        """Reads markers and installation once the instance is back and written afresh, or was given time for it."""
        operation, place, limits = result.operation, result.step.place, self._dispatcher.limits
        now = self._dispatcher.clock.now()
        if operation is None or operation.is_under_way or not self._observer.is_online(place) or now < result.again:
            return
        installed = installation_in(self._probe.installation(place))
        offline = not installed and self._probe.answers and bool(installation_in(result.probe_before[0]))
        patience = limits.operation_timeout_seconds if offline else probing_seconds(operation.duration, limits)
        deadline = operation.ended + patience
        if offline and now >= deadline:
            self._probe.answers = False
        fresh = installed not in ("", installation_in(result.probe_before[0]))
        if fresh or now >= deadline or operation.status != "Succeeded":
            result.probe_after = self._read(place)
        else:
            result.again = now + limits.poll_interval_seconds

    def _skip(self, step: Step, reason: str) -> None:
        """Leaves a step out for good."""
        self.pending.remove(step)
        for name in step.names:
            self.results.setdefault(name, Result(step)).skipped = reason

    def request_of(self, step: Step) -> Request:
        """The request that a step sends."""
        request = varied(self._builder.reimage(step.place, step.form, version=step.version), step.variations)
        if step.query is not None:
            request = with_query(request, step.query)
        if step.name == "slot-case":
            slot = step.place.deployment.slot
            request = replace(request, target=request.target.replace(f"/{slot}/", f"/{slot.capitalize()}/", 1))
        return replace(request, identity=step.identity)

    def _start(self, step: Step) -> None:
        """Sends a step's request, and books, watches and contends as it says."""
        result = self.results.setdefault(step.name, Result(step))
        probing = step.observe and step.expected == "succeeds" and self._probe.offered
        watching = step.observe and step.expected == "succeeds" and self._observer.offers_deployment
        before = self._observer.look(step.place.deployment) if watching else None
        if probing and not result.probe_before:
            result.probe_before = self._mark(step.place)
        try:
            exchange = self._dispatcher.send(self.request_of(step), label=f"step:{step.name}")
        except Withheld as error:
            self._skip(step, str(error))
            return
        if is_conflict(exchange) and result.conflicts < self._patience(step):
            result.conflicts += 1
            self.exclusive = True
            self._again = self._dispatcher.clock.now() + self._dispatcher.limits.poll_interval_seconds
            return
        if is_conflict(exchange):
            self._locked.add(step.place.deployment.name)
        else:
            self._locked.discard(step.place.deployment.name)
        result.exchange = exchange
        self.pending.remove(step)
        if not result.is_accepted:
            self._take_apart(step)
            return
        result.operation = self._book.open(exchange, step.place, step.form)
        self.results |= dict.fromkeys(step.names, result)
        self._observer.address(step.place)
        if before is not None:
            result.watch = self._observer.watch(result.operation, step.place, before, self._bystanders(step.place))
        if step.contend and self._budget.allows(reserved=self.reserve + 2):
            self._contend(result)

    def _patience(self, step: Step) -> int:
        """How often a step is sent again that is in the way of something else: hardly where the last one never got through."""
        return FEW_CONFLICTS if step.place.deployment.name in self._locked else CONFLICT_PATIENCE

    def _take_apart(self, step: Step) -> None:
        """Tries what a refused step stands for or its variations one at a time, or its place with the target's own version."""
        if step.stands_for:
            self.results.pop(step.name)
            self.pending[:0] = step.stands_for
        elif step.version not in (None, MINIMUM_VERSION):
            self._refused[step.name] = self.results.pop(step.name)
            self.pending.insert(0, replace(step, version=None))
        elif len(step.variations) > 1:
            parts = [
                replace(step, name=f"{step.name}:{name}", variations=(name,), observe=False) for name in step.variations
            ]
            self.pending[:0] = parts

    def _mark(self, place: Place) -> list[Exchange]:
        """Leaves a marker inside and one outside local storage, and reads them and the installation id back."""
        for where in ("local-storage", "other"):
            self._probe.ask(place, "PUT", f"/{where}/conformance", b"marker")
        return self._read(place)

    def _read(self, place: Place) -> list[Exchange]:
        """The installation id, and the markers inside and outside local storage."""
        kept, other = (self._probe.ask(place, "GET", f"/{where}/conformance") for where in ("local-storage", "other"))
        return [self._probe.installation(place), kept, other]

    def _bystanders(self, place: Place) -> tuple[str, ...]:
        """Instances of the same deployment that no request has reimaged."""
        deployment = place.deployment
        return tuple(n for n in deployment.role_instances if str(Place(deployment, n)) not in self._observer.addressed)

    def _contend(self, result: Result) -> None:
        """While the step's operation runs: another reimage of the same instance, and one of another (digest section M)."""
        step = result.step
        result.same = self._dispatcher.send(self._builder.reimage(step.place, step.form), label="contend:same")
        result.same_operation = self._opened(result.same, step.place, step)
        others = [name for name in step.place.deployment.role_instances if name != step.place.role_instance]
        if others:
            place = result.other_place = Place(step.place.deployment, others[0])
            if self._book.under_way:
                result.other = self._dispatcher.send(self._builder.reimage(place, step.form), label="contend:other")
                result.other_operation = self._opened(result.other, place, step)
                if result.other_operation is not None:
                    self._observer.address(place)

    def _opened(self, exchange: Exchange, place: Place, step: Step) -> Operation | None:
        """The operation that a contending request started, if it did."""
        if exchange.reply is not None and exchange.reply.status < 300:
            return self._book.open(exchange, place, step.form)
        return None

    def control(self, form: str) -> Result | None:
        """The first accepted well-formed reimage in a URI form: what makes a refusal in that form count."""
        for result in self.results.values():
            plain = not permitted(result.exchange.request, self._book.world).binding if result.exchange else False
            if result.is_accepted and result.step.form == form and plain:
                return result
        return None

    def refused_with_version(self, step: Step) -> Result | None:
        """What became of `step` with a published version of its own, if that was refused and sent again without."""
        return self._refused.get(step.name)

    @property
    def is_open(self) -> bool:
        """Whether steps are still to be started."""
        return bool(self.pending)
