"""Conflicts: a request that is answered 409 because of an operation of ours is sent again after it (REQ-CONC-CONFLICT)."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import trio

from reimage_conformance.judging.wording import is_conflict
from reimage_conformance.session.thresholds import LAST_CONFLICT_TRIES, seconds_until_lock_is_tried

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from reimage_conformance.model import Exchange
    from reimage_conformance.session.operations import Operations
    from reimage_conformance.session.sending import Sender


class Conflicts:
    """Repeats requests that are answered with a conflict. Bad requests can be made to wait during the last tries of one."""

    def __init__(self, operations: Operations, sender: Sender) -> None:
        self._operations, self._sender = operations, sender
        self._calming = 0
        self._calm_over = trio.Event()
        self._outlasting_seconds = sender.patience.seconds

    @property
    def may_outlast(self) -> bool:
        """Whether the run may still wait for a lock to pass."""
        return self._outlasting_seconds > 0

    async def send_past(
        self,
        send: Callable[[], Awaitable[Exchange]],
        max_repeats: int,
        on_conflict: Callable[[], None] = lambda: None,
        *,
        calm: bool = False,
    ) -> Exchange:
        """Calls `send` until its exchange is no conflict, and repeats it up to `max_repeats` times; gives the last exchange.

        `on_conflict` is called before each repetition. The first repetition comes as soon as no operation of ours runs,
        each later one also after a pause. With `calm` the first one has a pause too, and no bad request is sent during
        the last tries: a bad request may have started an operation that is not known yet.
        """
        with ExitStack() as stack:
            exchange, repeats = await send(), 0
            while is_conflict(exchange) and repeats < max_repeats:
                repeats += 1
                on_conflict()
                await self._operations.until_quiet()
                if calm or repeats > 1:
                    await self._sender.patience.rest(self._sender.limits.poll_interval_seconds)
                if calm and repeats == max(max_repeats - LAST_CONFLICT_TRIES, 1):
                    stack.enter_context(self._calm())
                    await self._operations.until_quiet()
                exchange = await send()
        return exchange

    async def outlast(self, send: Callable[[], Awaitable[Exchange]]) -> Exchange:
        """Calls `send` until its exchange is no conflict, or the run has waited as long for locks as its patience lasts.

        Gives the last exchange. The pauses grow with the time, so that a lock of a minute costs a few dozen requests.
        """
        clock, interval = self._sender.clock, self._sender.limits.poll_interval_seconds
        began, exchange = clock.now(), await send()
        while is_conflict(exchange) and (left := self._outlasting_seconds - (waited := clock.now() - began)) > 0:
            await self._operations.until_quiet()
            await self._sender.patience.rest(min(seconds_until_lock_is_tried(waited, interval), left))
            exchange = await send()
        self._outlasting_seconds -= clock.now() - began
        return exchange

    async def until_calm(self) -> None:
        """Waits while another request makes its last tries to get past a conflict."""
        while self._calming:
            await self._calm_over.wait()

    @contextmanager
    def _calm(self) -> Iterator[None]:
        """Keeps bad requests waiting (`until_calm`)."""
        self._calming += 1
        try:
            yield
        finally:
            self._calming -= 1
            self._calm_over.set()
            self._calm_over = trio.Event()
