"""The part of a request that a verdict is about, in words: the name, method or header value that was sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.catalogue import ALL_REQUIREMENTS
from reimage_conformance.judging.wording import quoted
from reimage_conformance.protocol.addresses import Kind, UriForm, read_target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reimage_conformance.judging.defects import Defect
    from reimage_conformance.model import Request

_HEADER_OF = {
    "version-malformed": "x-ms-version",
    "version-old": "x-ms-version",
    "content-type": "Content-Type",
    "invalid-length": "Content-Length",
    "differing-lengths": "Content-Length",
    "unknown-coding": "Transfer-Encoding",
}
"""The header that is wrong, by the key of the defect."""
_OF_PLACES = ("place", "elsewhere", "slot", "instance", "bad-name")
_CALLS = {
    Kind.REIMAGE: "Reimage Role Instance",
    Kind.OPERATION: "Get Operation Status",
    Kind.DEPLOYMENT: "Get Deployment",
    Kind.CLOUD_SERVICE: "Get Cloud Service Properties",
}


def call_of(request: Request) -> str:
    """The documented name of the operation that a request addresses, `a request to an unknown address` for no such."""
    return _CALLS.get(read_target(request.target).kind, "a request to an unknown address")


def header_sent(request: Request, name: str) -> str:
    """A header of a request with its values: `x-ms-version '2011-10-01'`; "" where it was not sent."""
    values = request.values(name)
    return f"{name} {' and '.join(map(quoted, values))}" if values else ""


def slot_sent(request: Request) -> str:
    """The slot or the name of the deployment that a request addresses: `slot 'staging'`."""
    address = read_target(request.target)
    return f"{'slot' if address.form is UriForm.SLOT else 'deployment'} {quoted(address.deployment)}"


def sent(request: Request, defects: Sequence[Defect]) -> str:
    """What was sent where the only defect is: `role instance 'X'`; "" where the defect is that something is missing."""
    if len(defects) != 1:
        return ""
    key = defects[0].key
    if key in _HEADER_OF:
        return header_sent(request, _HEADER_OF[key])
    if key in ("method", "method-case"):
        return f"method {request.method}"
    if key == "comp":
        values = read_target(request.target).parameters("comp")
        return " and ".join(f"comp={quoted(value)}" for value in values)
    return _place_sent(request, defects[0]) if key in _OF_PLACES else ""


def _place_sent(request: Request, defect: Defect) -> str:
    """The names of a place that does not exist."""
    if defect.requirement == "REQ-REIMAGE-UNKNOWN-INSTANCE":
        return f"role instance {quoted(read_target(request.target).instance)}"
    service = f"cloud service {quoted(read_target(request.target).service)}"
    return slot_sent(request) if defect.key == "slot" else f"{service}, {slot_sent(request)}"


def seen_for(actual: str, request: Request, defects: Sequence[Defect]) -> str:
    """What was seen, then what had been sent."""
    words = sent(request, defects)
    return f"{actual}, for {words}" if words else actual


def seen_for_kind(actual: str, request: Request, defect: Defect) -> str:
    """What was seen, then what kind of request it was an answer to, and what had been sent."""
    kind, words = ALL_REQUIREMENTS[defect.requirement].request, sent(request, [defect])
    if not kind:
        return seen_for(actual, request, [defect])
    return f"{actual}, for {kind[0].lower()}{kind[1:]}{f' ({words})' if words else ''}"
