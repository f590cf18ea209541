"""Reading HAR: what browsers and proxies write becomes exchanges, what they leave out is known to be missing."""

from __future__ import annotations

import base64
import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reimage_conformance.capture import check_capture
from reimage_conformance.capture.reading import read_capture
from reimage_conformance.errors import JournalError, SuiteError
from reimage_conformance.model import Fact, FailureKind

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reimage_conformance.capture.traffic import Capture

POLL_URL = "https://endpoint.test/sub-1/operations/0f8fad5b"
XML = "application/xml; charset=utf-8"


def poll(**changes: Any) -> dict[str, Any]:
    """An entry of a poll, with members of entry, request or response replaced by `entry__name` and so on."""
    body = "<Operation/>"
    found: dict[str, Any] = {
        "startedDateTime": "2014-03-01T12:00:00.000Z",
        "time": 12.5,
        "request": {
            "method": "GET",
            "url": POLL_URL,
            "httpVersion": "HTTP/1.1",
            "headers": [{"name": "Host", "value": "endpoint.test"}, {"name": "x-ms-version", "value": "2011-10-01"}],
        },
        "response": {
            "status": 200,
            "statusText": "OK",
            "httpVersion": "HTTP/1.1",
            "headers": [{"name": "Content-Type", "value": XML}],
            "content": {"size": len(body), "mimeType": XML, "text": body},
        },
    }
    for name, value in changes.items():
        where, _, key = name.rpartition("__")
        (found[where] if where else found)[key] = value
    return found


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Capture]:
    """Reads a HAR of the given entries."""

    def reading(*entries: Any) -> Capture:
        path = tmp_path / "session.har"
        path.write_text(json.dumps({"log": {"version": "1.2", "entries": list(entries)}}), encoding="utf-8")
        return read_capture(path)

    return reading


def test_an_entry_becomes_an_exchange(read: Callable[..., Capture]) -> None:
    capture = read(poll(), poll(startedDateTime="2014-03-01T13:00:01.500+01:00"))

    first, second = capture.recorded
    assert (first.exchange.request.method, first.exchange.request.target) == ("GET", "/sub-1/operations/0f8fad5b")
    assert first.exchange.request.headers == (("Host", "endpoint.test"), ("x-ms-version", "2011-10-01"))
    assert first.exchange.reply is not None
    assert (first.exchange.reply.status, first.exchange.reply.reason, first.exchange.reply.body) == (
        200,
        "OK",
        b"<Operation/>",
    )
    assert (first.exchange.elapsed, second.exchange.at) == (0.0125, 1.5)
    assert first.origin == "https://endpoint.test"
    assert first.tells(Fact.REQUEST_LINES, Fact.CONTENT)
    assert not first.tells(Fact.IDENTITY)
    assert not first.tells(Fact.OCTETS)
    assert (capture.started, capture.seconds) == ("2014-03-01T12:00:00+00:00", 1.512)


def test_entries_are_put_in_the_order_of_time(read: Callable[..., Capture]) -> None:
    later = poll(startedDateTime="2014-03-01T12:00:09Z", request__url=POLL_URL + "9")
    capture = read(later, poll(), poll(startedDateTime="no moment at all", request__url=POLL_URL + "1"))

    assert [each.entry for each in capture.recorded] == [2, 3, 1]


@pytest.mark.parametrize(("seconds", "tells"), [(1, True), (3, False)])
def test_one_date_for_all_replies_is_a_mask_where_time_went_on(
    read: Callable[..., Capture], seconds: int, *, tells: bool
) -> None:
    lines = [{"name": "Date", "value": "Sat, 01 Mar 2014 12:00:00 GMT"}]
    later = poll(
        startedDateTime=f"2014-03-01T12:00:{seconds:02}.5Z", request__url=POLL_URL + "1", response__headers=lines
    )

    assert [each.tells(Fact.DATE_LINE) for each in read(poll(response__headers=lines), later).recorded] == [
        tells,
        tells,
    ]


def polls_at(*moments: str | None, dates: tuple[int, ...]) -> list[dict[str, Any]]:
    """Polls at these times, None where the recorder kept none, whose Date lines show these seconds of one minute."""
    lines = [[{"name": "Date", "value": f"Sat, 01 Mar 2014 12:00:{second:02} GMT"}] for second in dates]
    return [
        poll(startedDateTime=moment, request__url=f"{POLL_URL}{number}", response__headers=line)
        for number, (moment, line) in enumerate(zip(moments, lines, strict=True))
    ]


