"""Redirects: the request that follows a 307 to the same endpoint (REQ-HTTP-307)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reimage_conformance.protocol.addresses import Kind, is_loopback_host, read_target
from reimage_conformance.protocol.requests import with_header

if TYPE_CHECKING:
    from reimage_conformance.model import Exchange, Request


@dataclass(slots=True)
class Redirects:
    """Reads redirects of the endpoint at `host`, a name with its port.

    `_locations` holds the Location of each 307 as it came, by the number of the exchange: what is recorded of it is masked.
    """

    host: str
    _locations: dict[int, str] = field(default_factory=dict)

    def see(self, exchange: Exchange) -> None:
        """Keeps the Location of an exchange that is not masked yet."""
        if exchange.reply is not None and exchange.reply.status == 307:
            self._locations[exchange.number] = exchange.reply.header("Location") or ""

    def moved(self, exchange: Exchange, request: Request) -> Request | None:
        """The same request at the URI in Location, where that is on the same host, or None.

        If the path there is no address of this protocol, the new request counts as one for the old resource (`moved_from`).
        """
        parts = urlsplit(self._locations.pop(exchange.number, ""))
        if not parts.path.startswith("/") or not self._is_here(parts.netloc):
            return None
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        is_unknown = read_target(target).kind is Kind.OTHER
        moved = replace(request, target=target, moved_from=request.resource if is_unknown else "")
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
