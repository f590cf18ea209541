"""The listing: the deployments and role instances of a target file, by normal names (`gate/spelling.py`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reimage_conformance.gate.spelling import normal
from reimage_conformance.protocol.addresses import UriForm, role_instance_path

if TYPE_CHECKING:
    from reimage_conformance.model import Deployment, Target


@dataclass(frozen=True, slots=True)
class Container:
    """The address of a deployment, by its slot or its name; every name is normal."""

    subscription: str
    service: str
    form: UriForm
    name: str


class Listing:
    """The deployments and role instances that a target file lists."""

    def __init__(self, target: Target) -> None:
        self.own = normal(target.subscription_id)
        self.complete = target.complete
        named = (target.subscription_id, target.other_subscription_id, target.foreign_subscription_id)
        self.subscriptions = frozenset(normal(each) for each in named if each)
        self.services = frozenset(normal(each.cloud_service) for each in target.deployments)
        self.paths = frozenset(_paths(target))
        self._deployments = {
            Container(self.own, normal(each.cloud_service), form, normal(form.container(each))): each
            for each in target.deployments
            for form in UriForm
        }

    def deployment(self, container: Container) -> Deployment | None:
        """The listed deployment at an address."""
        return self._deployments.get(container)

    def containers(self, deployment: Deployment) -> list[Container]:
        """Both addresses of a listed deployment."""
        return [container for container, each in self._deployments.items() if each == deployment]

    def listed_at(self, form: UriForm) -> list[Container]:
        """The address of every listed deployment in one form."""
        return [container for container in self._deployments if container.form is form]


def instances_of(deployment: Deployment) -> tuple[str, ...]:
    """Every role instance that the target file lists of a deployment, those that fail a reimage among them."""
    return deployment.role_instances + deployment.failing_role_instances


def _paths(target: Target) -> set[str]:
    """The path of every listed role instance, in both forms, in the spelling that the suite uses."""
    return {
        role_instance_path(target.subscription_id, each.cloud_service, form, form.container(each), instance)
        for each in target.deployments
        for form in UriForm
        for instance in instances_of(each)
    }
