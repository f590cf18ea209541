"""What a run would do to a target: which reimages, how many, and whether it may; sends nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.preflight.remarks import Remark, check, note, ok
from reimage_conformance.quantities import counted
from reimage_conformance.report.wording import duration_words
from reimage_conformance.session.steps import Planner

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reimage_conformance.model import Profile, Target

CONTENDING = 2
"""Requests that go out while a contended reimage runs; each may start one more."""


def outlook_remarks(target: Target, profile: Profile) -> Iterator[Remark]:
    """What a run would do, and what the limits make of it."""
    steps = Planner(target, profile).steps
    wanted = len(steps) + CONTENDING * sum(step.contend for step in steps)
    limit = target.limits.max_reimages
    places = ", ".join(dict.fromkeys(str(step.place) for step in steps))
    yield note(
        f"a run in profile {profile.value} starts up to {counted(wanted, 'reimage')}, of {places}; "
        "an endpoint that accepts what it should refuse starts more, within max_reimages"
    )
    yield _within(wanted, limit)
    patience = duration_words(target.limits.operation_timeout_seconds)
    yield note(f"operation_timeout_seconds: the end of a reimage is waited for up to {patience}")


def _within(wanted: int, limit: int) -> Remark:
    """What max_reimages leaves of the reimages that a run wants; the most important ones come first."""
    if limit < 1:
        return check("max_reimages is 0: without an accepted reimage nothing can be judged; expected 1 or more")
    if limit >= wanted:
        return ok(f"max_reimages: {limit} is enough")
    return note(
        f"max_reimages: {limit} of the {wanted} reimages of a whole run are allowed; the {wanted - limit} that decide least are left out, "
        "so that some requirements may stay untested"
    )
