"""Request targets: read as RFC 3986 says, and written so that reading gives the names back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reimage_conformance.protocol.addresses import (
    FORMS,
    Address,
    Kind,
    UriForm,
    cloud_service_path,
    deployment_path,
    encode,
    is_plain,
    operation_path,
    read_target,
    role_instance_path,
)

SERVICES = "/s/services/hostedservices"
REIMAGE = ("s", "c", UriForm.SLOT, "production", "i")


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (f"{SERVICES}/c/deploymentslots/production/roleinstances/i", Address(Kind.REIMAGE, *REIMAGE)),
        (f"{SERVICES}/c/deployments/d/roleinstances/i", Address(Kind.REIMAGE, "s", "c", UriForm.NAME, "d", "i")),
        (
            f"{SERVICES}/c/deployments/d/roleinstances/i/",
            Address(Kind.REIMAGE, "s", "c", UriForm.NAME, "d", "i", extra_slash=True),
        ),
        (f"{SERVICES}/c/deployments/d", Address(Kind.DEPLOYMENT, "s", "c", UriForm.NAME, "d")),
        (f"{SERVICES}/c/deploymentslots/d/", Address(Kind.DEPLOYMENT, "s", "c", UriForm.SLOT, "d", extra_slash=True)),
        (f"{SERVICES}/c", Address(Kind.CLOUD_SERVICE, "s", "c")),
        (f"{SERVICES}/c/", Address(Kind.CLOUD_SERVICE, "s", "c", extra_slash=True)),
        ("/s/operations/o", Address(Kind.OPERATION, "s", operation="o")),
        ("/s/operations/o/", Address(Kind.OPERATION, "s", operation="o", extra_slash=True)),
        ("/s/operations/a%2Fb", Address(Kind.OPERATION, "s", operation="a/b")),
        (f"{SERVICES}/%63/deployments/d%20e", Address(Kind.DEPLOYMENT, "s", "c", UriForm.NAME, "d e")),
        (f"{SERVICES}/c/slots/d", Address(Kind.OTHER, "s")),
        (f"{SERVICES}/c/slots/d/roleinstances/i", Address(Kind.OTHER, "s")),
        (f"{SERVICES}/c/deployments/d/instances/i", Address(Kind.OTHER, "s")),
        (f"{SERVICES}/c/deployments/d/roleinstances/i/j", Address(Kind.OTHER, "s")),
        ("/s/Operations/o", Address(Kind.OTHER, "s")),
        ("/s", Address(Kind.OTHER, "s")),
        ("/s/", Address(Kind.OTHER, "s", extra_slash=True)),
        ("/", Address(Kind.OTHER)),
        ("", Address(Kind.OTHER)),
        ("*", Address(Kind.OTHER)),
        ("/s/operations/o?a=1&b=2", Address(Kind.OPERATION, "s", operation="o", query=(("a", "1"), ("b", "2")))),
        ("/s/operations/o?", Address(Kind.OPERATION, "s", operation="o")),
        ("http://h/s/operations/o?a", Address(Kind.OPERATION, "s", operation="o", query=(("a", ""),))),
        ("https://h:1/s/operations/o/", Address(Kind.OPERATION, "s", operation="o", extra_slash=True)),
        ("http://h", Address(Kind.OTHER)),
        ("/http://h/s/operations/o", Address(Kind.OTHER, "http:")),
        ("ftp://h/s/operations/o", Address(Kind.OTHER)),
    ],
)
def test_a_target_is_read(target: str, expected: Address) -> None:
    assert read_target(target) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("comp=reimage", (("comp", "reimage"),)),
        ("a=b=c", (("a", "b=c"),)),
        ("&a=1&&b", (("a", "1"), ("b", ""))),
        ("a%3D=%26+x", (("a=", "& x"),)),
        ("a=1?b", (("a", "1?b"),)),
        ("=x", (("", "x"),)),
    ],
)
def test_a_query_is_read(query: str, expected: tuple[tuple[str, str], ...]) -> None:
    assert read_target(f"/s/operations/o?{query}").query == expected
    assert read_target(f"/x?{query}").query == expected


def test_parameters_are_told_by_their_exact_name() -> None:
    address = read_target("/x?comp=a&Comp=b&comp=c")

    assert address.parameters("comp") == ("a", "c")
    assert address.parameters("COMP") == ()


def test_the_two_forms() -> None:
    assert FORMS == (UriForm.SLOT, UriForm.NAME)
    assert [form.collection for form in FORMS] == ["deploymentslots", "deployments"]


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@given(NAMES, NAMES, st.sampled_from(FORMS), NAMES, NAMES)
def test_what_is_written_is_read_back(subscription: str, service: str, form: UriForm, name: str, instance: str) -> None:
    place = (subscription, service, form, name)

    assert read_target(role_instance_path(*place, instance)) == Address(Kind.REIMAGE, *place, instance)
    assert read_target(deployment_path(*place)) == Address(Kind.DEPLOYMENT, *place)
    assert read_target(cloud_service_path(subscription, service)) == Address(Kind.CLOUD_SERVICE, subscription, service)
    assert read_target(operation_path(subscription, name)) == Address(Kind.OPERATION, subscription, operation=name)


def test_paths_are_written_literally() -> None:
    assert (
        role_instance_path("s", "c", UriForm.SLOT, "staging", "i j")
        == f"{SERVICES}/c/deploymentslots/staging/roleinstances/i%20j"
    )
    assert deployment_path("s", "c", UriForm.NAME, "d/e") == f"{SERVICES}/c/deployments/d%2Fe"
    assert cloud_service_path("s", "c?") == f"{SERVICES}/c%3F"
    assert (
        operation_path("a/b", "-._~!$&'()*+,;=:@/?#% \u00e9")
        == "/a%2Fb/operations/-._~!$&'()*+,;=:@%2F%3F%23%25%20%C3%A9"
    )
    assert encode("aZ0-._~ +&") == "aZ0-._~%20%2B%26"


@pytest.mark.parametrize(
    "target", ["/s/operations/a%20b?x=%2F", "/a/%C3%A9", "http://h/a", "/a?b/c", "/", "/%22", "/a/", "/a?b=%3C"]
)
def test_a_plain_target(target: str) -> None:
    assert is_plain(target)


@pytest.mark.parametrize(
    "target",
    [
        "/a%00",
        "/a?b=%00",
        "/%FF",
        "/a?b=%C3%28",
        "/a%2Fb",
        "/a%5cb",
        "/%7F",
        "/%",
        "/%4",
        "/a?b=%zz",
        "/%0a",
        "/]",
        "/a b",
        "/a?<",
        "/\xe9",
        "/a#b",
        "/%3Ca",
        "/a%25",
        "/a&b",
        "/*",
        "/a/..",
        "/a/%2E/b",
        "/a//b",
        "http://h//b",
        "/a;b",
        f"/{'a' * 256}",
    ],
)
def test_a_target_that_http_software_may_refuse(target: str) -> None:
    assert not is_plain(target)
