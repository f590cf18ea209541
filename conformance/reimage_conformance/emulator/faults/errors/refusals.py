"""Faults in refusals: status, code, Error document, media type, request id."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING
from xml.sax.saxutils import unescape

from reimage_conformance.emulator.conditions import (
    COMP_DEFECTS,
    SERVICE_DEFECTS,
    TYPE_DEFECTS,
    VERB_DEFECTS,
    VERSION_DEFECTS,
    error_edit,
    kind_is,
    refusal_code,
    refusal_edit,
    refusal_status,
    refused_with,
    reply_edit,
    reply_set,
)
from reimage_conformance.emulator.departures import Change, When, always, edits, instead
from reimage_conformance.emulator.documents import Node, document_media_type, encode_document, error_document
from reimage_conformance.emulator.faults.registry import Slip

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.emulator.messages import Call, Reply

CODES, STATUS, BODY, FORMAT = "REQ-ERR-CODES", "REQ-ERR-STATUS", "REQ-ERR-BODY-OPTIONAL", "REQ-ERR-BODY-FORMAT"
REQUEST_ID = "REQ-ASYNC-REQID-ERRORS"
_REQUIRED: dict[str, tuple[str, ...]] = {
    "version-missing": ("REQ-VER-MISSING",),
    "version-format": ("REQ-VER-FORMAT",),
    "version-old": ("REQ-REIMAGE-VERSION-OLD",),
    "comp-missing": ("REQ-REIMAGE-COMP-MISSING",),
    "comp-wrong": ("REQ-REIMAGE-COMP-MISSING",),
    "service": ("REQ-REIMAGE-UNKNOWN-SERVICE",),
    "slot": ("REQ-REIMAGE-UNKNOWN-SERVICE", "REQ-REIMAGE-SLOT-OTHER"),
    "deployment": ("REQ-REIMAGE-UNKNOWN-SERVICE",),
    "instance": ("REQ-REIMAGE-UNKNOWN-INSTANCE",),
}
"""The requirements that a wrong code breaks as well as CODES, for each defect whose code is in the documented table."""
_KINDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "version": (VERSION_DEFECTS, ("REQ-VER-MISSING", "REQ-VER-FORMAT", "REQ-REIMAGE-VERSION-OLD")),
    "comp": (COMP_DEFECTS, ("REQ-REIMAGE-COMP-MISSING",)),
    "service": (SERVICE_DEFECTS, ("REQ-REIMAGE-UNKNOWN-SERVICE", "REQ-REIMAGE-SLOT-OTHER")),
    "instance": (("instance",), ("REQ-REIMAGE-UNKNOWN-INSTANCE",)),
    "operation": (("operation",), ("REQ-GOS-UNKNOWN-ID",)),
    "verb": (VERB_DEFECTS, ("REQ-ERR-VERB",)),
    "body": (("body",), ("REQ-REIMAGE-CL-NONZERO",)),
    "length": (("length",), ("REQ-REIMAGE-CL-ABSENT",)),
    "type": (TYPE_DEFECTS, ("REQ-REIMAGE-CT-ABSENT",)),
    "certificate": (("certificate",), ("REQ-AUTH-FAIL",)),
    "conflict": (("conflict",), ("REQ-CONC-SAME", "REQ-CONC-OTHER")),
}
"""For each kind of mistake in a request: its defects, and the requirements that a wrong refusal of them breaks as well."""
_BROKEN_BY_ANY = tuple(dict.fromkeys(each for _, broken in _KINDS.values() for each in broken))
"""The requirements that a wrong refusal of every kind of mistake breaks."""

for _defect, _also in _REQUIRED.items():
    Slip(f"error-code[{_defect}:{{}}]", CODES, f"the code for {_defect} is {{}}", also=_also).each(
        ("BadRequest", "InternalError", "ForbiddenError"), refusal_code(_defect, when=kind_is("reimage"))
    )


def _spelt(change: Callable[[str], str]) -> Change:
    """Writes the code that `change` gives in place of each code."""
    return instead(
        error_document,
        lambda original, call, refusal: original(call, replace(refusal, code=change(refusal.code))),
    )


Slip("error-code-{}", CODES, "error codes are written {}", also=_BROKEN_BY_ANY).table(
    _spelt,
    ("lower-case", "in lower case", str.lower),
    ("spaced", "with spaces between words", lambda code: "".join(f" {c}" if c.isupper() else c for c in code).strip()),
    ("numeric", "a number", lambda code: str(len(code))),
    ("prefixed", "behind a prefix", lambda code: f"Compute.{code}"),
)
Slip(
    "error-codes-confused",
    CODES,
    "the codes for a wrong comp and for a wrong version are swapped",
    also=(*_KINDS["version"][1], *_KINDS["comp"][1]),
).by(
    refusal_edit(refused_with(code="MissingOrIncorrectVersionHeader"), *COMP_DEFECTS),
    refusal_edit(refused_with(code="MissingOrInvalidRequiredQueryParameter"), *VERSION_DEFECTS),
)
Slip(
    "operation-version-error-code",
    CODES,
    "the code for a missing version is BadRequest when an operation is polled",
    also=("REQ-VER-MISSING", "REQ-VER-FORMAT", "REQ-GOS-VERSION-MIN"),
).by(refusal_edit(refused_with(code="BadRequest"), "version-missing", "version-format", when=kind_is("operation")))

for _name, (_defects, _broken) in _KINDS.items():
    Slip(
        f"error-wrapped-in-200[{_name}]",
        STATUS,
        f"a request with a wrong {_name} is answered 200 with an Error",
        also=_broken,
    ).by(reply_edit(reply_set(status=200), *_defects))
    if _name in ("conflict", "length"):
        continue  # a 409 without ConflictError breaks REQ-CONC-SAME instead; a 411 may come from a server in front of the application
    Slip(
        f"error-without-document[{_name}]",
        BODY,
        f"the refusal of a wrong {_name} has no content",
        also=(*_broken, CODES),
    ).by(reply_edit(reply_set(body=b"", media_type=""), *_defects))
Slip("error-status-odd", STATUS, "errors have the status {}", also=(*_BROKEN_BY_ANY, CODES)).each(
    (299, 302, 444, 600), refusal_status(when=kind_is("reimage"))
)
Slip("error-body", BODY, "the content of an error is {name}", also=(CODES, FORMAT)).each_named(
    {
        "html": (b"<html><body><h1>Bad Request</h1></body></html>", "text/html"),
        "text": (b"The request was wrong.", "text/plain"),
        "json": (b'{"code": "BadRequest"}', "application/json"),
        "nothing": (b"", ""),
    },
    lambda content: error_edit(reply_set(body=content[0], media_type=content[1])),
)


def _document(edit: Callable[[Node], Node], when: When = always) -> Change:
    return edits(error_document, lambda _, root: edit(root), when)


def _only(name: str) -> Callable[[Node], Node]:
    return lambda root: Node(root.name, tuple(each for each in root.children if each.name == name))


Slip("error-document", FORMAT, "the error document is wrong: {}", also=(CODES, BODY)).table(
    _document,
    ("root", "its root is Fault", lambda root: Node("Fault", root.content)),
    ("lower-case-root", "its root is error", lambda root: Node("error", root.content)),
    ("plural", "its root is Errors around Error", lambda root: Node("Errors", (root,))),
    ("no-code", "it has no Code", _only("Message")),
    ("no-message", "it has no Message", _only("Code")),
    ("empty", "it is empty", lambda root: Node(root.name)),
    (
        "renamed",
        "it has ErrorCode and ErrorMessage",
        lambda root: Node(root.name, tuple(Node(f"Error{each.name}", each.content) for each in root.children)),
    ),
    ("nested", "Code stands in a Detail", lambda root: Node(root.name, (Node("Detail", root.children),))),
    ("code-empty", "its Code is empty", lambda root: Node(root.name, (Node("Code"), *root.children[1:]))),
    (
        "operation",
        "it is an Operation",
        lambda root: Node("Operation", (Node("Status", "Failed"), Node("Error", root.children))),
    ),
)
Slip("error-document-no-code", FORMAT, "the error document for {} requests has no Code", also=(CODES, BODY)).each(
    ("operation", "reimage"), lambda kind: _document(_only("Message"), kind_is(kind))
)
Slip("error-order", FORMAT, "in the error document Message comes before Code").by(
    _document(lambda root: Node(root.name, root.children[::-1]))
)


def _octets(edit: Callable[[bytes], bytes]) -> Change:
    return edits(
        encode_document,
        lambda _, octets: edit(octets) if b"<Error" in octets and b"<Operation" not in octets else octets,
    )


def _cut(octets: bytes) -> bytes:
    """The document with its message, as escaped, cut at a hundred octets."""
    return re.sub(rb"(<Message>[^<]{0,100})[^<]*</Message>", rb"\1</Message>", octets)


def _in_cdata(octets: bytes) -> bytes:
    """The document with its message, not escaped, in a CDATA section."""
    return re.sub(
        rb"<Message>([^<]*)</Message>",
        lambda found: b"<Message><![CDATA[" + unescape(found[1].decode()).encode() + b"]]></Message>",
        octets,
    )


Slip("error-document-{}", "REQ-XML-WF", "the error document {}", also=(FORMAT, CODES, BODY)).table(
    _octets,
    ("truncated", "breaks off", lambda octets: octets[:-8]),
    ("unescaped", "has a bare ampersand", lambda octets: octets.replace(b"<Message>", b"<Message>R&D: ")),
    ("cut", "is cut within its message, in an entity if one is there", _cut),
    ("cdata", "has its message in CDATA, whatever it holds", _in_cdata),
    ("mismatched", "closes the wrong element", lambda octets: octets.replace(b"</Code>", b"</code>")),
    ("json", "is JSON, called XML", lambda _: b'{"Code": "BadRequest"}'),
    ("text", "is plain text, called XML", lambda _: b"Bad request"),
)


def _typed(media_type: str, original: Callable[..., str], call: Call, root: Node) -> str:
    return media_type if root.name == "Error" else original(call, root)


Slip("error-type", "REQ-ERR-CT", "the Content-Type of an error is {!r}").each(
    ("", "text/plain", "text/html", "application/json", "application/octet-stream"),
    lambda media_type: instead(document_media_type, partial(_typed, media_type)),
)


def _without_id(status: int, _: Call, reply: Reply) -> None:
    if reply.status == status:
        reply.request_id = ""


Slip("error-id-missing", REQUEST_ID, "a {} carries no request id").each(
    (400, 403, 404, 405, 409), lambda status: error_edit(partial(_without_id, status))
)
Slip("error-id-missing", REQUEST_ID, "no error carries a request id").by(error_edit(reply_set(request_id="")))
