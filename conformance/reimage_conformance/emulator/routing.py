"""Reads request targets: which resource a target addresses, and with which parameters. Refuses nothing."""

from __future__ import annotations

import re
from urllib.parse import unquote

from reimage_conformance.emulator.messages import Call, Fields, Route
from reimage_conformance.emulator.points import point

_ABSOLUTE = re.compile(r"https?://[^/?#]*", re.IGNORECASE)
_ORIGIN = re.compile(r"/[!-\"$-~]*")
_FORMS = {"deploymentslots": "slot", "deployments": "name"}


@point
def read_target(call: Call) -> Route:
    """The route of the request's target, in origin form or absolute form (RFC 9112 3.2)."""
    target = origin_form(call)
    if not _ORIGIN.fullmatch(target):
        return Route(path=target, valid=False)
    path, _, query = target.partition("?")
    segments = [decode_segment(call, raw) for raw in path[1:].split("/")]
    return read_segments(call, segments, path, read_query(call, query))


@point
def origin_form(call: Call) -> str:
    """The target without scheme and authority."""
    target = call.message.target
    prefix = _ABSOLUTE.match(target)
    if prefix is None:
        return target
    rest = target[prefix.end() :]
    return rest if rest.startswith("/") else "/" + rest


@point
def decode_segment(_: Call, raw: str) -> str:
    """One path segment without its percent-encoding (RFC 3986 6.2.2); "+" is an ordinary character there."""
    return unquote(raw, errors="replace")


@point
def read_query(_: Call, query: str) -> Fields:
    """The parameters of a query, names and values decoded, in their order."""
    pairs = (part.partition("=") for part in query.split("&") if part)
    return tuple((unquote(name), unquote(value)) for name, _, value in pairs)


@point
def read_segments(_: Call, segments: list[str], path: str, query: Fields) -> Route:
    """The resource that decoded path segments address."""
    match segments:
        case [subscription, "operations", operation] if operation:
            return Route("operation", subscription, operation=operation, query=query, path=path)
        case [subscription, "services", "hostedservices", service] if service:
            return Route("service", subscription, service, query=query, path=path)
        case [subscription, "services", "hostedservices", service, form, asked] if form in _FORMS and asked:
            return Route("deployment", subscription, service, _FORMS[form], asked, query=query, path=path)
        case [subscription, "services", "hostedservices", service, form, asked, "roleinstances", instance] if (
            form in _FORMS and instance
        ):
            return Route("reimage", subscription, service, _FORMS[form], asked, instance, query=query, path=path)
    return Route(subscription=segments[0], query=query, path=path)
