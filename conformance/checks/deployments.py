"""Deployments: the documents of Get Deployment and Get Cloud Service Properties (digest section H)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from conformance.checks.polls import version_of
from conformance.checks.registry import about, check
from conformance.checks.wording import is_busy, said, symptom
from conformance.protocol.documents import NAMESPACE, child, elements, error_code, local, read_document, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lxml import etree

    from conformance.model import Exchange, Response, Verdict
    from conformance.world import World


READY = "ReadyRole"


BAD_STATES = ("RestartingRole", "CyclingRole", "FailedStartingRole", "FailedStartingVM", "UnresponsiveRole")


STATUS_VALUES = (
    "RoleStateUnknown", "Unknown", "CreatingVM", "StartingVM", "CreatingRole", "StartingRole", READY, "BusyRole", "StoppingRole",
    "StoppingVM", "DeletingVM", "StoppedVM", "StoppedDeallocated", "Preparing", "Provisioning", "ProvisioningFailed", *BAD_STATES,
)  # fmt: skip


POWER_VALUES = ("Starting", "Started", "Stopping", "Stopped", "Unknown")


FIRST_VERSIONS = {
    "InstanceUpgradeDomain": "2011-06-01",
    "InstanceFaultDomain": "2011-06-01",
    "InstanceSize": "2011-06-01",
    "InstanceStateDetails": "2011-06-01",
    "InstanceErrorCode": "2011-10-01",
    "IpAddress": "2012-03-01",
    "GuestAgentStatus": "2014-04-01",
    "ExtendedInstanceStatus": "2015-05-01",
}


_DEPLOYMENT_MEMBERS = (
    "Name",
    "DeploymentSlot",
    "PrivateID",
    "Status",
    "Label",
    "Url",
    "Configuration",
    "RoleInstanceList",
)


_INSTANCE_MEMBERS = ("RoleName", "InstanceName", "InstanceStatus")


def deployment_elements(exchange: Exchange) -> list[etree._Element]:
    """The Deployment elements of an answer to Get Deployment or Get Cloud Service Properties."""
    return [] if exchange.reply is None or exchange.reply.status != 200 else _deployments_of(exchange.reply)


def _deployments_of(response: Response) -> list[etree._Element]:
    """The same of one response."""
    root = read_document(response).root
    if root is None:
        return []
    if local(root) == "Deployment":
        return [root]
    holder = child(root, "Deployments")
    return [] if holder is None else [node for node in elements(holder) if local(node) == "Deployment"]


def instance_elements(deployment: etree._Element) -> list[etree._Element]:
    """The RoleInstance elements of a Deployment element."""
    listed = child(deployment, "RoleInstanceList")
    return [] if listed is None else [node for node in elements(listed) if local(node) == "RoleInstance"]


def member(parent: etree._Element, name: str) -> str:
    """The text of a child, or ""."""
    found = child(parent, name)
    return "" if found is None else text(found)


def statuses_in(exchange: Exchange) -> dict[str, str]:
    """InstanceStatus by instance name, as one answer shows it."""
    return {name: status for name, (status, _) in _instances(exchange).items()}


def roles_in(exchange: Exchange) -> dict[str, str]:
    """RoleName by instance name."""
    return {name: role for name, (_, role) in _instances(exchange).items()}


def _instances(exchange: Exchange) -> dict[str, tuple[str, str]]:
    """InstanceStatus and RoleName by instance name."""
    return {} if exchange.reply is None or exchange.reply.status != 200 else _read_instances(exchange.reply)


@lru_cache(maxsize=4096)
def _read_instances(response: Response) -> dict[str, tuple[str, str]]:
    """The same of one response; reading it is what takes time."""
    return {
        member(node, "InstanceName"): (member(node, "InstanceStatus"), member(node, "RoleName"))
        for deployment in _deployments_of(response)
        for node in instance_elements(deployment)
    }


@check
def observer_answers(world: World, exchanges: Sequence[Exchange], requirement: str) -> Iterator[Verdict]:
    """Get Deployment or Get Cloud Service Properties answers 200 with a request id (REQ-DEPL-URI, REQ-PROPS-URI)."""
    del world
    for exchange in exchanges:
        verdict = about(requirement, exchange)
        if exchange.reply is None or is_busy(exchange):
            yield verdict.inconclusive(said(exchange))
        elif exchange.reply.status != 200:
            yield verdict.violated("200 OK", said(exchange), symptom(exchange))
        else:
            identified = bool(exchange.reply.header("x-ms-request-id"))
            yield verdict.judged(identified, "an x-ms-request-id", "200 OK without one", "no-request-id")


@check
def deployment_document(world: World, exchanges: Sequence[Exchange], name: str, slot: str) -> Iterator[Verdict]:
    """The Deployment document describes the deployment asked for (REQ-DEPL-ROOT)."""
    del world
    exchange = exchanges[0]
    if exchange.reply is None or exchange.reply.status != 200:
        return
    verdict = about("REQ-DEPL-ROOT", exchange)
    document = read_document(exchange.reply)
    if document.root is None:
        because = ("REQ-XML-WF", "REQ-XML-ENC")
        yield verdict.violated(
            "an XML document", document.syntax_problem or document.encoding_problem, "no-document", because=because
        )
        return
    named = f"{{{document.namespace}}}{document.local_name}"
    if named != f"{{{NAMESPACE}}}Deployment":
        yield verdict.violated(f"{{{NAMESPACE}}}Deployment", named, "root")
        return
    missing = [member_name for member_name in _DEPLOYMENT_MEMBERS if document.child(member_name) is None]
    shown = (document.text("Name") or "", (document.text("DeploymentSlot") or "").lower())
    if missing:
        yield verdict.violated(", ".join(_DEPLOYMENT_MEMBERS), f"no {', '.join(missing)}", "members")
    else:
        yield verdict.judged(
            shown == (name, slot), f"Name {name}, slot {slot}", f"Name {shown[0]}, slot {shown[1]}", "identity"
        )


@check
def instance_list(world: World, exchanges: Sequence[Exchange], instances: Sequence[str]) -> Iterator[Verdict]:
    """RoleInstanceList holds the instances with RoleName, InstanceName, InstanceStatus in this order (REQ-DEPL-INSTANCES)."""
    del world
    exchange = exchanges[0]
    found = [node for deployment in deployment_elements(exchange) for node in instance_elements(deployment)]
    verdict = about("REQ-DEPL-INSTANCES", exchange)
    if not deployment_elements(exchange):
        yield verdict.inconclusive("no Deployment element", because=("REQ-DEPL-ROOT", "REQ-DEPL-URI", "REQ-PROPS-URI"))
        return
    names = [member(node, "InstanceName") for node in found]
    absent = [name for name in instances if names.count(name) != 1]
    orders = {tuple(local(part) for part in elements(node) if local(part) in _INSTANCE_MEMBERS) for node in found}
    if absent:
        yield verdict.violated("every instance once", f"{absent} not listed once", "instances")
    else:
        expected = " then ".join(_INSTANCE_MEMBERS)
        yield verdict.judged(orders == {_INSTANCE_MEMBERS}, expected, f"{sorted(orders)}", "members")


@check
def version_gates(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """Elements appear only from their first version on (REQ-DEPL-VERSIONS, REQ-VER-GATED-ELEMENTS)."""
    del world
    for exchange in exchanges:
        asked = version_of(exchange)
        shown = {
            local(part)
            for d in deployment_elements(exchange)
            for node in instance_elements(d)
            for part in elements(node)
        }
        if not shown:
            continue
        early = sorted(name for name in shown & set(FIRST_VERSIONS) if asked < FIRST_VERSIONS[name])
        expected = f"no element newer than {asked}"
        actual = f"{', '.join(early)} under {asked}"
        yield about("REQ-DEPL-VERSIONS", exchange).judged(not early, expected, actual, "early-element")
        yield about("REQ-VER-GATED-ELEMENTS", exchange).judged(
            not early, expected, actual, "early-element", because=("REQ-DEPL-VERSIONS",)
        )


@check
def status_vocabulary(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """InstanceStatus and PowerState values are documented, and fit the version (REQ-DEPL-STATUS-VALUES, -STATUS-GATES, -POWER)."""
    del world
    for exchange in exchanges:
        asked = version_of(exchange)
        nodes = [node for deployment in deployment_elements(exchange) for node in instance_elements(deployment)]
        if not nodes or asked < "2011-10-01":
            continue
        values = {member(node, "InstanceStatus") for node in nodes}
        unknown = sorted(values - set(STATUS_VALUES))
        yield about("REQ-DEPL-STATUS-VALUES", exchange).judged(
            not unknown, "a documented InstanceStatus", f"{unknown}", "status-value"
        )
        gated = sorted(value for value in values if not _available(value, asked))
        yield about("REQ-DEPL-STATUS-GATES", exchange).judged(
            not gated, f"no status outside {asked}", f"{gated}", "gated-status"
        )
        powers = {member(node, "PowerState") for node in nodes if child(node, "PowerState") is not None}
        odd = sorted(powers - set(POWER_VALUES))
        actual = f"{odd}" if odd else (f"{sorted(powers)}" if powers else "no PowerState shown")
        yield about("REQ-DEPL-POWER", exchange).judged(not odd, " or ".join(POWER_VALUES), actual, "power")


def _available(status: str, asked: str) -> bool:
    """Whether a version may report a status (REQ-DEPL-STATUS-GATES)."""
    if status == "CyclingRole":
        return asked <= "2014-02-01"
    first = {"StoppedDeallocated": "2013-06-01", "Preparing": "2014-05-01"}.get(status, "")
    return asked >= first


@check
def empty_slot(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """A slot without deployment gives 404 ResourceNotFound (REQ-DEPL-EMPTY-SLOT)."""
    del world
    exchange = exchanges[0]
    verdict = about("REQ-DEPL-EMPTY-SLOT", exchange)
    if exchange.reply is None or is_busy(exchange):
        yield verdict.inconclusive(said(exchange))
    else:
        code = error_code(exchange.reply)
        right = exchange.reply.status == 404 and code in ("", "ResourceNotFound")
        yield verdict.judged(right, "404 with ResourceNotFound", said(exchange), symptom(exchange))
