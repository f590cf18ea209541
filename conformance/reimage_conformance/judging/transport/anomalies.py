"""Which requirement an anomaly of a response is judged under, and what HTTP expects in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.anomalies import Anomaly, AnomalyKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reimage_conformance.model import Response

_NOTHING_AFTER = "nothing after the end of the response"
_ONE_LENGTH = "one Content-Length"
_NO_CONTENT = "a response without content, and without Content-Length and Transfer-Encoding"
_EXPECTED_FRAMING = {
    AnomalyKind.TRUNCATED: "the response comes whole before the connection ends",
    AnomalyKind.STALLED: "all octets that Content-Length announces, or the last chunk, or else the end of the connection",
    AnomalyKind.NOT_IN_CHUNKS: "content in chunks, as Transfer-Encoding announces, or no Transfer-Encoding",
    AnomalyKind.SURPLUS: _NOTHING_AFTER,
    AnomalyKind.LATE_SURPLUS: _NOTHING_AFTER,
    AnomalyKind.SECOND_RESPONSE: "one response to one request",
    AnomalyKind.CONTENT: _NO_CONTENT,
    AnomalyKind.LENGTH: _NO_CONTENT,
    AnomalyKind.TRANSFER_ENCODING: _NO_CONTENT,
    AnomalyKind.LENGTH_AND_TRANSFER_ENCODING: "Content-Length or Transfer-Encoding, not both",
    AnomalyKind.REPEATED_LENGTH: _ONE_LENGTH,
    AnomalyKind.DIFFERING_LENGTHS: _ONE_LENGTH,
    AnomalyKind.INVALID_LENGTH: "a Content-Length that is a number",
    AnomalyKind.UNKNOWN_TRANSFER_CODING: "a transfer coding that HTTP/1.1 defines",
    AnomalyKind.TRANSFER_ENCODING_IN_HTTP_1_0: "no Transfer-Encoding in HTTP/1.0",
    AnomalyKind.CHUNKED_TWICE: "chunked once",
    AnomalyKind.NOT_FINAL_CHUNKED: "chunked as the last transfer coding",
    AnomalyKind.BAD_CHUNK: "each chunk begins with its size and ends with CR LF",
    AnomalyKind.NOT_HTTP: "a response in HTTP/1.1",
    AnomalyKind.OCTETS_BEFORE_STATUS_LINE: "a response that begins with its status line",
    AnomalyKind.OTHER: "framing that agrees with the octets sent",
}
"""REQ-HTTP-FRAMING (RFC 9112 6 and 7). Content in answer to HEAD is judged under REQ-HTTP-HEAD-NOBODY instead."""
_EXPECTED_IN_HEADS = {
    AnomalyKind.BARE_LF: "CR LF at the end of each line before the content",
    AnomalyKind.OBS_FOLD: "each header on one line",
    AnomalyKind.WHITE_SPACE_BEFORE_COLON: "no blank between a header name and its colon",
    AnomalyKind.INVALID_NAME: "a header name without blanks and other characters that HTTP does not allow in it",
    AnomalyKind.INVALID_VALUE: "a header value without control characters",
    AnomalyKind.MALFORMED_LINE: "a name, a colon and a value on each header line",
    AnomalyKind.MALFORMED_STATUS_LINE: "a status line such as HTTP/1.1 200 OK",
}
"""REQ-HTTP-STD-HEADERS (RFC 9112 2 to 5). A wrong content coding and a wrong status code are in neither table: other checks judge them."""


def framing_anomalies(response: Response | None) -> list[Anomaly]:
    """The anomalies of a response that its framing is judged by."""
    anomalies = response.anomalies if response is not None else ()
    return [each for each in anomalies if each.kind in _EXPECTED_FRAMING and not is_content_on_head(each)]


def is_content_on_head(anomaly: Anomaly) -> bool:
    """Whether an anomaly is content in answer to HEAD."""
    return (anomaly.kind, anomaly.where) == (AnomalyKind.CONTENT, "head")


def expected_framing(anomaly: Anomaly) -> str:
    """What HTTP expects in place of an anomaly of framing."""
    return _EXPECTED_FRAMING[anomaly.kind]


def head_anomalies(response: Response) -> Iterator[tuple[Anomaly, str]]:
    """The anomalies of the lines of a head, each with what HTTP expects in its place."""
    yield from ((each, _EXPECTED_IN_HEADS[each.kind]) for each in response.anomalies if each.kind in _EXPECTED_IN_HEADS)
