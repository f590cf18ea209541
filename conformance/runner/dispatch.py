"""Dispatching: one request to the endpoint, with patience for throttling, redirects and lost connections, within limits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from conformance import gate as gates
from conformance.checks.wording import is_busy, is_passing_fault
from conformance.model import FailureKind, Identity
from conformance.protocol.addresses import is_loopback_host
from conformance.protocol.requests import with_header
from conformance.runner.signals import Inconclusive, Withheld

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conformance.gate import Gate
    from conformance.model import Exchange, Limits, Request
    from conformance.wire.client import Client
    from conformance.wire.clock import Clock

BUSY_TRIES = 6
BUSY_LIMIT = 4
"""After so many requests in a row that were throttled to the end, an endpoint is asked once each."""
SILENCE_LIMIT = 8
"""After so many requests in a row without any reply, the rest of the run is inconclusive."""
LONGEST_PAUSE = 30.0
STRANGERS = (Identity.NONE, Identity.UNKNOWN)
SAFE_METHODS = ("GET", "HEAD")
_LOST = (FailureKind.RESET, FailureKind.CLOSED, FailureKind.TRUNCATED, FailureKind.REFUSED, FailureKind.NOT_HTTP)


class Dispatcher:
    """Sends requests; `before` runs ahead of each, so that due polls go out first; `knock` asks whether anybody is there.

    `gate` is the one that the client asks: it tells what to look up before a request can go out. `restored` gives what was masked in a text that
    was recorded.
    """

    def __init__(
        self,
        client: Client,
        clock: Clock,
        limits: Limits,
        host: str,
        *,
        gate: Gate,
        restored: Callable[[str], str] = str,
    ) -> None:
        self.clock = clock
        self.limits = limits
        self.before: Callable[[], None] = lambda: None
        self.knock: Callable[[], bool] = lambda: False
        self.seen: Callable[[Exchange], None] = lambda _: None
        """Hears of every exchange."""
        self.closed: Callable[[Request], str] = lambda _: ""
        """Tells why no more requests of a kind are sent."""
        self.kept_out = ""
        """Why nothing more is sent, where the endpoint does not let the suite in."""
        self._client = client
        self._gate = gate
        self._host = host
        self._restored = restored
        self._busy_in_a_row = 0
        self._silent_in_a_row = 0

    def once(self, request: Request, *, label: str = "", on: int | None = None, watch_close: bool = False) -> Exchange:
        """One exchange, whatever comes of it; raises Inconclusive where the endpoint does not let us in, Withheld where the gate keeps it back.

        A 307 is followed once (REQ-HTTP-307), and what met a fault inside the endpoint is sent once more (REQ-ERR-INTERNAL, REQ-ASYNC-NON202).
        """
        if self.kept_out:
            raise Inconclusive(self.kept_out)
        self.pass_gate(request)
        exchange = self._exchange(request, label=label, on=on, watch_close=watch_close)
        again = self._again(exchange, request)
        if again is not None:
            exchange = self._exchange(again, label=label, watch_close=watch_close)
        if exchange.response is not None:
            self._silent_in_a_row = 0
        elif request.identity not in STRANGERS and request.patience_seconds is None:
            self._silent_in_a_row += 1
        return exchange

    def at_once(self, requests: Sequence[Request], *, label: str = "") -> list[Exchange]:
        """Exchanges that are under way at the same time, whatever comes of them; raises Inconclusive where we are not let in, Withheld as `once` does."""
        self.before()
        if self.kept_out:
            raise Inconclusive(self.kept_out)
        for request in requests:
            self.pass_gate(request)
        try:
            exchanges = self._client.exchange_together(requests, label=label)
        except gates.Withheld as error:
            raise Withheld(str(error)) from None
        again = [self._again(exchange, request) for exchange, request in zip(exchanges, requests, strict=True)]
        return [
            exchange if request is None else self._exchange(request, label=label)
            for exchange, request in zip(exchanges, again, strict=True)
        ]

    def send(
        self,
        request: Request,
        *,
        label: str = "",
        on: int | None = None,
        watch_close: bool = False,
        patient: bool = True,
    ) -> Exchange:
        """One exchange after due polls; throttled ones are tried again (REQ-THROTTLE).

        A safe request whose connection was lost is sent once more; a POST never is.
        """
        self.before()
        if self._silent_in_a_row >= SILENCE_LIMIT and not self.knock():
            raise Inconclusive(f"the endpoint gave no reply {self._silent_in_a_row} times in a row")
        exchange = self.once(request, label=label, on=on, watch_close=watch_close)
        tries = 1
        most = BUSY_TRIES if self._busy_in_a_row < BUSY_LIMIT else 1
        while patient and is_busy(exchange) and tries < most:
            self.clock.sleep(self._pause(exchange, tries))
            exchange = self.once(request, label=label, watch_close=watch_close)
            tries += 1
        self._busy_in_a_row = self._busy_in_a_row + 1 if is_busy(exchange) else 0
        if _is_lost(exchange) and request.method in SAFE_METHODS:
            exchange = self.once(replace(request, fresh_connection=True), label=label, watch_close=watch_close)
        return exchange

    def admits(self, request: Request) -> bool:
        """Whether `request` may go out; looks up what decides it."""
        self._look_up(request)
        return self._gate.admits(request)

    def pass_gate(self, request: Request) -> None:
        """Looks up what decides whether `request` may go out; raises Withheld where it may not, or no more of its kind may."""
        reason = self.closed(request)
        if reason:
            raise Withheld(f"no more of this kind are sent: {reason}")
        self._look_up(request)
        try:
            self._gate.check(request)
        except gates.Withheld as error:
            raise Withheld(str(error)) from None

    def _look_up(self, request: Request) -> None:
        """Asks, with GET, what has to be known before `request` can go out; each question once in a run."""
        while not self._gate.admits(request) and (question := self._gate.question(request)) is not None:
            exchange = self._exchange(question, label="look-up")
            tries = 1
            while is_busy(exchange) and tries < BUSY_TRIES:
                self.clock.sleep(self._pause(exchange, tries))
                exchange = self._exchange(question, label="look-up")
                tries += 1

    def _exchange(self, request: Request, **options: Any) -> Exchange:
        """One exchange; raises Withheld where the gate keeps the request back."""
        try:
            exchange = self._client.exchange(request, **options)
        except gates.Withheld as error:
            raise Withheld(str(error)) from None
        self.seen(exchange)
        return exchange

    def _pause(self, exchange: Exchange, tries: int) -> float:
        """How long to stay away: what Retry-After says, or a little longer each time; seconds."""
        value = exchange.reply.header("Retry-After") if exchange.reply is not None else None
        if value is not None and value.isdecimal():
            return min(float(value), LONGEST_PAUSE)
        return float(min(self.limits.poll_interval_seconds * 2 ** (tries - 1), LONGEST_PAUSE))

    def _again(self, exchange: Exchange, request: Request) -> Request | None:
        """What to send once more, if anything; a redirect to what may exist and is not listed is not followed."""
        if is_passing_fault(exchange):
            return request
        moved = self._moved(exchange, request)
        return moved if moved is not None and self.admits(moved) else None

    def _moved(self, exchange: Exchange, request: Request) -> Request | None:
        """The same request at the URI in Location, where that is on the same host; what is recorded of it is masked."""
        if exchange.reply is None or exchange.reply.status != 307:
            return None
        location = exchange.reply.header("Location") or ""
        there = self._restored(location)
        parts = urlsplit(there)
        if not parts.path.startswith("/") or not self._is_here(parts.netloc):
            return None
        # Where nothing but the name of the host is another, the target is the request's own, however a secret in it is spelt.
        stays = _target_of(location) == exchange.request.target
        moved = replace(request, target=request.target if stays else _target_of(there))
        return (
            with_header(moved, "Host", parts.netloc)
            if parts.netloc and moved.values("Host") == (self._host,)
            else moved
        )

    def _is_here(self, authority: str) -> bool:
        """Whether an authority is that of the endpoint: the certificate is shown to nobody else. Loopback goes by many names."""
        if authority.lower() in ("", self._host.lower()):
            return True
        (there, port), (here, own) = (each.rpartition(":")[::2] for each in (authority, self._host))
        return port == own and all(is_loopback_host(host.strip("[]")) for host in (there, here))


def _target_of(uri: str) -> str:
    """The path and query of a URI, as a request target."""
    parts = urlsplit(uri)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _is_lost(exchange: Exchange) -> bool:
    """Whether the connection broke under a request."""
    return exchange.reply is None and exchange.failure is not None and exchange.failure.kind in _LOST
