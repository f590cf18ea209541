"""Oddities of locks: what is locked while a reimage is under way, how that is answered, and locks that something else holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.emulator.admission import check_conflict
from reimage_conformance.emulator.conditions import refusal_edit, refused_with
from reimage_conformance.emulator.departures import Change, instead, skips
from reimage_conformance.emulator.messages import Refusal
from reimage_conformance.emulator.oddities.registry import oddity
from reimage_conformance.emulator.operations import conflicting_operation, instance_status, is_over

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.emulator.messages import Call
    from reimage_conformance.emulator.world import Operation


oddity(
    "conflict-code-of-its-own",
    "a busy deployment gives 409 with a code that no document names",
    refusal_edit(refused_with(code="DeploymentBusy"), "conflict"),
    lenient_only=True,
)


def _locked(locks_out: Callable[[Call, Operation], bool]) -> Change:
    """Refuses a reimage as long as an operation is under way for which `locks_out` holds."""

    def conflicting(_: Callable[..., Operation | None], call: Call) -> Operation | None:
        running = (each for each in call.world.operations.values() if not is_over(call, each) and locks_out(call, each))
        return next(running, None)

    return instead(conflicting_operation, conflicting)


def _under_way_on(call: Call) -> bool:
    """Whether an operation is under way on the instance of the request."""
    return any(each.instance is call.instance and not is_over(call, each) for each in call.world.operations.values())


def _until_ready(status: int, code: str) -> Change:
    """Refuses also the reimage of an instance that is not at ReadyRole after an operation.

    While an operation is under way on the instance, the answer is that of the lock, or 202 where nothing is locked (REQ-CONC-SAME).
    """

    def refused(original: Callable[..., Refusal | None], call: Call) -> Refusal | None:
        refusal = original(call)
        if refusal is not None or call.instance is None or _under_way_on(call):
            return refusal
        if instance_status(call, call.instance) == "ReadyRole":
            return None
        return Refusal("conflict", status, code, "The role instance is not ready.")

    return instead(check_conflict, refused)


oddity(
    "lock-until-ready",
    "a reimage of an instance that is not ready again gives 409, as while an operation is under way",
    _until_ready(409, "ConflictError"),
)
oddity("not-running-400", "a reimage of an instance that is not ready again gives 400", _until_ready(400, "BadRequest"))
oddity("lock-none", "nothing is locked: two reimages run at the same time, even of one instance", skips(check_conflict))
oddity("lock-instance", "only the instance is locked", _locked(lambda call, each: each.instance is call.instance))
oddity(
    "lock-service",
    "the whole cloud service is locked",
    _locked(
        lambda call, each: (
            each.deployment.service == call.route.service and each.subscription == call.route.subscription
        )
    ),
)
oddity(
    "lock-subscription",
    "the whole subscription is locked",
    _locked(lambda call, each: each.subscription == call.route.subscription),
)


def _two_at_most(_: Callable[..., Operation | None], call: Call) -> Operation | None:
    """The first of two operations that are under way in the deployment, None where there are fewer."""
    running = [o for o in call.world.operations.values() if o.deployment is call.deployment and not is_over(call, o)]
    return running[0] if len(running) > 1 else None


oddity(
    "lock-from-two-on",
    "two reimages may run at the same time in a deployment, and a third one is refused",
    instead(conflicting_operation, _two_at_most),
)

LOCKED_FROM, LOCKED_UNTIL = 3, 40
"""When something else locks a deployment: the time since the first reimage in it, in durations of an operation."""
_IN_REASONS = "409"
"""A text in every reason that a run gives for what it cannot judge because of such a lock."""


def _locked_by_another(message: str) -> Change:
    """Refuses every reimage in a deployment with `message` while something else than a reimage of the client locks it."""

    def refused(original: Callable[..., Refusal | None], call: Call) -> Refusal | None:
        if call.deployment not in call.world.deployments:
            return original(call)
        first = call.notes.setdefault("first-reimages", {}).setdefault(call.deployment.name, call.now)
        age = (call.now - first) / call.state.operation_seconds
        is_locked = LOCKED_FROM <= age < LOCKED_UNTIL
        return Refusal("conflict", 409, "ConflictError", message) if is_locked else original(call)

    return instead(check_conflict, refused)


oddity(
    "locked-by-another",
    "for a while an operation of another administrator holds a deployment: every reimage in it gets 409",
    _locked_by_another(
        "An operation with request ID 5e1f0c7a9b3d4e628a1c0d9e7f6b5a43 has exclusive access to the deployment."
    ),
    unjudged=_IN_REASONS,
)
oddity(
    "locked-by-another-unnamed",
    "for a while something else holds a deployment: every reimage in it gets 409, which does not say what holds it",
    _locked_by_another("The deployment is being upgraded."),
    unjudged=_IN_REASONS,
)
