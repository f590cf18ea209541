"""An instance that leaves ReadyRole by itself accuses nobody. A refused request that reimages is found."""

from __future__ import annotations

import pytest

from reimage_conformance.detection.forking import Found, JudgedEmulator, judge_each
from reimage_conformance.detection.shapes import SHAPES

SMALL = ("two-instances", "one-instance", "part-of-a-world")


def judged(subject: JudgedEmulator) -> Found:
    (found,) = judge_each([subject])
    return found


@pytest.mark.parametrize("shape", SMALL)
@pytest.mark.parametrize("oddity", ["ready-for-a-moment", "busy-now-and-then"])
def test_an_instance_that_leaves_without_a_request_accuses_nobody(oddity: str, shape: str) -> None:
    found = judged(JudgedEmulator(f"{oddity} in {shape}", oddities=(oddity,), shape=SHAPES[shape]))

    assert (found.findings, found.errors, found.exit_code) == ((), (), 0)


@pytest.mark.parametrize("shape", SMALL)
def test_a_refused_request_that_reimages_is_found_with_few_reimages(shape: str) -> None:
    found = judged(JudgedEmulator(f"refused in {shape}", ("refused-yet-started[version]",), shape=SHAPES[shape]))

    assert set(found.findings) & {"REQ-REIMAGE-VERSION-OLD", "REQ-GOS-NOTFOUND-NOEFFECT"}
