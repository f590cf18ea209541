"""Get Deployment and Get Cloud Service Properties: their documents; which elements they have depends on the requested version."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from reimage_conformance.emulator.documents import Node
from reimage_conformance.emulator.operations import instance_status, is_over
from reimage_conformance.emulator.points import point

if TYPE_CHECKING:
    from reimage_conformance.emulator.messages import Call
    from reimage_conformance.emulator.world import Deployment, Instance

FIRST_VERSIONS = {
    "InstanceUpgradeDomain": "2011-06-01",
    "InstanceFaultDomain": "2011-06-01",
    "InstanceSize": "2011-06-01",
    "InstanceStateDetails": "2011-10-01",
    "InstanceErrorCode": "2011-10-01",
    "IpAddress": "2012-03-01",
    "PowerState": "2012-03-01",
    "HostName": "2012-03-01",
    "GuestAgentStatus": "2014-04-01",
    "ExtendedInstanceStatus": "2015-05-01",
    "Locked": "2011-10-01",
    "RollbackAllowed": "2011-10-01",
}
"""The first version in which a response element exists (REQ-DEPL-VERSIONS)."""
_POWER = {"StoppingRole": "Stopping", "StoppedVM": "Stopped", "StartingVM": "Starting"}
"""The PowerState for an InstanceStatus; for any other it is Started."""


@point
def deployment_document(call: Call, deployment: Deployment) -> Node:
    """The Deployment document."""
    locked = deployment.operation is not None and not is_over(call, deployment.operation)
    children = (
        Node("Name", deployment.name),
        Node("DeploymentSlot", deployment.slot.capitalize()),
        Node("PrivateID", deployment.private_id),
        Node("Status", "Running"),
        Node("Label", _base64(deployment.name)),
        Node("Url", deployment_url(deployment)),
        Node("Configuration", _base64(f'<ServiceConfiguration serviceName="{deployment.service}"/>')),
        instance_list(call, deployment),
        Node("UpgradeDomainCount", "5"),
        Node("RoleList", tuple(Node("Role", (Node("RoleName", role),)) for role in _roles(deployment))),
        Node("SdkVersion", "1.5.20830.1814"),
        Node("Locked", "true" if locked else "false"),
        Node("RollbackAllowed", "false"),
    )
    return Node("Deployment", gated(call, children))


@point
def instance_list(call: Call, deployment: Deployment) -> Node:
    """The RoleInstanceList of a deployment."""
    nodes = [instance_node(call, deployment, instance) for instance in deployment.instances.values()]
    return Node("RoleInstanceList", tuple(nodes))


@point
def instance_node(call: Call, deployment: Deployment, instance: Instance) -> Node:
    """One RoleInstance: RoleName, InstanceName, InstanceStatus, then what the version has (REQ-DEPL-INSTANCES)."""
    del deployment
    status = instance_status(call, instance)
    number = _index(instance)
    children = (
        Node("RoleName", instance.role),
        Node("InstanceName", instance.name),
        Node("InstanceStatus", status),
        Node("InstanceUpgradeDomain", str(number % 5)),
        Node("InstanceFaultDomain", str(number % 2)),
        Node("InstanceSize", "Small"),
        Node("InstanceStateDetails"),
        Node("InstanceErrorCode"),
        Node("IpAddress", f"10.0.0.{number + 4}"),
        Node("PowerState", _POWER.get(status, "Started")),
        Node("HostName", f"RD{instance.role[:4].upper()}{number:04d}"),
        Node("GuestAgentStatus", (Node("ProtocolVersion", "1.0"), Node("Status", "Ready"))),
        Node("ExtendedInstanceStatus"),
    )
    return Node("RoleInstance", gated(call, children))


@point
def gated(call: Call, children: tuple[Node, ...]) -> tuple[Node, ...]:
    """The children that the requested version has (REQ-VER-GATED-ELEMENTS)."""
    return tuple(child for child in children if element_available(call, child.name))


@point
def element_available(call: Call, name: str) -> bool:
    """Whether element `name` exists in the requested version."""
    return call.version >= FIRST_VERSIONS.get(name, "")


@point
def service_document(call: Call, deployments: list[Deployment]) -> Node:
    """The HostedService document; embed-detail=true adds the deployments (REQ-PROPS-URI)."""
    name = call.route.service
    properties = Node("HostedServiceProperties", (Node("Location", "North Europe"), Node("Label", _base64(name))))
    children = [Node("Url", call.route.path), Node("ServiceName", name), properties]
    if details_wanted(call):
        children.append(Node("Deployments", tuple(embedded_deployment(call, each) for each in deployments)))
    return Node("HostedService", tuple(children))


@point
def embedded_deployment(call: Call, deployment: Deployment) -> Node:
    """One deployment inside the HostedService document."""
    return deployment_document(call, deployment)


@point
def details_wanted(call: Call) -> bool:
    """Whether the request asks for deployments by embed-detail; the default is false."""
    return call.route.parameters("embed-detail") == ["true"]


def deployment_url(deployment: Deployment) -> str:
    """The address of the application in a deployment."""
    label = deployment.service if deployment.slot == "production" else deployment.private_id
    return f"http://{label}.cloudapp.net/"


def _roles(deployment: Deployment) -> list[str]:
    return list(dict.fromkeys(instance.role for instance in deployment.instances.values()))


def _index(instance: Instance) -> int:
    """The number that the instance's name ends in; 0 where it ends in none."""
    digits = instance.name[len(instance.name.rstrip("0123456789")) :]
    return int(digits or 0)


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()
