"""Documents: bodies read strictly, what is wrong with them as a value, and nothing that an endpoint sends raises."""

from __future__ import annotations

import codecs
from dataclasses import FrozenInstanceError
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judging_samples import NAMESPACE, error, response
from reimage_conformance.model import Response
from reimage_conformance.protocol.documents import (
    ErrorDocument,
    charset,
    child,
    elements,
    error_code,
    is_xml_media_type,
    local,
    looks_like_xml,
    media_type,
    plain_identifier,
    read_body,
    read_document,
    read_error,
    same_identifier,
    text,
)

if TYPE_CHECKING:
    from pathlib import Path


def typed(value: str | None, body: bytes = b"<a/>") -> Response:
    return Response(200, headers=() if value is None else (("content-type", value),), body=body)


class TestTypes:
    """Media type and charset."""

    @pytest.mark.parametrize(
        ("value", "name"),
        [
            (None, ""),
            ("", ""),
            ("Application/XML", "application/xml"),
            (" text/xml ; charset=utf-8", "text/xml"),
            ("text/html;a;b", "text/html"),
        ],
    )
    def test_the_media_type(self, value: str | None, name: str) -> None:
        assert media_type(typed(value)) == name

    @pytest.mark.parametrize(
        ("value", "name"),
        [
            (None, ""),
            ("application/xml", ""),
            ("application/xml; charset=UTF-8", "utf-8"),
            ('application/xml; charset=" utf-16 "', "utf-16"),
            ("application/xml; charset*=utf-8''utf-8", ""),
        ],
    )
    def test_the_charset(self, value: str | None, name: str) -> None:
        assert charset(typed(value)) == name

    @pytest.mark.parametrize(
        ("name", "xml"),
        [
            ("application/xml", True),
            ("text/xml", True),
            ("application/atom+xml", True),
            ("application/xml-dtd", False),
            ("text/plain", False),
            ("", False),
        ],
    )
    def test_xml_types(self, name: str, xml: bool) -> None:  # noqa: FBT001
        assert is_xml_media_type(name) is xml

    @pytest.mark.parametrize(
        ("value", "body", "xml"),
        [
            ("application/xml", b"", False),
            ("application/xml", b" \r\n", False),
            ("application/xml", b"nonsense", True),
            ("application/atom+xml", b"nonsense", True),
            ("application/xhtml+xml", b"<Error/>", True),
            ("text/html", b"<Error/>", True),
            ("text/plain", b"<Error/>", True),
            (None, b"<?xml version='1.0'?><x/>", True),
            (None, b"\xef\xbb\xbf <OPERATION/>", True),
            (None, "\ufeff<Deployment/>".encode("utf-16-le"), True),
            (None, "<HostedService/>".encode("utf-16-be"), True),
            (None, b"<html><Error/></html>", False),
            (None, b"<x/>", False),
            (None, b"Error", False),
        ],
    )
    def test_what_looks_like_xml(self, value: str | None, body: bytes, xml: bool) -> None:  # noqa: FBT001
        assert looks_like_xml(typed(value, body)) is xml


DECLARED = "application/xml; charset="
WIDE = "<a>\u20ac</a>"


