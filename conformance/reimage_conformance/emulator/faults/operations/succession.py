"""Faults that show only where several operations, connections or versions are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.emulator.admission import check_version, wrong_version
from reimage_conformance.emulator.conditions import reply_edit, reply_set
from reimage_conformance.emulator.departures import Change, instead
from reimage_conformance.emulator.faults.operations.lifecycle import COMPLETES, PROGRESS, STABLE, shown
from reimage_conformance.emulator.faults.registry import Slip
from reimage_conformance.emulator.lookup import find_operation, operation_visible
from reimage_conformance.emulator.needs import Need
from reimage_conformance.emulator.operations import is_over, new_request_id, operation_fails, start_operation

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.emulator.messages import Call, Refusal
    from reimage_conformance.emulator.world import Operation

USABLE = "REQ-REIMAGE-REQID-USABLE"
_LAG = 0.15
"""How much later a slow replica learns that an operation is over, in seconds."""


Slip("accepted-status-200[from {}]", "REQ-REIMAGE-202", "a reimage with version {} or later is answered 200").each(
    ("2012-03-01", "2013-03-01", "2015-04-01"),
    lambda version: reply_edit(reply_set(status=200), "accepted", when=lambda call: call.version >= version),
)


def _refused_for_instances(version: str) -> Callable[..., Refusal | None]:
    """Refuses a version, but only for a reimage of an instance whose name exists in some deployment."""

    def check(original: Callable[[Call], Refusal | None], call: Call) -> Refusal | None:
        exists = any(call.route.instance in deployment.instances for deployment in call.world.deployments)
        is_refused = call.kind == "reimage" and exists and call.version == version
        return wrong_version("version-unknown") if is_refused else original(call)

    return check


def _in_progress_with(latest: Callable[[Operation], Operation | None]) -> Change:
    """Makes an operation that is over InProgress again while the operation that `latest` gives for it runs."""

    def see(call: Call, operation: Operation, seen: str) -> str:
        later = latest(operation)
        return "InProgress" if later is not None and not is_over(call, later) else seen

    return shown(see)


Slip(
    "status-of-the-latest",
    STABLE,
    "an operation that is over is InProgress again while a later one of its {} runs",
    also=(PROGRESS,),
).rows(
    ("instance", "instance", _in_progress_with(lambda operation: operation.instance.operation)),
    ("deployment", "deployment", _in_progress_with(lambda operation: operation.deployment.operation)),
)


def _overtaken(call: Call, operation: Operation) -> bool:
    """Whether an operation is under way and a later one has been accepted."""
    latest = max(call.world.operations.values(), key=lambda each: each.accepted_at)
    return latest is not operation and not is_over(call, operation)


Slip(
    "newest-operation-alone-known",
    USABLE,
    "an operation under way is unknown as soon as another one starts",
    also=(COMPLETES,),
    needs=(Need.SECOND_DEPLOYMENT,),
).by(
    instead(
        operation_visible,
        lambda original, call, operation: original(call, operation) and not _overtaken(call, operation),
    )
)


def _note_connection(original: Callable[..., Operation], call: Call, *args: object) -> Operation:
    operation = original(call, *args)
    call.notes[operation.id] = call.client
    return operation


def _found_if_over_or_own(original: Callable[..., Operation | None], call: Call, operation_id: str) -> Operation | None:
    """Finds an operation under way only on the connection that started it."""
    operation = original(call, operation_id)
    if operation is None or is_over(call, operation) or call.notes.get(operation.id) is call.client:
        return operation
    return None


Slip(
    "operation-of-one-connection",
    USABLE,
    "while it runs, an operation is known only on the connection that started it",
    also=("REQ-REIMAGE-REQID-PROMPT", STABLE, "REQ-GOS-200"),
).by(
    instead(start_operation, _note_connection),
    instead(find_operation, _found_if_over_or_own),
)


def _late_on_some(call: Call, operation: Operation, seen: str) -> str:
    """The status of an operation on one of two replicas, which take new connections by turns; the second learns late that it is over."""
    turns: dict[object, int] = call.notes.setdefault("turns", {})
    lags = turns.setdefault(call.client, len(turns)) % 2
    return "InProgress" if lags and call.now < operation.ends_at + _LAG else seen


Slip(
    "replica-lags",
    STABLE,
    "polls on every second connection find late that an operation is over",
    also=(PROGRESS, "REQ-GOS-READONLY"),
).by(shown(_late_on_some))


def _fails_after_a_failure(original: Callable[..., bool], call: Call, operation: Operation) -> bool:
    """Whether an operation fails: also where the one before it in its deployment was one that fails."""
    earlier = [
        each
        for each in call.world.operations.values()
        if each.deployment is operation.deployment and each.number < operation.number
    ]
    return bool(original(call, operation) or (earlier and earlier[-1].instance.failing))


Slip(
    "fails-after-a-failure",
    COMPLETES,
    "the reimage that follows a failed one in its deployment fails too",
    also=("REQ-GOS-READONLY",),
    needs=(Need.FAILING_INSTANCE,),
).by(instead(operation_fails, _fails_after_a_failure))


def _of_the_deployment(original: Callable[[Call], str], call: Call) -> str:
    if call.kind != "reimage" or call.deployment is None or call.instance is None:
        return original(call)
    known: dict[str, str] = call.notes.setdefault("ids of deployments", {})
    return known.setdefault(call.deployment.name, original(call))


Slip(
    "ids-of-the-deployment",
    "REQ-ASYNC-REQID-UNIQUE",
    "every reimage of a deployment gets the same id",
    also=(STABLE, PROGRESS, COMPLETES),
).by(instead(new_request_id, _of_the_deployment))

Slip(
    "version-refused-where-it-counts",
    "REQ-VER-OLD-KEPT",
    "version {} is refused for the reimage of an instance that exists",
    also=("REQ-REIMAGE-URI-SLOT", "REQ-REIMAGE-URI-NAME"),
).each(("2011-02-25", "2015-04-01"), lambda version: instead(check_version, _refused_for_instances(version)))
