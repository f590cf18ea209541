"""A whole run where a deployment is called as a slot is: nothing that exists is sent as a bad request."""

from __future__ import annotations

import pytest

from reimage_conformance.detection.forking import JudgedEmulator, judge_each
from reimage_conformance.detection.shapes import Shape
from reimage_conformance.emulator.layouts import NEIGHBOURS, DeploymentLayout, InstanceLayout

INSTANCES = (InstanceLayout("WebRole1", "WebRole1_IN_0"), InstanceLayout("WebRole1", "WebRole1_IN_1"))
PRODUCTION = DeploymentLayout("contoso", "production", "production", INSTANCES)
SWAPPED = (
    DeploymentLayout("contoso", "production", "staging", INSTANCES),
    DeploymentLayout("contoso", "staging", "production", INSTANCES[:1]),
)


@pytest.mark.parametrize("deployments", [(PRODUCTION,), SWAPPED], ids=["production", "swapped"])
def test_a_deployment_may_be_called_as_a_slot_is(deployments: tuple[DeploymentLayout, ...]) -> None:
    shape = Shape("named", "deployments named as slots", (*deployments, *NEIGHBOURS), 6, probe=False)
    (found,) = judge_each([JudgedEmulator("named", shape=shape)])

    assert (found.verdict, found.accused, found.unlisted) == ("conformant", set(), ())
    assert found.wiped <= 6
