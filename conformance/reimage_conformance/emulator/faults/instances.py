"""Faults in what a reimage does to the role instance, its guest, and those around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reimage_conformance.emulator.departures import Change, gives, instead, skips
from reimage_conformance.emulator.documents import Node
from reimage_conformance.emulator.faults.registry import fault
from reimage_conformance.emulator.needs import Need, needs_of
from reimage_conformance.emulator.observation import instance_list, instance_node
from reimage_conformance.emulator.operations import guest_due, instance_status, write_guest
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

_WHICH: tuple[tuple[str, str, Test], ...] = (
    ("", "", lambda _: True),
    ("[slot]", " by slot", lambda operation: operation.form == "slot"),
    ("[name]", " by name", lambda operation: operation.form == "name"),
    ("[staging]", " in staging", lambda operation: operation.deployment.slot == "staging"),
    ("[worker role]", " of a worker role", lambda operation: "Worker" in operation.instance.role),
    ("[second]", " for the second time", lambda operation: operation.sequel),
)


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


for _suffix, _how, _test in _WHICH:
    fault(
        f"stays-online{_suffix}",
        OFFLINE,
        f"an instance reimaged{_how} stays ReadyRole",
        _while_away(_test, "ReadyRole"),
        needs=needs_of(_suffix),
    )
    fault(
        f"stays-offline{_suffix}",
        ONLINE,
        f"an instance reimaged{_how} never becomes ReadyRole again",
        _ever_after(_test, "StoppedVM"),
        needs=needs_of(_suffix),
    )
for _word in ("BusyRole", "RoleStateUnknown", "StartingRole", "CreatingVM"):
    fault(f"stays-away[{_word}]", ONLINE, f"a reimaged instance stays {_word}", _ever_after(lambda _: True, _word))


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


fault(
    "renamed", NAME, "a reimaged instance has another name", _node(_said(1, lambda instance: f"{instance.role}_IN_99"))
)
fault(
    "renamed-while-away",
    NAME,
    "an instance has another name from its reimage on",
    _node(_said(1, lambda instance: f"{instance.name}_old"), during=True),
)
fault(
    "renamed-in-lower-case",
    NAME,
    "a reimaged instance has its name in lower case",
    _node(_said(1, lambda instance: instance.name.lower())),
)
fault("role-changed", NAME, "a reimaged instance is of another role", _node(_said(0, lambda _: "OtherRole1")))
fault(
    "role-lost", NAME, "a reimaged instance is of no role", _node(_said(0, lambda _: "")), also=("REQ-DEPL-INSTANCES",)
)


def _gone(original: Callable[..., Node], call: Call, deployment: Deployment) -> Node:
    gone = {each.name for each in deployment.instances.values() if _reimaged(each, call)}
    listed = original(call, deployment)
    return Node(listed.name, tuple(each for each in listed.children if each.children[1].content not in gone))


fault(
    "gone-after-reimage",
    NAME,
    "a reimaged instance is no longer listed",
    instead(instance_list, _gone),
    also=(ONLINE, "REQ-DEPL-INSTANCES"),
)


def _affected(others: Callable[[Instance, Operation], bool], word: str = "", *, for_ever: bool = False) -> Change:
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


_OTHERS: tuple[tuple[str, str, Callable[[Instance, Operation], bool], tuple[Need, ...]], ...] = (
    ("all", "every other instance of the deployment", _same_deployment, (Need.SECOND_INSTANCE,)),
    ("neighbour", "the next instance", _neighbour, (Need.SECOND_INSTANCE,)),
    (
        "same-role",
        "every instance of the same role",
        lambda instance, operation: _same_deployment(instance, operation) and instance.role == operation.instance.role,
        (Need.SECOND_INSTANCE,),
    ),
    (
        "other-role",
        "every instance of another role",
        lambda instance, operation: _same_deployment(instance, operation) and instance.role != operation.instance.role,
        (Need.SECOND_ROLE,),
    ),
    (
        "prefix",
        "every instance whose name begins alike",
        lambda instance, operation: (
            _same_deployment(instance, operation) and instance.name.startswith(operation.instance.name)
        ),
        (Need.TWO_DIGITS,),
    ),
    (
        "first",
        "the first instance",
        lambda instance, operation: next(iter(operation.deployment.instances.values())) is instance,
        (Need.SECOND_INSTANCE,),
    ),
)
for _name, _summary, _which, _needs in _OTHERS:
    fault(f"others-go-offline[{_name}]", OTHERS, f"{_summary} goes offline as well", _affected(_which), needs=_needs)
    fault(
        f"others-stay-offline[{_name}]",
        OTHERS,
        f"{_summary} goes offline for good",
        _affected(_which, "StoppedVM", for_ever=True),
        also=(ONLINE,),
        needs=_needs,
    )
    fault(
        f"others-unready[{_name}]",
        OTHERS,
        f"{_summary} is BusyRole during a reimage",
        _affected(_which, "BusyRole"),
        needs=_needs,
    )


def _guest(effect: Callable[[Call, Instance], Any]) -> Change:
    return instead(write_guest, lambda _, call, instance: effect(call, instance))


def _writing(parts: str, test: Callable[[Instance], bool] = lambda _: True) -> Change:
    """Does only these parts of a reimage where `test` holds: f(resh installation), o(ther data), l(ocal storage)."""

    def effect(original: Callable[..., None], call: Call, instance: Instance) -> None:
        if not test(instance):
            original(call, instance)
            return
        if "f" in parts:
            instance.installation_id = fresh_id(call.state.random)
        if "o" in parts:
            instance.other_data.clear()
        if "l" in parts:
            instance.local_storage.clear()

    return instead(write_guest, effect)


def _if_operation(test: Test) -> Callable[[Instance], bool]:
    return lambda instance: instance.operation is not None and test(instance.operation)


for _suffix, _how, _test in _WHICH:
    fault(
        f"guest-not-fresh{_suffix}",
        FRESH,
        f"a reimage{_how} leaves the installation as it is",
        _writing("o", _if_operation(_test)),
        needs=needs_of(_suffix),
    )
    fault(
        f"other-data-kept{_suffix}",
        DATA,
        f"a reimage{_how} keeps data outside the local storage",
        _writing("f", _if_operation(_test)),
        needs=needs_of(_suffix),
    )
    fault(
        f"local-storage-lost{_suffix}",
        LOCAL,
        f"a reimage{_how} loses the local storage",
        _writing("fol", _if_operation(_test)),
        needs=needs_of(_suffix),
    )
fault("reimage-does-nothing", FRESH, "a reimage does nothing to the guest", gives(guest_due, value=False), also=(DATA,))
fault(
    "reimage-only-reboots", FRESH, "a reimage is a reboot: the guest keeps everything", skips(write_guest), also=(DATA,)
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


fault(
    "wrong-guest-written",
    FRESH,
    "the next instance's guest is written afresh instead",
    _guest(_wrong_guest),
    also=(DATA, OTHERS),
    needs=(Need.SECOND_INSTANCE,),
)
fault(
    "every-guest-written",
    OTHERS,
    "the guest of every instance of the deployment is written afresh",
    _guest(_every_guest),
    needs=(Need.SECOND_INSTANCE, Need.PROBE),
)
fault(
    "namesakes-written",
    OTHERS,
    "the guests of all instances of the same name, in whatever deployment, are written afresh",
    _guest(_namesakes),
    needs=(Need.NAMESAKES, Need.PROBE),
)
fault(
    "failed-reimage-writes",
    FRESH,
    "only a reimage that fails writes the guest afresh",
    instead(guest_due, lambda _, __, operation: operation.instance.failing),
    also=(DATA,),
)
fault(
    "other-data-swapped-for-local",
    DATA,
    "a reimage loses the local storage and keeps the other data",
    _writing("fl"),
    also=(LOCAL,),
)
