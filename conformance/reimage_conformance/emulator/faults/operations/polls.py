"""Faults in the answer to a poll: its status, its document, and whether it comes at all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reimage_conformance.emulator.admission import check_version
from reimage_conformance.emulator.conditions import (
    both,
    kind_is,
    poll_in,
    polled,
    reply_edit,
    reply_set,
)
from reimage_conformance.emulator.departures import Change, When, edits, gives, instead
from reimage_conformance.emulator.faults.registry import fault
from reimage_conformance.emulator.messages import Close, Later, Pause, Refusal, Reset, Send
from reimage_conformance.emulator.needs import needs_of
from reimage_conformance.emulator.routing import read_segments
from reimage_conformance.emulator.writing import closes, render

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.emulator.messages import Action, Call, Reply

_FOREVER = 3600.0
_A_WHILE = 0.05


def _without(name: str) -> When:
    return lambda call: not call.message.values(name)


fault(
    "operation-path-unrouted",
    "REQ-GOS-URI",
    "operations are found at another path",
    edits(read_segments, lambda _, route: type(route)(route.subscription) if route.kind == "operation" else route),
    also=("REQ-REIMAGE-REQID-USABLE",),
)
for _name, _summary in (
    ("content-type", "a Content-Type"),
    ("content-length", "a Content-Length"),
):
    fault(
        f"poll-needs[{_name}]",
        "REQ-GOS-URI",
        f"a poll without {_summary} is refused",
        gives(
            check_version,
            Refusal("odd", 400, "BadRequest", "A header is missing."),
            both(kind_is("operation"), _without(_name)),
        ),
        also=("REQ-GOS-200", "REQ-REIMAGE-REQID-USABLE"),
    )
fault(
    "poll-needs[query]",
    "REQ-GOS-URI",
    "a poll without a query is refused",
    gives(
        check_version,
        Refusal("odd", 400, "BadRequest", "A parameter is missing."),
        both(kind_is("operation"), lambda call: not call.route.query),
    ),
    also=("REQ-GOS-200", "REQ-REIMAGE-REQID-USABLE"),
)

for _state, _statuses in {
    "InProgress": (201, 202, 204, 206, 303, 404, 409),
    "Succeeded": (201, 202, 303, 410),
    "Failed": (202, 400, 404, 409),
}.items():
    for _status in _statuses:
        fault(
            f"poll-status[{_state}:{_status}]",
            "REQ-GOS-200",
            f"a poll that finds {_state} is answered {_status}",
            reply_edit(reply_set(status=_status), "poll", when=poll_in(_state)),
            needs=needs_of(_state),
        )


def _told_before(call: Call) -> bool:
    """Whether the polled operation ended so long ago that an earlier poll has shown its end."""
    return call.operation is not None and call.now >= call.operation.accepted_at + call.operation.seconds + _A_WHILE


for _status in (204, 304, 500):
    fault(
        f"poll-status-later[{_status}]",
        "REQ-GOS-200",
        f"a poll that finds an end which was told before is answered {_status}",
        reply_edit(reply_set(status=_status, body=b""), "poll", when=both(kind_is("operation"), _told_before)),
        also=("REQ-GOS-TERMINAL-STABLE",),
    )

_ENDS: tuple[tuple[str, str, tuple[Action, ...]], ...] = (
    ("hangs", "is never answered", (Pause(_FOREVER),)),
    ("resets", "ends in a reset", (Reset(),)),
    ("closes", "ends with the connection closed", (Close(),)),
)


def _end(actions: tuple[Action, ...], when: When) -> Change:
    return instead(render, lambda *_: list(actions), when)


for _name, _summary, _actions in _ENDS:
    for _state in ("InProgress", "Succeeded", "Failed"):
        fault(
            f"poll-{_name}[{_state}]",
            "REQ-GOS-200",
            f"a poll that finds {_state} {_summary}",
            _end(_actions, poll_in(_state)),
            needs=needs_of(_state),
        )
    if _name == "hangs":  # a connection that is closed may be opened again: a poll that is then answered is answered
        fault(
            f"poll-{_name}[first]",
            "REQ-GOS-200",
            f"the first poll of an operation {_summary}",
            _end(_actions, both(kind_is("operation"), polled(lambda operation: operation.polls == 1))),
        )
    fault(
        f"poll-{_name}[later]",
        "REQ-GOS-200",
        f"every poll after the second {_summary}",
        _end(_actions, both(kind_is("operation"), polled(lambda operation: operation.polls > 2))),
    )
fault(
    "poll-cut-short",
    "REQ-HTTP-FRAMING",
    "the answer to a poll breaks off in its middle",
    instead(
        render,
        lambda original, call, reply: (
            [type(each)(each.data[:-20]) if hasattr(each, "data") else each for each in original(call, reply)]
            + [Close()]
        ),
        kind_is("operation"),
    ),
    also=("REQ-GOS-200", "REQ-XML-WF"),
)


def _crossed(field: str) -> Change:
    """What a poll is to tell is kept in one place until it is written: of two at the same time, both tell the later one's."""

    def actions(original: Callable[..., list[Action]], call: Call, reply: Reply) -> list[Action]:
        call.notes[field] = getattr(reply, field)

        def make() -> bytes:
            told = original(call, replace(reply, **{field: call.notes[field]}))
            return b"".join(action.data for action in told if isinstance(action, Send))

        return [Pause(0.02), Later(make), *(Close() for _ in range(closes(call, reply)))]

    return instead(render, actions, both(kind_is("operation"), polled(lambda _: True)))


fault(
    "crossed-polls",
    "REQ-GOS-ID",
    "polls at the same time are all answered with the last one's document",
    _crossed("body"),
    also=("REQ-REIMAGE-REQID-USABLE",),
)
fault(
    "crossed-request-ids",
    "REQ-ASYNC-REQID-UNIQUE",
    "polls at the same time are all answered under the last one's request id",
    _crossed("request_id"),
)
