"""What a whole HAR keeps silent about: facts that none of its entries shows are not held against any of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from reimage_conformance.model import Fact

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reimage_conformance.capture.traffic import Recorded

LINES_TAKEN_OUT = {"date": Fact.DATE_LINE, "content-type": Fact.TYPE_LINE, "x-ms-request-id": Fact.ID_LINE}
"""Header lines that sanitisers remove from every response, and the fact that is unknown then."""
_DATE_SECONDS = 2.0
"""The Date lines of replies that are further apart differ; they are written to the second."""
_Look = Callable[["Recorded"], bool]


def _is_answered(recorded: Recorded) -> bool:
    return recorded.exchange.response is not None


def _is_post(recorded: Recorded) -> bool:
    return recorded.exchange.request.method == "POST"


def _is_any(recorded: Recorded) -> bool:
    del recorded
    return True


def _in_response(name: str) -> _Look:
    """Whether a response has a line called `name`."""
    return lambda each: each.exchange.response is not None and bool(each.exchange.response.values(name))


def _in_request(name: str) -> _Look:
    """Whether a request has a line called `name`."""
    return lambda each: bool(each.exchange.request.values(name))


def _has_query(recorded: Recorded) -> bool:
    return "?" in recorded.exchange.request.target


_SILENCES: tuple[tuple[Fact, _Look, _Look], ...] = (
    *((fact, _is_answered, _in_response(name)) for name, fact in LINES_TAKEN_OUT.items()),
    (Fact.VERSION_LINE, _is_any, _in_request("x-ms-version")),
    (Fact.SENT_TYPE_LINE, _is_post, _in_request("Content-Type")),
    (Fact.QUERY, _is_post, _has_query),
)
"""Facts of which sanitisers leave out every sign: the fact, the exchanges that need it, and which exchange shows a sign of it."""


def lacking(recorded: Recorded, *facts: Fact) -> Recorded:
    """`recorded` with more facts marked as not recorded."""
    exchange = recorded.exchange
    return replace(recorded, exchange=replace(exchange, unrecorded=exchange.unrecorded.union(facts)))


def without_what_none_shows(recorded: Sequence[Recorded], *, reads_the_wire: bool) -> list[Recorded]:
    """The exchanges of a HAR, with the facts marked that none of them shows.

    `reads_the_wire` says that the recorder is known to keep the lines that a transport adds, Content-Length among them.
    """
    silent = [(fact, needs) for fact, needs, shows in _SILENCES if not any(map(shows, recorded))]
    if _has_one_date(recorded):
        silent.append((Fact.DATE_LINE, _is_answered))
    if not reads_the_wire and not any(map(_shows_a_length, recorded)):
        silent.append((Fact.REQUEST_LENGTH, _is_any))
    found = [lacking(each, *(fact for fact, needs in silent if needs(each))) for each in recorded]
    return found if any(map(_has_content, found)) else list(_without_content(found))


def _has_one_date(recorded: Sequence[Recorded]) -> bool:
    """Whether all Date lines are the same although time went on between them: a sanitiser wrote them."""
    dated = [each.exchange for each in recorded if _in_response("Date")(each)]
    values = {
        value for exchange in dated if exchange.response is not None for value in exchange.response.values("Date")
    }
    return len(values) == 1 and max(each.at for each in dated) - min(each.at for each in dated) > _DATE_SECONDS


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
