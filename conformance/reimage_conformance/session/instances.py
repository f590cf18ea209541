"""Instances: watches role instances during and after their reimages, and controls which task may use an instance when.

The states that an instance reaches after its reimage, and the functions that wait for them or show them:

| state | begins when | functions |
| --- | --- | --- |
| settled | the operation is over; an instance without a watch also had time to leave ReadyRole | `until_settled` |
| online | every watch of the instance is over: it came back to ReadyRole, or the time for that is over | `until_online` |
| ready | a look shows the instance at ReadyRole | `until_ready` |
| steady | the instance was back for so long that it is not expected to leave ReadyRole once more | `until_steady`, `unsteady_seconds` |
| at rest | it was steady for REST_SHARE of the duration of its operation | `are_at_rest` |
| running again | Get Deployment is offered (then looks show it), or the instance is steady | `until_running_again` |

Each state ends with the next reimage of the instance. The state "ready" also ends when the instance leaves ReadyRole.
An instance that is listed and not at ReadyRole is called offline here, and the moment when it leaves ReadyRole its departure.
"""

from __future__ import annotations

from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import trio

from reimage_conformance.judging.instances.effects import SETTLING_FACTOR, second_departure_seconds, settling_seconds
from reimage_conformance.judging.wording import is_busy
from reimage_conformance.protocol.addresses import UriForm
from reimage_conformance.protocol.deployments import READY, has_instance_list, statuses_in
from reimage_conformance.protocol.requests import OBSERVING_VERSION, Place
from reimage_conformance.session.looks import LATER_VERSION, Call, Looks
from reimage_conformance.session.operation import State
from reimage_conformance.session.signals import Inconclusive
from reimage_conformance.session.thresholds import LONGEST_PATIENCE_SECONDS, REST_SHARE, seconds_until_look

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from reimage_conformance.model import Deployment, Exchange, Target
    from reimage_conformance.protocol.requests import RequestBuilder
    from reimage_conformance.session.operation import Operation
    from reimage_conformance.session.sending import Sender

__all__ = ["Call", "Instances", "Watch"]


@dataclass(slots=True)
class Watch:
    """The looks at one instance during and after its reimage.

    `others` are the instances that the looks must show unchanged. `waited` is in seconds after the end of the
    operation. `interrupted` says that the run was interrupted meanwhile, so that the looks may have missed that the
    instance left ReadyRole.
    """

    operation: Operation
    place: Place
    before: Exchange
    others: tuple[str, ...]
    looks: list[Exchange] = field(default_factory=list)
    waited: float = 0.0
    is_over: bool = False
    interrupted: bool = False
    over: trio.Event = field(default_factory=trio.Event)

    @property
    def is_unlisted_once(self) -> bool:
        """Whether the last look lists instances without this one, and no such look came right before it.

        One such answer may be incomplete, and shows nothing.
        """
        if not self.looks or not has_instance_list(self.looks[-1]):
            return False
        shown = [statuses_in(look) for look in self.looks if has_instance_list(look)]
        return [self.place.role_instance in statuses for statuses in shown[-2:]] in ([False], [True, False])

    @property
    def was_offline(self) -> bool:
        """Whether some look had a list of instances and did not show this one at ReadyRole."""
        shown = [statuses_in(look) for look in self.looks if has_instance_list(look)]
        return any(listed.get(self.place.role_instance) != READY for listed in shown)


