"""Readings: every address that a server could read in a request, however it is spelled.

A server may read the request target, a header that overrides the method or the target, or a further request line in a
header or in the body. This module does not know what exists.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import unquote

from reimage_conformance.gate.spelling import NO_NAMES, WrittenNames, normal, spellings, trimmed
from reimage_conformance.protocol.addresses import UriForm

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reimage_conformance.model import Request

_GET_AND_HEAD = ("GET", "HEAD")
_OPTIONS_AND_TRACE = ("OPTIONS", "TRACE")
"""The other safe methods: they change nothing by their definition (RFC 9110, section 9.2.1), but an endpoint may not implement them."""
_FORM_OF = {form.collection: form for form in UriForm}
_TARGET_HEADERS = ("x-original-url", "x-rewrite-url", "x-original-uri", "x-forwarded-uri", "x-forwarded-path")
_OTHER_METHOD = re.compile(r"(?:^|[-_])(?:method|verb)(?:$|[-_])")
_AFTER_METHOD = re.compile(r"(?<=[A-Z])[ \t]++(\S++)[ \t]++HTTP/[0-9]", re.IGNORECASE)
_LONGEST_METHOD = 24
"""Characters of the longest method that is looked for in a body."""
_METHOD = re.compile(r"[A-Za-z]+\Z")
_LINE_START = re.compile(r"[\r\n\x00][ \t]*+([A-Z]{1,24})[ \t]++((?:https?:/|/)\S*+)", re.IGNORECASE)
_CHUNK_HEAD = re.compile(r"(?:^|\r?\n)[0-9A-Fa-f]++(?:;[^\r\n]*+)?\r?\n")
"""The beginning of a chunk. The patterns for bodies never backtrack: their time is proportional to the body's length."""
_MAX_CACHED = 64
"""The readings of this many requests are cached: the gate is asked several times about each request."""


class Part(StrEnum):
    """What a reading addresses."""

    INSTANCE = "role instance"
    DEPLOYMENT = "deployment"
    SERVICE = "cloud service"
    OPERATION = "operation"
    OTHER = "other"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Reading:
    """One address that a request can be read as; names are in normal form (`spelling.normal`), "" where there is none.

    `is_safe` says that the method is OPTIONS or TRACE; a GET or HEAD has no readings. `path` is the path that was read. `written` has
    the subscription, the cloud service and the slot or name in the letter case of the path.
    """

    part: Part
    subscription: str = ""
    service: str = ""
    form: UriForm | None = None
    deployment: str = ""
    instance: str = ""
    operation: str = ""
    path: str = ""
    is_safe: bool = False
    written: WrittenNames = NO_NAMES

    @property
    def arbitrary_names(self) -> tuple[str, ...]:
        """Every name in the address that may be any word; every segment of a path that fits no resource.

        A slot does not count: only two words are slots, and an endpoint may take any other word for one of them.
        """
        if self.part is Part.OTHER:
            return tuple(self.path.split("/"))
        deployment = "" if self.form is UriForm.SLOT else self.deployment
        return (self.subscription, self.service, deployment, self.instance, self.operation)


def readings(request: Request) -> frozenset[Reading]:
    """Every address at which `request` may change something, in any reading; none for a GET or HEAD.

    A GET or HEAD counts as another method if a header or the query may override the method.
    """
    return frozenset().union(*(found for _, found in readings_by_target(request)))


@lru_cache(maxsize=_MAX_CACHED)
def readings_by_target(request: Request) -> tuple[tuple[str, frozenset[Reading]], ...]:
    """The readings of each request target in `request`: its own, and everything else that a server may take for one."""
    overridden = _overrides_method(request)
    return tuple(
        (target, _read(target, is_safe=method in _OPTIONS_AND_TRACE and not overridden))
        for method, target in dict.fromkeys(_lines(request))
        if overridden or method not in _GET_AND_HEAD
    )


