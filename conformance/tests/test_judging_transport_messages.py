"""Messages judged: what holds for every response, whatever was asked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from judging_samples import (
    BUILDER,
    DASHED_ID,
    DATE,
    LOOK,
    NAMESPACE,
    OPERATION_ID,
    OTHER_ID,
    POLL,
    REIMAGE,
    RUNNING,
    advisory,
    brief,
    deployment,
    error,
    exchange,
    judged,
    met,
    poll,
    refusal,
    silent,
    violated,
    worded,
)
from reimage_conformance.anomalies import Anomaly, AnomalyKind
from reimage_conformance.judging.transport.messages import FROZEN_SECONDS, is_date
from reimage_conformance.model import Exchange, Fact, FailureKind, Headers, Identity, Outcome, Request
from reimage_conformance.protocol.requests import with_header, without_header

HEAD = replace(REIMAGE, method="HEAD")
NO_HOST = without_header(REIMAGE, "Host")
OTHER = replace(REIMAGE, target="/elsewhere")
HEADERS = "REQ-HTTP-STD-HEADERS"
OF_A_REIMAGE = " (the answer to Reimage Role Instance)"


class TestDates:
    """IMF-fixdate."""

    @pytest.mark.parametrize("value", [DATE, "Thu, 29 Feb 2024 00:00:00 GMT", "Fri, 31 Dec 1999 23:59:59 GMT"])
    def test_a_date(self, value: str) -> None:
        assert is_date(value) is True

    @pytest.mark.parametrize(
        "value",
        [
            "",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nov 1994 08:49:37 GMT ",
            "x" + DATE,
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "sun, 06 nov 1994 08:49:37 GMT",
            "Mon, 06 Nov 1994 08:49:37 GMT",
            "Thu, 30 Feb 2023 00:00:00 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT",
        ],
    )
    def test_no_date(self, value: str) -> None:
        assert is_date(value) is False

    @pytest.mark.parametrize("status", [200, 202, 307, 404, 499])
    def test_responses_carry_one(self, status: int) -> None:
        found = judged("dates", [exchange(status=status, headers=(("date", DATE),))])

        assert brief(found) == [met("REQ-HTTP-DATE")]
        assert found[0].actual == f"Date {DATE!r}{OF_A_REIMAGE}"

    def test_a_response_without_one_or_with_another_form(self) -> None:
        none = judged("dates", [exchange()])
        odd = judged("dates", [exchange(headers=(("Date", "now"), ("Date", DATE)))])

        assert brief(none) == [violated("REQ-HTTP-DATE", "no-date")]
        assert worded(none) == [("a Date such as 'Sun, 06 Nov 1994 08:49:37 GMT'", f"no Date header{OF_A_REIMAGE}")]
        assert brief(odd) == [violated("REQ-HTTP-DATE", "date")]
        assert odd[0].actual == f"Date 'now'{OF_A_REIMAGE}"

    def test_other_responses_need_none(self) -> None:
        barred = exchange(replace(REIMAGE, identity=Identity.NONE), 403)
        several = [silent(), exchange(status=199), exchange(status=500), exchange(NO_HOST, 400), barred]

        assert judged("dates", several) == []
        assert judged("dates", [exchange(replace(REIMAGE, target=REIMAGE.target.replace("?", "%00?")), 400)]) == []

    def test_what_the_application_refuses_needs_one(self) -> None:
        refused = exchange(without_header(REIMAGE, "x-ms-version"), 400)

        assert brief(judged("dates", [refused])) == [violated("REQ-HTTP-DATE", "no-date")]


class TestStandardHeaders:
    """The checks of the version and of single header fields."""

    def test_the_version_of_a_response(self) -> None:
        assert brief(judged("response_versions", [exchange()])) == [met("REQ-HTTP-VERSION-RESP")]
        found = judged(
            "response_versions",
            [
                silent(),
                exchange(replace(REIMAGE, http_version="HTTP/1.0")),
                exchange(http_version="HTTP/1.0", number=3),
            ],
        )
        assert brief(found) == [advisory("REQ-HTTP-VERSION-RESP", "http-version", 3)]
        assert worded(found) == [("HTTP/1.1", "HTTP/1.0")]

    @pytest.mark.parametrize(
        "headers",
        [
            (("Expires", "Thu, 01 Dec 1994 16:00:00 GMT"),),
            (),
            (("Content-Type", "application/xml"),),
            (("Content-Type", 'a/b ; charset="x\\"y" ;; q=1'),),
            (("Allow", ""), ("Vary", "*"), ("Connection", "close, , keep-alive")),
            (("Transfer-Encoding", "gzip;q=1, chunked"),),
            (("Last-Modified", DATE), ("Age", "0")),
            (("Content-Encoding", "identity"),),
            (("Allow", "GET"), ("Allow", "POST")),
            (("Cache-Control", ""), ("Cache-Control", 'no-cache, ,max-age=0 , private="a\\"b, c"')),
        ],
    )
    def test_fields_as_http_defines_them(self, headers: Headers) -> None:
        assert brief(judged("standard_headers", [exchange(headers=headers)])) == [met(HEADERS)]

    @pytest.mark.parametrize(
        ("coding", "body", "fine"),
        [
            ("GZIP ", b"<a/>", False),
            ("x-gzip", b"\x1f\x8c", False),
            ("gzip", b"\x1f\x8b\x08", True),
            ("gzip", b"", True),
            ("br", b"<a/>", True),
        ],
    )
    def test_content_is_coded_as_it_says(self, coding: str, body: bytes, *, fine: bool) -> None:
        found = judged("standard_headers", [exchange(headers=(("Content-Encoding", coding),), body=body)])

        assert brief(found) == [met(HEADERS) if fine else violated(HEADERS, "content-encoding")]
        told = f"Content-Encoding {coding.strip().lower()!r}, but the content is not in this coding{OF_A_REIMAGE}"
        assert found[0].actual == ("" if fine else told)

    def test_content_that_was_decoded_begins_as_any_other(self) -> None:
        coded = exchange(headers=(("Content-Encoding", "gzip"),), body=b"<a/>")
        decoded = replace(coded, unrecorded=frozenset({Fact.CODING}))

        assert brief(judged("standard_headers", [decoded])) == [met(HEADERS)]

    @pytest.mark.parametrize("coding", ["deflate", "gzip"])
    def test_content_that_could_not_be_decoded_is_a_defect_of_the_header_alone(self, coding: str) -> None:
        coded = exchange(headers=(("Content-Encoding", coding),), body=b"<a/>")
        assert coded.response is not None
        anomalies = (Anomaly(AnomalyKind.CONTENT_CODING, f"the content is not in {coding}"),)
        broken = replace(coded, response=replace(coded.response, anomalies=anomalies))

        found = judged("standard_headers", [broken])
        assert brief(found) == [violated(HEADERS, "content-encoding")]
        assert found[0].actual.startswith(f"Content-Encoding '{coding}', but the content is not in this coding")
        assert [verdict.outcome for verdict in judged("framing", [broken])] == [Outcome.MET]

    @pytest.mark.parametrize(
        ("headers", "symptom", "told"),
        [
            *(
                (((name, "a/b"), (name.upper(), "a/b")), name.lower(), f"the header {name} came 2 times")
                for name in ("Date", "Content-Type", "Server", "Location", "Retry-After", "Content-Location")
            ),
            ((("ETag", '"a"'), ("etag", '"a"')), "etag", "the header ETag came 2 times"),
            ((("ETag", "a"),), "etag", "ETag 'a' is no entity tag"),
            ((("Location", "/a b"),), "location", "Location '/a b' is no URI reference"),
            ((("Expires", "soon"),), "expires", "Expires 'soon' is no HTTP date"),
            ((("Cache-Control", "a = b"),), "cache-control", "Cache-Control 'a = b' is no list of directives"),
            ((("Content-Type", ""),), "content-type", "Content-Type '' is no media type"),
            ((("Content-Type", "xml"),), "content-type", "Content-Type 'xml' is no media type"),
            ((("Content-Type", "a/b c"),), "content-type", "Content-Type 'a/b c' is no media type"),
            ((("Content-Type", "a/b; c"),), "content-type", "Content-Type 'a/b; c' is no media type"),
            ((("Allow", "GET POST"),), "allow", "Allow 'GET POST' is no list of tokens"),
            ((("Connection", "a;b"),), "connection", "Connection 'a;b' is no list of tokens"),
            ((("Vary", "a"), ("Vary", "a:b")), "vary", "Vary 'a:b' is no list of tokens"),
            (
                (("Transfer-Encoding", "gzip chunked"),),
                "transfer-encoding",
                "Transfer-Encoding 'gzip chunked' is no list of tokens",
            ),
            *(
                (
                    (("Cache-Control", "no-cache"), ("Cache-Control", value)),
                    "cache-control",
                    f"Cache-Control {value!r} is no list of directives",
                )
                for value in ("no cache", "max-age:0", "max-age=", 'private="a', "a;b")
            ),
            ((("Last-Modified", "now"),), "last-modified", "Last-Modified 'now' is no HTTP date"),
            ((("Age", "-1"),), "age", "Age '-1' is no number of seconds"),
            ((("Age", ""),), "age", "Age '' is no number of seconds"),
            ((("Age", "\xb2"),), "age", "Age '\xb2' is no number of seconds"),
        ],
    )
    def test_fields_otherwise(self, headers: Headers, symptom: str, told: str) -> None:
        found = judged("standard_headers", [exchange(headers=headers)])

        assert brief(found) == [violated(HEADERS, symptom)]
        name = told.removeprefix("the header ").removesuffix(" came 2 times")
        expected = f"one {name}" if "2 times" in told else "standard headers as HTTP/1.1 defines them"
        assert worded(found) == [(expected, f"{told}{OF_A_REIMAGE}")]

    @pytest.mark.parametrize("name", ["Last-Modified", "Age"])
    def test_repeated_fields_with_a_form(self, name: str) -> None:
        value = DATE if name == "Last-Modified" else "1"

        assert [v.actual for v in judged("standard_headers", [exchange(headers=((name, value),) * 2)])] == [
            f"the header {name} came 2 times{OF_A_REIMAGE}"
        ]

    @pytest.mark.parametrize(
        ("anomaly", "expected"),
        [
            ("bare-lf", "CR LF at the end of each line before the content"),
            ("obs-fold: x", "each header on one line"),
            ("white-space-before-colon", "no blank between a header name and its colon"),
            ("invalid-field-name", "a header name without blanks and other characters that HTTP does not allow in it"),
            ("invalid-field-value", "a header value without control characters"),
            ("malformed-field-line", "a name, a colon and a value on each header line"),
            ("malformed-status-line", "a status line such as HTTP/1.1 200 OK"),
        ],
    )
    def test_anomalies_of_fields(self, anomaly: str, expected: str) -> None:
        found = judged("standard_headers", [exchange(anomalies=("surplus: 1", anomaly))])

        assert brief(found) == [violated(HEADERS, anomaly.partition(":")[0])]
        assert worded(found) == [(expected, f"{anomaly.rpartition(' ')[2]}{OF_A_REIMAGE}")]

    def test_several_problems_are_told_together(self) -> None:
        found = judged(
            "standard_headers", [silent(), exchange(headers=(("Age", "x"), ("Last-Modified", "y")), number=2)]
        )

        assert brief(found) == [violated(HEADERS, "last-modified", 2)]
        told = "Last-Modified 'y' is no HTTP date; Age 'x' is no number of seconds"
        assert found[0].actual == f"{told}{OF_A_REIMAGE}"

    @pytest.mark.parametrize(
        ("request_", "call"),
        [
            (POLL, "Get Operation Status"),
            (LOOK, "Get Deployment"),
            (BUILDER.cloud_service("contoso"), "Get Cloud Service Properties"),
            (OTHER, "a request to an unknown address"),
        ],
    )
    def test_what_was_asked_is_told(self, request_: Request, call: str) -> None:
        found = judged("standard_headers", [exchange(request_, headers=(("Age", "x"),))])

        asked = "an unknown address" if request_ is OTHER else f"the address of {call}"
        head = judged("standard_headers", [exchange(replace(request_, method="HEAD"), headers=(("Age", "x"),))])
        assert head[0].actual == f"Age 'x' is no number of seconds (the answer to HEAD at {asked})"
        assert [verdict.actual for verdict in found] == [f"Age 'x' is no number of seconds (the answer to {call})"]

    def test_a_repeated_field_and_an_anomaly_are_told_together(self) -> None:
        headers = (("Server", "a"),) * 3
        found = judged("standard_headers", [exchange(headers=headers, anomalies=("obs-fold: x",))])

        told = "x; the header Server came 3 times"
        assert [verdict.actual for verdict in found] == [f"{told}{OF_A_REIMAGE}"]

    def test_even_a_broken_response_has_headers(self) -> None:
        assert brief(judged("standard_headers", [exchange(failure=FailureKind.TRUNCATED)])) == [met(HEADERS)]

    def test_405_carries_allow(self) -> None:
        assert brief(judged("allow_with_405", [exchange(status=405, headers=(("Allow", ""),))])) == [
            met("REQ-HTTP-405-ALLOW")
        ]
        found = judged("allow_with_405", [silent(), exchange(status=404), exchange(status=405, number=3)])
        assert brief(found) == [violated("REQ-HTTP-405-ALLOW", "no-allow", 3)]
        assert worded(found) == [("an Allow header with 405", "405 without Allow")]

    @pytest.mark.parametrize("value", ["0", "120", DATE])
    def test_retry_after(self, value: str) -> None:
        assert brief(judged("retry_after_form", [exchange(status=503, headers=(("Retry-After", value),))])) == [
            met("REQ-HTTP-RETRY-AFTER")
        ]

    @pytest.mark.parametrize("value", ["", "-1", "1.5", "soon", "\xb2"])
    def test_retry_after_otherwise(self, value: str) -> None:
        found = judged(
            "retry_after_form",
            [silent(), exchange(), exchange(status=503, headers=(("Retry-After", value),), number=3)],
        )

        assert brief(found) == [advisory("REQ-HTTP-RETRY-AFTER", "retry-after", 3)]
        assert worded(found) == [("a number of seconds or an HTTP date", f"Retry-After {value!r}")]


def with_id(value: str, number: int, request: Request = REIMAGE) -> Exchange:
    return exchange(request, headers=(("x-ms-request-id", value),), number=number)


class TestRequestIds:
    """The check `request_ids_unique`."""

    NAME = "REQ-ASYNC-REQID-UNIQUE"

    def test_distinct_ids(self) -> None:
        found = judged("request_ids_unique", [with_id("a", 1), exchange(), silent(), with_id("b", 4)])

        assert brief(found) == [met(self.NAME, 4)]
        assert found[0].actual == "2 distinct ids"

    def test_one_id_or_none_says_nothing(self) -> None:
        assert judged("request_ids_unique", [exchange(), with_id("", 2), with_id("", 3), with_id("a", 4)]) == []

    def test_a_shared_id(self) -> None:
        guid = "00000000-abcd-4000-8000-000000000000"
        again = guid.replace("-", "").upper()
        found = judged("request_ids_unique", [with_id(guid, 1), with_id("b", 2), with_id(again, 3), with_id("B", 4)])

        assert brief(found) == [violated(self.NAME, "reused-id", 3, 1)]
        assert worded(found) == [
            (
                "an id of its own for every request",
                f"the answers to Reimage Role Instance (exchange 1) and Reimage Role Instance (exchange 3) both carry {again}",
            )
        ]

    def test_the_case_of_letters_that_are_no_digits_may_tell_ids_apart(self) -> None:
        found = judged("request_ids_unique", [with_id("opAQ", 1), with_id("opaq", 2), with_id("opAQ", 3)])

        assert brief(found) == [violated(self.NAME, "reused-id", 3, 1)]

    @pytest.mark.parametrize(("position", "content", "is_told"), [(8, b"x", True), (9, b"x", False), (8, b"y", False)])
    def test_an_answer_of_the_request_before_is_told(self, position: int, content: bytes, *, is_told: bool) -> None:
        headers = (("x-ms-request-id", "a"),)
        poll = replace(exchange(POLL, 200, b"x", headers=headers), connection=3, position=7)
        after = replace(exchange(LOOK, 200, content, headers=headers, number=2), connection=3, position=position)
        found = judged("request_ids_unique", [poll, after])

        told = "Get Deployment (exchange 2) got the answer to the request before it on the same connection, Get Operation Status"
        assert brief(found) == [violated(self.NAME, "reused-id", 2, 1)]
        assert (told in found[0].actual) == is_told

    def test_many_shared_ids_are_one_violation(self) -> None:
        found = judged("request_ids_unique", [with_id("a", n) for n in range(1, 5)])

        both = "the answers to Reimage Role Instance (exchange 1) and Reimage Role Instance (exchange 2) both carry a"
        assert brief(found) == [violated(self.NAME, "reused-id", 2, 1, 3, 4)]
        assert found[0].actual == f"{both}; 2 more answers repeat an id"
        assert judged("request_ids_unique", [with_id("a", n) for n in (1, 2, 3)])[0].actual == (
            f"{both}; 1 more answer repeats an id"
        )

    @pytest.mark.parametrize(
        ("labels", "because"),
        [
            (("contend:same",), ("REQ-CONC-SAME",)),
            (("contend:other",), ("REQ-CONC-OTHER",)),
            (("contend:same", "contend:other"), ("REQ-CONC-OTHER", "REQ-CONC-SAME")),
            (("contend:same", "contend:same"), ("REQ-CONC-SAME",)),
            (("contend:same", ""), ()),
            (("", "contend:other"), ()),
            (("contend",), ()),
            (("",), ()),
        ],
    )
    def test_where_only_reimages_that_met_another_share_it_that_meeting_is_to_blame(
        self, labels: tuple[str, ...], because: tuple[str, ...]
    ) -> None:
        sharing = [replace(with_id("a", n), label=label) for n, label in enumerate(labels, 2)]
        found = judged("request_ids_unique", [with_id("a", 1), *sharing])

        assert brief(found) == [violated(self.NAME, "reused-id", 2, 1, *range(3, len(labels) + 2), because=because)]

    def test_the_one_that_had_it_first_met_nobody(self) -> None:
        first, second = replace(with_id("a", 1), label="contend:same"), with_id("a", 2)

        assert brief(judged("request_ids_unique", [first, second])) == [violated(self.NAME, "reused-id", 2, 1)]

    def test_a_poll_with_the_tracked_id_is_anothers_matter(self) -> None:
        several = [with_id(OPERATION_ID, 1), with_id(DASHED_ID.upper(), 2, POLL), with_id("b", 3, POLL)]

        assert brief(judged("request_ids_unique", several)) == [met(self.NAME, 3)]
        assert judged("request_ids_unique", [with_id(OPERATION_ID, 1), with_id(OPERATION_ID, 2, POLL)]) == []
        assert brief(judged("request_ids_unique", [*several, with_id("b", 4, POLL)])) == [
            violated(self.NAME, "reused-id", 4, 3)
        ]


class TestBodies:
    """The checks of XML bodies."""

    def test_a_sound_document(self) -> None:
        assert brief(judged("xml_bodies", [poll(RUNNING)])) == [
            met("REQ-XML-ENC", 2),
            met("REQ-XML-WF", 2),
            met("REQ-XML-NS", 2),
        ]
        assert brief(judged("xml_bodies", [refusal(REIMAGE, 400, "X")])) == [
            met("REQ-XML-ENC"),
            met("REQ-XML-WF"),
            met("REQ-XML-NS"),
        ]

    def test_ill_formed_xml(self) -> None:
        found = judged("xml_bodies", [poll("<Operation>")])

        assert brief(found) == [violated("REQ-XML-WF", "not-well-formed", 2), met("REQ-XML-ENC", 2)]
        assert found[0].expected == "well-formed XML"

    @pytest.mark.parametrize("status", [399, 400, 404, 500])
    def test_ill_formed_errors_are_first_of_all_ill_formed(self, status: int) -> None:
        assert brief(judged("xml_bodies", [exchange(REIMAGE, status, "<Error>")])) == [
            violated("REQ-XML-WF", "not-well-formed"),
            met("REQ-XML-ENC"),
        ]

    @pytest.mark.parametrize("status", [299, 300, 404, 500])
    def test_whatever_the_status_there_is_a_namespace(self, status: int) -> None:
        assert brief(judged("xml_bodies", [poll(RUNNING, status)]))[2] == met("REQ-XML-NS", 2)

    def test_a_wrong_encoding(self) -> None:
        found = judged("xml_bodies", [poll(b"<Operation>\xff</Operation>")])

        assert brief(found) == [violated("REQ-XML-ENC", "encoding", 2)]
        assert worded(found) == [
            (
                "UTF-8 or UTF-16, as declared",
                "the octets from octet 11 on are not UTF-8 (the answer to Get Operation Status)",
            )
        ]

    def test_a_wrong_charset_over_readable_octets(self) -> None:
        headers = (("Content-Type", "application/xml; charset=iso-8859-1"),)

        assert brief(judged("xml_bodies", [poll(RUNNING, headers=headers)])) == [
            violated("REQ-XML-ENC", "encoding", 2),
            met("REQ-XML-WF", 2),
            met("REQ-XML-NS", 2),
        ]

    @pytest.mark.parametrize(
        ("request_", "body", "names", "told"),
        [
            (
                POLL,
                f'<Operation xmlns="{NAMESPACE}"><ID xmlns="">a</ID><Status xmlns="urn:x"/><More xmlns=""/></Operation>',
                "ID, Status",
                "ID in no namespace; Status in the namespace urn:x",
            ),
            (LOOK, deployment().replace("<Name>", '<Name xmlns="">'), "Name, Status", "Name in no namespace"),
            (
                LOOK,
                f'<HostedService xmlns="{NAMESPACE}"><Url xmlns="urn:x"/><ServiceName/></HostedService>',
                "Url, ServiceName",
                "Url in the namespace urn:x",
            ),
            (REIMAGE, error().replace("<Code>", '<Code xmlns="">'), "Code, Message", "Code in no namespace"),
        ],
    )
    def test_children_in_another_namespace(self, request_: Request, body: str, names: str, told: str) -> None:
        for status in (200, 300, 400):
            found = judged("xml_bodies", [exchange(request_, status, body)])
            assert brief(found)[0] == violated("REQ-XML-NS", "child-namespace")
            assert found[0].expected == f"{names} in the namespace {NAMESPACE}"
            assert found[0].actual == told

    def test_children_in_a_namespace_where_the_root_has_none(self) -> None:
        body = error(namespace="").replace("<Message>", '<Message xmlns="urn:x">')

        assert worded(judged("xml_bodies", [exchange(REIMAGE, 400, body)]))[0] == (
            "Code, Message in no namespace",
            "Message in the namespace urn:x",
        )

    def test_wrong_children_are_named(self) -> None:
        body = f'<Operation xmlns="{NAMESPACE}"><ID xmlns="">a</ID><Status/></Operation>'

        assert judged("xml_bodies", [poll(body)])[0].actual == "ID in no namespace"

    @pytest.mark.parametrize("body", ["<Operation/>", "<Other><ID/></Other>"])
    def test_roots_without_known_children_say_nothing_of_the_namespace(self, body: str) -> None:
        assert brief(judged("xml_bodies", [poll(body)])) == [met("REQ-XML-ENC", 2), met("REQ-XML-WF", 2)]

    def test_what_is_no_xml_says_nothing(self) -> None:
        several = [silent(), exchange(), exchange(HEAD, 400, "<x"), exchange(OTHER, 400, "<x"), poll("<x", number=5)]

        assert brief(judged("xml_bodies", several)) == [
            violated("REQ-XML-WF", "not-well-formed", 5),
            met("REQ-XML-ENC", 5),
        ]

    def test_errors_name_an_xml_type(self) -> None:
        untyped = exchange(REIMAGE, 400, error().encode())
        plain = exchange(REIMAGE, 400, error(), (("Content-Type", "Text/Plain; a=b"),))

        assert brief(judged("error_media_types", [refusal(REIMAGE, 400, "X")])) == [met("REQ-ERR-CT")]
        assert brief(judged("error_media_types", [untyped])) == [advisory("REQ-ERR-CT", "media-type:")]
        assert worded(judged("error_media_types", [untyped])) == [("application/xml or text/xml", "no Content-Type")]
        assert brief(judged("error_media_types", [plain])) == [advisory("REQ-ERR-CT", "media-type:text/plain")]
        assert judged("error_media_types", [plain])[0].actual == "text/plain"

    def test_other_answers_need_no_type(self) -> None:
        body = error().encode()
        several = [
            silent(),
            exchange(REIMAGE, 399, body),
            exchange(HEAD, 400, body),
            exchange(NO_HOST, 400, body),
            exchange(REIMAGE, 400, b"no"),
            exchange(REIMAGE, 400, body, number=6),
        ]

        assert brief(judged("error_media_types", several)) == [advisory("REQ-ERR-CT", "media-type:", 6)]


def test_an_id_is_told_by_the_request_not_by_the_answer() -> None:
    odd = with_id(OTHER_ID, 1, with_header(POLL, "x-ms-client", OTHER_ID))

    assert brief(judged("request_ids_unique", [odd, with_id(OTHER_ID, 2)])) == [
        violated("REQ-ASYNC-REQID-UNIQUE", "reused-id", 2, 1)
    ]


class TestDatesThatGoOn:
    """The check `dates_go_on`."""

    LATER = "Sun, 06 Nov 1994 08:49:38 GMT"

    def at(self, seconds: float, date: str = DATE, number: int = 1) -> Exchange:
        """A response that came `seconds` after the run began."""
        return exchange(headers=(("Date", date),), at=seconds, number=number)

    def test_a_date_that_stands_still(self) -> None:
        found = judged("dates_go_on", [self.at(0), self.at(1, number=2), self.at(FROZEN_SECONDS, number=3)])

        assert brief(found) == [violated("REQ-HTTP-DATE", "date-stands-still", 3, 1)]
        assert found[0].actual == f"Date '{DATE}' in each of 3 responses within 3 s"

    def test_a_date_that_goes_on(self) -> None:
        found = judged("dates_go_on", [self.at(0), self.at(FROZEN_SECONDS, self.LATER, 2)])

        assert brief(found) == [met("REQ-HTTP-DATE", 2)]

    def test_too_little_says_nothing(self) -> None:
        undated = exchange(headers=(("Server", "x"),), at=99.0, number=2)

        assert judged("dates_go_on", []) == []
        assert judged("dates_go_on", [self.at(0), self.at(FROZEN_SECONDS - 0.1, number=2), undated, silent()]) == []
