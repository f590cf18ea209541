"""Instances: role instances that are watched while and after they are reimaged, and who may touch them when."""

from __future__ import annotations

from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import trio

from reimage_conformance.judging.deployments import READY, statuses_in
from reimage_conformance.judging.instances.effects import SETTLING_SHARE, settling_seconds
from reimage_conformance.protocol.addresses import UriForm
from reimage_conformance.protocol.requests import Place
from reimage_conformance.session.looks import LATER_VERSION, OBSERVING_VERSION, Call, Looks
from reimage_conformance.session.signals import Inconclusive
from reimage_conformance.session.thresholds import LONGEST_PATIENCE_SECONDS, seconds_until_look

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from reimage_conformance.model import Deployment, Exchange, Target
    from reimage_conformance.protocol.requests import RequestBuilder
    from reimage_conformance.session.operation import Operation
    from reimage_conformance.session.sending import Sender

__all__ = ["Call", "Instances", "Watch"]


@dataclass(slots=True)
class Watch:
    """One instance being watched while and after it is reimaged; `waited` in seconds after the end of the operation.

    `interrupted` says that nobody looked for a while, so that it may have been away unseen.
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
    def was_offline(self) -> bool:
        """Whether a look that showed instances did not show this one at ReadyRole; a throttled look shows nothing."""
        shown = [listed for look in self.looks if (listed := statuses_in(look))]
        return any(listed.get(self.place.role_instance) != READY for listed in shown)


class Instances(Looks):
    """The role instances of a target: what looks show of them, which are watched, and who may touch them when.

    `addressed` holds the places that a request of ours reimaged, `watched` hears of each watch that is over. Whoever is about to touch an
    instance holds it meanwhile (`hold`).
    """

    def __init__(self, target: Target, builder: RequestBuilder, sender: Sender) -> None:
        super().__init__(target, builder, sender)
        self.watches: list[Watch] = []
        self.addressed: set[str] = set()
        self.given_up = False
        self.watched: Callable[[Watch], None] = lambda *_: None
        self._locks: dict[str, trio.Lock] = {}
        self._holds: Counter[str] = Counter()
        self._in_peace: Counter[str] = Counter()
        self._watched: set[str] = set()
        self._seen_away: set[str] = set()
        self._in_vain: set[str] = set()
        self._was_ready: set[str] = set()
        self._departs_late: bool | None = None
        self._latest_departure = 0.0
        self._tasks: trio.Nursery | None = None

    def watch_in(self, tasks: trio.Nursery) -> None:
        """From here on instances are watched by tasks of their own in `tasks`."""
        self._tasks = tasks

    async def look(
        self,
        deployment: Deployment,
        form: UriForm = UriForm.SLOT,
        *,
        version: str = OBSERVING_VERSION,
        patient: bool = True,
    ) -> Exchange:
        """One Get Deployment; an instance that is back is worth waiting for again."""
        exchange = await super().look(deployment, form, version=version, patient=patient)
        ready = {str(Place(deployment, name)) for name, status in statuses_in(exchange).items() if status == READY}
        self._was_ready |= ready
        self._in_vain -= ready
        return exchange

    async def look_before(self, place: Place) -> Exchange:
        """The look before a reimage of an instance; one that is away from an earlier reimage of ours is waited for first.

        Its operation may have ended so soon, and the instance left so late, that its watch was over before.
        """
        look = await self.look(place.deployment)
        shown = statuses_in(look)
        if not shown or shown.get(place.role_instance) == READY or str(place) not in self.addressed:
            return look
        operations = [watch.operation for watch in self.watches if watch.place == place]
        since = max((each.ended or each.began for each in operations), default=self._sender.clock.now())
        self._latest_departure = max(self._latest_departure, self._sender.clock.now() - since)
        return await self.until_ready(place) or look

    @asynccontextmanager
    async def hold(self, *places: Place) -> AsyncIterator[None]:
        """Keeps everybody else of ours from touching these instances: who examines one, and who reimages one, holds it."""
        async with AsyncExitStack() as stack:
            for name in sorted({str(place) for place in places}):  # in one order, so that nobody waits in a circle
                await stack.enter_async_context(self._locks.setdefault(name, trio.Lock()))
                self._holds[name] += 1
            yield

    def holds(self, place: Place) -> int:
        """How often an instance has been held so far: it is the same number while nobody touches it."""
        return self._holds[str(place)]

    def watch(self, operation: Operation, place: Place, before: Exchange, others: tuple[str, ...]) -> Watch:
        """Watches the instance at `place` from now on, until it is back or has been waited for long enough."""
        return self.go_on_watching(Watch(operation, place, before, others))

    def go_on_watching(self, watch: Watch) -> Watch:
        """Watches on, unless it is over."""
        place = watch.place
        self.watches.append(watch)
        if watch.is_over:
            watch.over.set()
        elif place.deployment.name not in self._watched and self._tasks is not None:
            self._watched.add(place.deployment.name)
            self._tasks.start_soon(self._keep_looking, place.deployment)
        return watch

    def address(self, place: Place) -> None:
        """From here on `place` is being reimaged, so it is nobody's bystander any more."""
        self.addressed.add(str(place))
        for watch in self.watches:
            if watch.place.deployment == place.deployment and not watch.is_over:
                watch.others = tuple(name for name in watch.others if name != place.role_instance)

    async def _keep_looking(self, deployment: Deployment) -> None:
        """Looks at a deployment as long as an instance of it is watched."""
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
            self._watched.discard(deployment.name)

    def _open_watches(self, deployment: Deployment) -> list[Watch]:
        return [watch for watch in self.watches if watch.place.deployment == deployment and not watch.is_over]

    async def _look_for(self, deployment: Deployment, watches: list[Watch]) -> None:
        """One look, for every watch on the deployment."""
        exchange = await self.look(deployment, patient=False)  # the next one follows anyway
        await self._look_again(watches, exchange)
        now = self._sender.clock.now()
        for watch in watches:
            watch.looks.append(exchange)
            self._conclude(watch, exchange, now)

    async def _look_again(self, watches: list[Watch], exchange: Exchange) -> None:
        """The first time that an instance of a deployment is seen to be away, one more look with a later version."""
        shown = statuses_in(exchange)
        deployment = watches[0].place.deployment
        away = any(shown.get(watch.place.role_instance) not in (READY, None) for watch in watches)
        if away and deployment.name not in self._seen_away:
            self._seen_away.add(deployment.name)
            await self.look(deployment, version=LATER_VERSION)

    def _conclude(self, watch: Watch, exchange: Exchange, now: float) -> None:
        """Ends a watch once the instance is back, or it has been waited for long enough."""
        status = statuses_in(exchange).get(watch.place.role_instance)
        if watch.operation.is_under_way:
            if status not in (READY, None):
                self._departs_late = False
            return
        limits = self._sender.limits
        watch.waited = now - (watch.operation.ended or watch.operation.began)
        was_offline, is_online = watch.was_offline, status == READY
        settled = watch.waited >= self._settling_seconds(watch.operation)
        if (is_online and (was_offline or settled or watch.interrupted)) or (
            settled and not self.shows(watch.place.deployment)
        ):
            if was_offline or (not watch.interrupted and watch.operation.status == "Succeeded"):
                self._departs_late = was_offline and self._departs_late is not False
            self._end(watch)
        elif not is_online and (watch.waited >= limits.operation_timeout_seconds or self.given_up):
            self.given_up = self.given_up or bool(
                statuses_in(exchange)
            )  # a look that shows nothing says nothing of the next instance
            self._end(watch)

    def _settling_seconds(self, operation: Operation) -> float:
        """How long after its end the instance of an operation may still leave, by what this endpoint was seen to do."""
        limits = self._sender.limits
        usual = settling_seconds(operation.duration, limits, departs_early=self._departs_late is False)
        return min(max(usual, SETTLING_SHARE * self._latest_departure), limits.operation_timeout_seconds)

    def _end(self, watch: Watch) -> None:
        watch.is_over = True
        watch.over.set()
        self.watched(watch)

    async def until_settled(self, operations: list[Operation]) -> None:
        """Waits until the instances of these operations have been seen to change, or were given time for it."""
        for operation in operations:
            await operation.over.wait()
            if any(watch.operation is operation for watch in self.watches):
                continue  # `until_online` waits for it
            settling = self._settling_seconds(operation)
            left = (operation.ended or operation.began) + settling - self._sender.clock.now()
            if left > 0:
                await self._sender.patience.rest(left)

    @contextmanager
    def left_in_peace(self, deployment: Deployment) -> Iterator[None]:
        """No step of the campaign begins on a deployment, so that what changes there is the doing of what is examined."""
        self._in_peace[deployment.name] += 1
        try:
            yield
        finally:
            self._in_peace[deployment.name] -= 1

    def is_in_peace(self, deployment: Deployment) -> bool:
        """Whether no step of the campaign is to begin on a deployment."""
        return self._in_peace[deployment.name] > 0

    def is_last_bystander(self, place: Place) -> bool:
        """Whether an instance is the only one left that shows whether the reimage of another one, still watched, leaves the others alone."""
        here = (watch for watch in self.watches if not watch.is_over and watch.place.deployment == place.deployment)
        return any(watch.others == (place.role_instance,) for watch in here)

    async def until_online(self, place: Place) -> None:
        """Waits until no watch waits for the instance any more."""
        for watch in [each for each in self.watches if each.place == place]:
            await watch.over.wait()

    async def until_ready(self, place: Place) -> Exchange | None:
        """Looks until Get Deployment shows the instance at ReadyRole, or has not for as long as the operator allows; gives the last look.

        An instance is waited for in vain once, until a look shows it at ReadyRole again. Where no request of ours can have taken it away, since no
        look ever showed it at ReadyRole, it is waited for less long, and not at all where the look lists others without it. None where the
        target does not offer Get Deployment.
        """
        if not self.offers_deployment:
            return None
        clock, limits = self._sender.clock, self._sender.limits
        began = clock.now()
        look = await self.look(place.deployment)
        shown, ours = statuses_in(look), str(place) in self.addressed | self._was_ready
        if str(place) in self._in_vain or (shown and not ours and place.role_instance not in shown):
            return look
        longest = (
            limits.operation_timeout_seconds
            if ours
            else min(limits.operation_timeout_seconds, LONGEST_PATIENCE_SECONDS)
        )
        while (
            self.shows(place.deployment)
            and statuses_in(look).get(place.role_instance) != READY
            and clock.now() - began < longest
            and not self.given_up
        ):
            await self._sender.patience.rest(seconds_until_look(clock.now() - began, limits.poll_interval_seconds))
            look = await self.look(place.deployment)
        if statuses_in(look).get(place.role_instance) != READY:
            self._in_vain.add(str(place))
        return look
