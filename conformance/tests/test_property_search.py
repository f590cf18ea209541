"""The search of a property: it goes on while reimages are only held, and ends once they are spent."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from cases.test_properties import Search
from reimage_conformance.model import Profile
from reimage_conformance.session.budget import Budget


@pytest.mark.parametrize(("spent", "held", "goes_on"), [(1, 1, True), (0, 2, True), (2, 0, False)])
def test_an_example_waits_for_held_reimages_and_is_discarded_without_any(
    spent: int, held: int, *, goes_on: bool
) -> None:
    """A discarded example is drawn anew, which takes the processor longer than the wait."""
    budget = Budget(2)
    budget.held = held
    for exchange in range(spent):
        budget.spend(exchange)
    sut = SimpleNamespace(budget=budget, profile=Profile.STANDARD, operations=SimpleNamespace(unwanted_count=0))

    assert Search(set(), 0).may_go_on(cast("Any", sut)) is goes_on
