"""Layouts: the deployments and role instances that an emulator starts with; the layouts that have a name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAIN = "5f0c1d8e-6b7a-4c39-9d21-0e4a7b3c5d01"
"""The subscription that a target file names."""
OTHER = "a2d4e6f8-1b3c-4d5e-8f70-91b2c3d4e502"
"""A second subscription that the same certificates open."""
FOREIGN = "c7b6a594-8372-4610-b5f4-e3d2c1b0a903"
"""A subscription that only the certificate "other" opens."""


@dataclass(frozen=True, slots=True)
class InstanceLayout:
    """A role instance of a layout; a reimage of a `failing` one ends Failed."""

    role: str
    name: str
    failing: bool = False


@dataclass(frozen=True, slots=True)
class DeploymentLayout:
    """A deployment of a layout, with its role instances in the order in which they are listed."""

    service: str
    slot: str
    name: str
    instances: tuple[InstanceLayout, ...]
    subscription: str = MAIN


Layout = tuple[DeploymentLayout, ...]
"""All deployments of a world, in the order in which they are listed."""

NEIGHBOURS: Layout = (
    DeploymentLayout("adatum", "production", "adatum-v3", (InstanceLayout("WebRole1", "WebRole1_IN_0"),), OTHER),
    DeploymentLayout(
        "northwind", "production", "northwind-v5", (InstanceLayout("WebRole1", "WebRole1_IN_0"),), FOREIGN
    ),
)
"""What the other two subscriptions hold, in every world; no target file lists it."""


def role_of(instance: str) -> str:
    """The role of an instance that is named as the historical service named them: the part before `_IN_`."""
    return instance.partition("_IN_")[0]


def instances_of(roles: Mapping[str, int], failing: Iterable[str] = ()) -> tuple[InstanceLayout, ...]:
    """The instances of `roles`, a number of instances for each name, called `<role>_IN_<n>`; a reimage of one in `failing` ends Failed."""
    names = [(role, f"{role}_IN_{number}") for role, count in roles.items() for number in range(count)]
    return tuple(InstanceLayout(role, name, name in set(failing)) for role, name in names)


def _contoso(slot: str, name: str, **roles: int) -> DeploymentLayout:
    return DeploymentLayout("contoso", slot, name, instances_of(roles, ["FailingRole1_IN_0"]))


LAYOUTS: dict[str, Layout] = {
    "large": (
        _contoso("production", "contoso-v1", WebRole1=12, WorkerRole1=2, FailingRole1=1),
        _contoso("staging", "contoso-v2", WebRole1=2, StagingRole1=1),
        DeploymentLayout("fabrikam", "production", "fabrikam-v7", instances_of({"WebRole1": 2, "CacheRole1": 1})),
        *NEIGHBOURS,
    ),
    "one-slot": (_contoso("production", "contoso-v1", WebRole1=3, WorkerRole1=1), *NEIGHBOURS),
    "two-slots": (
        _contoso("production", "contoso-v1", WebRole1=1),
        _contoso("staging", "contoso-v2", WebRole1=1),
        *NEIGHBOURS,
    ),
    "two-services": (
        DeploymentLayout("contoso", "production", "v1", instances_of({"WebRole1": 2})),
        DeploymentLayout("fabrikam", "production", "v1", instances_of({"WebRole1": 2})),
        *NEIGHBOURS,
    ),
    "two-instances": (_contoso("production", "contoso-v1", WebRole1=2), *NEIGHBOURS),
    "one-instance": (_contoso("production", "contoso-v1", WebRole1=1), *NEIGHBOURS),
}
"""The layouts that have a name; an emulator starts with `large` by default."""
LARGE = LAYOUTS["large"]
