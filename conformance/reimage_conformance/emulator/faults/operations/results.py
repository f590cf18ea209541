"""Faults in what a finished operation reports: HttpStatusCode and Error."""

from __future__ import annotations

from reimage_conformance.emulator.conditions import poll_in
from reimage_conformance.emulator.departures import Change, gives
from reimage_conformance.emulator.documents import Node
from reimage_conformance.emulator.faults.operations.documents import CODE, child_replaced, document_edit
from reimage_conformance.emulator.faults.registry import fault
from reimage_conformance.emulator.needs import Need, needs_of
from reimage_conformance.emulator.operations import operation_error, operation_http_status


def _code(value: str, state: str) -> Change:
    return gives(operation_http_status, value, poll_in(state))


for _value in ("200", "202", "102", "0"):
    fault(
        f"http-status-early[{_value}]",
        "REQ-GOS-HTTPSTATUS",
        f"HttpStatusCode is {_value} while the operation runs",
        _code(_value, "InProgress"),
    )
fault(
    "http-status-early[empty]",
    "REQ-GOS-HTTPSTATUS",
    "there is an empty HttpStatusCode while the operation runs",
    document_edit(lambda root: Node(root.name, (*root.children, Node(CODE))), poll_in("InProgress")),
)
for _state in ("Succeeded", "Failed"):
    fault(
        f"http-status-missing[{_state}]",
        "REQ-GOS-HTTPSTATUS",
        f"there is no HttpStatusCode with {_state}",
        _code("", _state),
        needs=needs_of(_state),
    )
    for _value in ("OK", "0x200", "-1", "20", "2000", "200 OK", "HTTP 200", "two hundred", "200.0"):
        fault(
            f"http-status-word[{_state}:{_value}]",
            "REQ-GOS-HTTPSTATUS-INT",
            f"HttpStatusCode is {_value!r} with {_state}",
            _code(_value, _state),
            also=("REQ-REIMAGE-FINAL-200",),
            needs=needs_of(_state),
        )
    fault(
        f"http-status-empty[{_state}]",
        "REQ-GOS-HTTPSTATUS-INT",
        f"HttpStatusCode is empty with {_state}",
        document_edit(child_replaced(CODE, Node(CODE)), poll_in(_state)),
        also=("REQ-GOS-HTTPSTATUS", "REQ-REIMAGE-FINAL-200"),
        needs=needs_of(_state),
    )
for _value in ("200", "202", "102"):
    fault(
        f"http-status-of-failure[{_value}]",
        "REQ-GOS-HTTPSTATUS-INT",
        f"HttpStatusCode of a failed operation is {_value}",
        _code(_value, "Failed"),
        needs=(Need.FAILING_INSTANCE,),
    )
for _value in ("201", "202", "204", "400", "404", "500", "100"):
    fault(
        f"final-status[{_value}]",
        "REQ-REIMAGE-FINAL-200",
        f"HttpStatusCode of a reimage that succeeded is {_value}",
        _code(_value, "Succeeded"),
        also=("REQ-GOS-HTTPSTATUS-INT", "REQ-REIMAGE-COMPLETES"),
    )

fault(
    "error-missing",
    "REQ-GOS-ERROR",
    "a failed operation has no Error",
    gives(operation_error, None),
    needs=(Need.FAILING_INSTANCE,),
)
for _state in ("InProgress", "Succeeded"):
    fault(
        f"error-early[{_state}]",
        "REQ-GOS-ERROR",
        f"there is an Error with {_state}",
        gives(operation_error, ("None", "There is no error."), poll_in(_state)),
    )
    fault(
        f"error-empty[{_state}]",
        "REQ-GOS-ERROR",
        f"there is an empty Error with {_state}",
        document_edit(lambda root: Node(root.name, (*root.children, Node("Error"))), poll_in(_state)),
    )
for _name, _error in {
    "no-code": (Node("Message", "It failed."),),
    "no-message": (Node("Code", "InternalError"),),
    "empty": (),
    "renamed": (Node("ErrorCode", "InternalError"), Node("ErrorMessage", "It failed.")),
    "code-empty": (Node("Code"), Node("Message", "It failed.")),
}.items():
    fault(
        f"error-of-failure[{_name}]",
        "REQ-GOS-ERROR",
        f"the Error of a failed operation is wrong: {_name}",
        document_edit(child_replaced("Error", Node("Error", _error)), poll_in("Failed")),
        needs=(Need.FAILING_INSTANCE,),
    )
fault(
    "error-of-failure[flat]",
    "REQ-GOS-ERROR",
    "Code and Message of a failed operation stand outside an Error",
    document_edit(
        child_replaced("Error", Node("Code", "InternalError"), Node("Message", "It failed.")), poll_in("Failed")
    ),
    needs=(Need.FAILING_INSTANCE,),
)
