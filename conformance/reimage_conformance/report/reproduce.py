"""Shell commands that send an exchange's request again: by curl where curl can, else octet by octet; runs nothing."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from reimage_conformance.model import Identity, Route

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reimage_conformance.model import Assessment, Exchange, Finding, Request

TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
"""A method or header name (RFC 9110 5.6.2); curl is trusted with nothing else."""

PLAIN_TARGET = re.compile(r"/[A-Za-z0-9\-._~!$&'()*+,;=:@%/]*(\?[A-Za-z0-9\-._~!$&'()*+,;=:@%/?]*)?")
"""Request targets that curl leaves alone as part of a URL; others go in with --request-target."""

ONCE = ("host", "content-length", "transfer-encoding")
"""Headers that curl frames by itself, so that it cannot be made to repeat them."""

CURL_VERSIONS = {"HTTP/1.1": "--http1.1", "HTTP/1.0": "--http1.0"}

INLINE_BODY_LIMIT = 4_096
"""Octets of a body that fit into a command; a longer one is stood in for by as many zeros."""

COMMAND_LIMIT = 16_000
"""Characters of a command that people still paste."""

IDENTITY_FILES = {
    Identity.PRIMARY: ("$CLIENT_CERT", "$CLIENT_KEY"),
    Identity.SECOND: ("$SECOND_CLIENT_CERT", "$SECOND_CLIENT_KEY"),
    Identity.UNKNOWN: ("$UNKNOWN_CLIENT_CERT", "$UNKNOWN_CLIENT_KEY"),
}
"""Shell variables that whoever runs the command sets to files; `Identity.NONE` presents none."""


def route_to(target: Mapping[str, Any]) -> Route:
    """The way to a target, as the journal describes it."""
    return Route(*(str(target.get(key) or "") for key in ("base_url", "connect_to", "proxy")))


def reproduce(exchange: Exchange, route: Route, beside: Sequence[Exchange] = ()) -> str:
    """A shell command that sends the request of `exchange` to the endpoint that `route` leads to.

    Where others were under way at the same time, `beside` it, the command sends them all at once. It holds nothing but printable ASCII outside quotes and escapes, whatever the request holds, so it can be pasted.
    """
    command = " & ".join(_command(each.request, route) for each in (exchange, *beside)) + (" & wait" if beside else "")
    if len(command) > COMMAND_LIMIT:
        return f"# the request of exchange {exchange.number} is too long for a command; journal.jsonl holds it"
    return command


def _command(request: Request, route: Route) -> str:
    return curl_command(request, route) if curl_can_send(request) else raw_command(request, route)


def reproductions(assessment: Assessment, exchanges: Mapping[int, Exchange]) -> Iterator[Finding]:
    """The findings of `assessment`, each with the command for its deciding exchange where it has none yet."""
    route = route_to(assessment.target)
    for finding in assessment.findings:
        deciding = exchanges.get(finding.evidence[0]) if finding.evidence else None
        command = finding.reproduce or (reproduce(deciding, route) if deciding is not None and route.base_url else "")
        yield replace(finding, reproduce=command)


def curl_can_send(request: Request) -> bool:
    """Whether curl sends `request` with the meaning that it has here."""
    names = [name.lower() for name, _ in request.headers]
    return (
        request.http_version in CURL_VERSIONS
        and TOKEN.fullmatch(request.method) is not None
        and _is_printable(request.target)
        and " " not in request.target
        and request.target != ""
        and all(TOKEN.fullmatch(name) and _is_printable(value) for name, value in request.headers)
        and all(value.strip(" \t") or value == "" for _, value in request.headers)
        and all(names.count(name) <= 1 for name in ONCE)
        and "transfer-encoding" not in names
        and _curl_can_frame(request)
    )


def curl_command(request: Request, route: Route) -> str:
    """The curl command for `request`, which `curl_can_send`."""
    words = ["curl", "-sS", "--head" if request.method == "HEAD" else "-i", CURL_VERSIONS[request.http_version]]
    words += ["--path-as-is", "--globoff"]
    if request.method != "HEAD" and (request.method != "GET" or request.body):
        words += ["-X", shlex.quote(request.method)]
    words += _curl_way(route)
    words += _curl_tls(request.identity) if route.is_https else []
    words += [word for line in _curl_headers(request, route.base_url) for word in ("-H", shlex.quote(line))]
    feed, data = _curl_body(request.body)
    words += [*data, *_curl_address(request.target, route.base_url)]
    return f"{feed}{' '.join(words)}"


def raw_command(request: Request, route: Route) -> str:
    """A command that writes the octets of `request` to the endpoint as they are."""
    host, port = _dialled(route)
    proxy = urlsplit(route.proxy).netloc
    feed = _feed(request.wire())
    if not route.is_https:
        way = f" -X connect -x {shlex.quote(proxy)}" if proxy else ""
        return f"{feed} | nc{way} -w 10 {shlex.quote(host)} {port}"
    connect = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    words = ["openssl", "s_client", "-quiet", *(["-proxy", shlex.quote(proxy)] if proxy else [])]
    words += ["-connect", shlex.quote(connect), "-servername", shlex.quote(urlsplit(route.base_url).hostname or "")]
    words += ["-CAfile", '"$CA_BUNDLE"', *_openssl_identity(request.identity)]
    return f"{feed} | {' '.join(words)}"


def _dialled(route: Route) -> tuple[str, int]:
    parts = urlsplit(f"//{route.connect_to}" if route.connect_to else route.base_url)
    return parts.hostname or "", parts.port or (443 if route.is_https else 80)


def printf_format(octets: bytes) -> str:
    """`octets` as one quoted format word that the shell's printf turns back into them."""
    escaped = "".join(_printf_escape(octet) for octet in octets)
    return shlex.quote(escaped) if escaped else "''"