def _lines(request: Request) -> Iterator[tuple[str, str]]:
    """The method and target of a request, and every other method and target that a server may read in it."""
    yield request.method, request.target
    for name, value in request.headers:
        if name.strip().lower().replace("_", "-") in _TARGET_HEADERS:
            yield "POST" if request.method not in _GET_AND_HEAD else request.method, value.strip()
    parts = [request.target, *(part for line in request.headers for part in line)]
    if request.body or any("\n" in part or "\r" in part for part in parts):
        text = request.wire().decode("latin-1")
        for each in dict.fromkeys((text, _CHUNK_HEAD.sub("", text))):
            yield from _request_lines(each)


def _request_lines(text: str) -> Iterator[tuple[str, str]]:
    """The method and target of each possible request line in `text`: one with an HTTP version, or at the start of a line."""
    for match in _AFTER_METHOD.finditer(text):
        method = _METHOD.search(text, max(match.start() - _LONGEST_METHOD, 0), match.start())
        if method is not None:
            yield method[0], match[1]
    for match in _LINE_START.finditer("\n" + text):
        yield match[1], match[2]


def _overrides_method(request: Request) -> bool:
    """Whether a header or a query parameter may override the method."""
    if any(_OTHER_METHOD.search(name.strip().lower()) for name, _ in request.headers):
        return True
    query = unquote(request.target.partition("?")[2]).lower()
    return any(_OTHER_METHOD.search(part.partition("=")[0]) for part in query.split("&"))


@lru_cache(maxsize=8192)
def _read(target: str, *, is_safe: bool) -> frozenset[Reading]:
    """Every address that a request target can be read as, origin-form or absolute-form."""
    raw = re.split(r"[?#]", target, maxsplit=1)[0]
    found: set[Reading] = set()
    for path in {raw, *re.split(r"[\s]", raw, maxsplit=1)[:1]}:
        texts = spellings(path)
        if texts is None:
            return frozenset((Reading(Part.UNREADABLE, path=path, is_safe=is_safe),))
        for text in texts - {path}:
            found |= _addresses(text.split("/"), is_safe=is_safe)
        found |= _addresses([unquote(segment) for segment in path.split("/")], is_safe=is_safe)
    return frozenset(found)


def _addresses(written: list[str], *, is_safe: bool) -> set[Reading]:
    """The addresses in decoded path segments; a base path, or a scheme and host, may precede them."""
    segments = [normal(segment) for segment in written]
    while segments and not segments[-1]:
        segments.pop()
    path = "/".join(segments)
    found: set[Reading] = set()
    for at, segment in enumerate(segments):
        subscription = segments[at - 1] if at else ""
        rest = segments[at + 1 :]
        if segment == "services" and rest[:1] == ["hostedservices"]:
            reading = _hosted(subscription, rest[1:], path, is_safe=is_safe)
            found.add(replace(reading, written=_names_around(written, at)))
        elif segment == "operations" and rest:
            found.add(Reading(Part.OPERATION, subscription, operation=rest[0], path=path, is_safe=is_safe))
    return found or {Reading(Part.OTHER, path=path, is_safe=is_safe)}


def _names_around(written: Sequence[str], at: int) -> WrittenNames:
    """The subscription, the cloud service and the slot or name around the segment `services` at index `at`, each "" where it is missing."""
    indexes = (at - 1, at + 2, at + 4)
    return WrittenNames(*(trimmed(written[index]) if 0 <= index < len(written) else "" for index in indexes))


def _hosted(subscription: str, rest: Sequence[str], path: str, *, is_safe: bool) -> Reading:
    """The reading of the segments `rest` after `services/hostedservices`."""
    match rest:
        case [service, collection, name, "roleinstances", instance, *_] if collection in _FORM_OF:
            return Reading(
                Part.INSTANCE, subscription, service, _FORM_OF[collection], name, instance, path=path, is_safe=is_safe
            )
        case [service, collection, name] | [service, collection, name, "roleinstances"] if collection in _FORM_OF:
            return Reading(
                Part.DEPLOYMENT, subscription, service, _FORM_OF[collection], name, path=path, is_safe=is_safe
            )
        case [service] | [service, "deployments" | "deploymentslots"]:
            return Reading(Part.SERVICE, subscription, service, path=path, is_safe=is_safe)
        case _:
            return Reading(Part.OTHER, subscription, path=path, is_safe=is_safe)