class TestEncoding:
    """REQ-XML-ENC."""

    @pytest.mark.parametrize(
        ("value", "body"),
        [
            ("application/xml", WIDE.encode()),
            ("application/xml", codecs.BOM_UTF8 + WIDE.encode()),
            (DECLARED + "utf-8", WIDE.encode()),
            (DECLARED + "utf8", WIDE.encode()),
            (DECLARED + "utf-8", codecs.BOM_UTF8 + WIDE.encode()),
            (DECLARED + "us-ascii", b"<a>&#8364;</a>"),
            ("application/xml", codecs.BOM_UTF16_LE + WIDE.encode("utf-16-le")),
            ("application/xml", codecs.BOM_UTF16_BE + WIDE.encode("utf-16-be")),
            (DECLARED + "utf-16", codecs.BOM_UTF16_LE + WIDE.encode("utf-16-le")),
            (DECLARED + "utf-16", codecs.BOM_UTF16_BE + WIDE.encode("utf-16-be")),
            (DECLARED + "utf-16le", WIDE.encode("utf-16-le")),
            (DECLARED + "utf-16be", WIDE.encode("utf-16-be")),
            ("application/xml", f"<?xml version='1.0' encoding='UTF-8'?>{WIDE}".encode()),
            ("application/xml", b"<?xml version='1.0' encoding='us-ascii'?><a>&#8364;</a>"),
            ("application/xml", f"<?xml version='1.0'?>{WIDE}".encode()),
            (
                "application/xml",
                codecs.BOM_UTF16_LE + f"<?xml version='1.0' encoding='utf-16'?>{WIDE}".encode("utf-16-le"),
            ),
        ],
    )
    def test_as_declared(self, value: str, body: bytes) -> None:
        found = read_document(typed(value, body))

        assert (found.local_name, found.encoding_problem, found.syntax_problem) == ("a", "", "")
        assert found.root is not None
        assert text(found.root) == "\u20ac"

    @pytest.mark.parametrize(
        ("value", "body", "problem"),
        [
            (DECLARED + "iso-8859-1", b"<a/>", "charset 'iso-8859-1' is neither UTF-8 nor UTF-16"),
            (DECLARED + "utf-16", codecs.BOM_UTF8 + b"<a/>", None),
            (
                DECLARED + "utf-8",
                codecs.BOM_UTF16_LE + "<a/>".encode("utf-16-le"),
                "charset 'utf-8', but a byte-order mark of UTF-16",
            ),
            (
                DECLARED + "utf-8",
                codecs.BOM_UTF16_BE + "<a/>".encode("utf-16-be"),
                "charset 'utf-8', but a byte-order mark of UTF-16",
            ),
            ("application/xml", "<a/>".encode("utf-16-le"), "UTF-16 without byte-order mark or charset"),
            ("application/xml", "<a/>".encode("utf-16-be"), "UTF-16 without byte-order mark or charset"),
            (
                "application/xml",
                b"<?xml version='1.0' encoding='utf-16'?><a/>",
                "the XML declaration says 'utf-16', but the octets are utf-8",
            ),
            (
                "application/xml",
                b"<?xml version='1.0' encoding='Latin1'?><a/>",
                "the XML declaration says 'latin1', but the octets are utf-8",
            ),
            (
                "application/xml",
                codecs.BOM_UTF16_LE + '<?xml version="1.0" encoding="utf-8"?><a/>'.encode("utf-16-le"),
                "the XML declaration says 'utf-8', but the octets are utf-16",
            ),
            (
                DECLARED + "latin1",
                b"<?xml version='1.0' encoding='latin1'?><a/>",
                "charset 'latin1' is neither UTF-8 nor UTF-16",
            ),
        ],
    )
    def test_otherwise(self, value: str, body: bytes, problem: str | None) -> None:
        found = read_document(typed(value, body))

        assert found.encoding_problem == (problem or "charset 'utf-16', but a byte-order mark of UTF-8")
        assert found.local_name == "a"

    def test_octets_that_are_not_utf_16_show_that_in_the_first_character(self) -> None:
        found = read_document(typed(DECLARED + "utf-16", b"<a\0>"))

        assert found.encoding_problem == "charset 'utf-16', but the octets are not UTF-16"

    def test_octets_of_another_encoding(self) -> None:
        wrong = read_document(typed("application/xml", b"<a>\xe4</a>"))
        named = read_document(typed(DECLARED + "iso-8859-1", b"<a>\xe4</a>"))
        odd = read_document(typed(DECLARED + "utf-16be", b"\0<\0a\0"))
        little = read_document(typed(DECLARED + "utf-16", b"<\0a"))

        assert (wrong.root, wrong.encoding_problem) == (None, "the octets from octet 3 on are not UTF-8")
        assert wrong.syntax_problem == ""
        assert named.encoding_problem == "charset 'iso-8859-1' is neither UTF-8 nor UTF-16"
        assert odd.encoding_problem == "the octets from octet 4 on are not UTF-16-BE"
        assert little.encoding_problem == "the octets from octet 2 on are not UTF-16-LE"


