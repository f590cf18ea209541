"""Hypothesis strategies: requests with any number of defects, and texts for headers and names.

Simple values come first everywhere, so that failures shrink to the smallest request.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from reimage_conformance.protocol.addresses import UriForm
from reimage_conformance.protocol.requests import (
    Place,
    RequestBuilder,
    with_body,
    with_chunked,
    with_header,
    with_query,
    without_header,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import SearchStrategy

    from reimage_conformance.model import Request


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a dimension of requests: its name, whether a request with it is sound, and the change that it makes."""

    name: str
    sound: bool
    apply: Callable[[Request], Request]


def _header(name: str, *values: str) -> Callable[[Request], Request]:
    return lambda request: with_header(request, name, *values)


def _segment(index: int, text: str) -> Callable[[Request], Request]:
    """Replaces path segment `index`, counted from the end."""

    def change(request: Request) -> Request:
        path, mark, query = request.target.partition("?")
        segments = path.split("/")
        segments[index] = text
        return replace(request, target="/".join(segments) + mark + query)

    return change


def _method(name: str) -> Callable[[Request], Request]:
    return lambda request: replace(request, method=name)


def _unchanged(request: Request) -> Request:
    return request


MARK = "token-of-the-run"
"""Stands for the token of the run in generated names, so that a seed gives the same examples in every run."""


def with_token(request: Request, token: str) -> Request:
    """`request` with the token of the run in place of MARK."""
    return replace(request, target=request.target.replace(MARK, token))


VERSION, TYPE = "x-ms-version", "Content-Type"
DIMENSIONS: dict[str, tuple[Value, ...]] = {
    "version": (
        Value("sound", True, _unchanged),
        Value("minimum", True, _header(VERSION, "2010-10-28")),
        Value("missing", False, _header(VERSION)),
        Value("empty", False, _header(VERSION, "")),
        Value("malformed", False, _header(VERSION, "2011-6-1")),
        Value("old", False, _header(VERSION, "2010-04-01")),
    ),
    "comp": (
        Value("sound", True, _unchanged),
        Value("missing", False, lambda request: with_query(request, None)),
        Value("wrong", False, lambda request: with_query(request, "comp=restart")),
        Value("empty", False, lambda request: with_query(request, "comp=")),
    ),
    "content type": (
        Value("sound", True, _unchanged),
        Value("charset", True, _header(TYPE, "application/xml; charset=utf-8")),
        Value("missing", False, _header(TYPE)),
        Value("other", False, _header(TYPE, "text/plain")),
    ),
    "length": (
        Value("zero", True, _unchanged),
        Value("missing", False, lambda request: without_header(request, "Content-Length")),
        Value("one octet", False, lambda request: with_body(request, b"x")),
        Value("chunked", False, lambda request: with_chunked(request, b"<a/>")),
    ),
    "method": (
        Value("POST", True, _unchanged),
        Value("PUT", False, _method("PUT")),
        Value("GET", False, _method("GET")),
    ),
    "name": (
        Value("known", True, _unchanged),
        Value("unknown instance", False, _segment(-1, f"NoSuchRole{MARK}_IN_0")),
        Value("unknown service", False, _segment(4, f"no-such-service-{MARK}")),
        Value("wrong container", False, _segment(-3, f"nowhere-{MARK}")),
    ),
    "spelling": (
        Value("usual", True, _unchanged),
        Value("upper", True, lambda r: replace(r, headers=tuple((k.upper(), v) for k, v in r.headers))),
        Value("reversed", True, lambda r: replace(r, headers=tuple(reversed(r.headers)))),
    ),
}


@dataclass(frozen=True, slots=True)
class Draft:
    """A request before it is built: a form, and one value for each dimension, in the order of DIMENSIONS."""

    form: UriForm
    values: tuple[Value, ...]

    @property
    def defects(self) -> tuple[str, ...]:
        """Its defects, each as `dimension: value`."""
        return tuple(f"{name}: {v.name}" for name, v in zip(DIMENSIONS, self.values, strict=True) if not v.sound)

    def request(self, builder: RequestBuilder, place: Place) -> Request:
        """The request for `place`; one without defects is sent to an instance that cannot exist."""
        request = builder.reimage(place, self.form)
        for value in self.values:
            request = value.apply(request)
        if not self.defects:
            request = _segment(-1, builder.no_instance)(request)
        return with_token(request, builder.token)

    def __repr__(self) -> str:
        """The draft as a failing example shows it."""
        return f"Draft({self.form.value}, {', '.join(self.defects) or 'nothing wrong'})"


def drafts() -> SearchStrategy[Draft]:
    """Requests with any number of defects; each dimension is drawn independently."""
    values = st.tuples(*(st.sampled_from(choices) for choices in DIMENSIONS.values()))
    return st.builds(Draft, st.sampled_from(list(UriForm)), values)


_FIELD_TEXT = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=24)


