"""The hooks of pytest that choose the cases of a run, sort them, and give them all to one worker of pytest-xdist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import is_hypothesis_test, settings

from reimage_conformance.catalogue import requirement
from reimage_conformance.errors import SuiteError
from reimage_conformance.pytest_plugin.casing import cites, order_of
from reimage_conformance.pytest_plugin.choice import chosen_of
from reimage_conformance.pytest_plugin.configuring import HYPOTHESIS_PROFILE
from reimage_conformance.pytest_plugin.leaving_out import cited_by, left_out
from reimage_conformance.pytest_plugin.stash import LEFT_OUT, PLAN

if TYPE_CHECKING:
    from collections.abc import Generator


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Gives all cases of a run to one worker of pytest-xdist, since they share operations and the budget."""
    if PLAN not in config.stash:
        return None
    from reimage_conformance.pytest_plugin.scheduling import OneTarget  # noqa: PLC0415  only where pytest-xdist is at work

    return OneTarget(config, log)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None, object, object]:
    """Chooses the cases of the profile among those that pytest's own options leave, and sorts them (`order_of`)."""
    collected = cited_by(items)
    result = yield
    _choose(config, items, collected)
    return result


def _choose(config: pytest.Config, items: list[pytest.Item], collected: frozenset[str]) -> None:
    """Chooses and sorts the cases; `collected` are the requirements that were cited before pytest's options chose."""
    cases = [item for item in items if cites(item)]
    if not cases:
        return
    if PLAN not in config.stash:
        if not config.option.collectonly:
            raise pytest.UsageError("conformance cases need --target FILE, or --embedded for the embedded emulator")
        return
    try:
        for item in cases:
            for name in cites(item):
                requirement(name)
    except SuiteError as error:
        raise pytest.UsageError(str(error)) from None
    profile = config.stash[PLAN].profile.value
    of_profile = [item for item in items if _belongs(item, profile)]
    chosen = chosen_of(of_profile, config.stash[PLAN].choice)
    stages = (collected, *map(cited_by, (items, of_profile, chosen)))
    config.stash[LEFT_OUT] = left_out(config, config.stash[PLAN], stages)
    dropped = [item for item in items if item not in set(chosen)]
    items[:] = sorted(chosen, key=order_of)
    for item in items:
        function = getattr(item, "obj", None)
        if is_hypothesis_test(function):
            # As @seed does, which would also drop the database. A case that was imported before has other settings.
            setattr(function, "_hypothesis_internal_use_seed", config.stash[PLAN].seed)  # noqa: B010  typed without it
            setattr(function, "_hypothesis_internal_use_settings", settings.get_profile(HYPOTHESIS_PROFILE))  # noqa: B010
    if dropped:
        config.hook.pytest_deselected(items=dropped)


def _belongs(item: pytest.Item, profile: str) -> bool:
    """Whether a case is part of a profile."""
    if profile == "smoke":
        return not cites(item) or item.get_closest_marker("smoke") is not None
    return profile == "nightly" or item.get_closest_marker("nightly") is None
