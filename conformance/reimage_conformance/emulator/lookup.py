"""Finds resources by name: names are compared exactly, within the subscription of the request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.emulator.points import point

if TYPE_CHECKING:
    from reimage_conformance.emulator.messages import Call
    from reimage_conformance.emulator.world import Deployment, Instance, Operation


@point
def find_service(call: Call, name: str) -> list[Deployment] | None:
    """The deployments of cloud service `name`; None where there is no such service."""
    return call.world.services(call.route.subscription).get(name)


@point
def find_deployment(_: Call, service: list[Deployment], form: str, asked: str) -> Deployment | None:
    """The deployment in slot `asked` if `form` is slot, else the one called `asked`."""
    known = {deployment.slot if form == "slot" else deployment.name: deployment for deployment in service}
    return known.get(asked)


@point
def find_instance(_: Call, deployment: Deployment, name: str) -> Instance | None:
    """The role instance `name` of `deployment`."""
    return deployment.instances.get(name)


@point
def find_operation(call: Call, operation_id: str) -> Operation | None:
    """The operation with this id, if the request's subscription started it (REQ-GOS-OTHER-SUB)."""
    operation = call.world.operations.get(operation_id)
    return operation if operation is not None and operation_visible(call, operation) else None


@point
def operation_visible(call: Call, operation: Operation) -> bool:
    """Whether the request's subscription is the one that started `operation`."""
    return operation.subscription == call.route.subscription
