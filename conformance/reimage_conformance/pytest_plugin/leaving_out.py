"""Which options leave which requirements out of a run: all cases about them are deselected. Decides nothing itself."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from reimage_conformance.pytest_plugin.casing import cites

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pytest

    from reimage_conformance.pytest_plugin.options import Plan

_OF_PYTEST = {"keyword": "-k", "markexpr": "-m", "lf": "--lf", "deselect": "--deselect"}
"""The options of pytest that choose cases, by the name of their value."""
_OF_A_CHOICE = {"only": "--only", "failed_in": "--failed-in", "finding": "--finding"}


def cited_by(items: Iterable[pytest.Item]) -> frozenset[str]:
    """The requirements that the cases among `items` cite."""
    return frozenset(name for item in items for name in cites(item))


def left_out(config: pytest.Config, plan: Plan, stages: Sequence[frozenset[str]]) -> Mapping[str, list[str]]:
    """The requirements that each option leaves out.

    `stages` are those cited by the cases that were collected, that pytest's options left, that are of the profile, and that the choice
    of requirements left.
    """
    options = (
        _given(config, _OF_PYTEST) or "the options of pytest",
        f"--profile {plan.profile.value}",
        _given(config, _OF_A_CHOICE) or "the choice of the run that is resumed",
    )
    dropped = {
        option: sorted(before - after) for option, (before, after) in zip(options, pairwise(stages), strict=True)
    }
    return {option: names for option, names in dropped.items() if names}


def _given(config: pytest.Config, options: Mapping[str, str]) -> str:
    """Those of `options` that were given, "" for none."""
    return " and ".join(word for name, word in options.items() if config.getoption(name, default=None))
