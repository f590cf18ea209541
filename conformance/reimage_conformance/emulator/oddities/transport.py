"""Oddities of transport: framing, interim responses, connections, throttling."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.emulator.departures import Change, always, edits, instead
from reimage_conformance.emulator.faults.conditions import reply_edit, reply_set
from reimage_conformance.emulator.http1 import continues, reply_to
from reimage_conformance.emulator.messages import Pause, Refusal, Reply, Send
from reimage_conformance.emulator.oddities.registry import oddity
from reimage_conformance.emulator.service import refuse
from reimage_conformance.emulator.writing import (
    closes,
    connection_fields,
    framing_fields,
    header_fields,
    identifying_fields,
    transmit,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.emulator.messages import Action, Call


def _extended(body: bytes) -> bytes:
    """The chunks of `body`, small ones, their sizes written with zeros in front and extensions behind."""
    pieces = [body[at : at + 12] for at in range(0, len(body), 12)]
    return b"".join(b"%04X;name=value\r\n%s\r\n" % (len(piece), piece) for piece in pieces)


oddity("chunked-202", "the 202 is chunked, and empty", reply_edit(reply_set(chunked=True), "accepted"))
oddity(
    "chunked-documents",
    "documents are sent in chunks",
    reply_edit(reply_set(chunked=True), when=lambda call: not call.connection.probe),
)
oddity(
    "chunks-with-extensions",
    "documents are sent in chunks with extensions, trailers and sizes in capitals",
    reply_edit(reply_set(chunked=True)),
    Change(
        "body_octets",
        lambda original, call, reply: (
            original(call, reply)
            if call.message.version == "HTTP/1.0" or not reply.chunked
            else _extended(reply.body) + b"000\r\nX-Trailer: here\r\n\r\n"
        ),
    ),
)
oddity(
    "closed-after-each-response",
    "the connection is closed after each response, as announced",
    instead(closes, lambda *_: True),
)
oddity(
    "closed-without-notice",
    "the connection is closed after each response without a word",
    instead(closes, lambda *_: True),
    instead(connection_fields, lambda *_: ()),
)
oddity(
    "length-by-close",
    "responses end where the connection ends",
    instead(closes, lambda *_: True),
    instead(
        framing_fields,
        lambda original, call, reply: (
            original(call, reply) if reply.chunked or not reply.body or call.message.method == "HEAD" else ()
        ),
    ),
)
oddity("interim-100", "100 comes before every final response", reply_edit(lambda _, reply: reply.interim.append(100)))
oddity(
    "interim-several",
    "102 and two times 103 come before every final response",
    reply_edit(lambda _, reply: reply.interim.extend((102, 103, 103))),
)


def _in_pieces(_: Callable[..., list[Action]], __: Call, ___: Reply, head: bytes, body: bytes) -> list[Action]:
    """A response in pieces of seven octets."""
    octets = head + body
    return [Send(octets[at : at + 7]) for at in range(0, len(octets), 7)]


oddity("in-pieces", "responses come in many small pieces", instead(transmit, _in_pieces))
oddity(
    "head-then-body",
    "the content of a response comes a moment after its head",
    instead(transmit, lambda _, __, ___, head, body: [Send(head), Pause(0.01), Send(body)] if body else [Send(head)]),
)
oddity("slow-answers", "every response takes a moment", edits(transmit, lambda _, actions: [Pause(0.02), *actions]))
oddity("bodies-asked-for", "a body that is held back is asked for with 100", instead(continues, lambda *_: True))


def _throttled(status: int, code: str, retry_after: str, every: int) -> Change:
    """Refuses one request in so many; never two in a row."""

    def answer(original: Callable[..., Reply], call: Call, refused: Refusal | None) -> Reply:
        if call.connection.probe or refused is not None or call.number % every:
            return original(call, refused)
        fields = (("Retry-After", retry_after),) if retry_after else ()
        return refuse(call, Refusal("throttled", status, code, "Try again later.", fields))

    return instead(reply_to, answer, always)


oddity("throttled-503", "now and then a request gets 503 ServerBusy", _throttled(503, "ServerBusy", "", 7))
oddity(
    "throttled-503-with-retry-after",
    "now and then a request gets 503 with Retry-After",
    _throttled(503, "ServerBusy", "0", 7),
)
oddity(
    "throttled-too-many-requests",
    "now and then a request gets 503 TooManyRequests",
    _throttled(503, "TooManyRequests", "", 11),
)
oddity("throttled-429", "now and then a request gets 429 with Retry-After", _throttled(429, "TooManyRequests", "0", 9))

oddity(
    "internal-error-500",
    "now and then a request gets 500 InternalError, which a repeat does not",
    _throttled(500, "InternalError", "", 17),
)


def _redirected(original: Callable[..., Reply], call: Call, refused: Refusal | None) -> Reply:
    """Sends one request in 13 to where it came from, by an absolute URI."""
    if call.connection.probe or refused is not None or call.number % 13:
        return original(call, refused)
    host = (call.message.values("Host") or ["localhost"])[0]
    fields = (("Location", f"https://{host}{call.message.target}"),)
    return refuse(call, Refusal("redirected", 307, "TemporaryRedirect", "It is temporarily elsewhere.", fields))


oddity("redirected-307", "now and then a request is sent to the same URI again", instead(reply_to, _redirected, always))
oddity(
    "no-server-field",
    "no Server and no Cache-Control are said",
    edits(header_fields, lambda _, fields: [each for each in fields if each[0] not in ("Server", "Cache-Control")]),
)
oddity(
    "id-in-capitals",
    "the request id is called X-MS-REQUEST-ID",
    edits(identifying_fields, lambda _, fields: tuple((name.upper(), value) for name, value in fields)),
)
oddity("anonymous-refused-in-tls", "clients without a certificate are refused in TLS", server_only=True)
