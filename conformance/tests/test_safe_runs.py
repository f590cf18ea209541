"""Whole runs over drawn worlds and drawn lists of them: nothing unlisted is reimaged, and nobody is accused."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from cases.misnaming import near_instances
from reimage_conformance.detection.forking import JudgedEmulator, judge_each
from reimage_conformance.detection.shapes import Shape
from reimage_conformance.emulator.layouts import FOREIGN, MAIN, OTHER, DeploymentLayout, InstanceLayout, Layout
from reimage_conformance.model import Deployment
from reimage_conformance.protocol.addresses import FORMS

if TYPE_CHECKING:
    from reimage_conformance.casebook import SystemUnderTest
    from reimage_conformance.detection.forking import Found

CASES = "wrong_slot or is_no_slot or another_subscription or unknown_service_deployment or near_misses or malformed_instance or subscription_that"
"""The cases that send to names which may exist; all others send to listed instances and to names that cannot exist."""
SERVICES = ("contoso", "fabrikam", "contoso1")
NAMES = ("v1", "v2", "v1-staging", "production")
INSTANCES = (
    "WebRole1_IN_0",
    "WebRole1_IN_1",
    "WebRole1_IN_10",
    "WebRole1_IN_01",
    "Worker",
    "Worker 2",
    "WebRole1",
    "a.b",
)


@st.composite
def rows(draw: st.DrawFn) -> DeploymentLayout:
    names = draw(st.lists(st.sampled_from(INSTANCES), min_size=1, max_size=4, unique=True))
    return DeploymentLayout(
        draw(st.sampled_from(SERVICES)),
        draw(st.sampled_from(("production", "staging"))),
        draw(st.sampled_from(NAMES)),
        tuple(InstanceLayout(name.partition("_IN_")[0], name) for name in names),
        draw(st.sampled_from((MAIN, MAIN, MAIN, OTHER, FOREIGN))),
    )


def is_possible(world: list[DeploymentLayout]) -> bool:
    """Whether no two deployments share a slot, or a name, of one service, and something can be listed."""
    slots = {(row.subscription, row.service, row.slot) for row in world}
    names = {(row.subscription, row.service, row.name) for row in world}
    return len(slots) == len(names) == len(world) and any(row.subscription == MAIN for row in world)


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    """A world, the part of it that the target file lists, and whether the endpoint shows what it holds."""
    world: Layout = tuple(draw(st.lists(rows(), min_size=1, max_size=5).filter(is_possible)))
    own = [row for row in world if row.subscription == MAIN]
    listed = []
    for row in draw(st.lists(st.sampled_from(own), min_size=1, max_size=2, unique=True)):
        chosen = draw(st.lists(st.sampled_from(row.instances), min_size=1, max_size=3, unique=True))
        listed.append(DeploymentLayout(row.service, row.slot, row.name, tuple(chosen)))
    hidden = draw(st.sampled_from(((), (), ("no-get-deployment",))))
    return Shape(
        "drawn", "drawn", world, draw(st.sampled_from((1, 2, 6, 12))), draw(st.booleans()), hidden, tuple(listed)
    )


def drawn_shapes(count: int) -> list[Shape]:
    """So many shapes, the same in every run: each is judged by cases that draw requests themselves, which no @given may do around them."""
    found: list[Shape] = []

    @settings(max_examples=count, deadline=None, derandomize=True, phases=[Phase.generate], database=None)
    @given(shapes())
    def collect(shape: Shape) -> None:
        found.append(shape)

    collect()
    return found


def test_nothing_unlisted_is_reimaged_and_nobody_is_accused() -> None:
    drawn = drawn_shapes(50)
    found = judge_each([JudgedEmulator(str(n), shape=shape) for n, shape in enumerate(drawn)], selection=CASES)

    assert len(found) == len(drawn) > 40
    assert [(each.unlisted, each.accused, each.errors, each.subject.shape) for each in found if is_wrong(each)] == []


def is_wrong(found: Found) -> bool:
    """Whether something unlisted was reimaged, somebody accused, or the run broke."""
    return bool(found.unlisted or found.accused or found.errors) or not found.requests


def near_misses_of(*listed: str, shown: tuple[str, ...], complete: bool = False) -> list[str]:
    """The near misses of one deployment that lists some of its instances."""
    target = SimpleNamespace(deployments=(Deployment("contoso", "production", "v1", listed),), complete=complete)
    world = SimpleNamespace(instances=lambda _: shown)
    sut = cast("SystemUnderTest", SimpleNamespace(target=target, world=world, builder=SimpleNamespace(token="xyz")))  # noqa: S106 no secret
    return [name for form in FORMS for _, name in near_instances(sut, form)]


def test_no_name_of_another_deployment_is_one_that_scaling_out_may_create() -> None:
    deployments = [
        Deployment("contoso", slot, name, tuple(f"WebRole1_IN_{index}" for index in range(size)))
        for slot, name, size in (("staging", "v2", 2), ("production", "v1", 4))
    ]
    target = SimpleNamespace(deployments=deployments, complete=False)
    world = SimpleNamespace(instances=lambda deployment: deployment.role_instances)
    sut = cast("SystemUnderTest", SimpleNamespace(target=target, world=world, builder=SimpleNamespace(token="xyz")))  # noqa: S106 no secret
    near = {name for form in FORMS for place, name in near_instances(sut, form) if place.deployment.slot == "staging"}

    assert near & {"WebRole1_IN_2", "WebRole1_IN_3"} == set()


def test_near_misses_are_made_from_listed_names_alone() -> None:
    """An endpoint may take `WebRole1_IN_4.5` for `WebRole1_IN_4`, so that instance must be a listed one."""
    shown = tuple(f"WebRole1_IN_{index}" for index in range(5))
    near = near_misses_of("WebRole1_IN_0", "WebRole1_IN_1", shown=shown)

    assert "WebRole1_IN_1.5" in near
    assert [name for name in near if name.startswith(shown[2:])] == []


def test_no_near_miss_is_a_name_that_scaling_out_may_create() -> None:
    """An autoscaler gives the next free index, while the suite may still believe that nothing has it."""
    shown = ("WebRole1_IN_0", "WebRole1_IN_10")
    near = near_misses_of(*shown, shown=shown)
    complete = near_misses_of(*shown, shown=shown, complete=True)

    assert {"WebRole1_IN_110", "WebRole1_IN_00"} <= set(near)
    assert set(complete) - set(near) == {"WebRole1_IN_1", "WebRole1_IN_11"}
