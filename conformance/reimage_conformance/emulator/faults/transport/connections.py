"""Faults in how expectations are met, and in whether a connection is closed when that was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.emulator.conditions import SILENCE, both, later_on_connection, performs
from reimage_conformance.emulator.departures import Change, gives, instead
from reimage_conformance.emulator.faults.registry import Slip
from reimage_conformance.emulator.messages import Call, Close, Refusal, Send
from reimage_conformance.emulator.places import with_method
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


Slip("expectation-waits-for-ever", EXPECT, "a request that expects 100 is never answered").by(
    performs(SILENCE, when=_expecting)
)
Slip("expectation-refused", EXPECT, "100-continue is answered {}").each(
    (400, 417, 500),
    lambda status: gives(
        check_expectation,
        Refusal("expectation", status, "BadRequest", "No expectations, please.", close=True),
        _expecting,
    ),
)
Slip("expectation-answered-with-100-only", EXPECT, "a request that expects 100 gets 100 and nothing else").by(
    performs(_CONTINUE, SILENCE, when=_expecting)
)


Slip("connection-kept", END, "the connection stays open although it was to be closed").by(
    gives(asks_to_close, value=False)
)
Slip("connection-kept[case]", END, "Connection: Close with a capital is not understood").by(
    instead(asks_to_close, lambda original, call: original(call) and call.message.values("connection") == ["close"])
)
Slip("connection-kept[list]", END, "close in a list of connection options is not understood").by(
    instead(asks_to_close, lambda original, call: original(call) and "," not in call.message.values("connection")[0])
)
Slip("connection-kept", END, "the connection stays open {} although it was to be closed").table(
    lambda when: gives(closes, value=False, when=both(asks_to_close, when)),
    ("reimage", "after a POST", with_method("POST")),
    ("poll", "after a GET", with_method("GET")),
    ("later", "after a connection's second request", later_on_connection),
)


def _kept_after(least: int, most: int) -> Change:
    """Keeps a connection open after a status from `least` to `most` although it was to be closed."""

    def edit(original: Callable[..., bool], call: Call, reply: Reply) -> bool:
        return original(call, reply) and not (least <= reply.status <= most and asks_to_close(call))

    return instead(closes, edit)


Slip("connection-kept[202]", END, "the connection stays open after a 202 although it was to be closed").by(
    _kept_after(202, 202)
)
Slip("connection-kept[errors]", END, "the connection stays open after an error although it was to be closed").by(
    _kept_after(400, 599)
)
Slip("connection-kept-but-announced", END, "the connection stays open although the response has Connection: close").by(
    instead(
        render,
        lambda original, call, reply: [each for each in original(call, reply) if not isinstance(each, Close)],
        asks_to_close,
    )
)
