"""The reader takes any reply apart, keeps what came and names what is wrong with its framing."""

from __future__ import annotations

import itertools
import ssl
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reimage_conformance.model import FailureKind, Request
from reimage_conformance.wire.framing import is_plainly_framed, must_be_last
from reimage_conformance.wire.reading import HEAD_LIMIT, Reading, ResponseReader


@dataclass
class Octets:
    """A source that gives pieces, then the end or an error."""

    pieces: list[bytes]
    error: OSError | None = None
    later: bytes = b""
    silent: bool = True
    lingered: list[float] = field(default_factory=list)

    def receive(self) -> bytes:
        if self.pieces:
            return self.pieces.pop(0)
        if self.error:
            raise self.error
        return b""

    def linger(self, seconds: float) -> bytes:
        self.lingered.append(seconds)
        return self.later

    def fell_silent(self) -> bool:
        return self.silent


def read(
    octets: bytes, method: str = "GET", *, later: bytes = b"", plainly_framed: bool = True, limit: int = 100
) -> Reading:
    pieces = [octets] if octets else []
    return ResponseReader(Octets(pieces, later=later), method, plainly_framed=plainly_framed, body_limit=limit).read()


def anomalies(reading: Reading) -> tuple[str, ...]:
    assert reading.response is not None
    return tuple(map(str, reading.response.anomalies))


TOO_MUCH = "the content has more than 100 octets"
OK = b"HTTP/1.1 200 OK\r\n"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"


def test_header_lines_keep_order_case_and_repeats() -> None:
    reading = read(OK + b"b: 1\r\nA:\t2 \r\nb: \xe9\r\nContent-Length: 2\r\n\r\nhi")

    assert reading.failure is None
    assert reading.response is not None
    assert reading.response.headers == (("b", "1"), ("A", "2"), ("b", "\xe9"), ("Content-Length", "2"))
    assert (reading.response.status, reading.response.reason, reading.response.body) == (200, "OK", b"hi")
    assert reading.response.anomalies == ()
    assert reading.persistent


