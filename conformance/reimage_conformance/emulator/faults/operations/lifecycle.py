"""Faults in the course of an operation over time: what is reported when, and whether it ever ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from reimage_conformance.emulator.departures import Change, instead
from reimage_conformance.emulator.faults.registry import fault
from reimage_conformance.emulator.needs import Need, needs_of
from reimage_conformance.emulator.operations import operation_error, operation_http_status, operation_status

if TYPE_CHECKING:
    from reimage_conformance.emulator.messages import Call
    from reimage_conformance.emulator.world import Operation

COMPLETES, PROGRESS = "REQ-REIMAGE-COMPLETES", "REQ-GOS-PROGRESS"
STABLE, READONLY = "REQ-GOS-TERMINAL-STABLE", "REQ-GOS-READONLY"
Seen = Callable[["Call", "Operation", str], str]

_SUBJECTS: tuple[tuple[str, str, Callable[[Operation], bool]], ...] = (
    ("", "a reimage", lambda operation: not operation.instance.failing),
    ("[slot]", "a reimage by slot", lambda operation: operation.form == "slot"),
    ("[name]", "a reimage by name", lambda operation: operation.form == "name"),
    ("[staging]", "a reimage in staging", lambda operation: operation.deployment.slot == "staging"),
    ("[worker role]", "a reimage of a worker role", lambda operation: "Worker" in operation.instance.role),
    (
        "[two digits]",
        "a reimage of an instance with an index of two digits",
        lambda operation: operation.instance.name[-2:].isdigit(),
    ),
    ("[second]", "the second reimage of an instance", lambda operation: operation.sequel),
    ("[fourth]", "every reimage after the third", lambda operation: operation.number > 2),
)


def shown(see: Seen) -> Change:
    """Changes the status that a poll reports, and nothing that depends on the end of the operation."""
    return instead(operation_status, lambda original, call, operation: see(call, operation, original(call, operation)))


def told_failures() -> tuple[Change, Change]:
    """Makes HttpStatusCode and Error fit the shown status, whatever became of the instance."""
    return (
        instead(
            operation_http_status, lambda _, __, ___, status: {"Succeeded": "200", "Failed": "500"}.get(status, "")
        ),
        instead(
            operation_error, lambda _, __, ___, status: ("InternalError", "It failed.") if status == "Failed" else None
        ),
    )


def _stays(test: Callable[[Operation], bool], status: str) -> Seen:
    return lambda _, operation, seen: status if test(operation) else seen


def _fails(test: Callable[[Operation], bool]) -> Seen:
    return lambda _, operation, seen: "Failed" if seen == "Succeeded" and test(operation) else seen


for _suffix, _who, _test in _SUBJECTS:
    fault(
        f"never-ends{_suffix}",
        COMPLETES,
        f"{_who} stays InProgress",
        shown(_stays(_test, "InProgress")),
        needs=needs_of(_suffix),
    )
    fault(f"ends-failed{_suffix}", COMPLETES, f"{_who} ends Failed", shown(_fails(_test)), needs=needs_of(_suffix))
fault(
    "failure-never-ends",
    "REQ-GOS-ERROR",
    "a reimage that fails stays InProgress",
    shown(_stays(lambda operation: operation.instance.failing, "InProgress")),
    also=("REQ-GOS-PROGRESS", "REQ-GOS-HTTPSTATUS-INT"),
    needs=(Need.FAILING_INSTANCE,),
)
fault(
    "ends-late",
    COMPLETES,
    "a reimage takes a thousand times as long as it should",
    shown(
        lambda call, operation, seen: (
            "InProgress" if call.now < operation.accepted_at + 1000 * max(operation.seconds, 1) else seen
        )
    ),
)


def _by_poll(*statuses: str) -> Seen:
    """Reports these statuses in turn, the last one for good once the operation is over."""

    def see(_: Call, operation: Operation, seen: str) -> str:
        return statuses[operation.polls - 1] if operation.polls <= len(statuses) else seen

    return see


def _once_over(*statuses: str) -> Seen:
    """Reports these statuses in turn once the operation is over, then the true one."""

    def see(call: Call, operation: Operation, seen: str) -> str:
        if seen == "InProgress":
            return seen
        asked: dict[str, int] = call.notes.setdefault("asked when over", {})
        asked[operation.id] = asked.get(operation.id, 0) + 1
        turn = asked[operation.id] - 1
        return statuses[turn] if turn < len(statuses) else seen

    return see


def _ever_over(*statuses: str) -> Seen:
    """Reports these statuses in turn, over and over, once the operation is over."""

    def see(call: Call, _: Operation, seen: str) -> str:
        if seen == "InProgress":
            return seen
        turn: int = call.notes.get("turn", 0)
        call.notes["turn"] = turn + 1
        return statuses[turn % len(statuses)]

    return see


_BOTH = (STABLE,)
fault(
    "succeeded-too-early",
    PROGRESS,
    "the first poll finds success, the next ones do not",
    shown(_by_poll("Succeeded")),
    *told_failures(),
    also=_BOTH,
)
fault(
    "failed-too-early",
    PROGRESS,
    "the first poll finds failure, the next ones do not",
    shown(_by_poll("Failed")),
    *told_failures(),
    also=_BOTH,
)
fault(
    "succeeded-at-second-poll",
    PROGRESS,
    "the second poll finds success, the next ones do not",
    shown(_by_poll("InProgress", "Succeeded", "InProgress")),
    *told_failures(),
    also=_BOTH,
)
fault(
    "queued-first",
    "REQ-GOS-STATUS",
    "before anything else an operation is Queued",
    shown(_by_poll("Queued")),
    also=(PROGRESS,),
)
fault(
    "pending-between",
    "REQ-GOS-STATUS",
    "between two statuses an operation is Pending",
    shown(_by_poll("InProgress", "Pending")),
    also=(PROGRESS,),
)
fault(
    "finishing-before-the-end",
    "REQ-GOS-STATUS",
    "an operation is Finishing before it has succeeded",
    shown(_once_over("Finishing")),
    also=(PROGRESS,),
)
fault(
    "failed-before-succeeded",
    STABLE,
    "Failed is reported before Succeeded",
    shown(_once_over("Failed")),
    *told_failures(),
    also=(PROGRESS, COMPLETES),
)
fault(
    "succeeded-then-failed",
    STABLE,
    "after Succeeded comes Failed",
    shown(_ever_over("Succeeded", "Failed")),
    *told_failures(),
    also=(PROGRESS, READONLY),
)
fault(
    "succeeded-then-in-progress",
    STABLE,
    "after Succeeded comes InProgress",
    shown(_once_over("Succeeded", "InProgress")),
    *told_failures(),
    also=(PROGRESS, READONLY),
)
fault(
    "succeeded-then-in-progress-for-ever",
    STABLE,
    "after one Succeeded comes InProgress for good",
    shown(_once_over("Succeeded", *["InProgress"] * 500)),
    *told_failures(),
    also=(PROGRESS, READONLY),
)
fault(
    "succeeded-twice-then-failed",
    STABLE,
    "after two times Succeeded comes Failed",
    shown(_once_over("Succeeded", "Succeeded", *["Failed"] * 500)),
    *told_failures(),
    also=(PROGRESS, READONLY),
)
fault(
    "failed-then-succeeded",
    STABLE,
    "after Failed comes Succeeded",
    shown(
        lambda call, operation, seen: (
            _ever_over("Failed", "Succeeded")(call, operation, seen) if operation.instance.failing else seen
        )
    ),
    *told_failures(),
    also=(PROGRESS, READONLY),
    needs=(Need.FAILING_INSTANCE,),
)
fault(
    "done-then-unknown-word",
    "REQ-GOS-STATUS",
    "after Succeeded comes Archived",
    shown(_once_over("Succeeded", *["Archived"] * 500)),
    also=(PROGRESS, STABLE, READONLY),
)
