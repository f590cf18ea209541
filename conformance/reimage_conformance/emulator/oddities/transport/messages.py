"""Oddities of HTTP messages: header fields, framing, interim responses, connections."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

from reimage_conformance.emulator.conditions import has_two_framings, reply_edit, reply_set
from reimage_conformance.emulator.departures import edits, gives, instead, skips
from reimage_conformance.emulator.http1 import continues, reply_to
from reimage_conformance.emulator.messages import Call, Close, Pause, Refusal, Reply, Send
from reimage_conformance.emulator.oddities.registry import oddity
from reimage_conformance.emulator.reading import check_both_lengths, check_folding, check_transfer_encoding
from reimage_conformance.emulator.writing import (
    body_octets,
    closes,
    connection_fields,
    field_line,
    framing_fields,
    header_fields,
    is_chunked,
    reason_phrase,
    render,
    transmit,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.emulator.departures import Change
    from reimage_conformance.emulator.messages import Action


oddity("folded-lines-read", "folded header lines are read as spaces", skips(check_folding))
oddity(
    "both-lengths-decoded",
    "with two kinds of framing the coding counts, and the connection is closed",
    skips(check_both_lengths),
    edits(reply_to, lambda _, reply: replace(reply, close=True), has_two_framings),
)
oddity(
    "chunked-411",
    "any chunked request gives 411",
    instead(
        check_transfer_encoding,
        lambda original, call: (
            Refusal("coding", 411, "BadRequest", "A length is required.", close=True)
            if call.message.values("transfer-encoding") == ["chunked"] and not has_two_framings(call)
            else original(call)
        ),
    ),
)


oddity(
    "field-names-lower-case",
    "header names are in lower case",
    instead(field_line, lambda original, call, name, value: original(call, name.lower(), value)),
)
oddity(
    "field-names-upper-case",
    "header names are in capitals",
    instead(field_line, lambda original, call, name, value: original(call, name.upper(), value)),
)
oddity(
    "field-white-space",
    "white space surrounds the values of headers",
    instead(field_line, lambda original, call, name, value: original(call, name, f" \t{value} \t")),
)
oddity(
    "field-no-white-space",
    "no white space follows the colon of a header",
    instead(field_line, lambda _, __, name, value: f"{name}:{value}"),
)
oddity("fields-in-reverse", "header lines come in reverse order", edits(header_fields, lambda _, fields: fields[::-1]))
oddity(
    "fields-more",
    "responses carry many more headers",
    edits(
        header_fields,
        lambda _, fields: [
            *fields,
            ("x-ms-servedbyregion", "ussouth2"),
            ("Strict-Transport-Security", "max-age=31536000"),
            ("Vary", "Accept-Encoding"),
            ("Vary", "Origin"),
            ("X-Odd", ""),
            ("X-Content-Type-Options", "nosniff"),
            ("Keep-Alive", "timeout=30"),
        ],
    ),
)
oddity("reason-empty", "reason phrases are empty", gives(reason_phrase, ""))
oddity(
    "reason-odd",
    "reason phrases do not fit the status",
    instead(reason_phrase, lambda _, __, reply: "Accept" if reply.status == 202 else "I'm a teapot: not (really)"),
)


def _extended(body: bytes) -> bytes:
    """`body` in chunks of at most 12 octets, without the last chunk; each size has leading zeros and an extension."""
    pieces = [body[at : at + 12] for at in range(0, len(body), 12)]
    return b"".join(b"%04X;name=value\r\n%s\r\n" % (len(piece), piece) for piece in pieces)


oddity("chunked-202", "the 202 is chunked, and empty", reply_edit(reply_set(chunked=True), "accepted"))
oddity(
    "chunked-documents",
    "documents are sent in chunks",
    reply_edit(reply_set(chunked=True), when=lambda call: not call.client.probe),
)
oddity(
    "chunks-with-extensions",
    "documents are sent in chunks with extensions, trailers and sizes in capitals",
    reply_edit(reply_set(chunked=True)),
    instead(
        body_octets,
        lambda original, call, reply: (
            _extended(reply.body) + b"000\r\nX-Trailer: here\r\n\r\n"
            if is_chunked(call, reply)
            else original(call, reply)
        ),
    ),
)


def _in_coding(name: str, coded: Callable[[bytes], bytes]) -> Change:
    """Content is sent in the content coding `name`, except to a client that names the codings that it accepts (RFC 9110 12.5.3)."""

    def rendered(original: Callable[..., list[Action]], call: Call, reply: Reply) -> list[Action]:
        if not reply.body or call.message.values("accept-encoding"):
            return original(call, reply)
        fields = [*reply.fields, ("Content-Encoding", name)]
        return original(call, replace(reply, body=coded(reply.body), fields=fields))

    return instead(render, rendered)


oddity("coded-gzip", "documents are sent in gzip", _in_coding("gzip", lambda body: gzip.compress(body, mtime=0)))
oddity("coded-deflate", "documents are sent in deflate", _in_coding("deflate", zlib.compress))
oddity(
    "closed-after-each-response",
    "the connection is closed after each response, as announced",
    instead(closes, lambda *_: True),
)
oddity(
    "closed-without-notice",
    "the connection is closed after each response, which does not announce it",
    instead(closes, lambda *_: True),
    instead(connection_fields, lambda *_: ()),
)


def _closing_late(call: Call, actions: list[Action], reply: Reply) -> list[Action]:
    """The same actions with a pause before the connection is closed, where the reply announces that and its end is known without it."""
    is_announced = bool(connection_fields(call, reply) and framing_fields(call, reply))
    if not is_announced or actions[-1] != Close():
        return actions
    return [*actions[:-1], Pause(CLOSE_DELAY_SECONDS), Close()]


CLOSE_DELAY_SECONDS = 1.0
oddity(
    "announced-close-delayed",
    "a close of the connection that is announced comes a second after the response",
    instead(render, lambda original, call, reply: _closing_late(call, original(call, reply), reply)),
)
oddity(
    "length-by-close",
    "the end of the connection is the end of the response",
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
oddity(
    "no-server-field",
    "responses have neither Server nor Cache-Control",
    edits(header_fields, lambda _, fields: [each for each in fields if each[0] not in ("Server", "Cache-Control")]),
)
