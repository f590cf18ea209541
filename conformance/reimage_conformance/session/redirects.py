"""Redirects: where a 307 leads, as far as that is the endpoint itself (REQ-HTTP-307)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reimage_conformance.protocol.addresses import is_loopback_host
from reimage_conformance.protocol.requests import with_header

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.model import Exchange, Request


@dataclass(frozen=True, slots=True)
class Redirects:
    """Reads redirects of the endpoint at `host`, with its port; `restored` gives what was masked in a text that was recorded."""

    host: str
    restored: Callable[[str], str] = str

    def moved(self, exchange: Exchange, request: Request) -> Request | None:
        """The same request at the URI in Location, where that is on the same host; what is recorded of it is masked."""
        if exchange.reply is None or exchange.reply.status != 307:
            return None
        location = exchange.reply.header("Location") or ""
        there = self.restored(location)
        parts = urlsplit(there)
        if not parts.path.startswith("/") or not self._is_here(parts.netloc):
            return None
        # Where nothing but the name of the host is another, the target is the request's own, however a secret in it is spelt.
        stays = _target_of(location) == exchange.request.target
        moved = replace(request, target=request.target if stays else _target_of(there))
        names_host = parts.netloc and moved.values("Host") == (self.host,)
        return with_header(moved, "Host", parts.netloc) if names_host else moved

    def _is_here(self, authority: str) -> bool:
        """Whether an authority is that of the endpoint: the certificate is shown to nobody else. Loopback goes by many names."""
        if authority.lower() in ("", self.host.lower()):
            return True
        (there, port), (here, own) = (each.rpartition(":")[::2] for each in (authority, self.host))
        return port == own and all(is_loopback_host(host.strip("[]")) for host in (there, here))


def _target_of(uri: str) -> str:
    """The path and query of a URI, as a request target."""
    parts = urlsplit(uri)
    return parts.path + (f"?{parts.query}" if parts.query else "")