ORDERS: dict[str, tuple[list[dict[str, Any]], list[int], list[int]]] = {
    "no times, Dates go on": (polls_at(None, None, None, dates=(1, 3, 5)), [1, 2, 3], []),
    "no times, Dates go back": (polls_at(None, None, None, dates=(5, 3, 1)), [3, 2, 1], []),
    "no times, Dates mixed": (polls_at(None, None, None, dates=(5, 1, 3)), [2, 3, 1], []),
    "no times, Dates mixed and equal": (polls_at(None, None, None, dates=(5, 1, 5)), [2, 1, 3], [1, 3]),
    "no times, Dates within a second": (polls_at(None, None, dates=(2, 1)), [1, 2], [1, 2]),
    "newest first in whole seconds": (
        polls_at("2014-03-01T12:00:02Z", "2014-03-01T12:00:01Z", "2014-03-01T12:00:01Z", dates=(2, 1, 1)),
        [3, 2, 1],
        [],
    ),
    "equal times in a mixed file": (
        polls_at("2014-03-01T12:00:01Z", "2014-03-01T12:00:02Z", "2014-03-01T12:00:01Z", dates=(1, 2, 1)),
        [1, 3, 2],
        [1, 3],
    ),
    "a clock that was set back": (
        polls_at("2014-03-01T12:00:05Z", "2014-03-01T11:00:09Z", "2014-03-01T11:00:12Z", dates=(5, 9, 12)),
        [1, 2, 3],
        [],
    ),
    "times and Dates at odds": (
        polls_at("2014-03-01T12:00:05Z", "2014-03-01T12:00:09Z", "2014-03-01T12:00:12Z", dates=(9, 2, 5)),
        [2, 3, 1],
        [1, 2, 3],
    ),
}
"""Entries, the order that they are read in, and those whose place is not certain."""


@pytest.mark.parametrize("kind", ORDERS)
def test_the_order_is_that_of_the_times_unless_the_dates_contradict_it(read: Callable[..., Capture], kind: str) -> None:
    entries, order, uncertain = ORDERS[kind]
    recorded = read(*entries).recorded

    assert [each.entry for each in recorded] == order
    assert sorted(each.entry for each in recorded if not each.tells(Fact.ORDER)) == uncertain


@pytest.mark.parametrize(("second", "tells"), [("04Z", False), ("04.000Z", False), ("04.600Z", True)])
def test_intervals_are_known_only_from_times_with_fractions(
    read: Callable[..., Capture], second: str, *, tells: bool
) -> None:
    later = poll(startedDateTime=f"2014-03-01T12:00:{second}", request__url=POLL_URL + "1")

    assert [each.tells(Fact.MOMENT) for each in read(poll(), later).recorded] == [tells, tells]


def test_pseudo_headers_of_http_2_are_no_header_lines(read: Callable[..., Capture]) -> None:
    headers = [
        {"name": ":authority", "value": "endpoint.test"},
        {"name": ":method", "value": "GET"},
        {"name": ":path", "value": "/sub-1/operations/0f8fad5b"},
        {"name": "x-ms-version", "value": "2011-10-01"},
    ]
    (found,) = read(
        poll(request__headers=headers, request__httpVersion="h2", response__httpVersion="HTTP/2.0")
    ).recorded

    assert found.exchange.request.headers == (("Host", "endpoint.test"), ("x-ms-version", "2011-10-01"))
    assert found.exchange.request.http_version == "HTTP/2"
    assert found.tells(Fact.REQUEST_LINES, Fact.HTTP_VERSION)
    assert found.exchange.response is not None
    assert found.exchange.response.http_version == "HTTP/2"


def test_without_host_the_recorder_left_lines_out(read: Callable[..., Capture]) -> None:
    (found,) = read(poll(request__headers=[])).recorded

    assert found.exchange.request.headers == (("Host", "endpoint.test"),)
    assert not found.tells(Fact.REQUEST_LINES)


