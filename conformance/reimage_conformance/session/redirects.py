"""Redirects: the request that follows a 307 to the same endpoint (REQ-HTTP-307)."""

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
    """Reads redirects of the endpoint at `host`, a name with its port; `restored` unmasks a recorded text."""

    host: str
    restored: Callable[[str], str] = str

    def moved(self, exchange: Exchange, request: Request) -> Request | None:
        """The same request at the URI in Location, where that is on the same host, or None; `exchange` is masked."""
        if exchange.reply is None or exchange.reply.status != 307:
            return None
        location = exchange.reply.header("Location") or ""
        there = self.restored(location)
        parts = urlsplit(there)
        if not parts.path.startswith("/") or not self._is_here(parts.netloc):
            return None
        # If only the host name differs, the target of the request itself is used: unmasking could change the spelling of a secret.
        stays = _target_of(location) == exchange.request.target
        moved = replace(request, target=request.target if stays else _target_of(there))
        names_host = parts.netloc and moved.values("Host") == (self.host,)
        return with_header(moved, "Host", parts.netloc) if names_host else moved

    def _is_here(self, authority: str) -> bool:
        """Whether an authority is that of the endpoint; all loopback names count as equal.

        No other host gets the certificate.
        """
        if authority.lower() in ("", self.host.lower()):
            return True
        (there, port), (here, own) = (each.rpartition(":")[::2] for each in (authority, self.host))
        return port == own and all(is_loopback_host(host.strip("[]")) for host in (there, here))


def _target_of(uri: str) -> str:
    """The path and query of a URI, as a request target."""
    parts = urlsplit(uri)
    return parts.path + (f"?{parts.query}" if parts.query else "")
