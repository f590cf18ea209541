"""Faults in Get Deployment and Get Cloud Service Properties: their addresses, answers and documents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from reimage_conformance.emulator.admission import earliest_version, version_known
from reimage_conformance.emulator.conditions import (
    both,
    kind_is,
    refusal_edit,
    refusal_status,
    refused_with,
    reply_edit,
    reply_set,
    reply_status,
    version_is,
)
from reimage_conformance.emulator.departures import Change, When, always, edits, gives, instead
from reimage_conformance.emulator.documents import Node, namespace_of
from reimage_conformance.emulator.faults.registry import Slip
from reimage_conformance.emulator.messages import Call, Route
from reimage_conformance.emulator.needs import Need
from reimage_conformance.emulator.observation import (
    deployment_document,
    details_wanted,
    embedded_deployment,
    service_document,
)
from reimage_conformance.emulator.operations import conflicting_operation
from reimage_conformance.emulator.places import EACH_FORM
from reimage_conformance.emulator.routing import read_segments

URI, PROPS, ROOT, INSTANCES = "REQ-DEPL-URI", "REQ-PROPS-URI", "REQ-DEPL-ROOT", "REQ-DEPL-INSTANCES"
EMPTY, OLD_KEPT = "REQ-DEPL-EMPTY-SLOT", "REQ-VER-OLD-KEPT"
Edit = Callable[[Node], Node]


def _form(form: str) -> When:
    return lambda call: call.kind == "deployment" and call.form == form


def _unrouted(kind: str, form: str, _: Call, route: Route) -> Route:
    return Route(subscription=route.subscription) if (route.kind, route.form) == (kind, form) else route


_BY = tuple(replace(place, when=_form(place.word)) for place in EACH_FORM)
Slip("deployment-unrouted", URI, "Get Deployment{} leads to no resource").at(
    _BY, lambda place: edits(read_segments, partial(_unrouted, "deployment", place.word))
)
Slip("deployment-id-missing", URI, "Get Deployment{} carries no request id").at(
    _BY, lambda place: reply_edit(reply_set(request_id=""), "deployment", when=place.when)
)
for _place in _BY:
    Slip("deployment-status", URI, "Get Deployment{place} is answered {}").inside(_place).each(
        (201, 202, 203), reply_status("deployment", when=_place.when)
    )
Slip("deployment-non-authoritative", URI, "Get Deployment is answered 203, however it is asked").by(
    reply_edit(reply_set(status=203), "deployment", when=kind_is("deployment"))
)
Slip("deployment-version-raised", URI, "Get Deployment needs version {} or later").each(
    ("2010-10-28", "2011-06-01"), lambda least: gives(earliest_version, least, kind_is("deployment"))
)
Slip("service-version-raised[2011-06-01]", PROPS, "Get Cloud Service Properties needs version 2011-06-01 or later").by(
    gives(earliest_version, "2011-06-01", kind_is("service"))
)
Slip("deployment-version-dropped", OLD_KEPT, "Get Deployment does not accept version {}").each(
    ("2010-04-01", "2012-03-01"),
    lambda value: gives(version_known, value=False, when=both(kind_is("deployment"), version_is(value))),
)
Slip("service-unrouted", PROPS, "Get Cloud Service Properties leads to no resource").by(
    edits(read_segments, partial(_unrouted, "service", ""))
)
Slip(
    "deployment-namespace-of-a-later-version",
    "REQ-DEPL-ROOT",
    "from version 2012-03-01 on, Deployment is in another namespace",
    also=("REQ-XML-NS",),
).by(
    instead(
        namespace_of,
        lambda original, call, root: (
            f"{original(call, root)}/2012"
            if root.name == "Deployment" and call.version >= "2012-03-01"
            else original(call, root)
        ),
    )
)
Slip("details-ignored", PROPS, "embed-detail is ignored").by(gives(details_wanted, value=False))
Slip("details-always", PROPS, "the deployments come without being asked for").by(gives(details_wanted, value=True))
Slip("details-by-presence", PROPS, "embed-detail=false asks for the deployments as well").by(
    instead(details_wanted, lambda _, call: bool(call.route.parameters("embed-detail")))
)
Slip("details-of-production-only", PROPS, "staging is missing from the details", needs=(Need.STAGING,)).by(
    instead(
        service_document,
        lambda original, call, given: original(call, [each for each in given if each.slot == "production"]),
    )
)
Slip("details-without-instances", PROPS, "the details have no role instances", also=(INSTANCES,)).by(
    edits(embedded_deployment, lambda _, root: without("RoleInstanceList")(root))
)
Slip("details-lack-the-last-instance", PROPS, "the details lack the last role instance", also=(INSTANCES,)).by(
    edits(
        embedded_deployment,
        lambda _, root: inside("RoleInstanceList", lambda node: Node(node.name, node.children[:-1]))(root),
    )
)


def _renamed(name: str) -> Edit:
    return lambda root: Node(name, root.content)


def without(*names: str) -> Edit:
    """An edit that leaves out the children called one of `names`."""
    return lambda root: Node(root.name, tuple(each for each in root.children if each.name not in names))


def inside(name: str, edit: Edit) -> Edit:
    """An edit that applies `edit` to the children called `name`."""
    return lambda root: root.with_child_edited(name, edit)


def with_text(name: str, text: str) -> Edit:
    """An edit that gives the children called `name` another text."""
    return inside(name, lambda node: Node(node.name, text))


def _deployment(edit: Edit, when: When = always) -> Change:
    return edits(deployment_document, lambda _, root: edit(root), when)


Slip(
    "deployment-lacks",
    ROOT,
    "a deployment has no {}",
    also=(INSTANCES, "REQ-REIMAGE-ONLINE", "REQ-REIMAGE-OFFLINE"),
).each(
    ("Name", "DeploymentSlot", "PrivateID", "Status", "Label", "Url", "Configuration", "RoleInstanceList"),
    lambda name: _deployment(without(name)),
)
Slip("deployment-root", ROOT, "the root of a deployment is {}", also=(INSTANCES,)).each(
    ("deployment", "Deployments", "HostedServiceDeployment"),
    lambda name: _deployment(_renamed(name), kind_is("deployment")),
)
Slip("deployment-name-wrong", ROOT, "Name is the name of the cloud service").by(
    edits(deployment_document, lambda call, root: with_text("Name", call.route.service)(root))
)
Slip("deployment-name-empty", ROOT, "Name is empty").by(_deployment(with_text("Name", "")))


def _always_in(slot: str) -> Change:
    return _deployment(with_text("DeploymentSlot", slot))


_ALWAYS = Slip("deployment-slot-always", ROOT, "DeploymentSlot is always {!r}")
replace(_ALWAYS, needs=(Need.STAGING,)).each(("Production",), _always_in)
_ALWAYS.each(("Staging", "prod", ""), _always_in)


def _busy(call: Call) -> bool:
    return call.kind == "deployment" and conflicting_operation(call) is not None


Slip(
    "deployment-status-while-busy",
    URI,
    "Get Deployment is answered {} while a reimage is under way in the deployment",
    also=("REQ-REIMAGE-OFFLINE", "REQ-ERR-STATUS"),
).each((204, 500), lambda status: reply_edit(reply_set(status=status, body=b""), "deployment", when=_busy))
for _statuses, _also in (((200, 204), ("REQ-ERR-STATUS",)), ((400, 409), ())):
    Slip(
        "empty-slot-status",
        EMPTY,
        "Get Deployment of an empty slot is answered {}",
        also=_also,
        needs=(Need.EMPTY_SLOT,),
    ).each(_statuses, refusal_status("slot", when=kind_is("deployment")))
Slip(
    "empty-slot-code",
    EMPTY,
    "Get Deployment of an empty slot gives the code BadRequest",
    needs=(Need.EMPTY_SLOT,),
).by(refusal_edit(refused_with(code="BadRequest"), "slot", when=kind_is("deployment")))
