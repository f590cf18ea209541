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


_NEEDED_TO_REPEAT = 2
"""One reimage lets a group take part, and one more lets a request of it be repeated alone."""


@dataclass(slots=True)
class Group:
    """Bad requests to one instance that are examined together.

    `members` wait for the first look; the first `size` of them are let in, one for each reimage that is held for the
    group. `unanswered` counts those that wait for their answer, `unfinished` those that still need the group. `before` and
    `after` are the looks; `shares_look` says that `before` is also the last look of the previous group. `blamed` are the
    requirements to blame for an effect. `accepted` says that one request was accepted, and may have caused a change.
    `beside` says that another instance of the same deployment was being reimaged meanwhile. `elsewhere` says the same of
    an instance of its name in another deployment. `unsteady` says that the instance had come back from a reimage so
    recently that it may leave once more, or was not seen to leave after one. `stop_reason` says why the group was stopped
    early, None where it was not.

    A group is taken apart if its instance changed and no request is certain to be the cause (`is_cause_certain`). Then
    `turn` lets its members repeat their requests one by one, and `while_repeating` keeps the campaign away from the deployment.
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
    stop_reason: Inconclusive | Untested | None = None
    members: list[object] = field(default_factory=list)
    held: Held | None = None
    size: int = 0
    unanswered: int = 0
    unfinished: int = 0
    begun: trio.Event = field(default_factory=trio.Event)
    looked: trio.Event = field(default_factory=trio.Event)
    finished: trio.Event = field(default_factory=trio.Event)
    turn: trio.Lock = field(default_factory=trio.Lock)
    while_repeating: ExitStack = field(default_factory=ExitStack)

    def let_in(self, held: Held) -> None:
        """Lets as many members take part as there are reimages `held` for them."""
        self.held = held
        del self.members[held.count :]
        self.size = self.unanswered = self.unfinished = len(self.members)

    def withdraw(self, member: object) -> None:
        """Removes a member that was cancelled while it waited for the first look."""
        if member not in self.members:  # it was not let in
            return
        self.members.remove(member)
        if self.held is not None:
            self.size, self.unanswered, self.unfinished = self.size - 1, self.unanswered - 1, self.unfinished - 1

    @property
    def is_changed(self) -> bool:
        """Whether the look before shows the instance at ReadyRole, and the look after lists it in another state."""
        return left_ready(self.place, self.before, self.after)

    @property
    def is_disturbed(self) -> bool:
        """Whether a request outside of the group may have caused a change.

        That is so if an earlier reimage of the instance may still take it away, or if another instance was being reimaged that the
        endpoint may have mixed up with this one.
        """
        return self.unsteady or self.beside or self.elsewhere

    @property
    def has_one_suspect(self) -> bool:
        """Whether only one request of ours can have caused a change."""
        return self.size == 1 and not self.is_disturbed

    @property
    def is_cause_certain(self) -> bool:
        """Whether a change is certainly the effect of the only request of the group: nothing else can have caused it."""
        return self.has_one_suspect and not self.shares_look and not self.may_have_changed_by_itself

    @property
    def may_have_changed_by_itself(self) -> bool:
        """Whether the last look shows the instance in a state that a role may take by itself."""
        return self.after is not None and statuses_in(self.after).get(self.place.role_instance) in ROLE_STATES

    def book(self, exchange_number: int) -> None:
        """Spends a held reimage: the request with this exchange number reimaged the instance although it was refused."""
        if self.held is not None:
            self.held.book(exchange_number)

    def leave(self) -> None:
        """Notes that one member has finished with the group."""
        self.unfinished -= 1
        if self.unfinished == 0:
            self.finished.set()


@dataclass(frozen=True, slots=True)
class _LastLook:
    """The last look of a group, and what must not have changed for the next group to use it.

    `ended_at` is the time at which the group ended, in seconds. `hold_count` is how often the instance had been held until
    then, `operation_count` how many operations may have reached it.
    """

    look: Exchange
    ended_at: float
    hold_count: int
    operation_count: int


def left_ready(place: Place, before: Exchange | None, after: Exchange | None) -> bool:
    """Whether one look shows an instance at ReadyRole, and a later one lists it in another state."""
    if before is None or after is None:
        return False
    now = statuses_in(after).get(place.role_instance)
    return statuses_in(before).get(place.role_instance) == READY and now not in (READY, None)


class Groups:
    """Puts bad requests that wait for the same instance into groups. Each request is sent by a task of its own.

    The life of a group:

    1. The task that comes first leads the group. It waits for the instance; meanwhile further tasks join (`join`).
    2. The leader holds the instance (`Instances.hold`), so that no other request of ours addresses it, and a reimage of the
       budget for each member. If too few are left, only the first members are let in; the others join the next group.
    3. The leader makes the look before, or reuses the last look of the previous group (`_look_before`).
    4. The members send their requests. The one that is answered last makes the look after (`note_answer`).
    5. The members judge what the looks show, and repeat their requests if the group is taken apart. When all have finished,
       the leader keeps the last look for the next group, and releases the instance.
    """

    def __init__(self, instances: Instances, operations: Operations, budget: Budget) -> None:
        self._instances, self._operations, self._budget = instances, operations, budget
        self._open: dict[str, Group] = {}
        self._examining: set[str] = set()
        self._unexamined: Counter[str] = Counter()
        self._last: dict[str, _LastLook] = {}
        self._changed = trio.Condition()

    @asynccontextmanager
    async def sending_unexamined(self, place: Place) -> AsyncIterator[None]:
        """Waits until no group examines an instance; then keeps groups away from it while a bad request that is not examined is sent."""
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
        with trio.CancelScope(shield=True):  # also when this task is being cancelled: the others must not wait for ever
            async with self._changed:
                self._changed.notify_all()

    @asynccontextmanager
    async def join(self, place: Place) -> AsyncIterator[Group]:
        """Gives a group that lets this task in, once its first look has been made.

        Raises Inconclusive where its leader was stopped, and Untested where the budget of reimages is spent.
        """
        name, member = str(place), object()
        while True:  # a group that has too few reimages does not let every member in; those left over join the next one
            group = self._open.get(name)
            if group is None:
                group = self._open[name] = Group(place, members=[member])
                async with self._lead(group):
                    try:
                        yield group
                    finally:
                        group.leave()
                return
            await self._join_until_begun(group, member)
            if group.stop_reason is not None:
                raise group.stop_reason
            if member in group.members:
                break
        try:
            yield group
        finally:
            group.leave()

    async def _join_until_begun(self, group: Group, member: object) -> None:
        """Joins a group, closes it if it is full, and waits for its first look.

        A task that is cancelled while it waits is removed from the members.
        """
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
                await self._operations.until_over_by_name(group.place)
                await self._instances.until_settled(self._operations.at(group.place))
                await self._instances.until_online(group.place)
                if not self._budget.can_hold_in_the_end(
                    _NEEDED_TO_REPEAT, reserved=0
                ):  # a repeat cannot name the cause of a change
                    await self._instances.until_steady(self._operations.at(group.place))
                self._close(group)
                # This comes before reimages are held: requests that are not examined may themselves wait for the budget.
                await self._keep_others_away(str(group.place))
                # `while_repeating` is closed before the budget is released, since releasing it wakes the campaign.
                async with self._budget.hold_up_to(len(group.members)) as held:
                    with group.while_repeating:
                        group.let_in(held)
                        await self._look_before(group)
                        group.begun.set()
                        try:
                            yield
                        finally:  # even if the leader's own request failed, the others still need the instance and the budget
                            await group.finished.wait()
                self._keep_look_after(group)
        except Untested as reason:
            group.stop_reason = Untested(
                reason.reason
            )  # every member raises this one; `reason` is raised by the leader alone
            raise
        except BaseException:
            group.stop_reason = Inconclusive("the group in which this request was examined was stopped")
            raise
        finally:
            self._close(group)
            for event in (group.begun, group.looked, group.finished):
                event.set()
            self._examining.discard(str(group.place))
            await self._wake()

    async def _look_before(self, group: Group) -> None:
        """Makes the first look of a group, or reuses the last look of the previous group if that is still valid."""
        earlier = self._operations.at(group.place)
        group.unsteady = self._instances.unsteady_seconds(earlier) > 0 or self._instances.may_leave_late(earlier)
        last = self._last.pop(str(group.place), None)
        if last is not None and self._is_still_valid(last, group.place):
            group.shares_look, group.before = True, last.look
        else:
            group.before = await self._instances.until_ready(group.place)

    def _is_still_valid(self, last: _LastLook, place: Place) -> bool:
        """Whether a look is still valid: it is recent, only this group has held the instance since, and no operation began there."""
        is_held_once = (
            self._instances.hold_count(place) == last.hold_count + 1
        )  # the one more is the hold of this group
        untouched = is_held_once and self._operation_count(place) == last.operation_count
        return untouched and trio.current_time() - last.ended_at <= LONGEST_SHARED_LOOK_SECONDS

    def _operation_count(self, place: Place) -> int:
        """How many operations may have reached an instance so far: those on an instance of its name, and those without a listed place."""
        places = [operation.place for operation in self._operations.all]
        return sum(each is None or each.role_instance == place.role_instance for each in places)

    def _keep_look_after(self, group: Group) -> None:
        """Keeps the last look of a group for the next one; called while the group still holds its instance."""
        look, place = group.after, group.place
        may_change_later = group.accepted or group.elsewhere
        if look is not None and not may_change_later and statuses_in(look).get(place.role_instance) == READY:
            hold_count, operation_count = self._instances.hold_count(place), self._operation_count(place)
            self._last[str(place)] = _LastLook(look, trio.current_time(), hold_count, operation_count)

    async def _until_nobody_joins(self, group: Group) -> None:
        """Lets other tasks that are ready to send run, so that they can join; no time passes on the clock."""
        size = 0
        while size < len(group.members) < MAX_GROUP_SIZE:
            size = len(group.members)
            for _ in range(ROUNDS_TO_JOIN):
                await trio.lowlevel.checkpoint()

    async def note_answer(self, group: Group) -> None:
        """Notes that one member has got its answer. The last member makes the look after; the others wait for `looked`."""
        group.unanswered -= 1
        if group.unanswered == 0:
            await self._look_after(group)

    async def _look_after(self, group: Group) -> None:
        """Makes the last look of a group; if the group is to be taken apart, keeps the campaign away and its reimages held."""
        self._note_reimages(group)
        try:
            group.after = await self._instances.look(group.place.deployment)
            self._note_reimages(group)
            if group.is_changed and not group.is_cause_certain and group.held is not None:
                group.while_repeating.enter_context(self._instances.closed_to_campaign(group.place))
                group.while_repeating.enter_context(self._budget.held_for_repeats(group.held))
        finally:
            group.looked.set()

    def _note_reimages(self, group: Group) -> None:
        """Notes whether reimages of other instances are under way now that may have changed the instance of a group."""
        group.beside = group.beside or self._operations.may_have_operation_on(group.place.deployment)
        group.elsewhere = group.elsewhere or self._operations.may_reach_by_name(group.place)
