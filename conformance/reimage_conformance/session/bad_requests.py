"""Bad requests: each is read once, when a case asks for it, and the result is one value."""

from __future__ import annotations

from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import trio

from reimage_conformance.judging.oracle import expectation_of
from reimage_conformance.model import Why
from reimage_conformance.protocol.addresses import Kind, read_target
from reimage_conformance.protocol.requests import Place
from reimage_conformance.session.signals import Untested
from reimage_conformance.session.thresholds import MAX_VIOLATIONS_PER_REQUIREMENT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from reimage_conformance.judging.defects import Expectation
    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Request


@dataclass(frozen=True, slots=True)
class ExpectedRefusal:
    """A request that ought to be refused, and how it is judged.

    `requirement` is the requirement to blame, "" for that of its defects. `effects` says whether the instance is looked
    at before and after; `effect_requirement` is to blame if it changed. `watch_close` waits to see whether the
    connection is closed after the reply.
    """

    request: Request
    requirement: str = ""
    effects: bool = True
    effect_requirement: str = ""
    watch_close: bool = False


@dataclass(frozen=True, slots=True)
class BadRequest:
    """A request that ought to be refused, with its address, its defects and the permitted answers (`expectation_of`).

    `place` is the listed instance that it addresses, if any. `absent` says what in its address does not exist.
    """

    expected: ExpectedRefusal
    expectation: Expectation
    place: Place | None
    absent: str = ""

    @property
    def request(self) -> Request:
        """The request itself."""
        return self.expected.request

    @property
    def broken(self) -> frozenset[str]:
        """The requirements that make the endpoint refuse it."""
        return frozenset(defect.requirement for defect in self.expectation.must_be_refused_for)

    @property
    def addresses_an_instance(self) -> bool:
        """Whether its target has the form of a role instance's address; the instance need not exist."""
        return self.expectation.address.kind is Kind.REIMAGE

    @property
    def blamed(self) -> str:
        """The requirement to blame for an effect, "" for none."""
        own = next((defect.requirement for defect in self.expectation.defects), "")
        return self.expected.effect_requirement or self.expected.requirement or own

    @property
    def kind(self) -> str:
        """The kind under which missing replies are counted: its method and the requirements that it breaks."""
        return f"{self.request.method} {' '.join(sorted(self.broken))}"

    @property
    def key(self) -> tuple[str, ...]:
        """Equal for bad requests that differ only in the instance they address; one request of each key is examined."""
        request = self.request
        fields = ("x-ms-version", "Content-Type", "Content-Length", "Transfer-Encoding")
        lines = (",".join(request.values(name)) if request.values(name) else "absent" for name in fields)
        values = (request.target.partition("?")[2], *lines, str(bool(request.body)), str(request.identity))
        keys = [defect.key for defect in self.expectation.defects]
        where = (str(self.expectation.address.form), request.method, self.absent)
        return (*where, *keys, *values, self.expected.effect_requirement)


class Reader:
    """Reads requests in `world`, whose target has its real, unmasked names."""

    def __init__(self, world: World) -> None:
        self.world = world

    def see(self, world: World) -> None:
        """Reads requests in another world from now on; the unmasked target stays."""
        self.world = replace(world, target=self.world.target, memory={})

    def read(self, expected: ExpectedRefusal) -> BadRequest:
        """A bad request, with everything that its target and headers say about it."""
        judged = expectation_of(expected.request, self.world)
        absent = str(self.world.absence(judged.address)) if judged.address.kind is Kind.REIMAGE else ""
        return BadRequest(expected, judged, self.place_of(expected.request), absent)

    def place_of(self, request: Request) -> Place | None:
        """The listed instance that a request addresses, or None."""
        address = read_target(request.resource)
        deployment = self.world.deployment_of(address)
        if deployment is None or address.instance not in self.world.instances(deployment):
            return None
        return Place(deployment, address.instance)

    def namesakes(self, instance: str) -> list[Place]:
        """Every listed place with an instance of this name; a faulty endpoint may have reimaged any of them."""
        deployments = self.world.target.deployments
        return [Place(each, instance) for each in deployments if instance in each.role_instances]


