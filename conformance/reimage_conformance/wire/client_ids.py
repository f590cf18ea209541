"""Client request ids: an x-ms-client-request-id on well-formed requests, by which they are found in the endpoint's log."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reimage_conformance.wire.heads import TOKEN

if TYPE_CHECKING:
    from reimage_conformance.model import Request

HEADER = "x-ms-client-request-id"
_MAX_HEADER_OCTETS = 4_000
"""A request with more octets in its header lines gets no id: a case may have chosen the size on purpose."""


def with_client_id(request: Request, run: str, number: int) -> tuple[Request, str]:
    """The request to send for `request`, and the id that was added to it: `<run>-<number>`, or "" for none.

    A request with malformed or very long header lines, or with such an id of its own, is not changed.
    """
    if not run or not _takes_another_line(request):
        return request, ""
    name = f"{run}-{number}"
    return replace(request, headers=(*request.headers, (HEADER, name))), name


def _takes_another_line(request: Request) -> bool:
    lines = request.headers
    are_valid = all(TOKEN.fullmatch(name) and value.isascii() and value.isprintable() for name, value in lines)
    return (
        are_valid
        and request.http_version.startswith("HTTP/1.")
        and bool(lines)
        and not request.values(HEADER)
        and sum(len(name) + len(value) for name, value in lines) < _MAX_HEADER_OCTETS
    )
