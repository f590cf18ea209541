"""Facts that no entry of a HAR shows, or that were taken out of it: they are marked as not recorded, and no verdict rests on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from reimage_conformance.capture.har_dates import is_date_in_other_letters, is_rewritten
from reimage_conformance.model import Fact

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reimage_conformance.capture.traffic import Recorded
    from reimage_conformance.model import Headers, Request, Response

LINES_TAKEN_OUT = {"date": Fact.DATE_LINE, "content-type": Fact.TYPE_LINE, "x-ms-request-id": Fact.ID_LINE}
"""Header lines that sanitisers remove from every response, and the fact that is unknown then."""
_DATE_SECONDS = 2.0
"""The Date lines of replies that are further apart differ; they are written to the second."""
_WITH_A_DATE = ("server", "x-ms-request-id")
"""Lines that sanitisers remove together with Date, and that a server in front of an endpoint does not write."""
_OF_CONTENT = ("Content-Type", "Content-Length", "Transfer-Encoding")
"""Lines of a request that libraries like that of .NET keep apart from the others, so that a recorder keeps all of them or none."""
_MAY_BE_EMPTY = frozenset({"allow", "host"})
"""Lines that mean something without a value: no method is allowed, or the target names no host (RFC 9110, 10.2.1 and 7.2)."""
_Predicate = Callable[["Recorded"], bool]


def _is_answered(recorded: Recorded) -> bool:
    return recorded.exchange.response is not None


def _is_post(recorded: Recorded) -> bool:
    return recorded.exchange.request.method == "POST"


def _is_any(recorded: Recorded) -> bool:
    del recorded
    return True


def _in_response(name: str) -> _Predicate:
    """The predicate whether a response has a line called `name`."""
    return lambda each: each.exchange.response is not None and bool(each.exchange.response.values(name))


def _in_request(name: str) -> _Predicate:
    """The predicate whether a request has a line called `name`."""
    return lambda each: bool(each.exchange.request.values(name))


def _has_query(recorded: Recorded) -> bool:
    return "?" in recorded.exchange.request.target


_SIGNS: tuple[tuple[Fact, _Predicate, _Predicate], ...] = (
    *((fact, _is_answered, _in_response(name)) for name, fact in LINES_TAKEN_OUT.items()),
    (Fact.VERSION_LINE, _is_any, _in_request("x-ms-version")),
    (Fact.SENT_TYPE_LINE, _is_post, _in_request("Content-Type")),
    (Fact.QUERY, _is_post, _has_query),
)
"""Facts of which sanitisers remove every sign: the fact, which exchanges lack it then, and which exchanges show a sign of it."""


def lacking(recorded: Recorded, *facts: Fact) -> Recorded:
    """`recorded` with more facts marked as not recorded."""
    exchange = recorded.exchange
    return replace(recorded, exchange=replace(exchange, unrecorded=exchange.unrecorded.union(facts)))


def with_unshown_facts_marked(recorded: Sequence[Recorded], *, reads_the_wire: bool) -> list[Recorded]:
    """The exchanges of a HAR; facts that none of them shows are marked as not recorded, and lines that a sanitiser emptied are removed.

    `reads_the_wire` says that the recorder is known to keep the lines that a transport adds, Content-Length among them.
    """
    recorded = _without_emptied_lines(recorded)
    unshown = [(fact, needs) for fact, needs, shows in _SIGNS if not any(map(shows, recorded))]
    if _has_one_date(recorded):
        unshown.append((Fact.DATE_LINE, _is_answered))
    if not reads_the_wire and not any(map(_shows_a_length, recorded)):
        unshown.append((Fact.REQUEST_LENGTH, _is_any))
    if _are_dates_rewritten(recorded):
        unshown.append((Fact.DATE_FORM, _is_answered))
    if any(map(_shows_lines_of_content, recorded)):
        unshown += [(fact, _hides_lines_of_content) for fact in (Fact.SENT_TYPE_LINE, Fact.REQUEST_LENGTH)]
    unshown.append((Fact.DATE_LINE, _lost_its_date_with_other_lines(recorded)))
    found = [lacking(each, *(fact for fact, needs in unshown if needs(each))) for each in recorded]
    if not any(map(_has_content, found)):
        return _with_hidden_content_marked(found, _announces_content)
    has_types = any(map(_in_response("Content-Type"), found))
    return found if has_types else _with_hidden_content_marked(found, _is_any)


def _without_emptied_lines(recorded: Sequence[Recorded]) -> list[Recorded]:
    """The exchanges without the lines whose value is empty in every message: a sanitiser took the values out."""
    requests = [each.exchange.request for each in recorded]
    responses = [each.exchange.response for each in recorded if each.exchange.response is not None]
    of_requests, of_responses = (_emptied(found) for found in (requests, responses))
    if not (of_requests or of_responses):
        return list(recorded)
    return [_lacking_lines(each, of_requests, of_responses) for each in recorded]


def _emptied(messages: Iterable[Request | Response]) -> set[str]:
    """The names of the lines that are there and always empty."""
    lines = [(name.strip().lower(), value) for message in messages for name, value in message.headers]
    return {name for name, _ in lines} - {name for name, value in lines if value} - _MAY_BE_EMPTY


def _lacking_lines(recorded: Recorded, of_requests: set[str], of_responses: set[str]) -> Recorded:
    exchange = recorded.exchange
    request = replace(exchange.request, headers=_other_lines(exchange.request.headers, of_requests))
    response = exchange.response
    if response is not None:
        response = replace(response, headers=_other_lines(response.headers, of_responses))
    return replace(recorded, exchange=replace(exchange, request=request, response=response))


def _other_lines(headers: Headers, names: set[str]) -> Headers:
    return tuple(line for line in headers if line[0].strip().lower() not in names)


def _has_one_date(recorded: Sequence[Recorded]) -> bool:
    """Whether all Date lines are the same although their exchanges were not at the same time: a sanitiser wrote them."""
    dated = [each.exchange for each in recorded if _in_response("Date")(each)]
    values = {
        value for exchange in dated if exchange.response is not None for value in exchange.response.values("Date")
    }
    return len(values) == 1 and max(each.at for each in dated) - min(each.at for each in dated) > _DATE_SECONDS


def _are_dates_rewritten(recorded: Sequence[Recorded]) -> bool:
    """Whether a recorder or a sanitiser may have written every Date line: each is a moment, and none is as HTTP writes it."""
    lines = [line for each in recorded if each.exchange.response is not None for line in each.exchange.response.headers]
    dates = [value for name, value in lines if name.strip().lower() == "date"]
    if not dates:
        return False
    return all(map(is_rewritten, dates)) or (
        _are_in_one_case([value for _, value in lines]) and all(map(is_date_in_other_letters, dates))
    )


def _are_in_one_case(values: Sequence[str]) -> bool:
    """Whether values are all in small letters, or all in capitals."""
    return all(value == value.lower() for value in values) or all(value == value.upper() for value in values)


def _lost_its_date_with_other_lines(recorded: Sequence[Recorded]) -> _Predicate:
    """The predicate whether a response has no Date, and lacks another line as well that all responses with a Date show."""
    dated = list(filter(_in_response("Date"), recorded))
    shown = [_in_response(name) for name in _WITH_A_DATE if dated and all(map(_in_response(name), dated))]
    return lambda each: (
        _is_answered(each) and not _in_response("Date")(each) and not all(shows(each) for shows in shown)
    )


def _shows_lines_of_content(recorded: Recorded) -> bool:
    return _is_post(recorded) and any(_in_request(name)(recorded) for name in _OF_CONTENT)


def _hides_lines_of_content(recorded: Recorded) -> bool:
    """Whether a POST shows no line of its content, not even a length."""
    return _is_post(recorded) and not _shows_lines_of_content(recorded)


def _shows_a_length(recorded: Recorded) -> bool:
    """Whether the length of a request without content was kept; the length of content may be the program's own line."""
    request = recorded.exchange.request
    return not request.body and bool(request.values("Content-Length"))


def _has_content(recorded: Recorded) -> bool:
    response = recorded.exchange.response
    return response is not None and bool(response.body)


def _with_hidden_content_marked(recorded: Sequence[Recorded], may_have_content: _Predicate) -> list[Recorded]:
    """The exchanges; content is marked as not recorded in responses without any that `may_have_content`, unless their length is 0."""
    return [
        lacking(each, Fact.CONTENT, Fact.OCTETS) if _may_be_hidden(each) and may_have_content(each) else each
        for each in recorded
    ]


def _may_be_hidden(recorded: Recorded) -> bool:
    """Whether a response shows no content, and no Content-Length of 0."""
    response = recorded.exchange.response
    return response is not None and not response.body and response.header("Content-Length") != "0"


def _announces_content(recorded: Recorded) -> bool:
    """Whether the lines of a response announce content, or were not kept."""
    response = recorded.exchange.response
    return response is not None and (bool(response.values("Content-Type")) or not response.headers)
