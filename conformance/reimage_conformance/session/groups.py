"""Groups: bad requests to one instance are sent at the same time, between one look before and one look after."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import trio

from reimage_conformance.protocol.deployments import READY, ROLE_STATES, statuses_in
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

    `members` wait for the first look; the first `size` of them are let in, one for each reimage that is held for the
    group. `before` and `after` are the looks; `shares_look` says that `before` is also the last look of the previous
    group. `blamed` are the requirements to blame for an effect. `accepted` says that one request was accepted, and may
    have caused a change. `beside` says that another instance of the same deployment was being reimaged meanwhile.
    `elsewhere` says the same of an instance of its name in another deployment. `broken` says why the group ended
    early. `unsteady` says that the instance had come back from a reimage so recently that it may leave once more. While
    the group is taken apart, `stack` keeps the campaign away from the deployment, and `turn` lets the
    members repeat their requests one by one. `sending` counts the members that wait for their answer, `examined` those
    that still need the group.
    """

    place: Place
    unsteady: bool = False
    before: Exchange | None = None
    after: Exchange | None = None
    shares_look: bool = False
    blamed: set[str] = field(default_factory=set)
    accepted: bool = False
    beside: bool = False
    elsewhere: bool = False
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
        """Begins the examination; as many members take part as there are reimages `held` for them."""
        self.held = held
        del self.members[held.count :]
        self.size = self.sending = self.examined = len(self.members)

    def withdraw(self, member: object) -> None:
        """Removes a member that was cancelled while it waited for the first look."""
        if member not in self.members:  # it was not let in
            return
        self.members.remove(member)
        if self.held is not None:
            self.size, self.sending, self.examined = self.size - 1, self.sending - 1, self.examined - 1

    @property
    def is_changed(self) -> bool:
        """Whether the instance was at ReadyRole before and is not after."""
        return is_changed(self.place, self.before, self.after)

    @property
    def is_disturbed(self) -> bool:
        """Whether a request outside of the group may have caused a change.

        That is so if the instance had only just come back, and if another instance was being reimaged that the endpoint
        may have mixed up with this one.
        """
        return self.unsteady or self.beside or self.elsewhere

    @property
    def has_one_suspect(self) -> bool:
        """Whether only one request of ours can have caused a change."""
        return self.size == 1 and not self.is_disturbed

    @property
    def names_culprit(self) -> bool:
        """Whether a request is sure to have caused a change: nothing else can have, since the first look of the group."""
        return self.has_one_suspect and not self.shares_look and not self.may_have_changed_by_itself

    @property
    def may_have_changed_by_itself(self) -> bool:
        """Whether the last look shows the instance in a state that a role may take by itself."""
        return self.after is not None and statuses_in(self.after).get(self.place.role_instance) in ROLE_STATES

    def book(self, exchange: int) -> None:
        """Spends a held reimage: the request with exchange number `exchange` reimaged the instance although it was refused."""
        if self.held is not None:
            self.held.book(exchange)

    def leave(self) -> None:
        """One member has finished with the group."""
        self.examined -= 1
        if self.examined == 0:
            self.finished.set()


@dataclass(frozen=True, slots=True)
class _LastLook:
    """The last look of a group, and what must not have changed for the next group to use it.

    `at` is the time of the look in seconds. `hold_count` is how often the instance had been held until then,
    `operation_count` how many operations may have reached it.
    """

    look: Exchange
    at: float
    hold_count: int
    operation_count: int


def is_changed(place: Place, before: Exchange | None, after: Exchange | None) -> bool:
    """Whether an instance was at ReadyRole in one look and, still listed, is not in a later one."""
    if before is None or after is None:
        return False
    now = statuses_in(after).get(place.role_instance)
    return statuses_in(before).get(place.role_instance) == READY and now not in (READY, None)


