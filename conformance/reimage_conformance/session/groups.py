"""Groups: bad requests to one instance share a look before and a look after, and are sent beside each other between the two."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import trio

from reimage_conformance.judging.deployments import READY, statuses_in
from reimage_conformance.session.signals import Inconclusive, Untested
from reimage_conformance.session.thresholds import LONGEST_SHARED_LOOK_SECONDS, MAX_GROUP_SIZE, ROUNDS_TO_JOIN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from reimage_conformance.model import Exchange
    from reimage_conformance.protocol.requests import Place
    from reimage_conformance.session.budget import Budget, Held
    from reimage_conformance.session.instances import Instances
    from reimage_conformance.session.operations import Operations


@dataclass(slots=True)
class Group:
    """Bad requests to one instance that are examined together.

    `members` wait for the first look; the first `size` of them are let in, one for each reimage of the budget that is held for the group.
    `before` and `after` are the looks; `shares_look` says that the first is the second one of the group before it. `blamed` are the requirements that an effect of one is held against;
    `accepted` says that one of the requests was accepted, so that what the looks show may be its doing; `beside` that another instance of the deployment was being reimaged, and
    `broken` why it ended before its time. While it is taken apart, `stack` keeps reimages from the deployment.
    """

    place: Place
    before: Exchange | None = None
    after: Exchange | None = None
    shares_look: bool = False
    blamed: set[str] = field(default_factory=set)
    accepted: bool = False
    beside: bool = False
    broken: Inconclusive | Untested | None = None
    members: list[object] = field(default_factory=list)
    held: Held | None = None
    size: int = 0
    sending: int = 0
    examined: int = 0
    begun: trio.Event = field(default_factory=trio.Event)
    looked: trio.Event = field(default_factory=trio.Event)
    finished: trio.Event = field(default_factory=trio.Event)
    turn: trio.Lock = field(default_factory=trio.Lock)
    stack: ExitStack = field(default_factory=ExitStack)

    def let_in(self, held: Held) -> None:
        """The examination begins: as many members take part in it as there are reimages `held` for them."""
        self.held = held
        del self.members[held.count :]
        self.size = self.sending = self.examined = len(self.members)

    def withdraw(self, member: object) -> None:
        """A member that waited for the first look waits no more; nobody is to wait for its answer."""
        if member not in self.members:  # it was not let in
            return
        self.members.remove(member)
        if self.held is not None:
            self.size, self.sending, self.examined = self.size - 1, self.sending - 1, self.examined - 1

    @property
    def is_changed(self) -> bool:
        """Whether the instance was at ReadyRole before and is not any more."""
        return is_changed(self.place, self.before, self.after)

    @property
    def names_culprit(self) -> bool:
        """Whether a change can be the doing of one request only: a late effect of the group before it shows in a look that both share."""
        return self.size == 1 and not self.shares_look

    def book(self, exchange: int) -> None:
        """A request of the group, exchange number `exchange`, was seen to reimage the instance although it was refused."""
        if self.held is not None:
            self.held.book(exchange)

    def leave(self) -> None:
        """One member needs the group no more."""
        self.examined -= 1
        if self.examined == 0:
            self.finished.set()


@dataclass(frozen=True, slots=True)
class _LastLook:
    """The last look of a group, when it was over, and how often the instance was held and reached by operations until then."""

    look: Exchange
    at: float
    holds: int
    reaching: int


def is_changed(place: Place, before: Exchange | None, after: Exchange | None) -> bool:
    """Whether an instance was at ReadyRole in one look and, still listed, is not in a later one."""
    if before is None or after is None:
        return False
    now = statuses_in(after).get(place.role_instance)
    return statuses_in(before).get(place.role_instance) == READY and now not in (READY, None)


class Groups:
    """Puts bad requests that wait for the same instance into groups.

    Nobody else of ours touches the instance between the two looks (`Instances.hold`). The requests of a group come from tasks of their own;
    the task whose request came first leads: it holds the instance and looks. Where nobody touched the instance since, the second look of a group is the first one of the next.
    """

    def __init__(self, instances: Instances, operations: Operations, budget: Budget) -> None:
        self._instances, self._operations, self._budget = instances, operations, budget
        self._open: dict[str, Group] = {}
        self._examining: set[str] = set()
        self._passing: Counter[str] = Counter()
        self._last: dict[str, _LastLook] = {}
        self._changed = trio.Condition()

    @asynccontextmanager
    async def beside(self, place: Place) -> AsyncIterator[None]:
        """Room for a bad request whose effect nobody looks for: not between the two looks of a group at the same instance."""
        name = str(place)
        async with self._changed:
            while name in self._examining:
                await self._changed.wait()
            self._passing[name] += 1
            self._last.pop(name, None)
        try:
            yield
        finally:
            self._passing[name] -= 1
            await self._tell()

    async def _begin(self, name: str) -> None:
        """From here on a group looks at the instance; what was sent to it before is answered."""
        async with self._changed:
            self._examining.add(name)
            while self._passing[name]:
                await self._changed.wait()

    async def _tell(self) -> None:
        with trio.CancelScope(shield=True):
            async with self._changed:
                self._changed.notify_all()

    @asynccontextmanager
    async def join(self, place: Place) -> AsyncIterator[Group]:
        """A group whose first look has been made.

        Raises Inconclusive where its leader was stopped, and Untested where the budget of reimages is spent.
        """
        name, member = str(place), object()
        while True:
            group = self._open.get(name)
            if group is None:
                group = self._open[name] = Group(place, members=[member])
                async with self._lead(group):
                    try:
                        yield group
                    finally:
                        group.leave()
                return
            await self._until_begun(group, member)
            if group.broken is not None:
                raise group.broken
            if member in group.members:
                break
        try:
            yield group
        finally:
            group.leave()

    async def _until_begun(self, group: Group, member: object) -> None:
        """Waits in a group for its first look; who is stopped meanwhile is no member."""
        group.members.append(member)
        if len(group.members) >= MAX_GROUP_SIZE:
            self._close(group)
        try:
            await group.begun.wait()
        except BaseException:
            if not group.begun.is_set():
                group.withdraw(member)
            raise

    def _close(self, group: Group) -> None:
        """Nobody else joins a group."""
        if self._open.get(str(group.place)) is group:
            del self._open[str(group.place)]

    @asynccontextmanager
    async def _lead(self, group: Group) -> AsyncIterator[None]:
        """Holds the instance for a group, makes its two looks, and lets it go when every member is through."""
        try:
            await self._until_nobody_joins(group)
            async with self._instances.hold(group.place):
                await self._operations.until_over(group.place)
                await self._instances.until_settled(self._operations.at(group.place))
                await self._instances.until_online(group.place)
                self._close(group)
                await self._begin(str(group.place))  # first, for what is sent to it now may wait for the budget
                # The stack is let go before the budget, which tells the campaign to go on.
                async with self._budget.hold_up_to(len(group.members)) as held:
                    with group.stack:
                        group.let_in(held)
                        await self._look_before(group)
                        group.begun.set()
                        try:
                            yield
                        finally:  # what its own request came to is not to take the others' instance and budget away
                            await group.finished.wait()
                self._keep_look_after(group)
        except Untested as reason:
            group.broken = Untested(str(reason))
            raise
        except BaseException:
            group.broken = Inconclusive("the examination that this request was a part of was stopped")
            raise
        finally:
            self._close(group)
            for event in (group.begun, group.looked, group.finished):
                event.set()
            self._examining.discard(str(group.place))
            await self._tell()

    async def _look_before(self, group: Group) -> None:
        """The first look of a group: the last one of the group before it, where that showed the instance at ReadyRole and nobody touched it since."""
        last = self._last.pop(str(group.place), None)
        if last is not None and self._still_holds(last, group.place):
            group.shares_look, group.before = True, last.look
        else:
            group.before = await self._instances.until_ready(group.place)

    def _still_holds(self, last: _LastLook, place: Place) -> bool:
        """Whether a look still shows an instance as it is: it is fresh, only this group held the instance since, and no operation began that may reach it."""
        untouched = self._instances.holds(place) == last.holds + 1 and self._reaching(place) == last.reaching
        return untouched and trio.current_time() - last.at <= LONGEST_SHARED_LOOK_SECONDS

    def _reaching(self, place: Place) -> int:
        """How many operations of ours may have reached an instance so far: those at it, and those whose request addresses nothing listed."""
        return sum(operation.place in (None, place) for operation in self._operations.all)

    def _keep_look_after(self, group: Group) -> None:
        """Keeps the last look of a group for the next one; the group still holds its instance."""
        look, place = group.after, group.place
        if look is not None and not group.accepted and statuses_in(look).get(place.role_instance) == READY:
            holds, reaching = self._instances.holds(place), self._reaching(place)
            self._last[str(place)] = _LastLook(look, trio.current_time(), holds, reaching)

    async def _until_nobody_joins(self, group: Group) -> None:
        """Lets other tasks run that are ready to send, so that they join; it takes no time."""
        size = 0
        while size < len(group.members) < MAX_GROUP_SIZE:
            size = len(group.members)
            for _ in range(ROUNDS_TO_JOIN):
                await trio.lowlevel.checkpoint()

    async def answered(self, group: Group) -> None:
        """One member has got its answer; the last one looks, the others wait for that."""
        group.sending -= 1
        if group.sending:
            return
        group.beside = self._operations.is_busy(group.place.deployment)
        try:
            group.after = await self._instances.look(group.place.deployment)
            if group.is_changed and not group.names_culprit and group.held is not None:
                group.stack.enter_context(self._instances.left_in_peace(group.place.deployment))
                group.stack.enter_context(self._budget.stands(group.held))
        finally:
            group.looked.set()
