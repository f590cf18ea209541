"""Two slots with an instance of the same name: a small budget shows which of the two was reimaged."""

from __future__ import annotations

import pytest

from reimage_conformance.detection.forking import Subject, judge_each
from reimage_conformance.detection.shapes import SHAPES


@pytest.mark.parametrize("fault", ["slots-swapped"])
def test_a_reimage_in_the_wrong_slot_is_found_with_six_reimages(fault: str) -> None:
    """In whatever order tasks go on: some orders reimage an instance of the other slot while a refused request is examined."""
    subjects = [
        Subject(f"{fault}-{order}", (fault,), shape=SHAPES["two-slots"], order=order) for order in (0, 6, 12, 27, 34)
    ]

    for found in judge_each(subjects, processes=1):
        assert found.errors == ()
        assert found.findings[0] == "REQ-REIMAGE-URI-EQUIV", found.subject.name
