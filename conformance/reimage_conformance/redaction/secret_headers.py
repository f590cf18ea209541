"""Secret header lines: which values are masked by the name of their header, and which parts of them are sought elsewhere.

A part is sought elsewhere only if it is certainly the secret: words, numbers, dates and what a run shows
openly (names of the target, request ids) stay readable, since replies are judged by them.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET_WORDS = (
    "key", "token", "secret", "auth", "cert", "cookie", "session",
    "password", "passphrase", "credential", "signature", "csrf", "xsrf", "jwt", "principal",
)  # fmt: skip
"""A header, or a parameter of a query, whose name holds one of these words, in any letter case, carries a secret value."""

SECRET_PARAMETERS = ("sig", "code", "pwd", "pass")
"""Further parameters of queries that carry secrets: in shared access signatures, at sign-in, and for Azure Functions."""
URL_HEADERS = ("location", "content-location", "referer", "link")
"""Headers whose values are URLs, so that parameters can stand in them."""

ADDRESS_HEADERS = (
    "x-forwarded-for", "x-original-forwarded-for", "forwarded-for", "x-real-ip", "x-client-ip", "client-ip", "true-client-ip",
    "cf-connecting-ip", "fastly-client-ip", "x-cluster-client-ip", "x-envoy-external-address", "x-azure-clientip",
)  # fmt: skip
"""Headers in which gateways write the addresses of clients, one or a list."""

_FORWARDED = re.compile(r"""(?:^|(?<=[;,\s]))(?:for|by|host)[ \t]*=[ \t]*"?([^";,\s]+)"?""", re.IGNORECASE)
"""The parameters of Forwarded that identify somebody (RFC 7239, section 5)."""
_ADDRESS = re.compile(r"[^\s,;\"]+")
_PARAMETER = re.compile(r"""(?<=[?&;])([^?&=#;\s"<>]+)=([^&#;\s"<>]+)""")
_PART = re.compile(r"[^\s;,=\"]+")
_WORD = re.compile(r"(?:[A-Z]?[a-z]+[-_/.+ ]?)+")
_NUMBER = re.compile(r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?(?:\d\d [A-Z][a-z]{2} )?[0-9:.,TZ/ -]+(?:GMT)?")
"""A number, a version, a date of either kind."""
SHORTEST_SOUGHT = 8
"""Characters of the shortest part that is sought elsewhere; a shorter one would be found by chance."""


@lru_cache(maxsize=1_000)
def is_secret(name: str) -> bool:
    """Whether the whole value of a header called `name` is a secret."""
    lower = name.lower()
    return any(word in lower for word in SECRET_WORDS)


def parameter_spans(url: str) -> list[tuple[int, int]]:
    """Where in a URL or request target the values of secret parameters stand, as half-open ranges."""
    return [
        found.span(2)
        for found in _PARAMETER.finditer(url)
        if is_secret(name := unquote(found[1])) or name.lower() in SECRET_PARAMETERS
    ]


def address_spans(name: str, value: str) -> list[tuple[int, int]]:
    """Where in the value of a header called `name` the addresses of clients and proxies stand, as half-open ranges."""
    lower = name.strip().lower()
    if lower == "forwarded":
        return [found.span(1) for found in _FORWARDED.finditer(value)]
    return [found.span() for found in _ADDRESS.finditer(value)] if lower in ADDRESS_HEADERS else []


def parts_to_seek(name: str, value: str) -> Iterator[str]:
    """The parts of a secret value that may come back alone.

    They are the whole, what follows the scheme, user and password of Basic credentials, each member of a list, the
    segments of a JSON Web Token, and the values of parameters.
    """
    core = value.strip()
    if name.strip().lower() in ("set-cookie", "set-cookie2"):
        core = core.partition(";")[0].strip()  # the rest are attributes, which name paths and hosts
    scheme, _, rest = core.partition(" ")
    yield core
    yield rest.strip()
    if scheme.lower() == "basic":
        yield from _basic(rest.strip())
    for part in _PART.findall(core):
        yield part
        yield from part.split(".") if part.count(".") == 2 else ()  # the segments of a JSON Web Token
    yield from (each.partition("=")[2].strip().strip('"') for each in core.split(";") if "=" in each)


def _basic(text: str) -> Iterator[str]:
    """User and password of Basic credentials, and the password alone (RFC 7617)."""
    try:
        plain = base64.b64decode(text, validate=True).decode("latin-1")
    except (binascii.Error, ValueError):
        return
    yield plain
    yield plain.partition(":")[2]


def is_distinctive(part: str) -> bool:
    """Whether a part is long and unusual enough to be sought elsewhere: neither a word nor a number nor a date."""
    return len(part) >= SHORTEST_SOUGHT and not _WORD.fullmatch(part) and not _NUMBER.fullmatch(part)


def address_in(token: str) -> str:
    """The IP address in a token such as `203.0.113.7:80` or `[2001:db8::7]:80`; "" where there is none, or this machine's."""
    bare = token.strip('"')
    for candidate in (bare, bare.strip("[]"), bare.partition("]")[0].lstrip("["), bare.rpartition(":")[0]):
        try:
            found = ipaddress.ip_address(candidate)
        except ValueError:
            continue
        return "" if found.is_loopback or found.is_unspecified else candidate
    return ""
