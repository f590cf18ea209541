"""Documents: XML bodies, read strictly and without entities, DTDs or network. What is wrong with one is a value."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from email.message import Message
from functools import lru_cache
from typing import TYPE_CHECKING

from lxml import etree

from reimage_conformance.protocol.xml_problems import problem_of

if TYPE_CHECKING:
    from reimage_conformance.model import Response

NAMESPACE = "http://schemas.microsoft.com/windowsazure"
XML_MEDIA_TYPES = ("application/xml", "text/xml")
_MAY_HAVE_NO_VALUE = ("HttpStatusCode", "Error")
"""The children that an Operation lacks while there is nothing to say in them."""
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_BOMS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_DECLARED_ENCODING = re.compile(r"""^<\?xml\s[^>]*?encoding\s*=\s*["']([A-Za-z][A-Za-z0-9._-]*)["'][^>]*\?>""")
_ANY_DECLARATION = re.compile(r"^<\?xml\s[^>]*\?>")
_QUOTED_ENCODING = r"""(?:"[A-Za-z][A-Za-z0-9._-]*"|'[A-Za-z][A-Za-z0-9._-]*')"""
_VALID_DECLARATION = re.compile(
    rf"""<\?xml\s+version\s*=\s*(?:"1\.[0-9]+"|'1\.[0-9]+')(?:\s+encoding\s*=\s*{_QUOTED_ENCODING})?"""
    r"""(?:\s+standalone\s*=\s*(?:"(?:yes|no)"|'(?:yes|no)'))?\s*\?>"""
)
"""XML 1.0, productions 23 to 26, 32, 77, 80 and 81."""
_ROOTS = re.compile(rb"(?:<\?xml[^>]*\?>\s*)?<(?:operation|error|deployment|hostedservice)\b")
_ENCODINGS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "utf-16": "utf-16",
    "utf-16le": "utf-16",
    "utf-16be": "utf-16",
    "us-ascii": "utf-8",
}
"""The encodings that may be declared, in lower case, each with the encoding that the octets then have."""
_GUID = re.compile("[0-9A-Fa-f]{8}(?:-?[0-9A-Fa-f]{4}){3}-?[0-9A-Fa-f]{12}")
_PATH_SEGMENT = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%-]+")
_MAX_CACHED = 256
"""This many bodies are cached as trees: many checks read an answer soon after it came.

A tree takes many times the memory of its octets.
"""
_MAX_CACHED_CODES = 4096
"""The error codes of this many bodies are cached."""


@dataclass(frozen=True, slots=True)
class Document:
    """An XML body: its root, or why it has none.

    `encoding_problem` belongs to REQ-XML-ENC, `syntax_problem` to REQ-XML-WF; each is "" where there is no problem.
    """

    root: etree._Element | None
    encoding_problem: str = ""
    syntax_problem: str = ""

    @property
    def local_name(self) -> str:
        """The root's local name, or ""."""
        return "" if self.root is None else local(self.root)

    @property
    def namespace(self) -> str:
        """The root's namespace name, or ""."""
        return "" if self.root is None else etree.QName(self.root).namespace or ""

    def children(self) -> list[tuple[str, str]]:
        """Local name and namespace of each child element of the root, in order."""
        if self.root is None:
            return []
        return [(local(each), etree.QName(each).namespace or "") for each in elements(self.root)]

    def child(self, name: str) -> etree._Element | None:
        """The first child of the root called `name` in the root's own namespace."""
        return None if self.root is None else child(self.root, name)

    def text(self, name: str) -> str | None:
        """The text of the first child called `name`, without white space around it; None where there is no such child."""
        found = self.child(name)
        return None if found is None else text(found)


def elements(parent: etree._Element) -> list[etree._Element]:
    """The child elements of `parent`, without comments and processing instructions."""
    return [node for node in parent if isinstance(node.tag, str)]


def local(element: etree._Element) -> str:
    """The local name of `element`."""
    return str(element.tag).rpartition("}")[2]


def own_elements(parent: etree._Element) -> list[etree._Element]:
    """The child elements of `parent` in its own namespace; the same name in another namespace is another element."""
    namespace = etree.QName(parent).namespace
    return [node for node in elements(parent) if etree.QName(node).namespace == namespace]


def child(parent: etree._Element, name: str) -> etree._Element | None:
    """The first child of `parent` called `name` in the namespace of `parent` (REQ-XML-NS)."""
    namespace, brace, _ = str(parent.tag).rpartition("}")
    return parent.find(f"{namespace}{brace}{name}")


