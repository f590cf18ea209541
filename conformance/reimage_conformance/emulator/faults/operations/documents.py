"""Faults in the document that tells the status of an operation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reimage_conformance.emulator.conditions import both, kind_is, poll_in
from reimage_conformance.emulator.departures import Change, When, always, edits, gives, instead
from reimage_conformance.emulator.documents import Node, document_media_type, operation_document, shown_id
from reimage_conformance.emulator.faults.registry import fault
from reimage_conformance.emulator.needs import Need, needs_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.emulator.messages import Call
    from reimage_conformance.emulator.world import Operation


def document_edit(edit: Callable[[Node], Node], when: When = always) -> Change:
    """Changes the Operation document."""
    return edits(operation_document, lambda _, root: edit(root), when)


def child_replaced(name: str, *instead_of: Node) -> Callable[[Node], Node]:
    """An edit that puts other elements in the place of one child."""

    def edit(root: Node) -> Node:
        parts = [instead_of if child.name == name else (child,) for child in root.children]
        return Node(root.name, tuple(each for part in parts for each in part))

    return edit


CODE = "HttpStatusCode"


def _renamed(name: str) -> Callable[[Node], Node]:
    return lambda root: Node(name, root.content)


for _name in ("operation", "Operations", "AsyncOperation", "OperationStatus"):
    fault(
        f"operation-root[{_name}]",
        "REQ-GOS-ROOT",
        f"the root of the answer is {_name}",
        document_edit(_renamed(_name)),
    )


def _shown(make: Callable[[Call, Operation], str]) -> Change:
    return instead(shown_id, lambda _, call, operation: make(call, operation))


fault("operation-id-missing", "REQ-GOS-ID", "there is no ID", document_edit(child_replaced("ID")))
fault(
    "operation-id-renamed",
    "REQ-GOS-ID",
    "ID is called Id",
    document_edit(lambda root: Node(root.name, (Node("Id", root.children[0].content), *root.children[1:]))),
)
for _name, _summary, _make in (
    ("empty", "empty", lambda *_: ""),
    ("zero", "always zero", lambda *_: "0" * 32),
    ("truncated", "cut off", lambda _, operation: operation.id[:30]),
    ("fresh", "a new one in every answer", lambda call, _: f"{call.number:032x}"),
    ("numbered", "the operation's number", lambda _, operation: str(operation.number)),
    ("instance", "the role instance's name", lambda _, operation: operation.instance.name),
    ("subscription", "the subscription's", lambda _, operation: operation.subscription),
    ("first", "that of the first operation", lambda call, _: next(iter(call.world.operations))),
    ("latest", "that of the latest operation", lambda call, _: list(call.world.operations)[-1]),
):
    fault(f"operation-id[{_name}]", "REQ-GOS-ID", f"ID is {_summary}", _shown(_make))
fault(
    "operation-id-missing[Failed]",
    "REQ-GOS-ID",
    "there is no ID once the operation has failed",
    document_edit(child_replaced("ID"), poll_in("Failed")),
    needs=(Need.FAILING_INSTANCE,),
)
fault(
    "operation-id-missing[InProgress]",
    "REQ-GOS-ID",
    "there is no ID while the operation runs",
    document_edit(child_replaced("ID"), poll_in("InProgress")),
)

for _state, _words in {
    "InProgress": ("inprogress", "In Progress", "Running", "Pending", "Started", "Accepted", ""),
    "Succeeded": ("succeeded", "Success", "Completed", "Successful", "OK", "200", ""),
    "Failed": ("failed", "Failure", "Error", "Aborted", "Canceled", ""),
}.items():
    for _word in _words:
        fault(
            f"status-word[{_state}:{_word}]",
            "REQ-GOS-STATUS",
            f"{_state} is written {_word!r}",
            document_edit(child_replaced("Status", Node("Status", _word)), poll_in(_state)),
            needs=needs_of(_state),
        )
    fault(
        f"status-missing[{_state}]",
        "REQ-GOS-STATUS",
        f"there is no Status when it would be {_state}",
        document_edit(child_replaced("Status"), poll_in(_state)),
        needs=needs_of(_state),
    )
    fault(
        f"status-twice[{_state}]",
        "REQ-GOS-STATUS",
        f"there are two elements Status when it is {_state}",
        document_edit(
            child_replaced(
                "Status",
                Node("Status", _state),
                Node("Status", "InProgress" if _state != "InProgress" else "Succeeded"),
            ),
            poll_in(_state),
        ),
        needs=needs_of(_state),
    )


def _reordered(order: Callable[[tuple[Node, ...]], Any]) -> Change:
    return document_edit(lambda root: Node(root.name, tuple(order(root.children))))


_ORDER = "REQ-GOS-ORDER"
fault("order[reversed]", _ORDER, "the children come in reverse order", _reordered(lambda nodes: nodes[::-1]))
fault(
    "order[status first]", _ORDER, "Status comes before ID", _reordered(lambda nodes: (nodes[1], nodes[0], *nodes[2:]))
)
fault(
    "order[code before status]",
    _ORDER,
    "HttpStatusCode comes before Status",
    _reordered(lambda nodes: sorted(nodes, key=lambda node: ("ID", CODE, "Status", "Error").index(node.name))),
)
fault(
    "order[error first]",
    _ORDER,
    "Error comes before HttpStatusCode",
    _reordered(lambda nodes: sorted(nodes, key=lambda node: ("ID", "Status", "Error", CODE).index(node.name))),
)
fault(
    "order[message first]",
    _ORDER,
    "inside Error, Message comes before Code",
    document_edit(
        lambda root: Node(
            root.name,
            tuple(Node(each.name, each.children[::-1]) if each.name == "Error" else each for each in root.children),
        )
    ),
)
for _type in ("", "text/plain", "text/html; charset=utf-8", "application/json", "application/octet-stream"):
    fault(
        f"operation-type[{_type.partition(';')[0]}]",
        "REQ-GOS-CT",
        f"the Content-Type of an operation is {_type!r}",
        gives(document_media_type, _type, both(kind_is("operation"), lambda call: call.operation is not None)),
    )