@pytest.mark.parametrize("values", [["17", "17"], ["17, 17"], ["17\n17"]])
def test_an_id_that_is_there_twice_is_unclear(read: Callable[..., Capture], values: list[str]) -> None:
    lines = [{"name": "x-ms-request-id", "value": value} for value in values]
    twice, once = read(
        poll(response__headers=lines),
        poll(response__headers=[{"name": "x-ms-request-id", "value": "18"}], request__url=POLL_URL + "1"),
    ).recorded

    assert (twice.exchange.request_id, twice.tells(Fact.ID_LINE)) == ("17", False)
    assert once.tells(Fact.ID_LINE)


@pytest.mark.parametrize("version", ["", "unknown", None, 2])
def test_an_unknown_http_version_is_not_judged(read: Callable[..., Capture], version: object) -> None:
    (found,) = read(poll(response__httpVersion=version)).recorded

    assert not found.tells(Fact.HTTP_VERSION)


def test_a_value_over_several_lines_is_several_lines(read: Callable[..., Capture]) -> None:
    headers = [{"name": "Set-Cookie", "value": "a=1\nb=2"}, {"name": "Date"}, {"value": "nameless"}, "no object"]
    (found,) = read(poll(response__headers=headers)).recorded

    assert found.exchange.response is not None
    assert found.exchange.response.headers == (("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"))


BODIES: dict[str, tuple[dict[str, Any], bytes, bool]] = {
    "text": ({"size": 4, "text": "<a/>"}, b"<a/>", False),
    "text of unknown size": ({"size": -1, "text": "<a/>"}, b"<a/>", False),
    "a whole document of another size": ({"size": 40, "text": "<a/>"}, b"<a/>", False),
    "text without size": ({"text": "<a/>"}, b"<a/>", False),
    "text beyond latin-1": ({"size": 3, "text": "€"}, "€".encode(), False),
    "base64": ({"size": 4, "text": base64.b64encode(b"<a/>").decode(), "encoding": "base64"}, b"<a/>", True),
    "plain text labelled base64": ({"size": 4, "text": "<a/>", "encoding": "base64"}, b"<a/>", False),
    "text that is no base64": ({"text": "%%%", "encoding": "base64"}, b"%%%", False),
    "base64 without label": ({"size": 4, "text": base64.b64encode(b"<a/>").decode()}, b"<a/>", True),
    "base64 for URLs": (
        {"text": base64.urlsafe_b64encode(b"<a>\xfb\xff</a>").decode(), "encoding": "BASE64"},
        b"<a>\xfb\xff</a>",
        True,
    ),
    "base64 over lines": ({"text": "PGEv\r\nPg==\n", "encoding": "base64"}, b"<a/>", True),
    "pieces in base64": ({"text": json.dumps(["PGE=", "Lz4="]), "encoding": "base64"}, b"<a/>", True),
    "pieces in hexadecimal digits": ({"text": json.dumps(["3c61", "2f3e"]), "_isBinary": True}, b"<a/>", True),
    "pieces of gzip": ({"text": json.dumps([gzip.compress(b"<a/>", mtime=0).hex()])}, b"<a/>", True),
    "a list that is no pieces": ({"text": '["no"]'}, b'["no"]', False),
    "a whole document with a damaged letter": ({"text": "<a>\ufffd</a>"}, "<a>\ufffd</a>".encode(), False),
    "text that ends in another element": ({"size": -1, "text": "<a><b></a>"}, b"<a><b></a>", False),
    "hexadecimal digits with colons": ({"text": "3c:61:2f:3e"}, b"<a/>", True),
    "hexadecimal digits": ({"text": b"<a>text</a>".hex()}, b"<a>text</a>", True),
    "a byte-order mark read as latin-1": (
        {"text": "\xef\xbb\xbf<a>\xc3\xbc</a>"},
        b"\xef\xbb\xbf<a>\xc3\xbc</a>",
        False,
    ),
    "a byte-order mark read as windows-1252": (
        {"text": "\xef\xbb\xbf<a>\xe2\u201a\xac</a>"},
        b"\xef\xbb\xbf<a>\xe2\x82\xac</a>",
        False,
    ),
    "every text on a line of its own": (
        {"text": "<a>\n<b>\n  x y\n</b>\n<c>\n  z\n</c></a>"},
        b"<a>\n<b>x y</b>\n<c>z</c></a>",
        False,
    ),
    "one text on a line of its own": (
        {"text": "<a>\n<b>\n  x\n</b>\n<c>z</c></a>"},
        b"<a>\n<b>\n  x\n</b>\n<c>z</c></a>",
        False,
    ),
    "JSON": ({"size": -1, "text": '{"code": "no data"}'}, b'{"code": "no data"}', False),
    "numbers that are no document": ({"size": -1, "text": "[1, 2]"}, b"[1, 2]", False),
    "an element that has no end": ({"size": -1, "text": "<a><b><c></a>"}, b"<a><b><c></a>", False),
    "an empty element without end": ({"size": -1, "text": "<a><Code></a>"}, b"<a><Code></a>", False),
    "text that is no document": ({"size": -1, "text": "accepted"}, b"accepted", False),
    "base64 of gzip": (
        {"text": base64.b64encode(gzip.compress(b"<a/>")).decode(), "encoding": "base64"},
        b"<a/>",
        True,
    ),
}


