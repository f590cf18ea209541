"""The gate in front of the probe: it lets requests through to the probe of a listed role instance only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.gate.gate import Withheld
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
            for instance in each.listed_instances
        }

    def check(self, request: Request) -> None:
        """Raises Withheld unless `request` addresses the probe of a listed role instance, or a marker below it."""
        head, mark, name = request.target.rpartition("/local-storage/")
        if not mark:
            head, mark, name = request.target.rpartition("/other/")
        is_listed = request.target in self._paths or (head in self._paths and "/" not in name)
        if not is_listed:
            raise Withheld(f"the probe at {request.target} does not belong to a listed role instance", Why.OTHER)

    def learn(self, exchange: Exchange) -> None:
        """Does nothing: a probe shows nothing about addresses."""
