"""The campaign: the sound (valid) reimages that a run starts and observes. It is a task that runs concurrently with the cases.

One step runs on a deployment at a time; when a deployment is free, its next step starts. After a conflict (409), only one
step runs at a time in the whole run. A step that is refused is taken apart: its `Step.parts` are sent instead, which show
what in its request is refused.
"""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import trio

from reimage_conformance.judging.operations.polls import status_of
from reimage_conformance.judging.oracle import expectation_of
from reimage_conformance.judging.wording import is_conflict
from reimage_conformance.model import Why
from reimage_conformance.session.agenda import Agenda
from reimage_conformance.session.budget import SPENT
from reimage_conformance.session.operation import State
from reimage_conformance.session.signals import Inconclusive, Reason, Withheld
from reimage_conformance.session.step_runs import Result, contending_requests, places_to_hold
from reimage_conformance.session.thresholds import MAX_STEPS_FIRST, RESERVED_REIMAGES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Collection

    from reimage_conformance.model import Deployment
    from reimage_conformance.protocol.addresses import UriForm
    from reimage_conformance.session.collaborators import Collaborators
    from reimage_conformance.session.step_runs import StepRuns
    from reimage_conformance.session.steps import Step


UNSEEN = Reason("its operation ended while the run was interrupted, and the endpoint no longer knows it")
"""Why an accepted step of an interrupted run has no operation."""
WAS_LOCKED = "it was answered 409 at first, and later"
"""What is said before the reason why a postponed step is left out."""
UNENDED = Reason("too many earlier operations reached no end, so the suite started no more reimages", Why.NO_END)
"""Why a step is left out after too many operations reached no end (`Operations.hopeless`)."""