@pytest.mark.parametrize("kind", BODIES)
def test_content_becomes_octets(read: Callable[..., Capture], kind: str) -> None:
    content, body, exact = BODIES[kind]
    (found,) = read(poll(response__content=content)).recorded

    assert found.exchange.reply is not None
    assert (found.exchange.reply.body, found.tells(Fact.OCTETS)) == (body, exact)
    assert found.tells(Fact.CONTENT)


@pytest.mark.parametrize("text", ["-", "null", "<empty>", "anything"])
def test_content_of_no_length_is_empty_whatever_is_written_for_it(read: Callable[..., Capture], text: str) -> None:
    lines = [{"name": "Content-Length", "value": "0"}]
    (found,) = read(poll(response__content={"size": -1, "text": text}, response__headers=lines)).recorded

    assert found.exchange.reply is not None
    assert (found.exchange.reply.body, found.tells(Fact.CONTENT)) == (b"", True)


@pytest.mark.parametrize(
    "text",
    [
        "null",
        "&lt;a/&gt;",
        "<a> <b> x </b><c> y </c></a>",
        "[object Object]",
        '{"type":"Buffer","data":[60,97]}',
        "<a/>\0",
        "<a><B></a>",
    ],
)
def test_content_of_its_length_is_judged_as_it_is(read: Callable[..., Capture], text: str) -> None:
    lines = [{"name": "Content-Length", "value": str(len(text))}]
    (found,) = read(poll(response__content={"size": -1, "text": text}, response__headers=lines)).recorded

    assert found.exchange.reply is not None
    assert (found.exchange.reply.body, found.tells(Fact.CONTENT)) == (text.encode(), True)


def test_a_document_that_the_endpoint_cut_is_judged(read: Callable[..., Capture]) -> None:
    lines = [{"name": "Content-Length", "value": "3"}]
    (found,) = read(poll(response__content={"size": 3, "text": "<a>"}, response__headers=lines)).recorded

    assert found.tells(Fact.CONTENT)


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        ({"size": 40}, []),
        ({"size": -1}, []),
        ({}, []),
        (None, []),
        ({"size": 40, "text": "<a>"}, []),
        ({"size": -1, "text": "-"}, []),
        ({"size": -1, "text": "null"}, []),
        ({"size": -1, "text": "<empty>"}, []),
        ({"size": -1, "text": "&lt;a/&gt;"}, [{"name": "Content-Length", "value": "4"}]),
        ({"size": 3, "text": "<a>"}, []),
        ({"size": -1, "text": "<a><b att"}, []),
        ({"size": 14, "text": "<a><b att... [truncated 5 bytes]"}, [{"name": "Content-Length", "value": "14"}]),
        ({"size": -1, "text": "<a>\u2026"}, []),
        (
            {"size": 3, "text": "<a>"},
            [{"name": "Content-Length", "value": "3"}, {"name": "Content-Encoding", "value": "gzip"}],
        ),
        ({"size": 4, "text": base64.b64encode(b"<a>").decode(), "encoding": "base64"}, []),
        ({"size": 0}, [{"name": "Content-Length", "value": "40"}]),
        ({"size": 0}, [{"name": "Content-Type", "value": XML}]),
        ({"size": 0, "mimeType": None, "text": None}, [{"name": "Content-Type", "value": XML}]),
        ({"size": -1, "text": ""}, [{"name": "Content-Type", "value": XML}]),
        ({"size": 0, "text": ""}, []),
        ({"text": "[application/xml redacted]"}, [{"name": "Content-Type", "value": XML}]),
        ({"text": "***"}, [{"name": "Content-Type", "value": XML}]),
        ({"text": "[binary data]"}, []),
        ({"text": "undefined"}, []),
        ({"text": "\ufffd\ufffd<\0a\0/\0>\0"}, [{"name": "Content-Type", "value": XML}]),
        ({"_file": "missing.xml"}, []),
        ({"_file": "../outside.xml"}, []),
    ],
)
def test_content_that_was_not_recorded_is_no_empty_content(
    read: Callable[..., Capture], content: object, headers: object
) -> None:
    (found,) = read(poll(response__content=content, response__headers=headers)).recorded

    assert found.exchange.reply is not None
    assert found.exchange.reply.status == 200
    assert not found.tells(Fact.CONTENT)