class TestSyntax:
    """REQ-XML-WF, and no entity is ever expanded."""

    @pytest.mark.parametrize(
        "body",
        [
            b"<a>",
            b"<a/><b/>",
            b"<a b='1' b='2'/>",
            b"<p:a/>",
            b"<a>&nbsp;</a>",
            b"x",
            b"<a>\x01</a>",
            b" <?xml version='1.0'?><a/>",
        ],
    )
    def test_what_is_ill_formed(self, body: bytes) -> None:
        found = read_document(typed("application/xml", body))

        assert found.root is None
        assert found.encoding_problem == ""
        assert 0 < len(found.syntax_problem) <= 200

    def test_a_long_complaint_is_cut(self) -> None:
        found = read_document(typed("application/xml", b"<a><" + b"b" * 400 + b"></a>"))

        assert len(found.syntax_problem) <= 200
        assert "b" * 60 in found.syntax_problem

    @pytest.mark.parametrize(
        ("body", "told"),
        [
            (b"<Error><Message>a & b</Message></Error>", "line 1, column 20: a bare & in text"),
            (b"<a>\n<b>&nope;</b></a>", "line 2, column 10: the entity nope is not declared"),
            (b"<a><x:b/></a>", "line 1, column 8: the namespace prefix x is not declared"),
            (b"<a><b></a>", "line 1, column 11: the element b is closed by an end tag of a"),
            (
                b'<?xml version="1.0"?><a/><a/>',
                "line 1, column 26: text or a second root element outside the root element",
            ),
            (b"<a>&#1;</a>", "line 1, column 8: a character that XML does not allow"),
            (b'{"a": 1}', 'the content does not begin with <, but with {"a":'),
            (b"<a>&amp b</a>", "line 1, column 8: an & that does not begin a reference such as &amp;"),
        ],
    )
    def test_what_is_wrong_is_told_in_words_about_the_document(self, body: bytes, told: str) -> None:
        assert read_document(typed("application/xml", body)).syntax_problem == told

    def test_both_problems_are_told(self) -> None:
        found = read_document(typed(DECLARED + "iso-8859-1", b"<a>"))

        assert found.encoding_problem == "charset 'iso-8859-1' is neither UTF-8 nor UTF-16"
        assert found.syntax_problem.endswith(": the document ends before the element a is closed")

    @pytest.mark.parametrize(
        "declaration",
        [
            "<?xml verison='1.0'?>",
            "<?xml version=1.0?>",
            "<?xml encoding='utf-8' version='1.0'?>",
            "<?xml version='1.0' standalone='maybe'?>",
            "<?xml version='1.0' encoding='8'?>",
        ],
    )
    def test_an_ill_formed_declaration(self, declaration: str) -> None:
        found = read_document(typed("application/xml", f"{declaration}<a/>".encode()))

        assert (found.root, found.encoding_problem) == (None, "")
        assert found.syntax_problem == f"the XML declaration {declaration} is malformed"

    @pytest.mark.parametrize(
        "declaration",
        [
            "<?xml version='1.1'?>",
            '<?xml  version = "1.0"  encoding="UTF-8" standalone="yes" ?>',
            "<?xml version='1.0' standalone='no'?>",
            "<?xml-style a?>",
        ],
    )
    def test_a_sound_declaration(self, declaration: str) -> None:
        assert read_document(typed("application/xml", f"{declaration}<a/>".encode())).local_name == "a"

    def test_entities_stay_unexpanded(self) -> None:
        body = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname"><!ENTITY y "boom">]><a>&x;&y;</a>'
        found = read_document(typed("application/xml", body))

        assert found.root is not None
        assert "boom" not in (found.root.text or "")
        assert found.root.text is None

    def test_no_dtd_is_loaded(self, tmp_path: Path) -> None:
        dtd = tmp_path / "bad.dtd"
        dtd.write_text("<!ELEMENT")
        found = read_document(typed("application/xml", f'<!DOCTYPE a SYSTEM "{dtd}"><a/>'.encode()))

        assert (found.local_name, found.syntax_problem) == ("a", "")

    def test_no_tree_grows_beyond_bounds(self) -> None:
        found = read_document(typed("application/xml", b"<a>" * 3000 + b"</a>" * 3000))

        assert found.root is None

    @given(st.binary(max_size=60), st.sampled_from(["", "utf-8", "utf-16", "utf-16be", "koi8-r"]))
    def test_nothing_raises(self, body: bytes, name: str) -> None:
        found = read_document(typed(DECLARED + name if name else "application/xml", body))

        assert (found.root is None) == (found.local_name == "")
        assert found.root is not None or found.encoding_problem or found.syntax_problem

    def test_the_same_response_is_read_once(self) -> None:
        assert read_document(typed("text/xml", b"<once/>")) is read_document(typed("text/xml", b"<once/>"))


