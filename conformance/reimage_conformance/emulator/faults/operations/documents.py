"""Faults in the document that shows the status of an operation."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from reimage_conformance.emulator.conditions import both, kind_is
from reimage_conformance.emulator.departures import Change, When, always, edits, gives, instead
from reimage_conformance.emulator.documents import Node, document_media_type, operation_document, shown_id
from reimage_conformance.emulator.faults.registry import Slip
from reimage_conformance.emulator.places import FAILED, IN_PROGRESS, STATES, SUCCEEDED

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.emulator.messages import Call
    from reimage_conformance.emulator.places import Place
    from reimage_conformance.emulator.world import Operation


def document_edit(edit: Callable[[Node], Node], when: When = always) -> Change:
    """Changes the Operation document."""
    return edits(operation_document, lambda _, root: edit(root), when)


def child_replaced(name: str, *replacements: Node) -> Callable[[Node], Node]:
    """An edit that replaces each child called `name` by other elements, or removes it where none are given."""

    def edit(root: Node) -> Node:
        parts = [replacements if child.name == name else (child,) for child in root.children]
        return Node(root.name, tuple(each for part in parts for each in part))

    return edit


CODE = "HttpStatusCode"


def _status(state: Place, *words: str) -> Change:
    """Replaces the element Status of an operation in `state` by elements Status with these words."""
    return document_edit(child_replaced("Status", *(Node("Status", word) for word in words)), state.when)


Slip("operation-root", "REQ-GOS-ROOT", "the root of the answer is {}").each(
    ("operation", "Operations", "AsyncOperation", "OperationStatus"),
    lambda name: document_edit(lambda root: Node(name, root.content)),
)


def _shown(make: Callable[[Call, Operation], str]) -> Change:
    return instead(shown_id, lambda _, call, operation: make(call, operation))


Slip("operation-id-missing", "REQ-GOS-ID", "there is no ID").by(document_edit(child_replaced("ID")))
Slip("operation-id-renamed", "REQ-GOS-ID", "ID is called Id").by(
    document_edit(lambda root: Node(root.name, (Node("Id", root.children[0].content), *root.children[1:])))
)
Slip("operation-id", "REQ-GOS-ID", "ID is {}").table(
    _shown,
    ("empty", "empty", lambda *_: ""),
    ("zero", "always zero", lambda *_: "0" * 32),
    ("truncated", "cut off", lambda _, operation: operation.id[:30]),
    ("fresh", "a new one in every answer", lambda call, _: f"{call.number:032x}"),
    ("numbered", "the operation's number", lambda _, operation: str(operation.number)),
    ("instance", "the role instance's name", lambda _, operation: operation.instance.name),
    ("subscription", "the id of the subscription", lambda _, operation: operation.subscription),
    ("first", "that of the first operation", lambda call, _: next(iter(call.world.operations))),
    ("latest", "that of the latest operation", lambda call, _: list(call.world.operations)[-1]),
)
Slip("operation-id-missing", "REQ-GOS-ID", "there is no ID{}").at(
    (FAILED.called(" once the operation has failed"), IN_PROGRESS.called(" while the operation runs")),
    lambda place: document_edit(child_replaced("ID"), place.when),
)

for _state, _words in (
    (IN_PROGRESS, ("inprogress", "In Progress", "Running", "Pending", "Started", "Accepted", "")),
    (SUCCEEDED, ("succeeded", "Success", "Completed", "Successful", "OK", "200", "")),
    (FAILED, ("failed", "Failure", "Error", "Aborted", "Canceled", "")),
):
    Slip("status-word", "REQ-GOS-STATUS", "{place} is written {!r}").inside(_state).each(
        _words, partial(_status, _state)
    )
Slip("status-missing", "REQ-GOS-STATUS", "there is no Status when it would be {}").at(STATES, _status)
Slip("status-twice", "REQ-GOS-STATUS", "there are two elements Status when it is {}").at(
    STATES,
    lambda place: _status(place, place.word, "InProgress" if place.word != "InProgress" else "Succeeded"),
)


def _reordered(order: Callable[[tuple[Node, ...]], Any]) -> Change:
    return document_edit(lambda root: Node(root.name, tuple(order(root.children))))


def _in_order(*names: str) -> Change:
    return _reordered(lambda nodes: sorted(nodes, key=lambda node: names.index(node.name)))


Slip("order", "REQ-GOS-ORDER", "{}").rows(
    ("reversed", "the children come in reverse order", _reordered(lambda nodes: nodes[::-1])),
    ("status first", "Status comes before ID", _reordered(lambda nodes: (nodes[1], nodes[0], *nodes[2:]))),
    ("code before status", "HttpStatusCode comes before Status", _in_order("ID", CODE, "Status", "Error")),
    ("error first", "Error comes before HttpStatusCode", _in_order("ID", "Status", "Error", CODE)),
    (
        "message first",
        "inside Error, Message comes before Code",
        document_edit(
            lambda root: root.with_child_edited("Error", lambda error: Node(error.name, error.children[::-1]))
        ),
    ),
)
Slip("operation-type[{}]", "REQ-GOS-CT", "the Content-Type of an operation is {!r}").table(
    lambda media_type: gives(
        document_media_type, media_type, both(kind_is("operation"), lambda call: call.operation is not None)
    ),
    *(
        (each.partition(";")[0], each, each)
        for each in ("", "text/plain", "text/html; charset=utf-8", "application/json", "application/octet-stream")
    ),
)
