"""The transport over real sockets: octets out verbatim, connections reused, and what came before anything broke."""

from __future__ import annotations

import contextlib
import errno
import socket
import threading
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from open_gate import OpenGate
from reimage_conformance.model import Exchange, FailureKind, Request
from reimage_conformance.wire.client import Client
from reimage_conformance.wire.clock import SystemClock
from reimage_conformance.wire.connecting import SocketConnector
from reimage_conformance.wire.transport import CLOSE_SECONDS, NoReplyError, VerbatimTransport
from wire_servers import Endpoint, read_request, repeating, replying, reset, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wire_servers import Script

GET = Request("GET", "/", (("Host", "h"),))
POST = Request("POST", "/", (("Host", "h"), ("Content-Length", "0")))
EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@contextlib.contextmanager
def client_of(script: Script, *, seconds: float = 10, **more: float) -> Iterator[tuple[Client, Endpoint]]:
    clock = SystemClock()
    with (
        serving(script) as endpoint,
        Client(SocketConnector(endpoint.target(), clock), clock, OpenGate(), request_timeout=seconds, **more) as client,  # type: ignore[arg-type]
    ):
        yield client, endpoint


def kind(exchange: Exchange) -> FailureKind | None:
    return exchange.failure.kind if exchange.failure else None


def anomalies(exchange: Exchange) -> tuple[str, ...]:
    assert exchange.response is not None
    return tuple(map(str, exchange.response.anomalies))


def test_a_request_goes_out_exactly_as_it_is() -> None:
    seen: list[bytes] = []

    def script(connected: socket.socket, number: int) -> None:
        seen.append(read_request(connected))
        connected.sendall(EMPTY)

    odd = Request("pOsT", "/a b", (("hOST ", " x"), ("hOST ", "\xff"), ("", "")), b"", http_version="HTTP/9")
    with client_of(script) as (client, _):
        exchange = client.exchange(odd)

    assert seen == [b"pOsT /a b HTTP/9\r\nhOST :  x\r\nhOST : \xff\r\n: \r\n\r\n"]
    assert exchange.reply is not None


def test_connections_are_kept_numbered_and_reused() -> None:
    with client_of(repeating(EMPTY)) as (client, endpoint):
        first, second = client.exchange(GET), client.exchange(POST)
        fresh = client.exchange(Request("GET", "/", GET.headers, fresh_connection=True))
        asked = client.exchange(GET, on=first.connection)

    assert [(e.number, e.connection, e.position) for e in (first, second, fresh, asked)] == [
        (1, 1, 1), (2, 1, 2), (3, 2, 1), (4, 1, 3),
    ]  # fmt: skip
    assert endpoint.connections == 2


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n",
        EMPTY + b"surplus",
    ],
)
def test_a_reply_that_forbids_reuse_or_is_doubtful_ends_its_connection(reply: bytes) -> None:
    with client_of(repeating(reply)) as (client, endpoint):
        first, second = client.exchange(GET), client.exchange(GET)

    assert (first.connection, second.connection, endpoint.connections) == (1, 2, 2)


def test_a_request_that_can_be_misread_keeps_its_connection_apart() -> None:
    with_content = Request("POST", "/", (("Host", "h"), ("Content-Length", "4")), b"\r\n\r\n")

    def script(connected: socket.socket, number: int) -> None:  # takes the content for requests of their own
        while read_request(connected):
            connected.sendall(EMPTY)

    with client_of(script) as (client, _):
        first = client.exchange(with_content)
        innocent = client.exchange(GET)
        probe = client.exchange(GET, on=first.connection)

    assert (first.connection, innocent.connection, probe.connection) == (1, 2, 1)


def test_requests_may_be_under_way_at_the_same_time() -> None:
    requests = [Request("GET", f"/{number}", GET.headers) for number in range(3)]
    arrived = threading.Barrier(len(requests), timeout=10)

    def script(connected: socket.socket, number: int) -> None:
        target = read_request(connected).split()[1]
        arrived.wait()  # no reply before all of them are there
        connected.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(target), target))
        if number == 1:
            read_request(connected)
            connected.sendall(EMPTY)

    with client_of(script) as (client, _):
        exchanges = client.exchange_simultaneously(requests, label="l", case="c")
        after = client.exchange(GET, on=exchanges[0].connection)

    assert [(e.number, e.connection, e.request, e.label, e.case) for e in exchanges] == [
        (number, number, request, "l", "c") for number, request in enumerate(requests, 1)
    ]
    assert [e.reply.body if e.reply else None for e in exchanges] == [b"/0", b"/1", b"/2"]
    assert (after.number, after.position) == (4, 2)