class Campaign:
    """Chooses the next step of its `agenda` whenever a deployment is free.

    `results` holds the results by the names of the steps. The result of an accepted merged step also stands under the name
    of each step that it stands for, so that `results` may hold one result several times. `_refused_with_own_version` holds
    the refused results of steps that were repeated with the target's version.
    """

    def __init__(self, steps: list[Step], step_runs: StepRuns, shared: Collaborators) -> None:
        self.agenda = Agenda(steps)
        self.results: dict[str, Result] = {}
        self._refused_with_own_version: dict[str, Result] = {}
        self._paused = False
        self._claimed = 0  # how many started steps still wait for their instance, and hold no reimage of the budget yet
        self._running: dict[Deployment, Step] = {}
        self._adopted: list[Result] = []
        self._changed = trio.Event()
        self._step_runs, self._sender, self._operations = step_runs, shared.sender, shared.operations
        self._instances, self._budget = shared.instances, shared.budget

    async def run(self) -> None:
        """Starts every step that the budget allows, the most important first.

        Returns when each step is over or left out. Where steps start on demand, it never returns; the session cancels it.
        """
        async with trio.open_nursery() as steps:
            for result in self._adopted:
                steps.start_soon(self._follow_adopted, result)
            while self._may_start_more:
                step = self._next_or_leave_out_all()
                if step is None:
                    await self._until_changed()
                    continue
                self.agenda.take(step)
                self._running[step.place.deployment] = step
                self._claimed += 1
                was_refused = self.agenda.first_refusal(step) is not None
                result = self.results.setdefault(step.name, Result(step, was_refused=was_refused))
                steps.start_soon(self._carry_out, step, result)

    def pause(self) -> None:
        """Starts no further step until `allow_remaining_steps`.

        Used where the endpoint answers 409 to bad requests while an operation runs.
        """
        self._paused = True

    def allow_remaining_steps(self) -> None:
        """Lets the remaining steps start, also with the reimages reserved for bad requests, since all of those were sent."""
        self._paused = False
        self._budget.reserve = 0
        self._wake()

    def hold_back_all_but(self, step_names: Collection[str], on_demand: Callable[[Step], bool]) -> None:
        """Makes the campaign start only the steps of these names on its own.

        Another step starts when a case asks for it, if `on_demand` is true of it; else it is dropped.
        """
        self.agenda.hold_back_all_but(step_names, on_demand)

    def _ask_for(self, name: str | None = None) -> None:
        """Makes the held-back step of this name pending; without a name, all of them."""
        if self.agenda.ask_for(name):
            self._wake()

    @property
    def _may_start_more(self) -> bool:
        """Whether a step may still start: one is pending, a case may ask for one, or a running step may add some."""
        return bool(self.agenda.pending or self._running or self.agenda.starts_on_demand)

    async def until_sent(self, name: str) -> None:
        """Waits until the step of this name, or a step that it was merged into, was answered or left out.

        A held-back step becomes pending.
        """
        self._ask_for(name)
        while self.agenda.is_pending(name) or any(
            name in result.step.names and not result.decided.is_set() for result in self.results.values()
        ):
            await self._changed.wait()

    async def until_no_step_runs(self) -> None:
        """Makes every held-back step pending, and waits until no step is pending, and the operation of each is over.

        The watch and the probe of an instance may go on after that.
        """
        self._ask_for()
        while self.agenda.pending or self._running:
            await self._changed.wait()

    async def until_all_over(self) -> None:
        """Waits until no step is pending, and every started one is over, with the watch and the probe of its instance.

        Unlike `until_no_step_runs`, this leaves held-back steps held back.
        """
        while self.agenda.pending or self._running:
            await self._changed.wait()
        for result in list(self.results.values()):
            if result.operation is not None:
                await result.over.wait()

    @property
    def reimages_needed(self) -> int:
        """How many reimages have to be left if a reimage whose operation was forgotten is to be repeated.

        They are those of the next steps, of bad requests and of later cases (`Budget.kept`).
        """
        return self._budget.reserve + self._budget.kept + min(len(self.agenda.pending), MAX_STEPS_FIRST)

    @property
    def _bad_requests_are_over(self) -> bool:
        """Whether all bad requests were sent: `allow_remaining_steps` has set their reserve to 0."""
        return self._budget.reserve == 0

    @property
    def _why_the_run_is_stuck(self) -> Reason | None:
        """Why no step can be started any more, whatever the budget has left; None where one may be.

        While the campaign is paused, `hopeless` is not a reason yet.
        """
        if self._sender.given_up:
            return Reason(self._sender.given_up)
        return UNENDED if self._operations.hopeless and not self._paused else None

    def _next_or_leave_out_all(self) -> Step | None:
        """The next step, if one can be started now, or None. If none can be started any more, every pending step is left out.

        One reimage stays reserved for each step whose instance is the last bystander of another reimage (`_may_start_now`).
        """
        reason = self._why_the_run_is_stuck
        if reason is not None:
            self._leave_out_all(reason)
            return None
        if self._paused:
            return None
        if self._bad_requests_are_over and not self._budget.can_hold_in_the_end(1, reserved=self._budget.kept):
            return self._next_from_kept_or_leave_out_all()
        reserved = self._budget.reserve + self._budget.kept + self._claimed
        for step in self.agenda.pending:
            if not self._budget.can_hold_now(reserved=reserved):
                return None
            if self._may_start_now(step):
                return step
            if self._instances.is_last_bystander(step.place):
                reserved += 1  # this step still needs a reimage
        return None

    def _next_from_kept_or_leave_out_all(self) -> Step | None:
        """The next step, or None, when no reimage is left but those that are kept for later cases (`Budget.kept`).

        Later cases need these only if looks showed that an instance stayed (`an_instance_stayed`). While a watch may still
        show that, no step starts. If no watch showed it, steps may use the kept reimages. Otherwise, or if none are kept,
        every pending step is left out.
        """
        if self._budget.kept and self.agenda.pending and not self.an_instance_stayed:
            if any(result.operation is not None and not result.over.is_set() for result in self.results.values()):
                return None  # its watch may still show an instance that stays
            self._budget.keep(0)
            return self._next_or_leave_out_all()
        self._leave_out_all(SPENT)
        return None

    @property
    def an_instance_stayed(self) -> bool:
        """Whether looks show that an instance stayed at ReadyRole although its reimage succeeded.

        In that case another instance may have been reimaged in its place. Only an operation that a poll showed
        InProgress counts: a shorter one may have ended before any look.
        """
        watches = [result.watch for result in self.results.values() if result.watch is not None]
        stayed = [watch.operation for watch in watches if watch.is_over and not watch.was_offline]
        succeeded = [operation for operation in stayed if operation.status == "Succeeded"]
        return any(status_of(poll) == "InProgress" for operation in succeeded for poll in operation.polls)

    async def _until_changed(self) -> None:
        """Waits until another step may be startable: a step ended, the budget changed, or all bad requests were sent."""
        async with trio.open_nursery() as waits:

            async def end_after(wait: Callable[[], Awaitable[object]]) -> None:
                await wait()
                waits.cancel_scope.cancel()

            # Otherwise `_next_or_leave_out_all` has just left out every step, and no change will ever come.
            if self._may_start_more:
                waits.start_soon(end_after, self._changed.wait)
                waits.start_soon(end_after, self._budget.change.wait)

    def _may_start_now(self, step: Step) -> bool:
        """Whether a step may start now: its instance may be reimaged, and no other step runs on its deployment.

        After a conflict, no other step may run on any deployment. The instance must not be reimaged while the effects of bad
        requests are examined there. It must not be reimaged either while it is the last bystander of another reimage: the
        last instance that can show whether that reimage leaves others unchanged.
        """
        if self._instances.is_closed_to_campaign(step.place) or self._instances.is_last_bystander(step.place):
            return False
        return not self._running if self._step_runs.met_conflict else step.place.deployment not in self._running

    def _wake(self) -> None:
        """Wakes every task that waits for a change."""
        self._changed.set()
        self._changed = trio.Event()

    def _leave_out_all(self, reason: Reason) -> None:
        """Leaves every pending step out.

        A postponed one that met a conflict keeps its first result if its deployment stayed locked as long as the run waited.
        """
        for step in self.agenda.take_all():
            refused = self.agenda.first_refusal(step)
            was_locked = refused is not None and is_conflict(refused.exchange)
            if refused is not None and was_locked and step.place.deployment in self._step_runs.still_locked:
                self.results |= dict.fromkeys(step.names, refused)
                continue
            for name in step.names:
                result = self.results.setdefault(name, Result(step))
                result.skipped = Reason(f"{WAS_LOCKED} {reason}", reason.why) if was_locked else reason
                result.decided.set()
                result.over.set()
        self._wake()

    async def _carry_out(self, step: Step, result: Result) -> None:
        """Carries out one step, until the watch and the probe of its instance and the contending operations are over.

        The next step may start on the deployment earlier, as soon as the operation of this one is over.
        """
        try:
            async with self._instances_of(step) as count:
                if not count:
                    self._put_back(step)  # its next try has a result of its own; this one is dropped
                    return
                with self._budget.held_now(count):
                    await self._start(step, result)
                    if result.operation is not None and count > 1:
                        await self._step_runs.contend(result)
                await self._follow_to_end(step, result)
        except (Inconclusive, Withheld) as reason:
            result.skipped = result.skipped or reason.reason
        finally:
            result.decided.set()
            result.over.set()
            self._free_deployment(step)

    async def _follow_to_end(self, step: Step, result: Result) -> None:
        """Waits for the end of a step's operation, for the watch and the probe of its instance, and for operations that contended with it."""
        if result.operation is not None:
            await result.operation.over.wait()
            if result.operation.state is State.UNSEEN:
                result.operation, result.watch, result.skipped = None, None, UNSEEN
                return
            self._free_deployment(step)
            await self._instances.until_online(step.place)
            self._wake()
            await self._step_runs.read_probe_after(result)
        for other in (result.other_operation, result.same_operation):
            if other is not None:
                await other.over.wait()

    def make_pending(self, name: str) -> Step | None:
        """Makes the held-back step of this name pending, if there is one, and gives the pending step of this name, or None.

        Only the own name of the given step counts, because the journal holds the name under which a step was sent.
        """
        self._ask_for(name)
        return next((step for step in self.agenda.pending if step.name == name), None)

    def adopt(self, result: Result, *, is_over: bool) -> None:
        """Takes over the result of a step from an earlier part of the run.

        An accepted step is followed to its end unless it `is_over`. A refused step is taken apart.
        """
        step, result.adopted = result.step, True
        self.agenda.take(step)
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
                self._running[step.place.deployment] = step
        result.decided.set()

    async def _follow_adopted(self, result: Result) -> None:
        """Follows to its end a step that an earlier part of the run started."""
        step = result.step
        try:
            async with self._instances.hold(*places_to_hold(step)):
                if step.contend and not result.contention_sent and result.operation is not None:
                    await self._operations.until_polled(result.operation)
                    count = contending_requests(step)
                    reserved = self._budget.reserve + self._budget.kept
                    if result.operation.is_under_way and self._budget.can_hold_now(count, reserved=reserved):
                        with self._budget.held_now(count):
                            await self._step_runs.contend(result)
                await self._follow_to_end(step, result)
        except (Inconclusive, Withheld) as reason:
            result.skipped = result.skipped or reason.reason
        finally:
            if result.watch is not None and result.watch.interrupted and not result.watch.was_offline:
                result.watch = None  # the instance may have left ReadyRole while the run was interrupted
            result.over.set()
            self._free_deployment(step)

    @asynccontextmanager
    async def _instances_of(self, step: Step) -> AsyncIterator[int]:
        """Holds the instances of a step, and gives how many reimages it may start.

        `run` claimed one reimage for the step, so that later steps do not take it (`_claimed`). The claim ends here, when the
        instances are held and the number is known.
        """
        async with AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(self._instances.hold(*places_to_hold(step)))
                count = await self._room_for(step)
            finally:
                self._claimed -= 1
            yield count

    async def _room_for(self, step: Step) -> int:
        """How many reimages a step may start, 0 where none is left.

        A step with contention may start one for each of its requests, or only one if fewer are left. This waits for bad
        requests under way, since they hold reimages for a short time only.
        """
        requests = 1 + contending_requests(step)
        # The whole reserve was left when the step was chosen. Bad requests may have used a part of it since then.
        reserved = min(self._budget.reserve, RESERVED_REIMAGES) + self._budget.kept
        for count in (requests, 1):
            while self._budget.can_hold_in_the_end(count, reserved=reserved):
                if self._budget.can_hold_now(count, reserved=reserved):
                    return count
                await self._budget.change.wait()
        return 0

    def _put_back(self, step: Step) -> None:
        """Makes a step pending again, since no reimage was left when its instance became free."""
        self.agenda.put_first([step])
        del self.results[step.name]

    def _free_deployment(self, step: Step) -> None:
        """Lets the next step run on the deployment of `step`, unless another step runs there already."""
        deployment = step.place.deployment
        if self._running.get(deployment) is step:
            del self._running[deployment]
        self._wake()

    async def _start(self, step: Step, result: Result) -> None:
        """Sends a step's request; a step that is refused is taken apart, or postponed if it may be accepted later."""
        await self._step_runs.start(step, result)
        exchange = result.exchange
        may_be_temporary = is_conflict(exchange) or self._instances.may_not_run_again(step.place, exchange)
        if may_be_temporary and not result.was_refused:
            self._postpone(step)
            return
        if not result.is_accepted:
            self._take_apart(step)
            return
        self.results |= dict.fromkeys(step.names, result)
        self.agenda.put_postponed_first(step.place.deployment)
        result.decided.set()
        self._wake()

    def _postpone(self, step: Step) -> None:
        """Makes a refused step pending again: something else may hold its deployment, or its instance may not run again yet.

        It is sent again when another step of its deployment was accepted, or after all other steps.
        """
        self.agenda.postpone(step, self.results.pop(step.name))
        self._wake()

    def _take_apart(self, step: Step) -> None:
        """Makes the parts of a refused step pending.

        The result of a merged step is dropped, since each of its parts gets a result. A result with an own version is kept for
        `refused_with_version`, since the step is repeated under the same name. Any other result stays in `results`.
        """
        if step.stands_for:
            self.results.pop(step.name)
        elif step.has_version_of_its_own:
            self._refused_with_own_version[step.name] = self.results.pop(step.name)
        self.agenda.put_first(step.parts)
        self._wake()

    def control(self, form: UriForm) -> Result | None:
        """The control of a URI form: the result of an accepted step in that form whose request need not be refused, or None.

        Without a control, a refusal in that form proves nothing: the endpoint may refuse every request in it.
        """
        for result in self.results.values():
            if result.exchange is None or not result.is_accepted or result.step.form != form:
                continue
            if expectation_of(result.exchange.request, self._operations.world).may_be_accepted:
                return result
        return None

    def refused_with_version(self, step: Step) -> Result | None:
        """The result of `step` with its own version if that was refused, else None; the step was then repeated with the target's version."""
        return self._refused_with_own_version.get(step.name)
