"""The world in which a request is judged: the target as configured, and what the endpoint itself listed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from reimage_conformance.protocol.addresses import UriForm

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reimage_conformance.model import Deployment, Strictness, Target
    from reimage_conformance.protocol.addresses import Address

SLOTS = ("staging", "production")


class Absence(StrEnum):
    """The part of an address that does not exist."""

    NOTHING = ""
    SLOT = "slot"
    SLOT_CASE = "slot-case"
    SERVICE = "service"
    DEPLOYMENT = "deployment"
    INSTANCE = "instance"
    NAME_CASE = "name-case"


@dataclass(frozen=True, slots=True)
class World:
    """A target under one strictness, with what the endpoint showed of itself.

    `listed` holds the role instances that the endpoint reported, by `service/deployment`, the service in lower case;
    older journals have the name of the deployment alone.
    `folds_slots` says that the endpoint was seen to accept slots in any letter case. `memory` caches the answers of
    the oracle and of the checks.
    """

    target: Target
    strictness: Strictness
    listed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    folds_slots: bool = False
    memory: dict[object, Any] = field(default_factory=dict, repr=False, compare=False)

    def deployment_of(self, address: Address) -> Deployment | None:
        """The listed deployment that `address` names exactly, or None.

        The letter case of a slot does not count where the endpoint accepts any.
        """
        address = self._folded(address)
        for deployment in self.target.deployments:
            container = deployment.slot if address.form is UriForm.SLOT else deployment.name
            if (deployment.cloud_service, container) == (address.service, address.deployment):
                return deployment
        return None

    def _folded(self, address: Address) -> Address:
        """`address` with its slot in lower case, where the endpoint accepts any letter case."""
        slot = address.deployment.lower()
        folds = self.folds_slots and address.form is UriForm.SLOT and slot in SLOTS
        return replace(address, deployment=slot) if folds else address

    def named(self, address: Address, instance: str) -> str:
        """A role instance in words, with its deployment where the target lists several: `contoso-v2/WebRole1_IN_0`.

        `address` is the address of a request to that deployment.
        """
        deployment = self.deployment_of(address)
        if deployment is None or len(self.target.deployments) < 2:
            return instance
        return f"{deployment.name}/{instance}"

    def instances(self, deployment: Deployment) -> tuple[str, ...]:
        """Every role instance known in `deployment`."""
        found: tuple[str, ...] | None = self.memory.get(deployment)
        if found is None:
            known = deployment.listed_instances
            found = known + tuple(name for name in self.listed_in(deployment) if name not in known)
            self.memory[deployment] = found
        return found

    def listed_in(self, deployment: Deployment) -> tuple[str, ...]:
        """The role instances that the endpoint reported in `deployment`; none where it reported nothing."""
        return self.listed.get(deployment.key) or self.listed.get(deployment.name, ())

    def absence(self, address: Address) -> Absence:
        """The part of an address that does not exist.

        `SLOT_CASE` says that the slot exists in another letter case. `NAME_CASE` says the same of a name, or that it
        exists without the path parameters that follow it after a semicolon (RFC 3986 3.3).
        """
        address = self._folded(address)
        if address.form is UriForm.SLOT and address.deployment not in SLOTS:
            return Absence.SLOT_CASE if address.deployment.lower() in SLOTS else Absence.SLOT
        services = {deployment.cloud_service for deployment in self.target.deployments}
        if address.service not in services:
            return _absence_of_name(address.service, services, Absence.SERVICE)
        deployment = self.deployment_of(address)
        if deployment is None:
            names = {d.name for d in self.target.deployments if d.cloud_service == address.service}
            return _absence_of_name(address.deployment, names, Absence.DEPLOYMENT)
        if address.instance and address.instance not in self.instances(deployment):
            return _absence_of_name(address.instance, set(self.instances(deployment)), Absence.INSTANCE)
        return Absence.NOTHING


def _absence_of_name(name: str, known: set[str], otherwise: Absence) -> Absence:
    """`NAME_CASE` if `name` is known in another letter case or without its path parameters, else `otherwise`."""
    bare = name.partition(";")[0]
    return Absence.NAME_CASE if bare.lower() in {each.lower() for each in known} else otherwise