@pytest.mark.parametrize(
    "content", [{"size": 0}, {"size": 0, "mimeType": None, "text": None}, {"size": -1, "text": ""}]
)
def test_content_that_nothing_announces_is_empty(read: Callable[..., Capture], content: object) -> None:
    (found,) = read(poll(response__content=content, response__headers=[{"name": "Date", "value": "x"}])).recorded

    assert found.exchange.reply is not None
    assert found.exchange.reply.body == b""
    assert found.tells(Fact.CONTENT, Fact.OCTETS)


def test_utf_16_is_encoded_as_it_was_declared(read: Callable[..., Capture]) -> None:
    headers = [{"name": "Content-Type", "value": "application/xml; charset=utf-16"}]
    (found,) = read(poll(response__headers=headers)).recorded

    assert found.exchange.response is not None
    assert found.exchange.response.body.decode("utf-16") == "<Operation/>"


def test_status_0_is_no_reply(read: Callable[..., Capture]) -> None:
    (found,) = read(poll(response={"status": 0, "headers": [], "content": {}, "_error": "net::ERR_FAILED"})).recorded

    assert found.exchange.reply is None
    assert found.exchange.failure is not None
    assert found.exchange.failure.kind is FailureKind.CLOSED
    assert "net::ERR_FAILED" in found.exchange.failure.detail


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("text", "hold no request"),
        ({}, "hold no request"),
        (poll(request__url=7), "have no usable URL"),
        (poll(request__url="https://[::1/x"), "have no usable URL"),
        (poll(request__method=None), "name no method"),
        (poll(_fromCache="memory"), "were answered from a cache"),
        (poll(_fetchType="Memory Cache"), "were answered from a cache"),
        (
            poll(cache={"beforeRequest": {"lastAccess": "2014-03-01T12:00:00.000Z", "hitCount": 0}}),
            "were answered from a cache",
        ),
        (poll(cache={"beforeRequest": {}}, response__status=304), "were answered from a cache"),
        (poll(response__status=100), "hold only an interim response (1xx)"),
        (
            poll(response__status=307, response__headers=[{"name": "Non-Authoritative-Reason", "value": "HSTS"}]),
            "hold a redirect that the browser made by itself",
        ),
        (poll(), "repeat an earlier one"),
    ],
)
def test_what_is_no_exchange_is_counted(read: Callable[..., Capture], entry: object, reason: str) -> None:
    capture = read(poll(), entry)

    assert len(capture.recorded) == 1
    assert capture.notes == (f"Entries of the HAR left out, because they {reason}: 1 (2).",)


def test_default_ports_and_users_are_no_part_of_the_origin(read: Callable[..., Capture]) -> None:
    urls = ["https://Endpoint.test:443/a?b#c", "http://u:p@endpoint.test:8080", "https://endpoint.test:80/ä"]
    found = read(*(poll(request__url=url) for url in urls)).recorded

    assert [each.origin for each in found] == [
        "https://endpoint.test",
        "http://endpoint.test:8080",
        "https://endpoint.test:80",
    ]
    assert [each.exchange.request.target for each in found] == ["/a?b", "/", "/ä"]


