"""Wires: let the asynchronous session send through a blocking client, in worker threads, or at once to an endpoint in this process."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

import trio
import trio.testing

from reimage_conformance.session.turns import TURN, turn_given_up

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from reimage_conformance.model import Exchange, Request
    from reimage_conformance.wire.client import Client

Result = TypeVar("Result")


class Wire(Protocol):
    """Sends requests while other tasks go on."""

    async def exchange(self, request: Request, *, label: str, on: int | None, watch_close: bool) -> Exchange:
        """Sends one request and gives the exchange, also where no reply came; records nothing."""
        ...

    async def exchange_simultaneously(self, requests: Sequence[Request], *, label: str) -> list[Exchange]:
        """Sends requests at the same time, each on a connection of its own; records nothing."""
        ...

    def limit(self, connections: int) -> None:
        """Keeps no more than `connections` open, by closing connections that are not in use."""
        ...

    def close_idle(self) -> None:
        """Closes every connection that is not in use."""
        ...

    async def in_thread(self, function: Callable[[], Result]) -> Result:
        """Calls a function outside of the session's thread, when it has its turn (`turns`), and gives its result."""
        ...

    def from_thread(self, awaited: Callable[[], Awaitable[Result]]) -> Result:
        """Calls an asynchronous function in the session's thread, for a caller inside `in_thread`; gives its result."""
        ...


class ThreadedWire:
    """Sends each request in a worker thread; up to `threads` at the same time."""

    def __init__(self, client: Client, threads: int) -> None:
        self._client = client
        self._limiter = trio.CapacityLimiter(threads)

    async def exchange(self, request: Request, *, label: str, on: int | None, watch_close: bool) -> Exchange:
        """Sends one request and gives the exchange, also where no reply came; records nothing."""
        send = partial(self._client.exchange, request, label=label, on=on, watch_close=watch_close)
        return await trio.to_thread.run_sync(send, abandon_on_cancel=True, limiter=self._limiter)

    async def exchange_simultaneously(self, requests: Sequence[Request], *, label: str) -> list[Exchange]:
        """Sends requests at the same time, each on a connection of its own; records nothing."""
        send = partial(self._client.exchange_simultaneously, requests, label=label)
        return await trio.to_thread.run_sync(send, abandon_on_cancel=True, limiter=self._limiter)

    def limit(self, connections: int) -> None:
        """Keeps no more than `connections` open, by closing connections that are not in use."""
        self._client.limit(connections)

    def close_idle(self) -> None:
        """Closes every connection that is not in use."""
        self._client.close_idle()

    async def in_thread(self, function: Callable[[], Result]) -> Result:
        """Calls a function in a worker thread, when it has its turn, and gives its result."""
        return await trio.to_thread.run_sync(_in_turn, function, abandon_on_cancel=True)

    def from_thread(self, awaited: Callable[[], Awaitable[Result]]) -> Result:
        """Calls an asynchronous function in the session's thread, for a caller in a worker thread; gives its result."""
        with turn_given_up():
            return trio.from_thread.run(awaited)


@runtime_checkable
class SteppedClock(Protocol):
    """The clock of an endpoint in this process; it is ahead of the session's clock by the duration of an exchange."""

    def take_ahead(self) -> float:
        """Gives the seconds by which it is ahead, and sets them to 0."""
        ...


class InlineWire:
    """Sends each request at once, to an endpoint in this process, then moves the session's clock forward.

    `time` is trio's clock. It jumps whenever all tasks wait, but not while a worker thread computes.
    """

    def __init__(self, client: Client, clock: SteppedClock, time: trio.testing.MockClock) -> None:
        self._client, self._clock, self._time = client, clock, time
        self._computing = 0

    async def exchange(self, request: Request, *, label: str, on: int | None, watch_close: bool) -> Exchange:
        """Sends one request and gives the exchange, also where no reply came; records nothing."""
        exchange = self._client.exchange(request, label=label, on=on, watch_close=watch_close)
        await trio.sleep(self._clock.take_ahead())
        return exchange

    async def exchange_simultaneously(self, requests: Sequence[Request], *, label: str) -> list[Exchange]:
        """Sends requests at the same time, each on a connection of its own; records nothing."""
        exchanges = self._client.exchange_simultaneously(requests, label=label)
        await trio.sleep(self._clock.take_ahead())
        return exchanges

    def limit(self, connections: int) -> None:
        """Keeps no more than `connections` open, by closing connections that are not in use."""
        self._client.limit(connections)

    def close_idle(self) -> None:
        """Closes every connection that is not in use."""
        self._client.close_idle()

    async def in_thread(self, function: Callable[[], Result]) -> Result:
        """Calls a function in a worker thread, when it has its turn, and gives its result; the clock stands still meanwhile."""
        self._compute(+1)
        try:
            return await trio.to_thread.run_sync(_in_turn, function)
        finally:
            self._compute(-1)

    def from_thread(self, awaited: Callable[[], Awaitable[Result]]) -> Result:
        """Calls an asynchronous function for a caller in a worker thread, and gives its result.

        The clock runs meanwhile.
        """

        async def with_time() -> Result:
            self._compute(-1)
            try:
                return await awaited()
            finally:
                self._compute(+1)

        with turn_given_up():
            return trio.from_thread.run(with_time)

    def _compute(self, threads: int) -> None:
        """Changes the number of computing threads by `threads`; the clock stands still while it is not 0."""
        self._computing += threads
        self._time.autojump_threshold = math.inf if self._computing else 0


def _in_turn(function: Callable[[], Result]) -> Result:
    with TURN:
        return function()
