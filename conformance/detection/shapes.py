"""Shapes: the kinds of target that faults and oddities are judged with, from a large one to a single role instance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.emulator import LAYOUTS

if TYPE_CHECKING:
    from conformance.emulator import Layout


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of target: what the emulator holds, and what its target file says of it.

    `listed` is the part of the world that the target file lists, None for all of it. `oddities` are those that make up the shape;
    what is judged in it comes on top.
    """

    name: str
    summary: str
    layout: Layout
    max_reimages: int | None = None
    probe: bool = True
    oddities: tuple[str, ...] = ()
    listed: Layout | None = None


LARGE_WORLD = Shape("large", "four slots, 18 ordinary instances, 500 reimages, a probe", LAYOUTS["large"])
_SHAPES = (
    LARGE_WORLD,
    Shape(
        "two-instances",
        "one deployment with two instances, six reimages, no probe",
        LAYOUTS["two-instances"],
        6,
        probe=False,
    ),
    Shape("one-instance", "one instance, two reimages, no probe", LAYOUTS["one-instance"], 2, probe=False),
    Shape(
        "no-get-deployment", "the large world without Get Deployment", LAYOUTS["large"], oddities=("no-get-deployment",)
    ),
)
SHAPES = {shape.name: shape for shape in _SHAPES}
"""Every shape by its name."""