COMPLETE = {
    "length-and-transfer-encoding: Content-Length: 9 and Transfer-Encoding: chunked": (
        OK + b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        b"hi",
    ),
    "invalid-content-length: Content-Length: 'abc'": (OK + b"Content-Length: abc\r\n\r\nhi", b"hi"),
    "invalid-content-length: Content-Length: '-2'": (OK + b"Content-Length: -2\r\n\r\nhi", b"hi"),
    "invalid-content-length: Content-Length: '+2'": (OK + b"Content-Length: +2\r\n\r\nhi", b"hi"),
    "invalid-content-length: Content-Length: '\xb2'": (OK + b"Content-Length: \xb2\r\n\r\nhi", b"hi"),
    "invalid-content-length: Content-Length: ''": (OK + b"Content-Length:\r\n\r\nhi", b"hi"),
    "differing-content-lengths: Content-Length: 2, 3": (
        OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi",
        b"hi",
    ),
    "repeated-content-length: Content-Length: 2, 2": (OK + b"Content-Length: 2, 2\r\n\r\nhi", b"hi"),
    "length-on-204: Content-Length: 0 in a 204": (b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", b""),
    "transfer-encoding-on-204: Transfer-Encoding: chunked in a 204": (
        b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"",
    ),
    "surplus: 7 more octets came after the end of the response": (OK + b"Content-Length: 2\r\n\r\nhisurplus", b"hi"),
    "unknown-transfer-coding: Transfer-Encoding: zip": (
        OK + b"Transfer-Encoding: zip, chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        b"hi",
    ),
    "transfer-encoding-not-final-chunked: Transfer-Encoding: gzip": (OK + b"Transfer-Encoding: gzip\r\n\r\nhi", b"hi"),
    "chunked-twice: Transfer-Encoding: chunked, chunked": (
        OK + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        b"",
    ),
    "transfer-encoding-in-http-1.0: Transfer-Encoding: chunked in HTTP/1.0": (
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        b"hi",
    ),
    "bare-lf: a line before the content ends with LF alone, without CR": (
        OK + b"A: b\nContent-Length: 2\r\n\r\nhi",
        b"hi",
    ),
    "bad-chunk: a line between chunks ends with LF alone, without CR": (
        OK + b"Transfer-Encoding: chunked\r\n\r\n2\nhi\r\n0\r\n\r\n",
        b"hi",
    ),
    "obs-fold: the header A continues on a second line": (OK + b"A: b\r\n c\r\nContent-Length: 2\r\n\r\nhi", b"hi"),
    "white-space-before-colon: a blank before the colon of the header 'A '": (
        OK + b"A : b\r\nContent-Length: 2\r\n\r\nhi",
        b"hi",
    ),
    "invalid-field-name: a header name with characters that HTTP does not allow: 'A b'": (
        OK + b"A b: c\r\nContent-Length: 2\r\n\r\nhi",
        b"hi",
    ),
    "invalid-field-value: the value of the header A has characters that HTTP does not allow": (
        OK + b"A: b\x00\r\nContent-Length: 2\r\n\r\nhi",
        b"hi",
    ),
    "malformed-field-line: a header line without a colon: 'nonsense'": (
        OK + b"nonsense\r\nContent-Length: 2\r\n\r\nhi",
        b"hi",
    ),
    "malformed-status-line: the status line 'HTTP/1.1  200 OK'": (
        b"HTTP/1.1  200 OK\r\nContent-Length: 2\r\n\r\nhi",
        b"hi",
    ),
    "malformed-status-line: the status line 'HTTP/1.1 200'": (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nhi", b"hi"),
    "invalid-status-code: the status code 999": (b"HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\nhi", b"hi"),
    "octets-before-status-line: 2 octets of CR and LF before the status line": (
        b"\r\n" + OK + b"Content-Length: 2\r\n\r\nhi",
        b"hi",
    ),
}


@pytest.mark.parametrize("anomaly", COMPLETE)
def test_what_is_wrong_with_a_complete_reply_is_named(anomaly: str) -> None:
    octets, body = COMPLETE[anomaly]

    reading = read(octets)

    assert reading.failure is None
    assert reading.response is not None
    assert reading.response.body == body
    assert anomalies(reading) == (anomaly,)
    assert not reading.persistent


BROKEN = {
    "truncated: the connection ended after 10 of 20 octets of content": OK + b"Content-Length: 20\r\n\r\n0123456789",
    "truncated: the connection ended within a chunk of 9 octets, after 2 octets of content": OK
    + b"Transfer-Encoding: chunked\r\n\r\n9\r\nhi",
    "truncated: the connection ended after 2 octets of content, before the last chunk": OK
    + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n",
    "bad-chunk: the chunked coding is broken: a chunk does not begin with its size, but with 'zz'": OK
    + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhi\r\n",
    "bad-chunk: the chunked coding is broken: a chunk does not begin with its size, but with an empty line": OK
    + b"Transfer-Encoding: chunked\r\n\r\n\r\nhi\r\n",
    "bad-chunk: the chunked coding is broken: the size of a chunk is given as 1, but no CR LF comes after so many octets": OK
    + b"Transfer-Encoding: chunked\r\n\r\n1\r\nhi\r\n0\r\n\r\n",
    "bad-chunk: the chunked coding is broken: the size of a chunk is given as 6, but CR LF comes after 2 octets": OK
    + b"Transfer-Encoding: chunked\r\n\r\n6\r\nhi\r\n0\r\n\r\n",
    "bad-chunk: the chunked coding is broken: after a chunk comes 'zz', not the size of the next chunk": OK
    + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\nzz\r\n",
    "truncated: the connection ended within the head of the response, after 27 octets of it": OK + b"Content-Le",
}


@pytest.mark.parametrize("anomaly", BROKEN)
def test_a_reply_that_stops_short_is_kept_as_far_as_it_came(anomaly: str) -> None:
    reading = read(BROKEN[anomaly])

    assert reading.failure is not None
    assert reading.failure.kind is FailureKind.TRUNCATED
    assert reading.response is not None
    assert reading.response.status == 200
    assert anomalies(reading) == (anomaly,)
    assert not reading.persistent


@pytest.mark.parametrize(
    ("octets", "kind", "detail"),
    [
        (b"", FailureKind.CLOSED, "the endpoint closed the connection without a reply"),
        (b"SSH-2.0-x\r\n", FailureKind.NOT_HTTP, "the reply is not HTTP: it begins with 'SSH-2.0-x\\r\\n'"),
        (
            b"HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\nhello" + OK,
            FailureKind.NOT_HTTP,
            "the reply is not HTTP: after the interim response 103, which must have no content, comes 'hello', not a status line",
        ),
        (b"\x15\x03\x01", FailureKind.NOT_HTTP, "the reply is not HTTP: it begins with '\\x15\\x03\\x01'"),
        (b"HTTP/1.1 OK\n\n", FailureKind.NOT_HTTP, "the reply is not HTTP: it begins with 'HTTP/1.1 OK\\n\\n'"),
        (OK + b"a: " + b"b" * HEAD_LIMIT, FailureKind.TOO_LARGE, "the head has more than 65536 octets"),
        (OK + b"Content-Length: 101\r\n\r\n", FailureKind.TOO_LARGE, TOO_MUCH),
        (OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", FailureKind.TOO_LARGE, TOO_MUCH),
        (OK + b"\r\n" + b"x" * 101, FailureKind.TOO_LARGE, TOO_MUCH),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n65\r\n", FailureKind.TOO_LARGE, TOO_MUCH),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 60, FailureKind.TOO_LARGE, "more than 50 interim responses"),
        (b"HTTP/1.1 102 P\r\n\r\n", FailureKind.CLOSED, "the endpoint closed the connection after the interim response 102"),
    ],
)  # fmt: skip
def test_why_there_is_no_reply_is_said(octets: bytes, kind: FailureKind, detail: str) -> None:
    reading = read(octets)

    assert reading.failure is not None
    assert (reading.failure.kind, reading.failure.detail) == (kind, detail)


@pytest.mark.parametrize(
    ("octets", "error", "detail"),
    [
        (b"", ConnectionResetError(104, "reset"), "the endpoint reset the connection before any octet of an answer"),
        (OK, ConnectionResetError(104, "reset"), "the endpoint reset the connection after 17 octets"),
        (b"", BrokenPipeError(32, "Broken pipe"), "the connection broke (Broken pipe) before any octet of an answer"),
        (b"", OSError(), "the connection broke (OSError) before any octet of an answer"),
        (b"", ssl.SSLEOFError(), "the endpoint closed the connection before any octet of an answer"),
        (b"", TimeoutError(), "the time limit passed (nothing had come)"),
        (OK, TimeoutError(), "the time limit passed (after 17 octets)"),
        (INTERIM, TimeoutError(), "the time limit passed (after the interim response 100)"),
        (INTERIM * 2, TimeoutError(), "the time limit passed (after the interim response 100)"),
        (INTERIM + OK, TimeoutError(), "the time limit passed (after 42 octets)"),
    ],
)
def test_what_had_come_before_a_failure_is_said(octets: bytes, error: OSError, detail: str) -> None:
    reading = ResponseReader(Octets([octets] if octets else [], error), "GET").read()

    assert reading.failure is not None
    assert reading.failure.detail == detail


def test_interim_responses_are_recorded_and_judged() -> None:
    reading = read(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nContent-Length: 5\r\n\r\n"
        + OK
        + b"Content-Length: 0\r\n\r\n"
    )

    assert reading.response is not None
    assert (reading.response.status, reading.response.interim) == (200, (100, 103))
    assert anomalies(reading) == ("length-on-103: Content-Length: 5 in a 103",)


@pytest.mark.parametrize("later", [b"", b"twelve octets"])
@pytest.mark.parametrize("status", ["200 OK", "404 Not Found"])
def test_content_after_a_response_to_head_is_found_at_once_or_later(status: str, later: bytes) -> None:
    head = f"HTTP/1.1 {status}\r\nContent-Length: 12\r\n\r\n".encode()
    at_once = b"" if later else b"twelve octets"

    reading = read(head + at_once, "HEAD", later=later)

    assert anomalies(reading) == ("content-on-head: 13 octets of content came",)
    assert not reading.persistent


@pytest.mark.parametrize("status", [204, 304])
def test_content_where_there_can_be_none_is_found(status: int) -> None:
    assert anomalies(read(b"HTTP/1.1 %d X\r\n\r\nhello" % status)) == (
        f"content-on-{status}: 5 octets of content after the head of a {status}",
    )


@pytest.mark.parametrize("seconds", [0.0, 0.2])
@pytest.mark.parametrize(
    ("head", "waits"), [(b"HTTP/1.1 204 X\r\n\r\n", True), (OK + b"Content-Length: 0\r\n\r\n", False)]
)
def test_content_that_should_not_come_is_waited_for_as_long_as_asked(
    head: bytes, *, waits: bool, seconds: float
) -> None:
    source = Octets([head])
    ResponseReader(source, "GET", linger_seconds=seconds).read()

    assert source.lingered == [seconds if waits else 0]


def test_a_response_to_head_may_state_a_length() -> None:
    reading = read(OK + b"Content-Length: 12\r\n\r\n", "HEAD")

    assert (reading.failure, anomalies(reading), reading.persistent) == (None, (), True)


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 101 Switching\r\n\r\n", OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"]
)
def test_what_follows_a_reply_and_is_none_is_surplus(head: bytes) -> None:
    assert anomalies(read(head + b"HTTX")) == ("surplus: 4 more octets came after the end of the response",)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_second_reply_counts_only_after_a_request_that_was_surely_one(method: str) -> None:
    octets = OK + b"Content-Length: 0\r\n\r\n" + OK + b"\r\n"

    assert anomalies(read(octets, method)) == (
        "second-response: 19 more octets came after the end of the response, and they begin with HTTP/",
    )
    excused = read(octets, plainly_framed=False)
    assert anomalies(excused) == ()
    assert not excused.persistent


def test_content_without_length_ends_with_the_connection() -> None:
    reading = read(b"HTTP/1.0 200 OK\r\n\r\nhello")

    assert reading.response is not None
    assert (reading.failure, reading.response.body, reading.ended, reading.persistent) == (None, b"hello", True, False)


@pytest.mark.parametrize(
    ("silent", "expected"),
    [(True, ("stalled: 2 of 20 octets of content came, then nothing",)), (False, ())],
    ids=["silent", "dripping"],
)
def test_running_out_of_time_within_the_content_keeps_what_came(expected: tuple[str, ...], *, silent: bool) -> None:
    source = Octets([OK + b"Content-Length: 20\r\n\r\nhi"], TimeoutError(), silent=silent)

    reading = ResponseReader(source, "GET").read()

    assert reading.failure is not None
    assert reading.failure.kind is FailureKind.TIMEOUT
    assert reading.failure.detail == "the time limit passed (after 2 of 20 octets of content)"
    assert reading.response is not None
    assert (reading.response.body, anomalies(reading)) == (b"hi", expected)


@pytest.mark.parametrize("head", [b"\r\n", b"Transfer-Encoding: chunked\r\n\r\n2\r\n"], ids=["until close", "chunked"])
@pytest.mark.parametrize("silent", [True, False])
def test_a_reply_of_unknown_length_stalls_too(head: bytes, *, silent: bool) -> None:
    reading = ResponseReader(Octets([OK + head + b"hi"], TimeoutError(), silent=silent), "GET").read()

    assert reading.failure is not None
    assert (reading.failure.kind, reading.failure.detail) == (
        FailureKind.TIMEOUT,
        "the time limit passed (after 2 octets of content)",
    )
    assert anomalies(reading) == (
        (
            "stalled: 2 octets of content came, then neither more octets nor the last chunk nor the end of the connection",
        )
        if silent
        else ()
    )


def test_content_that_is_announced_in_chunks_and_is_not_stalls() -> None:
    octets = OK + b"Transfer-Encoding: chunked\r\n\r\n<Operation xmlns='x'/>"
    reading = ResponseReader(Octets([octets], TimeoutError(), silent=True), "GET").read()

    [anomaly] = anomalies(reading)
    assert anomaly.startswith(
        "not-in-chunks: Transfer-Encoding announces chunks, but the content begins with '<Operation',"
    )
    assert anomaly.endswith("; 22 octets came, then nothing")


@pytest.mark.parametrize("octets", [[], [OK + b"Content-Le"]])
def test_a_reply_whose_head_never_ends_is_none_that_stalls(octets: list[bytes]) -> None:
    reading = ResponseReader(Octets(octets, TimeoutError()), "GET").read()

    assert reading.failure is not None
    assert (reading.failure.kind, reading.response) == (FailureKind.TIMEOUT, None)


@pytest.mark.parametrize(
    "coded", [b"2\nhi\r\n0\r\n\r\n", b"2\r\nhi\n0\r\n\r\n", b"2\r\nhi\r\n0\n\r\n", b"2\r\nhi\r\n0\r\n\n"]
)
def test_every_line_of_the_chunked_coding_ends_with_both(coded: bytes) -> None:
    assert anomalies(read(OK + b"Transfer-Encoding: chunked\r\n\r\n" + coded)) == (
        "bad-chunk: a line between chunks ends with LF alone, without CR",
    )


def test_a_reset_is_no_truncation() -> None:
    reading = ResponseReader(
        Octets([OK + b"Content-Length: 20\r\n\r\nhi"], ConnectionResetError(104, "reset")), "GET"
    ).read()

    assert reading.failure is not None
    assert reading.failure.kind is FailureKind.RESET
    assert anomalies(reading) == ()


@pytest.mark.parametrize(
    "octets",
    [
        OK + b"Connection: keep-alive, Close\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\n\r\n",
    ],
)
def test_some_replies_forbid_reuse(octets: bytes) -> None:
    reading = read(octets)

    assert reading.failure is None
    assert not reading.persistent


SAMPLES = [octets for octets, _ in COMPLETE.values()] + list(BROKEN.values())


@given(st.sampled_from(SAMPLES), st.lists(st.integers(0, 120), max_size=6))
def test_it_does_not_matter_how_octets_are_cut_into_pieces(octets: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(cut for cut in cuts if cut < len(octets)), len(octets)]
    pieces = [octets[a:b] for a, b in itertools.pairwise(edges) if a < b]
    whole = read(octets)
    source = Octets(list(pieces))

    reading = ResponseReader(source, "GET", body_limit=100).read()

    if whole.surplus and reading.surplus != whole.surplus:  # it has not arrived when the response ends
        assert whole.surplus == reading.surplus + b"".join(source.pieces)
    elif "invalid-content-length" in str(whole.response) or "differing" in str(whole.response):
        assert anomalies(reading) == anomalies(whole)
    else:
        assert (reading.response, reading.failure) == (whole.response, whole.failure)


@given(st.binary(max_size=200))
def test_no_octets_break_the_reader(octets: bytes) -> None:
    reading = read(OK + octets)

    assert (reading.failure is None) == (reading.response is not None and reading.failure is None)
    assert reading.octets == len(OK + octets)


PLAIN = (("Host", "h"),)


@pytest.mark.parametrize(
    ("request_", "plain", "last"),
    [
        (Request("GET", "/", PLAIN), True, False),
        (Request("POST", "/", (*PLAIN, ("Content-Length", "2")), b"hi"), True, False),
        (Request("POST", "/", (("Transfer-Encoding", "chunked"),), b"2\r\nhi\r\n0\r\n\r\n"), True, False),
        (Request("POST", "/", (("Transfer-Encoding", "chunked"),), b"0\r\n\r\nGET / HTTP/1.1\r\n\r\n"), False, False),
        (Request("POST", "/", (("Transfer-Encoding", "chunked"),), b"2\r\nhi"), False, False),
        (Request("GET", "/", (("Connection", "x, Close"),)), True, True),
        (Request("POST", "/", (("Content-Length", "abc"),)), False, True),
        (Request("POST", "/", (("Content-Length", ""),)), False, True),
        (Request("POST", "/", (("Content-Length", "0"), ("Content-Length", "5"))), False, True),
        (Request("POST", "/", (("Content-Length", "0, 5"),)), False, True),
        (Request("POST", "/", (("Content-Length", "0"), ("Content-Length", "0"))), False, False),
        (Request("POST", "/", (("Content-Length", "0"), ("Transfer-Encoding", "chunked")), b"0\r\n\r\n"), False, True),
        (Request("POST", "/", (("Transfer-Encoding", "chunked, gzip"),)), False, True),
        (Request("POST", "/", PLAIN, b"hi"), False, False),
        (Request("POST", "/", (("Content-Length", "0"),), b"hi"), False, False),
        (Request("GET", "/", (("Host ", "h"),)), False, False),
        (Request("GET", "/", (("Host", "h\r\n fold"),)), False, False),
        (Request("GET", "/ x", PLAIN), False, False),
        (Request("GET", "/", PLAIN, http_version="HTTP/1.0"), False, False),
    ],
)  # fmt: skip
def test_requests_that_can_be_misread_or_must_be_the_last_are_known(
    request_: Request, *, plain: bool, last: bool
) -> None:
    assert (is_plainly_framed(request_), must_be_last(request_)) == (plain, last)
