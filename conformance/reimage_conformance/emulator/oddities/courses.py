"""Oddities of the course of things: locks, durations, instance states, and which of the optional calls there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.emulator.admission import check_conflict, check_resource, not_found
from reimage_conformance.emulator.departures import Change, edits, instead, skips
from reimage_conformance.emulator.documents import Node, namespace_declarations
from reimage_conformance.emulator.faults.conditions import known_after
from reimage_conformance.emulator.http1 import reply_to
from reimage_conformance.emulator.lookup import find_operation
from reimage_conformance.emulator.messages import Refusal, Reply
from reimage_conformance.emulator.observation import deployment_document, instance_node
from reimage_conformance.emulator.oddities.registry import oddity
from reimage_conformance.emulator.operations import conflicting_operation, instance_status, is_over, operation_duration

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.emulator.messages import Call
    from reimage_conformance.emulator.world import Instance, Operation

_NO_OPERATION = Refusal("path", 400, "BadRequest", "No such operation.")


def _locked(shares: Callable[[Call, Operation], bool]) -> Change:
    """Lets an operation keep everything busy that shares something with it."""

    def conflicting(_: Callable[..., Operation | None], call: Call) -> Operation | None:
        running = (each for each in call.world.operations.values() if not is_over(call, each) and shares(call, each))
        return next(running, None)

    return instead(conflicting_operation, conflicting)


oddity(
    "lock-none", "there are no conflicts: two reimages run side by side, even of one instance", skips(check_conflict)
)
oddity("lock-instance", "only the instance is locked", _locked(lambda call, each: each.instance is call.instance))
oddity(
    "lock-service",
    "the whole cloud service is locked",
    _locked(
        lambda call, each: (
            each.deployment.service == call.route.service and each.subscription == call.route.subscription
        )
    ),
)
oddity(
    "lock-subscription",
    "the whole subscription is locked",
    _locked(lambda call, each: each.subscription == call.route.subscription),
)


def _status(timeline: Callable[[float, float], str]) -> Change:
    """An instance's status as a function of the time since the 202 and of the operation's length, both in seconds."""

    def status(_: Callable[..., str], call: Call, instance: Instance) -> str:
        operation = instance.operation
        return "ReadyRole" if operation is None else timeline(call.now - operation.accepted_at, operation.seconds)

    return instead(instance_status, status)


def _after_success(age: float, seconds: float) -> str:
    if age < seconds * 1.2:
        return "ReadyRole"
    return "StoppedVM" if age < seconds * 2 else "BusyRole" if age < seconds * 2.8 else "ReadyRole"


def _every_state(age: float, seconds: float) -> str:
    states = (
        "BusyRole",
        "StoppingRole",
        "StoppingVM",
        "StoppedVM",
        "CreatingVM",
        "StartingVM",
        "CreatingRole",
        "StartingRole",
        "RoleStateUnknown",
    )
    step = int(age / max(seconds, 0.01) * 6)
    return states[step] if step < len(states) else "ReadyRole"


oddity(
    "slow-return",
    "an instance is ready again only long after success",
    _status(lambda age, seconds: "StartingVM" if age < seconds * 4 else "ReadyRole"),
)
oddity(
    "offline-after-success", "an instance goes offline only after success has been reported", _status(_after_success)
)
oddity(
    "offline-long-after-success",
    "an instance goes offline one second after the end of the operation, for another",
    _status(lambda age, seconds: "StoppedVM" if 1.0 <= age - seconds < 2.0 else "ReadyRole"),
)
oddity(
    "ready-with-success",
    "an instance is ready again at the moment of success",
    _status(lambda age, seconds: "StoppedVM" if age < seconds else "ReadyRole"),
)
oddity("many-states", "an instance goes through every state there is", _status(_every_state))
oddity("instant-operations", "operations are over at once: InProgress is never seen", instead(is_over, lambda *_: True))
oddity(
    "instant-successes",
    "only operations that fail are ever InProgress",
    instead(is_over, lambda original, call, operation: original(call, operation) or not operation.instance.failing),
)
oddity(
    "uneven-durations",
    "operations take between half and twice the usual time",
    instead(operation_duration, lambda original, call: original(call) * (0.5 + 1.5 * call.emulator.random.random())),
)


def _kept_for(seconds: float) -> Change:
    """Lets the endpoint forget an operation so many seconds after its end (REQ-GOS-RETENTION)."""

    def found(original: Callable[..., Operation | None], call: Call, operation_id: str) -> Operation | None:
        operation = original(call, operation_id)
        if operation is None or call.now < operation.accepted_at + operation.seconds + seconds:
            return operation
        return None

    return instead(find_operation, found)


oddity("known-a-moment-later", "an operation is known a moment after the 202", known_after(0.1))
oddity("short-retention", "operations are forgotten 2.5 s after their end", _kept_for(2.5))
oddity("retention-ten-seconds", "operations are forgotten 10 s after their end", _kept_for(10.0))
oddity(
    "no-get-deployment",
    "there is no Get Deployment: 404",
    edits(
        check_resource,
        lambda call, refused: not_found("path", "No such resource.") if call.kind == "deployment" else refused,
    ),
)
oddity(
    "no-get-deployment-400",
    "there is no Get Deployment: 400",
    edits(check_resource, lambda call, refused: _NO_OPERATION if call.kind == "deployment" else refused),
)
oddity(
    "no-get-cloud-service",
    "there is no Get Cloud Service Properties: 404",
    edits(
        check_resource,
        lambda call, refused: not_found("path", "No such resource.") if call.kind == "service" else refused,
    ),
)
oddity(
    "slot-in-lower-case",
    "DeploymentSlot is in lower case",
    edits(
        deployment_document,
        lambda _, root: Node(
            root.name,
            tuple(
                Node(each.name, str(each.content).lower()) if each.name == "DeploymentSlot" else each
                for each in root.children
            ),
        ),
    ),
)
oddity(
    "deployments-with-more",
    "deployments have further children",
    edits(
        deployment_document,
        lambda _, root: Node(
            root.name, (*root.children, Node("CreatedTime", "2011-10-11T00:00:00Z"), Node("ExtendedProperties"))
        ),
    ),
)
oddity(
    "instances-with-namesakes",
    "role instances hold elements of another namespace that are called like theirs",
    edits(namespace_declarations, lambda _, text: f'{text} xmlns:f="urn:example:f"'),
    edits(
        instance_node,
        lambda _, node: Node(
            node.name, (Node("f:InstanceStatus", "StoppedVM"), Node("f:InstanceName", "x"), *node.children)
        ),
    ),
)


def _offline(original: Callable[..., Reply], call: Call, *args: object) -> Reply:
    """The probe of an instance that is offline has nobody to answer for it."""
    reply = original(call, *args)
    parts = call.message.target.strip("/").split("/")
    for deployment in call.world.deployments if call.connection.probe else ():
        instance = deployment.instances.get(parts[2]) if len(parts) > 2 and parts[1] == deployment.name else None
        if instance is not None and instance_status(call, instance) != "ReadyRole":
            return Reply(503, "probe")
    return reply


oddity("probe-offline", "the probe of an instance that is offline answers 503", instead(reply_to, _offline))
