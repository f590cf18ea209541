"""Faults that make the outcome of an operation depend on how, or how often, it is polled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reimage_conformance.emulator.conditions import has_run_its_time
from reimage_conformance.emulator.departures import instead
from reimage_conformance.emulator.faults.operations.lifecycle import (
    COMPLETES,
    PROGRESS,
    READONLY,
    STABLE,
    StatusEdit,
    fitting_result,
    shown,
)
from reimage_conformance.emulator.faults.registry import Slip
from reimage_conformance.emulator.lookup import find_operation

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.emulator.messages import Call
    from reimage_conformance.emulator.world import Operation


def _found_once(original: Callable[..., Operation | None], call: Call, operation_id: str) -> Operation | None:
    """Finds an operation only once after it is over."""
    operation = original(call, operation_id)
    if operation is None or not has_run_its_time(call, operation):
        return operation
    shown_ended = call.notes.setdefault("shown ended", set())
    if operation.id in shown_ended:
        return None
    shown_ended.add(operation.id)
    return operation


Slip(
    "forgotten-once-told", STABLE, "an operation is unknown once a poll showed its end", also=(READONLY, "REQ-GOS-200")
).by(instead(find_operation, _found_once))


def _found_five_times(original: Callable[..., Any], call: Call, operation_id: str) -> Any:
    operation = original(call, operation_id)
    return None if operation is not None and operation.polls > 4 else operation


Slip(
    "forgotten-after-five-polls",
    READONLY,
    "an operation is unknown after five polls",
    also=(STABLE, "REQ-GOS-200", COMPLETES, "REQ-REIMAGE-REQID-USABLE"),
).by(instead(find_operation, _found_five_times))


def _begin_again(call: Call, operation: Operation, seen: str) -> str:
    """Makes an operation under way begin again."""
    if seen == "InProgress":
        operation.accepted_at = call.now
    return seen


def _fails_if(key: str, test: Callable[[Call, Operation], bool]) -> StatusEdit:
    """Makes an operation fail once one of its polls has passed `test`; the operations that fail are noted under `key`."""

    def see(call: Call, operation: Operation, seen: str) -> str:
        failing = call.notes.setdefault(key, set())
        if test(call, operation):
            failing.add(operation.id)
        return "Failed" if operation.id in failing and seen == "Succeeded" else seen

    return see


Slip("polling-begins-again", READONLY, "every poll makes the operation begin again", also=(COMPLETES,)).by(
    shown(_begin_again)
)
Slip(
    "polling-often-fails-it",
    READONLY,
    "an operation polled more than three times before its end fails",
    also=(COMPLETES,),
).by(
    shown(_fails_if("often", lambda call, operation: operation.polls > 3 and not has_run_its_time(call, operation))),
    *fitting_result(),
)
Slip(
    "polling-with-oldest-version-fails-it",
    READONLY,
    "an operation polled with 2009-10-01 fails",
    also=(COMPLETES, "REQ-GOS-VERSION-MIN", STABLE),
).by(shown(_fails_if("oldest", lambda call, _: call.version == "2009-10-01")), *fitting_result())
Slip(
    "polling-with-oldest-version-fails-it[under way]",
    READONLY,
    "an operation under way that is polled with 2009-10-01 fails",
    also=(COMPLETES, "REQ-GOS-VERSION-MIN", STABLE),
).by(
    shown(
        _fails_if(
            "oldest", lambda call, operation: call.version == "2009-10-01" and not has_run_its_time(call, operation)
        )
    ),
    *fitting_result(),
)


def _found_by_one_version(original: Callable[..., Operation | None], call: Call, operation_id: str) -> Operation | None:
    """Finds an operation that is over until it was polled with two versions."""
    operation = original(call, operation_id)
    if operation is None or not has_run_its_time(call, operation):
        return operation
    versions = call.notes.setdefault(operation.id, set())
    if len(versions) > 1:
        return None
    versions.add(call.version)
    return operation


Slip(
    "forgotten-once-polled-with-another-version",
    READONLY,
    "an operation that has ended is unknown once it was polled with a second version",
    also=(STABLE, "REQ-GOS-200", "REQ-GOS-VERSION-MIN", "REQ-VER-OLD-KEPT"),
).by(instead(find_operation, _found_by_one_version))
Slip(
    "polling-with-another-version-fails-it",
    READONLY,
    "an operation polled with a version after 2011-10-01 fails",
    also=(COMPLETES, STABLE),
).by(shown(_fails_if("newer", lambda call, _: call.version > "2011-10-01")), *fitting_result())
Slip("polling-with-head-fails-it", READONLY, "an operation polled with HEAD fails", also=(COMPLETES, STABLE)).by(
    shown(_fails_if("head", lambda call, _: call.message.method == "HEAD")), *fitting_result()
)
Slip(
    "outcome-depends-on-version",
    READONLY,
    "with 2009-10-01 a reimage that succeeded is reported as Failed",
    also=(STABLE, "REQ-GOS-VERSION-MIN"),
).by(
    shown(lambda call, _, seen: "Failed" if seen == "Succeeded" and call.version == "2009-10-01" else seen),
    *fitting_result(),
)
Slip(
    "progress-depends-on-version",
    READONLY,
    "with 2009-10-01 every operation is InProgress",
    also=(STABLE, "REQ-GOS-VERSION-MIN"),
).by(shown(lambda call, _, seen: "InProgress" if call.version == "2009-10-01" else seen), *fitting_result())
Slip(
    "outcome-depends-on-connection",
    READONLY,
    "on a connection's first request every operation is InProgress",
    also=(STABLE, PROGRESS),
).by(
    shown(
        lambda call, _, seen: (
            "InProgress" if call.position == 1 and call.operation and call.operation.polls > 1 else seen
        )
    ),
    *fitting_result(),
)
