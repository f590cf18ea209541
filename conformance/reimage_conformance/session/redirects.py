"""Redirects: the request that follows a 307 to the same endpoint (REQ-HTTP-307)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from reimage_conformance.protocol.addresses import Kind, is_loopback_host, read_target
from reimage_conformance.protocol.requests import with_header

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from reimage_conformance.model import Exchange, Request


_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(slots=True)
class Redirects:
    """Reads redirects of the endpoint at `base_url`.

    `_locations` holds the Location of each 307 as it came, by the number of the exchange: what is recorded of it is masked.
    """

    base_url: str
    _locations: dict[int, str] = field(default_factory=dict)

    def see(self, exchange: Exchange) -> None:
        """Keeps the Location of an exchange that is not masked yet."""
        if exchange.reply is not None and exchange.reply.status == 307:
            self._locations[exchange.number] = exchange.reply.header("Location") or ""

    def moved(self, exchange: Exchange, request: Request) -> Request | None:
        """The same request at the URI in Location, where that is on the same host, or None.

        A relative URI in Location is resolved against that of the request (RFC 9110 10.2.2). If the path there is no address of this
        protocol, the new request counts as one for the old resource (`moved_from`).
        """
        location = self._locations.pop(exchange.number, "")
        asked = urlsplit(self.base_url)._replace(path=request.target.partition("?")[0], query="", fragment="").geturl()
        try:
            parts = urlsplit(urljoin(asked, location))
        except ValueError:  # no URI
            return None
        if not location or not self._is_here(parts):
            return None
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        is_unknown = read_target(target).kind is Kind.OTHER
        moved = replace(request, target=target, moved_from=request.resource if is_unknown else "")
        names_host = moved.values("Host") == (urlsplit(self.base_url).netloc,)
        return with_header(moved, "Host", parts.netloc) if names_host else moved

    def _is_here(self, there: SplitResult) -> bool:
        """Whether a URI is at the endpoint: its host and its port are the same; all loopback names count as equal.

        No other host gets the certificate.
        """
        here = urlsplit(self.base_url)
        try:
            ports = [
                _DEFAULT_PORTS.get(each.scheme.lower()) if each.port is None else each.port for each in (here, there)
            ]
        except ValueError:  # no number, or too large
            return False
        hosts = [(each.hostname or "").rstrip(".") for each in (here, there)]
        return ports[0] == ports[1] and (hosts[0] == hosts[1] or all(map(is_loopback_host, hosts)))
