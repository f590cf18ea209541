"""Faults in Get Deployment and Get Cloud Service Properties: how they are reached and what their documents hold."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from reimage_conformance.emulator.admission import earliest_version
from reimage_conformance.emulator.conditions import kind_is, refusal_edit, refused_with, reply_edit, reply_set
from reimage_conformance.emulator.departures import Change, When, always, edits, gives, instead
from reimage_conformance.emulator.documents import Node
from reimage_conformance.emulator.faults.registry import fault
from reimage_conformance.emulator.messages import Call, Route
from reimage_conformance.emulator.needs import Need
from reimage_conformance.emulator.observation import (
    deployment_document,
    details_wanted,
    embedded_deployment,
    service_document,
)
from reimage_conformance.emulator.operations import conflicting_operation
from reimage_conformance.emulator.routing import read_segments

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
fault(
    "deployment-non-authoritative",
    URI,
    "Get Deployment is answered 203, however it is asked",
    reply_edit(reply_set(status=203), "deployment", when=kind_is("deployment")),
)
for _minimum in ("2010-10-28", "2011-06-01"):
    fault(
        f"deployment-version-raised[{_minimum}]",
        URI,
        f"Get Deployment needs {_minimum}",
        gives(earliest_version, _minimum, kind_is("deployment")),
    )
fault(
    "service-version-raised[2011-06-01]",
    PROPS,
    "Get Cloud Service Properties needs 2011-06-01",
    gives(earliest_version, "2011-06-01", kind_is("service")),
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
    needs=(Need.STAGING,),
)
fault(
    "details-without-instances",
    PROPS,
    "the details have no role instances",
    edits(embedded_deployment, lambda _, root: without("RoleInstanceList")(root)),
    also=(INSTANCES,),
)
fault(
    "details-lack-the-last-instance",
    PROPS,
    "the details lack the last role instance",
    edits(
        embedded_deployment,
        lambda _, root: inside("RoleInstanceList", lambda node: Node(node.name, node.children[:-1]))(root),
    ),
    also=(INSTANCES,),
)


def _called(name: str) -> Edit:
    return lambda root: Node(name, root.content)


def without(*names: str) -> Edit:
    """Leaves out children."""
    return lambda root: Node(root.name, tuple(each for each in root.children if each.name not in names))


def inside(name: str, edit: Edit) -> Edit:
    """Edits the children of one name."""
    return lambda root: Node(root.name, tuple(edit(each) if each.name == name else each for each in root.children))


def said(name: str, text: str) -> Edit:
    """Gives the children of one name another text."""
    return inside(name, lambda node: Node(node.name, text))


def _deployment(edit: Edit, when: When = always) -> Change:
    return edits(deployment_document, lambda _, root: edit(root), when)


for _name in ("Name", "DeploymentSlot", "PrivateID", "Status", "Label", "Url", "Configuration", "RoleInstanceList"):
    fault(
        f"deployment-lacks[{_name}]",
        ROOT,
        f"a deployment has no {_name}",
        _deployment(without(_name)),
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
    edits(deployment_document, lambda call, root: said("Name", call.route.service)(root)),
)
fault("deployment-name-empty", ROOT, "Name is empty", _deployment(said("Name", "")))
for _slot in ("Production", "Staging", "prod", ""):
    fault(
        f"deployment-slot-always[{_slot}]",
        ROOT,
        f"DeploymentSlot is always {_slot!r}",
        _deployment(said("DeploymentSlot", _slot)),
        needs=(Need.STAGING,) if _slot == "Production" else (),
    )


def _busy(call: Call) -> bool:
    return call.kind == "deployment" and conflicting_operation(call) is not None


for _status in (204, 500):
    fault(
        f"deployment-status-while-busy[{_status}]",
        "REQ-DEPL-URI",
        f"Get Deployment is answered {_status} while a reimage runs in it",
        reply_edit(reply_set(status=_status, body=b""), "deployment", when=_busy),
        also=("REQ-REIMAGE-OFFLINE", "REQ-ERR-STATUS"),
    )
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
