"""Reimages, as cases ask for them: the results of the campaign, and reimages that a case starts itself after the campaign."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import trio

from reimage_conformance.judging.wording import is_conflict, reply_summary, why_undecided
from reimage_conformance.model import Identity, Why
from reimage_conformance.protocol.requests import with_header
from reimage_conformance.session.budget import Spent
from reimage_conformance.session.campaign import UNSEEN
from reimage_conformance.session.manner import Manner
from reimage_conformance.session.signals import Inconclusive, Reason, Untested
from reimage_conformance.session.step_runs import probing_seconds
from reimage_conformance.session.thresholds import FEW_CONFLICT_TRIES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from reimage_conformance.model import Exchange, Profile, Request
    from reimage_conformance.protocol.addresses import UriForm
    from reimage_conformance.protocol.requests import Place
    from reimage_conformance.session.campaign import Campaign
    from reimage_conformance.session.collaborators import Collaborators
    from reimage_conformance.session.operation import Operation
    from reimage_conformance.session.step_runs import Result
    from reimage_conformance.session.steps import Planner

NO_END = ("REQ-REIMAGE-COMPLETES", "REQ-REIMAGE-REQID-USABLE", "REQ-REIMAGE-REQID", "REQ-GOS-STATUS")
"""The requirements whose violation explains that operations reach no end."""
CUT_SHORT = "this case had started a reimage when the run was cut short; a resumed run does not start it again"
REFUSED = ("REQ-REIMAGE-URI-SLOT", "REQ-REIMAGE-URI-NAME")
"""The requirements whose violation explains that a sound reimage is refused."""


class Reimages:
    """Gives the results of the campaign, and starts further reimages within the budget.

    `cut_short` holds the ids of cases that had started a reimage but had not ended when an earlier part of the run was
    cut short. `left_out` holds the ids of cases that the budget left no reimage for.
    """

    def __init__(self, campaign: Campaign, planner: Planner, profile: Profile, parts: Collaborators) -> None:
        self.campaign, self._planner, self._profile = campaign, planner, profile
        self._sender, self._builder, self._operations = parts.sender, parts.builder, parts.operations
        self._instances, self._probe, self._budget = parts.instances, parts.probe, parts.budget
        self._recorder, self._conflicts, self._starting = parts.recorder, parts.conflicts, trio.Lock()
        self.cut_short: frozenset[str] = frozenset()
        self.left_out: set[str] = set()
        parts.operations.renew = self._renewed
        parts.operations.reimages_needed = lambda: campaign.reimages_needed

    async def result(self, name: str) -> Result:
        """The result of step `name` of the campaign, once it was sent.

        Raises Untested where profile or budget left it out, Inconclusive where operations reach no end or the run was
        given up.
        """
        results = self.campaign.results
        planned = {each for step in self._planner.steps for each in step.names} | set(results)
        is_part = ":" in name  # a step that is sent only if one with several variations is refused
        if name not in planned and not is_part:
            raise Untested(f"the chosen --profile, {self._profile.value}, does not send this reimage", Why.PROFILE)
        await self.campaign.until_sent(name)
        result = results.get(name)
        if result is not None and result.skipped is None:
            return result
        reason = result.skipped if result is not None and result.skipped else Reason("it was not needed")
        if reason.why is Why.NO_END:
            raise Inconclusive(reason, NO_END)
        if self._sender.given_up:
            raise Inconclusive(self._sender.given_up)
        raise _not_sent(reason)

    async def finished(self, result: Result) -> Operation:
        """The operation of a step, once it is over and the watch of its instance too.

        Raises Inconclusive where the reimage was refused, and Untested where its end was missed (UNSEEN).
        """
        if result.operation is None:
            raise Inconclusive(
                _not_accepted(result.exchange),
                (result.step.form.requirement, "REQ-REIMAGE-VERSION", "REQ-REIMAGE-SLOT-VALUES"),
                why_undecided(result.exchange),
            )
        await result.over.wait()
        if result.operation is None:  # it ended while the run was interrupted
            raise _not_sent(result.skipped or UNSEEN)
        return result.operation

    async def all_finished(self) -> list[Result]:
        """The results of all accepted steps; waits until the whole campaign and every other operation are over."""
        await self.campaign.until_no_step_runs()
        for operation in list(self._operations.all):
            await operation.over.wait()
        every = {id(result): result for result in self.campaign.results.values()}
        return [result for result in every.values() if result.operation is not None]

    def may_start(self, count: int = 1) -> bool:
        """Whether the current case may start `count` further reimages; adds it to `left_out` if the budget is the reason why not."""
        has_room = self._budget.can_hold_now(count)
        if not has_room:
            self.left_out.add(self._case())
        return has_room and self._case() not in self.cut_short

    def raise_if_cut_short(self) -> None:
        """Raises Untested where the current case had started a reimage before the run was cut short."""
        if self._case() in self.cut_short:
            raise Untested(CUT_SHORT, Why.CUT_SHORT)

    def _case(self) -> str:
        return self._recorder.log.id

    async def start(
        self,
        place: Place,
        form: UriForm,
        *,
        version: str | None = None,
        closing: bool = False,
        identity: Identity = Identity.PRIMARY,
    ) -> Exchange:
        """Sends a sound reimage when no operation of ours runs; `closing` adds `Connection: close`.

        It is sent again after conflicts, also where something else locks the deployment for a while, and after a 400 that may
        say that the instance does not run again yet. Cases that call it at the same time are served one after the other.
        """
        self.raise_if_cut_short()
        request = replace(self._builder.reimage(place, form, version=version), identity=identity)
        request = with_header(request, "Connection", "close") if closing else request
        async with self._starting:
            await self._operations.until_quiet()
            await self._instances.until_online(place)
            async with self._held():
                send = partial(self._look_and_send, place, request, Manner("reimage", watch_close=closing))
                exchange = await self._conflicts.repeat_on_conflict(send, FEW_CONFLICT_TRIES)
                if self._instances.may_not_run_again(place, exchange):
                    await self._instances.until_running_again(self._operations.at(place))
                    exchange = await self._conflicts.repeat_on_conflict(send, FEW_CONFLICT_TRIES)
                if is_conflict(exchange) and self._conflicts.may_wait_for_lock:
                    exchange = await self._conflicts.repeat_while_locked(send)
                return exchange

    async def _look_and_send(self, place: Place, request: Request, manner: Manner) -> Exchange:
        """Sends a reimage after a look, if Get Deployment is offered: before each try, the deployment may have left its slot."""
        if self._instances.offers_deployment:
            await self._instances.look(place.deployment)
        return await self._sender.send(request, manner)

    async def start_after_rest(self, place: Place, form: UriForm, identity: Identity) -> Operation:
        """The operation of a sound reimage that is sent once no other was sent to the instance for `operation_timeout_seconds`.

        Where Get Deployment is not offered, this is the time after which an instance ought to run again.
        """
        rested_at = max(each.ended or each.began for each in self._operations.at(place))
        rested_at += self._sender.limits.operation_timeout_seconds
        await self._sender.patience.rest(max(rested_at - self._sender.clock.now(), 0.0))
        return self.book(await self.start(place, form, identity=identity), place, form)

    async def start_beside(self, place: Place, form: UriForm) -> Exchange:
        """Sends a sound reimage once its instance is online; operations on other deployments may be running."""
        self.raise_if_cut_short()
        await self._instances.until_online(place)
        async with self._held():
            return await self._sender.send(self._builder.reimage(place, form), Manner("reimage"))

    @asynccontextmanager
    async def _held(self) -> AsyncIterator[None]:
        """Holds one reimage of the budget, and notes the case where none is left; raises Spent then."""
        try:
            async with self._budget.hold():
                yield
        except Spent:
            self.left_out.add(self._case())
            raise

    def book(self, exchange: Exchange, place: Place, form: UriForm, *, anyway: bool = False) -> Operation:
        """Books the operation that a sound reimage of a case started; raises Inconclusive where the reimage was not accepted.

        With `anyway` it is polled even if earlier operations reached no end.
        """
        if not exchange.is_successful:
            raise Inconclusive(_not_accepted(exchange), REFUSED, why_undecided(exchange))
        self._instances.address(place)
        return self._operations.open(exchange, place, form, even_if_hopeless=anyway)

    async def await_installation(self, place: Place, before: Exchange) -> Exchange:
        """The probe's answer once the instance is back and its installation id has changed, or the time for that is over."""
        await self._instances.until_ready(place)
        longest = max((operation.duration for operation in self._operations.all), default=0.0)
        patience = probing_seconds(longest, self._sender.limits)
        return await self._probe.until_reinstalled(place, before, self._sender.clock.now(), patience, self._sender)

    async def _renewed(self, operation: Operation) -> Operation | None:
        """The operation of a repeated reimage, over; None where the endpoint does not know it then."""
        if operation.place is None or operation.form is None:
            return None
        exchange = await self.start(operation.place, operation.form)
        again = self.book(exchange, operation.place, operation.form)
        await again.over.wait()
        return again if again.is_still_known else None


def _not_sent(reason: Reason) -> Untested:
    """What a case raises that needs a step of the campaign which was left out."""
    return Untested(f"the suite did not send the reimage that this needs: {reason}", reason.why)


def _not_accepted(exchange: Exchange | None) -> str:
    """Why a reimage that others rest on has no operation."""
    answer = reply_summary(exchange) if exchange is not None else "it got no reply"
    return f"the valid reimage that this needs was not accepted: {answer}"
