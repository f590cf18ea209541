"""Building requests: sound ones to the octet, and changes that change one thing alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from judging_samples import (
    BUILDER,
    OTHER_SUBSCRIPTION,
    PLACE,
    PRODUCTION,
    REIMAGE,
    SUBSCRIPTION,
    TARGET,
)
from reimage_conformance.model import Request
from reimage_conformance.protocol.addresses import UriForm
from reimage_conformance.protocol.requests import (
    Place,
    RequestBuilder,
    is_cut_short,
    with_body,
    with_chunked,
    with_header,
    with_query,
    with_subscription,
    without_header,
    without_space,
)

SERVICES = f"/{SUBSCRIPTION}/services/hostedservices"
SHORT = Request("POST", "/a?b", (("A", "1"), ("B", "2"), ("a", "3")))


def test_a_reimage_to_the_octet() -> None:
    assert (
        BUILDER.reimage(PLACE).wire()
        == (
            f"POST {SERVICES}/contoso/deploymentslots/production/roleinstances/WebRole1_IN_0?comp=reimage HTTP/1.1\r\n"
            "Host: 127.0.0.1:8443\r\nContent-Type: application/xml\r\nx-ms-version: 2011-10-01\r\nContent-Length: 0\r\n\r\n"
        ).encode()
    )


def test_the_other_form_and_other_versions() -> None:
    request = BUILDER.reimage(PLACE, UriForm.NAME, version="2010-10-28")

    assert request.target == f"{SERVICES}/contoso/deployments/contoso-v2/roleinstances/WebRole1_IN_0?comp=reimage"
    assert request.values("x-ms-version") == ("2010-10-28",)
    assert BUILDER.reimage(PLACE, version="").values("x-ms-version") == ("",)


def test_questions() -> None:
    headers = (("Host", "127.0.0.1:8443"), ("x-ms-version", "2011-10-01"))

    assert BUILDER.operation_status("o") == Request("GET", f"/{SUBSCRIPTION}/operations/o", headers)
    assert BUILDER.operation_status("o", subscription="s").target == "/s/operations/o"
    assert BUILDER.deployment(PRODUCTION) == Request("GET", f"{SERVICES}/contoso/deploymentslots/production", headers)
    assert (
        BUILDER.deployment(PRODUCTION, UriForm.NAME, version="x").target == f"{SERVICES}/contoso/deployments/contoso-v2"
    )
    assert BUILDER.deployment(PRODUCTION, version="x").values("x-ms-version") == ("x",)
    assert BUILDER.deployment_at("c", UriForm.NAME, "d", version="x").values("x-ms-version") == ("x",)
    assert BUILDER.operation_status("o", version="").values("x-ms-version") == ("",)
    assert BUILDER.cloud_service("c") == Request("GET", f"{SERVICES}/c?embed-detail=true", headers)
    assert BUILDER.cloud_service("c", detail=False, version="x").target == f"{SERVICES}/c"
    assert BUILDER.cloud_service("c", version="x").values("x-ms-version") == ("x",)


def test_a_base_address_with_a_path() -> None:
    builder = RequestBuilder(replace(TARGET, base_url="https://h.example/base/"))

    assert builder.host == "h.example"
    assert builder.operation_status("o").target == f"/base/{SUBSCRIPTION}/operations/o"
    assert builder.reimage(PLACE).target.startswith(f"/base{SERVICES}/")


def test_a_place_says_itself() -> None:
    assert str(Place(PRODUCTION, "i")) == "contoso/contoso-v2/i"
    assert PLACE.container(UriForm.SLOT) == "production"
    assert PLACE.container(UriForm.NAME) == "contoso-v2"


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("a", ("x",), (("a", "x"), ("B", "2"))),
        ("b", ("x", "y"), (("A", "1"), ("b", "x"), ("b", "y"), ("a", "3"))),
        ("C", ("x",), (("A", "1"), ("B", "2"), ("a", "3"), ("C", "x"))),
        ("A", (), (("B", "2"),)),
        ("C", (), (("A", "1"), ("B", "2"), ("a", "3"))),
    ],
)
def test_a_header_is_replaced_in_its_place(
    name: str, values: tuple[str, ...], expected: tuple[tuple[str, str], ...]
) -> None:
    assert with_header(SHORT, name, *values) == replace(SHORT, headers=expected)


def test_a_header_is_removed() -> None:
    assert without_header(SHORT, "a").headers == (("B", "2"),)


def test_a_query_is_replaced_or_removed() -> None:
    assert with_query(SHORT, "c=d").target == "/a?c=d"
    assert with_query(SHORT, "").target == "/a?"
    assert with_query(SHORT, None).target == "/a"


def test_a_body_declares_its_length() -> None:
    found = with_body(REIMAGE, b"abc")

    assert (found.body, found.values("Content-Length")) == (b"abc", ("3",))


def test_a_chunked_body_replaces_the_length() -> None:
    found = with_chunked(REIMAGE, b"a" * 16, b"", b"b")

    assert found.body == b"10\r\n" + b"a" * 16 + b"\r\n1\r\nb\r\n0\r\n\r\n"
    assert (found.values("Content-Length"), found.values("Transfer-Encoding")) == ((), ("chunked",))
    assert with_chunked(REIMAGE).body == b"0\r\n\r\n"


def test_another_subscription() -> None:
    found = with_subscription(REIMAGE, SUBSCRIPTION, OTHER_SUBSCRIPTION)

    assert found == replace(REIMAGE, target=REIMAGE.target.replace(SUBSCRIPTION, OTHER_SUBSCRIPTION))
    assert with_subscription(Request("GET", "/s/s/s/"), "s", "t").target == "/t/s/s/"


def test_no_space_after_a_colon() -> None:
    found = without_space(REIMAGE, "X-MS-Version")

    assert b"\r\nx-ms-version:2011-10-01\r\nAccept: */*\r\n" in found.wire()
    assert len(found.wire()) == len(REIMAGE.wire()) + len("Accept: */*\r\n") - 1


@pytest.mark.parametrize(
    ("lengths", "body", "short"),
    [
        (("5",), b"", True),
        (("5",), b"four", True),
        (("5",), b"fives", False),
        (("0",), b"", False),
        ((), b"", False),
        (("5", "5"), b"", False),
        (("+5",), b"", False),
        ((str(2**64),), b"", True),
    ],
)
def test_a_request_that_declares_more_than_it_sends(lengths: tuple[str, ...], body: bytes, short: bool) -> None:  # noqa: FBT001
    request = replace(SHORT, headers=tuple(("Content-Length", value) for value in lengths), body=body)

    assert is_cut_short(request) is short
    assert not is_cut_short(with_header(request, "Transfer-Encoding", "chunked"))
