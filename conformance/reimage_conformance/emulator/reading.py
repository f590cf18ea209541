"""Reads request heads and bodies (RFC 9112 sections 2 to 7), and refuses malformed ones."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reimage_conformance.emulator.messages import Call, Fields, Message, Refusal
from reimage_conformance.emulator.points import point

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MAX_REQUEST_LINE = 16_384
MAX_HEAD = 65_536
MAX_BODY = 65_536
_MAX_CHUNK_SIZE_LINE = 256

_HEAD_END = re.compile(rb"\r?\n\r?\n")
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|([A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+)(:[0-9]*)?")
_LENGTH = re.compile(r"[0-9]{1,18}")
_PROTOCOL = re.compile(r"HTTP/1\.[0-9]")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(;[^\r\n]*)?")


class MalformedBodyError(ValueError):
    """The octets of a body contradict its framing."""


@dataclass(frozen=True, slots=True)
class Framing:
    """How a request's body is delimited."""

    length: int = 0
    chunked: bool = False

    @property
    def announces_content(self) -> bool:
        """Whether a body is to follow."""
        return self.chunked or self.length > 0


def end_of_head(buffer: bytes | bytearray) -> tuple[int, int] | None:
    """Two indexes into `buffer`: where the head ends and where the body begins; None while the head is incomplete."""
    match = _HEAD_END.search(buffer)
    return None if match is None else match.span()


def read_head(octets: bytes) -> Message:
    """The request in a head, read as far as it can be; a broken request line leaves method and target empty."""
    lines = tuple(octets.split(b"\r\n"))
    parts = lines[0].decode("latin-1").split(" ")
    method, target, version = parts if len(parts) == 3 else ("", "", "")
    return Message(method, target, version, _read_fields(lines[1:]), lines)


def _read_fields(lines: tuple[bytes, ...]) -> Fields:
    """The header fields; a folded line continues the one before it, and a line without a colon is left out."""
    fields: list[tuple[str, str]] = []
    for raw in lines:
        line = raw.decode("latin-1")
        name, colon, value = line.partition(":")
        if line[:1] in (" ", "\t") and fields:
            fields[-1] = (fields[-1][0], f"{fields[-1][1]} {line.strip()}".strip())
        elif colon:
            fields.append((name.rstrip(" \t"), value.strip(" \t")))
    return tuple(fields)


@point
def head_refusal(call: Call) -> Refusal | None:
    """The first thing that is wrong with a head, if anything is."""
    for check in head_checks(call):
        refused = check(call)
        if refused is not None:
            return refused
    return None


@point
def head_checks(_: Call) -> Sequence[Callable[[Call], Refusal | None]]:
    """The checks of a head, in order."""
    return (
        *(check_request_line, check_protocol, check_folding, check_colon, check_field_lines, check_host),
        *(check_transfer_encoding, check_content_length, check_both_lengths, check_expectation, check_body_size),
    )


@point
def check_request_line(call: Call) -> Refusal | None:
    """The request line has three parts and a token for a method, and is not too long (RFC 9112 3)."""
    line = call.message.raw[0]
    if len(line) > longest_request_line(call):
        return malformed("request-line-long", "The request line is too long.", 414)
    if _TOKEN.fullmatch(call.message.method.encode("latin-1")) and call.message.target and b"\n" not in line:
        return None
    return malformed("request-line", "The request line is malformed.")


@point
def longest_request_line(_: Call) -> int:
    """How many octets a request line may have (REQ-HTTP-URI-LENGTH)."""
    return MAX_REQUEST_LINE


@point
def check_protocol(call: Call) -> Refusal | None:
    """The protocol is HTTP/1.x."""
    if _PROTOCOL.fullmatch(call.message.version):
        return None
    known = re.fullmatch(r"HTTP/[0-9]\.[0-9]", call.message.version)
    return malformed("protocol", "The protocol version is not supported.", 505 if known else 400)


@point
def check_folding(call: Call) -> Refusal | None:
    """No header line is folded (RFC 9112 5.2)."""
    folded = any(line[:1] in (b" ", b"\t") for line in call.message.raw[1:])
    return malformed("folding", "A header line is folded.") if folded else None


@point
def check_colon(call: Call) -> Refusal | None:
    """No white space stands between a field name and its colon (RFC 9112 5.1)."""
    names = [line.partition(b":")[0] for line in call.message.raw[1:] if line[:1] not in (b" ", b"\t")]
    spaced = any(name != name.rstrip(b" \t") for name in names)
    return malformed("colon", "White space stands before a colon.") if spaced else None


@point
def check_field_lines(call: Call) -> Refusal | None:
    """Every header line has a name, a colon, and a value without control characters."""
    for line in call.message.raw[1:]:
        name, colon, value = line.partition(b":")
        if line[:1] in (b" ", b"\t"):
            continue
        if not colon or not _TOKEN.fullmatch(name.rstrip(b" \t")) or any(each in value for each in b"\0\r\n"):
            return malformed("field", "A header line is malformed.")
    return None


@point
def check_host(call: Call) -> Refusal | None:
    """An HTTP/1.1 request has exactly one valid Host (RFC 9112 3.2)."""
    hosts = call.message.values("host")
    if len(hosts) > 1:
        return malformed("host-twice", "There is more than one Host header.")
    if not hosts:
        return None if call.message.version == "HTTP/1.0" else malformed("host-missing", "The Host header is missing.")
    return None if host_valid(call, hosts[0]) else malformed("host-invalid", "The Host header is invalid.")


