"""Faults in reading the head of a request: Host, colons, folded lines, the length of the request line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reimage_conformance.emulator.conditions import SILENCE, both, performs, refusal_status, request_edit
from reimage_conformance.emulator.departures import When, gives, instead, skips
from reimage_conformance.emulator.faults.registry import Slip
from reimage_conformance.emulator.messages import Call, Close
from reimage_conformance.emulator.places import EVERYWHERE, GET, POST
from reimage_conformance.emulator.reading import (
    check_colon,
    check_folding,
    check_host,
    host_valid,
    longest_request_line,
)

if TYPE_CHECKING:
    from collections.abc import Callable

HOST, COLON, FOLD = "REQ-HTTP-HOST", "REQ-HTTP-WS-COLON", "REQ-HTTP-OBSFOLD"
LENGTH = "REQ-HTTP-URI-LENGTH"
_METHODS = (EVERYWHERE, GET, POST)


def also_fitting(pattern: str) -> Callable[..., bool]:
    """Makes a point that tests a value also accept every value that `pattern` matches."""
    fits = re.compile(pattern).fullmatch
    return lambda original, call, value: bool(fits(value)) or original(call, value)


def _hosts(number: int) -> When:
    """Requests with so many Host headers; 2 stands for several."""
    return lambda call: min(len(call.message.values("host")), 2) == number


Slip("host-missing-accepted", HOST, "Host may be left out{}").at(
    _METHODS, lambda place: skips(check_host, both(place.when, _hosts(0)))
)
Slip("host-twice-accepted", HOST, "there may be two Host headers{}").at(
    _METHODS, lambda place: skips(check_host, both(place.when, _hosts(2)))
)
Slip("host-invalid-accepted", HOST, "any Host is accepted{}").at(
    _METHODS, lambda place: gives(host_valid, value=True, when=place.when)
)
Slip("space-before-colon-accepted", COLON, "white space may stand before a colon{}").at(
    _METHODS, lambda place: skips(check_colon, place.when)
)
Slip("host-twice-accepted-if-equal", HOST, "there may be two equal Host headers").by(
    skips(check_host, both(_hosts(2), lambda call: len(set(call.message.values("host"))) == 1))
)
Slip("host-accepted", HOST, "a Host such as {!r} is accepted").table(
    lambda pattern: instead(host_valid, also_fitting(pattern)),
    ("space", "a b", r".* .*"),
    ("path", "a/b", r".*/.*"),
    ("user", "user@host", r".*@.*"),
    ("angle", "a<b>", r".*[<>\"].*"),
)
Slip("host-status", HOST, "a wrong Host is answered {}").each(
    (404, 421, 500), refusal_status("host-missing", "host-twice", "host-invalid")
)
Slip("host-missing-hangs", HOST, "a request without Host is never answered").by(performs(SILENCE, when=_hosts(0)))
Slip("host-missing-closes", HOST, "a request without Host ends in a closed connection").by(
    performs(Close(), when=_hosts(0))
)


def _spaced(call: Call) -> set[str]:
    """The names, in lower case, of the fields that have white space before their colon."""
    names = [line.partition(b":")[0].decode("latin-1") for line in call.message.raw[1:]]
    return {name.rstrip().lower() for name in names if name != name.rstrip()}


def _unread_spaced(call: Call) -> None:
    call.message.fields = tuple(each for each in call.message.fields if each[0].lower() not in _spaced(call))


Slip("space-before-colon-drops-the-field", COLON, "a field with white space before its colon is ignored").by(
    skips(check_colon), request_edit(_unread_spaced)
)
Slip("space-before-colon-accepted[tab]", COLON, "a tab may stand before a colon").by(
    skips(check_colon, lambda call: any(b"\t:" in line for line in call.message.raw))
)
Slip(
    "space-before-colon-accepted[unknown fields]",
    COLON,
    "white space may stand before the colon of unknown fields",
).by(
    skips(
        check_colon,
        lambda call: (
            not _spaced(call) & {"host", "content-length", "content-type", "x-ms-version", "transfer-encoding"}
        ),
    )
)


def _unfold(call: Call) -> None:
    """Reads a folded line as if its continuation were not there."""
    folded: dict[str, str] = {}
    for line, following in zip(call.message.raw[1:], call.message.raw[2:], strict=False):
        if following[:1] in (b" ", b"\t"):
            name, _, value = line.decode("latin-1").partition(":")
            folded[name.lower()] = value.strip()
    call.message.fields = tuple((name, folded.get(name.lower(), value)) for name, value in call.message.fields)


Slip("fold-drops-the-rest", FOLD, "the continuation of a folded line is dropped").by(
    skips(check_folding), request_edit(_unfold)
)
Slip("fold-closes", FOLD, "requests with a folded line end in a closed connection").by(
    performs(Close(), when=lambda call: any(line[:1] in (b" ", b"\t") for line in call.message.raw[1:]))
)
Slip("fold-status", FOLD, "requests with a folded line are answered {}").each(
    (403, 404, 500), refusal_status("folding")
)
Slip("request-line-limit", LENGTH, "request lines of more than {} octets are refused").each(
    (1024, 2048, 4096, 7900), lambda limit: gives(longest_request_line, limit)
)
Slip("request-line-status", LENGTH, "request lines of more than 4096 octets are answered {}").each(
    (400, 404, 500),
    lambda status: (gives(longest_request_line, 4096), refusal_status("request-line-long")(status)),
)
