"""The first line of a journal, and two forms of the target: with the options of the run, and masked for reports."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from reimage_conformance import __version__
from reimage_conformance.config import target_to_mapping, without_private
from reimage_conformance.pytest_plugin.fitting import fingerprint_of

if TYPE_CHECKING:
    from reimage_conformance.model import Target
    from reimage_conformance.pytest_plugin.options import Plan
    from reimage_conformance.redaction.redactor import Redactor


def limited(target: Target, plan: Plan) -> Target:
    """The target with --max-reimages and --strictness of the run."""
    limits = target.limits
    if plan.max_reimages is not None:
        limits = replace(limits, max_reimages=plan.max_reimages)
    return replace(target, strictness=plan.strictness or target.strictness, limits=limits)


def masked(target: Target, redactor: Redactor) -> Target:
    """The target as reports may show it: without the paths of private files, and with masked identifiers."""
    foreign, other = target.foreign_subscription_id, target.other_subscription_id
    return replace(
        without_private(target),
        subscription_id=redactor.text(target.subscription_id),
        foreign_subscription_id=redactor.text(foreign) if foreign else None,
        other_subscription_id=redactor.text(other) if other else None,
    )


def new_run_id() -> str:
    """A unique id for a run."""
    return uuid4().hex


def header(run_id: str, plan: Plan, target: Target, shown: Target) -> dict[str, Any]:
    """The fields of a journal's first line; `shown` is the masked target."""
    return {
        "id": run_id,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "epoch": time.time(),
        "fingerprint": fingerprint_of(target),
        "seed": plan.seed,
        "profile": plan.profile.value,
        "strictness": target.strictness.value,
        "suite_version": __version__,
        "target": target_to_mapping(shown),
    }
