"""The reimages that a run would start at a target, and those that its limits leave out; sends nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.preflight.remarks import Remark, check, note, ok
from reimage_conformance.quantities import counted
from reimage_conformance.report.wording import duration_words
from reimage_conformance.session.steps import Planner
from reimage_conformance.session.sufficing import planned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reimage_conformance.model import Profile, Target


def outlook_remarks(target: Target, profile: Profile) -> Iterator[Remark]:
    """The remarks on the reimages of a run and its limits."""
    steps = Planner(target, profile).steps
    wanted = planned(target, profile)
    limit = target.limits.max_reimages
    places = ", ".join(dict.fromkeys(str(step.place) for step in steps))
    yield note(
        f"a run in profile {profile.value} starts up to {counted(wanted, 'reimage')}, of {places}; "
        "an endpoint that accepts bad requests starts more, up to max_reimages"
    )
    yield _limit_remark(wanted, limit)
    patience = duration_words(target.limits.operation_timeout_seconds)
    yield note(f"operation_timeout_seconds: the run waits up to {patience} for the end of a reimage")


def _limit_remark(wanted: int, limit: int) -> Remark:
    """The remark on max_reimages: whether it is enough for the wanted reimages, and how many it leaves out."""
    if limit < 1:
        return check(
            "max_reimages: found 0; expected 1 or more, since nothing can be judged without an accepted reimage"
        )
    if limit >= wanted:
        return ok(f"max_reimages: {limit} is enough")
    return note(
        f"max_reimages: {limit} of the {wanted} reimages of a whole run are allowed; the {wanted - limit} least important ones are left out, "
        "so that some requirements may stay untested"
    )
