"""What exists in the emulator: subscriptions, cloud services, deployments, role instances, operations; no behaviour."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

MAIN = "5f0c1d8e-6b7a-4c39-9d21-0e4a7b3c5d01"
"""The subscription that a target file names."""
OTHER = "a2d4e6f8-1b3c-4d5e-8f70-91b2c3d4e502"
"""A second subscription that the same certificates open."""
FOREIGN = "c7b6a594-8372-4610-b5f4-e3d2c1b0a903"
"""A subscription that only the certificate "other" opens."""

OPENED_BY = {"main": (MAIN, OTHER), "second": (MAIN, OTHER), "other": (FOREIGN,)}
"""Which subscriptions the holder of each certificate may manage."""

_WEB_ROLE = tuple(("WebRole1", number) for number in range(12))
_LAYOUT: tuple[tuple[str, str, str, str, tuple[tuple[str, int], ...]], ...] = (
    (
        MAIN,
        "contoso",
        "production",
        "contoso-v1",
        (*_WEB_ROLE, ("WorkerRole1", 0), ("WorkerRole1", 1), ("FailingRole1", 0)),
    ),
    (MAIN, "contoso", "staging", "contoso-v2", (("WebRole1", 0), ("WebRole1", 1), ("StagingRole1", 0))),
    (MAIN, "fabrikam", "production", "fabrikam-v7", (("WebRole1", 0), ("WebRole1", 1), ("CacheRole1", 0))),
    (OTHER, "adatum", "production", "adatum-v3", (("WebRole1", 0),)),
    (FOREIGN, "northwind", "production", "northwind-v5", (("WebRole1", 0),)),
)
_FAILING_ROLE = "FailingRole1"


@dataclass(eq=False, slots=True)
class Instance:
    """A role instance and the guest inside it; `failing` ones never come through a reimage."""

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

    `sequel` says that its instance had one before, `polls` counts the polls, `written`
    says that the guest is fresh.
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


def new_world(random: Random) -> World:
    """The world as every emulator starts with it."""
    return World([_new_deployment(random, *row) for row in _LAYOUT])


def _new_deployment(
    random: Random, subscription: str, service: str, slot: str, name: str, roles: tuple[tuple[str, int], ...]
) -> Deployment:
    instances = (
        Instance(role, f"{role}_IN_{number}", role == _FAILING_ROLE, fresh_id(random)) for role, number in roles
    )
    return Deployment(subscription, service, slot, name, fresh_id(random), {each.name: each for each in instances})
