"""The client of a run: numbers, paces and times exchanges and hands each to the recorder; it judges nothing."""

from __future__ import annotations

import threading
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol, Self

import httpx

from reimage_conformance.model import Exchange, Request
from reimage_conformance.wire.client_ids import with_client_id
from reimage_conformance.wire.reading import BODY_LIMIT, LINGER_SECONDS
from reimage_conformance.wire.transport import NoReplyError, Outcome, VerbatimTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType

    from reimage_conformance.wire.clock import Clock
    from reimage_conformance.wire.streams import Connector

_NOMINAL_URL = httpx.URL("http://endpoint.invalid/")


class Gatekeeper(Protocol):
    """Says of every request whether it may go out, and is told of every exchange."""

    def check(self, request: Request) -> None:
        """Returns where `request` may go out, and raises where it may not."""

    def learn(self, exchange: Exchange) -> None:
        """Takes what an exchange shows, as it crossed the wire."""


class Client:
    """Sends requests through httpx over the verbatim transport; whatever the endpoint does comes back as an Exchange.

    `gate` is asked before anything is sent; what it raises is raised, and nothing goes out.
    `record` gets each exchange and gives the one that is handed out, redacted for example. Several threads may send at the same
    time: numbers follow the order in which requests go out, and `requests_per_second` holds over all of them.
    `announce` hears of each request before it goes out, as an exchange without reply; one thread at a time calls it. `ago` is how many seconds
    ago the run began, for one that is gone on with. `numbers` are the numbers of exchanges, where several clients share them. `linger_seconds` is how long to look for content after each reply that is to have none; 0 for an endpoint that is not judged.
    Where `run` is given, sound messages carry an x-ms-client-request-id, `<run>-<exchange>`; the exchange has it beside its request, not in it.
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
        """Send `request` and give what came of it, the endpoint's silence included; raises what the gate and `record` raise.

        `on` asks for the connection with that number (the `connection` of an earlier exchange), and the failure is
        CLOSED when it is no longer open; `watch_close` finds out whether the endpoint closes after its reply, which is
        done unasked for requests after which it must.
        """
        number, at = self._begin(request, case, label)
        sent, name = with_client_id(request, self._run, number)
        return self._recorded(request, self._send(sent, on, watch=watch_close), number, at, case, label, name)

    def exchange_together(self, requests: Sequence[Request], *, label: str = "", case: str = "") -> list[Exchange]:
        """Send `requests` so that all are under way at the same time, each on a connection of its own, and give what came of each.

        Where the gate keeps one of them back, none is sent.
        """
        with self._lock:
            for request in requests:
                self._gate.check(request)
        begun = [self._begin(request, case, label) for request in requests]
        named = [
            with_client_id(request, self._run, number) for request, (number, _) in zip(requests, begun, strict=True)
        ]
        extensions = {"reimage.together": [sent for sent, _ in named]}
        response = self._http.send(httpx.Request("GET", _NOMINAL_URL, extensions=extensions))
        outcomes: list[Outcome] = response.extensions["reimage.outcomes"]
        return [
            self._recorded(request, outcome, number, at, case, label, name)
            for request, outcome, (number, at), (_, name) in zip(requests, outcomes, begun, named, strict=True)
        ]

    def _recorded(
        self, request: Request, outcome: Outcome, number: int, at: float, case: str, label: str, client_id: str
    ) -> Exchange:
        exchange = Exchange(
            number=number,
            request=request,
            response=outcome.response,
            failure=outcome.failure,
            at=at,
            elapsed=outcome.elapsed,
            connection=outcome.connection,
            position=outcome.position,
            closed=outcome.closed,
            case=case,
            label=label,
            client_request_id=client_id,
        )
        with self._lock:
            self._gate.learn(exchange)
        return self._record(exchange)

    def limit(self, connections: int) -> None:
        """Keep no more than so many connections open, as far as those that are not in use can be closed."""
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

    def _send(self, request: Request, on: int | None, *, watch: bool) -> Outcome:
        extensions: dict[str, Any] = {"reimage.request": request, "reimage.connection": on, "reimage.watch": watch}
        try:
            response = self._http.send(httpx.Request("GET", _NOMINAL_URL, extensions=extensions))
        except NoReplyError as error:
            return error.outcome
        outcome: Outcome = response.extensions["reimage.outcome"]
        return outcome

    def _begin(self, request: Request, case: str, label: str) -> tuple[int, float]:
        """The number of the next exchange, and when it goes out: in seconds since the client was made; raises what the gate raises."""
        with self._lock:
            self._gate.check(request)
            if self._interval:
                self._clock.sleep(self._due - self._clock.now())
                self._due = max(self._due, self._clock.now()) + self._interval
            number, at = next(self._numbers), self._clock.now() - self._origin
            self._announce(Exchange(number, request, None, at=at, case=case, label=label))
            return number, at
