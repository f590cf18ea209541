"""What the script of a finding reimages, as one sentence; the reader has to know, since no limit of a target file holds for a script."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from reimage_conformance.quantities import counted
from reimage_conformance.report.story import Send

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reimage_conformance.model import Exchange
    from reimage_conformance.report.story import Part

_PLACE = re.compile(
    r"/hostedservices/(?P<service>[^/?]*)/(?P<form>deploymentslots|deployments)/(?P<container>[^/?]*)/roleinstances/(?P<instance>[^/?]*)",
    re.IGNORECASE,
)
_VALID = ("step:", "contend", "reimage")
"""Beginnings of the labels of valid reimages."""
_REFUSAL = "refusal"
"""The label of a request that ought to be refused."""


def reimaged_sentence(parts: Sequence[Part], target: Mapping[str, Any]) -> str:
    """What a script of these parts reimages, with the names that `target` lists; "" if it reimages nothing."""
    sent = [each for part in parts if isinstance(part, Send) for each in (part.exchange, *part.together)]
    reimages = [each for each in sent if _reimages(each)]
    always = Counter(_place(each, target) for each in reimages if each.label != _REFUSAL)
    faulty = Counter(_place(each, target) for each in reimages if each.label == _REFUSAL)
    named = [_listed(always)] if always else []
    named += [f"{_listed(faulty)} if the fault is still there"] if faulty else []
    if not named:
        return ""
    where = "it" if len(always | faulty) == 1 else "them"
    return f"This script reimages {', and '.join(named)}: what is on {where} is lost. No limit of a target file holds."


def _reimages(exchange: Exchange) -> bool:
    """Whether sending a request again may reimage something: it is a valid reimage, or it was accepted."""
    request = exchange.request
    if request.method in ("GET", "HEAD") or "comp=" not in request.target.lower():
        return False
    return exchange.label.startswith(_VALID) or exchange.is_successful


def _place(exchange: Exchange, target: Mapping[str, Any]) -> str:
    """The role instance that a request addresses, by service, deployment and instance; the request target if it cannot be read."""
    found = _PLACE.search(exchange.request.target)
    if found is None:
        return exchange.request.target
    service, container, instance = (unquote(found[name]) for name in ("service", "container", "instance"))
    return f"{service}/{_deployment(service, found['form'], container, target)}/{instance}"


def _deployment(service: str, form: str, container: str, target: Mapping[str, Any]) -> str:
    """The name of a deployment; for a slot, that of the deployment that `target` lists in it, or else of the slot."""
    if form.lower() == "deployments":
        return container
    listed = target.get("deployments") or ()
    named = (each["name"] for each in listed if (each["cloud_service"], each["slot"]) == (service, container))
    return next(named, container)


def _listed(places: Mapping[str, int]) -> str:
    return _joined(f"{place} ({counted(number, 'time')})" for place, number in places.items())


def _joined(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
