"""Sends the few GETs of a preflight; repeats them after throttling and passing errors, and follows redirects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.judging.wording import is_busy, is_passing_fault, retry_after_seconds
from reimage_conformance.session.redirects import Redirects
from reimage_conformance.session.thresholds import MAX_REDIRECTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.model import Exchange, Request
    from reimage_conformance.wire.clock import Clock

MOST_REQUESTS = 20
"""The most requests that a preflight sends to the endpoint, repeated and redirected ones included."""
BUSY_TRIES = 3
"""After this many throttled answers (REQ-THROTTLE), throttled requests are not repeated any more."""
BUSY_SECONDS = 0.3
"""The pause after a throttled answer without Retry-After."""
LONGEST_PAUSE = 10.0
"""The longest Retry-After that is obeyed, in seconds."""


class NoMoreRequests(Exception):  # noqa: N818 -- the end of a budget, no error
    """MOST_REQUESTS have been sent."""


class Asker:
    """Sends the requests of a preflight through `exchange`, never more than MOST_REQUESTS.

    A request is repeated if the endpoint was busy or had an internal error (REQ-ERR-INTERNAL). A few 307s to the same
    host are followed (REQ-HTTP-307). Each exchange is appended to `sent`. Raises NoMoreRequests in place of sending one more.
    """

    def __init__(
        self, exchange: Callable[[Request], Exchange], clock: Clock, base_url: str, sent: list[Exchange]
    ) -> None:
        self._exchange, self._clock, self._sent = exchange, clock, sent
        self._redirects = Redirects(base_url)
        self._busy = 0

    def __call__(self, request: Request) -> Exchange:
        """The last exchange of `request`."""
        exchange = self._once(request)
        while is_busy(exchange) and self._busy < BUSY_TRIES:
            self._busy += 1
            self._clock.sleep(_pause(exchange))
            exchange = self._once(request)
        if is_passing_fault(exchange):
            exchange = self._once(request)
        for _ in range(MAX_REDIRECTS):
            if (moved := self._redirects.moved(exchange, request)) is not None:
                request, exchange = moved, self._once(moved)
        return exchange

    def _once(self, request: Request) -> Exchange:
        if len(self._sent) >= MOST_REQUESTS:
            raise NoMoreRequests
        exchange = self._exchange(request)
        self._sent.append(exchange)
        self._redirects.see(exchange)
        return exchange


def _pause(exchange: Exchange) -> float:
    """The seconds to wait after a throttled answer."""
    asked = retry_after_seconds(exchange)
    return BUSY_SECONDS if asked is None else min(asked, LONGEST_PAUSE)
