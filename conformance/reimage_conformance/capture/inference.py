"""Infers a target from traffic: what was accepted or listed exists; nothing is known not to exist."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reimage_conformance.model import Deployment, Strictness, Target
from reimage_conformance.protocol.addresses import Kind, UriForm, read_target
from reimage_conformance.protocol.deployments import deployment_elements, instance_elements, member

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reimage_conformance.capture.traffic import Recorded
    from reimage_conformance.model import Exchange

Container = tuple[str, UriForm, str]
"""Cloud service, form, and the slot or deployment name: what an address says of a deployment."""


def inferred_target(name: str, origin: str, recorded: Sequence[Recorded]) -> Target:
    """A target that traffic shows: its endpoint, its subscription, and the places that exist for certain."""
    exchanges = [each.exchange for each in recorded]
    subscriptions = Counter(read_target(exchange.request.target).subscription for exchange in exchanges)
    versions = Counter(value for exchange in exchanges for value in exchange.request.values("x-ms-version"))
    return Target(
        name=f"capture {name}",
        base_url=origin,
        subscription_id=subscriptions.most_common(1)[0][0],
        deployments=tuple(_deployments(exchanges)),
        x_ms_version=versions.most_common(1)[0][0] if versions else "",
        strictness=Strictness.STRICT,
    )


def _deployments(exchanges: Sequence[Exchange]) -> Iterable[Deployment]:
    """Deployments that an answer described or a 2xx to a reimage proves, each by the names that are known of it."""
    instances: dict[Container, dict[str, None]] = {}
    pairs: dict[Container, Container] = {}
    for exchange in exchanges:
        address = read_target(exchange.request.target)
        if exchange.reply is None or not 200 <= exchange.reply.status < 300:
            continue
        if address.kind is Kind.REIMAGE and address.form is not None:
            found = instances.setdefault(_container(address.service, address.form, address.deployment), {})
            found[address.instance] = None
        for element in deployment_elements(exchange):
            slot = _container(address.service, UriForm.SLOT, member(element, "DeploymentSlot"))
            named = _container(address.service, UriForm.NAME, member(element, "Name"))
            pairs[slot], pairs[named] = named, slot
            listed = dict.fromkeys(member(node, "InstanceName") for node in instance_elements(element))
            instances.setdefault(slot, {}).update(listed)
            instances.setdefault(named, {})
    done: set[Container] = set()
    for container, names in instances.items():
        if container not in done:
            other = pairs.get(container)
            done |= {container} | ({other} if other else set())
            both = tuple(dict.fromkeys([*names, *(instances.get(other, {}) if other else ())]))
            yield _deployment(container, other, both)


def _container(service: str, form: UriForm, name: str) -> Container:
    """A container; slots are written in lower case, as REQ-DEPL-ROOT compares them."""
    return (service, form, name.lower() if form is UriForm.SLOT else name)


def _deployment(container: Container, other: Container | None, instances: tuple[str, ...]) -> Deployment:
    """The deployment that one or two containers denote; "" stands for a name that the traffic does not tell."""
    names = {form: name for _, form, name in (container, *([other] if other else []))}
    return Deployment(container[0], names.get(UriForm.SLOT, ""), names.get(UriForm.NAME, ""), instances)