class TestReading:
    """Elements by namespace and local name."""

    DOCUMENT = read_document(
        response(
            200,
            f'<o:R xmlns:o="{NAMESPACE}"><!--c--><?p i?><A>none</A><o:A> one<!--c--> <b>t</b>wo </o:A>tail<o:A>x</o:A></o:R>',
        )
    )

    def test_the_root(self) -> None:
        assert (self.DOCUMENT.local_name, self.DOCUMENT.namespace) == ("R", NAMESPACE)
        plain = read_document(response(200, "<R/>"))
        assert (plain.local_name, plain.namespace) == ("R", "")

    def test_children(self) -> None:
        assert self.DOCUMENT.children() == [("A", ""), ("A", NAMESPACE), ("A", NAMESPACE)]
        assert self.DOCUMENT.root is not None
        assert [local(node) for node in elements(self.DOCUMENT.root)] == ["A", "A", "A"]

    def test_a_child_shares_its_parents_namespace(self) -> None:
        assert self.DOCUMENT.text("A") == "one two"
        assert self.DOCUMENT.text("B") is None
        found = self.DOCUMENT.child("A")
        assert found is not None
        assert child(found, "b") is None
        plain = read_document(response(200, "<R><A>x</A></R>"))
        assert plain.text("A") == "x"
        assert plain.root is not None
        assert child(plain.root, "A") is plain.child("A")

    def test_nothing_comes_of_no_root(self) -> None:
        none = read_document(response(200, "<"))

        assert (none.local_name, none.namespace, none.children(), none.child("A"), none.text("A")) == (
            "",
            "",
            [],
            None,
            None,
        )


