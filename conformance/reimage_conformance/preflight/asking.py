"""Asking an endpoint before a run: GET only, few requests, patient with what a conforming endpoint may do."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reimage_conformance.judging.wording import is_busy, is_passing_fault
from reimage_conformance.protocol.requests import with_header

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.model import Exchange, Request
    from reimage_conformance.wire.clock import Clock

MOST_REQUESTS = 20
"""Requests that a preflight sends to the endpoint at most, repeated and redirected ones included."""
BUSY_TRIES = 3
"""Answers that ask to come back later (REQ-THROTTLE) after which nothing is asked again."""
BUSY_SECONDS = 0.3
"""How long to stay away where the endpoint does not say."""
LONGEST_PAUSE = 10.0
"""The longest Retry-After that is waited for; seconds."""


class NoMoreRequests(Exception):  # noqa: N818 -- the end of a budget, no error
    """As many requests went out as a preflight may send."""


class Asker:
    """Sends the questions of a preflight through `exchange`, never more than MOST_REQUESTS.

    A question is repeated where the endpoint was busy or met a fault inside (REQ-ERR-INTERNAL), and follows one 307 to
    the same host (REQ-HTTP-307). Everything that goes out is appended to `sent`. Raises NoMoreRequests.
    """

    def __init__(self, exchange: Callable[[Request], Exchange], clock: Clock, host: str, sent: list[Exchange]) -> None:
        self._exchange, self._clock, self._host, self._sent = exchange, clock, host, sent
        self._busy = 0

    def __call__(self, request: Request) -> Exchange:
        """What comes of `request`."""
        exchange = self._once(request)
        while is_busy(exchange) and self._busy < BUSY_TRIES:
            self._busy += 1
            self._clock.sleep(_pause(exchange))
            exchange = self._once(request)
        if is_passing_fault(exchange):
            exchange = self._once(request)
        there = _elsewhere(exchange, self._host)
        if there is not None:
            moved = replace(request, target=there)
            exchange = self._once(with_header(moved, "Host", self._host))
        return exchange

    def _once(self, request: Request) -> Exchange:
        if len(self._sent) >= MOST_REQUESTS:
            raise NoMoreRequests
        exchange = self._exchange(request)
        self._sent.append(exchange)
        return exchange


def _pause(exchange: Exchange) -> float:
    """Seconds to stay away."""
    value = exchange.reply.header("Retry-After") if exchange.reply is not None else None
    return min(float(value), LONGEST_PAUSE) if value is not None and value.isdecimal() else BUSY_SECONDS


def _elsewhere(exchange: Exchange, host: str) -> str | None:
    """The target of a 307 that leads to the same host, or None."""
    if exchange.reply is None or exchange.reply.status != 307:
        return None
    parts = urlsplit(exchange.reply.header("Location") or "")
    if not parts.path.startswith("/") or parts.netloc not in ("", host):
        return None
    return parts.path + (f"?{parts.query}" if parts.query else "")
