"""Faults in which operations can be asked about, by whom, and in what refused requests leave behind."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reimage_conformance.emulator.conditions import (
    COMP_DEFECTS,
    TYPE_DEFECTS,
    VERSION_DEFECTS,
    begin_anyway,
    over,
    refusal_edit,
    refused_with,
    reply_edit,
    reply_set,
)
from reimage_conformance.emulator.departures import Change, When, always, instead
from reimage_conformance.emulator.documents import Node
from reimage_conformance.emulator.faults.registry import fault
from reimage_conformance.emulator.lookup import find_operation, operation_visible
from reimage_conformance.emulator.service import document_reply, refuse

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.emulator.messages import Call, Refusal, Reply
    from reimage_conformance.emulator.world import Operation

UNKNOWN, OTHER, NO_EFFECT = "REQ-GOS-UNKNOWN-ID", "REQ-GOS-OTHER-SUB", "REQ-GOS-NOTFOUND-NOEFFECT"


def _operation_if(test: Callable[[str, str], bool]) -> Change:
    def found(original: Callable[..., Any], call: Call, asked: str) -> Any:
        known = (each for each in call.world.operations.values() if each.subscription == call.route.subscription)
        return original(call, asked) or next((each for each in known if test(each.id, asked)), None)

    return instead(find_operation, found)


for _name, _summary, _test in (
    ("prefix", "the beginning of an id is enough", lambda known, asked: known.startswith(asked)),
    ("suffix-ignored", "what follows an id is ignored", lambda known, asked: asked.startswith(known)),
    ("first-half", "the first half of an id is enough", lambda known, asked: known[:16] == asked[:16]),
    ("any", "any id leads to some operation", lambda _, __: True),
    ("well-formed", "any id of 32 digits leads to some operation", lambda _, asked: len(asked) == 32),
    ("malformed", "any malformed id leads to some operation", lambda _, asked: len(asked) != 32),
    ("zero", "the id of zeros leads to some operation", lambda _, asked: not asked.strip("0-")),
):
    fault(f"unknown-id-found[{_name}]", UNKNOWN, _summary, _operation_if(_test))


def _invented(status: str, code: int = 200, when: When = always) -> Change:
    def answer(original: Callable[..., Reply], call: Call, refusal: Refusal) -> Reply:
        if refusal.defect != "operation":
            return original(call, refusal)
        embedded = (Node("HttpStatusCode", "200"),) if status == "Succeeded" else ()
        root = Node("Operation", (Node("ID", call.route.operation), Node("Status", status), *embedded))
        return document_reply(call, code, "poll", root)

    return instead(refuse, answer, when)


for _status in ("InProgress", "Succeeded"):
    fault(
        f"unknown-id-reported[{_status}]", UNKNOWN, f"an id never issued is reported as {_status}", _invented(_status)
    )
    fault(
        f"malformed-id-reported[{_status}]",
        UNKNOWN,
        f"a malformed id is reported as {_status}",
        _invented(_status, when=lambda call: len(call.route.operation) != 32),
    )
fault(
    "unknown-id-answered-empty",
    UNKNOWN,
    "an id never issued is answered 200 without content",
    reply_edit(reply_set(status=200, body=b"", media_type=""), "operation"),
)
fault(
    "unknown-id-answered-204",
    UNKNOWN,
    "an id never issued is answered 204",
    reply_edit(reply_set(status=204), "operation"),
)
for _code in (401, 403, 405, 409, 410):
    fault(
        f"unknown-id-status[{_code}]",
        UNKNOWN,
        f"an id never issued is answered {_code}",
        refusal_edit(refused_with(status=_code), "operation", when=lambda call: call.message.method == "GET"),
        also=("REQ-ERR-CODES", "REQ-HTTP-405-ALLOW"),
    )

for _name, _summary, _seen in (
    ("", "every operation", lambda _, __: True),
    ("[finished]", "a finished operation", over),
    ("[under way]", "an operation under way", lambda call, operation: not over(call, operation)),
    (
        "[same certificate]",
        "every operation of a subscription that the certificate opens",
        lambda call, _: call.client.identity in ("main", "second", None),
    ),
):
    fault(
        f"operation-seen-from-other-subscription{_name}",
        OTHER,
        f"{_summary} can be read under another subscription",
        instead(
            operation_visible,
            lambda original, call, operation, seen=_seen: original(call, operation) or seen(call, operation),
        ),
    )


def begun(pollable: bool, *defects: str) -> Change:  # noqa: FBT001 - reads as a word where it is called
    """Refuses, but starts the reimage; a pollable one is known by the id of the refusal."""

    def answer(original: Callable[..., Reply], call: Call, refusal: Refusal) -> Reply:
        operation: Operation | None = begin_anyway(call) if refusal.defect in defects else None
        reply = original(call, refusal)
        return replace(reply, request_id=operation.id) if pollable and operation is not None else reply

    return instead(refuse, answer)


_BESIDES = {"REQ-CONC-SAME", "REQ-CONC-OTHER", "REQ-CONC-REFUSED-NOEFFECT"}
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
for _cause, (_requirement, _defects) in _CAUSES.items():
    fault(
        f"refused-yet-pollable[{_cause}]",
        _requirement if _cause == "certificate" else NO_EFFECT,
        f"a reimage refused for its {_cause} starts, under the id of the refusal",
        begun(True, *_defects),  # noqa: FBT003
        also=tuple(
            sorted(_BESIDES | {_requirement, NO_EFFECT} - {_requirement if _cause == "certificate" else NO_EFFECT})
        ),
    )
    fault(
        f"refused-yet-started[{_cause}]",
        _requirement,
        f"a reimage refused for its {_cause} starts",
        begun(False, *_defects),  # noqa: FBT003
        also=(NO_EFFECT,) if _requirement != NO_EFFECT else ("REQ-CONC-REFUSED-NOEFFECT",),
    )


def _reported(status: str, *defects: str, form: str = "") -> Change:
    """Lets the id of a reimage refused for one of `defects`, or for any, be polled although nothing was started; in both URI forms or one."""

    def note(original: Callable[..., Reply], call: Call, refusal: Refusal) -> Reply:
        reply = original(call, refusal)
        refused = call.notes.setdefault("refused", set())
        meant = not form or call.route.form == form
        if call.kind == "reimage" and meant and (not defects or refusal.defect in defects):
            refused.add(reply.request_id)
        if refusal.defect != "operation" or call.route.operation not in refused:
            return reply
        embedded = (Node("HttpStatusCode", "200"),) if status == "Succeeded" else ()
        root = Node("Operation", (Node("ID", call.route.operation), Node("Status", status), *embedded))
        return document_reply(call, 200, "poll", root)

    return instead(refuse, note)


fault(
    "refusal-reported[certificate]",
    NO_EFFECT,
    "the id of a reimage refused for its certificate is a Succeeded operation",
    _reported("Succeeded", "certificate"),
    also=("REQ-AUTH-BEFORE-EFFECT",),
)
for _form, _place in (("slot", "slot"), ("name", "deployment")):
    for _defect in ("instance", "service", _place):
        fault(
            f"refusal-reported[{_defect} by {_form}]",
            NO_EFFECT,
            f"the id of a reimage refused for an unknown {_defect} by {_form} is a Succeeded operation",
            _reported("Succeeded", _defect, form=_form),
        )


def _without_dashes(original: Callable[..., Operation | None], call: Call, operation_id: str) -> Operation | None:
    return original(call, operation_id) or call.world.operations.get(operation_id.replace("-", ""))


fault(
    "operation-seen-from-other-subscription[dashed]",
    OTHER,
    "an operation can be read under another subscription by its id with dashes",
    instead(find_operation, _without_dashes),
)
for _status in ("InProgress", "Succeeded"):
    fault(
        f"refusal-reported[{_status}]",
        NO_EFFECT,
        f"the id of a refused reimage is reported as {_status}",
        _reported(_status),
    )
    fault(
        f"conflict-reported[{_status}]",
        NO_EFFECT,
        f"the id of a 409 is reported as {_status}",
        _reported(_status, "conflict"),
    )
