"""What exists in the emulator: subscriptions, cloud services, deployments, role instances, operations; no behaviour."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reimage_conformance.emulator.layouts import FOREIGN, MAIN, OTHER

if TYPE_CHECKING:
    from random import Random

    from reimage_conformance.emulator.layouts import DeploymentLayout, Layout

SUBSCRIPTIONS_OF_CERTIFICATE = {"main": (MAIN, OTHER), "second": (MAIN, OTHER), "other": (FOREIGN,)}
"""The subscriptions that a client may manage, by the common name of its certificate."""


@dataclass(eq=False, slots=True)
class Instance:
    """A role instance and the guest inside it; a reimage of a `failing` one ends Failed."""

    role: str
    name: str
    failing: bool
    installation_id: str
    local_storage: dict[str, bytes] = field(default_factory=dict)
    other_data: dict[str, bytes] = field(default_factory=dict)
    operation: Operation | None = None


@dataclass(eq=False, slots=True)
class Deployment:
    """A deployment in one slot of a cloud service; `operation` is the latest that was accepted for it."""

    subscription: str
    service: str
    slot: str
    name: str
    private_id: str
    instances: dict[str, Instance]
    operation: Operation | None = None


@dataclass(eq=False, slots=True)
class Operation:
    """One accepted reimage.

    `form` is the URI form of its request, slot or name. `number` counts the operations, from 0. `sequel` says that its instance was
    reimaged before. `polls` is the number of polls. `written` says that the fresh guest was written.
    """

    id: str
    subscription: str
    deployment: Deployment
    instance: Instance
    accepted_at: float
    seconds: float
    form: str
    number: int
    sequel: bool = False
    polls: int = 0
    written: bool = False

    @property
    def ends_at(self) -> float:
        """When its duration is over, in seconds of the emulator's clock."""
        return self.accepted_at + self.seconds


@dataclass(eq=False, slots=True)
class World:
    """All that exists: deployments, and operations by id in the order of their acceptance."""

    deployments: list[Deployment]
    operations: dict[str, Operation] = field(default_factory=dict)

    def services(self, subscription: str) -> dict[str, list[Deployment]]:
        """The cloud services of `subscription` by name, each with its deployments."""
        found: dict[str, list[Deployment]] = {}
        for deployment in self.deployments:
            if deployment.subscription == subscription:
                found.setdefault(deployment.service, []).append(deployment)
        return found


def fresh_id(random: Random) -> str:
    """32 lower-case hexadecimal digits."""
    return f"{random.getrandbits(128):032x}"


def dashed(identifier: str) -> str:
    """An id of 32 digits in the groups of a UUID: 8, 4, 4, 4 and 12 digits, joined by hyphens; a longer id has a longer last group."""
    return "-".join((identifier[:8], identifier[8:12], identifier[12:16], identifier[16:20], identifier[20:]))


def new_world(random: Random, layout: Layout) -> World:
    """The world that `layout` describes, no operation in it yet; ids are drawn from `random`."""
    return World([_new_deployment(random, row) for row in layout])


def _new_deployment(random: Random, row: DeploymentLayout) -> Deployment:
    instances = (Instance(each.role, each.name, each.failing, fresh_id(random)) for each in row.instances)
    return Deployment(
        row.subscription, row.service, row.slot, row.name, fresh_id(random), {each.name: each for each in instances}
    )