def test_one_of_several_requests_may_come_to_nothing() -> None:
    def script(connected: socket.socket, number: int) -> None:
        read_request(connected)
        if number == 2:
            reset(connected)
        else:
            connected.sendall(EMPTY)

    with client_of(script) as (client, _):
        exchanges = client.exchange_simultaneously([GET] * 3)

    assert [kind(exchange) for exchange in exchanges] == [None, FailureKind.RESET, None]


def test_nobody_listens_to_several_requests_either() -> None:
    clock = SystemClock()
    with serving(repeating(EMPTY)) as endpoint:
        connector = SocketConnector(endpoint.target(), clock)
    with Client(connector, clock, OpenGate(), request_timeout=5) as client:
        assert [kind(exchange) for exchange in client.exchange_simultaneously([GET, POST])] == [FailureKind.REFUSED] * 2


def test_a_late_answer_to_content_is_told_by_the_next_on_that_connection() -> None:
    said = threading.Event()

    def script(connected: socket.socket, number: int) -> None:
        read_request(connected)
        connected.sendall(EMPTY)
        said.wait(10)
        connected.sendall(b"HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n")
        said.clear()
        read_request(connected)

    with client_of(script) as (client, _):
        first = client.exchange(Request("POST", "/", (("Content-Length", "2"),), b"hi"))
        said.set()
        _until(lambda: not said.is_set())
        probe = client.exchange(GET, on=first.connection)

    assert anomalies(probe) == (
        "late-surplus: 39 more octets came after the end of the response to request 1 of connection 1",
    )
    assert probe.response is not None
    assert probe.response.status == 400


def _until(claim: object) -> None:
    """Wait until `claim()` holds, at most five seconds."""
    end = time.monotonic() + 5
    while not claim() and time.monotonic() < end:  # type: ignore[operator]
        time.sleep(0.002)


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"surplus", ("late-surplus: 7 more octets came after the end of the response to request 1 of connection 1",)),
        (b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n", ()),
    ],
)
def test_the_next_exchange_names_octets_on_an_idle_connection(octets: bytes, expected: tuple[str, ...]) -> None:
    said = threading.Event()

    def script(connected: socket.socket, number: int) -> None:
        if number == 1:
            read_request(connected)
            connected.sendall(EMPTY)
            said.wait(10)
            connected.sendall(octets)
            said.clear()
            read_request(connected)
        else:
            repeating(EMPTY)(connected, number)

    with client_of(script) as (client, _):
        client.exchange(GET)
        said.set()
        _until(lambda: not said.is_set())
        second = client.exchange(GET)
        third = client.exchange(GET)

    assert anomalies(second) == expected
    assert (second.connection, third.connection, anomalies(third)) == (2, 2, ())


def test_a_connection_asked_for_by_number_may_be_gone() -> None:
    with client_of(replying(EMPTY)) as (client, endpoint):
        first = client.exchange(GET, watch_close=True)
        gone = client.exchange(GET, on=first.connection)

    assert first.closed
    assert (kind(gone), gone.connection, endpoint.connections) == (FailureKind.CLOSED, 1, 1)


@pytest.mark.parametrize("end", [lambda _: None, reset], ids=["closed", "reset"])
@pytest.mark.parametrize(("request_", "again"), [(GET, True), (POST, False)], ids=["GET", "POST"])
def test_only_what_is_safe_is_sent_again_after_a_stale_connection(
    request_: Request, end: object, *, again: bool
) -> None:
    def script(connected: socket.socket, number: int) -> None:
        read_request(connected)
        connected.sendall(EMPTY)
        read_request(connected)
        if number == 1:
            end(connected)  # type: ignore[operator]
        else:
            connected.sendall(EMPTY)

    with client_of(script) as (client, _):
        client.exchange(GET)
        second = client.exchange(request_)

    assert (second.reply is not None, second.connection) == ((True, 2) if again else (False, 1))
    assert kind(second) in ({None} if again else {FailureKind.CLOSED, FailureKind.RESET})


