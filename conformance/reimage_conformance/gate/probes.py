"""The gate in front of a probe: only role instances that are listed are looked into and written to."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from reimage_conformance.gate.gate import Withheld
from reimage_conformance.gate.listing import instances_of
from reimage_conformance.protocol.requests import Place

if TYPE_CHECKING:
    from reimage_conformance.model import Exchange, Request, Target


class ProbeGate:
    """Lets out requests below the probe's address of a listed role instance."""

    def __init__(self, target: Target) -> None:
        path = urlsplit(target.probe_url or "").path
        self._paths = {
            path.format(**{key: quote(value, safe="") for key, value in Place(each, instance).names().items()})
            for each in target.deployments
            for instance in instances_of(each)
        }

    def check(self, request: Request) -> None:
        """Does nothing where `request` goes to a listed role instance; raises Withheld where it does not."""
        head, mark, rest = request.target.rpartition("/local-storage/")
        if not mark:
            head, mark, rest = request.target.rpartition("/other/")
        known = request.target in self._paths or (head in self._paths and "/" not in rest)
        if not known:
            raise Withheld(f"the probe of {request.target} is not that of a listed role instance")

    def learn(self, exchange: Exchange) -> None:
        """Nothing is learnt from a probe."""
