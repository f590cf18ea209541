"""The listing: the deployments and role instances of a target file. Names are compared in normal form (`spelling.normal`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reimage_conformance.gate.spelling import NO_NAMES, WrittenNames, normal, trimmed
from reimage_conformance.judging.world import SLOTS
from reimage_conformance.protocol.addresses import UriForm, role_instance_path

if TYPE_CHECKING:
    from reimage_conformance.model import Deployment, Target


@dataclass(frozen=True, slots=True)
class DeploymentAddress:
    """The address of a deployment, by its slot or its name; every name is in normal form.

    `written` has the subscription, the cloud service and the slot or name as a request writes them. An endpoint may take names in
    another letter case for other names, so that an answer about one spelling says nothing about another.
    """

    subscription: str
    service: str
    form: UriForm
    name: str
    written: WrittenNames = field(default=NO_NAMES, compare=False)

    @property
    def key_as_written(self) -> tuple[str, ...]:
        """The address as it is written, as a key: two addresses that differ in letter case have different keys."""
        return (self.form.value, *self.written)


class Listing:
    """The deployments and role instances that a target file lists.

    `named_subscriptions` are the own one, the second own one and the foreign one, as far as the file names them. `paths` has the
    path of every listed role instance.
    """

    def __init__(self, target: Target) -> None:
        self.own_subscription = normal(target.subscription_id)
        self.complete = target.complete
        named = (target.subscription_id, target.other_subscription_id, target.foreign_subscription_id)
        self.named_subscriptions = frozenset(normal(each) for each in named if each)
        self.services = frozenset(normal(each.cloud_service) for each in target.deployments)
        self.paths = frozenset(_paths(target))
        self._spelling = {normal(target.subscription_id): target.subscription_id}
        self._spelling_of_services = {normal(each.cloud_service): each.cloud_service for each in target.deployments}
        self._deployments = {
            self.address(target.subscription_id, each.cloud_service, form, form.container(each)): each
            for each in target.deployments
            for form in UriForm
        }

    def address(self, subscription: str, service: str, form: UriForm, name: str) -> DeploymentAddress:
        """The address of a deployment with these names.

        `written` has names that the target file lists in the spelling of the file, and slots in lower case: the suite asks for them
        in that spelling.
        """
        is_slot = form is UriForm.SLOT and normal(name) in SLOTS
        written = WrittenNames(*self.as_listed(subscription, service), normal(name) if is_slot else trimmed(name))
        return DeploymentAddress(normal(subscription), normal(service), form, normal(name), written)

    def as_listed(self, subscription: str, service: str) -> tuple[str, str]:
        """A subscription and a cloud service, each in the spelling of the target file if the file names it."""
        return (
            self._spelling.get(normal(subscription), trimmed(subscription)),
            self._spelling_of_services.get(normal(service), trimmed(service)),
        )

    def deployment(self, address: DeploymentAddress) -> Deployment | None:
        """The listed deployment at an address."""
        return self._deployments.get(address)

    def addresses_of(self, deployment: Deployment) -> list[DeploymentAddress]:
        """Both addresses of a listed deployment."""
        return [address for address, each in self._deployments.items() if each == deployment]

    def listed_at(self, form: UriForm) -> list[DeploymentAddress]:
        """The address of every listed deployment in one form."""
        return [address for address in self._deployments if address.form is form]


def _paths(target: Target) -> set[str]:
    """The path of every listed role instance, in both forms, in the spelling that the suite uses."""
    return {
        role_instance_path(target.subscription_id, each.cloud_service, form, form.container(each), instance)
        for each in target.deployments
        for form in UriForm
        for instance in each.listed_instances
    }
