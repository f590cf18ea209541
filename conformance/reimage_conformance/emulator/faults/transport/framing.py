"""Faults in framing responses and in sending them off."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from reimage_conformance.emulator.conditions import (
    SILENCE,
    both,
    kind_is,
    performs,
    poll_in,
)
from reimage_conformance.emulator.departures import Change, When, edits, gives, instead
from reimage_conformance.emulator.faults.registry import Slip
from reimage_conformance.emulator.messages import Close, Pause, Send
from reimage_conformance.emulator.places import ACCEPTED, DEPLOYMENT, EVERYWHERE, POLL, REFUSED
from reimage_conformance.emulator.writing import (
    body_octets,
    declared_length,
    framing_fields,
    render,
    transmit,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.emulator.messages import Action, Call, Client, Reply

FRAMING, HEADERS = "REQ-HTTP-FRAMING", "REQ-HTTP-STD-HEADERS"


def _not_head(call: Call) -> bool:
    return call.message.method != "HEAD"


def _length(change: int, when: When) -> Change:
    """Changes Content-Length by `change` octets."""
    return edits(declared_length, lambda _, length: max(length + change, 0), both(_not_head, when))


_ANSWERS = (ACCEPTED, POLL, REFUSED)
_GET_DEPLOYMENT = DEPLOYMENT.called(" of Get Deployment")
Slip("length-too-long", FRAMING, "Content-Length{} is three octets too long", also=("REQ-GOS-200",)).at(
    (*_ANSWERS, _GET_DEPLOYMENT), lambda place: _length(3, place.when)
)
Slip("framing-missing", FRAMING, "Content-Length and Transfer-Encoding{} are missing and the connection stays open").at(
    (*_ANSWERS, _GET_DEPLOYMENT), lambda place: gives(framing_fields, (), both(_not_head, place.when))
)
Slip("length-too-short", FRAMING, "Content-Length{} is three octets too short", also=("REQ-XML-WF", "REQ-GOS-200")).at(
    (POLL, REFUSED, _GET_DEPLOYMENT), lambda place: _length(-3, place.when)
)


def _lengths(texts: tuple[str, ...]) -> Change:
    """Writes a Content-Length for each of `texts`, in which {} stands for the true length."""
    return instead(
        framing_fields,
        lambda _, __, reply: tuple(("Content-Length", text.format(len(reply.body))) for text in texts),
        _not_head,
    )


Slip("length-form", FRAMING, "responses have {}", also=(HEADERS,)).table(
    _lengths,
    ("twice-different", "two different lengths", ("{}", "0{}1")),
    ("word", "a length that is no number", ("{} octets",)),
    ("sign", "a length with a sign", ("+{}",)),
    ("empty", "an empty length", ("",)),
    ("negative", "a negative length", ("-{}",)),
)
Slip("length-and-coding", FRAMING, "Content-Length and Transfer-Encoding stand together in the response{}").at(
    (EVERYWHERE, *_ANSWERS),
    lambda place: (
        edits(
            framing_fields, lambda _, fields: (*fields, ("Transfer-Encoding", "chunked")), both(_not_head, place.when)
        ),
        instead(body_octets, lambda original, call, reply: _chunks(original(call, reply)), both(_not_head, place.when)),
    ),
)


def _chunks(content: bytes, size: int = 0, end: bytes = b"0\r\n\r\n") -> bytes:
    """`content` as one chunk and `end`; the size that the chunk announces is `size` octets too large."""
    return (b"%x\r\n%s\r\n" % (len(content) + size, content) if content else b"") + end


def _chunked(when: When, **how: Any) -> tuple[Change, Change]:
    return (
        gives(framing_fields, (("Transfer-Encoding", "chunked"),), both(_not_head, when)),
        instead(
            body_octets, lambda original, call, reply: _chunks(original(call, reply), **how), both(_not_head, when)
        ),
    )


Slip("chunk-size-wrong", FRAMING, "a chunk is shorter than its size says", also=("REQ-GOS-200", "REQ-XML-WF")).by(
    *_chunked(POLL.when, size=4)
)
Slip("chunks-without-end", FRAMING, "the last chunk is missing", also=("REQ-GOS-200",)).by(
    *_chunked(POLL.when, end=b"")
)
Slip("chunks-end-short", FRAMING, "the empty line after the last chunk is missing", also=("REQ-GOS-200",)).by(
    *_chunked(POLL.when, end=b"0\r\n")
)
Slip("chunks-end-missing[accepted]", FRAMING, "a chunked 202 has no last chunk", also=("REQ-REIMAGE-202",)).by(
    *_chunked(ACCEPTED.when, end=b"")
)
Slip("coding-announced-only", FRAMING, "a response is said to be chunked and is not", also=("REQ-GOS-200",)).by(
    gives(framing_fields, (("Transfer-Encoding", "chunked"),), both(_not_head, POLL.when))
)
Slip("octets-after-response", FRAMING, "stray octets follow the response{}").at(
    _ANSWERS, lambda place: edits(transmit, lambda _, actions: [*actions, Send(b"\r\nstray")], place.when)
)
Slip("broken-off-response", FRAMING, "a document breaks off and the connection is closed", also=("REQ-GOS-200",)).by(
    instead(
        transmit,
        lambda _, __, ___, head, body: [Send(head + body[: len(body) // 2]), Close()],
        both(POLL.when, _not_head),
    )
)


def _response_before(original: Callable[..., list[Action]], call: Call, reply: Reply) -> list[Action]:
    """The previous response of the same connection, octet for octet; the first request gets its own."""
    actions = original(call, reply)
    previous: dict[Client, list[Action]] = call.notes.setdefault("previous", {})
    kept = previous.pop(call.client, actions)
    previous[call.client] = actions
    return kept


Slip(
    "response-of-the-request-before",
    "REQ-ASYNC-REQID-UNIQUE",
    "a connection's second request gets the response of the first",
    also=(HEADERS, "REQ-GOS-ID", "REQ-GOS-200"),
).by(instead(render, _response_before))


def _drip(_: Any, call: Call, reply: Reply, head: bytes, body: bytes, *, seconds: float) -> list[Action]:
    """The octets of a response one by one, with a pause of `seconds` after each."""
    del call, reply
    pieces = [(head + body)[at : at + 1] for at in range(len(head + body))]
    return [action for piece in pieces for action in (Send(piece), Pause(seconds))]


Slip("poll-drips", "REQ-GOS-200", "the answer to a poll comes one octet a minute", also=(FRAMING,)).by(
    instead(transmit, partial(_drip, seconds=60.0), kind_is("operation"))
)
Slip("accepted-drips", "REQ-REIMAGE-202", "the 202 comes one octet a minute", also=(FRAMING,)).by(
    instead(transmit, partial(_drip, seconds=60.0), ACCEPTED.when)
)
Slip("accepted-never-comes", "REQ-REIMAGE-202", "a reimage starts and is never answered").by(
    performs(SILENCE, when=ACCEPTED.when)
)
Slip(
    "accepted-connection-closed", "REQ-REIMAGE-202", "a reimage starts and the connection is closed without an answer"
).by(performs(Close(), when=ACCEPTED.when))
Slip("poll-interim-for-ever", "REQ-GOS-200", "a poll is answered with 100 and nothing else").by(
    instead(transmit, lambda *_: [Send(b"HTTP/1.1 100 Continue\r\n\r\n"), SILENCE], poll_in("Succeeded"))
)
Slip(
    "interim-with-content",
    FRAMING,
    "a 103 with a Content-Length and content comes before the final response",
    also=("REQ-GOS-200",),
).by(
    edits(
        transmit,
        lambda _, actions: [Send(b"HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\nhello"), *actions],
        POLL.when,
    )
)
