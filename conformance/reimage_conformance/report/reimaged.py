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
_DRAWN = re.compile(r"[0-9a-f]{12}")
"""What is in a name that was drawn for a run (`gate.new_token`); such a name does not exist at any time."""


def reimaged_sentence(parts: Sequence[Part], target: Mapping[str, Any]) -> str:
    """What a script of these parts reimages, with the names that `target` lists, and what it may reimage; "" if it reimages nothing."""
    sent = [each for part in parts if isinstance(part, Send) for each in (part.exchange, *part.together)]
    return " ".join(filter(None, (_reimaged(sent, target), _not_existing(sent, target))))


def _reimaged(sent: Sequence[Exchange], target: Mapping[str, Any]) -> str:
    reimages = [each for each in sent if _reimages(each)]
    always = Counter(_place(each, target) for each in reimages if each.label != _REFUSAL)
    faulty = Counter(_place(each, target) for each in reimages if each.label == _REFUSAL)
    named = [_listed(always)] if always else []
    named += [f"{_listed(faulty)} if the fault is still there"] if faulty else []
    if not named:
        return ""
    where = "it" if len(always | faulty) == 1 else "them"
    return f"This script reimages {', and '.join(named)}: what is on {where} is lost. No limit of a target file holds."


def _not_existing(sent: Sequence[Exchange], target: Mapping[str, Any]) -> str:
    """Which of the refused reimages address what did not exist during the run, and may exist when the script is used."""
    refused = [each for each in sent if each.label == _REFUSAL and _asks_for_reimage(each) and not each.is_successful]
    listed = {
        f"{each['cloud_service']}/{each['name']}/{name}".lower()
        for each in target.get("deployments") or ()
        for name in (*each.get("role_instances", ()), *each.get("failing_role_instances", ()))
    }
    places = dict.fromkeys(_place(each, target) for each in refused)
    unlisted = [place for place in places if place.lower() not in listed and not _DRAWN.search(place)]
    if not listed or not unlisted:
        return ""
    subject = "it still does not exist" if len(unlisted) == 1 else "they still do not exist"
    return f"The target file does not list {_joined(unlisted)}: make sure first that {subject}."


def _asks_for_reimage(exchange: Exchange) -> bool:
    """Whether a request that may change something has the query parameter of a reimage."""
    return exchange.request.method not in ("GET", "HEAD") and "comp=" in exchange.request.target.lower()


def _reimages(exchange: Exchange) -> bool:
    """Whether sending a request again may reimage something: it is a valid reimage, or it was accepted."""
    return _asks_for_reimage(exchange) and (exchange.label.startswith(_VALID) or exchange.is_successful)


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
