"""Faults in XML: well-formedness, encodings, namespaces."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from reimage_conformance.emulator.departures import Change, edits, gives, instead
from reimage_conformance.emulator.documents import (
    NAMESPACE,
    Node,
    document_media_type,
    encode_document,
    encode_text,
    namespace_declarations,
    namespace_of,
    write_root,
)
from reimage_conformance.emulator.faults.registry import Slip

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.emulator.messages import Call

WF, ENC, NS = "REQ-XML-WF", "REQ-XML-ENC", "REQ-XML-NS"
_ROOTS: dict[str, tuple[str, ...]] = {
    "operation": ("Operation",),
    "error": ("Error",),
    "deployment": ("Deployment", "HostedService"),
}
"""The root elements of each kind of document."""
_DEPENDENTS: dict[str, tuple[str, ...]] = {
    "operation": ("REQ-GOS-ROOT", "REQ-GOS-200", "REQ-GOS-STATUS", "REQ-GOS-ID"),
    "error": ("REQ-ERR-BODY-FORMAT", "REQ-ERR-BODY-OPTIONAL", "REQ-ERR-CODES"),
    "deployment": ("REQ-DEPL-ROOT", "REQ-DEPL-INSTANCES", "REQ-PROPS-URI"),
}
"""The requirements that are violated as well where a document of each kind cannot be read."""


def _text(edit: Callable[[str], str], roots: tuple[str, ...]) -> Change:
    """Changes the text of documents with one of these roots."""

    def change(original: Callable[..., str], call: Call, root: Node) -> str:
        given = original(call, root)
        return edit(given) if root.name in roots else given

    return instead(write_root, change)


def _inside(addition: str) -> Callable[[str], str]:
    """Puts `addition` before the first end tag."""
    return lambda text: text.replace("</", addition + "</", 1)


def _last_tag_in_lower_case(text: str) -> str:
    at = text.rindex("</") + 2
    return text[:at] + text[at:].lower()


_SLIPS: tuple[tuple[str, str, Callable[[str], str]], ...] = (
    ("ampersand", "a bare ampersand", _inside("R&D")),
    ("less-than", "a bare less-than sign", _inside("1<2")),
    ("entity", "an entity that is not declared", _inside("&nbsp;")),
    ("prefix", "a prefix that is not declared", _inside("<z:note/>")),
    (
        "attribute-prefix",
        "an attribute with a prefix that is not declared",
        lambda text: text.replace("><", ' z:nil="true"><', 1),
    ),
    ("control", "a control character", _inside("\x0b")),
    ("control-reference", "a reference to a control character", _inside("&#1;")),
    ("null", "a null character", _inside("\0")),
    ("unclosed", "an element that is not closed", _inside("<note>")),
    ("mismatched", "an end tag in another case", _last_tag_in_lower_case),
    ("truncated", "no end", lambda text: text[:-6]),
    ("two-roots", "a second root", lambda text: f"{text}<More/>"),
    ("trailing", "text after its root", lambda text: f"{text}done"),
    ("leading", "text before its root", lambda text: f"OK {text}"),
    ("declaration-misspelt", "an XML declaration without a version", lambda text: f'<?xml verison="1.0"?>{text}'),
    ("late-declaration", "an XML declaration after a line end", lambda text: f'\n<?xml version="1.0"?>{text}'),
    ("attribute-twice", "an attribute given twice", lambda text: text.replace(" xmlns:i=", ' a="1" a="2" xmlns:i=', 1)),
    ("attribute-unquoted", "an attribute without quotes", lambda text: text.replace(" xmlns:i=", " a=1 xmlns:i=", 1)),
    ("comment", "a comment with two hyphens inside", _inside("<!-- a -- b -->")),
    ("cdata", "a CDATA section that is not closed", _inside("<![CDATA[ a ")),
)


for _kind, _roots in _ROOTS.items():
    Slip(f"xml-{{}}[{_kind}]", WF, "the document has {}", also=_DEPENDENTS[_kind]).table(
        partial(_text, roots=_roots), *_SLIPS
    )
Slip(
    "xml-empty[operation]",
    "REQ-GOS-ROOT",
    "the answer to a poll is called XML and is empty",
    also=(WF, "REQ-GOS-200", "REQ-GOS-STATUS", "REQ-GOS-ID"),
).by(edits(encode_document, lambda _, octets: b"" if b"<Operation" in octets else octets))


def _octets(make: Callable[[str], bytes], media_type: str) -> tuple[Change, ...]:
    """Writes documents with the octets that `make` gives for their text, and with this media type."""
    return instead(encode_text, lambda _, __, text: make(text)), gives(document_media_type, media_type)


def _encoded(
    codec: str, media_type: str, edit: Callable[[str], str] = str, errors: str = "strict"
) -> tuple[Change, ...]:
    return _octets(lambda text: edit(text).encode(codec, errors), media_type)


_ALL = tuple(each for group in _DEPENDENTS.values() for each in group)
_XML = "application/xml"
_UTF_8 = f"{_XML}; charset=utf-8"


def _declaring(name: str) -> Callable[[str], str]:
    return lambda text: f'<?xml version="1.0" encoding="{name}"?>{text}'


_E_ACUTE = "\N{LATIN SMALL LETTER E WITH ACUTE}"


def _accented(text: str) -> str:
    return text.replace("</Message>", f"{_E_ACUTE}</Message>").replace("<Status>", f"<!--{_E_ACUTE}--><Status>")


_LATIN_1 = f"{_XML}; charset=iso-8859-1"
Slip("encoding", ENC, "documents {}", also=(WF, "REQ-GOS-CT", "REQ-ERR-CT", *_ALL)).rows(
    ("utf-16-called-utf-8", "are UTF-16 and called utf-8", _encoded("utf-16", _UTF_8)),
    ("utf-8-called-utf-16", "are UTF-8 and called utf-16", _encoded("utf-8", f"{_XML}; charset=utf-16")),
    ("utf-16-unmarked", "are UTF-16 without charset, mark or declaration", _encoded("utf-16-le", _XML)),
    ("utf-16-declared-utf-8", "are UTF-16 and declare utf-8", _encoded("utf-16", _XML, _declaring("utf-8"))),
    ("utf-8-declared-utf-16", "are UTF-8 and declare utf-16", _encoded("utf-8", _UTF_8, _declaring("utf-16"))),
    ("latin-1-called-utf-8", "are Latin-1 and called utf-8", _encoded("latin-1", _UTF_8, _accented, "replace")),
    ("latin-1-unmarked", "are Latin-1 without charset or declaration", _encoded("latin-1", _XML, _accented, "replace")),
    (
        "latin-1-declared",
        "are Latin-1, and declared so",
        _encoded("latin-1", _LATIN_1, lambda text: _declaring("iso-8859-1")(_accented(text)), "replace"),
    ),
    ("unknown", "declare an encoding that does not exist", _encoded("utf-8", _XML, _declaring("utf-9"))),
    ("utf-32", "are UTF-32", _encoded("utf-32", f"{_XML}; charset=utf-32")),
    (
        "mark-and-charset-differ",
        "are UTF-16 with a mark and called us-ascii",
        _encoded("utf-16", f"{_XML}; charset=us-ascii"),
    ),
    (
        "surrogates",
        "hold surrogates in UTF-8",
        _encoded("utf-8", _UTF_8, lambda text: text.replace("</", "\ud800</", 1), "surrogatepass"),
    ),
    (
        "overlong",
        "hold overlong UTF-8",
        _octets(lambda text: text.replace("</", "@@</", 1).encode().replace(b"@@", b"\xc0\xaf"), _UTF_8),
    ),
)


def _under(namespace: str, roots: tuple[str, ...]) -> Change:
    return instead(namespace_of, lambda original, call, root: namespace if root.name in roots else original(call, root))


_WRONG_NAMESPACES: dict[str, str] = {
    "https": NAMESPACE.replace("http:", "https:"),
    "slash": f"{NAMESPACE}/",
    "case": NAMESPACE.replace("windowsazure", "WindowsAzure"),
    "other": "http://schemas.example.org/compute",
    "storage": "http://schemas.microsoft.com/windowsazure/2010/10",
    "none": "",
}
Slip(
    "namespace-of-operation",
    "REQ-GOS-ROOT",
    "an operation is in the namespace {!r}",
    also=(NS, "REQ-GOS-STATUS", "REQ-GOS-ID"),
).each_named(_WRONG_NAMESPACES, partial(_under, roots=("Operation",)))
Slip(
    "namespace-of-deployment",
    "REQ-DEPL-ROOT",
    "a deployment is in the namespace {!r}",
    also=(NS, "REQ-DEPL-INSTANCES"),
).each_named(_WRONG_NAMESPACES, partial(_under, roots=("Deployment",)))


def _children_without(roots: tuple[str, ...]) -> Change:
    """Binds the namespace to a prefix that only the root element has."""

    def change(original: Callable[..., str], call: Call, root: Node) -> str:
        text = original(call, root)
        if root.name not in roots:
            return text
        return f"<w:{text[1:]}".replace(" xmlns=", " xmlns:w=", 1)[: -len(root.name) - 1] + f"w:{root.name}>"

    return instead(write_root, change)


for _kind, _roots in _ROOTS.items():
    Slip(
        f"namespace-of-root-only[{_kind}]",
        NS,
        "only the root of a document is in the namespace",
        also=_DEPENDENTS[_kind],
    ).by(_children_without(_roots))
Slip(
    "namespace-as-attribute",
    "REQ-GOS-ROOT",
    "the namespace is declared as xmlns:xmlns, not as the default",
    also=(NS, WF, *(each for each in _ALL if each != "REQ-GOS-ROOT")),
).by(edits(namespace_declarations, lambda _, text: text.replace(" xmlns=", " ns=", 1)))
