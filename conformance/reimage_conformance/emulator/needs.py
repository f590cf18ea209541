"""Needs: what a world must hold for a fault to show in it at all."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING

from reimage_conformance.emulator.layouts import MAIN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from reimage_conformance.emulator.layouts import DeploymentLayout, Layout


class Need(StrEnum):
    """Something that a world may hold or lack; the values end the sentence "it shows only where there is ..."."""

    SECOND_INSTANCE = "a deployment of two instances"
    SECOND_ROLE = "a deployment of two roles"
    WORKER_ROLE = "a worker role"
    TWO_DIGITS = "an instance whose number has two digits"
    ELEVEN_INSTANCES = "a deployment of more than ten instances"
    FAILING_INSTANCE = "an instance whose reimage fails"
    NAMESAKES = "instances of one name in two deployments"
    PRODUCTION = "a deployment in production"
    STAGING = "a deployment in staging"
    BOTH_SLOTS = "a cloud service with a deployment in both slots"
    EMPTY_SLOT = "a cloud service with an empty slot"
    NAME_OF_ONE_SLOT = "an instance in one slot whose name the other slot does not have"
    SECOND_SERVICE = "a second cloud service"
    SECOND_DEPLOYMENT = "a second deployment, so that two operations run at the same time"
    PROBE = "a probe in the role instances"
    """Every emulator has it, so that no layout lacks it; `detection.shapes` says whether the target file names it."""


def lacking(layout: Layout, needs: Iterable[Need]) -> tuple[Need, ...]:
    """Those of `needs` that the main subscription of `layout` does not hold."""
    own = tuple(row for row in layout if row.subscription == MAIN)
    return tuple(need for need in needs if not _IS_MET[need](own))


def _names(row: DeploymentLayout) -> list[str]:
    return [each.name for each in row.instances]


def _has_repeats(values: Iterable[object]) -> bool:
    found = list(values)
    return len(set(found)) < len(found)


_IS_MET: dict[Need, Callable[[Layout], bool]] = {
    Need.SECOND_INSTANCE: lambda rows: any(len(row.instances) > 1 for row in rows),
    Need.SECOND_ROLE: lambda rows: any(len({each.role for each in row.instances}) > 1 for row in rows),
    Need.WORKER_ROLE: lambda rows: any("Worker" in each.role for row in rows for each in row.instances),
    Need.TWO_DIGITS: lambda rows: any(name[-2:].isdigit() for row in rows for name in _names(row)),
    Need.ELEVEN_INSTANCES: lambda rows: any(len(row.instances) > 10 for row in rows),
    Need.FAILING_INSTANCE: lambda rows: any(each.failing for row in rows for each in row.instances),
    Need.NAMESAKES: lambda rows: _has_repeats(name for row in rows for name in _names(row)),
    Need.PRODUCTION: lambda rows: any(row.slot == "production" for row in rows),
    Need.STAGING: lambda rows: any(row.slot == "staging" for row in rows),
    Need.BOTH_SLOTS: lambda rows: _has_repeats(row.service for row in rows),
    Need.EMPTY_SLOT: lambda rows: any(count < 2 for count in Counter(row.service for row in rows).values()),
    Need.NAME_OF_ONE_SLOT: lambda rows: any(
        set(_names(one)) - set(_names(other)) for one in rows for other in rows if one.service == other.service
    ),
    Need.PROBE: lambda _: True,
    Need.SECOND_DEPLOYMENT: lambda rows: len(rows) > 1,
    Need.SECOND_SERVICE: lambda rows: len({row.service for row in rows}) > 1,
}
