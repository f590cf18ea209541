"""Oddities of XML: other ways to write the same document."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

from reimage_conformance.emulator.departures import edits, gives, instead
from reimage_conformance.emulator.documents import (
    Node,
    declaration,
    document_media_type,
    encode_text,
    epilogue,
    namespace_declarations,
    write_characters,
    write_content,
    write_root,
)
from reimage_conformance.emulator.oddities.registry import oddity

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.emulator.messages import Call


_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def _prefixed(_: Callable[..., str], call: Call, root: Node) -> str:
    spaces = namespace_declarations(call, root).replace(" xmlns=", " xmlns:w=", 1)
    prefix = "w:" if " xmlns:w=" in spaces else ""
    return f"<{prefix}{root.name}{spaces}>{write_content(call, root, prefix)}</{prefix}{root.name}>"


def _indented(original: Callable[..., str], call: Call, node: Node, prefix: str) -> str:
    text = original(call, node, prefix)
    if isinstance(node.content, str):
        return text
    names = {child.name for child in node.children}
    for name in names:
        text = text.replace(f"<{prefix}{name}>", f"\r\n  <{prefix}{name}>")
    return f"{text}\r\n"


def _with_nil(original: Callable[..., str], call: Call, node: Node, prefix: str) -> str:
    text = original(call, node, prefix)
    if node.name != "Operation":
        return text
    lacking = {"HttpStatusCode", "Error"} - {child.name for child in node.children}
    space = ' xmlns:z="http://www.w3.org/2001/XMLSchema-instance"'
    return text + "".join(f'<{prefix}{name}{space} z:nil="true"/>' for name in sorted(lacking, reverse=True))


oddity(
    "xml-nil",
    "what an operation has no value for is written as an empty element with nil, as serializers do",
    instead(write_content, _with_nil),
)
oddity("xml-prefixed", "the namespace is bound to a prefix", instead(write_root, _prefixed))
oddity("xml-indented", "documents are indented, with CR LF line ends", instead(write_content, _indented))
oddity(
    "xml-declaration",
    "documents begin with an XML declaration",
    gives(declaration, '<?xml version="1.0" encoding="utf-8"?>\n'),
)
oddity("xml-trailing-space", "white space follows the root element", edits(epilogue, lambda _, text: f"{text}\r\n \n"))
oddity(
    "xml-comments",
    "comments stand before, inside and after the root",
    edits(declaration, lambda _, text: f"{text}<!-- status -->"),
    instead(
        write_content,
        lambda original, call, node, prefix: (
            original(call, node, prefix)
            if isinstance(node.content, str)
            else f"<!-- {len(node.content)} -->{original(call, node, prefix)}"
        ),
    ),
    edits(epilogue, lambda _, text: f"{text}<!-- end -->"),
)
oddity(
    "xml-instructions",
    "processing instructions stand around the root",
    edits(declaration, lambda _, text: f'{text}<?served by="emulator"?>'),
    edits(epilogue, lambda _, text: f"{text}<?done?>"),
)
oddity(
    "xml-cdata",
    "messages are written as CDATA sections",
    instead(
        write_characters,
        lambda original, call, node: (
            f"<![CDATA[{node.content}]]>"
            if node.name in ("Message", "Label") and str(node.content).isprintable() and "]]>" not in node.content
            else original(call, node)
        ),
    ),
)
oddity(
    "xml-references",
    "the first letter of a text is a character reference",
    instead(write_characters, lambda original, call, node: _referred(original(call, node))),
)
oddity(
    "xml-more-namespaces",
    "the root declares namespaces that it does not use",
    edits(
        namespace_declarations,
        lambda _, text: f'{text} xmlns:a="urn:example:a" xmlns:xsd="http://www.w3.org/2001/XMLSchema"',
    ),
)
oddity(
    "xml-attributes-in-other-order",
    "the default namespace is declared last, in single quotes",
    edits(namespace_declarations, lambda _, text: " " + " ".join(reversed(text.replace('"', "'").split()))),
)
oddity(
    "xml-empty-elements",
    "an empty element is written as one tag",
    edits(write_content, lambda _, text: _collapsed(text)),
)
oddity(
    "utf-8-mark",
    "documents begin with a byte-order mark",
    edits(encode_text, lambda _, octets: octets if octets[:2] in _UTF_16 else codecs.BOM_UTF8 + octets),
)
oddity(
    "utf-16",
    "documents are UTF-16 with a byte-order mark and say so",
    instead(encode_text, lambda _, __, text: text.replace('encoding="utf-8"', 'encoding="utf-16"').encode("utf-16")),
    edits(document_media_type, lambda _, given: re.sub("utf-8", "utf-16", given, flags=re.IGNORECASE)),
)
oddity(
    "text-xml",
    "documents are text/xml",
    edits(document_media_type, lambda _, given: given.replace("application/", "text/")),
)
oddity(
    "no-charset",
    "the media type of documents has no charset",
    edits(document_media_type, lambda _, given: given.partition(";")[0]),
)
oddity(
    "charset-quoted",
    "the charset is quoted and in capitals",
    edits(document_media_type, lambda _, given: re.sub("charset=(.*)", r'charset="\1"', given).upper()),
)


def _referred(text: str) -> str:
    return f"&#{ord(text[0])};{text[1:]}" if text[:1].isalnum() else text


def _collapsed(text: str) -> str:
    for name in ("InstanceStateDetails", "InstanceErrorCode", "ExtendedInstanceStatus"):
        text = text.replace(f"<{name}></{name}>", f"<{name} />")
    return text
