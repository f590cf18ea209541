"""Oddities of role instances: the states that one goes through during and after a reimage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.emulator.departures import Change, instead
from reimage_conformance.emulator.http1 import reply_to
from reimage_conformance.emulator.messages import Reply
from reimage_conformance.emulator.oddities.registry import oddity
from reimage_conformance.emulator.operations import guest_due, instance_status

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.emulator.messages import Call
    from reimage_conformance.emulator.world import Instance, Operation


def _status(timeline: Callable[[float, float], str]) -> Change:
    """Gives an instance the status `timeline(age, seconds)`: the seconds since the 202, and those that the operation takes."""

    def status(_: Callable[..., str], call: Call, instance: Instance) -> str:
        operation = instance.operation
        return "ReadyRole" if operation is None else timeline(call.now - operation.accepted_at, operation.seconds)

    return instead(instance_status, status)


def _after_success(age: float, seconds: float) -> str:
    if seconds * 1.2 <= age < seconds * 2:
        return "StoppedVM"
    return "BusyRole" if seconds * 2 <= age < seconds * 2.8 else "ReadyRole"


def _busy_once_more(age: float, seconds: float) -> str:
    if age < seconds:
        return "StoppedVM"
    return "BusyRole" if 1.3 <= age / seconds < 1.7 else "ReadyRole"


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
    "an instance goes offline one second after the end of the operation, for one second",
    _status(lambda age, seconds: "StoppedVM" if 1.0 <= age - seconds < 2.0 else "ReadyRole"),
)
oddity(
    "offline-three-seconds-after-success",
    "an instance goes offline three seconds after the end of the operation, for one second",
    _status(lambda age, seconds: "StoppedVM" if 3.0 <= age - seconds < 4.0 else "ReadyRole"),
    advisories=("REQ-REIMAGE-OFFLINE",),
)
oddity(
    "ready-with-success",
    "an instance is ready again at the moment of success",
    _status(lambda age, seconds: "StoppedVM" if age < seconds else "ReadyRole"),
)
oddity(
    "ready-for-a-moment",
    "an instance is ready with success, then busy once more for a moment",
    _status(_busy_once_more),
)


def _busy_now_and_then(original: Callable[..., str], call: Call, instance: Instance) -> str:
    """BusyRole for a moment every now and then, whatever clients request; each instance has other times."""
    seconds = call.state.operation_seconds
    age = (call.now + len(instance.name) * seconds + sum(instance.name.encode()) % 7 * seconds) % (9 * seconds)
    status = original(call, instance)
    return "BusyRole" if status == "ReadyRole" and age < 0.4 * seconds else status


oddity(
    "busy-now-and-then",
    "an instance is busy for a moment every now and then",
    instead(instance_status, _busy_now_and_then),
)
oddity("many-states", "an instance goes through every state there is", _status(_every_state))


def _offline(original: Callable[..., Reply], call: Call, *args: object) -> Reply:
    """Answers 503 for the probe of an instance that is not ReadyRole."""
    reply = original(call, *args)
    parts = call.message.target.strip("/").split("/")
    for deployment in call.world.deployments if call.client.probe else ():
        instance = deployment.instances.get(parts[2]) if len(parts) > 2 and parts[1] == deployment.name else None
        if instance is not None and instance_status(call, instance) != "ReadyRole":
            return Reply(503, "probe")
    return reply


oddity("probe-offline", "the probe of an instance that is offline answers 503", instead(reply_to, _offline))


def _written_late(original: Callable[..., bool], call: Call, operation: Operation) -> bool:
    """Whether five seconds have passed since the end of the operation as well."""
    return original(call, operation) and call.now >= operation.accepted_at + operation.seconds + 5.0


oddity(
    "guest-written-late",
    "a reimage writes the new guest five seconds after the end of its operation",
    instead(guest_due, _written_late),
    unjudged="a new installation came late in this run",
)
