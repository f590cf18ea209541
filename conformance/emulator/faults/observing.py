"""Faults in Get Deployment and Get Cloud Service Properties: how they are reached and what their documents hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from conformance.emulator.admission import earliest_version
from conformance.emulator.departures import Change, When, always, edits, gives, instead
from conformance.emulator.documents import Node
from conformance.emulator.faults.conditions import both, kind_is, refusal_edit, refused_with, reply_edit, reply_set
from conformance.emulator.faults.registry import fault
from conformance.emulator.messages import Call, Route
from conformance.emulator.observation import (
    deployment_document,
    details_wanted,
    element_available,
    embedded_deployment,
    instance_list,
    instance_node,
    service_document,
)
from conformance.emulator.operations import instance_status
from conformance.emulator.routing import read_segments

URI, PROPS, ROOT, INSTANCES = "REQ-DEPL-URI", "REQ-PROPS-URI", "REQ-DEPL-ROOT", "REQ-DEPL-INSTANCES"
Edit = Callable[[Node], Node]
_READING = kind_is("deployment", "service")


def _form(form: str) -> When:
    return lambda call: call.kind == "deployment" and call.form == form


def _unrouted(kind: str, form: str, _: Call, route: Route) -> Route:
    return Route(route.subscription) if (route.kind, route.form) == (kind, form) else route


for _name in ("slot", "name"):
    fault(
        f"deployment-unrouted[{_name}]",
        URI,
        f"Get Deployment by {_name} leads nowhere",
        edits(read_segments, partial(_unrouted, "deployment", _name)),
    )
    fault(
        f"deployment-id-missing[{_name}]",
        URI,
        f"Get Deployment by {_name} carries no request id",
        reply_edit(reply_set(request_id=""), "deployment", when=_form(_name)),
    )
    for _status in (201, 202, 203):
        fault(
            f"deployment-status[{_name}:{_status}]",
            URI,
            f"Get Deployment by {_name} is answered {_status}",
            reply_edit(reply_set(status=_status), "deployment", when=_form(_name)),
        )
for _minimum in ("2010-10-28", "2011-06-01"):
    fault(
        f"deployment-version-raised[{_minimum}]",
        URI,
        f"Get Deployment needs {_minimum}",
        gives(earliest_version, _minimum, kind_is("deployment")),
    )
    fault(
        f"service-version-raised[{_minimum}]",
        PROPS,
        f"Get Cloud Service Properties needs {_minimum}",
        gives(earliest_version, _minimum, kind_is("service")),
    )
fault(
    "service-unrouted",
    PROPS,
    "Get Cloud Service Properties leads nowhere",
    edits(read_segments, partial(_unrouted, "service", "")),
)
fault("details-ignored", PROPS, "embed-detail is ignored", gives(details_wanted, value=False))
fault("details-always", PROPS, "the deployments come without being asked for", gives(details_wanted, value=True))
fault(
    "details-by-presence",
    PROPS,
    "embed-detail=false asks for the deployments as well",
    instead(details_wanted, lambda _, call: bool(call.route.parameters("embed-detail"))),
)
fault(
    "details-of-production-only",
    PROPS,
    "staging is missing from the details",
    instead(
        service_document,
        lambda original, call, given: original(call, [each for each in given if each.slot == "production"]),
    ),
)
fault(
    "details-without-instances",
    PROPS,
    "the details have no role instances",
    edits(embedded_deployment, lambda _, root: _without("RoleInstanceList")(root)),
    also=(INSTANCES,),
)
fault(
    "details-lack-the-last-instance",
    PROPS,
    "the details lack the last role instance",
    edits(
        embedded_deployment,
        lambda _, root: _inside("RoleInstanceList", lambda node: Node(node.name, node.children[:-1]))(root),
    ),
    also=(INSTANCES,),
)


def _called(name: str) -> Edit:
    return lambda root: Node(name, root.content)


def _without(*names: str) -> Edit:
    return lambda root: Node(root.name, tuple(each for each in root.children if each.name not in names))


def _inside(name: str, edit: Edit) -> Edit:
    return lambda root: Node(root.name, tuple(edit(each) if each.name == name else each for each in root.children))


def _said(name: str, text: str) -> Edit:
    return _inside(name, lambda node: Node(node.name, text))


def _deployment(edit: Edit, when: When = always) -> Change:
    return edits(deployment_document, lambda _, root: edit(root), when)


for _name in ("Name", "DeploymentSlot", "PrivateID", "Status", "Label", "Url", "Configuration", "RoleInstanceList"):
    fault(
        f"deployment-lacks[{_name}]",
        ROOT,
        f"a deployment has no {_name}",
        _deployment(_without(_name)),
        also=(INSTANCES, "REQ-REIMAGE-ONLINE", "REQ-REIMAGE-OFFLINE"),
    )
for _name in ("deployment", "Deployments", "HostedServiceDeployment"):
    fault(
        f"deployment-root[{_name}]",
        ROOT,
        f"the root of a deployment is {_name}",
        _deployment(_called(_name), kind_is("deployment")),
        also=(INSTANCES,),
    )
fault(
    "deployment-name-wrong",
    ROOT,
    "Name is the cloud service's",
    edits(deployment_document, lambda call, root: _said("Name", call.route.service)(root)),
)
fault("deployment-name-empty", ROOT, "Name is empty", _deployment(_said("Name", "")))
for _slot in ("Production", "Staging", "prod", ""):
    fault(
        f"deployment-slot-always[{_slot}]",
        ROOT,
        f"DeploymentSlot is always {_slot!r}",
        _deployment(_said("DeploymentSlot", _slot)),
    )


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
        _instance(_without(_name)),
        also=("REQ-REIMAGE-ONLINE", "REQ-REIMAGE-OFFLINE"),
    )
    fault(
        f"instance-empty[{_name}]",
        INSTANCES,
        f"{_name} is empty",
        _instance(_said(_name, "")),
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
)
fault("instances-twice", INSTANCES, "every role instance is listed twice", _listed(lambda nodes: nodes * 2))
fault(
    "instances-at-most-ten", INSTANCES, "no more than ten role instances are listed", _listed(lambda nodes: nodes[:10])
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
    fault(f"power-value[{_word}]", "REQ-DEPL-POWER", f"PowerState is {_word!r}", _instance(_said("PowerState", _word)))
for _status in (200, 204, 400, 409):
    fault(
        f"empty-slot-status[{_status}]",
        "REQ-DEPL-EMPTY-SLOT",
        f"Get Deployment of an empty slot is answered {_status}",
        refusal_edit(refused_with(status=_status), "slot", when=kind_is("deployment")),
        also=("REQ-ERR-STATUS",) if _status < 400 else (),
    )
fault(
    "empty-slot-code",
    "REQ-DEPL-EMPTY-SLOT",
    "Get Deployment of an empty slot gives the code BadRequest",
    refusal_edit(refused_with(code="BadRequest"), "slot", when=kind_is("deployment")),
)
