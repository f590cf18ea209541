"""Faults in the list of role instances: its members, their elements by version, their statuses."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reimage_conformance.emulator.conditions import both, kind_is
from reimage_conformance.emulator.departures import Change, When, always, edits, gives, instead
from reimage_conformance.emulator.documents import Node
from reimage_conformance.emulator.faults.deployments.observing import INSTANCES, Edit, with_text, without
from reimage_conformance.emulator.faults.registry import Slip
from reimage_conformance.emulator.needs import Need
from reimage_conformance.emulator.observation import (
    element_available,
    instance_list,
    instance_node,
)
from reimage_conformance.emulator.operations import instance_status

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.emulator.messages import Call
    from reimage_conformance.emulator.world import Deployment

GATED, VALUES, DETAILS = "REQ-VER-GATED-ELEMENTS", "REQ-DEPL-STATUS-VALUES", "REQ-PROPS-URI"
_READING = kind_is("deployment", "service")


def _heading(order: tuple[int, ...]) -> Edit:
    """An edit that puts the first three elements of a role instance into this order."""
    return lambda node: Node(node.name, (*(node.children[each] for each in order), *node.children[3:]))


def _instance(edit: Edit) -> Change:
    return edits(instance_node, lambda _, node: edit(node))


_HEADING = ("RoleName", "InstanceName", "InstanceStatus")
Slip("instance-lacks", INSTANCES, "a role instance has no {}", also=("REQ-REIMAGE-ONLINE", "REQ-REIMAGE-OFFLINE")).each(
    _HEADING, lambda name: _instance(without(name))
)
Slip("instance-empty", INSTANCES, "{} is empty", also=(VALUES, "REQ-REIMAGE-ONLINE")).each(
    _HEADING, lambda name: _instance(with_text(name, ""))
)
Slip("instance-order", INSTANCES, "a role instance begins with {}").table(
    lambda order: _instance(_heading(order)),
    ("102", "InstanceName, RoleName, InstanceStatus", (1, 0, 2)),
    ("021", "RoleName, InstanceStatus, InstanceName", (0, 2, 1)),
    ("210", "InstanceStatus, InstanceName, RoleName", (2, 1, 0)),
)
Slip("instance-heading-last", INSTANCES, "RoleName, InstanceName and InstanceStatus come last").by(
    _instance(lambda node: Node(node.name, (*node.children[3:], *node.children[:3])))
)


def _listed(edit: Callable[[tuple[Node, ...]], tuple[Node, ...]], when: When = always) -> Change:
    return edits(instance_list, lambda _, node: Node(node.name, edit(node.children)), when)


Slip("instances-lack-the-last", INSTANCES, "the last role instance is missing", also=(DETAILS,)).by(
    _listed(lambda nodes: nodes[:-1])
)
Slip(
    "instances-lack-workers",
    INSTANCES,
    "role instances of worker roles are missing",
    needs=(Need.WORKER_ROLE,),
    also=(DETAILS,),
).by(_listed(lambda nodes: tuple(each for each in nodes if "Web" in str(each.children[0].content))))
Slip("instances-twice", INSTANCES, "every role instance is listed twice").by(_listed(lambda nodes: nodes * 2))


def _twice_while_away(original: Callable[..., Node], call: Call, deployment: Deployment) -> Node:
    away = [each for each in deployment.instances.values() if instance_status(call, each) != "ReadyRole"]
    return original(call, deployment).with_more(*(instance_node(call, deployment, each) for each in away))


Slip("instances-twice[while-away]", INSTANCES, "a role instance is listed twice while it is reimaged").by(
    instead(instance_list, _twice_while_away)
)
Slip(
    "instances-at-most-ten",
    INSTANCES,
    "no more than ten role instances are listed",
    needs=(Need.ELEVEN_INSTANCES,),
    also=(DETAILS,),
).by(_listed(lambda nodes: nodes[:10]))
Slip("instances-none", INSTANCES, "no role instances are listed").by(_listed(lambda _: ()))
Slip("instances-renamed", INSTANCES, "role instances are elements called Instance").by(
    _listed(lambda nodes: tuple(replace(each, name="Instance") for each in nodes))
)


def _always_there(element: str) -> Change:
    return instead(element_available, lambda original, call, name: name == element or original(call, name))


Slip("element-too-early", "REQ-DEPL-VERSIONS", "{}", also=(GATED,)).table(
    _always_there,
    *(
        (name, f"{name} is there before {first}", name)
        for name, first in {
            "InstanceUpgradeDomain": "2011-06-01",
            "InstanceFaultDomain": "2011-06-01",
            "InstanceSize": "2011-06-01",
            "InstanceStateDetails": "2011-06-01",
            "InstanceErrorCode": "2011-10-01",
            "IpAddress": "2012-03-01",
            "GuestAgentStatus": "2014-04-01",
            "ExtendedInstanceStatus": "2015-05-01",
        }.items()
    ),
)
Slip(
    "elements-not-gated",
    GATED,
    "all elements are there in every version",
    also=("REQ-DEPL-VERSIONS",),
).by(gives(element_available, value=True))
Slip(
    "elements-not-gated-in-details",
    GATED,
    "all elements are in Get Cloud Service Properties in every version",
    also=("REQ-DEPL-VERSIONS",),
).by(gives(element_available, value=True, when=kind_is("service")))


def _status_while_away(word: str, when: When = always) -> Change:
    return edits(instance_status, lambda _, status: status if status == "ReadyRole" else word, both(_READING, when))


Slip("status-value", VALUES, "an instance that is being reimaged is {!r}").each(
    ("Reimaging", "Ready", "readyrole", "Offline", "Rebooting", "0"), _status_while_away
)
Slip(
    "status-value-of-ready[Running]",
    VALUES,
    "an instance that is ready is Running",
    also=("REQ-REIMAGE-ONLINE",),
).by(edits(instance_status, lambda _, status: "Running" if status == "ReadyRole" else status, _READING))
Slip("status-gate", "REQ-DEPL-STATUS-GATES", "{name} is reported {}").table(
    lambda gate: _status_while_away(*gate),
    ("CyclingRole", "after 2014-02-01", ("CyclingRole", lambda call: call.version > "2014-02-01")),
    ("StoppedDeallocated", "before 2013-06-01", ("StoppedDeallocated", lambda call: call.version < "2013-06-01")),
    ("Preparing", "before 2014-05-01", ("Preparing", lambda call: call.version < "2014-05-01")),
)
Slip("power-value", "REQ-DEPL-POWER", "PowerState is {!r}").each(
    ("Running", "On", "started", ""), lambda word: _instance(with_text("PowerState", word))
)
