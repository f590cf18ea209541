"""The client of a run: it numbers and times exchanges, limits their rate, and passes each to `record`; it judges nothing."""

from __future__ import annotations

import threading
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol, Self

import httpx

from reimage_conformance.model import Exchange, Request
from reimage_conformance.wire.client_ids import with_client_id
from reimage_conformance.wire.reading import BODY_LIMIT, LINGER_SECONDS
from reimage_conformance.wire.transport import NoReplyError, Received, VerbatimTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType

    from reimage_conformance.wire.clock import Clock
    from reimage_conformance.wire.streams import Connector

_NOMINAL_URL = httpx.URL("http://endpoint.invalid/")


class Gatekeeper(Protocol):
    """Decides for every request whether it may be sent, and learns from every exchange."""

    def check(self, request: Request) -> None:
        """Returns if `request` may be sent, and raises Withheld if not."""

    def learn(self, exchange: Exchange) -> None:
        """Learns from an exchange as it was sent and received, before redaction."""


class Client:
    """Sends requests through httpx over the verbatim transport; every result, a missing reply too, is an Exchange.

    `gate` is asked before each request; if it raises, nothing is sent. `record` gets each exchange and gives the one to return, for
    example redacted. Several threads may send at the same time: exchanges are numbered in the order of sending, and the limit of
    `requests_per_second` (0: none) holds for all threads together.
    `announce` is called before each request is sent, with an exchange without reply, by one thread at a time. `ago` is how many
    seconds ago a resumed run began. `numbers` gives the numbers of exchanges where several clients share them. `linger_seconds` is
    how long to look for content after a reply that must have none; 0 for an endpoint that is not judged. If `run` is given,
    well-formed requests carry an x-ms-client-request-id, `<run>-<exchange>`; it is kept beside the request in the exchange.
    """

    def __init__(
        self,
        connector: Connector,
        clock: Clock,
        gate: Gatekeeper,
        *,
        request_timeout: float,
        record: Callable[[Exchange], Exchange] = lambda exchange: exchange,
        requests_per_second: float = 0.0,
        body_limit: int = BODY_LIMIT,
        linger_seconds: float = LINGER_SECONDS,
        numbers: Iterator[int] | None = None,
        ago: float = 0.0,
        announce: Callable[[Exchange], None] = lambda *_: None,
        run: str = "",
    ) -> None:
        transport = VerbatimTransport(
            connector, clock, request_timeout=request_timeout, body_limit=body_limit, linger_seconds=linger_seconds
        )
        self._transport = transport
        self._http = httpx.Client(transport=transport, trust_env=False, timeout=None, headers={})  # noqa: S113
        self._clock = clock
        self._gate = gate
        self._record = record
        self._interval = 1 / requests_per_second if requests_per_second > 0 else 0.0
        self._announce, self._run = announce, run
        self._origin = clock.now() - ago
        self._due = clock.now()
        self._numbers = count(1) if numbers is None else numbers
        self._lock = threading.Lock()

    def exchange(
        self, request: Request, *, label: str = "", case: str = "", on: int | None = None, watch_close: bool = False
    ) -> Exchange:
        """Send `request` and give the exchange, also where no reply came; raises what the gate and `record` raise.

        `on` is the number of the connection to use (the `connection` of an earlier exchange); the failure is CLOSED if
        it is no longer open. `watch_close` waits to see whether the endpoint closes the connection after its reply;
        that is always done after requests for which it must close.
        """
        begun = self._begin(request, case, label)
        sent, client_id = with_client_id(request, self._run, begun.number)
        return self._recorded(replace(begun, client_request_id=client_id), self._send(sent, on, watch=watch_close))

    def exchange_simultaneously(
        self, requests: Sequence[Request], *, label: str = "", case: str = ""
    ) -> list[Exchange]:
        """Send `requests` at the same time, each on a connection of its own, and give their exchanges.

        If the gate keeps one of them back, none is sent.
        """
        with self._lock:
            for request in requests:
                self._gate.check(request)
        begun = [self._begin(request, case, label) for request in requests]
        with_ids = [with_client_id(each.request, self._run, each.number) for each in begun]
        extensions = {"reimage.together": [sent for sent, _ in with_ids]}
        response = self._http.send(httpx.Request("GET", _NOMINAL_URL, extensions=extensions))
        all_received: list[Received] = response.extensions["reimage.received"]
        return [
            self._recorded(replace(each, client_request_id=client_id), received)
            for each, (_, client_id), received in zip(begun, with_ids, all_received, strict=True)
        ]

    def _recorded(self, begun: Exchange, received: Received) -> Exchange:
        exchange = replace(
            begun,
            response=received.response,
            failure=received.failure,
            elapsed=received.elapsed,
            connection=received.connection,
            position=received.position,
            closed=received.closed,
            unrecorded=received.unrecorded,
        )
        with self._lock:
            self._gate.learn(exchange)
        return self._record(exchange)

    def limit(self, connections: int) -> None:
        """Keep at most so many connections open, by closing connections that are not in use."""
        self._transport.limit(connections)

    def close_idle(self) -> None:
        """Close every connection that is not in use."""
        self._transport.close_idle()

    def close(self) -> None:
        """Close every connection."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _send(self, request: Request, on: int | None, *, watch: bool) -> Received:
        extensions: dict[str, Any] = {"reimage.request": request, "reimage.connection": on, "reimage.watch": watch}
        try:
            response = self._http.send(httpx.Request("GET", _NOMINAL_URL, extensions=extensions))
        except NoReplyError as error:
            return error.received
        received: Received = response.extensions["reimage.received"]
        return received

    def _begin(self, request: Request, case: str, label: str) -> Exchange:
        """Waits until the rate allows it, then announces and gives the next exchange, still without reply; raises what the gate raises."""
        with self._lock:
            if self._interval:
                self._clock.sleep(self._due - self._clock.now())
            self._gate.check(request)
            if self._interval:
                self._due = max(self._due, self._clock.now()) + self._interval
            number, at = next(self._numbers), self._clock.now() - self._origin
            begun = Exchange(number, request, None, at=at, case=case, label=label)
            self._announce(begun)
            return begun
