"""The part of a request that a verdict is about, in words: the name, method or header value that was sent."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from reimage_conformance.catalogue import ALL_REQUIREMENTS
from reimage_conformance.judging.wording import quoted, reply_summary, valued
from reimage_conformance.protocol.addresses import Kind, UriForm, read_target
from reimage_conformance.quantities import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reimage_conformance.judging.defects import Defect
    from reimage_conformance.model import Exchange, Request

_CALLER_DEFECTS = ("anonymous", "unknown-certificate", "foreign-subscription")
"""The keys of defects of the caller: it may not send the request, whatever the request contains."""
_NAME_DEFECTS = ("place", "elsewhere", "slot", "instance", "bad-name")
"""The keys of defects of the names in the address."""
_FRAMING_DEFECTS = ("differing-lengths", "space-before-colon")
"""The keys of defects that one header shows, although they may lead to other defects of the request."""
_CALLS = {
    Kind.REIMAGE: "Reimage Role Instance",
    Kind.OPERATION: "Get Operation Status",
    Kind.DEPLOYMENT: "Get Deployment",
    Kind.CLOUD_SERVICE: "Get Cloud Service Properties",
}


def call_of(request: Request) -> str:
    """The documented name of the operation that a request addresses; other words where it addresses none."""
    return _CALLS.get(read_target(request.resource).kind, "a request to an unknown address")


def answer_to(request: Request) -> str:
    """Which request an answer belongs to: `(the answer to Get Deployment)`."""
    asked = f"HEAD at {_address_of(request)}" if request.method == "HEAD" else call_of(request)
    return f"(the answer to {asked})"


def answer_of(exchange: Exchange) -> str:
    """Which request an answer belongs to, with its status where it is an error: `(the 404 answer to Get Deployment)`."""
    status = exchange.reply.status if exchange.reply is not None else 0
    words = answer_to(exchange.request)
    return words.replace("(the answer", f"(the {status} answer", 1) if status >= 400 else words


def _address_of(request: Request) -> str:
    """The address of a request whose method does not fit it: `the address of Get Deployment`."""
    call = _CALLS.get(read_target(request.resource).kind)
    return f"the address of {call}" if call else "an unknown address"


def header_sent(request: Request, name: str) -> str:
    """A header of a request with its values: `x-ms-version '2011-10-01'`; "" where it was not sent."""
    values = request.values(name)
    if len(values) == 1:
        return valued(name, values[0])
    return f"{name} {' and '.join(map(quoted, values))}" if values else ""


def slot_sent(request: Request) -> str:
    """The slot or the name of the deployment that a request addresses: `slot 'staging'`."""
    address = read_target(request.resource)
    name = "slot" if address.form is UriForm.SLOT else "deployment"
    return valued(name, address.deployment) if address.deployment else f"a {name} without a name ('//' in the path)"


def sent(request: Request, defects: Sequence[Defect]) -> str:
    """The part of a request that has its only defect, in words: `role instance 'X'`.

    "" where something is missing from the request, or where it has several defects. But a request that the caller may
    not send is named as a whole, whatever other defects it has, and a header with a defect of framing is named too.
    """
    keys = {defect.key for defect in defects}
    if not keys.isdisjoint(_CALLER_DEFECTS):
        where = " under a subscription that is not the caller's" if "foreign-subscription" in keys else ""
        return f"{call_of(request)}{where}"
    framing = [key for key in _FRAMING_DEFECTS if key in keys]
    if len(defects) != 1 and not framing:
        return ""
    key = framing[0] if framing else defects[0].key
    if key in _NAME_DEFECTS:
        return _names_sent(request, defects[0])
    return _SENT[key](request) if key in _SENT else ""


def _call_and_version(request: Request) -> str:
    return f"{call_of(request)} with {header_sent(request, 'x-ms-version')}"


def _content_type(request: Request) -> str:
    return header_sent(request, "Content-Type") or "no Content-Type header"


def _host(request: Request) -> str:
    return header_sent(request, "Host") or "no Host header"


def _body(request: Request) -> str:
    """The body of a reimage, which has to have none."""
    coding = header_sent(request, "Transfer-Encoding")
    if coding and not request.values("Content-Length"):
        return f"a body with {coding} and without Content-Length"
    return f"a body of {counted(len(request.body), 'octet')}" if request.body else ""


def _spaced_names(request: Request) -> str:
    return " and ".join(f"header name {quoted(name)}" for name, _ in request.headers if name != name.rstrip(" \t"))


def _method(request: Request) -> str:
    missing = len("POST") - len(request.method) if "POST".startswith(request.method) else 0
    shortened = f" (POST without its last {'letter' if missing == 1 else 'letters'})" if missing else ""
    return f"method {quoted(request.method)}{shortened}"


def _method_and_address(request: Request) -> str:
    return f"{_method(request)} at {_address_of(request)}"


def _comp(request: Request) -> str:
    values = read_target(request.resource).parameters("comp")
    if values:
        return " and ".join(f"comp={quoted(value)}" if value else "an empty comp" for value in values)
    query = request.target.partition("?")[2]
    return f"query {quoted(query)}" if query else "an address without a query"


_SENT: Mapping[str, Callable[[Request], str]] = {
    "version-missing": call_of,
    "version-malformed": _call_and_version,
    "version-old": partial(header_sent, name="x-ms-version"),
    "content-type": _content_type,
    "invalid-length": partial(header_sent, name="Content-Length"),
    "differing-lengths": partial(header_sent, name="Content-Length"),
    "unknown-coding": partial(header_sent, name="Transfer-Encoding"),
    "body": _body,
    "host": _host,
    "space-before-colon": _spaced_names,
    "method": _method_and_address,
    "method-case": _method,
    "comp": _comp,
}
"""What was sent, in words, by the key of the only defect."""


def _coding_of_unknown_instance(request: Request) -> str:
    coding = header_sent(request, "Transfer-Encoding")
    return f"{coding} in a reimage of a role instance that the deployment does not have"


def _instance(request: Request) -> str:
    address = read_target(request.resource)
    raw = request.target.partition("?")[0].rstrip("/").rpartition("/")[2]
    written = f" (in the address: {raw})" if "%" in address.instance else ""
    return f"{valued('role instance', address.instance)}{written} in {valued('cloud service', address.service)}, {slot_sent(request)}"


def _header_names(request: Request) -> str:
    names = "".join(name for name, _ in request.headers if name.lower() != "x-ms-version")
    if names.isupper():
        return "header names in capitals"
    return "header names in small letters" if names.islower() else "headers in another order"


def _encoded_names(request: Request) -> str:
    if "%" in request.target.partition("?")[0].rpartition("/")[2]:
        return "a percent-encoded letter in the name of the role instance"
    return "percent-encoded letters in the names of the cloud service and of its slot or deployment"


_SENT_FOR: Mapping[str, Callable[[Request], str]] = {
    "REQ-ERR-VERB": _method_and_address,
    "REQ-HTTP-UNKNOWN-METHOD": _method_and_address,
    "REQ-HTTP-TE-UNKNOWN": _coding_of_unknown_instance,
    "REQ-GOS-VERSION-MIN": partial(header_sent, name="x-ms-version"),
    "REQ-VER-OLD-KEPT": _call_and_version,
    "REQ-AUTH-ANYCERT": call_of,
    "REQ-REIMAGE-VERSION": partial(header_sent, name="x-ms-version"),
    "REQ-REIMAGE-CT-PARAM": partial(header_sent, name="Content-Type"),
    "REQ-REIMAGE-SLOT-VALUES": slot_sent,
    "REQ-REIMAGE-URI-SLOT": _instance,
    "REQ-REIMAGE-URI-NAME": _instance,
    "REQ-HTTP-FIELD-CASE": _header_names,
    "REQ-NAME-ENCODING": _encoded_names,
}
"""What was sent, in words, by the requirement that a request without a defect was sent for."""


def answer_for(exchange: Exchange, requirement: str) -> str:
    """The answer in words, with the part of the request that `requirement` is about: `400 Bad Request, for method 'FROB'`."""
    words = _SENT_FOR[requirement](exchange.request) if requirement in _SENT_FOR else ""
    return f"{reply_summary(exchange)}, for {words}" if words else reply_summary(exchange)


def _names_sent(request: Request, defect: Defect) -> str:
    """The names in the address of something that does not exist."""
    if defect.requirement == "REQ-REIMAGE-UNKNOWN-INSTANCE":
        return _instance(request)
    service = valued("cloud service", read_target(request.resource).service)
    if defect.key == "elsewhere":
        return f"{service}, {slot_sent(request)}, under another subscription, which has no such cloud service"
    return slot_sent(request) if defect.key == "slot" else f"{service}, {slot_sent(request)}"


def with_sent(actual: str, request: Request, defects: Sequence[Defect]) -> str:
    """What was seen, then what had been sent."""
    words = sent(request, defects)
    return f"{actual}, for {words}" if words else actual


def with_kind_sent(actual: str, request: Request, defect: Defect) -> str:
    """What was seen, then what kind of request it was an answer to, and what had been sent."""
    kind, words = ALL_REQUIREMENTS[defect.requirement].request, sent(request, [defect])
    if not kind:
        return with_sent(actual, request, [defect])
    return f"{actual}, for {kind[0].lower()}{kind[1:]}{f' ({words})' if words else ''}"