@point
def host_valid(_: Call, value: str) -> bool:
    """Whether `value` names a host, with or without a port."""
    return _HOST.fullmatch(value) is not None


@point
def check_transfer_encoding(call: Call) -> Refusal | None:
    """The only transfer coding is chunked, once, and last (RFC 9112 6.1)."""
    values = call.message.values("transfer-encoding")
    codings = transfer_codings(values)
    if not values or codings == ["chunked"]:
        return None
    if "chunked" in codings[:-1] or "" in codings or call.message.version == "HTTP/1.0":
        return malformed("coding-order", "Transfer-Encoding is not valid here.")
    return malformed("coding-unknown", "The transfer coding is not implemented.", 501)


@point
def check_content_length(call: Call) -> Refusal | None:
    """Content-Length is a number, and the same one wherever it is given (RFC 9112 6.3)."""
    values = content_lengths(call)
    if not all(length_valid(call, value) for value in values):
        return malformed("length-invalid", "The Content-Length header is invalid.")
    return None if len(set(values)) < 2 else malformed("length-differs", "The Content-Length headers differ.")


@point
def length_valid(_: Call, value: str) -> bool:
    """Whether `value` is 1*DIGIT, with at most 18 digits."""
    return _LENGTH.fullmatch(value) is not None


@point
def check_both_lengths(call: Call) -> Refusal | None:
    """Transfer-Encoding and Content-Length do not stand together (RFC 9112 6.1)."""
    both = call.message.values("transfer-encoding") and call.message.values("content-length")
    return malformed("both-lengths", "Both Transfer-Encoding and Content-Length are given.") if both else None


@point
def check_expectation(call: Call) -> Refusal | None:
    """The only expectation that can be met is 100-continue (RFC 9110 10.1.1)."""
    unknown = [value for value in call.message.values("expect") if value.lower() != "100-continue"]
    return malformed("expectation", "The expectation cannot be met.", 417) if unknown else None


@point
def check_body_size(call: Call) -> Refusal | None:
    """A body is no larger than this server is ready to read."""
    framing = read_framing(call)
    return malformed("body-large", "The body is too large.", 413) if framing.length > MAX_BODY else None


@point
def read_framing(call: Call) -> Framing:
    """How the body is delimited; Transfer-Encoding overrides Content-Length."""
    if transfer_codings(call.message.values("transfer-encoding"))[-1:] == ["chunked"]:
        return Framing(chunked=True)
    lengths = content_lengths(call)
    return Framing(length=int(lengths[0]) if lengths and _LENGTH.fullmatch(lengths[0]) else 0)


@point
def expects_continue(call: Call) -> bool:
    """Whether the client waits for 100 (Continue) before it sends a body."""
    values = [value.lower() for value in call.message.values("expect")]
    return "100-continue" in values and call.message.version != "HTTP/1.0"


def content_lengths(call: Call) -> list[str]:
    """Every Content-Length value; those in a list are separate ones."""
    return [part.strip(" \t") for value in call.message.values("content-length") for part in value.split(",")]


def transfer_codings(values: list[str]) -> list[str]:
    """The transfer codings in their order, in lower case."""
    return [part.strip(" \t").lower() for value in values for part in value.split(",")]


def malformed(defect: str, message: str, status: int = 400) -> Refusal:
    """The refusal of a request that is not valid HTTP; the connection is closed after it."""
    return Refusal(defect, status, "BadRequest", message, close=True)


@point
def take_body(_: Call, framing: Framing, buffer: bytearray) -> bytes | None:
    """Takes a whole body off the front of `buffer` and gives it; None while it is incomplete.

    Raises MalformedBodyError when the octets are not what the framing announced.
    """
    if framing.chunked:
        return _take_chunked(buffer)
    if len(buffer) < framing.length:
        return None
    body = bytes(buffer[: framing.length])
    del buffer[: framing.length]
    return body


def _take_chunked(buffer: bytearray) -> bytes | None:
    """Takes a whole chunked body and its trailers off the front of `buffer`, and gives the body; as `take_body`."""
    body = bytearray()
    at = 0
    while True:
        end = buffer.find(b"\r\n", at)
        if end < 0:
            _check_size(buffer[at:], body)
            return None
        size = _CHUNK_SIZE.fullmatch(bytes(buffer[at:end]))
        if size is None:
            raise MalformedBodyError("a chunk does not begin with its size")
        length = int(size[1], 16)
        start = end + 2
        if length == 0:
            return _take_trailers(buffer, start, bytes(body))
        if len(buffer) < start + length + 2:
            _check_size(b"", body)
            return None
        if buffer[start + length : start + length + 2] != b"\r\n":
            raise MalformedBodyError("a chunk does not end where its size says")
        body += buffer[start : start + length]
        at = start + length + 2


def _check_size(line: bytes | bytearray, body: bytearray) -> None:
    """Raises MalformedBodyError if `line`, which is to hold the size of a chunk, or `body` so far is too long."""
    if len(line) > _MAX_CHUNK_SIZE_LINE or len(body) > MAX_BODY:
        raise MalformedBodyError("the chunked body is too large")


def _take_trailers(buffer: bytearray, start: int, body: bytes) -> bytes | None:
    """Takes a chunked body off the front of `buffer` with the trailers, which begin at `start`; gives `body`, None while they are incomplete."""
    if buffer[start : start + 2] == b"\r\n":
        del buffer[: start + 2]
        return body
    end = buffer.find(b"\r\n\r\n", start)
    if end < 0:
        return None
    del buffer[: end + 4]
    return body
