"""Oddities of the response: other forms of request ids, and the fields that the historical service sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.emulator.departures import edits, instead
from reimage_conformance.emulator.oddities.registry import oddity
from reimage_conformance.emulator.operations import new_request_id
from reimage_conformance.emulator.world import dashed
from reimage_conformance.emulator.writing import header_fields, identifying_fields

if TYPE_CHECKING:
    from reimage_conformance.emulator.messages import Call


_WORDS = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron", "ivory", "jetty", "kelp", "lark")

oddity("ids-dashed", "request ids are dashed", edits(new_request_id, lambda _, identifier: dashed(identifier)))
oddity("ids-upper-case", "request ids are in capitals", edits(new_request_id, lambda _, each: each.upper()))
oddity(
    "ids-of-words",
    "request ids are words",
    instead(new_request_id, lambda _, call: "-".join(call.state.random.choices(_WORDS, k=9))),
)
oddity("ids-short", "request ids are short numbers", instead(new_request_id, lambda _, call: _next_number(call)))
oddity(
    "ids-counted",
    "request ids are numbers that count, after a prefix",
    instead(new_request_id, lambda _, call: f"req-{int(_next_number(call)):09d}"),
)
oddity("ids-long", "request ids are 96 digits long", edits(new_request_id, lambda _, each: each * 3))
oddity(
    "ids-opaque",
    "request ids use every unreserved character",
    edits(new_request_id, lambda _, each: f"R~{each[:12]}._-{each[12:]}~"),
)


def _next_number(call: Call) -> str:
    number: int = call.notes.get("numbered", 1000) + 1
    call.notes["numbered"] = number
    return str(number)


oddity(
    "id-in-capitals",
    "the request id is called X-MS-REQUEST-ID",
    edits(identifying_fields, lambda _, fields: tuple((name.upper(), value) for name, value in fields)),
)

_SERVER = "1.0.6198.273 (rd_rdfe_stable.160808-1722) Microsoft-HTTPAPI/2.0"
_STRICT_TRANSPORT_SINCE = "2015-02-01"


def _historical_fields(call: Call, fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The fields of a response as the historical service wrote them; the probe is no part of it."""
    if call.client.probe:
        return fields
    named = [(name, _SERVER if name == "Server" else value) for name, value in fields]
    strict = call.version >= _STRICT_TRANSPORT_SINCE
    transport = [("Strict-Transport-Security", "max-age=31536000; includeSubDomains")] if strict else []
    return [*named, ("x-ms-servedbyregion", "ussouth2"), *transport]


oddity(
    "historical-fields",
    "responses name the region that served them, Server has several product tokens",
    edits(header_fields, _historical_fields),
)
