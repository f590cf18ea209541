"""How long a reply is waited for, by a clock that the test turns."""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from open_gate import OpenGate
from reimage_conformance.anomalies import Anomaly, AnomalyKind
from reimage_conformance.embedding.memory import TurnedClock
from reimage_conformance.model import FailureKind, Request
from reimage_conformance.wire.client import Client
from reimage_conformance.wire.source import StreamSource

if TYPE_CHECKING:
    from reimage_conformance.model import Identity
    from reimage_conformance.wire.streams import Stream

GET = Request("GET", "/", (("Host", "h"),), fresh_connection=True)
STALLING = (0.5, b"HTTP/1.1 404 X\r\nContent-Length: 9\r\n\r\nfour")


@dataclass
class Timed:
    """A stream on which each piece arrives so many seconds after the one before, and then nothing."""

    clock: TurnedClock
    pieces: list[tuple[float, bytes]] = field(default_factory=list)

    def send(self, data: bytes, deadline: float) -> None:
        """Takes everything."""

    def receive(self, limit: int, deadline: float) -> bytes:
        """The next piece, unless `deadline` comes first."""
        del limit
        arrives = self.clock.now() + self.pieces[0][0] if self.pieces else math.inf
        self.clock.sleep(min(arrives, deadline) - self.clock.now())
        if arrives > deadline:
            raise TimeoutError
        return self.pieces.pop(0)[1]

    def pending(self) -> bytes | None:
        """Nothing."""
        return None

    def close(self) -> None:
        """Nothing is held."""


@dataclass
class Connecting:
    """Gives a stream with the same pieces for every connection."""

    clock: TurnedClock
    pieces: tuple[tuple[float, bytes], ...]

    def connect(self, identity: Identity, deadline: float) -> Stream:
        """A new stream."""
        del identity, deadline
        return Timed(self.clock, list(self.pieces))


def waited(silence: float, *pieces: tuple[float, bytes]) -> tuple[int, float, bool]:
    """How many pieces came within ten seconds, how long that took, and whether it fell silent."""
    clock = TurnedClock()
    source = StreamSource(Timed(clock, list(pieces)), clock, clock.now() + 10, silence)
    began, count = clock.now(), 0
    with contextlib.suppress(TimeoutError):
        while source.receive():
            count += 1
    return count, round(clock.now() - began, 6), source.fell_silent()


def test_silence_ends_the_wait_only_once_octets_have_come() -> None:
    assert waited(1.0) == (0, 10.0, True)
    assert waited(1.0, (6.0, b"a")) == (1, 7.0, True)
    assert waited(1.0, (0.0, b"a")) == (1, 1.0, True)
    assert waited(1.0, (3.0, b"a"), (0.9, b"b"), (1.1, b"c")) == (2, 4.9, True)


def test_without_a_limit_to_silence_the_time_limit_counts() -> None:
    assert waited(math.inf, (6.0, b"a")) == (1, 10.0, False)
    assert waited(math.inf, (4.0, b"a")) == (1, 10.0, True)
    assert waited(1.0, (9.5, b"a")) == (1, 10.0, False)


def test_an_endpoint_whose_replies_stop_short_does_not_take_the_time_limit_for_each() -> None:
    clock = TurnedClock()
    with Client(Connecting(clock, (STALLING,)), clock, OpenGate(), request_timeout=10) as client:
        exchanges = [client.exchange(GET) for _ in range(5)]

    assert [round(each.elapsed, 3) for each in exchanges] == [10.0, 10.0, 2.5, 2.5, 2.5]
    assert {each.failure.kind for each in exchanges if each.failure} == {FailureKind.TIMEOUT}
    stalled = Anomaly(AnomalyKind.STALLED, "4 of 9 octets of content came, then nothing")
    assert {each.response.anomalies for each in exchanges if each.response} == {(stalled,)}


def test_replies_that_drip_to_their_end_are_waited_for_as_ever() -> None:
    clock = TurnedClock()
    dripping = (STALLING, *((4.0, b"+"),) * 5)
    with Client(Connecting(clock, dripping), clock, OpenGate(), request_timeout=60) as client:
        exchanges = [client.exchange(GET) for _ in range(5)]

    assert [each.failure for each in exchanges] == [None] * 5


