"""Faults in framing responses and in sending them off."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from reimage_conformance.emulator.conditions import (
    both,
    kind_is,
    poll_in,
)
from reimage_conformance.emulator.departures import Change, When, always, edits, gives, instead
from reimage_conformance.emulator.faults.registry import fault
from reimage_conformance.emulator.faults.transport.responses import PLACES, accepted
from reimage_conformance.emulator.messages import Close, Pause, Send
from reimage_conformance.emulator.writing import (
    body_octets,
    declared_length,
    framing_fields,
    render,
    transmit,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.emulator.messages import Action, Call, Fields, Reply

FRAMING, HEADERS = "REQ-HTTP-FRAMING", "REQ-HTTP-STD-HEADERS"


def _contentful(call: Call) -> bool:
    return call.message.method != "HEAD"


def _length(change: int, when: When) -> Change:
    return edits(declared_length, lambda _, length: max(length + change, 0), both(_contentful, when))


for _suffix, _where, _when in (*PLACES[1:4], ("[deployment]", " of Get Deployment", kind_is("deployment"))):
    fault(
        f"length-too-long{_suffix}",
        FRAMING,
        f"Content-Length{_where} is three octets too long",
        _length(3, _when),
        also=("REQ-GOS-200",),
    )
    fault(
        f"framing-missing{_suffix}",
        FRAMING,
        f"neither a length nor a coding{_where} is said, and the connection stays open",
        gives(framing_fields, (), both(_contentful, _when)),
    )


for _suffix, _where, _when in (*PLACES[2:4], ("[deployment]", " of Get Deployment", kind_is("deployment"))):
    fault(
        f"length-too-short{_suffix}",
        FRAMING,
        f"Content-Length{_where} is three octets too short",
        _length(-3, _when),
        also=("REQ-XML-WF", "REQ-GOS-200"),
    )


def _framed(fields: Callable[[Reply], Fields], when: When = always) -> Change:
    return instead(framing_fields, lambda _, __, reply: fields(reply), both(_contentful, when))


def _lengths(*texts: str) -> Callable[[Reply], Fields]:
    return lambda reply: tuple(("Content-Length", text.format(len(reply.body))) for text in texts)


for _name, _summary, _texts in (
    ("twice-different", "two different lengths", ("{}", "0{}1")),
    ("word", "a length that is no number", ("{} octets",)),
    ("sign", "a length with a sign", ("+{}",)),
    ("empty", "an empty length", ("",)),
    ("negative", "a negative length", ("-{}",)),
):
    fault(f"length-form[{_name}]", FRAMING, f"responses have {_summary}", _framed(_lengths(*_texts)), also=(HEADERS,))
for _suffix, _where, _when in PLACES[:4]:
    fault(
        f"length-and-coding{_suffix}",
        FRAMING,
        f"Content-Length and Transfer-Encoding stand together in the response{_where}",
        edits(framing_fields, lambda _, fields: (*fields, ("Transfer-Encoding", "chunked")), both(_contentful, _when)),
        instead(body_octets, lambda original, call, reply: _chunks(original(call, reply)), both(_contentful, _when)),
    )


def _chunks(content: bytes, size: int = 0, end: bytes = b"0\r\n\r\n") -> bytes:
    return (b"%x\r\n%s\r\n" % (len(content) + size, content) if content else b"") + end


def _chunked(when: When, **how: Any) -> tuple[Change, Change]:
    return (
        gives(framing_fields, (("Transfer-Encoding", "chunked"),), both(_contentful, when)),
        instead(
            body_octets, lambda original, call, reply: _chunks(original(call, reply), **how), both(_contentful, when)
        ),
    )


_POLL = kind_is("operation")
fault(
    "chunk-size-wrong",
    FRAMING,
    "a chunk is shorter than its size says",
    *_chunked(_POLL, size=4),
    also=("REQ-GOS-200", "REQ-XML-WF"),
)
fault("chunks-without-end", FRAMING, "the last chunk is missing", *_chunked(_POLL, end=b""), also=("REQ-GOS-200",))
fault(
    "chunks-end-short",
    FRAMING,
    "the empty line after the last chunk is missing",
    *_chunked(_POLL, end=b"0\r\n"),
    also=("REQ-GOS-200",),
)
fault(
    "chunks-end-missing[accepted]",
    FRAMING,
    "a chunked 202 has no last chunk",
    *_chunked(accepted, end=b""),
    also=("REQ-REIMAGE-202",),
)
fault(
    "coding-announced-only",
    FRAMING,
    "a response is said to be chunked and is not",
    gives(framing_fields, (("Transfer-Encoding", "chunked"),), both(_contentful, _POLL)),
    also=("REQ-GOS-200",),
)
for _suffix, _where, _when in PLACES[1:4]:
    fault(
        f"octets-after-response{_suffix}",
        FRAMING,
        f"stray octets follow the response{_where}",
        edits(transmit, lambda _, actions: [*actions, Send(b"\r\nstray")], _when),
    )
fault(
    "broken-off-response",
    FRAMING,
    "a document breaks off and the connection is closed",
    instead(
        transmit,
        lambda _, __, ___, head, body: [Send(head + body[: len(body) // 2]), Close()],
        both(_POLL, _contentful),
    ),
    also=("REQ-GOS-200",),
)


def _again(original: Callable[..., list[Action]], call: Call, reply: Reply) -> list[Action]:
    """The response before on the same connection, octet for octet."""
    actions = original(call, reply)
    previous: dict[int, list[Action]] = call.notes.setdefault("previous", {})
    kept = previous.pop(id(call.client), actions)
    previous[id(call.client)] = actions
    return kept


fault(
    "response-of-the-request-before",
    "REQ-ASYNC-REQID-UNIQUE",
    "a connection's second request gets the response of the first",
    instead(render, _again),
    also=(HEADERS, "REQ-GOS-ID", "REQ-GOS-200"),
)


def _drip(_: Any, call: Call, reply: Reply, head: bytes, body: bytes, *, seconds: float) -> list[Action]:
    del call, reply
    pieces = [(head + body)[at : at + 1] for at in range(len(head + body))]
    return [action for piece in pieces for action in (Send(piece), Pause(seconds))]


fault(
    "poll-drips",
    "REQ-GOS-200",
    "the answer to a poll comes one octet a minute",
    instead(transmit, partial(_drip, seconds=60.0), kind_is("operation")),
    also=(FRAMING,),
)
fault(
    "accepted-drips",
    "REQ-REIMAGE-202",
    "the 202 comes one octet a minute",
    instead(transmit, partial(_drip, seconds=60.0), accepted),
    also=(FRAMING,),
)
fault(
    "accepted-never-comes",
    "REQ-REIMAGE-202",
    "a reimage starts and is never answered",
    instead(render, lambda *_: [Pause(3600.0)], accepted),
)
fault(
    "accepted-connection-closed",
    "REQ-REIMAGE-202",
    "a reimage starts and the connection is closed without an answer",
    instead(render, lambda *_: [Close()], accepted),
)
fault(
    "poll-interim-for-ever",
    "REQ-GOS-200",
    "a poll is answered with 100 again and again",
    instead(transmit, lambda *_: [Send(b"HTTP/1.1 100 Continue\r\n\r\n"), Pause(3600.0)], poll_in("Succeeded")),
)
fault(
    "interim-with-content",
    FRAMING,
    "a 103 with a Content-Length and content comes before the final response",
    edits(
        transmit,
        lambda _, actions: [Send(b"HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\nhello"), *actions],
        _POLL,
    ),
    also=("REQ-GOS-200",),
)