class Instances(Looks):
    """The role instances of a target: the looks at them, the watches, and the locks that tasks hold.

    `on_watch_over`, set by `session/resuming.py`, is called with each watch that is over. A task that examines or
    reimages an instance holds its lock meanwhile (`hold`). `waits_no_more` says that some instance did not come back in
    time; then none is waited for any more. `_not_waited_for` holds the places that `until_ready` waited for in vain.
    `_was_ready` holds the places that some look showed at ReadyRole. `_departs_late` says whether instances leave
    ReadyRole only after the end of their operation, None while unknown. `_longest_departure_seconds` is the longest time
    after the end of an operation at which an instance was found offline after its watch.
    """

    def __init__(self, target: Target, builder: RequestBuilder, sender: Sender) -> None:
        super().__init__(target, builder, sender)
        self.watches: list[Watch] = []
        self._addressed: Counter[str] = Counter()
        self.waits_no_more = False
        self.on_watch_over: Callable[[Watch], None] = lambda *_: None
        self._locks: dict[str, trio.Lock] = {}
        self._holds: Counter[str] = Counter()
        self._closed_to_campaign: list[Place] = []
        self._deployments_watched: set[Deployment] = set()
        self._deployments_seen_offline: set[Deployment] = set()
        self._not_waited_for: set[str] = set()
        self._was_ready: set[str] = set()
        self._departs_late: bool | None = None
        self._longest_departure_seconds = 0.0
        self._tasks: trio.Nursery | None = None

    def set_nursery(self, tasks: trio.Nursery) -> None:
        """Sets the nursery in which the tasks that watch instances run."""
        self._tasks = tasks

    async def look(
        self,
        deployment: Deployment,
        form: UriForm = UriForm.SLOT,
        *,
        version: str = OBSERVING_VERSION,
        patient: bool = True,
    ) -> Exchange:
        """Makes one Get Deployment; an instance that it shows at ReadyRole is one that `until_ready` waits for again."""
        exchange = await super().look(deployment, form, version=version, patient=patient)
        ready = {str(Place(deployment, name)) for name, status in statuses_in(exchange).items() if status == READY}
        self._was_ready |= ready
        self._not_waited_for -= ready
        return exchange

    async def look_before(self, place: Place) -> Exchange:
        """The look before a reimage of an instance; this may wait until the instance is back.

        It waits if the instance is not at ReadyRole and a request of ours reimaged it before. The instance is then taken to
        have left ReadyRole after its watch.
        """
        look = await self.look(place.deployment)
        shown = statuses_in(look)
        if not shown or shown.get(place.role_instance) == READY or str(place) not in self.addressed:
            return look
        operations = [watch.operation for watch in self.watches if watch.place == place]
        since = max((each.ended or each.began for each in operations), default=self._sender.clock.now())
        self._longest_departure_seconds = max(self._longest_departure_seconds, self._sender.clock.now() - since)
        return await self.until_ready(place) or look

    @asynccontextmanager
    async def hold(self, *places: Place) -> AsyncIterator[None]:
        """Keeps all other tasks from examining or reimaging these instances."""
        async with AsyncExitStack() as stack:
            for name in sorted({str(place) for place in places}):  # always in one order, so that no deadlock can occur
                await stack.enter_async_context(self._locks.setdefault(name, trio.Lock()))
                self._holds[name] += 1
            yield

    def hold_count(self, place: Place) -> int:
        """How often an instance has been held so far; compare two numbers to see whether a task held it in between."""
        return self._holds[str(place)]

    def watch(self, operation: Operation, place: Place, before: Exchange, others: tuple[str, ...]) -> Watch:
        """Watches the instance at `place` from now on, until it is back at ReadyRole or the time for that is over."""
        return self.go_on_watching(Watch(operation, place, before, others))

    def go_on_watching(self, watch: Watch) -> Watch:
        """Goes on with a watch, unless it is over."""
        place = watch.place
        self.watches.append(watch)
        if watch.is_over:
            watch.over.set()
        elif place.deployment not in self._deployments_watched and self._tasks is not None:
            self._deployments_watched.add(place.deployment)
            self._tasks.start_soon(self._keep_looking, place.deployment)
        return watch

    @property
    def addressed(self) -> set[str]:
        """The places that a request of ours reimaged, or may be reimaging."""
        return {place for place, requests in self._addressed.items() if requests}

    def unaddress(self, place: Place) -> None:
        """Takes back one call of `address`: the operation failed because of its request, and reimaged nothing."""
        self._addressed[str(place)] -= 1

    def address(self, place: Place) -> None:
        """Notes that `place` is being reimaged: watches of other instances no longer expect it to stay unchanged."""
        self._addressed[str(place)] += 1
        for watch in self.watches:
            if watch.place.deployment == place.deployment and not watch.is_over:
                watch.others = tuple(name for name in watch.others if name != place.role_instance)

    async def _keep_looking(self, deployment: Deployment) -> None:
        """Looks at a deployment while an instance of it is watched."""
        interval = self._sender.limits.poll_interval_seconds
        try:
            while watches := self._open_watches(deployment):
                await self._look_for(deployment, watches)
                left = self._open_watches(deployment)
                if left:
                    began = min(watch.operation.began for watch in left)
                    await self._sender.patience.rest(seconds_until_look(self._sender.clock.now() - began, interval))
        except Inconclusive:  # the endpoint was given up
            for watch in self._open_watches(deployment):
                self._end(watch)
        finally:
            self._deployments_watched.discard(deployment)

    def _open_watches(self, deployment: Deployment) -> list[Watch]:
        return [watch for watch in self.watches if watch.place.deployment == deployment and not watch.is_over]

    async def _look_for(self, deployment: Deployment, watches: list[Watch]) -> None:
        """Makes one look that serves every watch on the deployment."""
        exchange = await self.look(deployment, patient=False)  # the next one follows anyway
        now = self._sender.clock.now()
        for watch in watches:
            watch.looks.append(exchange)
            self._conclude(watch, exchange, now)
        await self._look_with_later_version_once(watches, exchange)

    async def _look_with_later_version_once(self, watches: list[Watch], exchange: Exchange) -> None:
        """Looks with LATER_VERSION too, the first time that `exchange` shows a watched instance of the deployment offline; again if it was throttled.

        The answer is for the check that statuses fit the version of the request (REQ-DEPL-STATUS-GATES).
        """
        shown = statuses_in(exchange)
        deployment = watches[0].place.deployment
        is_offline = any(shown.get(watch.place.role_instance) not in (READY, None) for watch in watches)
        if is_offline and deployment not in self._deployments_seen_offline:
            later = await self.look(deployment, version=LATER_VERSION, patient=False)
            if not is_busy(later):
                self._deployments_seen_offline.add(deployment)

    def _conclude(self, watch: Watch, exchange: Exchange, now: float) -> None:
        """Ends a watch once the instance is back, or the time for that is over; also learns `_departs_late`."""
        status = statuses_in(exchange).get(watch.place.role_instance)
        if watch.operation.is_under_way:
            if status not in (READY, None):
                self._departs_late = False
            return
        limits = self._sender.limits
        watch.waited = now - (watch.operation.ended or watch.operation.began)
        is_online = status == READY
        had_time_to_leave = watch.waited >= self._settling_seconds(watch.operation)
        is_back = is_online and (watch.was_offline or had_time_to_leave or watch.interrupted)
        nothing_is_shown = had_time_to_leave and not self.shows(watch.place.deployment)
        if is_back or nothing_is_shown:
            self._learn_when_instances_depart(watch)
            self._end(watch)
        elif watch.is_unlisted_once:
            return  # the next look shows whether it is listed
        elif not is_online and (watch.waited >= limits.operation_timeout_seconds or self.waits_no_more):
            # A look without instances does not show that this one did not come back.
            self.waits_no_more = self.waits_no_more or bool(statuses_in(exchange))
            self._end(watch)

    def _learn_when_instances_depart(self, watch: Watch) -> None:
        """Sets `_departs_late` from a watch that ends after its operation; False stays False."""
        if watch.was_offline:
            self._departs_late = self._departs_late is not False
        elif not watch.interrupted and watch.operation.status == "Succeeded":  # the instance never left ReadyRole
            self._departs_late = False

    def _settling_seconds(self, operation: Operation) -> float:
        """For how many seconds after the end of an operation its instance may still leave ReadyRole at this endpoint."""
        limits = self._sender.limits
        usual = settling_seconds(operation.duration, limits, departs_early=self._departs_late is False)
        return min(max(usual, SETTLING_FACTOR * self._longest_departure_seconds), limits.operation_timeout_seconds)

    def _end(self, watch: Watch) -> None:
        watch.is_over = True
        watch.over.set()
        self.on_watch_over(watch)

    async def until_settled(self, operations: list[Operation]) -> None:
        """Waits until these operations are over, and until their instances without a watch had time to leave ReadyRole."""
        for operation in operations:
            await operation.over.wait()
            if any(watch.operation is operation for watch in self.watches):
                continue  # `until_online` waits for it
            settling = self._settling_seconds(operation)
            left = (operation.ended or operation.began) + settling - self._sender.clock.now()
            if left > 0:
                await self._sender.patience.rest(left)

    def unsteady_seconds(self, operations: list[Operation]) -> float:
        """For how many seconds from now on the instances of these operations may leave ReadyRole once more; negative once they may not."""
        waited = {id(watch.operation): watch.waited for watch in self.watches if watch.is_over}
        steady_at = (
            (operation.ended or operation.began)
            + waited.get(id(operation), self._settling_seconds(operation))
            + second_departure_seconds(operation.duration)
            for operation in operations
            if operation.state is State.ENDED
        )
        return max(steady_at, default=0.0) - self._sender.clock.now()

    def may_leave_late(self, operations: list[Operation]) -> bool:
        """Whether the instance of one of these operations may still leave ReadyRole, however late: no watch saw it leave.

        No document limits the time until an instance leaves.
        """
        seen_offline = {id(watch.operation) for watch in self.watches if watch.was_offline}
        return any(id(operation) not in seen_offline for operation in operations)

    def are_at_rest(self, operations: list[Operation]) -> bool:
        """Whether these operations and their watches ended so long ago that they cannot change their instances any more.

        This takes longer than until the instances are steady, because a late change would be taken for the effect of the
        next reimage.
        """
        watched = (watch for watch in self.watches if any(watch.operation is each for each in operations))
        is_over = all(each.state is State.ENDED for each in operations) and all(watch.is_over for watch in watched)
        rest = REST_SHARE * max((each.duration for each in operations), default=0.0)
        steady_seconds = -self.unsteady_seconds(operations)
        return is_over and steady_seconds >= rest

    async def until_steady(self, operations: list[Operation]) -> None:
        """Waits until these operations are over and their instances had time to leave ReadyRole once more."""
        for operation in operations:
            await operation.over.wait()
        if (left := self.unsteady_seconds(operations)) > 0:
            await self._sender.patience.rest(left)

    @contextmanager
    def closed_to_campaign(self, place: Place) -> Iterator[None]:
        """Keeps the campaign from starting steps that may change an instance, so that only the examined requests can change it.

        Those are the steps on its deployment, and on instances of its name in other deployments.
        """
        self._closed_to_campaign.append(place)
        try:
            yield
        finally:
            self._closed_to_campaign.remove(place)

    def is_closed_to_campaign(self, place: Place) -> bool:
        """Whether the campaign must not start a step on an instance now."""
        return any(
            place.deployment == other.deployment or place.role_instance == other.role_instance
            for other in self._closed_to_campaign
        )

    def is_last_bystander(self, place: Place) -> bool:
        """Whether this is the last instance by which an open watch can show that the watched reimage changes no other instance.

        It is the only one in `others` of the watch that no request of ours reimaged.
        """
        never_reimaged = (
            [name for name in watch.others if str(Place(place.deployment, name)) not in self.addressed]
            for watch in self._open_watches(place.deployment)
        )
        return any(names == [place.role_instance] for names in never_reimaged)

    async def until_running_again(self, operations: list[Operation]) -> None:
        """Waits as long as an instance may take to run again after these operations; it does not wait where looks show that."""
        if not self.offers_deployment:
            await self.until_steady(operations)

    def may_not_run_again(self, place: Place, exchange: Exchange | None) -> bool:
        """Whether a sound reimage may have been refused because its instance is not running again yet after an earlier reimage.

        Such a refusal is 400 or 409 (REQ-REIMAGE-RUNNING). Where Get Deployment is offered, the reimage waited for ReadyRole.
        """
        is_refused = exchange is not None and exchange.reply is not None and exchange.reply.status in (400, 409)
        return is_refused and str(place) in self.addressed and not self.offers_deployment

    async def until_online(self, place: Place) -> None:
        """Waits until every watch of the instance is over."""
        for watch in [each for each in self.watches if each.place == place]:
            await watch.over.wait()

    async def until_back(self, operations: list[Operation]) -> None:
        """Waits until looks show the instance of the last of these operations at ReadyRole again, if no watch did."""
        last = operations[-1] if operations else None
        if last is None or last.place is None or any(watch.operation is last for watch in self.watches):
            return
        await last.over.wait()
        await self.until_ready(last.place)

    async def until_ready(self, place: Place) -> Exchange | None:
        """Looks until Get Deployment shows the instance at ReadyRole, or operation_timeout_seconds are over; gives the last look.

        An instance that was not ready in time is not waited for again until a look shows it at ReadyRole. If no request
        of ours reimaged the instance, and no look showed it at ReadyRole, it is not expected there: the wait is shorter, and
        there is none if the look lists other instances only. Gives None where the target does not offer Get Deployment.
        """
        if not self.offers_deployment:
            return None
        clock, limits = self._sender.clock, self._sender.limits
        began = clock.now()
        look = await self.look(place.deployment)
        shown = statuses_in(look)
        is_expected_ready = str(place) in (self.addressed | self._was_ready)
        lists_others_only = bool(shown) and place.role_instance not in shown
        if str(place) in self._not_waited_for or (lists_others_only and not is_expected_ready):
            return look
        longest = (
            limits.operation_timeout_seconds
            if is_expected_ready
            else min(limits.operation_timeout_seconds, LONGEST_PATIENCE_SECONDS)
        )
        while (
            self.shows(place.deployment)
            and statuses_in(look).get(place.role_instance) != READY
            and clock.now() - began < longest
            and not self.waits_no_more
        ):
            await self._sender.patience.rest(seconds_until_look(clock.now() - began, limits.poll_interval_seconds))
            look = await self.look(place.deployment)
        if statuses_in(look).get(place.role_instance) != READY:
            self._not_waited_for.add(str(place))
        return look