def test_replies_that_pause_are_cut_no_sooner_than_two_seconds_and_not_where_time_was_short() -> None:
    clock = TurnedClock()
    connecting = Connecting(clock, (STALLING,))
    hasty = replace(GET, patience_seconds=1.0)
    with Client(connecting, clock, OpenGate(), request_timeout=10) as client:
        short = [client.exchange(hasty) for _ in range(3)]
        stalled = [client.exchange(GET) for _ in range(2)]
        connecting.pieces = (STALLING, (1.9, b"later"))
        paused = [client.exchange(each) for each in (GET, replace(GET, patience_seconds=4.0), hasty)]

    assert [each.response.anomalies for each in short if each.response] == [()] * 3
    assert [round(each.elapsed, 3) for each in stalled] == [10.0, 10.0]
    assert [each.failure is None for each in paused] == [True, True, False]


def test_a_request_that_is_sent_once_goes_out_on_a_connection_that_was_used_a_moment_ago_or_on_a_new_one() -> None:
    clock = TurnedClock()
    reply = (0.0, b"HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n")
    get, post = (Request(method, "/", (("Host", "h"),)) for method in ("GET", "POST"))
    with Client(Connecting(clock, (reply,) * 9), clock, OpenGate(), request_timeout=10) as client:
        first = client.exchange(get)
        clock.sleep(1.9)
        soon = client.exchange(post)
        clock.sleep(2.1)
        later = [client.exchange(get), client.exchange(post)]
        clock.sleep(2.1)
        last = [client.exchange(post), client.exchange(get)]

    assert [each.connection for each in (first, soon, *later, *last)] == [1, 1, 1, 1, 2, 2]


def test_a_request_that_is_sent_once_and_was_lost_is_the_last_one_on_a_used_connection() -> None:
    clock = TurnedClock()
    connecting = Connecting(clock, ((0.0, b"HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n"), (0.0, b"")))
    get, post = (Request(method, "/", (("Host", "h"),)) for method in ("GET", "POST"))
    with Client(connecting, clock, OpenGate(), request_timeout=10) as client:
        exchanges = [client.exchange(each) for each in (get, post, get, post)]

    assert [(each.connection, each.position) for each in exchanges] == [(1, 1), (1, 2), (2, 1), (3, 1)]
    assert [each.failure.kind if each.failure else None for each in exchanges] == [None, FailureKind.CLOSED, None, None]


def test_a_connection_that_was_asked_to_be_new_is_taken_after_all_others() -> None:
    """Polls go out on other connections, and show whether an operation is known there."""
    clock = TurnedClock()
    reply = (0.0, b"HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n")
    with Client(Connecting(clock, (reply, reply)), clock, OpenGate(), request_timeout=10) as client:
        usual = replace(GET, fresh_connection=False)
        asked = [client.exchange(each) for each in (usual, GET, usual)]

    assert [each.connection for each in asked] == [1, 2, 1]


def test_announced_closes_that_never_come_are_not_waited_for_longer_than_others_for_ever() -> None:
    clock = TurnedClock()
    reply = b"HTTP/1.1 400 X\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    took = []
    with Client(Connecting(clock, ((0.0, reply), (9.0, b""))), clock, OpenGate(), request_timeout=10) as client:
        for _ in range(5):
            began = clock.now()
            client.exchange(GET, watch_close=True)
            took.append(round(clock.now() - began, 3))

    assert took == [5.0, 5.0, 5.0, 0.5, 0.5]


def test_a_close_that_the_reply_announces_is_waited_for_longer_than_another_one() -> None:
    clock = TurnedClock()
    headers = {"announced": b"Connection: keep-alive, Close\r\n", "not announced": b"Connection: keep-alive\r\n"}
    found = {}
    for name, field_line in headers.items():
        for seconds in (0.4, 3.0, 6.0):
            reply = b"HTTP/1.1 400 X\r\n%sContent-Length: 0\r\n\r\n" % field_line
            connecting = Connecting(clock, ((0.0, reply), (seconds, b"")))
            with Client(connecting, clock, OpenGate(), request_timeout=10) as client:
                began = clock.now()
                closed = client.exchange(GET, watch_close=True).closed
            found[name, seconds] = (closed, round(clock.now() - began, 3))

    assert found == {
        ("announced", 0.4): (True, 0.4),
        ("announced", 3.0): (True, 3.0),
        ("announced", 6.0): (False, 5.0),
        ("not announced", 0.4): (True, 0.4),
        ("not announced", 3.0): (False, 0.5),
        ("not announced", 6.0): (False, 0.5),
    }
