"""The client numbers, times and paces exchanges by the clock that it is given."""

from __future__ import annotations

from dataclasses import replace

from open_gate import OpenGate
from reimage_conformance.model import Exchange, FailureKind, Identity, Request
from reimage_conformance.wire.client import Client
from reimage_conformance.wire.failures import StreamError

GET = Request("GET", "/", (("Host", "h"),))
REPLY = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


class TurnedClock:
    """A clock that stands still unless it is turned."""

    def __init__(self) -> None:
        self.time = 100.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += max(seconds, 0)


class EchoStream:
    """Answers every request after `delay` seconds."""

    def __init__(self, clock: TurnedClock, delay: float) -> None:
        self.clock = clock
        self.delay = delay
        self.waiting = b""

    def send(self, data: bytes, deadline: float) -> None:
        del deadline
        self.waiting += REPLY * data.count(b"\r\n\r\n")

    def receive(self, limit: int, deadline: float) -> bytes:
        del limit
        if not self.waiting or self.clock.time + self.delay > deadline:
            self.clock.time = deadline
            raise TimeoutError
        self.clock.time += self.delay
        data, self.waiting = self.waiting, b""
        return data

    def pending(self) -> bytes | None:
        return self.waiting or None

    def close(self) -> None:
        self.waiting = b""


class EchoConnector:
    """Connects to EchoStreams, except as UNKNOWN."""

    def __init__(self, clock: TurnedClock, delay: float = 0.0) -> None:
        self.clock = clock
        self.delay = delay
        self.identities: list[Identity] = []

    def connect(self, identity: Identity, deadline: float) -> EchoStream:
        del deadline
        self.identities.append(identity)
        if identity is Identity.UNKNOWN:
            raise StreamError(FailureKind.TLS, "unknown certificate")
        return EchoStream(self.clock, self.delay)


def test_exchanges_are_numbered_timed_and_recorded() -> None:
    clock = TurnedClock()
    kept: list[Exchange] = []

    def record(exchange: Exchange) -> Exchange:
        kept.append(exchange)
        return replace(exchange, label="recorded")

    with Client(EchoConnector(clock, 1.5), clock, OpenGate(), request_timeout=5, record=record) as client:
        clock.time += 2
        first = client.exchange(GET, label="poll", case="c")
        second = client.exchange(GET)

    assert first.label == "recorded"
    assert [(e.number, e.at, e.elapsed, e.label, e.case) for e in kept] == [
        (1, 2.0, 1.5, "poll", "c"),
        (2, 3.5, 1.5, "", ""),
    ]
    assert second.reply is not None
    assert second.reply.body == b"hi"


def test_patience_replaces_the_time_limit() -> None:
    clock = TurnedClock()
    with Client(EchoConnector(clock, 3), clock, OpenGate(), request_timeout=2) as client:
        hasty = client.exchange(GET)
        patient = client.exchange(replace(GET, patience_seconds=4))

    assert hasty.failure is not None
    assert (hasty.failure.kind, hasty.elapsed) == (FailureKind.TIMEOUT, 2)
    assert (patient.failure, patient.elapsed) == (None, 3)


def test_requests_keep_to_their_pace_without_catching_up() -> None:
    clock = TurnedClock()
    with Client(EchoConnector(clock), clock, OpenGate(), request_timeout=2, requests_per_second=4) as client:
        starts = []
        for pause in (0, 0, 10, 0):
            clock.time += pause
            starts.append(client.exchange(GET).at)

    assert starts == [0.0, 0.25, 10.25, 10.5]


def test_every_identity_has_connections_of_its_own() -> None:
    clock = TurnedClock()
    connector = EchoConnector(clock)
    with Client(connector, clock, OpenGate(), request_timeout=2) as client:
        exchanges = [client.exchange(replace(GET, identity=identity)) for identity in (*Identity, *Identity)]

    assert [e.connection for e in exchanges] == [1, 2, 3, 0, 1, 2, 3, 0]
    assert connector.identities == [*Identity, Identity.UNKNOWN]
    assert exchanges[3].failure is not None
    assert (exchanges[3].failure.kind, exchanges[3].failure.detail) == (FailureKind.TLS, "unknown certificate")
