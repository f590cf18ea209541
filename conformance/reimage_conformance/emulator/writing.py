"""Writes replies as octets and actions (RFC 9110, RFC 9112); every line of a response is a point of its own."""

from __future__ import annotations

from email.utils import formatdate
from http import HTTPStatus

from reimage_conformance.emulator.messages import Action, Call, Close, Fields, Reply, Send
from reimage_conformance.emulator.points import point


@point
def render(call: Call, reply: Reply) -> list[Action]:
    """The actions that deliver a reply."""
    head = head_octets(call, reply)
    body = b"" if bodiless(call, reply) else body_octets(call, reply)
    actions = [*interim_actions(call, reply), *transmit(call, reply, head, body)]
    if closes(call, reply):
        actions.append(Close())
    return actions


@point
def interim_actions(_: Call, reply: Reply) -> list[Action]:
    """The 1xx responses that go before the final one."""
    return [Send(f"HTTP/1.1 {status} {_phrase(status)}\r\n\r\n".encode()) for status in reply.interim]


@point
def transmit(call: Call, reply: Reply, head: bytes, body: bytes) -> list[Action]:
    """The actions that send the octets of a response: in one piece."""
    del call, reply
    return [Send(head + body)]


@point
def head_octets(call: Call, reply: Reply) -> bytes:
    """Status line and header section."""
    lines = [field_line(call, name, value) for name, value in header_fields(call, reply)]
    return "\r\n".join([status_line(call, reply), *lines, "", ""]).encode("latin-1")


@point
def status_line(call: Call, reply: Reply) -> str:
    """The status line."""
    return f"{protocol_version(call)} {reply.status} {reason_phrase(call, reply)}"


@point
def protocol_version(_: Call) -> str:
    """The protocol that a response claims (REQ-HTTP-VERSION-RESP)."""
    return "HTTP/1.1"


@point
def reason_phrase(_: Call, reply: Reply) -> str:
    """The reason phrase."""
    return _phrase(reply.status)


@point
def field_line(_: Call, name: str, value: str) -> str:
    """One header line."""
    return f"{name}: {value}"


@point
def header_fields(call: Call, reply: Reply) -> list[tuple[str, str]]:
    """The header fields of a response in their order."""
    fields = [("Cache-Control", "no-cache"), *framing_fields(call, reply)]
    if reply.media_type:
        fields.append(("Content-Type", reply.media_type))
    fields += [("Server", "Reimage-Emulator/1.0"), *identifying_fields(call, reply), *date_fields(call)]
    return [*fields, *reply.fields, *connection_fields(call, reply)]


@point
def framing_fields(call: Call, reply: Reply) -> Fields:
    """The fields that say where the response ends: none with 204, else a coding or a length (REQ-HTTP-FRAMING)."""
    if reply.status == HTTPStatus.NO_CONTENT:
        return ()
    if is_chunked(call, reply):
        return (("Transfer-Encoding", "chunked"),)
    return (("Content-Length", str(declared_length(call, reply))),)


@point
def declared_length(_: Call, reply: Reply) -> int:
    """The Content-Length of a response; with HEAD, that of the GET."""
    return len(reply.body)


@point
def identifying_fields(call: Call, reply: Reply) -> Fields:
    """The request id of a response; the probe, no part of the protocol, has none."""
    del call
    return (("x-ms-request-id", reply.request_id),) if reply.request_id else ()


@point
def date_fields(call: Call) -> Fields:
    """The date of a response (REQ-HTTP-DATE)."""
    return (("Date", formatdate(call.state.wall_time(call.now), usegmt=True)),)


@point
def connection_fields(call: Call, reply: Reply) -> Fields:
    """Announces that the connection will be closed."""
    return (("Connection", "close"),) if closes(call, reply) else ()


@point
def closes(call: Call, reply: Reply) -> bool:
    """Whether the connection ends with this response (RFC 9112 9.3)."""
    return reply.close or call.message.version == "HTTP/1.0" or asks_to_close(call)


@point
def asks_to_close(call: Call) -> bool:
    """Whether the client asked for the connection to be closed."""
    options = [option for value in call.message.values("connection") for option in value.split(",")]
    return "close" in [option.strip(" \t").lower() for option in options]


@point
def bodiless(call: Call, reply: Reply) -> bool:
    """Whether the response has no content whatever it describes (REQ-HTTP-HEAD-NOBODY)."""
    return call.message.method == "HEAD" or reply.status == HTTPStatus.NO_CONTENT


@point
def body_octets(call: Call, reply: Reply) -> bytes:
    """The content, in the coding that the header announces."""
    if not is_chunked(call, reply):
        return reply.body
    pieces = [reply.body[at : at + 64] for at in range(0, len(reply.body), 64)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def is_chunked(call: Call, reply: Reply) -> bool:
    """Whether the content is sent in chunks: HTTP/1.0 has none (RFC 9112 7.1)."""
    return reply.chunked and call.message.version != "HTTP/1.0"


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else "Unknown"
