"""The campaign: the reimages that a run starts and observes, a task of its own while cases do other things.

One step runs on a deployment at a time; whenever a deployment is free, its next step starts. A step that is refused with
several variations is taken apart, one variation at a time, so that the refusal finds its cause.
"""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import trio

from reimage_conformance.catalogue import MINIMUM_VERSION
from reimage_conformance.judging.oracle import permitted
from reimage_conformance.session.budget import SPENT
from reimage_conformance.session.operation import State
from reimage_conformance.session.signals import Inconclusive, Withheld
from reimage_conformance.session.step_runs import Result, contended_by
from reimage_conformance.session.thresholds import MAX_STEPS_FIRST, RESERVED_REIMAGES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Collection

    from reimage_conformance.session.budget import Budget
    from reimage_conformance.session.instances import Instances
    from reimage_conformance.session.operations import Operations
    from reimage_conformance.session.sending import Sender
    from reimage_conformance.session.step_runs import StepRuns
    from reimage_conformance.session.steps import Step

__all__ = ["UNENDED", "Campaign", "Result"]

UNSEEN = "its operation ended while the run was interrupted, and the endpoint has forgotten it"
UNENDED = "not judged: earlier operations reached neither Succeeded nor Failed"


class Campaign:
    """Chooses which step is carried out next, when its deployment is free, and keeps what became of each."""

    def __init__(
        self,
        steps: list[Step],
        *,
        runs: StepRuns,
        sender: Sender,
        operations: Operations,
        instances: Instances,
        budget: Budget,
    ) -> None:
        self.pending = list(steps)
        self._held_back: list[Step] = []
        self._until_asked_for = False
        self.results: dict[str, Result] = {}
        self._refused: dict[str, Result] = {}
        self._paused = False
        self._claimed = 0  # steps that wait for their instance, and hold nothing of the budget yet
        self._running: dict[str, Step] = {}
        self._adopted: list[Result] = []
        self._changed = trio.Event()
        self._runs, self._sender, self._operations = runs, sender, operations
        self._instances, self._budget = instances, budget

    async def run(self) -> None:
        """Starts every step that the budget allows, the most important first; over when all are through or left out."""
        async with trio.open_nursery() as steps:
            for result in self._adopted:
                steps.start_soon(self._go_on_with, result)
            while self.pending or self._running or self._until_asked_for:  # one that runs may yet be taken apart
                step = self._next()
                if step is None:
                    await self._until_changed()
                    continue
                self.pending.remove(step)
                self._running[step.place.deployment.name] = step
                self._claimed += 1
                result = self.results.setdefault(step.name, Result(step))
                steps.start_soon(self._carry_out, step, result)

    def pause(self) -> None:
        """Starts no further step until `go_on`: the endpoint refuses other requests while an operation runs."""
        self._paused = True

    def go_on(self) -> None:
        """The refusals are through: start whatever is left, out of the whole budget."""
        self._paused = False
        self._budget.reserve = 0
        self._tell()

    def hold_back(self, step_names: Collection[str], until_asked_for: Callable[[Step], bool]) -> None:
        """Starts none but the steps of these names by itself; of the others those that somebody asks for, if they may be: the rest never."""
        keep = [step for step in self.pending if not set(step_names).isdisjoint(step.names)]
        self._held_back = [step for step in self.pending if step not in keep and until_asked_for(step)]
        self.pending, self._until_asked_for = keep, True

    def _ask_for(self, name: str | None = None) -> None:
        """Has the step of this name started if it was held back; without a name, all that were."""
        asked = [step for step in self._held_back if name is None or name in step.names]
        if asked:
            self._held_back = [step for step in self._held_back if step not in asked]
            self.pending += asked
            self._tell()

    async def until_sent(self, name: str) -> None:
        """Waits until the step of this name, or one that stands for it, was answered, or left out."""
        self._ask_for(name)
        while any(name in step.names for step in self.pending) or any(
            name in result.step.names and not result.sent.is_set() for result in self.results.values()
        ):
            await self._changed.wait()

    async def settled(self) -> None:
        """Waits until no step is pending or running."""
        self._ask_for()
        while self.pending or self._running:
            await self._changed.wait()

    async def all_over(self) -> None:
        """Waits until every step that was started is over and its instance was watched and looked into; asks for none that was held back."""
        while self.pending or self._running:
            await self._changed.wait()
        for result in list(self.results.values()):
            if result.operation is not None:
                await result.over.wait()

    @property
    def needed(self) -> int:
        """The reimages that are spent better than on an operation to ask about: the next steps, and what is kept for bad requests."""
        return self._budget.reserve + min(len(self.pending), MAX_STEPS_FIRST)

    def _next(self) -> Step | None:
        """The next step that can be started now; those that never can are left out.

        A step whose instance has to be left alone for a while keeps its share of the budget.
        """
        if self._paused or self._sender.given_up:
            if self._sender.given_up:
                self._skip_all(self._sender.given_up)
            return None
        if self._operations.hopeless:
            self._skip_all(UNENDED)
            return None
        if not self._budget.allows(reserved=self._budget.reserve + self._claimed):
            if self._budget.reserve == 0 and self._budget.is_spent:
                self._skip_all(SPENT)
            return None
        spared = 0
        for step in self.pending:
            if not self._budget.allows(reserved=self._budget.reserve + self._claimed + spared):
                return None
            if self._is_free(step):
                return step
            spared += self._instances.is_last_bystander(step.place)
        return None

    async def _until_changed(self) -> None:
        """Waits until something may have made room for a step: one is over, the budget is another one, or the refusals are through."""
        async with trio.open_nursery() as either:

            async def heard(wait: Callable[[], Awaitable[object]]) -> None:
                await wait()
                either.cancel_scope.cancel()

            if self.pending or self._running or self._until_asked_for:
                either.start_soon(heard, self._changed.wait)
                either.start_soon(heard, self._budget.change.wait)

    def _is_free(self, step: Step) -> bool:
        """Whether no step of ours runs on its deployment; after a conflict, on any."""
        if self._instances.is_in_peace(step.place.deployment) or self._instances.is_last_bystander(step.place):
            return False
        return not self._running if self._runs.met_conflict else step.place.deployment.name not in self._running

    def _tell(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    def _skip_all(self, reason: str) -> None:
        """Leaves every pending step out for good."""
        for step in self.pending:
            for name in step.names:
                result = self.results.setdefault(name, Result(step))
                result.skipped = reason
                result.sent.set()
                result.over.set()
        self.pending.clear()
        self._tell()

    async def _carry_out(self, step: Step, result: Result) -> None:
        """One step from its request until its instance is back; its deployment is free for others when its operation is over."""
        try:
            async with self._instances_of(step) as count:
                if not count:
                    self._put_back(step)
                    return
                with self._budget.held_now(count):
                    await self._start(step, result)
                    if result.operation is not None and count > 1:
                        await self._runs.contend(result)
                await self._see_through(step, result)
        except (Inconclusive, Withheld) as reason:
            result.skipped = result.skipped or str(reason)
        finally:
            result.sent.set()
            result.over.set()
            self._free(step)

    async def _see_through(self, step: Step, result: Result) -> None:
        """Waits for the end of a step's operation, and until its instance is back and was looked into."""
        if result.operation is not None:
            await result.operation.over.wait()
            if result.operation.state is State.UNSEEN:
                result.operation, result.watch, result.skipped = None, None, UNSEEN
                return
            self._free(step)
            await self._instances.until_online(step.place)
            self._tell()
            await self._runs.look_into(result)
        for other in (result.other_operation, result.same_operation):
            if other is not None:
                await other.over.wait()

    def waiting(self, name: str) -> Step | None:
        """The pending step of this name; one that was held back is pending from here on."""
        self._ask_for(name)
        return next((step for step in self.pending if step.name == name), None)

    def adopt(self, result: Result, *, is_over: bool) -> None:
        """Takes what became of a pending step in an earlier part of the run; one that was accepted is seen through unless it `is_over`."""
        step, result.adopted = result.step, True
        self.pending.remove(step)
        self.results[step.name] = result
        if not result.is_accepted:
            result.over.set()
            self._take_apart(step)
        else:
            self.results |= dict.fromkeys(step.names, result)
            if is_over:
                result.over.set()
            else:
                self._adopted.append(result)
            if result.operation is not None and result.operation.is_under_way:
                self._running[step.place.deployment.name] = step
        result.sent.set()

    async def _go_on_with(self, result: Result) -> None:
        """Sees a step through that an earlier part of the run started."""
        step = result.step
        try:
            async with self._instances.hold(step.place, *contended_by(step)):
                if step.contend and not result.was_tried and result.operation is not None:
                    await self._operations.until_polled(result.operation)
                    count = 1 + len(contended_by(step))
                    if result.operation.is_under_way and self._budget.allows(reserved=self._budget.reserve + count - 1):
                        with self._budget.held_now(count):
                            await self._runs.contend(result)
                await self._see_through(step, result)
        except (Inconclusive, Withheld) as reason:
            result.skipped = result.skipped or str(reason)
        finally:
            if result.watch is not None and result.watch.interrupted and not result.watch.was_offline:
                result.watch = None  # it may have been away while nobody looked
            result.over.set()
            self._free(step)

    @asynccontextmanager
    async def _instances_of(self, step: Step) -> AsyncIterator[int]:
        """Holds the instances of a step, and gives how many reimages there are for it; until then it claims one of the budget, ahead of the next steps."""
        async with AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(self._instances.hold(step.place, *contended_by(step)))
                count = await self._room_for(step)
            finally:
                self._claimed -= 1
            yield count

    async def _room_for(self, step: Step) -> int:
        """How many reimages a step may start: with contention one for each of its requests, or else one, and 0 where not even that is left.

        It waits for the bad requests under way, so that what they hold for a moment decides nothing.
        """
        whole = 2 + len(contended_by(step)) if step.contend else 1
        reserved = min(self._budget.reserve, RESERVED_REIMAGES)
        for count in (whole, 1):
            while self._budget.could_allow(count, reserved=reserved):
                if self._budget.allows(reserved=reserved + count - 1):
                    return count
                await self._budget.change.wait()
        return 0

    def _put_back(self, step: Step) -> None:
        """Leaves a step for later, as if it had not begun: who waits for an instance holds none of the budget meanwhile."""
        self.pending.insert(0, step)
        del self.results[step.name]

    def _free(self, step: Step) -> None:
        """Lets the next step run on the deployment, unless that has begun already."""
        deployment = step.place.deployment.name
        if self._running.get(deployment) is step:
            del self._running[deployment]
        self._tell()

    async def _start(self, step: Step, result: Result) -> None:
        """Sends a step's request; one that is refused is taken apart."""
        await self._runs.start(step, result)
        if not result.is_accepted:
            self._take_apart(step)
            return
        self.results |= dict.fromkeys(step.names, result)
        result.sent.set()
        self._tell()

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
        self._tell()

    def control(self, form: str) -> Result | None:
        """The first accepted well-formed reimage in a URI form: what makes a refusal in that form count."""
        for result in self.results.values():
            plain = not permitted(result.exchange.request, self._operations.world).binding if result.exchange else False
            if result.is_accepted and result.step.form == form and plain:
                return result
        return None

    def refused_with_version(self, step: Step) -> Result | None:
        """What became of `step` with a published version of its own, if that was refused and sent again without."""
        return self._refused.get(step.name)
