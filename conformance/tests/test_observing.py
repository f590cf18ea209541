"""Observing: how long an instance is watched, and when nobody looks any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.checks.instances import LATE_DEPARTURE_SECONDS
from conformance.protocol.requests import Place
from conformance.runner.observing import Observer, Watch
from conformance.runner.operations import Operation, State
from conformance.tests.fake_client import FakeClient, dispatcher
from conformance.tests.judging_samples import BUILDER, LOOK, PLACE, TARGET, exchange, look, started

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.model import Exchange

READY = look({PLACE.role_instance: "ReadyRole"})
AWAY = look({PLACE.role_instance: "StoppedVM"})
NOTHING = exchange(LOOK, 203)
OPERATION_SECONDS = 0.2


class Watching:
    """An observer whose looks show what `shown` says of the seconds since the end of the operation."""

    def __init__(self, shown: Callable[[float], Exchange]) -> None:
        self.client = FakeClient(READY)
        self.sender, self.clock = dispatcher(self.client, poll_interval_seconds=0.1, operation_timeout_seconds=30.0)
        self.observer = Observer(TARGET, BUILDER, self.sender)
        self._shown = shown

    def seconds(self) -> float:
        """How long after the end of one more operation its instance was watched."""
        now = self.clock.now()
        operation = Operation(started(), "1", now, PLACE)
        ended = now + OPERATION_SECONDS
        watch: Watch = self.observer.watch(operation, PLACE, READY, ())
        while not watch.over:
            if self.clock.now() >= ended and operation.is_under_way:
                operation.state, operation.ended = State.ENDED, ended
            self.client.replies = [self._shown(self.clock.now() - ended)]
            self.observer.tick()
            self.clock.sleep(0.05)
        return round(watch.waited, 1)


def test_the_last_one_that_shows_whether_others_are_left_alone_is_kept_for_that() -> None:
    observer = Watching(lambda _: READY).observer
    other, third = (Place(PLACE.deployment, name) for name in PLACE.deployment.role_instances[1:3])
    watch = observer.watch(Operation(started(), "1", 0.0, PLACE), PLACE, READY, (other.role_instance,))

    assert [observer.is_last_bystander(place) for place in (PLACE, other, third)] == [False, True, False]
    watch.others += (third.role_instance,)
    assert not observer.is_last_bystander(other)
    observer.address(third)
    assert observer.is_last_bystander(other)
    watch.over = True
    assert not observer.is_last_bystander(other)


def test_one_that_nobody_watched_is_given_time_after_its_end() -> None:
    watching = Watching(lambda _: READY)
    observer, clock = watching.observer, watching.clock
    operation = Operation(started(), "1", clock.now(), PLACE)

    assert not observer.has_settled(operation)
    operation.state, operation.ended = State.ENDED, clock.now()
    assert not observer.has_settled(operation)
    clock.sleep(LATE_DEPARTURE_SECONDS)
    assert observer.has_settled(operation)
    operation.ended = clock.now()
    assert not observer.has_settled(operation)
    observer.watch(operation, PLACE, READY, ())
    assert observer.has_settled(operation)


def test_one_that_stays_is_watched_for_long_once() -> None:
    watching = Watching(lambda _: READY)

    assert watching.seconds() >= LATE_DEPARTURE_SECONDS
    assert watching.seconds() < 0.6


def test_one_that_leaves_while_the_operation_runs_is_watched_until_it_is_back() -> None:
    watching = Watching(lambda since: AWAY if since < 0.5 else READY)

    assert 0.5 <= watching.seconds() < 0.8
    assert 0.5 <= watching.seconds() < 0.8


def test_one_that_leaves_late_is_waited_for_every_time() -> None:
    watching = Watching(lambda since: AWAY if 1.0 <= since < 1.6 else READY)

    assert [1.6 <= watching.seconds() < 1.9 for _ in range(3)] == [True] * 3


def test_looks_that_show_nothing_are_not_repeated_for_long() -> None:
    watching = Watching(lambda _: NOTHING)

    assert watching.seconds() < LATE_DEPARTURE_SECONDS + 0.3
    assert watching.seconds() < 0.6
    assert not watching.observer.given_up


def test_one_that_never_comes_back_is_waited_for_once() -> None:
    watching = Watching(lambda since: AWAY if since > 0 else READY)

    assert watching.seconds() >= 30.0
    assert watching.seconds() < 1.0
    assert watching.observer.given_up
