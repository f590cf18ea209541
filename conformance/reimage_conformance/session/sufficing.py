"""How many reimages would have been enough for a run whose budget left some out; sends nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reimage_conformance.model import Profile, Sufficing
from reimage_conformance.session.budget import SPENT
from reimage_conformance.session.step_runs import contending_requests
from reimage_conformance.session.steps import Planner
from reimage_conformance.session.thresholds import CASE_REIMAGES

if TYPE_CHECKING:
    from reimage_conformance.model import Target
    from reimage_conformance.session.step_runs import Result
    from reimage_conformance.session.sut import SystemUnderTest


UNLIMITED = 1_000_000
"""A max_reimages that leaves nothing out."""


def planned(target: Target, profile: Profile) -> int:
    """The most reimages that a whole run starts at an endpoint that refuses all bad requests, whatever max_reimages is now."""
    limits = replace(target.limits, max_reimages=UNLIMITED)
    steps = Planner(replace(target, limits=limits), profile).steps
    beside = 0 if profile is Profile.SMOKE else CASE_REIMAGES
    return len(steps) + sum(contending_requests(step) for step in steps) + beside


def sufficing(sut: SystemUnderTest) -> Sufficing | None:
    """The budget that would have been enough, None where nothing was left out.

    It is what a whole run starts (`planned`), and the reimages that bad requests started. It is exact if nothing but
    steps of the campaign was left out, and no bad request was accepted. Where the campaign starts steps on demand, it
    counts what is known to be missing.
    """
    results = {id(result): result for result in sut.campaign.results.values()}.values()
    left_out = len({result.step.name for result in results if result.skipped == SPENT})
    left_out += max((contending_requests(result.step) for result in results if _is_uncontended(result)), default=0)
    missing = max(len(sut.reimages.left_out), int(sut.budget.turned_away))
    if not left_out and not missing:
        return None
    if sut.campaign.agenda.starts_on_demand:
        return Sufficing(sut.budget.spent + left_out + missing, exact=False)
    enough = max(planned(sut.target, sut.profile) + sut.operations.unwanted_count, sut.budget.limit + 1)
    return Sufficing(enough, exact=not missing and not sut.operations.unwanted_count)


def _is_uncontended(result: Result) -> bool:
    """Whether a step that others were to contend with ran without them."""
    return result.step.contend and result.is_accepted and not result.contention_sent and not result.adopted
