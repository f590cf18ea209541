"""Instances: how long one is watched, when nobody looks any more, and who may touch one when."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import trio

from judging_samples import BUILDER, LOOK, PLACE, TARGET, exchange, look, started
from reimage_conformance.judging.instances.effects import LATE_DEPARTURE_SECONDS
from reimage_conformance.protocol.deployments import READY as READY_ROLE
from reimage_conformance.protocol.deployments import statuses_in
from reimage_conformance.protocol.requests import Place
from reimage_conformance.session.instances import Instances, Watch
from reimage_conformance.session.operation import Operation, State
from session_rig import FakeWire, in_time, sender_over

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from reimage_conformance.model import Exchange, Request

READY = look({PLACE.role_instance: "ReadyRole"})
AWAY = look({PLACE.role_instance: "StoppedVM"})
NOTHING = exchange(LOOK, 203)
OPERATION_SECONDS = 0.2


class Watching(FakeWire):
    """Instances whose looks show what `shown` says of the seconds since the end of the operation."""

    def __init__(self, shown: Callable[[float], Exchange]) -> None:
        super().__init__(READY)
        self._shown, self._ends = shown, 0.0
        sender = sender_over(self, poll_interval_seconds=0.1, operation_timeout_seconds=30.0)
        self.instances = Instances(TARGET, BUILDER, sender)

    def answer(self, request: Request) -> Exchange:
        """What a look shows now."""
        del request
        return self._shown(trio.current_time() - self._ends)

    async def seconds(self, status: str = "Succeeded") -> float:
        """How long after the end of one more operation its instance was watched."""
        operation = Operation(started(), "1", trio.current_time(), PLACE)
        self._ends = operation.began + OPERATION_SECONDS
        watch: Watch = self.instances.watch(operation, PLACE, READY, ())
        await trio.sleep_until(self._ends)
        operation.state, operation.status, operation.ended = State.ENDED, status, self._ends
        await watch.over.wait()
        return round(watch.waited, 1)


@asynccontextmanager
async def watching(shown: Callable[[float], Exchange]) -> AsyncIterator[Watching]:
    """Instances that are watched for as long as the block lasts."""
    async with trio.open_nursery() as tasks:
        made = Watching(shown)
        made.instances.set_nursery(tasks)
        yield made
        tasks.cancel_scope.cancel()


@in_time
async def test_the_last_one_that_shows_whether_others_are_left_alone_is_kept_for_that() -> None:
    instances = Watching(lambda _: READY).instances
    other, third = (Place(PLACE.deployment, name) for name in PLACE.deployment.role_instances[1:3])
    watch = instances.watch(Operation(started(), "1", 0.0, PLACE), PLACE, READY, (other.role_instance,))

    assert [instances.is_last_bystander(place) for place in (PLACE, other, third)] == [False, True, False]
    watch.others += (third.role_instance,)
    assert not instances.is_last_bystander(other)
    instances.address(third)
    assert instances.is_last_bystander(other)
    watch.is_over = True
    assert not instances.is_last_bystander(other)


@in_time
async def test_an_operation_that_failed_because_of_its_request_reimaged_nothing() -> None:
    instances = Watching(lambda _: READY).instances
    for _ in range(2):
        instances.address(PLACE)
    instances.unaddress(PLACE)
    assert instances.addressed == {str(PLACE)}
    instances.unaddress(PLACE)
    assert instances.addressed == set()


@in_time
async def test_one_that_stays_is_watched_for_long_once() -> None:
    async with watching(lambda _: READY) as one:
        waits = [await one.seconds(), await one.seconds()]

    assert waits[0] >= LATE_DEPARTURE_SECONDS
    assert waits[1] < 0.6


@in_time
async def test_one_that_leaves_while_the_operation_runs_is_watched_until_it_is_back() -> None:
    async with watching(lambda since: AWAY if since < 0.5 else READY) as one:
        waits = [await one.seconds(), await one.seconds()]

    assert [0.5 <= wait < 0.8 for wait in waits] == [True] * 2


@in_time
async def test_one_that_leaves_late_is_waited_for_every_time() -> None:
    async with watching(lambda since: AWAY if 1.0 <= since < 1.6 else READY) as one:
        waits = [await one.seconds() for _ in range(3)]

    assert [1.6 <= wait < 1.9 for wait in waits] == [True] * 3


@in_time
async def test_one_whose_reimage_failed_says_nothing_of_when_others_leave() -> None:
    """A request that addressed nothing may be accepted and fail later; the instance of that name stays."""
    shown = iter([READY] * 200)
    async with watching(lambda since: AWAY if next(shown, None) is None and 1.0 <= since < 1.6 else READY) as one:
        await one.seconds("Failed")
        for _ in shown:
            pass
        wait = await one.seconds()

    assert 1.6 <= wait < 1.9


@in_time
async def test_the_look_before_waits_for_an_instance_that_left_after_its_watch_was_over() -> None:
    async with watching(lambda since: AWAY if 3.0 <= since < 9.0 else READY) as one:
        one.instances.offers_deployment = True
        one.instances.address(PLACE)
        first = await one.seconds()
        await trio.sleep(1.5)
        before = await one.instances.look_before(PLACE)
        back_at = trio.current_time() - one._ends
        second = await one.seconds()

    assert first < 3.0
    assert statuses_in(before) == {PLACE.role_instance: READY_ROLE}
    assert 9.0 <= back_at < 9.5
    assert second >= 9.0, "the next one is watched for longer"


@in_time
async def test_the_look_before_waits_for_no_instance_that_no_request_of_ours_took_offline() -> None:
    async with watching(lambda _: AWAY) as one:
        before = await one.instances.look_before(PLACE)

    assert (statuses_in(before), trio.current_time()) == ({PLACE.role_instance: "StoppedVM"}, 0.0)


@in_time
async def test_a_throttled_look_is_made_again_but_not_while_an_instance_is_watched() -> None:
    wire = FakeWire(exchange(LOOK, 503), READY)
    instances = Instances(TARGET, BUILDER, sender_over(wire, poll_interval_seconds=0.1))

    assert statuses_in(await instances.look_before(PLACE)) == {PLACE.role_instance: READY_ROLE}
    wire.replies = [exchange(LOOK, 503), READY]
    assert statuses_in(await instances.look(PLACE.deployment, patient=False)) == {}


@in_time
async def test_a_throttled_first_look_leaves_get_deployment_on_offer() -> None:
    wire = FakeWire(exchange(LOOK, 503), READY)
    instances = Instances(TARGET, BUILDER, sender_over(wire, poll_interval_seconds=0.1))
    instances.offers_deployment = True

    listed = await instances.survey()

    assert instances.offers_deployment
    assert set(listed.values()) == {(PLACE.role_instance,)}


@in_time
async def test_looks_that_show_nothing_are_not_repeated_for_long() -> None:
    async with watching(lambda _: NOTHING) as one:
        waits = [await one.seconds(), await one.seconds()]

        assert waits[0] < LATE_DEPARTURE_SECONDS + 0.3
        assert waits[1] < 0.6
        assert not one.instances.waits_no_more


@in_time
async def test_one_that_never_comes_back_is_waited_for_once() -> None:
    async with watching(lambda since: AWAY if since > 0 else READY) as one:
        waits = [await one.seconds(), await one.seconds()]

        assert waits[0] >= 30.0
        assert waits[1] < 1.0
        assert one.instances.waits_no_more


@in_time
@pytest.mark.parametrize("unlisted", [1, 2])
async def test_a_last_look_that_does_not_list_it_is_followed_by_another(unlisted: int) -> None:
    without = iter([look({"Another": "ReadyRole"})] * unlisted)
    async with watching(lambda since: next(without, AWAY) if since >= 30.0 else AWAY) as one:
        await one.seconds()
        last = [statuses_in(seen) for seen in one.instances.watches[0].looks[-3:]]

        assert [PLACE.role_instance in listed for listed in last] == [[True, False, True], [True, False, False]][
            unlisted - 1
        ]


@in_time
async def test_an_endpoint_that_is_given_up_ends_every_watch() -> None:
    async with watching(lambda _: AWAY) as one:
        watch = one.instances.watch(Operation(started(), "1", trio.current_time(), PLACE), PLACE, READY, ())
        await trio.sleep(1)
        one.instances._sender.give_up("nothing more is sent")
        await watch.over.wait()

    assert watch.is_over
    assert trio.current_time() < 2


@in_time
async def test_who_holds_an_instance_has_it_alone() -> None:
    instances = Watching(lambda _: READY).instances
    other = Place(PLACE.deployment, PLACE.deployment.role_instances[1])
    held: list[tuple[str, float]] = []

    async def examine(name: str, *places: Place) -> None:
        async with instances.hold(*places):
            held.append((name, trio.current_time()))
            await trio.sleep(1)

    async with trio.open_nursery() as tasks:
        for name, places in {"first": [PLACE], "second": [PLACE], "elsewhere": [other]}.items():
            tasks.start_soon(examine, name, *places)

    moments = dict(held)
    assert moments["elsewhere"] == 0.0, "another instance is nobody's business"
    assert sorted(moments[name] for name in ("first", "second")) == [0.0, 1.0]


@in_time
async def test_two_that_hold_the_same_two_instances_never_wait_for_each_other() -> None:
    instances = Watching(lambda _: READY).instances
    other = Place(PLACE.deployment, PLACE.deployment.role_instances[1])

    async def examine(*places: Place) -> None:
        async with instances.hold(*places):
            await trio.sleep(1)

    async with trio.open_nursery() as tasks:
        tasks.start_soon(examine, PLACE, other)
        tasks.start_soon(examine, other, PLACE)

    assert trio.current_time() == 2.0


@in_time
async def test_an_instance_is_waited_for_in_vain_once_and_one_that_is_not_listed_never() -> None:
    async def waited(shown: Exchange, *, ours: bool) -> list[int]:
        async with watching(lambda _: shown) as made:
            made.instances.offers_deployment = True
            if ours:
                made.instances.address(PLACE)
            return [round(await seconds(made.instances)) for _ in range(2)]

    async def seconds(instances: Instances) -> float:
        began = trio.current_time()
        await instances.until_ready(PLACE)
        return trio.current_time() - began

    busy, unlisted = look({PLACE.role_instance: "BusyRole"}), look({"Other_IN_0": "ReadyRole"})

    assert await waited(busy, ours=False) == [30, 0]
    assert await waited(unlisted, ours=False) == [0, 0]
    assert await waited(unlisted, ours=True) == [30, 0]


@in_time
async def test_a_look_that_shows_nothing_says_of_no_instance_that_it_is_not_listed() -> None:
    async with watching(lambda at: READY if at < 1 or at > 3 else NOTHING) as made:
        made.instances.offers_deployment = True
        await made.instances.look(PLACE.deployment)
        await trio.sleep(2)
        last = await made.instances.until_ready(PLACE)

    assert last is not None
    assert statuses_in(last) == {PLACE.role_instance: READY_ROLE}


@in_time
async def test_an_instance_that_was_waited_for_in_vain_is_waited_for_again_once_it_was_back() -> None:
    away = [(1, 40), (50, 55)]
    async with watching(lambda at: AWAY if any(begin < at < end for begin, end in away) else READY) as made:
        made.instances.offers_deployment = True
        await made.instances.look(PLACE.deployment)
        seen = []
        for at in (2, 33, 45, 51):  # after the first one, 30 seconds have gone by
            await trio.sleep_until(at)
            look_then = await made.instances.until_ready(PLACE)
            assert look_then is not None
            seen.append((statuses_in(look_then)[PLACE.role_instance] == READY_ROLE, round(trio.current_time())))

    assert seen == [(False, 32), (False, 33), (True, 45), (True, 55)]


@in_time
async def test_an_instance_that_left_is_waited_for_as_long_as_a_reimage_may_take_whoever_is_to_blame() -> None:
    async def waited(away: Exchange) -> float:
        shown = [READY]
        async with watching(lambda _: shown[-1]) as made:
            made.instances.offers_deployment = True
            made.instances._sender.limits = replace(made.instances._sender.limits, operation_timeout_seconds=300.0)
            await made.instances.look(PLACE.deployment)
            shown.append(away)
            began = trio.current_time()
            await made.instances.until_ready(PLACE)
            return round(trio.current_time() - began, -1)

    assert [await waited(away) for away in (AWAY, look({"Other_IN_0": "ReadyRole"}))] == [300, 300]


@in_time
async def test_deployments_of_one_name_in_two_cloud_services_are_each_watched_to_the_end() -> None:
    async with watching(lambda at: AWAY if at < 1 else READY) as made:
        there = replace(PLACE, deployment=replace(PLACE.deployment, cloud_service="another-service"))
        watches = []
        for place in (PLACE, there):
            operation = Operation(started(), "1", trio.current_time(), place)
            operation.state, operation.status, operation.ended = State.ENDED, "Succeeded", trio.current_time()
            watches.append(made.instances.watch(operation, place, READY, ()))
        with trio.fail_after(60):
            for watch in watches:
                await watch.over.wait()

    assert [watch.was_offline for watch in watches] == [True, True]
