"""Faults in what a reimage does to the role instance, its guest, and those around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reimage_conformance.emulator.departures import Change, gives, instead, skips
from reimage_conformance.emulator.documents import Node
from reimage_conformance.emulator.faults.registry import Slip
from reimage_conformance.emulator.needs import Need
from reimage_conformance.emulator.observation import instance_list, instance_node
from reimage_conformance.emulator.operations import guest_due, instance_status, write_guest
from reimage_conformance.emulator.places import FORMS, SECOND_TIME, STAGING, WORKER_ROLE
from reimage_conformance.emulator.world import fresh_id

if TYPE_CHECKING:
    from reimage_conformance.emulator.messages import Call
    from reimage_conformance.emulator.world import Deployment, Instance, Operation

OFFLINE, ONLINE, OTHERS, NAME = (
    "REQ-REIMAGE-OFFLINE",
    "REQ-REIMAGE-ONLINE",
    "REQ-REIMAGE-OTHERS-UNTOUCHED",
    "REQ-REIMAGE-SAME-NAME",
)
FRESH, LOCAL, DATA = "REQ-REIMAGE-FRESH-OS", "REQ-REIMAGE-LOCALSTORE", "REQ-REIMAGE-OTHERDATA-LOST"
Test = Callable[["Operation"], bool]
Bystander = Callable[["Instance", "Operation"], bool]
"""Whether an instance is one of those beside the one that an operation reimages."""

_WHERE = (*FORMS, STAGING, WORKER_ROLE, SECOND_TIME)


def _while_away(test: Test, word: str) -> Change:
    def status(original: Callable[..., str], call: Call, instance: Instance) -> str:
        seen = original(call, instance)
        return word if instance.operation is not None and test(instance.operation) and seen != "ReadyRole" else seen

    return instead(instance_status, status)


def _ever_after(test: Test, word: str) -> Change:
    def status(original: Callable[..., str], call: Call, instance: Instance) -> str:
        seen = original(call, instance)
        ended = instance.operation is not None and test(instance.operation) and seen == "ReadyRole"
        return word if ended else seen

    return instead(instance_status, status)


Slip("stays-online", OFFLINE, "an instance reimaged{} stays ReadyRole").at(
    _WHERE, lambda place: _while_away(place.began, "ReadyRole")
)
Slip("stays-offline", ONLINE, "an instance reimaged{} never becomes ReadyRole again").at(
    _WHERE, lambda place: _ever_after(place.began, "StoppedVM")
)
Slip("stays-away", ONLINE, "a reimaged instance stays {}").each(
    ("BusyRole", "RoleStateUnknown", "StartingRole", "CreatingVM"),
    lambda word: _ever_after(lambda _: True, word),
)


def _reimaged(instance: Instance, call: Call) -> bool:
    operation = instance.operation
    return operation is not None and call.now >= operation.accepted_at + operation.seconds


def _node(edit: Callable[[Node, Instance], Node], *, during: bool = False) -> Change:
    def node(original: Callable[..., Node], call: Call, deployment: Deployment, instance: Instance) -> Node:
        given = original(call, deployment, instance)
        changed = instance.operation is not None if during else _reimaged(instance, call)
        return edit(given, instance) if changed else given

    return instead(instance_node, node)


def _said(position: int, text: Callable[[Instance], str]) -> Callable[[Node, Instance], Node]:
    def edit(node: Node, instance: Instance) -> Node:
        children = list(node.children)
        children[position] = replace(children[position], content=text(instance))
        return Node(node.name, tuple(children))

    return edit


Slip("{}", NAME, "{}").rows(
    ("renamed", "a reimaged instance has another name", _node(_said(1, lambda instance: f"{instance.role}_IN_99"))),
    (
        "renamed-while-away",
        "an instance has another name from its reimage on",
        _node(_said(1, lambda instance: f"{instance.name}_old"), during=True),
    ),
    (
        "renamed-in-lower-case",
        "a reimaged instance has its name in lower case",
        _node(_said(1, lambda instance: instance.name.lower())),
    ),
    ("role-changed", "a reimaged instance is of another role", _node(_said(0, lambda _: "OtherRole1"))),
)
Slip("role-lost", NAME, "a reimaged instance is of no role", also=("REQ-DEPL-INSTANCES",)).by(
    _node(_said(0, lambda _: ""))
)


def _gone(original: Callable[..., Node], call: Call, deployment: Deployment) -> Node:
    gone = {each.name for each in deployment.instances.values() if _reimaged(each, call)}
    listed = original(call, deployment)
    return Node(listed.name, tuple(each for each in listed.children if each.children[1].content not in gone))


Slip("gone-after-reimage", NAME, "a reimaged instance is no longer listed", also=(ONLINE, "REQ-DEPL-INSTANCES")).by(
    instead(instance_list, _gone)
)


def _affected(others: Bystander, word: str = "", *, for_ever: bool = False) -> Change:
    """Lets a reimage show in the status of other instances: as in the instance's own, or as `word`."""

    def status(original: Callable[..., str], call: Call, instance: Instance) -> str:
        for operation in reversed(call.world.operations.values()):
            away = original(call, operation.instance) if operation.instance.operation is operation else "ReadyRole"
            if operation.instance is not instance and others(instance, operation) and (for_ever or away != "ReadyRole"):
                return word or away
        return original(call, instance)

    return instead(instance_status, status)


def _neighbour(instance: Instance, operation: Operation) -> bool:
    names = list(operation.deployment.instances)
    following = names[(names.index(operation.instance.name) + 1) % len(names)]
    return operation.deployment.instances.get(instance.name) is instance and instance.name == following


