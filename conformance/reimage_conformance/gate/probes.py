"""The gate in front of a probe: only listed role instances are read and written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.gate.gate import Withheld
from reimage_conformance.gate.listing import instances_of
from reimage_conformance.model import Why
from reimage_conformance.protocol.requests import Place

if TYPE_CHECKING:
    from reimage_conformance.model import Exchange, Request, Target


class ProbeGate:
    """Lets only requests to the probe of a listed role instance be sent."""

    def __init__(self, target: Target) -> None:
        self._paths = {
            Place(each, instance).probe_path(target.probe_url or "")
            for each in target.deployments
            for instance in instances_of(each)
        }

    def check(self, request: Request) -> None:
        """Raises Withheld where `request` does not address a listed role instance."""
        head, mark, rest = request.target.rpartition("/local-storage/")
        if not mark:
            head, mark, rest = request.target.rpartition("/other/")
        known = request.target in self._paths or (head in self._paths and "/" not in rest)
        if not known:
            raise Withheld(f"the probe at {request.target} does not belong to a listed role instance", Why.OTHER)

    def learn(self, exchange: Exchange) -> None:
        """Learns nothing: a probe shows nothing about addresses."""
