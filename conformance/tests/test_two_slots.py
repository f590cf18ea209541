"""Two slots with an instance of the same name: a small budget shows which of the two was reimaged."""

from __future__ import annotations

import pytest

from reimage_conformance.detection.forking import JudgedEmulator, judge_each
from reimage_conformance.detection.shapes import SHAPES


@pytest.mark.parametrize(
    ("fault", "requirement", "orders"),
    [
        ("slots-swapped", "REQ-REIMAGE-URI-EQUIV", (0, 6, 12, 27, 34)),
        ("operation-of-one-connection", "REQ-REIMAGE-REQID-USABLE", (0,)),
    ],
)
def test_what_few_reimages_may_miss_is_found_with_six(fault: str, requirement: str, orders: tuple[int, ...]) -> None:
    """In whatever order tasks go on: some orders reimage an instance of the other slot while a refused request is examined."""
    subjects = [
        JudgedEmulator(f"{fault}-{order}", (fault,), shape=SHAPES["two-slots"], order=order) for order in orders
    ]

    for found in judge_each(subjects, processes=1):
        assert found.errors == ()
        assert found.findings[0] == requirement, found.subject.name
