"""Oddities of operations: how long they take and are kept, how their ids are written, and how unknown ones are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.emulator.conditions import (
    known_after,
    performs,
    refusal_edit,
    refused_with,
)
from reimage_conformance.emulator.departures import Change, edits, gives, instead
from reimage_conformance.emulator.documents import (
    Node,
    operation_document,
    shown_id,
)
from reimage_conformance.emulator.lookup import find_operation, operation_visible
from reimage_conformance.emulator.messages import Reset
from reimage_conformance.emulator.oddities.registry import oddity
from reimage_conformance.emulator.operations import (
    is_over,
    operation_duration,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.emulator.messages import Call
    from reimage_conformance.emulator.world import Operation


oddity(
    "unknown-operation-400",
    "an unknown operation id gives 400 BadRequest",
    refusal_edit(refused_with(status=400, code="BadRequest"), "operation"),
)
oddity(
    "malformed-operation-400",
    "a malformed operation id gives 400 BadRequest",
    refusal_edit(
        refused_with(status=400, code="BadRequest"), "operation", when=lambda call: len(call.route.operation) != 32
    ),
)


def _is_first_of_its_verb(call: Call) -> bool:
    """Whether a request is the first one with its method to an operation; GET and HEAD are not meant."""
    if call.kind != "operation" or call.message.method in ("GET", "HEAD"):
        return False
    seen: set[tuple[str, str]] = call.state.notes.setdefault("verbs on operations", set())
    verb = (call.message.method, call.route.operation)
    is_first = verb not in seen
    seen.add(verb)
    return is_first


oddity(
    "operation-verbs-lost-once",
    "the first request with a method other than GET and HEAD to an operation ends in a reset",
    performs(Reset(), when=_is_first_of_its_verb),
)


def _found_in_any_spelling(
    original: Callable[..., Operation | None], call: Call, operation_id: str
) -> Operation | None:
    """Finds an operation by its id in any case, with or without dashes."""
    asked = operation_id.replace("-", "").lower()
    known = (each for each in call.world.operations if each.replace("-", "").lower() == asked)
    return next((original(call, each) for each in known), None)


oddity(
    "operation-id-without-case",
    "operations are found by their id in any case, dashed or not",
    instead(find_operation, _found_in_any_spelling),
)
oddity("instant-operations", "operations are over at once: InProgress is never seen", instead(is_over, lambda *_: True))
oddity(
    "instant-successes",
    "only operations that fail are ever InProgress",
    instead(is_over, lambda original, call, operation: original(call, operation) or not operation.instance.failing),
)
oddity(
    "uneven-durations",
    "operations take between half and twice the usual time",
    instead(operation_duration, lambda original, call: original(call) * (0.5 + 1.5 * call.state.random.random())),
)


def _kept_for(seconds: float) -> Change:
    """Makes the endpoint forget an operation `seconds` after its end (REQ-GOS-RETENTION)."""

    def found(original: Callable[..., Operation | None], call: Call, operation_id: str) -> Operation | None:
        operation = original(call, operation_id)
        if operation is None or call.now < operation.ends_at + seconds:
            return operation
        return None

    return instead(find_operation, found)


oddity("known-a-moment-later", "an operation is known a moment after the 202", known_after(0.1))
oddity("short-retention", "operations are forgotten 2.5 s after their end", _kept_for(2.5))
oddity("retention-ten-seconds", "operations are forgotten 10 s after their end", _kept_for(10.0))
oddity(
    "operations-with-more",
    "operations have further children at the end",
    edits(
        operation_document,
        lambda _, root: root.with_more(Node("OperationCompletedTime", "2011-10-11T00:00:00Z")),
    ),
)
oddity(
    "shown-id-undashed",
    "ID is the id as the header of the 202 has it",
    instead(shown_id, lambda _, __, operation: operation.id),
)
oddity(
    "shown-id-upper-case",
    "ID is in capitals, dashed",
    edits(shown_id, lambda _, each: each.upper() if each.replace("-", "").isalnum() and len(each) == 36 else each),
)
oddity(
    "historical-operations-shared",
    "an operation can be read under another subscription",
    gives(operation_visible, value=True),
    lenient_only=True,
    advisories=("REQ-GOS-OTHER-SUB",),
)
