"""Checks of single requests of a client: reimages, polls, and the certificate that it presents."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reimage_conformance.catalogue import FIRST_VERSION, MINIMUM_VERSION, published_from
from reimage_conformance.judging.clients.sessions import is_poll, is_reimage
from reimage_conformance.judging.registry import about, check
from reimage_conformance.judging.wording import quoted
from reimage_conformance.judging.world import SLOTS
from reimage_conformance.model import Identity
from reimage_conformance.protocol.addresses import Kind, UriForm, read_target

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Exchange, Request, Verdict

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_XML, _ATOM = "application/xml", "application/atom+xml"
_PATHS = "deploymentslots/<staging|production>/roleinstances/<name>, or deployments/<name>/roleinstances/<name>"
_EMPTY_CHUNKS = b"0\r\n"


@check
def client_reimages(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """Each reimage that a client asks for is as the page of the operation has it (REQ-CLIENT-REIMAGE-METHOD and those after it)."""
    del world
    for each in exchanges:
        if is_reimage(each.request):
            yield from _reimage(each)


def _reimage(each: Exchange) -> Iterator[Verdict]:
    method, spoken = each.request.method, each.request.http_version
    yield about("REQ-CLIENT-REIMAGE-METHOD", each).judged(method.upper() == "POST", "POST", method, "method")
    yield about("REQ-CLIENT-HTTP-VERSION", each).judged(spoken == "HTTP/1.1", "HTTP/1.1", spoken, "http-version")
    yield _address(each)
    yield _media_type(each)
    yield from _content(each)
    yield _version(each, "REQ-CLIENT-REIMAGE-VERSION", MINIMUM_VERSION)


def _address(each: Exchange) -> Verdict:
    """The verdict on path and query of a reimage."""
    address = read_target(each.request.resource)
    verdict = about("REQ-CLIENT-REIMAGE-URI", each)
    target = quoted(each.request.target)
    if address.kind is not Kind.REIMAGE:
        return verdict.violated(f".../services/hostedservices/<name>/{_PATHS}, then ?comp=reimage", target, "path")
    if address.parameters("comp") != ("reimage",):
        return verdict.violated("one comp=reimage in the query", target, "comp")
    if address.form is UriForm.SLOT and address.deployment.lower() not in SLOTS:
        return verdict.violated("staging or production", f"the slot {quoted(address.deployment)}", "slot")
    return _tolerated(each) or verdict.met(target)


def _tolerated(each: Exchange) -> Verdict | None:
    """The advisory verdict on an address that the historical service accepted, or that the documents leave open; else None."""
    address = read_target(each.request.resource)
    verdict, target = about("REQ-CLIENT-REIMAGE-URI", each), quoted(each.request.target)
    if address.form is UriForm.SLOT and address.deployment not in SLOTS:
        return verdict.advised("staging or production", f"the slot {quoted(address.deployment)}", "slot-case")
    if address.extra_slash:
        return verdict.advised("no slash before ?comp=reimage", target, "slash")
    return verdict.advised("the query comp=reimage alone", target, "more") if len(address.query) > 1 else None


def _media_type(each: Exchange) -> Verdict:
    """The verdict on Content-Type of a reimage; advisory where published clients depart from the documents in the same way."""
    values = each.request.values("Content-Type")
    types = {value.partition(";")[0].strip(" \t").lower() for value in values}
    verdict = about("REQ-CLIENT-REIMAGE-CONTENT-TYPE", each)
    seen = ", ".join(quoted(value) for value in values) or "no Content-Type"
    if not types:
        return verdict.advised(_XML, seen, "missing")
    if types == {_ATOM}:
        return verdict.advised(_XML, seen, "atom")
    return verdict.judged(types == {_XML}, _XML, seen, "type")


def _content(each: Exchange) -> Iterator[Verdict]:
    """The verdicts on Content-Length and body of a reimage; a body explains a length that is not zero."""
    request = each.request
    lengths = [part.strip(" \t") for value in request.values("Content-Length") for part in value.split(",")]
    empty = not has_body(request)
    seen = f"{len(request.body)} octets of body" if request.body else f"Content-Length: {', '.join(lengths)}"
    yield about("REQ-CLIENT-REIMAGE-BODY", each).judged(empty, "no body", "no body" if empty else seen, "body")
    coded = ", ".join(request.values("Transfer-Encoding"))
    framing = [f"Content-Length: {', '.join(lengths)}" if lengths else "no Content-Length"]
    framing += [f"Transfer-Encoding: {coded}"] if coded else []
    because = () if empty else ("REQ-CLIENT-REIMAGE-BODY",)
    zero = bool(lengths) and all(re.fullmatch(r"0+", value, re.ASCII) for value in lengths) and not coded
    verdict = about("REQ-CLIENT-REIMAGE-CONTENT-LENGTH", each)
    yield verdict.judged(zero, "Content-Length: 0", " and ".join(framing), "length", because=because)


def has_body(request: Request) -> bool:
    """Whether a request has content, or declares some."""
    declared = any(re.fullmatch(r"\d*[1-9]\d*", value, re.ASCII) for value in request.values("Content-Length"))
    coded = bool(request.values("Transfer-Encoding"))
    return declared or bool(request.body and not (coded and request.body.startswith(_EMPTY_CHUNKS)))


def _version(each: Exchange, requirement: str, oldest: str) -> Verdict:
    """The verdict on the x-ms-version of a request, which must be one date from `oldest` on."""
    values = [part.strip(" \t") for line in each.request.values("x-ms-version") for part in line.split(",")]
    verdict, expected = about(requirement, each), f"one x-ms-version, {oldest} or later"
    if not values:
        return verdict.violated(expected, "no x-ms-version", "missing")
    seen = f"x-ms-version: {quoted(', '.join(values))}"
    if not all(_DATE.fullmatch(value) for value in values):
        return verdict.violated(expected, seen, "malformed")
    if min(values) < oldest:
        return verdict.violated(expected, seen, "old")
    return verdict.judged(len(set(values)) == 1, expected, seen, "several")


@check
def client_versions(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """The versions that a client sends are observed, and which of them no list has (REQ-CLIENT-VERSION-KNOWN)."""
    del world
    first: dict[str, Exchange] = {}
    for each in exchanges:
        for value in each.request.values("x-ms-version"):
            if _DATE.fullmatch(value):
                first.setdefault(value, each)
    published = published_from(FIRST_VERSION)
    versions = [f"{value} ({'published' if value in published else 'in no list'})" for value in sorted(first)]
    if first:
        yield about("REQ-CLIENT-VERSION-KNOWN", *first.values()).observed(", ".join(versions))


@check
def client_certificate(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """A client presents a certificate with each request, whichever it is (REQ-CLIENT-CERTIFICATE)."""
    if not world.target.is_https:
        return
    for each in exchanges:
        presented = each.request.identity is not Identity.NONE
        seen = "a certificate" if presented else "TLS was set up without one"
        yield about("REQ-CLIENT-CERTIFICATE", each).judged(presented, "a client certificate", seen, "none")


@check
def client_polls(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """Each poll is as the page of Get Operation Status has it (REQ-CLIENT-POLL-METHOD, REQ-CLIENT-POLL-VERSION)."""
    del world
    for each in exchanges:
        if is_poll(each.request):
            yield _poll(each)
            yield _version(each, "REQ-CLIENT-POLL-VERSION", FIRST_VERSION)


def _poll(each: Exchange) -> Verdict:
    verdict, method = about("REQ-CLIENT-POLL-METHOD", each), each.request.method
    expected = "GET on the path of the operation, without query and body"
    if method.upper() not in ("GET", "HEAD"):
        return verdict.violated(expected, method, "method")
    if has_body(each.request):
        return verdict.violated(expected, f"{method} with {len(each.request.body)} octets of body", "body")
    query = each.request.target.partition("?")[2]
    return verdict.advised(expected, f"the query {quoted(query)}", "query") if query else verdict.met(method)
