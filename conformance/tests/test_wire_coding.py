"""Content is decoded from its coding as far as it can be, and what the coding hides counts as not recorded."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reimage_conformance.model import Fact, FailureKind
from reimage_conformance.wire.reading import KEPT_LIMIT, Reading, ResponseReader
from test_wire_reading import Octets

DOCUMENT = b'<?xml version="1.0"?><Error><Code>ResourceNotFound</Code></Error>'
GZIP = gzip.compress(DOCUMENT, mtime=0)
ZLIB = zlib.compress(DOCUMENT)
DEFLATE = ZLIB[2:-4]
CODED = frozenset({Fact.CODING})


def read(body: bytes, *codings: str, length: int | None = None, method: str = "GET", limit: int = 100_000) -> Reading:
    lines = [f"Content-Length: {len(body) if length is None else length}", *(f"Content-Encoding: {c}" for c in codings)]
    octets = "\r\n".join(["HTTP/1.1 404 Not Found", *lines, "", ""]).encode() + body
    return ResponseReader(Octets([octets]), method, body_limit=limit).read()


def body_of(reading: Reading) -> bytes:
    assert reading.response is not None
    return reading.response.body


def anomalies_of(reading: Reading) -> tuple[str, ...]:
    assert reading.response is not None
    return tuple(map(str, reading.response.anomalies))


@pytest.mark.parametrize(
    ("body", "codings"),
    [
        (GZIP, ["gzip"]),
        (GZIP, ["X-GZip "]),
        (GZIP, ["identity, gzip"]),
        (gzip.compress(DOCUMENT[:9], mtime=0) + gzip.compress(DOCUMENT[9:], mtime=0), ["gzip"]),
        (ZLIB, ["deflate"]),
        (DEFLATE, ["Deflate"]),
        (gzip.compress(ZLIB, mtime=0), ["deflate, gzip"]),
        (gzip.compress(ZLIB, mtime=0), ["deflate", "gzip"]),
    ],
)
def test_content_is_decoded(body: bytes, codings: list[str]) -> None:
    reading = read(body, *codings)

    assert (reading.failure, body_of(reading), anomalies_of(reading)) == (None, DOCUMENT, ())
    assert (reading.unrecorded, reading.persistent) == (CODED, True)


@pytest.mark.parametrize("codings", [(), ("identity",), ("",)])
def test_content_in_no_coding_is_left_as_it_is(codings: tuple[str, ...]) -> None:
    reading = read(GZIP, *codings)

    assert (body_of(reading), reading.unrecorded, anomalies_of(reading)) == (GZIP, frozenset(), ())


def test_no_content_is_in_any_coding() -> None:
    assert (body_of(read(b"", "gzip")), anomalies_of(read(b"", "gzip"))) == (b"", ())
    head = read(b"", "gzip", length=200, method="HEAD")
    assert (head.failure, body_of(head), anomalies_of(head)) == (None, b"", ())
    assert body_of(read(gzip.compress(b"", mtime=0), "gzip")) == b""


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, br", "br, gzip", "of-its-own"])
def test_nothing_is_known_of_content_in_another_coding(coding: str) -> None:
    reading = read(b"\x1b\x03\x00\xf8", coding)

    assert (reading.failure, body_of(reading), anomalies_of(reading)) == (None, b"", ())
    assert {Fact.CONTENT, Fact.OCTETS, Fact.SHOWN_VALUES} <= reading.unrecorded


@pytest.mark.parametrize("document", [DOCUMENT, b"\xef\xbb\xbf" + DOCUMENT, DOCUMENT.decode().encode("utf-16")])
def test_a_document_under_a_word_that_is_no_coding_is_read(document: bytes) -> None:
    reading = read(document, "utf-8")

    assert (body_of(reading), reading.unrecorded, anomalies_of(reading)) == (document, frozenset(), ())


@pytest.mark.parametrize(
    ("body", "coding", "left"),
    [
        (DOCUMENT, "gzip", DOCUMENT),
        (DOCUMENT, "deflate", DOCUMENT),
        (ZLIB, "gzip", ZLIB),
        (GZIP, "deflate", GZIP),
        (GZIP[:-8], "gzip", DOCUMENT),  # without the checksum
        (GZIP[:-8] + bytes(8), "gzip", DOCUMENT),  # another checksum
        (GZIP + b"more", "gzip", DOCUMENT),
        (ZLIB + b"more", "deflate", DOCUMENT),
        (gzip.compress(DOCUMENT, mtime=0), "deflate, gzip", DOCUMENT),
    ],
)
def test_content_that_is_not_in_its_coding_is_named(body: bytes, coding: str, left: bytes) -> None:
    reading = read(body, coding)
    first = coding.partition(",")[0]

    assert (reading.failure, body_of(reading)) == (None, left)
    assert anomalies_of(reading) == (f"content-coding: the content is not in {first}",)
    assert reading.persistent


def test_content_that_was_cut_short_is_decoded_as_far_as_it_came() -> None:
    reading = read(GZIP[:-12], "gzip", length=len(GZIP))

    assert reading.failure is not None
    assert reading.failure.kind is FailureKind.TRUNCATED
    assert DOCUMENT.startswith(body_of(reading))
    assert anomalies_of(reading) == (
        f"truncated: the connection ended after {len(GZIP) - 12} of {len(GZIP)} octets of content",
    )


def test_little_that_holds_much_is_not_decoded_to_its_end() -> None:
    reading = read(gzip.compress(bytes(10_000_000), mtime=0), "gzip")

    assert reading.failure is not None
    assert (reading.failure.kind, reading.failure.detail) == (
        FailureKind.TOO_LARGE,
        "the content has more than 100000 octets",
    )
    assert len(body_of(reading)) == KEPT_LIMIT


@given(st.binary(max_size=40), st.sampled_from(["gzip", "deflate", "gzip, deflate", "br"]))
def test_no_content_breaks_the_reader(body: bytes, coding: str) -> None:
    assert read(body, coding).response is not None
    assert read(GZIP[:20] + body, coding).response is not None