@dataclass(slots=True, eq=False)
class _Turn:
    """A request that waits for others to end. Once `decided` is set, `is_admitted` says whether it may be sent."""

    broken: frozenset[str]
    decided: trio.Event = field(default_factory=trio.Event)
    is_admitted: bool = False


class Violations:
    """Counts the accepted requests of each requirement, and limits how many more are sent at the same time.

    If requests that break one requirement alone are never answered, requests that also break others are not sent
    either: they would cost the same time. `width` gives how many requests may be under way at the same time.
    """

    def __init__(self, width: Callable[[], int]) -> None:
        self._width = width
        self._violations: Counter[str] = Counter()
        self._unanswered: Counter[str] = Counter()
        self._under_way: Counter[str] = Counter()
        self._waiting: list[_Turn] = []

    @asynccontextmanager
    async def room_for(self, broken: frozenset[str]) -> AsyncIterator[None]:
        """Waits until another request that breaks these may be sent; raises Untested once enough were accepted."""
        if self._is_full(broken):
            await self._wait(broken)
        else:
            self._under_way.update(broken)
        try:
            yield
        finally:
            self._under_way.subtract(broken)
            self._let_in()

    def count(self, broken: frozenset[str], weight: int, *, is_silence: bool = False) -> None:
        """Counts a request as `weight` accepted ones if it breaks one requirement alone; `is_silence` says that it got no reply."""
        if len(broken) == 1:
            self._violations.update(dict.fromkeys(broken, weight))
            self._unanswered.update(dict.fromkeys(broken, weight if is_silence else 0))

    async def _wait(self, broken: frozenset[str]) -> None:
        """Waits until the request may be sent; raises Untested where it never may."""
        turn = _Turn(broken)
        if not self._is_enough(broken):
            self._waiting.append(turn)
            try:
                await turn.decided.wait()
            except trio.Cancelled:
                self._give_up(turn)
                raise
        if not turn.is_admitted:
            names = " and ".join(sorted(broken))
            raise Untested(
                f"not sent: other requests that have to be refused for the same reason ({names}) had been accepted "
                "or had got no reply, and each may start a reimage",
                Why.BUDGET,
            )

    def _give_up(self, turn: _Turn) -> None:
        """Stops waiting for a turn; if it was admitted already, the next request is admitted in its place."""
        if turn.is_admitted:
            self._under_way.subtract(turn.broken)
            self._let_in()
        elif turn in self._waiting:
            self._waiting.remove(turn)

    def _let_in(self) -> None:
        """Decides the turns that wait, in their order: those that may be sent now, and those that never may."""
        for turn in list(self._waiting):
            turn.is_admitted = not self._is_full(turn.broken)
            if turn.is_admitted or self._is_enough(turn.broken):
                self._waiting.remove(turn)
                self._under_way.update(turn.broken if turn.is_admitted else ())
                turn.decided.set()

    def _is_enough(self, broken: frozenset[str]) -> bool:
        """Whether no further request that breaks these is sent, now or later."""
        return self._is_never_answered(broken) or all(
            self._violations[name] >= MAX_VIOLATIONS_PER_REQUIREMENT for name in broken
        )

    def _is_never_answered(self, broken: frozenset[str]) -> bool:
        """Whether requests that break one of these alone are never answered."""
        return any(self._unanswered[name] >= MAX_VIOLATIONS_PER_REQUIREMENT for name in broken)

    def _is_full(self, broken: frozenset[str]) -> bool:
        """Whether no further request that breaks these may be sent now.

        Those under way may all be accepted, so each counts as accepted already.
        """
        width = self._width()
        return self._is_never_answered(broken) or (
            bool(broken)
            and all(
                self._under_way[name] >= min(width, MAX_VIOLATIONS_PER_REQUIREMENT - self._violations[name])
                for name in broken
            )
        )
