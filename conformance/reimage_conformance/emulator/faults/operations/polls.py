"""Faults in the answer to a poll: its status, its document, and whether it comes at all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reimage_conformance.emulator.admission import check_version
from reimage_conformance.emulator.conditions import (
    SILENCE,
    both,
    kind_is,
    performs,
    polled,
    reply_edit,
    reply_set,
    reply_status,
)
from reimage_conformance.emulator.departures import Change, When, edits, gives, instead
from reimage_conformance.emulator.faults.registry import Slip
from reimage_conformance.emulator.messages import Close, Later, Pause, Refusal, Reset, Send
from reimage_conformance.emulator.places import FAILED, IN_PROGRESS, STATES, SUCCEEDED, Place
from reimage_conformance.emulator.routing import read_segments
from reimage_conformance.emulator.writing import closes, render

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.emulator.messages import Action, Call, Reply

_A_WHILE = 0.05
"""So many seconds after the end of an operation, an earlier poll has shown the end."""


def _refused_for_lack(lack: tuple[str, When]) -> Change:
    """Refuses polls that lack something; `lack` is its kind for the message, and the test of the polls that lack it."""
    what, when = lack
    return gives(
        check_version,
        Refusal("odd", 400, "BadRequest", f"A {what} is missing."),
        both(kind_is("operation"), when),
    )


Slip(
    "operation-path-unrouted", "REQ-GOS-URI", "operations are found at another path", also=("REQ-REIMAGE-REQID-USABLE",)
).by(
    edits(
        read_segments,
        lambda _, route: type(route)(subscription=route.subscription) if route.kind == "operation" else route,
    )
)
Slip(
    "poll-needs", "REQ-GOS-URI", "a poll without {} is refused", also=("REQ-GOS-200", "REQ-REIMAGE-REQID-USABLE")
).table(
    _refused_for_lack,
    ("content-type", "a Content-Type", ("header", lambda call: not call.message.values("content-type"))),
    ("content-length", "a Content-Length", ("header", lambda call: not call.message.values("content-length"))),
    ("query", "a query", ("parameter", lambda call: not call.route.query)),
)

for _state, _statuses in (
    (IN_PROGRESS, (201, 202, 204, 206, 303, 404, 409)),
    (SUCCEEDED, (201, 202, 303, 410)),
    (FAILED, (202, 400, 404, 409)),
):
    Slip("poll-status", "REQ-GOS-200", "a poll that finds {place} is answered {}").inside(_state).each(
        _statuses, reply_status("poll", when=_state.when)
    )


def _ended_before(call: Call) -> bool:
    """Whether the operation of a request ended so long ago that an earlier poll has shown its end."""
    return call.operation is not None and call.now >= call.operation.ends_at + _A_WHILE


Slip(
    "poll-status-later",
    "REQ-GOS-200",
    "a poll of an operation whose end an earlier poll showed is answered {}",
    also=("REQ-GOS-TERMINAL-STABLE",),
).each(
    (204, 304, 500),
    lambda status: reply_edit(
        reply_set(status=status, body=b""), "poll", when=both(kind_is("operation"), _ended_before)
    ),
)


def _performs_at(*actions: Action) -> Callable[[Place], Change]:
    return lambda place: performs(*actions, when=place.when)


def _poll_if(test: Callable[[int], bool]) -> When:
    """Polls whose number, counted for each operation from 1, passes `test`."""
    return polled(lambda operation: test(operation.polls))


_FINDING = tuple(state.called(f"a poll that finds {state.word}") for state in STATES)
_FIRST = Place("first", "the first poll of an operation", _poll_if(lambda polls: polls == 1))
_LATER = Place("later", "every poll after the second", _poll_if(lambda polls: polls > 2))
Slip("poll-hangs", "REQ-GOS-200", "{} is never answered").at((*_FINDING, _FIRST, _LATER), _performs_at(SILENCE))
# _FIRST is left out below: a client may open another connection, and its next poll is answered.
Slip("poll-resets", "REQ-GOS-200", "{} ends in a reset").at((*_FINDING, _LATER), _performs_at(Reset()))
Slip("poll-closes", "REQ-GOS-200", "{} ends with the connection closed").at((*_FINDING, _LATER), _performs_at(Close()))
Slip(
    "poll-cut-short",
    "REQ-HTTP-FRAMING",
    "the answer to a poll breaks off in its middle",
    also=("REQ-GOS-200", "REQ-XML-WF"),
).by(
    instead(
        render,
        lambda original, call, reply: (
            [type(each)(each.data[:-20]) if hasattr(each, "data") else each for each in original(call, reply)]
            + [Close()]
        ),
        kind_is("operation"),
    )
)


def _crossed(field: str) -> Change:
    """Keeps `field` of the latest reply to any poll, and writes it with every reply: of two polls at the same time, both get the later value."""

    def actions(original: Callable[..., list[Action]], call: Call, reply: Reply) -> list[Action]:
        call.notes[field] = getattr(reply, field)

        def make() -> bytes:
            written = original(call, replace(reply, **{field: call.notes[field]}))
            return b"".join(action.data for action in written if isinstance(action, Send))

        end = [Close()] if closes(call, reply) else []
        return [Pause(0.02), Later(make), *end]

    return instead(render, actions, polled(lambda _: True))


Slip(
    "crossed-polls",
    "REQ-GOS-ID",
    "polls at the same time are all answered with the last one's document",
    also=("REQ-REIMAGE-REQID-USABLE",),
).by(_crossed("body"))
Slip(
    "crossed-request-ids",
    "REQ-ASYNC-REQID-UNIQUE",
    "polls at the same time are all answered under the last one's request id",
).by(_crossed("request_id"))
