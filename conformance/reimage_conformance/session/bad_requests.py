"""Bad requests: each is read once, when a case asks for it, and handed on as one value."""

from __future__ import annotations

from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import trio

from reimage_conformance.judging.oracle import permitted
from reimage_conformance.protocol.addresses import Kind, read_target
from reimage_conformance.protocol.requests import Place
from reimage_conformance.session.signals import Untested
from reimage_conformance.session.thresholds import MAX_VIOLATIONS_PER_REQUIREMENT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from reimage_conformance.judging.oracle import Permitted
    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Request


@dataclass(frozen=True, slots=True)
class BadRequest:
    """A request that ought to be refused, its address, its defects and the answers that are permitted.

    `place` is the listed instance that it addresses, if it does. `requirement` is what to blame in place of that of its defects;
    `effects` whether the instance is looked at before and after, and `effect_requirement` what to blame where it changed.
    """

    request: Request
    permitted: Permitted
    place: Place | None
    absent: str = ""
    requirement: str = ""
    effects: bool = True
    effect_requirement: str = ""
    watch_close: bool = False

    @property
    def broken(self) -> frozenset[str]:
        """The requirements that oblige the endpoint to refuse it."""
        return frozenset(defect.requirement for defect in self.permitted.binding)

    @property
    def addresses_an_instance(self) -> bool:
        """Whether its target has the form of a role instance's, whether or not that exists."""
        return self.permitted.address.kind is Kind.REIMAGE

    @property
    def blamed(self) -> str:
        """The requirement that an effect is held against, "" where none is."""
        own = next((defect.requirement for defect in self.permitted.defects), "")
        return self.effect_requirement or self.requirement or own

    @property
    def kind(self) -> str:
        """What it has in common with others that are not answered for the same reason."""
        return f"{self.request.method} {' '.join(sorted(self.broken))}"

    @property
    def key(self) -> tuple[str, ...]:
        """What tells it from other bad requests, the instance that it addresses apart: one of those alike is examined."""
        request = self.request
        fields = ("x-ms-version", "Content-Type", "Content-Length", "Transfer-Encoding")
        lines = (",".join(request.values(name)) if request.values(name) else "absent" for name in fields)
        values = (request.target.partition("?")[2], *lines, str(bool(request.body)), str(request.identity))
        keys = [defect.key for defect in self.permitted.defects]
        return (str(self.permitted.address.form), request.method, self.absent, *keys, *values, self.effect_requirement)


class Reader:
    """Reads requests in `world`, that of the target, whose names are not masked."""

    def __init__(self, world: World) -> None:
        self.world = world

    def see(self, world: World) -> None:
        """From here on requests are read in another world."""
        self.world = replace(world, target=self.world.target, memory={})

    def read(
        self, request: Request, requirement: str, *, effects: bool, effect_requirement: str, watch_close: bool
    ) -> BadRequest:
        """A request with everything that its target and headers say."""
        judged = permitted(request, self.world)
        absent = str(self.world.absence(judged.address)) if judged.address.kind is Kind.REIMAGE else ""
        place = self.place_of(request)
        return BadRequest(
            request, judged, place, absent, requirement, effects, effect_requirement, watch_close=watch_close
        )

    def place_of(self, request: Request) -> Place | None:
        """The listed place that a request addresses, if it does."""
        address = read_target(request.target)
        deployment = self.world.deployment_of(address)
        if deployment is None or address.instance not in self.world.instances(deployment):
            return None
        return Place(deployment, address.instance)

    def namesakes(self, instance: str) -> list[Place]:
        """Every listed place with an instance of this name: a request that ought to address nothing may have reached any."""
        deployments = self.world.target.deployments
        return [Place(each, instance) for each in deployments if instance in each.role_instances]


@dataclass(slots=True, eq=False)
class _Turn:
    """A request that waits for others to end; once that is `decided`, `is_come` says whether it has a place among those under way."""

    broken: frozenset[str]
    decided: trio.Event = field(default_factory=trio.Event)
    is_come: bool = False


class Violations:
    """How often requests that break a requirement were accepted, and how many more are tried at the same time.

    Where those that break one alone are never answered, none that breaks others besides is sent: it would be waited for as long.
    `width` says how many requests may be under way at the same time: where one alone may be, what it shows is known before the next one.
    """

    def __init__(self, width: Callable[[], int]) -> None:
        self._width = width
        self._shown: Counter[str] = Counter()
        self._silent: Counter[str] = Counter()
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
        """A request that breaks these showed part of what there is to show: `weight` of MAX_VIOLATIONS_PER_REQUIREMENT; `is_silence` says that it was not answered."""
        if len(broken) == 1:
            self._shown.update(dict.fromkeys(broken, weight))
            self._silent.update(dict.fromkeys(broken, weight if is_silence else 0))

    async def _wait(self, broken: frozenset[str]) -> None:
        """Waits for a place among the requests under way; raises Untested where there will be none."""
        turn = _Turn(broken)
        if not self._is_enough(broken):
            self._waiting.append(turn)
            try:
                await turn.decided.wait()
            except trio.Cancelled:
                self._give_up(turn)
                raise
        if not turn.is_come:
            names = " and ".join(sorted(broken))
            raise Untested(f"enough requests that break {names} were accepted, or never answered, already")

    def _give_up(self, turn: _Turn) -> None:
        """Waits no longer; a place that it was told of meanwhile is somebody else's."""
        if turn.is_come:
            self._under_way.subtract(turn.broken)
            self._let_in()
        elif turn in self._waiting:
            self._waiting.remove(turn)

    def _let_in(self) -> None:
        """Tells those who wait, in the order in which they came, as far as there is room or will be none; nobody is woken in vain."""
        for turn in list(self._waiting):
            turn.is_come = not self._is_full(turn.broken)
            if turn.is_come or self._is_enough(turn.broken):
                self._waiting.remove(turn)
                self._under_way.update(turn.broken if turn.is_come else ())
                turn.decided.set()

    def _is_enough(self, broken: frozenset[str]) -> bool:
        return self._is_never_answered(broken) or all(
            self._shown[name] >= MAX_VIOLATIONS_PER_REQUIREMENT for name in broken
        )

    def _is_never_answered(self, broken: frozenset[str]) -> bool:
        """Whether requests that break one of these alone are left without an answer."""
        return any(self._silent[name] >= MAX_VIOLATIONS_PER_REQUIREMENT for name in broken)

    def _is_full(self, broken: frozenset[str]) -> bool:
        """Whether there is no room for another request that breaks these, under any of the requirements."""
        width = self._width()
        return self._is_never_answered(broken) or (
            bool(broken)
            and all(
                self._under_way[name] >= min(width, MAX_VIOLATIONS_PER_REQUIREMENT - self._shown[name])
                for name in broken
            )
        )
