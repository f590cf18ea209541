"""One request as a shell command: with curl if curl can send it, else octet by octet with openssl or nc; runs nothing.

The commands call functions of the script around them (`script`), and use variables for the values that the reader has to set.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from reimage_conformance.model import Identity, Route
from reimage_conformance.report.shell_words import printf_arguments, word

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reimage_conformance.model import Request

TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
"""A method or header name (RFC 9110 5.6.2); curl may change any other."""

PLAIN_TARGET = re.compile(r"/[A-Za-z0-9\-._~!$&'()*+,;=:@%/<>]*(\?[A-Za-z0-9\-._~!$&'()*+,;=:@%/?<>]*)?")
"""Request targets that curl does not change in a URL; others are given with --request-target."""

NOT_REPEATED_BY_CURL = ("host", "content-length", "transfer-encoding")
"""Headers that curl sends once at most, since it sets them itself."""

CURL_VERSIONS = ("HTTP/1.1", "HTTP/1.0")

INLINE_BODY_LIMIT = 4_096
"""A longer body, in octets, is not written into the command: as many zeros are sent in its place."""

BASE = "\x00base\x00"
"""Stands for the base URL until a command is put together; no request that curl can send holds it."""

CALLERS = {
    Identity.PRIMARY: "primary",
    Identity.SECOND: "second",
    Identity.UNKNOWN: "stranger",
    Identity.NONE: "nobody",
}
"""The ends of the names of the script's functions for each identity: by_primary, raw_by_primary and so on."""


def route_to(target: Mapping[str, Any]) -> Route:
    """The route to a target from its description in a journal."""
    return Route(*(str(target.get(key) or "") for key in ("base_url", "connect_to", "proxy")))


@dataclass(frozen=True, slots=True)
class Commands:
    """Writes commands for requests to the endpoint at `route`; `variables` has the names of shell variables by their values."""

    route: Route
    variables: Mapping[str, str]

    def command(self, request: Request, name: str, *, raw: bool = False) -> str:
        """The command that sends `request` and stores the answer as `name`; octet by octet if curl cannot send it, or if `raw`.

        It has only printable ASCII characters, whatever the request holds, so it can be pasted.
        """
        caller = CALLERS[request.identity]
        if raw or not curl_can_send(request):
            return f"{self._octets(request)} | raw_by_{caller} {name}"
        feed, words = self._curl(request)
        return f"{feed}by_{caller} {name} {' '.join(words)}"

    def _curl(self, request: Request) -> tuple[str, list[str]]:
        words = ["--head"] if request.method == "HEAD" else []
        words += ["--http1.0"] if request.http_version == "HTTP/1.0" else []
        if request.method != "HEAD" and (request.method != "GET" or request.body):
            words += ["-X", word(request.method, {})]
        for line in _curl_headers(request, self.route.base_url):
            words += ["-H", word(line, self.variables)]
        feed, data = self._body(request.body)
        return feed, [*words, *data, *self._address(request.target)]

    def _address(self, target: str) -> list[str]:
        base = {**self.variables, BASE: "BASE_URL"}
        if PLAIN_TARGET.fullmatch(target):
            return [word(BASE + target, base)]
        return ["--request-target", word(target, self.variables), word(f"{BASE}/", base)]

    def _body(self, body: bytes) -> tuple[str, list[str]]:
        """What feeds curl's standard input, and the options that make it send the body."""
        if not body:
            return "", []
        text = body.decode("latin-1")
        if _is_printable(text) and not text.startswith("@") and len(body) <= INLINE_BODY_LIMIT:
            return "", ["--data-binary", word(text, self.variables)]
        source = _printf(body, self.variables) if len(body) <= INLINE_BODY_LIMIT else _zeros(len(body))
        return f"{source} | ", ["--data-binary", "@-"]

    def _octets(self, request: Request) -> str:
        """The command that writes the octets of `request` to standard output."""
        netloc = urlsplit(self.route.base_url).netloc
        named = {**self.variables, f"\r\nHost: {netloc}\r\n": "HOST_LINE"} if netloc else self.variables
        head, separator, body = request.wire().partition(b"\r\n\r\n")
        if len(body) <= INLINE_BODY_LIMIT:
            return _printf(head + separator + body, named)
        return f"{{ {_printf(head + separator, named)}; {_zeros(len(body))}; }}"


def _printf(octets: bytes, variables: Mapping[str, str]) -> str:
    return f"printf {printf_arguments(octets, variables)}"


def _zeros(count: int) -> str:
    return f"head -c {count} /dev/zero"


def curl_can_send(request: Request) -> bool:
    """Whether curl sends `request` without changing its meaning."""
    names = [name.lower() for name, _ in request.headers]
    return (
        request.http_version in CURL_VERSIONS
        and TOKEN.fullmatch(request.method) is not None
        and _is_printable(request.target)
        and " " not in request.target
        and request.target != ""
        and all(TOKEN.fullmatch(name) and _is_printable(value) for name, value in request.headers)
        and all(value.strip(" \t") or value == "" for _, value in request.headers)
        and all(names.count(name) <= 1 for name in NOT_REPEATED_BY_CURL)
        and "transfer-encoding" not in names
        and _curl_can_frame(request)
    )


def _is_printable(text: str) -> bool:
    return text.isascii() and all(one.isprintable() for one in text)


def _curl_can_frame(request: Request) -> bool:
    length = request.values("content-length")
    if request.body:
        return request.method != "HEAD" and length == (str(len(request.body)),)
    return request.method != "HEAD" or not length


def _curl_headers(request: Request, base_url: str) -> Iterator[str]:
    """The values of curl's option -H: every header, then the removal of those that curl would add."""
    names = {name.lower() for name, _ in request.headers}
    for name, value in request.headers:
        if name.lower() != "host" or f"{name}: {value}" != f"Host: {urlsplit(base_url).netloc}":
            yield f"{name}: {value}" if value else f"{name};"
    added = ["Host", "User-Agent", "Accept", *(["Content-Type", "Expect"] if request.body else [])]
    yield from (f"{name}:" for name in added if name.lower() not in names)
