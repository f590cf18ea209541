"""Faults in what a finished operation reports: HttpStatusCode and Error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.emulator.departures import gives
from reimage_conformance.emulator.documents import Node
from reimage_conformance.emulator.faults.operations.documents import CODE, child_replaced, document_edit
from reimage_conformance.emulator.faults.registry import Slip
from reimage_conformance.emulator.operations import operation_error, operation_http_status
from reimage_conformance.emulator.places import FAILED, IN_PROGRESS, SUCCEEDED

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.emulator.departures import Change
    from reimage_conformance.emulator.places import Place

STATUS, INT, FINAL, ERROR = "REQ-GOS-HTTPSTATUS", "REQ-GOS-HTTPSTATUS-INT", "REQ-REIMAGE-FINAL-200", "REQ-GOS-ERROR"


def _code(state: Place) -> Callable[[str], Change]:
    return lambda value: gives(operation_http_status, value, state.when)


def _added(name: str) -> Callable[[Place], Change]:
    """Adds an empty element `name` to the document of an operation in one state."""
    return lambda state: document_edit(lambda root: root.with_more(Node(name)), state.when)


_ENDED = (SUCCEEDED, FAILED)
Slip("http-status-early", STATUS, "HttpStatusCode is {} while the operation runs").each(
    ("200", "202", "102", "0"), _code(IN_PROGRESS)
)
Slip("http-status-early[empty]", STATUS, "there is an empty HttpStatusCode while the operation runs").by(
    _added(CODE)(IN_PROGRESS)
)
Slip("http-status-twice", STATUS, "there is a second HttpStatusCode with {}", also=(INT,)).at(
    _ENDED, lambda state: document_edit(lambda root: root.with_more(Node(CODE, "500")), state.when)
)
Slip("http-status-missing", STATUS, "there is no HttpStatusCode with {}").at(_ENDED, lambda state: _code(state)(""))
for _state in _ENDED:
    Slip("http-status-word", INT, "HttpStatusCode is {!r} with {place}", also=(FINAL,)).inside(_state).each(
        ("OK", "0x200", "-1", "20", "2000", "200 OK", "HTTP 200", "two hundred", "200.0"), _code(_state)
    )
Slip("http-status-empty", INT, "HttpStatusCode is empty with {}", also=(STATUS, FINAL)).at(
    _ENDED, lambda state: document_edit(child_replaced(CODE, Node(CODE)), state.when)
)
Slip("http-status-of-failure", INT, "HttpStatusCode of a failed operation is {}", needs=FAILED.needs).each(
    ("200", "202", "102"), _code(FAILED)
)
Slip(
    "final-status", FINAL, "HttpStatusCode of a reimage that succeeded is {}", also=(INT, "REQ-REIMAGE-COMPLETES")
).each(("201", "202", "204", "400", "404", "500", "100"), _code(SUCCEEDED))

Slip("http-status-early[from-2012-on]", STATUS, "from version 2012-03-01 on, InProgress has HttpStatusCode 202").by(
    gives(operation_http_status, "202", lambda call: IN_PROGRESS.when(call) and call.version >= "2012-03-01")
)
Slip(
    "error-missing[from-2013-on]",
    ERROR,
    "from version 2013-03-01 on, a failed operation has no Error",
    needs=FAILED.needs,
).by(gives(operation_error, None, lambda call: call.version >= "2013-03-01"))
Slip("error-missing", ERROR, "a failed operation has no Error", needs=FAILED.needs).by(gives(operation_error, None))
_UNFAILED = (IN_PROGRESS, SUCCEEDED)
Slip("error-early", ERROR, "there is an Error with {}").at(
    _UNFAILED, lambda state: gives(operation_error, ("None", "There is no error."), state.when)
)
Slip("error-empty", ERROR, "there is an empty Error with {}").at(_UNFAILED, _added("Error"))


def _error_replaced(*nodes: Node) -> Change:
    """Replaces the Error of a failed operation by these elements."""
    return document_edit(child_replaced("Error", *nodes), FAILED.when)


_MESSAGE = Node("Message", "It failed.")
Slip("error-of-failure", ERROR, "the Error of a failed operation is wrong: {name}", needs=FAILED.needs).each_named(
    {
        "no-code": (_MESSAGE,),
        "no-message": (Node("Code", "InternalError"),),
        "empty": (),
        "renamed": (Node("ErrorCode", "InternalError"), Node("ErrorMessage", "It failed.")),
        "code-empty": (Node("Code"), _MESSAGE),
    },
    lambda children: _error_replaced(Node("Error", children)),
)
Slip(
    "error-of-failure[flat]",
    ERROR,
    "Code and Message of a failed operation stand outside an Error",
    needs=FAILED.needs,
).by(_error_replaced(Node("Code", "InternalError"), _MESSAGE))