def test_a_post_goes_out_on_a_new_connection_when_the_old_was_seen_to_close() -> None:
    seen: list[bytes] = []

    def script(connected: socket.socket, number: int) -> None:
        seen.append(read_request(connected))
        connected.sendall(EMPTY)

    with client_of(script) as (client, _):
        assert client.exchange(GET, watch_close=True).closed
        second = client.exchange(POST)

    assert second.connection == 2
    assert second.reply is not None
    assert len(seen) == 2


def test_a_first_connection_is_never_tried_again() -> None:
    with client_of(lambda connected, _: reset(connected)) as (client, endpoint):
        exchange = client.exchange(GET)

    assert kind(exchange) in {FailureKind.CLOSED, FailureKind.RESET}
    assert endpoint.connections == 1


def test_after_silence_no_other_connection_is_held_that_the_endpoint_may_be_waiting_for() -> None:
    alone = threading.Lock()

    def script(connected: socket.socket, number: int) -> None:
        with alone:  # one connection at a time, as simple servers have it
            repeating(EMPTY)(connected, number)

    hasty = Request("GET", "/", GET.headers, fresh_connection=True, patience_seconds=0.2)
    with client_of(script) as (client, _):
        first = client.exchange(GET)
        beside = client.exchange(hasty)
        again = client.exchange(hasty)

    assert (kind(first), kind(beside), kind(again)) == (None, FailureKind.TIMEOUT, None)


def test_a_drip_does_not_outlive_the_time_limit() -> None:
    def script(connected: socket.socket, number: int) -> None:
        read_request(connected)
        connected.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            connected.sendall(b"x")
            time.sleep(0.02)

    with client_of(script) as (client, _):
        exchange = client.exchange(Request("GET", "/", GET.headers, patience_seconds=0.2))

    assert kind(exchange) is FailureKind.TIMEOUT
    assert 0.2 <= exchange.elapsed < 2
    assert exchange.response is not None
    assert exchange.response.body.startswith(b"xx")
    assert exchange.response.anomalies == ()


