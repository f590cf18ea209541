"""What answers to Get Deployment and Get Cloud Service Properties show: deployments, role instances and their states; judges nothing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from reimage_conformance.protocol.documents import (
    child,
    content_type,
    local,
    own_elements,
    read_body,
    read_document,
    text,
)

if TYPE_CHECKING:
    from lxml import etree

    from reimage_conformance.model import Exchange
    from reimage_conformance.protocol.documents import Document

READY = "ReadyRole"
BAD_STATES = ("RestartingRole", "CyclingRole", "FailedStartingRole", "FailedStartingVM", "UnresponsiveRole")
"""Values of InstanceStatus that are due to the guest (REQ-DEPL-BAD-STATES)."""
ROLE_STATES = ("BusyRole", "StartingRole", "RoleStateUnknown")
"""Values of InstanceStatus that a role may take by itself while its virtual machine goes on running (REQ-DEPL-READY)."""
MACHINE_STATES = ("StoppingRole", "StoppingVM", "StoppedVM", "CreatingVM", "StartingVM", "CreatingRole")
"""Values of InstanceStatus while a virtual machine is stopped and started, as for an update of its host too."""


def deployment_elements(exchange: Exchange) -> list[etree._Element]:
    """The Deployment elements of an answer to Get Deployment or Get Cloud Service Properties."""
    reply = exchange.reply
    return [] if reply is None or reply.status != 200 else _deployments_in(read_document(reply))


def _deployments_in(document: Document) -> list[etree._Element]:
    """The Deployment elements of one document."""
    root = document.root
    if root is None:
        return []
    if local(root) == "Deployment":
        return [root]
    holder = child(root, "Deployments")
    return [] if holder is None else [node for node in own_elements(holder) if local(node) == "Deployment"]


def instance_elements(deployment: etree._Element) -> list[etree._Element]:
    """The RoleInstance elements of a Deployment element."""
    listed = child(deployment, "RoleInstanceList")
    return [] if listed is None else [node for node in own_elements(listed) if local(node) == "RoleInstance"]


@dataclass(frozen=True, slots=True)
class Shown:
    """A deployment as one answer shows it.

    `instances` come in the answer's order, `roles` as RoleList has them; "" and () stand for what is not shown.
    `lists_all` says that there is a RoleInstanceList and that every instance in it has a name.
    """

    name: str
    written_slot: str
    private_id: str
    instances: tuple[str, ...]
    roles: tuple[str, ...]
    lists_all: bool

    @property
    def slot(self) -> str:
        """The slot in lower case."""
        return self.written_slot.lower()


def shown_in(exchange: Exchange | None) -> list[Shown]:
    """The deployments that an answer to Get Deployment or Get Cloud Service Properties shows."""
    return [_shown(element) for element in deployment_elements(exchange)] if exchange is not None else []


def _shown(element: etree._Element) -> Shown:
    names = [member(node, "InstanceName") for node in instance_elements(element)]
    holder = child(element, "RoleList")
    return Shown(
        name=member(element, "Name"),
        written_slot=member(element, "DeploymentSlot"),
        private_id=member(element, "PrivateID"),
        instances=tuple(name for name in names if name),
        roles=() if holder is None else tuple(member(node, "RoleName") for node in own_elements(holder)),
        lists_all=child(element, "RoleInstanceList") is not None and all(names),
    )


def member(parent: etree._Element, name: str) -> str:
    """The text of the child called `name`, "" where there is none."""
    found = child(parent, name)
    return "" if found is None else text(found)


def statuses_in(exchange: Exchange) -> dict[str, str]:
    """InstanceStatus by instance name, as one answer shows it."""
    return {name: status for name, (status, _) in _instances(exchange).items()}


def has_instance_list(exchange: Exchange) -> bool:
    """Whether an answer has a RoleInstanceList; it may be empty, as while the only instance is reimaged."""
    return bool(statuses_in(exchange)) or any(shown.lists_all for shown in shown_in(exchange))


def roles_in(exchange: Exchange) -> dict[str, str]:
    """RoleName by instance name."""
    return {name: role for name, (_, role) in _instances(exchange).items()}


def _instances(exchange: Exchange) -> dict[str, tuple[str, str]]:
    """InstanceStatus and RoleName by instance name."""
    reply = exchange.reply
    return {} if reply is None or reply.status != 200 else _read_instances(content_type(reply), reply.body)


@lru_cache(maxsize=4096)
def _read_instances(declared: str, body: bytes) -> dict[str, tuple[str, str]]:
    """InstanceStatus and RoleName by instance name in one body; cached, since reading XML takes time."""
    return {
        member(node, "InstanceName"): (member(node, "InstanceStatus"), member(node, "RoleName"))
        for deployment in _deployments_in(read_body(declared, body))
        for node in instance_elements(deployment)
    }
