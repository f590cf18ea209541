"""Faults in the list of role instances: its members, their elements by version, their statuses."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reimage_conformance.emulator.conditions import both, kind_is
from reimage_conformance.emulator.departures import Change, When, always, edits, gives, instead
from reimage_conformance.emulator.documents import Node
from reimage_conformance.emulator.faults.deployments.observing import INSTANCES, Edit, said, without
from reimage_conformance.emulator.faults.registry import fault
from reimage_conformance.emulator.needs import Need
from reimage_conformance.emulator.observation import (
    element_available,
    instance_list,
    instance_node,
)
from reimage_conformance.emulator.operations import instance_status

if TYPE_CHECKING:
    from collections.abc import Callable

_READING = kind_is("deployment", "service")


def _heading(order: tuple[int, ...]) -> Edit:
    return lambda node: Node(node.name, (*(node.children[each] for each in order), *node.children[3:]))


def _instance(edit: Edit) -> Change:
    return edits(instance_node, lambda _, node: edit(node))


_HEADING = ("RoleName", "InstanceName", "InstanceStatus")
for _name in _HEADING:
    fault(
        f"instance-lacks[{_name}]",
        INSTANCES,
        f"a role instance has no {_name}",
        _instance(without(_name)),
        also=("REQ-REIMAGE-ONLINE", "REQ-REIMAGE-OFFLINE"),
    )
    fault(
        f"instance-empty[{_name}]",
        INSTANCES,
        f"{_name} is empty",
        _instance(said(_name, "")),
        also=("REQ-DEPL-STATUS-VALUES", "REQ-REIMAGE-ONLINE"),
    )
for _order in ((1, 0, 2), (0, 2, 1), (2, 1, 0)):
    fault(
        f"instance-order[{''.join(map(str, _order))}]",
        INSTANCES,
        "a role instance begins with " + ", ".join(_HEADING[each] for each in _order),
        _instance(_heading(_order)),
    )
fault(
    "instance-heading-last",
    INSTANCES,
    "RoleName, InstanceName and InstanceStatus come last",
    _instance(lambda node: Node(node.name, (*node.children[3:], *node.children[:3]))),
)


def _listed(edit: Callable[[tuple[Node, ...]], tuple[Node, ...]], when: When = always) -> Change:
    return edits(instance_list, lambda _, node: Node(node.name, edit(node.children)), when)


fault("instances-lack-the-last", INSTANCES, "the last role instance is missing", _listed(lambda nodes: nodes[:-1]))
fault(
    "instances-lack-workers",
    INSTANCES,
    "role instances of worker roles are missing",
    _listed(lambda nodes: tuple(each for each in nodes if "Web" in str(each.children[0].content))),
    needs=(Need.WORKER_ROLE,),
)
fault("instances-twice", INSTANCES, "every role instance is listed twice", _listed(lambda nodes: nodes * 2))
fault(
    "instances-at-most-ten",
    INSTANCES,
    "no more than ten role instances are listed",
    _listed(lambda nodes: nodes[:10]),
    needs=(Need.ELEVEN_INSTANCES,),
)
fault("instances-none", INSTANCES, "no role instances are listed", _listed(lambda _: ()))
fault(
    "instances-renamed",
    INSTANCES,
    "role instances are elements called Instance",
    _listed(lambda nodes: tuple(replace(each, name="Instance") for each in nodes)),
)

for _name, _first in {
    "InstanceUpgradeDomain": "2011-06-01",
    "InstanceFaultDomain": "2011-06-01",
    "InstanceSize": "2011-06-01",
    "InstanceStateDetails": "2011-06-01",
    "InstanceErrorCode": "2011-10-01",
    "IpAddress": "2012-03-01",
    "GuestAgentStatus": "2014-04-01",
    "ExtendedInstanceStatus": "2015-05-01",
}.items():
    fault(
        f"element-too-early[{_name}]",
        "REQ-DEPL-VERSIONS",
        f"{_name} is there before {_first}",
        instead(element_available, lambda original, call, name, mine=_name: name == mine or original(call, name)),
        also=("REQ-VER-GATED-ELEMENTS",),
    )
fault(
    "elements-not-gated",
    "REQ-VER-GATED-ELEMENTS",
    "all elements are there in every version",
    gives(element_available, value=True),
    also=("REQ-DEPL-VERSIONS",),
)
fault(
    "elements-not-gated-in-details",
    "REQ-VER-GATED-ELEMENTS",
    "all elements are in the details in every version",
    gives(element_available, value=True, when=kind_is("service")),
    also=("REQ-DEPL-VERSIONS",),
)


def _status_while_away(word: str, when: When = always) -> Change:
    return edits(instance_status, lambda _, status: status if status == "ReadyRole" else word, both(_READING, when))


for _word in ("Reimaging", "Ready", "readyrole", "Offline", "Rebooting", "0"):
    fault(
        f"status-value[{_word}]",
        "REQ-DEPL-STATUS-VALUES",
        f"an instance that is being reimaged is {_word!r}",
        _status_while_away(_word),
    )
fault(
    "status-value-of-ready[Running]",
    "REQ-DEPL-STATUS-VALUES",
    "an instance that is ready is Running",
    edits(instance_status, lambda _, status: "Running" if status == "ReadyRole" else status, _READING),
    also=("REQ-REIMAGE-ONLINE",),
)
for _word, _summary, _when in (
    ("CyclingRole", "after 2014-02-01", lambda call: call.version > "2014-02-01"),
    ("StoppedDeallocated", "before 2013-06-01", lambda call: call.version < "2013-06-01"),
    ("Preparing", "before 2014-05-01", lambda call: call.version < "2014-05-01"),
):
    fault(
        f"status-gate[{_word}]",
        "REQ-DEPL-STATUS-GATES",
        f"{_word} is reported {_summary}",
        _status_while_away(_word, _when),
    )
for _word in ("Running", "On", "started", ""):
    fault(f"power-value[{_word}]", "REQ-DEPL-POWER", f"PowerState is {_word!r}", _instance(said("PowerState", _word)))