MALFORMED_VERSIONS = (
    "", "2011-6-1", "2011-06-1", "2011-6-01", "20111001", "2011-10-01T00:00:00Z", "2011-10-01 00:00", "2011-10-01x", "x2011-10-01", "2011-10",
    "2011", "2011-10-01-", "-2011-10-01", "2011/10/01", "2011.10.01", "2011_10_01", "01-10-2011", "10-01-2011", "28-10-2010", "11-10-01",
    "02011-10-01", "2011-010-01", "2011-10-001", "2011-10-01;", "2011-10-01/", "2011-10-01:2011-10-01", "'2011-10-01'", '"2011-10-01"',
    "+2011-10-01", "v2011-10-01", "2011-1O-01", "2011-Oct-01", "latest", "null", "0", "1.0", "*", "2011--10-01", "2011-10-0l", "\xb22011-10-01",
    "2011\xad10\xad01", "99999999999", "true",
)  # fmt: skip
"""Values other than YYYY-MM-DD, some of them similar to it."""


def malformed_versions() -> SearchStrategy[str]:
    """Values of x-ms-version without any YYYY-MM-DD, not even in a list: changed dates, and any text that a field can hold."""
    date = "2011-10-01"
    cut = st.integers(0, len(date) - 1).map(lambda n: date[:n])
    swapped = st.tuples(st.integers(0, len(date) - 1), st.sampled_from("xX/ .:_Z+")).map(
        lambda p: (date[: p[0]] + p[1] + date[p[0] + 1 :]).strip()
    )
    with_extra_character = st.tuples(st.sampled_from("0x-T.;"), st.booleans()).map(
        lambda p: date + p[0] if p[1] else p[0] + date
    )
    short = st.tuples(st.integers(2000, 2030), st.integers(1, 12), st.integers(1, 28)).map(
        lambda p: f"{p[0]}-{p[1]}-{p[2]}"
    )
    found = st.one_of(cut, swapped, with_extra_character, short, _FIELD_TEXT)
    return found.filter(lambda value: not any(_is_version_form(each.strip()) for each in value.split(",")))


def _is_version_form(value: str) -> bool:
    digits = value.replace("-", "")
    return len(value) == 10 and value[4:5] == "-" and value[7:8] == "-" and len(digits) == 8 and digits.isdigit()


def other_media_types() -> SearchStrategy[str]:
    """Values of Content-Type that do not name application/xml."""
    token = st.text("abcdefghijklmnopqrstuvwxyz+.-", min_size=1, max_size=10)
    named = st.builds(
        lambda a, b: f"{a}/{b}",
        st.one_of(st.just("application"), st.just("text"), token),
        st.one_of(st.just("xml"), token),
    )
    similar = st.sampled_from(
        [
            "application/xml+x",
            "application/xml/",
            "application /xml",
            "application",
            "/xml",
            "application/x-xml",
            "application/*",
        ]
    )
    return st.one_of(similar, named).filter(lambda value: value.partition(";")[0].strip().lower() != "application/xml")


def wrong_queries() -> SearchStrategy[str]:
    """Queries that select no operation."""
    word = st.text("abcdefghijklmnopqrstuvwxyz0123456789", max_size=12)
    similar = st.integers(0, 6).flatmap(
        lambda n: st.sampled_from(["reimage"[:n], "reimage"[n:], "reimage"[:n] + "x" + "reimage"[n:]])
    )
    value = st.one_of(similar, word).filter(lambda text: text.lower() not in ("reimage", "reboot", "rebuild", "delete"))
    name = st.sampled_from(["comp", "comp", "comp", "com", "action", "Comp"])
    return st.builds(lambda key, text: f"{key}={text}", name, value)


def unknown_names(prefix: str = "Nowhere") -> SearchStrategy[str]:
    """Names of role instances that no deployment has, percent-encoded where necessary.

    `with_token` replaces MARK in them.
    """
    prefix = f"{prefix}{MARK}"
    plain = st.builds(lambda n, i: f"{prefix}{n}_IN_{i}", st.integers(0, 9), st.integers(0, 99))
    with_special_characters = st.lists(
        st.sampled_from(["%20", "%26", "%3C", "%3E", "%22", "%27", "%C3%A9", "%00", "%0D", "a", ".", "~", "%25"]),
        min_size=1,
        max_size=6,
    )
    return st.one_of(plain, with_special_characters.map(lambda parts: prefix + "".join(parts)))


def invalid_lengths() -> SearchStrategy[str]:
    """Values of Content-Length that are not a number (RFC 9112 6.3)."""
    number = st.integers(0, 20).map(str)
    decorated_numbers = st.builds(
        lambda a, n, b: f"{a}{n}{b}",
        st.sampled_from(["+", "-", "0x", "", "'"]),
        number,
        st.sampled_from(["", ".0", "e1", " 1", "L", ";"]),
    )
    return st.one_of(decorated_numbers, _FIELD_TEXT).filter(
        lambda value: bool(value.strip()) and not value.strip().isdigit() and "," not in value
    )


def stranger_ids() -> SearchStrategy[str]:
    """Operation ids that were never issued."""
    hexadecimal = st.integers(0, 2**128 - 1).map(lambda n: f"{n:032x}")
    return st.one_of(
        hexadecimal,
        st.text("abcdefghijklmnopqrstuvwxyz0123456789-._~", min_size=1, max_size=40).filter(
            lambda t: t.strip(".") != ""
        ),
    )
