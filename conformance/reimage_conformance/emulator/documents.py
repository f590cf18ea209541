"""Builds and writes XML documents: the tree of each, its text, its octets and its media type."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from reimage_conformance.emulator.operations import operation_error, operation_http_status, operation_status
from reimage_conformance.emulator.points import point
from reimage_conformance.emulator.world import dashed

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.emulator.messages import Call, Refusal
    from reimage_conformance.emulator.world import Operation

NAMESPACE = "http://schemas.microsoft.com/windowsazure"
_NO_XML_CHARACTER = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_INSTANCE_NAMESPACE = "http://www.w3.org/2001/XMLSchema-instance"


@dataclass(frozen=True, slots=True)
class Node:
    """An element: text, or children."""

    name: str
    content: str | tuple[Node, ...] = ""

    @property
    def children(self) -> tuple[Node, ...]:
        """The child elements; none for an element with text."""
        return self.content if isinstance(self.content, tuple) else ()

    def with_more(self, *nodes: Node) -> Node:
        """The same element with further children at its end."""
        return Node(self.name, (*self.children, *nodes))

    def with_child_edited(self, name: str, edit: Callable[[Node], Node]) -> Node:
        """The same element with each child called `name` replaced by what `edit` returns for it."""
        return Node(self.name, tuple(edit(each) if each.name == name else each for each in self.children))


@point
def operation_document(call: Call, operation: Operation) -> Node:
    """The Operation document: ID and Status, HttpStatusCode once it is over, Error once it has failed."""
    status = operation_status(call, operation)
    children = [Node("ID", shown_id(call, operation)), Node("Status", status)]
    embedded = operation_http_status(call, operation, status)
    if embedded:
        children.append(Node("HttpStatusCode", embedded))
    error = operation_error(call, operation, status)
    if error is not None:
        children.append(Node("Error", (Node("Code", error[0]), Node("Message", error[1]))))
    return Node("Operation", tuple(children))


@point
def shown_id(_: Call, operation: Operation) -> str:
    """The id as the element ID shows it: dashed when it is 32 digits long."""
    has_32_digits = len(operation.id) == 32 and operation.id.isalnum()
    return dashed(operation.id) if has_32_digits else operation.id


@point
def error_document(_: Call, refusal: Refusal) -> Node:
    """The Error document: Code, then Message (REQ-ERR-BODY-FORMAT)."""
    return Node("Error", (Node("Code", refusal.code), Node("Message", refusal.message)))


@point
def encode_document(call: Call, root: Node) -> bytes:
    """The octets of a document."""
    return encode_text(call, declaration(call, root) + write_root(call, root) + epilogue(call, root))


@point
def declaration(_: Call, root: Node) -> str:
    """The XML declaration, if any; the real service writes none."""
    del root
    return ""


@point
def epilogue(_: Call, root: Node) -> str:
    """What follows the root element."""
    del root
    return ""


@point
def write_root(call: Call, root: Node) -> str:
    """The root element with its namespace declarations."""
    name = root.name
    body = write_content(call, root, "")
    return f"<{name}{namespace_declarations(call, root)}>{body}</{name}>"


@point
def namespace_declarations(call: Call, root: Node) -> str:
    """The namespace declarations of the root element."""
    return f' xmlns="{namespace_of(call, root)}" xmlns:i="{_INSTANCE_NAMESPACE}"'


@point
def namespace_of(_: Call, root: Node) -> str:
    """The namespace of a document."""
    del root
    return NAMESPACE


@point
def write_content(call: Call, node: Node, prefix: str) -> str:
    """The content of an element; `prefix` is put in front of every element name that has none of its own."""
    if isinstance(node.content, str):
        return write_characters(call, node)
    pieces = []
    for child in node.content:
        inner = write_content(call, child, prefix)
        name = child.name if ":" in child.name else f"{prefix}{child.name}"
        pieces.append(f"<{name}>{inner}</{name}>")
    return "".join(pieces)


@point
def write_characters(_: Call, node: Node) -> str:
    """The text of an element, escaped, with U+FFFD for characters that XML cannot hold."""
    text = node.content if isinstance(node.content, str) else ""
    return escape(_NO_XML_CHARACTER.sub("\N{REPLACEMENT CHARACTER}", text))


@point
def encode_text(_: Call, text: str) -> bytes:
    """The octets of a document's text, in the encoding that `document_media_type` announces."""
    return text.encode("utf-8")


@point
def document_media_type(_: Call, root: Node) -> str:
    """The Content-Type of a document."""
    del root
    return "application/xml; charset=utf-8"
