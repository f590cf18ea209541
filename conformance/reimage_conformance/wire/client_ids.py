"""Ids of requests for whoever reads the endpoint's log: x-ms-client-request-id, put on messages that are sound; judges nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reimage_conformance.model import Request

HEADER = "x-ms-client-request-id"
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_LARGEST_HEAD = 4_000
"""Octets of header lines beyond which none is added: the size may be what is tried."""


def with_client_id(request: Request, run: str, number: int) -> tuple[Request, str]:
    """What goes out for `request`, and the id that it carries: `<run>-<number>`, or "" where none is added.

    A message whose own header lines are malformed, or very long, or that has such an id already, goes out as it is.
    """
    if not run or not _takes_another_line(request):
        return request, ""
    name = f"{run}-{number}"
    return replace(request, headers=(*request.headers, (HEADER, name))), name


def _takes_another_line(request: Request) -> bool:
    lines = request.headers
    sound = all(_TOKEN.fullmatch(name) and value.isascii() and value.isprintable() for name, value in lines)
    return (
        sound
        and request.http_version.startswith("HTTP/1.")
        and bool(lines)
        and not request.values(HEADER)
        and sum(len(name) + len(value) for name, value in lines) < _LARGEST_HEAD
    )