def text(element: etree._Element) -> str:
    """The character data of `element` and all below it, white space around it removed."""
    return raw_text(element).strip()


def raw_text(element: etree._Element) -> str:
    """The character data of `element` and all below it, with white space."""
    if not len(element):
        return str(element.text or "")
    return "".join([str(part) for part in element.itertext()])


def content_type(response: Response) -> str:
    """The value of Content-Type, or ""."""
    return response.header("Content-Type") or ""


def media_type(response: Response) -> str:
    """The media type of a response without parameters, in lower case; "" where none is named (RFC 9110 8.3.1)."""
    return _media_type(content_type(response))


def _media_type(type_value: str) -> str:
    return type_value.partition(";")[0].strip().lower()


def charset(response: Response) -> str:
    """The charset parameter in lower case, or ""."""
    return _charset(content_type(response))


@lru_cache(maxsize=_MAX_CACHED)
def _charset(type_value: str) -> str:
    message = Message()
    message["Content-Type"] = type_value
    found = message.get_param("charset", "")
    return found.strip().lower() if isinstance(found, str) else ""


def is_xml_media_type(name: str) -> bool:
    """Whether a media type denotes XML (RFC 7303)."""
    return name in XML_MEDIA_TYPES or name.endswith("+xml")


def looks_like_xml(response: Response) -> bool:
    """Whether a body is declared as XML or recognisable as such; HTML is not."""
    return _looks_like_xml(content_type(response), response.body)


def _looks_like_xml(type_value: str, body: bytes) -> bool:
    if not body.strip():
        return False
    media = _media_type(type_value)
    if is_xml_media_type(media) and media != "application/xhtml+xml":
        return True
    start = body.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").replace(b"\0", b"")[:200].lower()
    return (start.startswith(b"<?xml") and "html" not in media) or bool(_ROOTS.match(start))


def _encoding(body: bytes, declared_charset: str) -> tuple[str, str, bytes]:
    """The encoding to decode with, what is wrong with its declaration, and the body without its byte-order mark."""
    for mark, codec in _BOMS.items():
        if body.startswith(mark):
            return codec, _mismatch(_family(codec), declared_charset), body.removeprefix(mark)
    if _ENCODINGS.get(declared_charset) == "utf-16":
        if b"\0" not in body[:2]:
            return "utf-8", f"charset {declared_charset!r}, but the octets are not UTF-16", body
        return ("utf-16-be" if body[:1] == b"\0" else "utf-16-le"), "", body
    if body[:2] in (b"<\0", b"\0<"):
        found = "utf-16-le" if body[:1] == b"<" else "utf-16-be"
        return found, "UTF-16 without byte-order mark or charset", body
    return "utf-8", _mismatch("", declared_charset), body


def _family(codec: str) -> str:
    """The name by which declarations call the encoding of a codec; the byte order is not part of it."""
    return "utf-16" if codec.startswith("utf-16") else "utf-8"


def _mismatch(bom: str, declared_charset: str) -> str:
    """What is wrong between a byte-order mark and a charset parameter, or ""."""
    if declared_charset and declared_charset not in _ENCODINGS:
        return f"charset {declared_charset!r} is neither UTF-8 nor UTF-16"
    if bom and declared_charset and _ENCODINGS[declared_charset] != bom:
        return f"charset {declared_charset!r}, but a byte-order mark of {bom.upper()}"
    return ""


def read_document(response: Response) -> Document:
    """Reads a body as XML (REQ-XML-WF, REQ-XML-ENC); never raises for what the endpoint sent."""
    return read_body(content_type(response), response.body)


