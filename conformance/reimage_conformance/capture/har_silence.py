"""What a whole HAR keeps silent about: facts that none of its entries shows are not held against any of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reimage_conformance.model import Fact

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reimage_conformance.capture.traffic import Recorded

LINES_TAKEN_OUT = {"date": Fact.DATE_LINE, "content-type": Fact.TYPE_LINE, "x-ms-request-id": Fact.ID_LINE}
"""Header lines that sanitisers remove from every response, and the fact that is unknown then."""


def lacking(recorded: Recorded, *facts: Fact) -> Recorded:
    """`recorded` with more facts marked as not recorded."""
    exchange = recorded.exchange
    return replace(recorded, exchange=replace(exchange, unrecorded=exchange.unrecorded.union(facts)))


def without_what_none_shows(recorded: Sequence[Recorded], *, reads_the_wire: bool) -> list[Recorded]:
    """The exchanges of a HAR, with the facts marked that none of them shows.

    `reads_the_wire` says that the recorder is known to keep the lines that a transport adds, Content-Length among them.
    """
    lost = {fact for name, fact in LINES_TAKEN_OUT.items() if not any(_shows(each, name) for each in recorded)}
    if not reads_the_wire and not any(map(_shows_a_length, recorded)):
        lost.add(Fact.REQUEST_LENGTH)
    found = [lacking(each, *lost) for each in recorded]
    return found if any(map(_has_content, found)) else list(_without_content(found))


def _shows(recorded: Recorded, name: str) -> bool:
    """Whether a response has a line called `name`."""
    response = recorded.exchange.response
    return response is not None and bool(response.values(name))


def _shows_a_length(recorded: Recorded) -> bool:
    """Whether the length of a request without content was kept; the length of content may be the program's own line."""
    request = recorded.exchange.request
    return not request.body and bool(request.values("Content-Length"))


def _has_content(recorded: Recorded) -> bool:
    response = recorded.exchange.response
    return response is not None and bool(response.body)


def _without_content(recorded: Sequence[Recorded]) -> Iterator[Recorded]:
    """The exchanges of a recorder that kept no content: none is held to be empty whose lines announce some, or were not kept."""
    for each in recorded:
        response = each.exchange.response
        if response is None or response.header("Content-Length") == "0":
            yield each
        elif response.values("Content-Type") or not response.headers:
            yield lacking(each, Fact.CONTENT, Fact.OCTETS)
        else:
            yield each
