"""What is wrong with XML that cannot be read, in words about the document; the parser's own words are not shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lxml.etree import ErrorTypes

if TYPE_CHECKING:
    from lxml import etree

_UNPAIRED = "a start tag and the next end tag do not match"
_OUTSIDE = "text or a second root element outside the root element"
_WORDS = {
    ErrorTypes.ERR_DOCUMENT_END: _OUTSIDE,
    ErrorTypes.ERR_INVALID_CHAR: "a character that XML does not allow",
    ErrorTypes.ERR_INVALID_CHARREF: "a reference to a character that XML does not allow",
    ErrorTypes.ERR_ENTITYREF_SEMICOL_MISSING: "an & that does not begin a reference such as &amp;",
    ErrorTypes.ERR_UNDECLARED_ENTITY: "a reference to an entity that is not declared",
    ErrorTypes.ERR_TAG_NAME_MISMATCH: _UNPAIRED,
    ErrorTypes.ERR_TAG_NOT_FINISHED: "the document ends before every element is closed",
    ErrorTypes.ERR_GT_REQUIRED: "a tag without its closing >",
    ErrorTypes.ERR_NAME_REQUIRED: "a bare < or & in text",
    ErrorTypes.ERR_LT_IN_ATTRIBUTE: "a bare < in the value of an attribute",
    ErrorTypes.ERR_ATTRIBUTE_REDEFINED: "an attribute that occurs twice",
    ErrorTypes.ERR_ATTRIBUTE_NOT_STARTED: "an attribute whose value is not quoted",
    ErrorTypes.ERR_ATTRIBUTE_NOT_FINISHED: "an attribute whose value does not end",
    ErrorTypes.ERR_ATTRIBUTE_WITHOUT_VALUE: "an attribute without a value",
    ErrorTypes.ERR_HYPHEN_IN_COMMENT: "two hyphens within a comment",
    ErrorTypes.ERR_COMMENT_NOT_FINISHED: "a comment that does not end",
    ErrorTypes.ERR_CDATA_NOT_FINISHED: "a CDATA section that does not end",
    ErrorTypes.ERR_MISPLACED_CDATA_END: "]]> in text",
    ErrorTypes.ERR_RESERVED_XML_NAME: "an XML declaration that is not at the very start",
    ErrorTypes.NS_ERR_UNDEFINED_NAMESPACE: "a namespace prefix that is not declared",
    ErrorTypes.NS_ERR_ATTRIBUTE_REDEFINED: "an attribute that occurs twice",
}
"""What is wrong, by the error code of libxml2; `xmlParseEntityRef` and `StartTag` share one code; their messages differ."""


_NAMING = (
    (
        re.compile(r"Opening and ending tag mismatch: (\S+) line \d+ and (\S+?)[,\s]"),
        "the element {0} is closed by an end tag of {1}",
    ),
    (re.compile(r"Namespace prefix (\S+) (?:on|for) "), "the namespace prefix {0} is not declared"),
    (re.compile(r"Entity '(\S+)' not defined"), "the entity {0} is not declared"),
    (re.compile(r"Attribute (\S+) redefined"), "the attribute {0} occurs twice"),
    (re.compile(r"Premature end of data in tag (\S+) "), "the document ends before the element {0} is closed"),
)
"""Messages of libxml2 that name something of the document, and the same in plain words."""
_LONGEST_NAME = 60


def _named(message: str) -> str:
    """What is wrong, with the names from the parser's message, or ""."""
    for form, words in _NAMING:
        found = form.search(message)
        if found:
            return words.format(*(name[:_LONGEST_NAME] for name in found.groups()))
    return ""


def problem_of(error: etree.XMLSyntaxError | ValueError, document: str, offset: int = 0) -> str:
    """Where `document` is not well formed, and why; `offset` characters of its first line were not given to the parser.

    A `ValueError` is what lxml raises for text that it does not take at all.
    """
    if not document.strip():
        return "the document is empty"
    code = getattr(error, "code", None)
    if code == ErrorTypes.ERR_DOCUMENT_EMPTY:
        return f"the content does not begin with <, but with {document.split(maxsplit=1)[0][:_LONGEST_NAME]}"
    message = str(getattr(error, "msg", ""))
    what = _named(message) or (_WORDS.get(code) if isinstance(code, int) else None)
    if code == ErrorTypes.ERR_NAME_REQUIRED:
        what = "a bare & in text" if "EntityRef" in message else "a bare < in text"
    line, column = getattr(error, "position", None) or (0, 0)
    where = f"line {line}, column {column + offset if line == 1 else column}: " if column else ""
    return f"{where}{what or 'not well-formed XML'}"
