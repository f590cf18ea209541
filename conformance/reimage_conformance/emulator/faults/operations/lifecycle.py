"""Faults in the course of an operation over time: what is reported when, and whether it ever ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from reimage_conformance.emulator.departures import Change, instead
from reimage_conformance.emulator.faults.registry import Slip
from reimage_conformance.emulator.needs import Need
from reimage_conformance.emulator.operations import operation_error, operation_http_status, operation_status
from reimage_conformance.emulator.places import EACH_FORM, SECOND_TIME, STAGING, TWO_DIGITS, WORKER_ROLE, Place

if TYPE_CHECKING:
    from reimage_conformance.emulator.messages import Call
    from reimage_conformance.emulator.world import Operation

COMPLETES, PROGRESS = "REQ-REIMAGE-COMPLETES", "REQ-GOS-PROGRESS"
STABLE, READONLY = "REQ-GOS-TERMINAL-STABLE", "REQ-GOS-READONLY"
StatusEdit = Callable[["Call", "Operation", str], str]
"""A function that gives the status that a poll of an operation reports in place of the one that it would report."""
_FOR_EVER = 500
"""More polls than a run sends for one operation."""

_SUBJECTS = (
    Place("", "a reimage", covers=lambda operation: not operation.instance.failing),
    *(place.called(f"a reimage{place.words}") for place in (*EACH_FORM, STAGING, WORKER_ROLE, TWO_DIGITS)),
    SECOND_TIME.called("the second reimage of an instance"),
    Place("fourth", "every reimage after the third", covers=lambda operation: operation.number > 2),
)


def shown(see: StatusEdit) -> Change:
    """Makes a poll report the status that `see` gives; when the operation ends, and what it does, stays the same."""
    return instead(operation_status, lambda original, call, operation: see(call, operation, original(call, operation)))


def fitting_result() -> tuple[Change, Change]:
    """Makes HttpStatusCode and Error fit the status that is shown, even if the operation ended in another way."""
    return (
        instead(
            operation_http_status, lambda _, __, ___, status: {"Succeeded": "200", "Failed": "500"}.get(status, "")
        ),
        instead(
            operation_error, lambda _, __, ___, status: ("InternalError", "It failed.") if status == "Failed" else None
        ),
    )


def _shown_with_result(see: StatusEdit) -> tuple[Change, ...]:
    """Makes a poll report the status that `see` gives, with HttpStatusCode and Error that fit it."""
    return shown(see), *fitting_result()


def _stays(test: Callable[[Operation], bool], status: str) -> StatusEdit:
    return lambda _, operation, seen: status if test(operation) else seen


def _fails(test: Callable[[Operation], bool]) -> StatusEdit:
    return lambda _, operation, seen: "Failed" if seen == "Succeeded" and test(operation) else seen


Slip("never-ends", COMPLETES, "{} stays InProgress").at(
    _SUBJECTS, lambda place: shown(_stays(place.covers, "InProgress"))
)
Slip("ends-failed", COMPLETES, "{} ends Failed").at(_SUBJECTS, lambda place: shown(_fails(place.covers)))
Slip(
    "failure-never-ends",
    "REQ-GOS-ERROR",
    "a reimage that fails stays InProgress",
    also=("REQ-GOS-PROGRESS", "REQ-GOS-HTTPSTATUS-INT"),
    needs=(Need.FAILING_INSTANCE,),
).by(shown(_stays(lambda operation: operation.instance.failing, "InProgress")))
Slip("ends-late", COMPLETES, "a reimage takes a thousand times as long as it should").by(
    shown(
        lambda call, operation, seen: (
            "InProgress" if call.now < operation.accepted_at + 1000 * max(operation.seconds, 1) else seen
        )
    )
)


def _by_poll(*statuses: str) -> StatusEdit:
    """Reports `statuses` in order, one for each poll of an operation, then the true status."""

    def see(_: Call, operation: Operation, seen: str) -> str:
        return statuses[operation.polls - 1] if operation.polls <= len(statuses) else seen

    return see


def _once_over(*statuses: str) -> StatusEdit:
    """Reports `statuses` in order, one for each poll after the end of an operation, then the true status."""

    def see(call: Call, operation: Operation, seen: str) -> str:
        if seen == "InProgress":
            return seen
        asked: dict[str, int] = call.notes.setdefault("asked when over", {})
        asked[operation.id] = asked.get(operation.id, 0) + 1
        turn = asked[operation.id] - 1
        return statuses[turn] if turn < len(statuses) else seen

    return see


def _alternating_once_over(*statuses: str) -> StatusEdit:
    """Reports `statuses` in turn, again and again, for all polls of operations that are over."""

    def see(call: Call, _: Operation, seen: str) -> str:
        if seen == "InProgress":
            return seen
        turn: int = call.notes.get("turn", 0)
        call.notes["turn"] = turn + 1
        return statuses[turn % len(statuses)]

    return see


Slip("{}", PROGRESS, "the {}, the next ones do not", also=(STABLE,)).table(
    _shown_with_result,
    ("succeeded-too-early", "first poll finds success", _by_poll("Succeeded")),
    ("failed-too-early", "first poll finds failure", _by_poll("Failed")),
    ("succeeded-at-second-poll", "second poll finds success", _by_poll("InProgress", "Succeeded", "InProgress")),
)
Slip("{}", "REQ-GOS-STATUS", "{}", also=(PROGRESS,)).table(
    shown,
    ("queued-first", "before anything else an operation is Queued", _by_poll("Queued")),
    ("pending-between", "between two statuses an operation is Pending", _by_poll("InProgress", "Pending")),
    ("finishing-before-the-end", "an operation is Finishing before it has succeeded", _once_over("Finishing")),
)
Slip("failed-before-succeeded", STABLE, "Failed is reported before Succeeded", also=(PROGRESS, COMPLETES)).by(
    *_shown_with_result(_once_over("Failed"))
)
Slip("succeeded-{}", STABLE, "after {}", also=(PROGRESS, READONLY)).table(
    _shown_with_result,
    ("then-failed", "Succeeded comes Failed", _alternating_once_over("Succeeded", "Failed")),
    ("then-in-progress", "Succeeded comes InProgress", _once_over("Succeeded", "InProgress")),
    (
        "then-in-progress-for-ever",
        "one Succeeded comes InProgress for ever",
        _once_over("Succeeded", *["InProgress"] * _FOR_EVER),
    ),
    (
        "twice-then-failed",
        "two times Succeeded comes Failed",
        _once_over("Succeeded", "Succeeded", *["Failed"] * _FOR_EVER),
    ),
)
Slip(
    "failed-then-succeeded",
    STABLE,
    "after Failed comes Succeeded",
    also=(PROGRESS, READONLY),
    needs=(Need.FAILING_INSTANCE,),
).by(
    *_shown_with_result(
        lambda call, operation, seen: (
            _alternating_once_over("Failed", "Succeeded")(call, operation, seen) if operation.instance.failing else seen
        )
    )
)
Slip(
    "done-then-unknown-word", "REQ-GOS-STATUS", "after Succeeded comes Archived", also=(PROGRESS, STABLE, READONLY)
).by(shown(_once_over("Succeeded", *["Archived"] * _FOR_EVER)))
