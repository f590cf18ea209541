"""Faults in the 202: its status, its request id, its missing content; and in request ids at large."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zlib import crc32

from reimage_conformance.emulator.conditions import (
    both,
    form_is,
    instance_matches,
    known_after,
    later_on_connection,
    poll_in,
    reply_edit,
    reply_set,
    slot_is,
)
from reimage_conformance.emulator.departures import When, always, instead
from reimage_conformance.emulator.faults.registry import fault
from reimage_conformance.emulator.lookup import find_operation
from reimage_conformance.emulator.needs import needs_of
from reimage_conformance.emulator.operations import new_request_id
from reimage_conformance.emulator.writing import identifying_fields

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.emulator.messages import Call, Fields, Reply
    from reimage_conformance.emulator.world import Operation

_WHERE: tuple[tuple[str, str, When], ...] = (
    ("slot", "by slot", form_is("slot")),
    ("name", "by name", form_is("name")),
    ("staging", "in staging", slot_is("staging")),
    ("worker role", "of a worker role", instance_matches(lambda name: "Worker" in name)),
    ("later on a connection", "that is not the first request on its connection", later_on_connection),
)

for _status in (200, 201, 203, 204, 206, 302, 303):
    fault(
        f"accepted-status[{_status}]",
        "REQ-REIMAGE-202",
        f"an accepted reimage is answered {_status}",
        reply_edit(reply_set(status=_status), "accepted"),
    )
for _name, _summary, _when in _WHERE:
    fault(
        f"accepted-status-200[{_name}]",
        "REQ-REIMAGE-202",
        f"an accepted reimage {_summary} is answered 200",
        reply_edit(reply_set(status=200), "accepted", when=_when),
        needs=needs_of(_name),
    )
    fault(
        f"accepted-id-missing[{_name}]",
        "REQ-REIMAGE-REQID",
        f"the 202 for a reimage {_summary} carries no request id",
        reply_edit(reply_set(request_id=""), "accepted", when=_when),
        needs=needs_of(_name),
    )
    fault(
        f"accepted-body[{_name}]",
        "REQ-REIMAGE-BODY-EMPTY",
        f"the 202 for a reimage {_summary} has content",
        reply_edit(reply_set(body=b"<Operation/>", media_type="application/xml"), "accepted", when=_when),
        needs=needs_of(_name),
    )


def _id_fields(make: Callable[[str], Fields], *about: str) -> Any:
    def fields(original: Callable[..., Fields], call: Call, reply: Reply) -> Fields:
        wanted = not about or reply.about in about
        return make(reply.request_id) if wanted and reply.request_id else original(call, reply)

    return instead(identifying_fields, fields)


for _name, _summary, _make in (
    ("missing", "no request id", lambda _: ()),
    ("empty", "an empty request id", lambda _: (("x-ms-request-id", ""),)),
    ("twice", "its request id twice", lambda each: (("x-ms-request-id", each),) * 2),
    ("two", "two request ids", lambda each: (("x-ms-request-id", each), ("x-ms-request-id", each[::-1]))),
    ("renamed", "its request id as x-ms-requestid", lambda each: (("x-ms-requestid", each),)),
    ("as-client-id", "its id as x-ms-client-request-id", lambda each: (("x-ms-client-request-id", each),)),
):
    fault(f"accepted-id-{_name}", "REQ-REIMAGE-REQID", f"the 202 carries {_summary}", _id_fields(_make, "accepted"))
for _name, _summary, _make in (
    ("truncated", "the first half of the operation's id", lambda each: (("x-ms-request-id", each[:16]),)),
    (
        "upper-case",
        "the id in capitals, which is not known",
        lambda each: (("x-ms-request-id", f"A{each[1:]}".upper()),),
    ),
    ("braced", "the id in braces, which is not known", lambda each: (("x-ms-request-id", f"{{{each}}}"),)),
    ("quoted", "the id in quotes, which is not known", lambda each: (("x-ms-request-id", f'"{each}"'),)),
    ("path", "a path instead of an id", lambda each: (("x-ms-request-id", f"operations/{each}"),)),
    ("reversed", "another id than the operation's", lambda each: (("x-ms-request-id", each[::-1]),)),
    (
        "dashed",
        "the id with dashes, which is not known",
        lambda each: (("x-ms-request-id", f"{each[:8]}-{each[8:12]}-{each[12:16]}-{each[16:20]}-{each[20:]}"),),
    ),
):
    fault(
        f"accepted-id-{_name}", "REQ-REIMAGE-REQID-USABLE", f"the 202 carries {_summary}", _id_fields(_make, "accepted")
    )


def _latest(original: Callable[..., Operation | None], call: Call, operation_id: str) -> Operation | None:
    own = original(call, operation_id)
    return own and own.deployment.operation


def _first(original: Callable[..., Operation | None], call: Call, operation_id: str) -> Operation | None:
    own = original(call, operation_id)
    return own and next(iter(call.world.operations.values()))


fault(
    "id-leads-to-latest-operation",
    "REQ-REIMAGE-REQID-USABLE",
    "an id leads to the latest operation of the same deployment",
    instead(find_operation, _latest),
    also=("REQ-GOS-ID", "REQ-GOS-TERMINAL-STABLE", "REQ-GOS-READONLY", "REQ-GOS-PROGRESS"),
)
fault(
    "id-leads-to-first-operation",
    "REQ-REIMAGE-REQID-USABLE",
    "every id leads to the first operation of all",
    instead(find_operation, _first),
    also=("REQ-GOS-ID",),
)


for _seconds in (3, 8):
    fault(
        f"operation-known-late[{_seconds}s]",
        "REQ-REIMAGE-REQID-PROMPT",
        f"an operation is not known in the first {_seconds} seconds",
        known_after(_seconds),
        also=("REQ-REIMAGE-REQID-USABLE",),
    )

for _name, _body, _type in (
    ("xml", b'<Operation xmlns="http://schemas.microsoft.com/windowsazure"/>', "application/xml"),
    ("text", b"Accepted", "text/plain"),
    ("html", b"<html><body>Accepted</body></html>", "text/html"),
    ("json", b"{}", "application/json"),
    ("space", b" ", ""),
    ("line end", b"\r\n", ""),
):
    fault(
        f"accepted-content[{_name}]",
        "REQ-REIMAGE-BODY-EMPTY",
        f"the 202 has content: {_name}",
        reply_edit(reply_set(body=_body, media_type=_type), "accepted"),
    )
fault(
    "accepted-content[chunked]",
    "REQ-REIMAGE-BODY-EMPTY",
    "the 202 has chunked content",
    reply_edit(reply_set(body=b"Accepted", media_type="text/plain", chunked=True), "accepted"),
)


def _ids(make: Callable[[Call, str], str], when: When = always) -> Any:
    return instead(new_request_id, lambda original, call: make(call, original(call)), when)


def _numbered(call: Call, key: str, modulus: int) -> str:
    call.notes[key] = call.notes.get(key, -1) + 1
    return f"{call.notes[key] % modulus + 1:032x}"


_UNIQUE = "REQ-ASYNC-REQID-UNIQUE"
fault(
    "ids-constant[polls]",
    _UNIQUE,
    "all polls get the same id",
    _ids(lambda *_: "1" * 32, lambda call: call.kind == "operation"),
)
fault(
    "ids-constant[refusals]",
    _UNIQUE,
    "all refused requests get the same id",
    _ids(lambda *_: "2" * 32, lambda call: call.kind == "reimage" and call.instance is None),
)
fault(
    "ids-constant[deployments]",
    _UNIQUE,
    "all answers of Get Deployment get the same id",
    _ids(lambda *_: "3" * 32, lambda call: call.kind == "deployment"),
)
fault("ids-of-the-second", _UNIQUE, "ids depend on the second only", _ids(lambda call, _: f"{int(call.now):032x}"))
fault(
    "ids-come-round", _UNIQUE, "after five ids the first comes again", _ids(lambda call, _: _numbered(call, "round", 5))
)
fault(
    "ids-start-again-on-each-connection",
    _UNIQUE,
    "ids count the requests of a connection",
    _ids(lambda call, _: f"{call.position:032x}"),
)
fault(
    "ids-of-the-target",
    _UNIQUE,
    "equal requests get equal ids",
    _ids(lambda call, _: f"{crc32(call.message.target.encode()):032x}"),
)


def _keep_id(call: Call, reply: Reply) -> None:
    call.notes["accepted id"] = reply.request_id


def _reuse_id(call: Call, reply: Reply) -> None:
    reply.request_id = call.notes.pop("accepted id", reply.request_id)


fault(
    "id-used-again-by-next-refusal",
    _UNIQUE,
    "the request refused next gets the id of the 202 before it",
    reply_edit(_keep_id, "accepted"),
    reply_edit(lambda call, reply: _reuse_id(call, reply) if reply.status >= 400 else None),
)
fault(
    "same-instance-same-id",
    _UNIQUE,
    "a role instance gets the same id for every reimage",
    _ids(
        lambda call, _: f"{sum(map(ord, call.route.instance)):032x}",
        lambda call: call.kind == "reimage" and call.instance is not None,
    ),
    also=("REQ-CONC-SAME", "REQ-GOS-TERMINAL-STABLE"),
)

for _name, _summary, _when in (
    ("", "of a poll", always),
    ("[InProgress]", "of a poll while the operation runs", poll_in("InProgress")),
    ("[Succeeded]", "of a poll that finds success", poll_in("Succeeded")),
    ("[Failed]", "of a poll that finds failure", poll_in("Failed")),
    ("[later on a connection]", "of a poll that is not the first request on its connection", both(later_on_connection)),
):
    fault(
        f"poll-id-missing{_name}",
        "REQ-GOS-REQID",
        f"the answer {_summary} carries no request id",
        reply_edit(reply_set(request_id=""), "poll", when=_when),
        needs=needs_of(_name),
    )


def _tracked_id(call: Call, reply: Reply) -> None:
    reply.request_id = call.route.operation


fault(
    "poll-id-is-the-tracked-one",
    "REQ-GOS-REQID-OWN",
    "a poll is answered under the id that it asks about",
    reply_edit(_tracked_id, "poll"),
    also=(_UNIQUE,),
)
fault(
    "poll-id-empty",
    "REQ-GOS-REQID",
    "a poll is answered with an empty request id",
    _id_fields(lambda _: (("x-ms-request-id", ""),), "poll"),
)
