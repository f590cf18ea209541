"""Request targets: reads what a path and query address (RFC 3986), and writes targets from names."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, unquote_plus

if TYPE_CHECKING:
    from reimage_conformance.model import Deployment


class Kind(StrEnum):
    """The kind of resource that a request target addresses."""

    REIMAGE = "reimage"
    OPERATION = "operation"
    DEPLOYMENT = "deployment"
    CLOUD_SERVICE = "cloud-service"
    OTHER = "other"


class UriForm(StrEnum):
    """The two ways to address a role instance (REQ-REIMAGE-URI-SLOT, REQ-REIMAGE-URI-NAME)."""

    SLOT = "slot"
    NAME = "name"

    @property
    def collection(self) -> str:
        """The path segment that selects the form."""
        return "deploymentslots" if self is UriForm.SLOT else "deployments"

    @property
    def requirement(self) -> str:
        """The requirement that a reimage in this form is accepted."""
        return f"REQ-REIMAGE-URI-{self.name}"

    def container(self, deployment: Deployment) -> str:
        """The name of `deployment` in an address of this form: its slot or its name."""
        return deployment.slot if self is UriForm.SLOT else deployment.name


FORMS = (UriForm.SLOT, UriForm.NAME)
_FORM_OF = {form.collection: form for form in FORMS}


@dataclass(frozen=True, slots=True)
class Address:
    """What a request target addresses; names are percent-decoded, "" where the address has none."""

    kind: Kind
    subscription: str = ""
    service: str = ""
    form: UriForm | None = None
    deployment: str = ""
    instance: str = ""
    operation: str = ""
    query: tuple[tuple[str, str], ...] = ()
    extra_slash: bool = False

    def parameters(self, name: str) -> tuple[str, ...]:
        """The values of every query parameter called exactly `name`."""
        return tuple(value for key, value in self.query if key == name)


def _query(text: str) -> tuple[tuple[str, str], ...]:
    """The decoded name and value of each query parameter, in order."""
    pairs = (part.partition("=") for part in text.split("&") if part)
    return tuple((unquote_plus(name), unquote_plus(value)) for name, _, value in pairs)


_NOT_IN_A_URI = re.compile(r"%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9._~!$&'()*+,;=:@/?%-]")
_LONGEST_SEGMENT = 255
"""Octets; HTTP software of the period refuses longer segments of a path."""
_SPECIAL = re.compile(r"[\x00-\x1f\x7f/\\]")
_SPECIAL_IN_A_SEGMENT = re.compile(rf"{_SPECIAL.pattern}|[<>*%&:;?#]|\A\.{{1,2}}\Z")


@lru_cache(maxsize=8192)
def is_plain(target: str) -> bool:
    """Whether no HTTP software refuses a request target before the application sees it.

    Many servers refuse characters that RFC 3986 does not allow, octets that are not percent-encoded UTF-8 (RFC 3986
    2.1, 2.5), control characters, and in a segment an encoded slash, backslash, percent sign, semicolon, wildcard or
    character of markup. They refuse long segments. They remove dot segments (RFC 3986 5.2.4) and empty segments, or
    redirect to the path without them.
    """
    path, _, query = _origin_form(target).partition("?")
    if _NOT_IN_A_URI.search(target):
        return False
    try:
        segments = [unquote(segment, errors="strict") for segment in path.split("/")]
        values = unquote(query, errors="strict")
    except UnicodeDecodeError:
        return False
    if has_segments_to_clean(target) or any(map(_SPECIAL_IN_A_SEGMENT.search, segments)):
        return False
    if any(len(segment) > _LONGEST_SEGMENT for segment in segments):
        return False
    return not _SPECIAL.search(values.replace("/", "").replace("\\", ""))


def has_segments_to_clean(target: str) -> bool:
    """Whether a path has dot segments or empty segments, which many servers remove before they route (RFC 3986 6.2.2.3)."""
    segments = [unquote(segment) for segment in _origin_form(target).partition("?")[0].split("/")[1:]]
    return any(segment in (".", "..") for segment in segments) or "" in segments[:-1]


def _origin_form(target: str) -> str:
    """A request target in absolute form without its scheme and host; any other as it is (RFC 9112 3.2)."""
    if target.startswith(("http://", "https://")):
        return "/" + target.split("://", 1)[1].partition("/")[2]
    return target


@lru_cache(maxsize=8192)
def read_target(target: str) -> Address:
    """Reads a request target in origin or absolute form (RFC 9112 3.2); one that addresses no resource is `Kind.OTHER`."""
    path, _, query = _origin_form(target).partition("?")
    segments = [unquote(segment) for segment in path.split("/")[1:]]
    extra_slash = len(segments) > 1 and segments[-1] == ""
    if extra_slash:
        segments.pop()
    return _address(segments, _query(query), extra_slash=extra_slash)


def _address(segments: list[str], query: tuple[tuple[str, str], ...], *, extra_slash: bool) -> Address:
    """The address of decoded path segments and a query."""
    match segments:
        case [subscription, "operations", operation]:
            return Address(Kind.OPERATION, subscription, operation=operation, query=query, extra_slash=extra_slash)
        case [subscription, "services", "hostedservices", service]:
            return Address(Kind.CLOUD_SERVICE, subscription, service, query=query, extra_slash=extra_slash)
        case [subscription, "services", "hostedservices", service, collection, name] if collection in _FORM_OF:
            return Address(
                Kind.DEPLOYMENT, subscription, service, _FORM_OF[collection], name, query=query, extra_slash=extra_slash
            )
        case [subscription, "services", "hostedservices", service, collection, name, "roleinstances", instance] if (
            collection in _FORM_OF
        ):
            form = _FORM_OF[collection]
            return Address(
                Kind.REIMAGE, subscription, service, form, name, instance, query=query, extra_slash=extra_slash
            )
        case _:
            return Address(Kind.OTHER, segments[0] if segments else "", query=query, extra_slash=extra_slash)


def encode(name: str) -> str:
    """`name` as one path segment: everything but unreserved characters percent-encoded (RFC 3986 2.3)."""
    return quote(name, safe="")


def operation_path(subscription: str, operation: str) -> str:
    """The path of Get Operation Status (REQ-GOS-URI); of the id only characters that a segment cannot hold are encoded."""
    return f"/{encode(subscription)}/operations/" + quote(operation, safe="-._~!$&'()*+,;=:@")


def cloud_service_path(subscription: str, service: str) -> str:
    """The path of Get Cloud Service Properties (REQ-PROPS-URI)."""
    return f"/{encode(subscription)}/services/hostedservices/{encode(service)}"


def deployment_path(subscription: str, service: str, form: UriForm, name: str) -> str:
    """The path of Get Deployment (REQ-DEPL-URI); `name` is a slot or a deployment name as `form` says."""
    return f"{cloud_service_path(subscription, service)}/{form.collection}/{encode(name)}"


def role_instance_path(subscription: str, service: str, form: UriForm, name: str, instance: str) -> str:
    """The path of a role instance (REQ-REIMAGE-URI-SLOT, REQ-REIMAGE-URI-NAME)."""
    return f"{deployment_path(subscription, service, form, name)}/roleinstances/{encode(instance)}"


def is_loopback_host(host: str) -> bool:
    """Whether a host, without its port, is this machine (RFC 6761, section 6.3; RFC 1122, section 3.2.1.3)."""
    host = host.rstrip(".").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def natural(name: str) -> tuple[str, int]:
    """The role and the index in the name of an instance, -1 without an index; a key that orders names by role, then index."""
    role = name.rstrip("0123456789")
    return role, int(name[len(role) :] or -1)