def _feed(octets: bytes) -> str:
    head, separator, body = octets.partition(b"\r\n\r\n")
    if len(body) <= INLINE_BODY_LIMIT:
        return f"printf {printf_format(octets)}"
    return f"{{ printf {printf_format(head + separator)}; head -c {len(body)} /dev/zero; }}"


def _printf_escape(octet: int) -> str:
    special = {0x0D: "\\r", 0x0A: "\\n", 0x09: "\\t", 0x5C: "\\\\", 0x25: "%%"}
    if octet in special:
        return special[octet]
    return chr(octet) if 0x20 <= octet < 0x7F else f"\\{octet:03o}"


def _is_printable(text: str) -> bool:
    return text.isascii() and all(one.isprintable() for one in text)


def _curl_can_frame(request: Request) -> bool:
    length = request.values("content-length")
    if request.body:
        return request.method != "HEAD" and length == (str(len(request.body)),)
    return request.method != "HEAD" or not length


def _curl_way(route: Route) -> list[str]:
    """The address to dial, and a proxy that is to tunnel even for http (as the suite has it); credentials for it are in a variable."""
    words = ["--connect-to", shlex.quote(f"::{route.connect_to}")] if route.connect_to else []
    return [*words, "--proxytunnel", "--proxy", shlex.quote(route.proxy)] if route.proxy else words


def _curl_tls(identity: Identity) -> list[str]:
    words = ["--cacert", '"$CA_BUNDLE"']
    if identity is not Identity.NONE:
        certificate, key = IDENTITY_FILES[identity]
        words += ["--cert", f'"{certificate}"', "--key", f'"{key}"']
    return words


def _openssl_identity(identity: Identity) -> list[str]:
    if identity is Identity.NONE:
        return []
    certificate, key = IDENTITY_FILES[identity]
    return ["-cert", f'"{certificate}"', "-key", f'"{key}"']


def _curl_headers(request: Request, base_url: str) -> Iterator[str]:
    """Every header as a curl option, then the removal of those that curl would add."""
    names = {name.lower() for name, _ in request.headers}
    for name, value in request.headers:
        if name.lower() != "host" or f"{name}: {value}" != f"Host: {urlsplit(base_url).netloc}":
            yield f"{name}: {value}" if value else f"{name};"
    added = ["Host", "User-Agent", "Accept", *(["Content-Type", "Expect"] if request.body else [])]
    yield from (f"{name}:" for name in added if name.lower() not in names)


def _curl_body(body: bytes) -> tuple[str, list[str]]:
    """What feeds curl's standard input, and the options that make it send the body."""
    if not body:
        return "", []
    text = body.decode("latin-1")
    if _is_printable(text) and not text.startswith("@") and len(body) <= INLINE_BODY_LIMIT:
        return "", ["--data-binary", shlex.quote(text)]
    feed = f"printf {printf_format(body)}" if len(body) <= INLINE_BODY_LIMIT else f"head -c {len(body)} /dev/zero"
    return f"{feed} | ", ["--data-binary", "@-"]


def _curl_address(target: str, base_url: str) -> list[str]:
    root = "{0.scheme}://{0.netloc}".format(urlsplit(base_url))
    if PLAIN_TARGET.fullmatch(target):
        return [shlex.quote(root + target)]
    return ["--request-target", shlex.quote(target), shlex.quote(f"{root}/")]
