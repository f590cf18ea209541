"""The life of a reimage: how it starts, which status it has at what time, and what it does to the guest of its instance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.emulator.points import point
from reimage_conformance.emulator.world import Deployment, Instance, Operation, fresh_id

if TYPE_CHECKING:
    from reimage_conformance.emulator.messages import Call

_STAGES = ((0.25, "StoppingRole"), (0.6, "StoppedVM"), (1.0, "StartingVM"), (1.6, "BusyRole"))
"""The states of an instance that is reimaged, in order; each ends at its multiple of the operation's duration."""


@point
def new_request_id(call: Call) -> str:
    """An id that no other request has (REQ-ASYNC-REQID-UNIQUE)."""
    return fresh_id(call.state.random)


@point
def start_operation(call: Call, deployment: Deployment, instance: Instance) -> Operation:
    """Begins the reimage of `instance` and makes it known to Get Operation Status at once."""
    operation = Operation(
        id=new_request_id(call),
        subscription=call.route.subscription,
        deployment=deployment,
        instance=instance,
        accepted_at=call.now,
        seconds=operation_duration(call),
        form=call.form,
        number=len(call.world.operations),
        sequel=instance.operation is not None,
    )
    call.world.operations[operation.id] = operation
    occupy(call, operation)
    call.state.accepted += 1
    return operation


@point
def operation_duration(call: Call) -> float:
    """How long the operation takes, in seconds."""
    return call.state.operation_seconds


@point
def occupy(_: Call, operation: Operation) -> None:
    """Marks the deployment and the instance as occupied by the operation."""
    operation.deployment.operation = operation
    operation.instance.operation = operation


@point
def conflicting_operation(call: Call) -> Operation | None:
    """The operation that is under way in the deployment of the request, if any."""
    running = None if call.deployment is None else call.deployment.operation
    return running if running is not None and not is_over(call, running) else None


@point
def is_over(call: Call, operation: Operation) -> bool:
    """Whether the operation has ended."""
    return call.now >= operation.ends_at


@point
def operation_fails(_: Call, operation: Operation) -> bool:
    """Whether the operation ends Failed."""
    return operation.instance.failing


@point
def operation_status(call: Call, operation: Operation) -> str:
    """InProgress, Succeeded or Failed (REQ-GOS-STATUS)."""
    if not is_over(call, operation):
        return "InProgress"
    return "Failed" if operation_fails(call, operation) else "Succeeded"


@point
def operation_http_status(_: Call, operation: Operation, status: str) -> str:
    """The HttpStatusCode once the operation is over, "" before (REQ-GOS-HTTPSTATUS)."""
    del operation
    return {"Succeeded": "200", "Failed": "500"}.get(status, "")


@point
def operation_error(_: Call, operation: Operation, status: str) -> tuple[str, str] | None:
    """Code and message of a failed operation; None for any other (REQ-GOS-ERROR)."""
    if status != "Failed":
        return None
    return "InternalError", f"The role instance {operation.instance.name} did not start."


@point
def write_due_guests(call: Call) -> None:
    """Writes the fresh guest for each operation that has ended since the last request."""
    for operation in call.world.operations.values():
        if not operation.written and guest_due(call, operation):
            operation.written = True
            write_guest(call, operation.instance)


@point
def guest_due(call: Call, operation: Operation) -> bool:
    """Whether the operation has ended and a fresh guest is to be written; after a failed one none is."""
    return is_over(call, operation) and not operation_fails(call, operation)


@point
def write_guest(call: Call, instance: Instance) -> None:
    """Writes a fresh guest: a new installation id, and no data outside the local storage."""
    instance.installation_id = fresh_id(call.state.random)
    instance.other_data.clear()


@point
def instance_status(call: Call, instance: Instance) -> str:
    """The InstanceStatus now: an instance leaves ReadyRole when its operation starts, and is ReadyRole again some time after its end."""
    operation = instance.operation
    if operation is None:
        return "ReadyRole"
    age = call.now - operation.accepted_at
    return next((status for multiple, status in _STAGES if age < multiple * operation.seconds), "ReadyRole")