class TestErrors:
    """Error documents."""

    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            (error("c", "m"), ErrorDocument("c", "m", NAMESPACE)),
            ("<Error><Code>c</Code><Message/></Error>", ErrorDocument("c")),
            ("<Error><Message>m</Message><Code>c</Code></Error>", ErrorDocument("c", "m", misordered=True)),
            (
                "<Error><X/><Code>c</Code><Message>m</Message><Y/><Code>d</Code></Error>",
                ErrorDocument("c", "m", extra=("X", "Y")),
            ),
            ("<Fault/>", ErrorDocument(problem="the root element is Fault, not Error")),
            ("<Error/>", ErrorDocument(problem="Error has no Code and no Message")),
            (
                error("c", "m").replace("Message", "M"),
                ErrorDocument("c", namespace=NAMESPACE, problem="Error has no Message"),
            ),
            ("<Error><Message>m</Message></Error>", ErrorDocument(problem="Error has no Code")),
            (error(" ", "m"), ErrorDocument(namespace=NAMESPACE, problem="Code is empty")),
        ],
    )
    def test_they_are_read(self, body: str, expected: ErrorDocument) -> None:
        assert read_error(read_document(response(400, body))) == expected

    def test_members_of_another_namespace_are_passed_over(self) -> None:
        body = f'<Error xmlns="{NAMESPACE}"><Code xmlns="urn:x">no</Code><Code>C</Code><Message>M</Message></Error>'
        elsewhere = f'<e:Error xmlns:e="{NAMESPACE}"><Code>C</Code><Message>M</Message></e:Error>'

        assert read_error(read_document(typed("application/xml", body.encode()))).code == "C"
        assert read_error(read_document(typed("application/xml", elsewhere.encode()))).code == "C"

    def test_what_keeps_them_from_being_read_is_told(self) -> None:
        ill = read_document(response(400, "<Error>"))
        odd = read_document(response(400, b"<Error>\xff</Error>"))

        assert read_error(ill) == ErrorDocument(problem=ill.syntax_problem)
        assert read_error(odd) == ErrorDocument(problem=odd.encoding_problem)

    @pytest.mark.parametrize(
        ("body", "code"),
        [(error("c"), "c"), ("<Error><Code>c</Code></Error>", "c"), ("<Fault/>", ""), ("<Error>", ""), ("", "")],
    )
    def test_the_code(self, body: str, code: str) -> None:
        assert error_code(response(400, body)) == code

    def test_a_document_that_is_called_html_has_a_code(self) -> None:
        assert error_code(response(400, error("c"), (("Content-Type", "text/html"),))) == "c"


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [("ab-c", "A-BC", True), ("abc", "abd", False), ("", "-", True), ("0a", "a", False)],
)
def test_dashes_and_case_do_not_tell_ids_apart(first: str, second: str, same: bool) -> None:  # noqa: FBT001
    assert same_identifier(first, second) is same


def test_what_was_read_is_read_once_and_is_nobodys_to_change() -> None:
    found = read_document(response(404, error()))

    assert read_document(response(404, error())) is found
    for value, name in ((found, "root"), (read_error(found), "code")):
        with pytest.raises(FrozenInstanceError):
            setattr(value, name, None)
        assert not hasattr(value, "__dict__")


@pytest.mark.parametrize(
    ("identifier", "plain"),
    [
        ("0AF-1", "0AF-1"),
        ("1-11", "1-11"),
        ("00000000-ABCD-4000-8000-000000000000", "00000000abcd40008000000000000000"),
        ("opAQ", "opAQ"),
        ("a-G", "a-G"),
        ("", ""),
    ],
)
def test_an_id_that_equals_its_other_spellings(identifier: str, plain: str) -> None:
    assert plain_identifier(identifier) == plain


@pytest.mark.parametrize(
    ("element", "name", "value"),
    [
        ('<HttpStatusCode i:nil="true"/>', "HttpStatusCode", None),
        ('<Error i:nil="1"></Error>', "Error", None),
        ('<HttpStatusCode i:nil="false"/>', "HttpStatusCode", ""),
        ('<HttpStatusCode i:nil="true">200</HttpStatusCode>', "HttpStatusCode", "200"),
        ("<HttpStatusCode/>", "HttpStatusCode", ""),
        ('<ID i:nil="true"/>', "ID", ""),
    ],
)
def test_an_empty_child_with_nil_is_absent_where_it_may_be(element: str, name: str, value: str | None) -> None:
    space = 'xmlns:i="http://www.w3.org/2001/XMLSchema-instance"'
    document = read_body("application/xml", f"<Operation {space}>{element}<Status>Failed</Status></Operation>".encode())

    assert document.text(name) == value
    assert document.text("Status") == "Failed"
