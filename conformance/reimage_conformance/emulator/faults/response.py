"""Faults in the 202 (its status, its request id, content that it must not have), and in the request ids of all responses."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

from reimage_conformance.emulator.conditions import (
    known_after,
    reply_edit,
    reply_set,
    reply_status,
)
from reimage_conformance.emulator.departures import Change, When, always, instead
from reimage_conformance.emulator.faults.registry import Slip
from reimage_conformance.emulator.lookup import find_operation
from reimage_conformance.emulator.operations import new_request_id
from reimage_conformance.emulator.places import (
    EACH_FORM,
    FAILED,
    IN_PROGRESS,
    LATER,
    POLL,
    STAGING,
    SUCCEEDED,
    WORKER_ROLE,
)
from reimage_conformance.emulator.world import dashed
from reimage_conformance.emulator.writing import identifying_fields

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.emulator.messages import Call, Fields, Reply
    from reimage_conformance.emulator.world import Operation

_WHERE = (*EACH_FORM, STAGING, WORKER_ROLE, LATER)

Slip("accepted-status", "REQ-REIMAGE-202", "an accepted reimage is answered {}").each(
    (200, 201, 203, 204, 206, 302, 303), reply_status("accepted")
)
Slip("accepted-status-200", "REQ-REIMAGE-202", "an accepted reimage{} is answered 200").at(
    _WHERE, lambda place: reply_edit(reply_set(status=200), "accepted", when=place.when)
)
Slip("accepted-id-missing", "REQ-REIMAGE-REQID", "the 202 for a reimage{} carries no request id").at(
    _WHERE, lambda place: reply_edit(reply_set(request_id=""), "accepted", when=place.when)
)
Slip("accepted-body", "REQ-REIMAGE-BODY-EMPTY", "the 202 for a reimage{} has content").at(
    _WHERE,
    lambda place: reply_edit(
        reply_set(body=b"<Operation/>", media_type="application/xml"), "accepted", when=place.when
    ),
)


def _id_fields(make: Callable[[str], Fields], *about: str) -> Change:
    """Replies whose `about` is among these, or all, have the fields that `make` gives for their request id in place of x-ms-request-id."""

    def fields(original: Callable[..., Fields], call: Call, reply: Reply) -> Fields:
        wanted = not about or reply.about in about
        return make(reply.request_id) if wanted and reply.request_id else original(call, reply)

    return instead(identifying_fields, fields)


def _accepted_id(make: Callable[[str], Fields]) -> Change:
    return _id_fields(make, "accepted")


def _accepted_as(make: Callable[[str], str]) -> Change:
    return _accepted_id(lambda each: (("x-ms-request-id", make(each)),))


Slip("accepted-id-{}", "REQ-REIMAGE-REQID", "the 202 carries {}").table(
    _accepted_id,
    ("missing", "no request id", lambda _: ()),
    ("empty", "an empty request id", lambda _: (("x-ms-request-id", ""),)),
    ("twice", "its request id twice", lambda each: (("x-ms-request-id", each),) * 2),
    ("two", "two request ids", lambda each: (("x-ms-request-id", each), ("x-ms-request-id", each[::-1]))),
    ("renamed", "its request id as x-ms-requestid", lambda each: (("x-ms-requestid", each),)),
    ("as-client-id", "its id as x-ms-client-request-id", lambda each: (("x-ms-client-request-id", each),)),
)
Slip("accepted-id-{}", "REQ-REIMAGE-REQID-USABLE", "the 202 carries {}").table(
    _accepted_as,
    ("truncated", "the first half of the operation's id", lambda each: each[:16]),
    ("upper-case", "the id in capitals, which is not known", lambda each: f"A{each[1:]}".upper()),
    ("braced", "the id in braces, which is not known", lambda each: f"{{{each}}}"),
    ("quoted", "the id in quotes, which is not known", lambda each: f'"{each}"'),
    ("path", "a path instead of an id", lambda each: f"operations/{each}"),
    ("reversed", "another id than the operation's", lambda each: each[::-1]),
    ("dashed", "the id with dashes, which is not known", dashed),
)


def _latest(original: Callable[..., Operation | None], call: Call, operation_id: str) -> Operation | None:
    own = original(call, operation_id)
    return own and own.deployment.operation


def _first(original: Callable[..., Operation | None], call: Call, operation_id: str) -> Operation | None:
    own = original(call, operation_id)
    return own and next(iter(call.world.operations.values()))


Slip(
    "id-leads-to-latest-operation",
    "REQ-REIMAGE-REQID-USABLE",
    "an id leads to the latest operation of the same deployment",
    also=("REQ-GOS-ID", "REQ-GOS-TERMINAL-STABLE", "REQ-GOS-READONLY", "REQ-GOS-PROGRESS"),
).by(instead(find_operation, _latest))
Slip(
    "id-leads-to-first-operation",
    "REQ-REIMAGE-REQID-USABLE",
    "every id leads to the first operation of all",
    also=("REQ-GOS-ID",),
).by(instead(find_operation, _first))


Slip(
    "operation-known-late[{}s]",
    "REQ-REIMAGE-REQID-PROMPT",
    "an operation is not known in the first {} seconds",
    also=("REQ-REIMAGE-REQID-USABLE",),
).each((3, 8), known_after)

Slip("accepted-content", "REQ-REIMAGE-BODY-EMPTY", "the 202 has content: {name}").each_named(
    {
        "xml": (b'<Operation xmlns="http://schemas.microsoft.com/windowsazure"/>', "application/xml"),
        "text": (b"Accepted", "text/plain"),
        "html": (b"<html><body>Accepted</body></html>", "text/html"),
        "json": (b"{}", "application/json"),
        "space": (b" ", ""),
        "line end": (b"\r\n", ""),
    },
    lambda content: reply_edit(reply_set(body=content[0], media_type=content[1]), "accepted"),
)
Slip("accepted-content[chunked]", "REQ-REIMAGE-BODY-EMPTY", "the 202 has chunked content").by(
    reply_edit(reply_set(body=b"Accepted", media_type="text/plain", chunked=True), "accepted")
)


def _ids(make: Callable[[Call, str], str], when: When = always) -> Change:
    return instead(new_request_id, lambda original, call: make(call, original(call)), when)


def _numbered(call: Call, key: str, modulus: int) -> str:
    call.notes[key] = call.notes.get(key, -1) + 1
    return f"{call.notes[key] % modulus + 1:032x}"


_UNIQUE = "REQ-ASYNC-REQID-UNIQUE"
Slip("ids-constant[polls]", _UNIQUE, "all polls get the same id").by(
    _ids(lambda *_: "1" * 32, lambda call: call.kind == "operation")
)
Slip("ids-constant[refusals]", _UNIQUE, "all refused requests get the same id").by(
    _ids(lambda *_: "2" * 32, lambda call: call.kind == "reimage" and call.instance is None)
)
Slip("ids-constant[deployments]", _UNIQUE, "all answers of Get Deployment get the same id").by(
    _ids(lambda *_: "3" * 32, lambda call: call.kind == "deployment")
)
Slip("ids-of-the-second", _UNIQUE, "ids depend only on the time in whole seconds").by(
    _ids(lambda call, _: f"{int(call.now):032x}")
)
Slip("ids-come-round", _UNIQUE, "after five ids the first comes again").by(
    _ids(lambda call, _: _numbered(call, "round", 5))
)
Slip("ids-start-again-on-each-connection", _UNIQUE, "ids count the requests of a connection").by(
    _ids(lambda call, _: f"{call.position:032x}")
)
Slip("ids-of-the-target", _UNIQUE, "equal requests get equal ids").by(
    _ids(lambda call, _: f"{crc32(call.message.target.encode()):032x}")
)


def _keep_id(call: Call, reply: Reply) -> None:
    call.notes["accepted id"] = reply.request_id


def _reuse_id(call: Call, reply: Reply) -> None:
    reply.request_id = call.notes.pop("accepted id", reply.request_id)


Slip("id-used-again-by-next-refusal", _UNIQUE, "the request refused next gets the id of the 202 before it").by(
    reply_edit(_keep_id, "accepted"),
    reply_edit(lambda call, reply: _reuse_id(call, reply) if reply.status >= 400 else None),
)
Slip(
    "same-instance-same-id",
    _UNIQUE,
    "a role instance gets the same id for every reimage",
    also=("REQ-CONC-SAME", "REQ-GOS-TERMINAL-STABLE"),
).by(
    _ids(
        lambda call, _: f"{sum(map(ord, call.route.instance)):032x}",
        lambda call: call.kind == "reimage" and call.instance is not None,
    )
)

Slip("poll-id-missing", "REQ-GOS-REQID", "the answer{} carries no request id").at(
    (
        POLL.called(" to a poll", ""),
        IN_PROGRESS.called(" to a poll while the operation runs"),
        SUCCEEDED.called(" to a poll that finds success"),
        FAILED.called(" to a poll that finds failure"),
        LATER.called(" to a poll that is not the first request on its connection"),
    ),
    lambda place: reply_edit(reply_set(request_id=""), "poll", when=place.when),
)


def _tracked_id(call: Call, reply: Reply) -> None:
    reply.request_id = call.route.operation


Slip(
    "poll-id-is-the-tracked-one",
    "REQ-GOS-REQID-OWN",
    "a poll is answered under the id that it asks about",
    also=(_UNIQUE,),
).by(reply_edit(_tracked_id, "poll"))
Slip("poll-id-empty", "REQ-GOS-REQID", "a poll is answered with an empty request id").by(
    _id_fields(lambda _: (("x-ms-request-id", ""),), "poll")
)
