"""Faults in which operations Get Operation Status finds, and in which subscription; operations that refused requests start or show."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from reimage_conformance.emulator.conditions import (
    COMP_DEFECTS,
    TYPE_DEFECTS,
    VERSION_DEFECTS,
    has_run_its_time,
    refusal_status,
    reply_edit,
    reply_set,
    start_although_refused,
)
from reimage_conformance.emulator.departures import Change, When, always, instead
from reimage_conformance.emulator.documents import Node
from reimage_conformance.emulator.faults.registry import Slip
from reimage_conformance.emulator.lookup import find_operation, operation_visible
from reimage_conformance.emulator.places import with_method
from reimage_conformance.emulator.service import document_reply, refuse

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.emulator.messages import Call, Refusal, Reply
    from reimage_conformance.emulator.world import Operation

UNKNOWN, OTHER, NO_EFFECT = "REQ-GOS-UNKNOWN-ID", "REQ-GOS-OTHER-SUB", "REQ-GOS-NOTFOUND-NOEFFECT"


def _found_if(test: Callable[[str, str], bool]) -> Change:
    """Finds also the first operation of the subscription for which `test(its id, the id that is asked for)` holds."""

    def found(original: Callable[..., Any], call: Call, asked: str) -> Any:
        known = (each for each in call.world.operations.values() if each.subscription == call.route.subscription)
        return original(call, asked) or next((each for each in known if test(each.id, asked)), None)

    return instead(find_operation, found)


Slip("unknown-id-found", UNKNOWN, "{}").table(
    _found_if,
    ("prefix", "the beginning of an id is enough", lambda known, asked: known.startswith(asked)),
    ("suffix-ignored", "what follows an id is ignored", lambda known, asked: asked.startswith(known)),
    ("first-half", "the first half of an id is enough", lambda known, asked: known[:16] == asked[:16]),
    ("any", "any id leads to some operation", lambda _, __: True),
    ("well-formed", "any id of 32 digits leads to some operation", lambda _, asked: len(asked) == 32),
    ("malformed", "any malformed id leads to some operation", lambda _, asked: len(asked) != 32),
    ("zero", "the id of zeros leads to some operation", lambda _, asked: not asked.strip("0-")),
)


def _poll_reply(call: Call, status: str) -> Reply:
    """The reply to a poll that reports `status` for the id that is asked for, whether it was issued or not."""
    embedded = (Node("HttpStatusCode", "200"),) if status == "Succeeded" else ()
    root = Node("Operation", (Node("ID", call.route.operation), Node("Status", status), *embedded))
    return document_reply(call, 200, "poll", root)


def _status_if_unknown(status: str, when: When = always) -> Change:
    """Makes a poll of an operation that is not found report `status`."""

    def answer(original: Callable[..., Reply], call: Call, refusal: Refusal) -> Reply:
        return _poll_reply(call, status) if refusal.defect == "operation" else original(call, refusal)

    return instead(refuse, answer, when)


_STATUSES = ("InProgress", "Succeeded")
Slip("unknown-id-reported", UNKNOWN, "an id never issued is reported as {}").each(_STATUSES, _status_if_unknown)
Slip("malformed-id-reported", UNKNOWN, "a malformed id is reported as {}").each(
    _STATUSES, lambda status: _status_if_unknown(status, when=lambda call: len(call.route.operation) != 32)
)
Slip("unknown-id-answered-empty", UNKNOWN, "an id never issued is answered 200 without content").by(
    reply_edit(reply_set(status=200, body=b"", media_type=""), "operation")
)
Slip("unknown-id-answered-204", UNKNOWN, "an id never issued is answered 204").by(
    reply_edit(reply_set(status=204), "operation")
)
Slip(
    "unknown-id-status",
    UNKNOWN,
    "an id never issued is answered {}",
    also=("REQ-ERR-CODES", "REQ-HTTP-405-ALLOW"),
).each((401, 403, 405, 409, 410), refusal_status("operation", when=with_method("GET")))


def _seen_if(seen: Callable[[Call, Operation], bool]) -> Change:
    """Finds an operation under other subscriptions where `seen(request, operation)` holds."""
    return instead(
        operation_visible, lambda original, call, operation: original(call, operation) or seen(call, operation)
    )


_FROM_OTHER = "operation-seen-from-other-subscription"
Slip(_FROM_OTHER, OTHER, "every operation can be read under another subscription").by(_seen_if(lambda _, __: True))
Slip(_FROM_OTHER, OTHER, "{} can be read under another subscription").table(
    _seen_if,
    ("finished", "a finished operation", has_run_its_time),
    ("under way", "an operation under way", lambda call, operation: not has_run_its_time(call, operation)),
    (
        "same certificate",
        "every operation of a subscription that the certificate opens",
        lambda call, _: call.client.identity in ("main", "second", None),
    ),
)


def _started(*defects: str, pollable: bool = False) -> Change:
    """Starts a reimage that is refused for one of `defects`; with `pollable` the refusal has the id of the operation."""

    def answer(original: Callable[..., Reply], call: Call, refusal: Refusal) -> Reply:
        operation: Operation | None = start_although_refused(call) if refusal.defect in defects else None
        reply = original(call, refusal)
        return replace(reply, request_id=operation.id) if pollable and operation is not None else reply

    return instead(refuse, answer)


_OF_ITS_LOCK = {"REQ-CONC-SAME", "REQ-CONC-OTHER", "REQ-CONC-REFUSED-NOEFFECT"}
"""Requirements that the operation may break as well, whatever the reason for the refusal: it locks a deployment unexpectedly."""
_CAUSES: dict[str, tuple[str, tuple[str, ...]]] = {
    "version": ("REQ-GOS-NOTFOUND-NOEFFECT", VERSION_DEFECTS),
    "old version": ("REQ-REIMAGE-VERSION-OLD", ("version-old",)),
    "comp": ("REQ-REIMAGE-COMP-MISSING", COMP_DEFECTS),
    "body": ("REQ-REIMAGE-CL-NONZERO", ("body",)),
    "length": ("REQ-REIMAGE-CL-ABSENT", ("length",)),
    "type": ("REQ-REIMAGE-CT-ABSENT", TYPE_DEFECTS),
    "malformed version": ("REQ-VER-FORMAT", ("version-format",)),
    "wrong comp": ("REQ-REIMAGE-COMP-MISSING", ("comp-wrong",)),
    "other type": ("REQ-REIMAGE-CT-ABSENT", ("type-wrong",)),
    "certificate": ("REQ-AUTH-BEFORE-EFFECT", ("certificate",)),
    "conflict": ("REQ-GOS-NOTFOUND-NOEFFECT", ("conflict",)),
}
"""For each reason to refuse a reimage: the requirement that is broken if it starts nevertheless, and the defects."""

for _cause, (_requirement, _defects) in _CAUSES.items():
    _broken = _requirement if _cause == "certificate" else NO_EFFECT
    Slip(
        f"refused-yet-pollable[{_cause}]",
        _broken,
        f"a reimage refused for its {_cause} starts, and the refusal has the id of the operation",
        also=tuple(sorted((_OF_ITS_LOCK | {_requirement, NO_EFFECT}) - {_broken})),
    ).by(_started(*_defects, pollable=True))
    Slip(
        f"refused-yet-started[{_cause}]",
        _requirement,
        f"a reimage refused for its {_cause} starts",
        also=(NO_EFFECT,) if _requirement != NO_EFFECT else ("REQ-CONC-REFUSED-NOEFFECT",),
    ).by(_started(*_defects))


def _status_of_refused(status: str, *defects: str, form: str = "") -> Change:
    """Makes a poll of the request id of a refused reimage report `status`; nothing was started.

    The reimage was refused for one of `defects`, or for any defect where none is given, in URI form `form`, or in any where it is "".
    """

    def answer(original: Callable[..., Reply], call: Call, refusal: Refusal) -> Reply:
        reply = original(call, refusal)
        refused = call.notes.setdefault("refused", set())
        has_form = not form or call.route.form == form
        if call.kind == "reimage" and has_form and (not defects or refusal.defect in defects):
            refused.add(reply.request_id)
        is_poll_of_refused = refusal.defect == "operation" and call.route.operation in refused
        return _poll_reply(call, status) if is_poll_of_refused else reply

    return instead(refuse, answer)


Slip(
    "refusal-reported[certificate]",
    NO_EFFECT,
    "the id of a reimage refused for its certificate is reported as Succeeded",
    also=("REQ-AUTH-BEFORE-EFFECT",),
).by(_status_of_refused("Succeeded", "certificate"))
for _form, _addressed in (("slot", "slot"), ("name", "deployment")):
    Slip(
        f"refusal-reported[{{}} by {_form}]",
        NO_EFFECT,
        f"the id of a reimage refused for an unknown {{}} by {_form} is reported as Succeeded",
    ).each(("instance", "service", _addressed), partial(_status_of_refused, "Succeeded", form=_form))


def _without_dashes(original: Callable[..., Operation | None], call: Call, operation_id: str) -> Operation | None:
    """Finds an operation of any subscription by its id with dashes."""
    return original(call, operation_id) or call.world.operations.get(operation_id.replace("-", ""))


Slip(f"{_FROM_OTHER}[dashed]", OTHER, "an operation can be read under another subscription by its id with dashes").by(
    instead(find_operation, _without_dashes)
)
Slip("refusal-reported", NO_EFFECT, "the id of a refused reimage is reported as {}").each(_STATUSES, _status_of_refused)
Slip("conflict-reported", NO_EFFECT, "the id of a 409 is reported as {}").each(
    _STATUSES, lambda status: _status_of_refused(status, "conflict")
)
