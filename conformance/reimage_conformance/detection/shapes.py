"""Shapes: the kinds of target that faults and oddities are judged with, from a large one to a single role instance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reimage_conformance.emulator import LAYOUTS, DeploymentLayout, Need, instances_of, lacking

if TYPE_CHECKING:
    from reimage_conformance.emulator import Fault, Layout


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of target: what the emulator holds, and what its target file says about it.

    `layout` is the world of the emulator, `listed` the part of it that the target file lists; None means all of it. `max_reimages` is the
    budget of the run. With `probe` the target file names the probe. `oddities` belong to the shape: each emulator judged in it has them
    in addition to its own faults and oddities.
    """

    name: str
    summary: str
    layout: Layout
    max_reimages: int | None = None
    probe: bool = True
    oddities: tuple[str, ...] = ()
    listed: Layout | None = None

    @property
    def offered(self) -> Layout:
        """What the target file lists, so that a run may reimage it."""
        return self.layout if self.listed is None else self.listed

    def unmet_needs(self, fault: Fault) -> tuple[Need, ...]:
        """The needs of `fault` that this shape does not meet, so that the fault cannot show in it."""
        unprobed = (Need.PROBE,) if Need.PROBE in fault.needs and not self.probe else ()
        return lacking(self.offered, fault.needs) + unprobed


LARGE_WORLD = Shape("large", "three deployments, 21 instances, one that fails, 500 reimages, a probe", LAYOUTS["large"])
_STAGING = (DeploymentLayout("contoso", "staging", "contoso-v2", instances_of({"WebRole1": 1, "StagingRole1": 1})),)
_SHAPES = (
    LARGE_WORLD,
    Shape(
        "two-instances",
        "one deployment with two instances, six reimages, no probe",
        LAYOUTS["two-instances"],
        6,
        probe=False,
    ),
    Shape(
        "two-slots", "two slots with one instance each, six reimages, no probe", LAYOUTS["two-slots"], 6, probe=False
    ),
    Shape(
        "two-services",
        "two cloud services with deployments of one name, two instances each, eight reimages, no probe",
        LAYOUTS["two-services"],
        8,
        probe=False,
    ),
    Shape("one-instance", "one instance, two reimages, no probe", LAYOUTS["one-instance"], 2, probe=False),
    Shape(
        "no-get-deployment", "the large world without Get Deployment", LAYOUTS["large"], oddities=("no-get-deployment",)
    ),
    Shape(
        "part-of-a-world",
        "two of the large world's 21 instances listed, in staging; six reimages, no probe",
        LAYOUTS["large"],
        6,
        probe=False,
        listed=_STAGING,
    ),
)
SHAPES = {shape.name: shape for shape in _SHAPES}
"""Every shape by its name."""
