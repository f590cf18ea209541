"""Infers a target from traffic: it lists what was accepted or listed; anything else may exist as well."""

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

_Address = tuple[str, UriForm, str]
"""One address of a deployment: its cloud service, the form, and its slot or name."""


def inferred_target(name: str, origin: str, recorded: Sequence[Recorded]) -> Target:
    """A target that traffic shows: its endpoint, its subscription, and the deployments and role instances that certainly exist."""
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
    """The deployments that answers described, or that a 2xx to a reimage proves, each with the names that are known of it."""
    instances: dict[_Address, dict[str, None]] = {}
    other_address: dict[_Address, _Address] = {}
    for exchange in exchanges:
        address = read_target(exchange.request.target)
        if exchange.reply is None or not 200 <= exchange.reply.status < 300:
            continue
        if address.kind is Kind.REIMAGE and address.form is not None:
            names = instances.setdefault(_address_of(address.service, address.form, address.deployment), {})
            names[address.instance] = None
        for element in deployment_elements(exchange):
            by_slot = _address_of(address.service, UriForm.SLOT, member(element, "DeploymentSlot"))
            by_name = _address_of(address.service, UriForm.NAME, member(element, "Name"))
            other_address[by_slot], other_address[by_name] = by_name, by_slot
            listed = dict.fromkeys(member(node, "InstanceName") for node in instance_elements(element))
            instances.setdefault(by_slot, {}).update(listed)
            instances.setdefault(by_name, {})
    used: set[_Address] = set()
    for first, names in instances.items():
        if first not in used:
            other = other_address.get(first)
            used |= {first} | ({other} if other else set())
            all_names = tuple(dict.fromkeys([*names, *(instances.get(other, {}) if other else ())]))
            yield _deployment(first, other, all_names)


def _address_of(service: str, form: UriForm, name: str) -> _Address:
    """An address of a deployment; slots are written in lower case, as REQ-DEPL-ROOT compares them."""
    return (service, form, name.lower() if form is UriForm.SLOT else name)


def _deployment(first: _Address, other: _Address | None, instances: tuple[str, ...]) -> Deployment:
    """The deployment with one or two addresses; "" stands for a slot or name that the traffic does not show."""
    names = {form: name for _, form, name in (first, *([other] if other else []))}
    return Deployment(first[0], names.get(UriForm.SLOT, ""), names.get(UriForm.NAME, ""), instances)
