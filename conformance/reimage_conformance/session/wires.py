"""Wires: how the session, which is asynchronous, sends through a client that blocks, or through one that only turns a clock."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

import trio
import trio.testing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from reimage_conformance.model import Exchange, Request
    from reimage_conformance.wire.client import Client

Result = TypeVar("Result")


class Wire(Protocol):
    """Sends requests without keeping other tasks from running."""

    async def exchange(self, request: Request, *, label: str, on: int | None, watch_close: bool) -> Exchange:
        """One exchange, whatever comes of it, unrecorded."""
        ...

    async def together(self, requests: Sequence[Request], *, label: str) -> list[Exchange]:
        """Exchanges that are under way at the same time, each on a connection of its own, unrecorded."""
        ...

    def limit(self, connections: int) -> None:
        """Keeps no more than `connections` open, as far as those that are not in use can be closed."""
        ...

    def let_idle_go(self) -> None:
        """Closes every connection that is not in use."""
        ...

    async def in_thread(self, function: Callable[[], Result]) -> Result:
        """What a function comes to that must not run in the session's own thread."""
        ...

    def from_thread(self, awaited: Callable[[], Awaitable[Result]]) -> Result:
        """What an asynchronous function comes to, for a caller inside `in_thread`."""
        ...


class ThreadedWire:
    """Sends each request in a worker thread; up to `threads` at the same time."""

    def __init__(self, client: Client, threads: int) -> None:
        self._client = client
        self._limiter = trio.CapacityLimiter(threads)

    async def exchange(self, request: Request, *, label: str, on: int | None, watch_close: bool) -> Exchange:
        """One exchange, whatever comes of it, unrecorded."""
        send = partial(self._client.exchange, request, label=label, on=on, watch_close=watch_close)
        return await trio.to_thread.run_sync(send, abandon_on_cancel=True, limiter=self._limiter)

    async def together(self, requests: Sequence[Request], *, label: str) -> list[Exchange]:
        """Exchanges that are under way at the same time, each on a connection of its own, unrecorded."""
        send = partial(self._client.exchange_together, requests, label=label)
        return await trio.to_thread.run_sync(send, abandon_on_cancel=True, limiter=self._limiter)

    def limit(self, connections: int) -> None:
        """Keeps no more than `connections` open, as far as those that are not in use can be closed."""
        self._client.limit(connections)

    def let_idle_go(self) -> None:
        """Closes every connection that is not in use."""
        self._client.let_idle_go()

    async def in_thread(self, function: Callable[[], Result]) -> Result:
        """What a function comes to in a worker thread."""
        return await trio.to_thread.run_sync(function, abandon_on_cancel=True)

    def from_thread(self, awaited: Callable[[], Awaitable[Result]]) -> Result:
        """What an asynchronous function comes to, for a caller in a worker thread."""
        return trio.from_thread.run(awaited)


@runtime_checkable
class SteppedClock(Protocol):
    """A clock of an endpoint in this process: it is ahead of the session's by what an exchange took so far."""

    def take_ahead(self) -> float:
        """The seconds by which it is ahead, which it is no longer after this."""
        ...


class InlineWire:
    """Sends each request at once, to an endpoint in this process, and lets the session's clock catch up.

    `time` is the clock that trio runs by; it jumps whenever every task waits, but not while a thread computes.
    """

    def __init__(self, client: Client, clock: SteppedClock, time: trio.testing.MockClock) -> None:
        self._client, self._clock, self._time = client, clock, time
        self._computing = 0

    async def exchange(self, request: Request, *, label: str, on: int | None, watch_close: bool) -> Exchange:
        """One exchange, whatever comes of it, unrecorded."""
        exchange = self._client.exchange(request, label=label, on=on, watch_close=watch_close)
        await trio.sleep(self._clock.take_ahead())
        return exchange

    async def together(self, requests: Sequence[Request], *, label: str) -> list[Exchange]:
        """Exchanges that are under way at the same time, each on a connection of its own, unrecorded."""
        exchanges = self._client.exchange_together(requests, label=label)
        await trio.sleep(self._clock.take_ahead())
        return exchanges

    def limit(self, connections: int) -> None:
        """Keeps no more than `connections` open, as far as those that are not in use can be closed."""
        self._client.limit(connections)

    def let_idle_go(self) -> None:
        """Closes every connection that is not in use."""
        self._client.let_idle_go()

    async def in_thread(self, function: Callable[[], Result]) -> Result:
        """What a function comes to in a worker thread; no time passes while it computes."""
        self._compute(+1)
        try:
            return await trio.to_thread.run_sync(function)
        finally:
            self._compute(-1)

    def from_thread(self, awaited: Callable[[], Awaitable[Result]]) -> Result:
        """What an asynchronous function comes to, for a caller in a worker thread; time passes meanwhile."""

        async def with_time() -> Result:
            self._compute(-1)
            try:
                return await awaited()
            finally:
                self._compute(+1)

        return trio.from_thread.run(with_time)

    def _compute(self, threads: int) -> None:
        """A change in how many threads compute, by `threads`; time stands still while any does."""
        self._computing += threads
        self._time.autojump_threshold = math.inf if self._computing else 0
