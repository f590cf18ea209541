"""Chooses the cases of a run from those that pytest collected, and lists them for --list."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reimage_conformance.choosing import Choice
from reimage_conformance.pytest_plugin.casing import cites, phase_of
from reimage_conformance.pytest_plugin.heading import limited
from reimage_conformance.session.cases import Phase
from reimage_conformance.session.steps import Planner

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reimage_conformance.model import Target
    from reimage_conformance.pytest_plugin.options import Plan


def chosen_of(items: Sequence[pytest.Item], choice: Choice | None) -> list[pytest.Item]:
    """The items that a choice selects; None selects all.

    Cases of the phase AT_THE_END judge the exchanges of other cases, so the smoke cases are added for them.
    """
    if choice is None:
        return list(items)
    wanted = {item for item in items if choice.wants(item.nodeid, cites(item))}
    if not wanted and choice.exact:  # the cases were renamed: take all cases of these requirements
        return chosen_of(items, Choice(choice.requirements))
    needs_traffic = not choice.exact and any(phase_of(item) is Phase.AT_THE_END for item in wanted)
    return [
        item for item in items if item in wanted or (needs_traffic and item.get_closest_marker("smoke") is not None)
    ]


class ListedCases:
    """A pytest plugin that lists what would run, and runs nothing."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._items: list[pytest.Item] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Makes pytest list the cases by their ids only, and keeps them."""
        session.config.option.verbose = -1
        self._items = list(session.items)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Prints what the cases judge, and how many reimages there may be."""
        for line in _lines(self._items, self._plan):
            terminalreporter.write_line(line)


def _lines(items: Sequence[pytest.Item], plan: Plan) -> Iterator[str]:
    judged = dict.fromkeys(name for item in items for name in cites(item))
    yield f"{len(items)} cases of profile {plan.profile.value} would run, and judge {len(judged)} requirements; nothing was sent"
    if plan.choice is not None:
        yield f"they judge: {', '.join(judged)}"
    if plan.target is not None:
        yield _reimages(limited(plan.target, plan), plan)


def _reimages(target: Target, plan: Plan) -> str:
    """The limit of reimages in words, and the reimages that every run starts."""
    steps = Planner(target, plan.profile).steps
    first = list({step.form: step for step in reversed(steps)}.values())
    named = "; ".join(f"{step.place}, by {step.form}" for step in first)
    return f"at most {target.limits.max_reimages} reimages; always these, which refusals are compared with: {named}"
