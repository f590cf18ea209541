"""Faults in what happens to two reimages if the second is requested while the first is under way in the same deployment.

A `Slip` becomes a fault, or a family of faults, when `by` or `each` is called on it: both register what they make.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reimage_conformance.emulator.admission import check_conflict, check_reimage_target
from reimage_conformance.emulator.conditions import (
    SILENCE,
    has_run_its_time,
    performs,
    refusal_code,
    refusal_status,
    refused_with,
    reply_edit,
    reply_set,
)
from reimage_conformance.emulator.departures import Change, When, instead, skips
from reimage_conformance.emulator.faults.operations.lifecycle import COMPLETES, fitting_result, shown
from reimage_conformance.emulator.faults.registry import Slip
from reimage_conformance.emulator.messages import Refusal, Reply, Reset
from reimage_conformance.emulator.needs import Need
from reimage_conformance.emulator.operations import (
    conflicting_operation,
    instance_status,
    operation_fails,
    write_guest,
)
from reimage_conformance.emulator.places import Place
from reimage_conformance.emulator.service import accept, refuse

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.emulator.messages import Call
    from reimage_conformance.emulator.world import Instance, Operation

USABLE = "REQ-REIMAGE-REQID-USABLE"
SAME, OTHER, NO_EFFECT = "REQ-CONC-SAME", "REQ-CONC-OTHER", "REQ-CONC-REFUSED-NOEFFECT"


def _meets(*, same: bool) -> When:
    """Reimages while one of the same instance is under way; with `same` false, while one of another instance is, in the same deployment."""

    def test(call: Call) -> bool:
        deployment = call.deployment
        running = deployment.operation if deployment and call.kind == "reimage" else None
        if running is None or running is call.operation or has_run_its_time(call, running):
            return False
        return (running.instance is call.instance) == same

    return test


_PLACES = (
    Place("same", " of the same instance", _meets(same=True)),
    Place("other", " of another instance", _meets(same=False), needs=(Need.SECOND_INSTANCE,)),
)
"""Where a second reimage can go wrong."""


def _slip_of_second(place: Place, name: str, summary: str, *may_also_violate: str) -> Slip:
    """A mistake with a second reimage at `place`.

    In `summary` this puts the words of the place for {place}; `Slip.each` puts the value for {}.
    """
    requirement = SAME if place.word == "same" else OTHER
    summary = summary.replace("{place}", place.words)
    return Slip(f"second-{place.word}-{name}", requirement, summary, may_also_violate, place.needs)


def _still_locked(original: Callable[..., Operation | None], call: Call) -> Operation | None:
    """Keeps a deployment busy after its latest operation has failed."""
    last = call.deployment.operation if call.deployment is not None else None
    failed = last is not None and has_run_its_time(call, last) and operation_fails(call, last)
    return last if failed else original(call)


def _lock_left_behind(original: Callable[..., Refusal | None], call: Call) -> Refusal | None:
    """Locks a deployment before the role instance is looked up, and leaves it locked where there is no such instance."""
    refused = original(call)
    if call.kind == "reimage" and call.deployment is not None:
        locked = call.notes.setdefault("locked", set())
        if refused is not None and call.instance is None:
            locked.add(call.deployment.name)
        elif refused is None and call.deployment.name in locked:
            return Refusal("conflict", 409, "ConflictError", "The deployment is busy.")
    return refused


Slip(
    "lock-kept-after-failure",
    "REQ-REIMAGE-202",
    "once an operation has failed, every reimage in its deployment is refused with 409",
    also=("REQ-REIMAGE-URI-SLOT", "REQ-REIMAGE-URI-NAME"),
    needs=(Need.FAILING_INSTANCE,),
).by(instead(conflicting_operation, _still_locked))
Slip(
    "lock-kept-after-unknown-instance",
    "REQ-REIMAGE-202",
    "once a reimage named an instance that does not exist, every later reimage in the deployment is refused with 409",
    also=("REQ-REIMAGE-URI-SLOT", "REQ-REIMAGE-URI-NAME", "REQ-REIMAGE-UNKNOWN-INSTANCE"),
).by(instead(check_reimage_target, _lock_left_behind))


def _changes_of_second(edit: Callable[[Call, Operation], Any], place: Place) -> tuple[Change, Change]:
    """Changes that accept a second reimage at `place` and call `edit` on its operation."""

    def accepted(original: Callable[..., Reply], call: Call) -> Reply:
        reply = original(call)
        if call.operation is not None:
            edit(call, call.operation)
        return reply

    return skips(check_conflict, place.when), instead(accept, accepted, place.when)


def _across_forms(original: Callable[..., Reply], call: Call, refusal: Refusal) -> Reply:
    """Gives a 409 another code where the operation under way was started by the other URI form."""
    running = call.deployment.operation if call.deployment is not None else None
    is_by_other_form = running is not None and running.form != call.route.form
    is_changed = refusal.defect == "conflict" and is_by_other_form
    return original(call, refused_with(code="Conflict")(refusal) if is_changed else refusal)


Slip(
    "conflict-code-across-forms",
    OTHER,
    "a reimage that meets one started by the other URI form gets 409 with the code Conflict",
    also=(SAME, "REQ-ERR-CODES"),
).by(instead(refuse, _across_forms))


def _noted(key: str) -> Callable[[Call, Operation], None]:
    """Makes an effect that notes an operation under `key`, for `_status_if_noted`."""
    return lambda call, operation: call.notes.setdefault(key, set()).add(operation.id)


def _status_if_noted(key: str, status: str, *, once_succeeded: bool = False) -> Change:
    """Shows `status` for operations that are noted under `key`: at once, or only in place of Succeeded."""

    def see(call: Call, operation: Operation, seen: str) -> str:
        is_noted = operation.id in call.notes.get(key, ())
        return status if is_noted and (seen == "Succeeded" or not once_succeeded) else seen

    return shown(see)


def _answered_with_running_id(original: Callable[..., Reply], call: Call) -> Reply:
    """Answers 202 with the id of the operation under way, and starts none."""
    running = call.deployment.operation if call.deployment else None
    return original(call) if running is None else Reply(202, "accepted", request_id=running.id)


def _forget_the_one_before(call: Call, operation: Operation) -> None:
    """Forgets the operation that ran in the deployment when this one was accepted: the one before it."""
    of_deployment = [each for each in call.world.operations.values() if each.deployment is operation.deployment]
    if len(of_deployment) > 1:
        call.world.operations.pop(of_deployment[-2].id)


def _forget(call: Call, operation: Operation) -> None:
    call.world.operations.pop(operation.id, None)


for _place in _PLACES:
    _slip_of_second(_place, "status", "a second reimage{place} is answered {}").each(
        (400, 403, 404, 412, 423), refusal_status("conflict", when=_place.when)
    )
    _slip_of_second(_place, "code", "a second reimage{place} gets 409 {}", "REQ-ERR-CODES").each(
        ("BadRequest", "Conflict", "conflicterror", "ResourceNotFound"), refusal_code("conflict", when=_place.when)
    )
    _slip_of_second(_place, "answered-200", "a second reimage{place} is answered 200", "REQ-REIMAGE-202").by(
        reply_edit(reply_set(status=200, body=b"", media_type=""), "conflict", when=_place.when)
    )
    _slip_of_second(
        _place, "empty-conflict", "the 409 for a second reimage{place} has no content", "REQ-ERR-BODY-OPTIONAL"
    ).by(reply_edit(reply_set(body=b"", media_type=""), "conflict", when=_place.when))
    _slip_of_second(_place, "hangs", "a second reimage{place} is never answered").by(
        performs(SILENCE, when=_place.when)
    )
    _slip_of_second(_place, "resets", "a second reimage{place} ends in a reset").by(performs(Reset(), when=_place.when))
    _slip_of_second(
        _place, "unknown", "a second reimage{place} is answered 202 with an id that is not known", USABLE, COMPLETES
    ).by(*_changes_of_second(_forget, _place))
    _slip_of_second(_place, "never-ends", "a second reimage{place} stays InProgress", COMPLETES).by(
        *_changes_of_second(_noted("endless"), _place), _status_if_noted("endless", "InProgress")
    )
    _slip_of_second(
        _place,
        "displaces-first",
        "with a second reimage{place} the first operation is no longer known",
        USABLE,
        COMPLETES,
        "REQ-GOS-READONLY",
    ).by(*_changes_of_second(_forget_the_one_before, _place))
    _slip_of_second(
        _place,
        "same-id",
        "a second reimage{place} is answered 202 with the id of the one under way",
        "REQ-ASYNC-REQID-UNIQUE",
    ).by(skips(check_conflict, _place.when), instead(accept, _answered_with_running_id, _place.when))


def _on_conflict(effect: Callable[[Call, Operation], Any]) -> Change:
    """Makes a 409 call `effect` on the operation under way."""

    def answer(original: Callable[..., Reply], call: Call, refusal: Refusal) -> Reply:
        if refusal.defect == "conflict" and call.deployment and call.deployment.operation:
            effect(call, call.deployment.operation)
        return original(call, refusal)

    return instead(refuse, answer)


def _begin_again(call: Call, operation: Operation) -> None:
    operation.accepted_at = call.now


def _reimage_anyway(call: Call, _: Operation) -> None:
    """Writes a fresh guest into the instance whose reimage is refused."""
    if call.instance is not None:
        write_guest(call, call.instance)


def _retarget(call: Call, operation: Operation) -> None:
    """Makes the operation reimage the instance that the refused request names."""
    if call.instance is not None:
        operation.instance = call.instance


Slip("conflict-fails-the-first", NO_EFFECT, "after a 409 the operation under way ends Failed", also=(COMPLETES,)).by(
    _on_conflict(_noted("failing")), _status_if_noted("failing", "Failed", once_succeeded=True), *fitting_result()
)
Slip(
    "conflict-aborts-the-first",
    NO_EFFECT,
    "with a 409 the operation under way is Failed at once",
    also=(COMPLETES, "REQ-GOS-PROGRESS"),
).by(_on_conflict(_noted("aborted")), _status_if_noted("aborted", "Failed"), *fitting_result())
Slip(
    "conflict-holds-the-first", NO_EFFECT, "after a 409 the operation under way stays InProgress", also=(COMPLETES,)
).by(_on_conflict(_noted("held")), _status_if_noted("held", "InProgress"))
Slip(
    "conflict-restarts-the-first", NO_EFFECT, "every 409 makes the operation under way begin again", also=(COMPLETES,)
).by(_on_conflict(_begin_again))
Slip(
    "conflict-forgets-the-first",
    NO_EFFECT,
    "after a 409 the operation under way is no longer known",
    also=(COMPLETES, USABLE, "REQ-GOS-READONLY"),
).by(_on_conflict(_forget))
Slip(
    "conflict-moves-the-first",
    NO_EFFECT,
    "a 409 for another instance makes the operation under way reimage that one",
    also=("REQ-GOS-NOTFOUND-NOEFFECT", "REQ-REIMAGE-FRESH-OS", "REQ-REIMAGE-OTHERS-UNTOUCHED"),
    needs=(Need.SECOND_INSTANCE,),
).by(_on_conflict(_retarget))
Slip(
    "conflict-reimages-anyway",
    "REQ-GOS-NOTFOUND-NOEFFECT",
    "an instance whose reimage is refused with 409 gets a fresh guest",
    also=("REQ-REIMAGE-OTHERS-UNTOUCHED", NO_EFFECT),
    needs=(Need.PROBE,),
).by(_on_conflict(_reimage_anyway))


def _take_along(call: Call, operation: Operation) -> None:
    """Notes that the refused request's instance goes offline with the one that `operation` reimages."""
    if call.instance is not None and call.instance is not operation.instance:
        call.notes.setdefault("taken along", {})[call.instance] = operation


def _status_if_taken_along(original: Callable[..., str], call: Call, instance: Instance) -> str:
    """The status of an instance, or of the one with which it goes offline."""
    operation = call.notes.get("taken along", {}).get(instance)
    goes_along = operation is not None and instance.operation is None and operation.instance.operation is operation
    return original(call, operation.instance if goes_along else instance)


Slip(
    "conflict-takes-it-offline",
    "REQ-REIMAGE-OTHERS-UNTOUCHED",
    "an instance whose reimage is refused with 409 goes offline",
    also=(NO_EFFECT, "REQ-GOS-NOTFOUND-NOEFFECT"),
    needs=(Need.SECOND_INSTANCE,),
).by(_on_conflict(_take_along), instead(instance_status, _status_if_taken_along))
