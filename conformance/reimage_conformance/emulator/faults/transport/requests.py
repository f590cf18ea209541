"""Faults in reading the head of a request: Host, colons, folded lines, the length of the request line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reimage_conformance.emulator.conditions import both, refusal_edit, refused_with, request_edit
from reimage_conformance.emulator.departures import When, always, gives, instead, skips
from reimage_conformance.emulator.faults.registry import fault
from reimage_conformance.emulator.messages import Call, Close, Pause
from reimage_conformance.emulator.reading import (
    check_colon,
    check_folding,
    check_host,
    host_valid,
    longest_request_line,
)
from reimage_conformance.emulator.writing import render

if TYPE_CHECKING:
    from collections.abc import Callable

HOST, COLON, FOLD = "REQ-HTTP-HOST", "REQ-HTTP-WS-COLON", "REQ-HTTP-OBSFOLD"
_METHODS: tuple[tuple[str, str, When], ...] = (
    ("", "", always),
    ("[GET]", " with GET", lambda call: call.message.method == "GET"),
    ("[POST]", " with POST", lambda call: call.message.method == "POST"),
)


def also_fitting(pattern: str) -> Callable[..., bool]:
    """Lets a test of a value pass whatever the pattern fits."""
    fits = re.compile(pattern).fullmatch
    return lambda original, call, value: bool(fits(value)) or original(call, value)


def _hosts(number: int) -> When:
    """Requests with so many Host headers; 2 stands for several."""
    return lambda call: min(len(call.message.values("host")), 2) == number


for _suffix, _where, _when in _METHODS:
    fault(
        f"host-missing-accepted{_suffix}",
        HOST,
        f"Host may be left out{_where}",
        skips(check_host, both(_when, _hosts(0))),
    )
    fault(
        f"host-twice-accepted{_suffix}",
        HOST,
        f"there may be two Host headers{_where}",
        skips(check_host, both(_when, _hosts(2))),
    )
    fault(
        f"host-invalid-accepted{_suffix}",
        HOST,
        f"Host may be anything{_where}",
        gives(host_valid, value=True, when=_when),
    )
    fault(
        f"space-before-colon-accepted{_suffix}",
        COLON,
        f"white space may stand before a colon{_where}",
        skips(check_colon, _when),
    )
fault(
    "host-twice-accepted-if-equal",
    HOST,
    "there may be two equal Host headers",
    skips(check_host, both(_hosts(2), lambda call: len(set(call.message.values("host"))) == 1)),
)
for _name, _pattern in {
    "space": r".* .*",
    "path": r".*/.*",
    "user": r".*@.*",
    "angle": r".*[<>\"].*",
}.items():
    fault(
        f"host-accepted[{_name}]",
        HOST,
        f"a Host like {_pattern!r} is accepted",
        instead(host_valid, also_fitting(_pattern)),
    )
for _status in (404, 421, 500):
    fault(
        f"host-status[{_status}]",
        HOST,
        f"a wrong Host is answered {_status}",
        refusal_edit(refused_with(status=_status), "host-missing", "host-twice", "host-invalid"),
    )
fault(
    "host-missing-hangs",
    HOST,
    "a request without Host is never answered",
    instead(render, lambda *_: [Pause(3600.0)], _hosts(0)),
)
fault(
    "host-missing-closes",
    HOST,
    "a request without Host ends in a closed connection",
    instead(render, lambda *_: [Close()], _hosts(0)),
)


def _spaced(call: Call) -> set[str]:
    names = [line.partition(b":")[0].decode("latin-1") for line in call.message.raw[1:]]
    return {name.rstrip().lower() for name in names if name != name.rstrip()}


def _unread_spaced(call: Call) -> None:
    call.message.fields = tuple(each for each in call.message.fields if each[0].lower() not in _spaced(call))


fault(
    "space-before-colon-drops-the-field",
    COLON,
    "a field with white space before its colon is ignored",
    skips(check_colon),
    request_edit(_unread_spaced),
)
fault(
    "space-before-colon-accepted[tab]",
    COLON,
    "a tab may stand before a colon",
    skips(check_colon, lambda call: any(b"\t:" in line for line in call.message.raw)),
)
fault(
    "space-before-colon-accepted[unknown fields]",
    COLON,
    "white space may stand before the colon of fields that nobody knows",
    skips(
        check_colon,
        lambda call: (
            not _spaced(call) & {"host", "content-length", "content-type", "x-ms-version", "transfer-encoding"}
        ),
    ),
)


def _unfold(call: Call) -> None:
    """Reads a folded line as if its continuation were not there."""
    folded: dict[str, str] = {}
    for line, following in zip(call.message.raw[1:], call.message.raw[2:], strict=False):
        if following[:1] in (b" ", b"\t"):
            name, _, value = line.decode("latin-1").partition(":")
            folded[name.lower()] = value.strip()
    call.message.fields = tuple((name, folded.get(name.lower(), value)) for name, value in call.message.fields)


fault(
    "fold-drops-the-rest",
    FOLD,
    "the continuation of a folded line is dropped",
    skips(check_folding),
    request_edit(_unfold),
)
fault(
    "fold-closes",
    FOLD,
    "a folded line ends in a closed connection",
    instead(render, lambda *_: [Close()], lambda call: any(line[:1] in (b" ", b"\t") for line in call.message.raw[1:])),
)
for _status in (403, 404, 500):
    fault(
        f"fold-status[{_status}]",
        FOLD,
        f"a folded line is answered {_status}",
        refusal_edit(refused_with(status=_status), "folding"),
    )


for _limit in (1024, 2048, 4096, 7900):
    fault(
        f"request-line-limit[{_limit}]",
        "REQ-HTTP-URI-LENGTH",
        f"request lines of more than {_limit} octets are refused",
        gives(longest_request_line, _limit),
    )
for _status in (400, 404, 500):
    fault(
        f"request-line-status[{_status}]",
        "REQ-HTTP-URI-LENGTH",
        f"request lines of more than 4096 octets are answered {_status}",
        gives(longest_request_line, 4096),
        refusal_edit(refused_with(status=_status), "request-line-long"),
    )
