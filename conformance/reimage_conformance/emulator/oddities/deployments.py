"""Oddities of Get Deployment and Get Cloud Service Properties: which of them there are, and what their documents hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.emulator.admission import check_resource, not_found
from reimage_conformance.emulator.conditions import kind_is
from reimage_conformance.emulator.departures import edits, gives, instead
from reimage_conformance.emulator.documents import Node, namespace_declarations
from reimage_conformance.emulator.messages import Call, Refusal
from reimage_conformance.emulator.observation import (
    deployment_document,
    details_wanted,
    instance_list,
    instance_node,
    service_document,
)
from reimage_conformance.emulator.oddities.registry import oddity
from reimage_conformance.emulator.operations import instance_status

if TYPE_CHECKING:
    from reimage_conformance.emulator.world import Deployment

_NOT_FOUND = not_found("path", "No such resource.")
_BAD_REQUEST = Refusal("path", 400, "BadRequest", "No such operation.")
oddity(
    "no-get-deployment",
    "there is no Get Deployment: 404",
    gives(check_resource, _NOT_FOUND, kind_is("deployment")),
)
oddity(
    "no-get-deployment-400",
    "there is no Get Deployment: 400",
    gives(check_resource, _BAD_REQUEST, kind_is("deployment")),
)
oddity(
    "no-get-cloud-service",
    "there is no Get Cloud Service Properties: 404",
    gives(check_resource, _NOT_FOUND, kind_is("service")),
)
oddity(
    "slot-in-lower-case",
    "DeploymentSlot is in lower case",
    edits(
        deployment_document,
        lambda _, root: root.with_child_edited(
            "DeploymentSlot", lambda slot: Node(slot.name, str(slot.content).lower())
        ),
    ),
)
oddity(
    "deployments-with-more",
    "deployments have further children",
    edits(
        deployment_document,
        lambda _, root: root.with_more(Node("CreatedTime", "2011-10-11T00:00:00Z"), Node("ExtendedProperties")),
    ),
)
oddity(
    "instances-with-namesakes",
    "role instances hold elements of another namespace with the names of their own",
    edits(namespace_declarations, lambda _, text: f'{text} xmlns:f="urn:example:f"'),
    edits(
        instance_node,
        lambda _, node: Node(
            node.name, (Node("f:InstanceStatus", "StoppedVM"), Node("f:InstanceName", "x"), *node.children)
        ),
    ),
)


def _without_those_away(call: Call, deployment: Deployment, listed: Node) -> Node:
    """The RoleInstanceList without the instances that are not at ReadyRole."""
    instances = zip(deployment.instances.values(), listed.children, strict=True)
    return Node(listed.name, tuple(node for each, node in instances if instance_status(call, each) == "ReadyRole"))


oddity(
    "instances-unlisted-while-away",
    "a role instance is not listed while it is reimaged",
    instead(
        instance_list,
        lambda original, call, deployment: _without_those_away(call, deployment, original(call, deployment)),
    ),
)
oddity(
    "details-without-case",
    "embed-detail is read without regard to case",
    instead(
        details_wanted,
        lambda _, call: [each.lower() for each in call.route.parameters("embed-detail")] == ["true"],
    ),
)


def _absolute(call: Call, root: Node) -> Node:
    """The HostedService document with an absolute Url; its authority is the Host of the request."""
    scheme = "https" if call.client.tls else "http"
    host = next(iter(call.message.values("host")), "localhost")
    return root.with_child_edited("Url", lambda url: Node(url.name, f"{scheme}://{host}{url.content}"))


oddity("historical-urls-absolute", "the Url of a cloud service is absolute", edits(service_document, _absolute))
