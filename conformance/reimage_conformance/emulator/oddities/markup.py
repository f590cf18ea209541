"""Oddities of XML, of header fields and of ids: other ways to write the same."""

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
    error_document,
    namespace_declarations,
    operation_document,
    shown_id,
    write_characters,
    write_content,
    write_root,
)
from reimage_conformance.emulator.oddities.registry import oddity
from reimage_conformance.emulator.operations import new_request_id
from reimage_conformance.emulator.writing import field_line, header_fields, reason_phrase

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.emulator.messages import Call

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_WORDS = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron", "ivory", "jetty", "kelp", "lark")


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


oddity(
    "errors-without-namespace",
    "error documents are in no namespace",
    instead(namespace_declarations, lambda original, call, root: "" if root.name == "Error" else original(call, root)),
)
oddity(
    "errors-with-more",
    "error documents have further children",
    edits(
        error_document,
        lambda call, root: Node(
            root.name,
            (*root.children, Node("ExtendedCode", "0x80004005"), Node("ConflictingOperationId", f"{call.number:032x}")),
        ),
    ),
)
oddity(
    "errors-with-odd-messages",
    "the messages of errors have no words",
    edits(
        error_document,
        lambda _, root: Node(root.name, (root.children[0], Node("Message", "<&\"'> \N{SNOWMAN}"), *root.children[2:])),
    ),
)
oddity(
    "operations-with-more",
    "operations have further children at the end",
    edits(
        operation_document,
        lambda _, root: Node(root.name, (*root.children, Node("OperationCompletedTime", "2011-10-11T00:00:00Z"))),
    ),
)

oddity("ids-dashed", "request ids are dashed", edits(new_request_id, lambda _, each: _dashed(each)))
oddity("ids-upper-case", "request ids are in capitals", edits(new_request_id, lambda _, each: each.upper()))
oddity(
    "ids-of-words",
    "request ids are words",
    instead(new_request_id, lambda _, call: "-".join(call.emulator.random.choices(_WORDS, k=9))),
)
oddity("ids-short", "request ids are short numbers", instead(new_request_id, lambda _, call: _next_number(call)))
oddity("ids-long", "request ids are 96 digits long", edits(new_request_id, lambda _, each: each * 3))
oddity(
    "ids-opaque",
    "request ids use every unreserved character",
    edits(new_request_id, lambda _, each: f"R~{each[:12]}._-{each[12:]}~"),
)
oddity(
    "shown-id-undashed", "ID is the id as it is in the header", instead(shown_id, lambda _, __, operation: operation.id)
)
oddity(
    "shown-id-upper-case",
    "ID is in capitals, dashed",
    edits(shown_id, lambda _, each: each.upper() if each.replace("-", "").isalnum() and len(each) == 36 else each),
)


def _dashed(each: str) -> str:
    return "-".join((each[:8], each[8:12], each[12:16], each[16:20], each[20:]))


def _next_number(call: Call) -> str:
    number: int = call.notes.get("numbered", 1000) + 1
    call.notes["numbered"] = number
    return str(number)


oddity(
    "field-names-lower-case",
    "header names are in lower case",
    instead(field_line, lambda original, call, name, value: original(call, name.lower(), value)),
)
oddity(
    "field-names-upper-case",
    "header names are in capitals",
    instead(field_line, lambda original, call, name, value: original(call, name.upper(), value)),
)
oddity(
    "field-white-space",
    "white space surrounds the values of headers",
    instead(field_line, lambda original, call, name, value: original(call, name, f" \t{value} \t")),
)
oddity(
    "field-no-white-space",
    "no white space follows the colon of a header",
    instead(field_line, lambda _, __, name, value: f"{name}:{value}"),
)
oddity("fields-in-reverse", "header lines come in reverse order", edits(header_fields, lambda _, fields: fields[::-1]))
oddity(
    "fields-more",
    "responses carry many more headers",
    edits(
        header_fields,
        lambda _, fields: [
            *fields,
            ("x-ms-servedbyregion", "ussouth2"),
            ("Strict-Transport-Security", "max-age=31536000"),
            ("Vary", "Accept-Encoding"),
            ("Vary", "Origin"),
            ("X-Odd", ""),
            ("X-Content-Type-Options", "nosniff"),
            ("Keep-Alive", "timeout=30"),
        ],
    ),
)
oddity("reason-empty", "reason phrases are empty", gives(reason_phrase, ""))
oddity(
    "reason-odd",
    "the reason phrase is that of something else",
    instead(reason_phrase, lambda _, __, reply: "Accept" if reply.status == 202 else "I'm a teapot: not (really)"),
)