@lru_cache(maxsize=_MAX_CACHED)
def read_body(type_value: str, body: bytes) -> Document:
    """Reads a body as XML; `type_value` is the value of its Content-Type, "" where there is none."""
    codec, problem, without_mark = _encoding(body, _charset(type_value))
    try:
        decoded = without_mark.decode(codec)
    except UnicodeDecodeError as error:
        return Document(
            None, encoding_problem=problem or f"the octets from octet {error.start} on are not {codec.upper()}"
        )
    encoding_in_xml = _DECLARED_ENCODING.match(decoded)
    family = _family(codec)
    if encoding_in_xml and _ENCODINGS.get(encoding_in_xml[1].lower()) != family and not problem:
        problem = f"the XML declaration says {encoding_in_xml[1].lower()!r}, but the octets are {family}"
    any_declaration = _ANY_DECLARATION.match(decoded)
    xml_declaration = any_declaration[0] if any_declaration else ""
    if xml_declaration and not _VALID_DECLARATION.fullmatch(xml_declaration):
        malformed = f"the XML declaration {xml_declaration} is malformed"[:200]
        return Document(None, encoding_problem=problem, syntax_problem=malformed)
    content = decoded.removeprefix(xml_declaration)
    # By default lxml loads no DTDs, uses no network and refuses huge trees.
    parser = etree.XMLParser(encoding="utf-8", resolve_entities=False)
    try:
        root = etree.fromstring(content.encode(), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        # `content` lacks the XML declaration, so that its first line may begin some columns into that of the document.
        columns_removed = 0 if "\n" in xml_declaration else len(xml_declaration)
        syntax_problem = problem_of(error, content, offset=columns_removed)
        return Document(None, encoding_problem=problem, syntax_problem=syntax_problem)
    return Document(_without_nil(root) if ":nil" in content else root, encoding_problem=problem)


def _without_nil(root: etree._Element) -> etree._Element:
    """`root` without the empty children that have xsi:nil and may have no value (XML Schema 1.0 part 1, 2.6.2)."""
    for node in [each for each in elements(root) if local(each) in _MAY_HAVE_NO_VALUE]:
        if node.get(_NIL) in ("true", "1") and not len(node) and not node.text:
            root.remove(node)
    return root


@dataclass(frozen=True, slots=True)
class ErrorDocument:
    """What the body of an error answer says; `problem` is "" where it is an Error document as documented.

    `extra` names its children other than Code and Message; `misordered` says that Message comes before Code.
    """

    code: str = ""
    message: str = ""
    namespace: str = ""
    extra: tuple[str, ...] = ()
    problem: str = ""
    misordered: bool = False


def read_error(document: Document) -> ErrorDocument:
    """Reads an Error document (REQ-ERR-BODY-FORMAT); its namespace may be any (REQ-ERR-NS)."""
    if document.root is None:
        return ErrorDocument(problem=document.syntax_problem or document.encoding_problem)
    if document.local_name != "Error":
        return ErrorDocument(problem=f"the root element is {document.local_name}, not Error")
    members = own_elements(document.root) or elements(document.root)
    found = {local(node): text(node) for node in reversed(members)}
    names = [local(node) for node in members]
    missing = [name for name in ("Code", "Message") if name not in found]
    code = found.get("Code", "")
    if missing:
        return ErrorDocument(
            code=code, namespace=document.namespace, problem=f"Error has no {' and no '.join(missing)}"
        )
    if not code:
        return ErrorDocument(namespace=document.namespace, problem="Code is empty")
    extra = tuple(name for name in names if name not in ("Code", "Message"))
    first = next(name for name in names if name in ("Code", "Message"))
    return ErrorDocument(code, found["Message"], document.namespace, extra, misordered=first != "Code")


def error_code(response: Response) -> str:
    """The Code of an error answer, or "" where it has no readable Error document."""
    return _error_code(content_type(response), response.body)


@lru_cache(maxsize=_MAX_CACHED_CODES)
def _error_code(type_value: str, body: bytes) -> str:
    return read_error(read_body(type_value, body)).code if _looks_like_xml(type_value, body) else ""


def error_message(response: Response) -> str:
    """The Message of an error answer, or "" where it has no readable Error document."""
    if not looks_like_xml(response):
        return ""
    return read_error(read_document(response)).message


def plain_identifier(identifier: str) -> str:
    """One spelling for all spellings of an id, to tell operations apart: an endpoint may give two ids that differ only in letter case.

    In a GUID, dashes and letter case have no meaning; in any other id every character may. Whether a document names the operation that
    was polled is a more lenient question: see `same_identifier`.
    """
    return without_dashes(identifier) if _GUID.fullmatch(identifier) else identifier


def is_path_segment(identifier: str) -> bool:
    """Whether an id consists of the characters that a segment of a path may have, so that it can be sent as it is (RFC 3986 3.3)."""
    return _PATH_SEGMENT.fullmatch(identifier) is not None


def same_identifier(first: str, second: str) -> bool:
    """Whether an id in a document is that of the operation that was polled: dashes and letter case do not count in any id (REQ-GOS-ID)."""
    return without_dashes(first) == without_dashes(second)


def without_dashes(identifier: str) -> str:
    """An id without dashes, in lower case."""
    return identifier.replace("-", "").lower()