NO_HAR: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "is not JSON"),
    "text": (b"GET / HTTP/1.1\r\n\r\n", "is not JSON"),
    "an entry a line": (b'{"request": {}}\n{"request": {}}\n', "after the first JSON value there is another, line 2"),
    "half of one": (b'{"log": {"entries": [{"request"', "is not JSON"),
    "octets": (b"\xff\xfe\x00", "not UTF-16-LE text"),
    "latin-1": (b'{"log": {"creator": {"name": "\xe4"}}}', "not UTF-8 text"),
    "a comma too many": (b'{"log": {"entries": [],}}', "it is not JSON"),
    "a number too long": (b'{"log": ' + b"1" * 5000 + b"}", "a number too long"),
    "half a gzip file": (gzip.compress(b'{"log": {"entries": []}}')[:-9], "cut short"),
    "a damaged gzip file": (b"\x1f\x8bgarbage", "damaged gzip"),
    "a damaged zip file": (b"PK\x03\x04garbage", "damaged zip"),
    "a list": (b"[]", "expected an object with log.entries"),
    "no entries": (b'{"log": {}}', "expected an object with log.entries"),
    "entries of another kind": (b'{"log": {"entries": {}}}', "expected an object with log.entries"),
    "no call of the protocol": (b'{"log": {"entries": []}}', "holds no call of this protocol"),
    "deeply nested": (b'{"log":' + b"[" * 100_000, "is not JSON"),
    "a journal of another version": (
        b'{"schema": "reimage-conformance/journal/9", "type": "run"}',
        "this version reads",
    ),
    "a journal without target": (b'{"schema": "reimage-conformance/journal/1", "type": "run"}', "damaged first line"),
}


@pytest.mark.parametrize("kind", NO_HAR)
def test_what_is_no_capture_is_said_in_one_sentence(tmp_path: Path, kind: str) -> None:
    octets, reason = NO_HAR[kind]
    path = tmp_path / "broken.har"
    path.write_bytes(octets)

    with pytest.raises(JournalError) as error:
        check_capture(path)

    assert reason in str(error.value)
    assert "\n" not in str(error.value)
    assert "broken.har" in str(error.value)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from([POLL_URL, "GET", "base64", "\ud800", "https://[bad/x", "307", "REDACTED"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
PLACES = ["entry", "startedDateTime", "time", "request", "response"]
PLACES += [f"request__{name}" for name in ("method", "url", "httpVersion", "headers", "postData")]
PLACES += [f"response__{name}" for name in ("status", "statusText", "httpVersion", "headers", "content")]
PLACES += ["response__content__" + name for name in ("size", "text", "encoding", "_file")]
PLACES += ["request__queryString", "response__redirectURL", "_fromCache", "comment"]


LONE = "\ud800"  # half a character, which JSON can write and no encoding can
ODD: dict[str, dict[str, Any]] = {
    "half a character in the URL": {"request__url": f"https://endpoint.test/{LONE}/operations/{LONE}"},
    "half a character in lines": {
        "request__headers": [{"name": "Host", "value": "x"}, {"name": "X-Api-Key", "value": LONE * 9}]
    },
    "half a character in the query": {
        "request__url": POLL_URL,
        "request__queryString": [{"name": LONE, "value": LONE}],
    },
    "half a character in the content": {"response__content": {"text": f"<Operation>{LONE}</Operation>"}},
    "half a character in base64": {"response__content": {"text": f"PG{LONE}", "encoding": "base64"}},
    "half a character in a file's name": {"response__content": {"_file": LONE}},
    "a redirect to no URL": {"response__status": 307, "response__redirectURL": "https://[bad/x"},
    "a redirect to no port": {"response__status": 307, "response__redirectURL": "https://x:99999/x"},
    "a status of thirty digits": {"response__status": 10**30},
}


@pytest.mark.parametrize("kind", ODD)
def test_odd_values_break_nothing(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "odd.har"
    path.write_text(json.dumps({"log": {"entries": [poll(**ODD[kind]), poll(request__url=POLL_URL + "2")]}}))

    assert check_capture(path, report_dir=tmp_path / "reports") in (0, 1)


@settings(max_examples=150, deadline=None)
@given(place=st.sampled_from(PLACES), value=JSON)
def test_nothing_that_a_har_holds_breaks_the_reader(
    tmp_path_factory: pytest.TempPathFactory, place: str, value: Any
) -> None:
    entry: Any = poll()
    if place == "entry":
        entry = value
    elif place.count("__") > 1:
        entry["response"]["content"][place.rpartition("__")[2]] = value
    else:
        entry = poll(**{place: value})
    path = tmp_path_factory.mktemp("har") / "x.har"
    path.write_text(json.dumps({"log": {"entries": [entry, poll(request__url=POLL_URL + "2")]}}))

    try:
        code = check_capture(path)
    except SuiteError as error:
        pytest.fail(f"one sound entry is enough: {error}")

    assert code in (0, 1, 6)
