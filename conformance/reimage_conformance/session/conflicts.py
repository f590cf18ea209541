"""Conflicts: repeat a request that is answered 409 because another operation locks its deployment (REQ-CONC-CONFLICT).

The other operation may be one of ours, or one that somebody else started.
"""

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
    """Repeats requests that are answered with a conflict; bad requests can be held back during the last tries of such a request."""

    def __init__(self, operations: Operations, sender: Sender) -> None:
        self._operations, self._sender = operations, sender
        self._in_last_tries = 0
        self._last_tries_over = trio.Event()
        self._lock_wait_seconds = sender.patience.seconds

    @property
    def may_wait_for_lock(self) -> bool:
        """Whether the run may still wait for a lock to end."""
        return self._lock_wait_seconds > 0

    async def repeat_on_conflict(
        self,
        send: Callable[[], Awaitable[Exchange]],
        max_repeats: int,
        on_conflict: Callable[[], None] = lambda: None,
        *,
        holds_back_bad_requests: bool = False,
    ) -> Exchange:
        """Calls `send` until its exchange is no conflict, and repeats it up to `max_repeats` times; gives the last exchange.

        `on_conflict` is called before each repetition. The first repetition comes as soon as no operation of ours runs,
        each later one also after a pause. With `holds_back_bad_requests` the first one has a pause too, and no bad request
        is sent during the last LAST_CONFLICT_TRIES + 1 repetitions, because the operation that causes the conflict may be
        one that a bad request started, and that is not known yet.
        """
        with ExitStack() as stack:
            exchange, repeats = await send(), 0
            while is_conflict(exchange) and repeats < max_repeats:
                repeats += 1
                on_conflict()
                await self._operations.until_quiet()
                if holds_back_bad_requests or repeats > 1:
                    await self._sender.patience.rest(self._sender.limits.poll_interval_seconds)
                if holds_back_bad_requests and repeats == max(max_repeats - LAST_CONFLICT_TRIES, 1):
                    stack.enter_context(self._last_tries())
                    await self._operations.until_quiet()
                exchange = await send()
        return exchange

    async def repeat_while_locked(self, send: Callable[[], Awaitable[Exchange]]) -> Exchange:
        """Calls `send` until its exchange is no conflict, or the run has waited for locks as long as its patience lasts.

        Gives the last exchange. The pauses grow with the time, so that waiting a minute costs a few dozen requests.
        """
        clock, interval = self._sender.clock, self._sender.limits.poll_interval_seconds
        began, exchange = clock.now(), await send()
        while is_conflict(exchange) and (left := self._lock_wait_seconds - (waited := clock.now() - began)) > 0:
            await self._operations.until_quiet()
            await self._sender.patience.rest(min(seconds_until_lock_is_tried(waited, interval), left))
            exchange = await send()
        self._lock_wait_seconds -= clock.now() - began
        return exchange

    async def until_last_tries_over(self) -> None:
        """Waits while another request makes its last tries and bad requests are held back."""
        while self._in_last_tries:
            await self._last_tries_over.wait()

    @contextmanager
    def _last_tries(self) -> Iterator[None]:
        """Holds back bad requests, which wait in `until_last_tries_over`."""
        self._in_last_tries += 1
        try:
            yield
        finally:
            self._in_last_tries -= 1
            self._last_tries_over.set()
            self._last_tries_over = trio.Event()
