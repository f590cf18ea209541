"""What a client meant: which of its requests are reimages and polls, and which polls belong to which reimage; judges nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from reimage_conformance.judging.oracle import SIBLINGS
from reimage_conformance.judging.world import SLOTS
from reimage_conformance.protocol.addresses import Kind, UriForm, read_target
from reimage_conformance.protocol.documents import same_identifier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Exchange, Request

ACCEPTED = 202
_WITHOUT_ID = re.compile(r"/[^/?]+/operations/?")


@dataclass(frozen=True, slots=True)
class Followed:
    """A reimage that was answered 202 with an id, and the polls of its operation, in order."""

    start: Exchange
    identifier: str
    polls: tuple[Exchange, ...]


def is_reimage(request: Request) -> bool:
    """Whether a request is meant to be a reimage, whatever is wrong with it.

    A POST to a role instance is one, unless its `comp` names another operation of role instances. So is each request
    that is not for another resource of this protocol and has "reimage" in its query, or at the end of its path.
    """
    address = read_target(request.resource)
    if address.kind is Kind.REIMAGE and any(value.lower() in SIBLINGS for value in address.parameters("comp")):
        return False
    if address.kind is Kind.REIMAGE and request.method.upper() == "POST":
        return True
    path, _, query = unquote(request.target).lower().partition("?")
    return address.kind in (Kind.REIMAGE, Kind.OTHER) and ("reimage" in query or path.endswith("/reimage"))


def is_poll(request: Request) -> bool:
    """Whether a request asks for the status of an operation, with or without an id.

    A request for List Subscription Operations is no poll: it has the path of a poll without id, but always a query.
    """
    address = read_target(request.resource)
    return address.kind is Kind.OPERATION or _WITHOUT_ID.fullmatch(request.target) is not None


def polled_id(poll: Exchange) -> str:
    """The id in the path of a poll, percent-decoded; "" for none."""
    return read_target(poll.request.resource).operation


def is_accepted(exchange: Exchange) -> bool:
    """Whether an exchange is a reimage that was answered 202."""
    reply = exchange.reply
    return is_reimage(exchange.request) and reply is not None and reply.status == ACCEPTED


def followed(exchanges: Sequence[Exchange]) -> tuple[Followed, ...]:
    """Each reimage that was accepted, with the later polls that ask about its id, however they write it."""
    polls = [each for each in exchanges if is_poll(each.request)]
    found: list[Followed] = []
    for start in exchanges:
        identifier = start.request_id
        if is_accepted(start) and identifier:
            own = [poll for poll in polls if same_identifier(polled_id(poll), identifier)]
            found.append(Followed(start, identifier, tuple(poll for poll in own if poll.number > start.number)))
    return tuple(found)


def is_same_client(one: Request, other: Request) -> bool:
    """Whether two requests may come from one client: with the same certificate, under the same User-Agent."""
    return one.identity is other.identity and one.values("User-Agent") == other.values("User-Agent")


def place_of(world: World, request: Request) -> tuple[str, str, str]:
    """The cloud service, deployment and role instance that a reimage addresses, in lower case.

    Both forms of address give the same names where the deployment is listed; else the second may be a slot.
    """
    address = read_target(request.resource)
    known = world.deployment_of(address)
    slot = address.deployment.lower()
    if known is None and address.form is UriForm.SLOT and slot in SLOTS:
        listed = world.target.deployments
        known = next((d for d in listed if (d.cloud_service, d.slot) == (address.service, slot)), None)
    deployment = known.name if known is not None else address.deployment
    return address.service.lower(), deployment.lower(), address.instance.lower()
