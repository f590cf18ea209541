"""Faults in what becomes of a connection: expectations, and closing when asked to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.emulator.conditions import both
from reimage_conformance.emulator.departures import Change, When, gives, instead
from reimage_conformance.emulator.faults.registry import fault
from reimage_conformance.emulator.messages import Call, Close, Pause, Refusal, Send
from reimage_conformance.emulator.reading import (
    check_expectation,
)
from reimage_conformance.emulator.writing import asks_to_close, closes, render

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.emulator.messages import Reply

EXPECT, END = "REQ-HTTP-EXPECT", "REQ-HTTP-CONN-CLOSE"
_CONTINUE = Send(b"HTTP/1.1 100 Continue\r\n\r\n")


def _expecting(call: Call) -> bool:
    return "100-continue" in [value.lower() for value in call.message.values("expect")]


fault(
    "expectation-waits-for-ever",
    EXPECT,
    "a request that expects 100 is never answered",
    instead(render, lambda *_: [Pause(3600.0)], _expecting),
)
for _status in (400, 417, 500):
    fault(
        f"expectation-refused[{_status}]",
        EXPECT,
        f"100-continue is answered {_status}",
        gives(
            check_expectation,
            Refusal("expectation", _status, "BadRequest", "No expectations, please.", close=True),
            _expecting,
        ),
    )
fault(
    "expectation-answered-with-100-only",
    EXPECT,
    "a request that expects 100 gets 100 and nothing else",
    instead(render, lambda *_: [_CONTINUE, Pause(3600.0)], _expecting),
)


def _stays(when: When) -> Change:
    return gives(closes, value=False, when=both(asks_to_close, when))


fault(
    "connection-kept", END, "the connection stays open although it was to be closed", gives(asks_to_close, value=False)
)
fault(
    "connection-kept[case]",
    END,
    "Connection: Close with a capital is not understood",
    instead(asks_to_close, lambda original, call: original(call) and call.message.values("connection") == ["close"]),
)
fault(
    "connection-kept[list]",
    END,
    "close in a list of connection options is not understood",
    instead(asks_to_close, lambda original, call: original(call) and "," not in call.message.values("connection")[0]),
)
for _name, _summary, _when in (
    ("reimage", "after a POST", lambda call: call.message.method == "POST"),
    ("poll", "after a GET", lambda call: call.message.method == "GET"),
    ("later", "after a connection's second request", lambda call: call.position > 1),
):
    fault(
        f"connection-kept[{_name}]",
        END,
        f"the connection stays open {_summary} although it was to be closed",
        _stays(_when),
    )


def _kept_after(least: int, most: int) -> Change:
    def edit(original: Callable[..., bool], call: Call, reply: Reply) -> bool:
        return original(call, reply) and not (least <= reply.status <= most and asks_to_close(call))

    return instead(closes, edit)


fault(
    "connection-kept[202]",
    END,
    "the connection stays open after a 202 although it was to be closed",
    _kept_after(202, 202),
)
fault(
    "connection-kept[errors]",
    END,
    "the connection stays open after an error although it was to be closed",
    _kept_after(400, 599),
)
fault(
    "connection-kept-but-announced",
    END,
    "Connection: close is said and not done",
    instead(
        render,
        lambda original, call, reply: [each for each in original(call, reply) if not isinstance(each, Close)],
        asks_to_close,
    ),
)