class Groups:
    """Puts bad requests that wait for the same instance into groups.

    No other request of ours addresses the instance between the two looks (`Instances.hold`). Each request belongs to a
    task of its own. The task that came first leads the group: it holds the instance and makes the looks. The last look
    of a group is reused as the first look of the next if no request of ours has addressed the instance since.
    """

    def __init__(self, instances: Instances, operations: Operations, budget: Budget) -> None:
        self._instances, self._operations, self._budget = instances, operations, budget
        self._open: dict[str, Group] = {}
        self._examining: set[str] = set()
        self._unexamined: Counter[str] = Counter()
        self._last: dict[str, _LastLook] = {}
        self._changed = trio.Condition()

    @asynccontextmanager
    async def send_unexamined(self, place: Place) -> AsyncIterator[None]:
        """Lets a bad request that is not examined go out, but not between the two looks of a group at the same instance."""
        name = str(place)
        async with self._changed:
            while name in self._examining:
                await self._changed.wait()
            self._unexamined[name] += 1
            self._last.pop(name, None)
        try:
            yield
        finally:
            self._unexamined[name] -= 1
            await self._wake()

    async def _keep_others_away(self, name: str) -> None:
        """Keeps requests that are not examined away from the instance, and waits for the answers to those under way."""
        async with self._changed:
            self._examining.add(name)
            while self._unexamined[name]:
                await self._changed.wait()

    async def _wake(self) -> None:
        """Wakes every task that waits for a change."""
        with trio.CancelScope(shield=True):
            async with self._changed:
                self._changed.notify_all()

    @asynccontextmanager
    async def join(self, place: Place) -> AsyncIterator[Group]:
        """Gives a group whose first look has been made.

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
        """Waits in a group for its first look; a task that is cancelled while it waits is removed from the members."""
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
        """Lets no further request join a group."""
        if self._open.get(str(group.place)) is group:
            del self._open[str(group.place)]

    @asynccontextmanager
    async def _lead(self, group: Group) -> AsyncIterator[None]:
        """Holds the instance for a group, makes its first look, and releases the instance when every member has finished."""
        try:
            await self._until_nobody_joins(group)
            async with self._instances.hold(group.place):
                await self._operations.until_over(group.place)
                await self._instances.until_settled(self._operations.at(group.place))
                await self._instances.until_online(group.place)
                if not self._budget.could_allow(2, reserved=0):  # nothing is left to repeat a request with
                    await self._instances.until_steady(self._operations.at(group.place))
                self._close(group)
                # This comes before reimages are held: requests that are not examined may themselves wait for the budget.
                await self._keep_others_away(str(group.place))
                # The stack is closed before the budget is released, since releasing it wakes the campaign.
                async with self._budget.hold_up_to(len(group.members)) as held:
                    with group.stack:
                        group.let_in(held)
                        await self._look_before(group)
                        group.begun.set()
                        try:
                            yield
                        finally:  # even if the leader's own request failed, the others still need the instance and the budget
                            await group.finished.wait()
                self._keep_look_after(group)
        except Untested as reason:
            group.broken = Untested(reason.reason)
            raise
        except BaseException:
            group.broken = Inconclusive("the group in which this request was examined was stopped")
            raise
        finally:
            self._close(group)
            for event in (group.begun, group.looked, group.finished):
                event.set()
            self._examining.discard(str(group.place))
            await self._wake()

    async def _look_before(self, group: Group) -> None:
        """Makes the first look of a group, or reuses the last look of the previous group if that is still valid."""
        group.unsteady = self._instances.unsteady_seconds(self._operations.at(group.place)) > 0
        last = self._last.pop(str(group.place), None)
        if last is not None and self._is_still_valid(last, group.place):
            group.shares_look, group.before = True, last.look
        else:
            group.before = await self._instances.until_ready(group.place)

    def _is_still_valid(self, last: _LastLook, place: Place) -> bool:
        """Whether a look is still valid: it is recent, only this group has held the instance since, and no operation began there."""
        is_held_once = self._instances.hold_count(place) == last.hold_count + 1
        untouched = is_held_once and self._operations_at(place) == last.operation_count
        return untouched and trio.current_time() - last.at <= LONGEST_SHARED_LOOK_SECONDS

    def _operations_at(self, place: Place) -> int:
        """How many operations may have reached an instance so far: those on an instance of its name, and those without a listed place."""
        names = [operation.place and operation.place.role_instance for operation in self._operations.all]
        return sum(name in (None, place.role_instance) for name in names)

    def _keep_look_after(self, group: Group) -> None:
        """Keeps the last look of a group for the next one; called while the group still holds its instance."""
        look, place = group.after, group.place
        may_change_later = group.accepted or group.elsewhere
        if look is not None and not may_change_later and statuses_in(look).get(place.role_instance) == READY:
            hold_count, operation_count = self._instances.hold_count(place), self._operations_at(place)
            self._last[str(place)] = _LastLook(look, trio.current_time(), hold_count, operation_count)

    async def _until_nobody_joins(self, group: Group) -> None:
        """Lets other tasks that are ready to send run, so that they can join; no time passes on the clock."""
        size = 0
        while size < len(group.members) < MAX_GROUP_SIZE:
            size = len(group.members)
            for _ in range(ROUNDS_TO_JOIN):
                await trio.lowlevel.checkpoint()

    async def note_answer(self, group: Group) -> None:
        """Notes that one member has got its answer.

        The last member makes the look after; the others wait for `looked`.
        """
        group.sending -= 1
        if group.sending:
            return
        deployment = group.place.deployment
        self._note_reimages(group)
        try:
            group.after = await self._instances.look(deployment)
            self._note_reimages(group)
            if group.is_changed and not group.names_culprit and group.held is not None:
                group.stack.enter_context(self._instances.closed_to_campaign(group.place))
                group.stack.enter_context(self._budget.held_for_repeats(group.held))
        finally:
            group.looked.set()

    def _note_reimages(self, group: Group) -> None:
        """Notes which reimages of ours, under way now, may have changed the instance of a group."""
        group.beside = group.beside or self._operations.may_be_busy(group.place.deployment)
        group.elsewhere = group.elsewhere or self._operations.may_reach_by_name(group.place)
