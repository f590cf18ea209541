"""Faults in what a reimage does to the role instance, its guest, and other instances."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from reimage_conformance.emulator.departures import Change, gives, instead, skips
from reimage_conformance.emulator.documents import Node
from reimage_conformance.emulator.faults.registry import Slip
from reimage_conformance.emulator.needs import Need
from reimage_conformance.emulator.observation import instance_list, instance_node
from reimage_conformance.emulator.operations import guest_due, instance_status, write_guest
from reimage_conformance.emulator.places import FORMS, SECOND_TIME, STAGING, WORKER_ROLE
from reimage_conformance.emulator.world import fresh_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reimage_conformance.emulator.conditions import OperationTest
    from reimage_conformance.emulator.messages import Call
    from reimage_conformance.emulator.world import Deployment, Instance, Operation

OFFLINE, ONLINE, OTHERS, NAME = (
    "REQ-REIMAGE-OFFLINE",
    "REQ-REIMAGE-ONLINE",
    "REQ-REIMAGE-OTHERS-UNTOUCHED",
    "REQ-REIMAGE-SAME-NAME",
)
FRESH, LOCAL, DATA = "REQ-REIMAGE-FRESH-OS", "REQ-REIMAGE-LOCALSTORE", "REQ-REIMAGE-OTHERDATA-LOST"
Bystander = Callable[["Instance", "Operation"], bool]
"""Whether an instance is affected by an operation that reimages another one."""

_WHERE = (*FORMS, STAGING, WORKER_ROLE, SECOND_TIME)


def _while_away(test: OperationTest, word: str) -> Change:
    """Shows `word` as the status of an instance that is away because of an operation that passes `test`."""

    def status(original: Callable[..., str], call: Call, instance: Instance) -> str:
        seen = original(call, instance)
        return word if instance.operation is not None and test(instance.operation) and seen != "ReadyRole" else seen

    return instead(instance_status, status)


def _once_reimaged(test: OperationTest, word: str) -> Change:
    """Shows `word` in place of ReadyRole once an instance was reimaged by an operation that passes `test`."""

    def status(original: Callable[..., str], call: Call, instance: Instance) -> str:
        seen = original(call, instance)
        ended = instance.operation is not None and test(instance.operation) and seen == "ReadyRole"
        return word if ended else seen

    return instead(instance_status, status)


Slip("stays-online", OFFLINE, "an instance reimaged{} stays ReadyRole").at(
    _WHERE, lambda place: _while_away(place.covers, "ReadyRole")
)
Slip("stays-offline", ONLINE, "an instance reimaged{} never becomes ReadyRole again").at(
    _WHERE, lambda place: _once_reimaged(place.covers, "StoppedVM")
)
Slip("stays-away", ONLINE, "a reimaged instance stays {}").each(
    ("BusyRole", "RoleStateUnknown", "StartingRole", "CreatingVM"),
    lambda word: _once_reimaged(lambda _: True, word),
)


def _reimaged(instance: Instance, call: Call) -> bool:
    """Whether the latest reimage of an instance is over."""
    operation = instance.operation
    return operation is not None and call.now >= operation.ends_at


def _node(edit: Callable[[Node, Instance], Node], *, during: bool = False) -> Change:
    """Edits the RoleInstance of an instance once its reimage is over; with `during`, from the start of its reimage on."""

    def node(original: Callable[..., Node], call: Call, deployment: Deployment, instance: Instance) -> Node:
        given = original(call, deployment, instance)
        changed = instance.operation is not None if during else _reimaged(instance, call)
        return edit(given, instance) if changed else given

    return instead(instance_node, node)


def _child_text(position: int, text: Callable[[Instance], str]) -> Callable[[Node, Instance], Node]:
    """Gives the child at `position` (0 is RoleName, 1 InstanceName) another text."""

    def edit(node: Node, instance: Instance) -> Node:
        children = list(node.children)
        children[position] = replace(children[position], content=text(instance))
        return Node(node.name, tuple(children))

    return edit


# Each row gives the name and the sentence of a fault.
Slip("{}", NAME, "{}").rows(
    (
        "renamed",
        "a reimaged instance has another name",
        _node(_child_text(1, lambda instance: f"{instance.role}_IN_99")),
    ),
    (
        "renamed-while-away",
        "an instance has another name from its reimage on",
        _node(_child_text(1, lambda instance: f"{instance.name}_old"), during=True),
    ),
    (
        "renamed-in-lower-case",
        "a reimaged instance has its name in lower case",
        _node(_child_text(1, lambda instance: instance.name.lower())),
    ),
    ("role-changed", "a reimaged instance is of another role", _node(_child_text(0, lambda _: "OtherRole1"))),
)
Slip("role-lost", NAME, "a reimaged instance has an empty RoleName", also=("REQ-DEPL-INSTANCES",)).by(
    _node(_child_text(0, lambda _: ""))
)


def _without_reimaged(original: Callable[..., Node], call: Call, deployment: Deployment) -> Node:
    gone = {each.name for each in deployment.instances.values() if _reimaged(each, call)}
    listed = original(call, deployment)
    return Node(listed.name, tuple(each for each in listed.children if each.children[1].content not in gone))


Slip("gone-after-reimage", NAME, "a reimaged instance is no longer listed", also=(ONLINE, "REQ-DEPL-INSTANCES")).by(
    instead(instance_list, _without_reimaged)
)


def _affected(others: Bystander, word: str = "", *, for_ever: bool = False) -> Change:
    """Makes a reimage change the status of `others`: to the status of the reimaged instance, or to `word` where one is given.

    With `for_ever` it stays so when the reimage is over.
    """

    def status(original: Callable[..., str], call: Call, instance: Instance) -> str:
        for operation in reversed(call.world.operations.values()):
            away = original(call, operation.instance) if operation.instance.operation is operation else "ReadyRole"
            if operation.instance is not instance and others(instance, operation) and (for_ever or away != "ReadyRole"):
                return word or away
        return original(call, instance)

    return instead(instance_status, status)


def _next_instance(deployment: Deployment, name: str) -> Instance:
    """The instance listed after the one called `name`; after the last one, the first."""
    names = list(deployment.instances)
    return deployment.instances[names[(names.index(name) + 1) % len(names)]]


def _neighbour(instance: Instance, operation: Operation) -> bool:
    return instance is _next_instance(operation.deployment, operation.instance.name)


def _same_deployment(instance: Instance, operation: Operation) -> bool:
    return _is_in(operation.deployment, instance)


def _same_role(instance: Instance, operation: Operation) -> bool:
    return _same_deployment(instance, operation) and instance.role == operation.instance.role


def _other_role(instance: Instance, operation: Operation) -> bool:
    return _same_deployment(instance, operation) and instance.role != operation.instance.role


def _begins_alike(instance: Instance, operation: Operation) -> bool:
    return _same_deployment(instance, operation) and instance.name.startswith(operation.instance.name)


def _first(instance: Instance, operation: Operation) -> bool:
    return next(iter(operation.deployment.instances.values())) is instance


_BYSTANDERS: tuple[tuple[str, str, Bystander, Need], ...] = (
    ("all", "every other instance of the deployment", _same_deployment, Need.SECOND_INSTANCE),
    ("neighbour", "the next instance", _neighbour, Need.SECOND_INSTANCE),
    ("same-role", "every instance of the same role", _same_role, Need.SECOND_INSTANCE),
    ("other-role", "every instance of another role", _other_role, Need.SECOND_ROLE),
    ("prefix", "every instance whose name begins with the reimaged one's", _begins_alike, Need.TWO_DIGITS),
    ("first", "the first instance", _first, Need.SECOND_INSTANCE),
)
"""For each kind of instance that a reimage may affect: a word for names, words for sentences, a test, and what the world must hold."""
for _name, _words, _which, _need in _BYSTANDERS:
    Slip(f"others-go-offline[{_name}]", OTHERS, f"{_words} goes offline as well", needs=(_need,)).by(_affected(_which))
    Slip(f"others-stay-offline[{_name}]", OTHERS, f"{_words} goes offline for ever", also=(ONLINE,), needs=(_need,)).by(
        _affected(_which, "StoppedVM", for_ever=True)
    )
    Slip(f"others-unready[{_name}]", OTHERS, f"{_words} is BusyRole during a reimage", needs=(_need,)).by(
        _affected(_which, "BusyRole")
    )


def _fresh_installation(call: Call, instance: Instance) -> None:
    instance.installation_id = fresh_id(call.state.random)


def _other_data_cleared(_: Call, instance: Instance) -> None:
    instance.other_data.clear()


def _local_storage_cleared(_: Call, instance: Instance) -> None:
    instance.local_storage.clear()


def _only(*effects: Callable[[Call, Instance], None], of: OperationTest = lambda _: True) -> Change:
    """Makes a reimage have these effects alone, if its operation passes the test `of`."""

    def effect(original: Callable[..., None], call: Call, instance: Instance) -> None:
        if instance.operation is None or not of(instance.operation):
            original(call, instance)
            return
        for each in effects:
            each(call, instance)

    return instead(write_guest, effect)


Slip("guest-not-fresh", FRESH, "a reimage{} leaves the installation as it is").at(
    _WHERE, lambda place: _only(_other_data_cleared, of=place.covers)
)
Slip("other-data-kept", DATA, "a reimage{} keeps data outside the local storage").at(
    _WHERE, lambda place: _only(_fresh_installation, of=place.covers)
)
Slip("local-storage-lost", LOCAL, "a reimage{} loses the local storage").at(
    _WHERE, lambda place: _only(_fresh_installation, _other_data_cleared, _local_storage_cleared, of=place.covers)
)
Slip("reimage-does-nothing", FRESH, "a reimage does nothing to the guest", also=(DATA,)).by(
    gives(guest_due, value=False)
)
Slip("reimage-only-reboots", FRESH, "a reimage is a reboot: the guest keeps everything", also=(DATA,)).by(
    skips(write_guest)
)


def _guests_written(found: Callable[[Deployment, Instance], Iterable[Instance]]) -> Change:
    """Writes, for a reimage of an instance, fresh guests into the instances that `found` gives for each deployment."""

    def effect(_: Callable[..., None], call: Call, instance: Instance) -> None:
        for deployment in call.world.deployments:
            for each in found(deployment, instance):
                _fresh_installation(call, each)
                _other_data_cleared(call, each)

    return instead(write_guest, effect)


def _is_in(deployment: Deployment, instance: Instance) -> bool:
    return deployment.instances.get(instance.name) is instance


def _next_one(deployment: Deployment, instance: Instance) -> list[Instance]:
    return [_next_instance(deployment, instance.name)] if _is_in(deployment, instance) else []


def _whole_deployment(deployment: Deployment, instance: Instance) -> list[Instance]:
    return list(deployment.instances.values()) if _is_in(deployment, instance) else []


def _namesakes(deployment: Deployment, instance: Instance) -> list[Instance]:
    return [each for each in deployment.instances.values() if each.name == instance.name]


Slip(
    "wrong-guest-written",
    FRESH,
    "the next instance gets a fresh guest instead",
    also=(DATA, OTHERS),
    needs=(Need.SECOND_INSTANCE,),
).by(_guests_written(_next_one))
Slip(
    "every-guest-written",
    OTHERS,
    "every instance of the deployment gets a fresh guest",
    needs=(Need.SECOND_INSTANCE, Need.PROBE),
).by(_guests_written(_whole_deployment))
Slip(
    "namesakes-written",
    OTHERS,
    "all instances of the same name, in whatever deployment, get a fresh guest",
    needs=(Need.NAMESAKES, Need.PROBE),
).by(_guests_written(_namesakes))


def _status_of_any_namesake(original: Callable[..., str], call: Call, instance: Instance) -> str:
    """The status of an instance, or of one of the same name that is not at ReadyRole."""
    namesakes = [each for deployment in call.world.deployments for each in _namesakes(deployment, instance)]
    statuses = [original(call, each) for each in (instance, *namesakes)]
    return next((status for status in statuses if status != "ReadyRole"), "ReadyRole")


Slip(
    "namesakes-go-offline",
    OTHERS,
    "all instances of the same name, in whatever deployment, go offline",
    needs=(Need.NAMESAKES,),
).by(instead(instance_status, _status_of_any_namesake))
Slip("failed-reimage-writes", FRESH, "only a reimage that fails writes a fresh guest", also=(DATA,)).by(
    instead(guest_due, lambda _, __, operation: operation.instance.failing)
)
Slip(
    "other-data-swapped-for-local", DATA, "a reimage loses the local storage and keeps the other data", also=(LOCAL,)
).by(_only(_fresh_installation, _local_storage_cleared))
