"""Variations of a well-formed request that must make no difference, each with the requirement that says so."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reimage_conformance.protocol.addresses import read_target
from reimage_conformance.protocol.requests import VERSION_HEADER, with_chunked, with_header

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.model import Request


@dataclass(frozen=True, slots=True)
class Variation:
    """A change after which a request must still be accepted; `requirement` is the id of the requirement that says so."""

    name: str
    requirement: str
    apply: Callable[[Request], Request]


def _renamed(request: Request, spell: Callable[[str], str], *, version: bool) -> Request:
    """`request` with field names in another spelling: only x-ms-version with `version`, else all others."""
    return replace(
        request,
        headers=tuple(
            (spell(key) if (key.lower() == VERSION_HEADER) is version else key, value) for key, value in request.headers
        ),
    )


def _with_value(request: Request, name: str, value: str) -> Request:
    """`request` with another value for one header; the spelling of its name is kept."""
    return replace(request, headers=tuple((key, value if key.lower() == name else old) for key, old in request.headers))


def _content_type(value: str) -> Callable[[Request], Request]:
    return lambda request: _with_value(request, "content-type", value)


def _spaced(request: Request) -> Request:
    return _with_value(request, VERSION_HEADER, f" \t{request.values(VERSION_HEADER)[0]} \t")


def _encoded(request: Request) -> Request:
    """Percent-encodes one character of the last path segment that need not be encoded."""
    path, mark, query = request.target.partition("?")
    head, _, last = path.rpartition("/")
    return replace(request, target=f"{head}/{_with_one_encoded(last, upper=True)}{mark}{query}")


def _with_one_encoded(name: str, *, upper: bool) -> str:
    """`name` with one character percent-encoded; if possible one whose hexadecimal code has a letter, in upper or lower case."""
    at = next((i for i, character in enumerate(name) if not f"{ord(character):02X}".isdecimal()), 0)
    digits = f"{ord(name[at]):02X}" if upper else f"{ord(name[at]):02x}"
    return f"{name[:at]}%{digits}{name[at + 1 :]}"


def _encoded_container(request: Request) -> Request:
    """Percent-encodes one character of the cloud service's name and one of the slot or deployment name."""
    address = read_target(request.target)
    target = request.target
    for name in (address.service, address.deployment):
        target = target.replace(f"/{name}/", f"/{_with_one_encoded(name, upper=False)}/", 1)
    return replace(request, target=target)


def _reversed(request: Request) -> Request:
    return replace(request, headers=tuple(reversed(request.headers)))


def _added(name: str, value: str) -> Callable[[Request], Request]:
    return lambda request: with_header(request, name, value)


_ALL = (
    Variation("version-name-upper", "REQ-VER-HEADER-CASE", lambda r: _renamed(r, str.upper, version=True)),
    Variation("version-name-mixed", "REQ-VER-HEADER-CASE", lambda r: _renamed(r, str.title, version=True)),
    Variation("field-names-upper", "REQ-HTTP-FIELD-CASE", lambda r: _renamed(r, str.upper, version=False)),
    Variation("field-names-lower", "REQ-HTTP-FIELD-CASE", lambda r: _renamed(r, str.lower, version=False)),
    Variation("fields-reversed", "REQ-HTTP-FIELD-CASE", _reversed),
    Variation("charset-utf-8", "REQ-REIMAGE-CT-PARAM", _content_type("application/xml; charset=utf-8")),
    Variation("charset-quoted", "REQ-REIMAGE-CT-PARAM", _content_type('application/xml;charset="UTF-8"')),
    Variation("media-type-upper", "REQ-REIMAGE-CT-PARAM", _content_type("Application/XML")),
    Variation("version-spaces", "REQ-VER-OWS", _spaced),
    Variation("content-length-literal", "REQ-REIMAGE-CL-LITERAL", _added("ContentLength", "0")),
    Variation("instance-percent-encoded", "REQ-NAME-ENCODING", _encoded),
    Variation("container-percent-encoded", "REQ-NAME-ENCODING", _encoded_container),
    Variation("expect-continue", "REQ-HTTP-EXPECT", _added("Expect", "100-continue")),
    Variation("chunked-empty", "REQ-HTTP-CHUNKED", with_chunked),
)
VARIATIONS = {variation.name: variation for variation in _ALL}


def varied(request: Request, names: tuple[str, ...]) -> Request:
    """`request` with every named variation applied."""
    for name in names:
        request = VARIATIONS[name].apply(request)
    return request