def _same_deployment(instance: Instance, operation: Operation) -> bool:
    return operation.deployment.instances.get(instance.name) is instance


def _same_role(instance: Instance, operation: Operation) -> bool:
    return _same_deployment(instance, operation) and instance.role == operation.instance.role


def _other_role(instance: Instance, operation: Operation) -> bool:
    return _same_deployment(instance, operation) and instance.role != operation.instance.role


def _begins_alike(instance: Instance, operation: Operation) -> bool:
    return _same_deployment(instance, operation) and instance.name.startswith(operation.instance.name)


def _first(instance: Instance, operation: Operation) -> bool:
    return next(iter(operation.deployment.instances.values())) is instance


_SECOND, _ROLES, _DIGITS = (Need.SECOND_INSTANCE,), (Need.SECOND_ROLE,), (Need.TWO_DIGITS,)
_OTHERS: tuple[tuple[str, str, Bystander, tuple[Need, ...]], ...] = (
    ("all", "every other instance of the deployment", _same_deployment, _SECOND),
    ("neighbour", "the next instance", _neighbour, _SECOND),
    ("same-role", "every instance of the same role", _same_role, _SECOND),
    ("other-role", "every instance of another role", _other_role, _ROLES),
    ("prefix", "every instance whose name begins alike", _begins_alike, _DIGITS),
    ("first", "the first instance", _first, _SECOND),
)
for _name, _words, _which, _needs in _OTHERS:
    Slip(f"others-go-offline[{_name}]", OTHERS, f"{_words} goes offline as well", needs=_needs).by(_affected(_which))
    Slip(f"others-stay-offline[{_name}]", OTHERS, f"{_words} goes offline for good", also=(ONLINE,), needs=_needs).by(
        _affected(_which, "StoppedVM", for_ever=True)
    )
    Slip(f"others-unready[{_name}]", OTHERS, f"{_words} is BusyRole during a reimage", needs=_needs).by(
        _affected(_which, "BusyRole")
    )


def _guest(effect: Callable[[Call, Instance], Any]) -> Change:
    return instead(write_guest, lambda _, call, instance: effect(call, instance))


def _writing(parts: str, began: Test = lambda _: True) -> Change:
    """Does only these parts of a reimage that `began` so: f(resh installation), o(ther data), l(ocal storage)."""

    def effect(original: Callable[..., None], call: Call, instance: Instance) -> None:
        if instance.operation is None or not began(instance.operation):
            original(call, instance)
            return
        if "f" in parts:
            instance.installation_id = fresh_id(call.state.random)
        if "o" in parts:
            instance.other_data.clear()
        if "l" in parts:
            instance.local_storage.clear()

    return instead(write_guest, effect)


Slip("guest-not-fresh", FRESH, "a reimage{} leaves the installation as it is").at(
    _WHERE, lambda place: _writing("o", place.began)
)
Slip("other-data-kept", DATA, "a reimage{} keeps data outside the local storage").at(
    _WHERE, lambda place: _writing("f", place.began)
)
Slip("local-storage-lost", LOCAL, "a reimage{} loses the local storage").at(
    _WHERE, lambda place: _writing("fol", place.began)
)
Slip("reimage-does-nothing", FRESH, "a reimage does nothing to the guest", also=(DATA,)).by(
    gives(guest_due, value=False)
)
Slip("reimage-only-reboots", FRESH, "a reimage is a reboot: the guest keeps everything", also=(DATA,)).by(
    skips(write_guest)
)


def _wrong_guest(call: Call, instance: Instance) -> None:
    for deployment in call.world.deployments:
        names = list(deployment.instances)
        if deployment.instances.get(instance.name) is instance:
            other = deployment.instances[names[(names.index(instance.name) + 1) % len(names)]]
            other.installation_id = fresh_id(call.state.random)
            other.other_data.clear()


def _every_guest(call: Call, instance: Instance) -> None:
    for deployment in call.world.deployments:
        if deployment.instances.get(instance.name) is instance:
            for each in deployment.instances.values():
                each.installation_id = fresh_id(call.state.random)
                each.other_data.clear()


def _namesakes(call: Call, instance: Instance) -> None:
    for deployment in call.world.deployments:
        if instance.name in deployment.instances:
            deployment.instances[instance.name].installation_id = fresh_id(call.state.random)
            deployment.instances[instance.name].other_data.clear()


Slip(
    "wrong-guest-written",
    FRESH,
    "the next instance's guest is written afresh instead",
    also=(DATA, OTHERS),
    needs=(Need.SECOND_INSTANCE,),
).by(_guest(_wrong_guest))
Slip(
    "every-guest-written",
    OTHERS,
    "the guest of every instance of the deployment is written afresh",
    needs=(Need.SECOND_INSTANCE, Need.PROBE),
).by(_guest(_every_guest))
Slip(
    "namesakes-written",
    OTHERS,
    "the guests of all instances of the same name, in whatever deployment, are written afresh",
    needs=(Need.NAMESAKES, Need.PROBE),
).by(_guest(_namesakes))
Slip("failed-reimage-writes", FRESH, "only a reimage that fails writes the guest afresh", also=(DATA,)).by(
    instead(guest_due, lambda _, __, operation: operation.instance.failing)
)
Slip(
    "other-data-swapped-for-local", DATA, "a reimage loses the local storage and keeps the other data", also=(LOCAL,)
).by(_writing("fl"))
