"""Faults in what happens to a reimage, and to the one under way, when it meets another in the same deployment."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from reimage_conformance.emulator.admission import check_conflict, check_reimage_target
from reimage_conformance.emulator.conditions import over, refused_with, reply_edit, reply_set
from reimage_conformance.emulator.departures import Change, When, instead, skips
from reimage_conformance.emulator.faults.operations.lifecycle import COMPLETES, shown, told_failures
from reimage_conformance.emulator.faults.registry import fault
from reimage_conformance.emulator.messages import Pause, Refusal, Reply, Reset
from reimage_conformance.emulator.needs import Need
from reimage_conformance.emulator.operations import conflicting_operation, operation_fails, write_guest
from reimage_conformance.emulator.service import accept, refuse
from reimage_conformance.emulator.writing import render

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.emulator.messages import Action, Call
    from reimage_conformance.emulator.world import Operation

SAME, OTHER, NO_EFFECT = "REQ-CONC-SAME", "REQ-CONC-OTHER", "REQ-CONC-REFUSED-NOEFFECT"


def _meets(*, same: bool) -> When:
    """Reimages of the same instance as the one under way, or of another one."""

    def test(call: Call) -> bool:
        deployment = call.deployment
        running = deployment.operation if deployment and call.kind == "reimage" else None
        if running is None or running is call.operation or over(call, running):
            return False
        return (running.instance is call.instance) == same

    return test


SECOND: dict[str, tuple[str, When]] = {
    SAME: ("of the same instance", _meets(same=True)),
    OTHER: ("of another instance", _meets(same=False)),
}


def _still_locked(original: Callable[..., Operation | None], call: Call) -> Operation | None:
    """Keeps a deployment busy with an operation that has failed."""
    last = call.deployment.operation if call.deployment is not None else None
    failed = last is not None and over(call, last) and operation_fails(call, last)
    return last if failed else original(call)


def _locked_by_nobody(original: Callable[..., Refusal | None], call: Call) -> Refusal | None:
    """Takes the lock of a deployment before the role instance is looked up, and does not give it back if there is none."""
    refused = original(call)
    if call.kind == "reimage" and call.deployment is not None:
        locked = call.notes.setdefault("locked", set())
        if refused is not None and call.instance is None:
            locked.add(call.deployment.name)
        elif refused is None and call.deployment.name in locked:
            return Refusal("conflict", 409, "ConflictError", "The deployment is busy.")
    return refused


fault(
    "lock-kept-after-failure",
    "REQ-REIMAGE-202",
    "once an operation has failed every reimage in its deployment is refused with 409",
    instead(conflicting_operation, _still_locked),
    also=("REQ-REIMAGE-URI-SLOT", "REQ-REIMAGE-URI-NAME"),
    needs=(Need.FAILING_INSTANCE,),
)
fault(
    "lock-kept-after-unknown-instance",
    "REQ-REIMAGE-202",
    "once a reimage named an instance that does not exist every other in the deployment is refused with 409",
    instead(check_reimage_target, _locked_by_nobody),
    also=("REQ-REIMAGE-URI-SLOT", "REQ-REIMAGE-URI-NAME", "REQ-REIMAGE-UNKNOWN-INSTANCE"),
)


def _perform(actions: tuple[Action, ...], *_: Any) -> list[Action]:
    return list(actions)


def _refused(requirement: str, **values: Any) -> Change:
    def answer(original: Callable[..., Reply], call: Call, refusal: Refusal) -> Reply:
        meets = refusal.defect == "conflict" and SECOND[requirement][1](call)
        return original(call, refused_with(**values)(refusal) if meets else refusal)

    return instead(refuse, answer)


def _second_operation(edit: Callable[[Call, Operation], Any], requirement: str) -> tuple[Change, Change]:
    """Accepts a reimage in spite of the one under way, and changes its operation."""

    def accepted(original: Callable[..., Reply], call: Call) -> Reply:
        reply = original(call)
        if call.operation is not None:
            edit(call, call.operation)
        return reply

    return skips(check_conflict, SECOND[requirement][1]), instead(accept, accepted, SECOND[requirement][1])


def _across_forms(original: Callable[..., Reply], call: Call, refusal: Refusal) -> Reply:
    running = call.deployment.operation if call.deployment is not None else None
    apart = refusal.defect == "conflict" and running is not None and running.form != call.route.form
    return original(call, refused_with(code="Conflict")(refusal) if apart else refusal)


fault(
    "conflict-code-across-forms",
    OTHER,
    "a reimage in one URI form while one in the other runs gets 409 Conflict",
    instead(refuse, _across_forms),
    also=(SAME, "REQ-ERR-CODES"),
)

_ENDS: dict[str, tuple[Action, ...]] = {"hangs": (Pause(3600.0),), "resets": (Reset(),)}

for _requirement, (_whom, _when) in SECOND.items():
    _name = "same" if _requirement == SAME else "other"
    _needs = () if _requirement == SAME else (Need.SECOND_INSTANCE,)
    for _status in (400, 403, 404, 412, 423):
        fault(
            f"second-{_name}-status[{_status}]",
            _requirement,
            f"a second reimage {_whom} is answered {_status}",
            _refused(_requirement, status=_status),
            needs=_needs,
        )
    for _code in ("BadRequest", "Conflict", "conflicterror", "ResourceNotFound"):
        fault(
            f"second-{_name}-code[{_code}]",
            _requirement,
            f"a second reimage {_whom} gets 409 {_code}",
            _refused(_requirement, code=_code),
            also=("REQ-ERR-CODES",),
            needs=_needs,
        )
    fault(
        f"second-{_name}-answered-200",
        _requirement,
        f"a second reimage {_whom} is answered 200",
        reply_edit(reply_set(status=200, body=b"", media_type=""), "conflict", when=_when),
        also=("REQ-REIMAGE-202",),
        needs=_needs,
    )
    fault(
        f"second-{_name}-empty-conflict",
        _requirement,
        f"the 409 for a second reimage {_whom} has no content",
        reply_edit(reply_set(body=b"", media_type=""), "conflict", when=_when),
        also=("REQ-ERR-BODY-OPTIONAL",),
        needs=_needs,
    )
    for _what, _actions in _ENDS.items():
        fault(
            f"second-{_name}-{_what}",
            _requirement,
            f"a second reimage {_whom} {_what}",
            instead(render, partial(_perform, _actions), _when),
            needs=_needs,
        )
    fault(
        f"second-{_name}-unknown",
        _requirement,
        f"a second reimage {_whom} is answered 202 with an id that is not known",
        *_second_operation(lambda call, operation: call.world.operations.pop(operation.id), _requirement),
        also=("REQ-REIMAGE-REQID-USABLE", COMPLETES),
        needs=_needs,
    )


def _endless(call: Call, operation: Operation) -> None:
    call.notes.setdefault("endless", set()).add(operation.id)


def _see_endless(call: Call, operation: Operation, seen: str) -> str:
    return "InProgress" if operation.id in call.notes.get("endless", ()) else seen


def _joined(original: Callable[..., Reply], call: Call) -> Reply:
    running = call.deployment.operation if call.deployment else None
    return original(call) if running is None else Reply(202, "accepted", request_id=running.id)


def _lost(call: Call, operation: Operation) -> None:
    """The operation that was under way is replaced by the second one."""
    running = [each for each in call.world.operations.values() if each.deployment is operation.deployment]
    if len(running) > 1:
        call.world.operations.pop(running[-2].id)


for _requirement, (_whom, _when) in SECOND.items():
    _name = "same" if _requirement == SAME else "other"
    _needs = () if _requirement == SAME else (Need.SECOND_INSTANCE,)
    fault(
        f"second-{_name}-never-ends",
        _requirement,
        f"a second reimage {_whom} stays InProgress",
        *_second_operation(_endless, _requirement),
        shown(_see_endless),
        also=(COMPLETES,),
        needs=_needs,
    )
    fault(
        f"second-{_name}-displaces-first",
        _requirement,
        f"with a second reimage {_whom} the first operation is no longer known",
        *_second_operation(_lost, _requirement),
        also=("REQ-REIMAGE-REQID-USABLE", COMPLETES, "REQ-GOS-READONLY"),
        needs=_needs,
    )
    fault(
        f"second-{_name}-same-id",
        _requirement,
        f"a second reimage {_whom} is answered 202 with the id of the one under way",
        skips(check_conflict, _when),
        instead(accept, _joined, _when),
        also=("REQ-ASYNC-REQID-UNIQUE",),
        needs=_needs,
    )


def _on_conflict(effect: Callable[[Call, Operation], Any]) -> Change:
    def answer(original: Callable[..., Reply], call: Call, refusal: Refusal) -> Reply:
        if refusal.defect == "conflict" and call.deployment and call.deployment.operation:
            effect(call, call.deployment.operation)
        return original(call, refusal)

    return instead(refuse, answer)


def _spoil(key: str) -> Callable[[Call, Operation], None]:
    return lambda call, operation: call.notes.setdefault(key, set()).add(operation.id)


def _see_spoilt(key: str, status: str) -> Callable[[Call, Operation, str], str]:
    return lambda call, operation, seen: (
        status if seen == "Succeeded" and operation.id in call.notes.get(key, ()) else seen
    )


def _see_at_once(key: str, status: str) -> Callable[[Call, Operation, str], str]:
    return lambda call, operation, seen: status if operation.id in call.notes.get(key, ()) else seen


def _begin_again(call: Call, operation: Operation) -> None:
    operation.accepted_at = call.now


def _forget(call: Call, operation: Operation) -> None:
    call.world.operations.pop(operation.id, None)


def _queue(call: Call, _: Operation) -> None:
    if call.instance is not None:
        write_guest(call, call.instance)


def _move(call: Call, operation: Operation) -> None:
    if call.instance is not None:
        operation.instance = call.instance


fault(
    "conflict-fails-the-first",
    NO_EFFECT,
    "after a 409 the operation under way ends Failed",
    _on_conflict(_spoil("spoilt")),
    shown(_see_spoilt("spoilt", "Failed")),
    *told_failures(),
    also=(COMPLETES,),
)
fault(
    "conflict-aborts-the-first",
    NO_EFFECT,
    "with a 409 the operation under way is Failed at once",
    _on_conflict(_spoil("aborted")),
    shown(_see_at_once("aborted", "Failed")),
    *told_failures(),
    also=(COMPLETES, "REQ-GOS-PROGRESS"),
)
fault(
    "conflict-holds-the-first",
    NO_EFFECT,
    "after a 409 the operation under way stays InProgress",
    _on_conflict(_spoil("held")),
    shown(_see_at_once("held", "InProgress")),
    also=(COMPLETES,),
)
fault(
    "conflict-restarts-the-first",
    NO_EFFECT,
    "every 409 lets the operation under way begin again",
    _on_conflict(_begin_again),
    also=(COMPLETES,),
)
fault(
    "conflict-forgets-the-first",
    NO_EFFECT,
    "after a 409 the operation under way is no longer known",
    _on_conflict(_forget),
    also=(COMPLETES, "REQ-REIMAGE-REQID-USABLE", "REQ-GOS-READONLY"),
)
fault(
    "conflict-moves-the-first",
    NO_EFFECT,
    "a 409 for another instance makes the operation under way reimage that one",
    _on_conflict(_move),
    also=("REQ-GOS-NOTFOUND-NOEFFECT", "REQ-REIMAGE-FRESH-OS", "REQ-REIMAGE-OTHERS-UNTOUCHED"),
    needs=(Need.SECOND_INSTANCE,),
)
fault(
    "conflict-reimages-anyway",
    "REQ-GOS-NOTFOUND-NOEFFECT",
    "the instance refused with 409 gets a fresh guest all the same",
    _on_conflict(_queue),
    also=("REQ-REIMAGE-OTHERS-UNTOUCHED", NO_EFFECT),
    needs=(Need.PROBE,),
)