def test_content_that_never_comes_is_named() -> None:
    with client_of(repeating(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi"), seconds=0.1) as (client, _):
        exchange = client.exchange(GET)

    assert kind(exchange) is FailureKind.TIMEOUT
    assert anomalies(exchange) == ("stalled: 2 of 9 octets of content came, then nothing",)


def test_silence_ends_with_the_time_limit() -> None:
    with client_of(repeating(b""), seconds=0.1) as (client, _):
        exchange = client.exchange(GET)

    assert (kind(exchange), exchange.response) == (FailureKind.TIMEOUT, None)


def test_a_truncated_reply_is_kept() -> None:
    with client_of(replying(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n0123456789")) as (client, _):
        exchange = client.exchange(GET)

    assert (kind(exchange), anomalies(exchange)) == (
        FailureKind.TRUNCATED,
        ("truncated: the connection ended after 10 of 20 octets of content",),
    )
    assert exchange.response is not None
    assert exchange.response.body == b"0123456789"


def test_chunks_are_put_together() -> None:
    pieces = [
        b"HTTP/1.1 200 OK\r\nTransfer-Enc",
        b"oding: chunked\r\n\r\n5;x=y\r\nhel",
        b"lo\r\n1\r\n!\r\n0\r\nT: t\r\n",
        b"\r\n",
    ]

    def script(connected: socket.socket, number: int) -> None:
        while read_request(connected):
            for piece in pieces:
                connected.sendall(piece)

    with client_of(script) as (client, _):
        first, second = client.exchange(GET), client.exchange(GET)

    assert (first.reply, second.connection) == (second.reply, 1)
    assert first.reply is not None
    assert (first.reply.body, first.reply.anomalies) == (b"hello!", ())


def test_content_of_a_head_response_is_found_when_it_comes_later() -> None:
    def script(connected: socket.socket, number: int) -> None:
        while read_request(connected):
            connected.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
            time.sleep(0.005)
            connected.sendall(b"hello")

    with client_of(script) as (client, _):
        head = client.exchange(Request("HEAD", "/", GET.headers))
        following = client.exchange(GET)

    assert anomalies(head) == ("content-on-head: 5 octets of content came",)
    assert following.connection == 2


def test_an_early_reply_counts_though_the_request_could_not_be_written() -> None:
    refusal = b"HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

    def script(connected: socket.socket, number: int) -> None:
        connected.recv(1000)
        connected.sendall(refusal)
        connected.shutdown(socket.SHUT_WR)
        while connected.recv(65_536):
            pass

    big = Request("POST", "/", (("Content-Length", "4000000"),), b"x" * 4_000_000)
    with client_of(script) as (client, _):
        exchange = client.exchange(big)

    assert exchange.reply is not None
    assert exchange.reply.status == 413


@pytest.mark.parametrize("closes", [True, False])
@pytest.mark.parametrize(
    "headers",
    [(("Connection", "close"),), (("Content-Length", "abc"),), (("Content-Length", "0"), ("Content-Length", "1"))],
)
def test_whether_the_endpoint_closes_after_it_must_is_found_out(
    headers: tuple[tuple[str, str], ...], *, closes: bool
) -> None:
    clock = SystemClock()
    with client_of(replying(EMPTY) if closes else repeating(EMPTY)) as (client, _):
        began = clock.now()
        exchange = client.exchange(Request("GET", "/", headers))
        took = clock.now() - began
        following = client.exchange(GET)

    assert exchange.closed is closes
    assert exchange.elapsed <= took - (0 if closes else CLOSE_SECONDS), (
        "the wait for the end is no part of the answer's time"
    )
    assert following.connection == 2


def test_surplus_while_watching_is_named_once() -> None:
    with client_of(replying(EMPTY + b"surplus")) as (client, _):
        exchange = client.exchange(GET, watch_close=True)

    assert anomalies(exchange) == ("surplus: 7 more octets came after the end of the response",)
    assert exchange.closed


def test_a_body_limit_holds() -> None:
    with client_of(replying(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5000), body_limit=1000) as (client, _):
        assert kind(client.exchange(GET)) is FailureKind.TOO_LARGE


def test_nobody_listening_is_a_value() -> None:
    with serving(replying()) as endpoint:
        target = endpoint.target()
    clock = SystemClock()
    with Client(SocketConnector(target, clock), clock, OpenGate(), request_timeout=5) as client:
        exchange = client.exchange(GET)

    assert (kind(exchange), exchange.connection) == (FailureKind.REFUSED, 0)


def test_httpx_carries_the_outcome() -> None:
    clock = SystemClock()
    with serving(
        replying(b"HTTP/1.1 302 Found\r\nLocation: http://[bad\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n")
    ) as endpoint:
        transport = VerbatimTransport(SocketConnector(endpoint.target(), clock), clock, request_timeout=5)
        with httpx.Client(transport=transport, trust_env=False) as http:
            response = http.get("http://endpoint.invalid/", extensions={"reimage.request": GET})
            with pytest.raises(NoReplyError) as caught:
                http.get("http://endpoint.invalid/", extensions={"reimage.request": GET, "reimage.connection": 9})
            assert len(http.cookies) == 0

    assert response.extensions["reimage.received"].response.header("location") == "http://[bad"
    assert caught.value.received.failure is not None
    assert caught.value.received.failure.kind is FailureKind.CLOSED


def test_a_connection_that_is_reset_as_it_is_made_is_not_taken_for_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def reset_at_once(*_: object, **__: object) -> socket.socket:
        raise ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")

    with client_of(replying()) as (client, _):
        monkeypatch.setattr(socket, "create_connection", reset_at_once)
        assert kind(client.exchange(GET)) is FailureKind.RESET


@pytest.mark.parametrize(("head", "connections"), [(b"Connection: close\r\n", 2), (b"", 1)])
def test_a_get_that_crossed_the_end_of_an_idle_connection_goes_out_on_another_one(
    head: bytes, connections: int
) -> None:
    late = b"HTTP/1.1 408 Request Timeout\r\n" + head + b"Content-Length: 0\r\n\r\n"

    def script(connected: socket.socket, number: int) -> None:
        read_request(connected)
        connected.sendall(EMPTY)
        if number == 1:
            read_request(connected)
            connected.sendall(late)

    with client_of(script) as (client, _):
        client.exchange(GET)
        second = client.exchange(GET)

    assert second.response is not None
    assert (second.response.status, second.connection) == ((200, 2) if connections == 2 else (408, 1))
