"""Entries of a HAR that repeat another one: answers from a cache, and exchanges that were written twice, by one recorder or by two."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

from reimage_conformance.model import Fact
from reimage_conformance.protocol.documents import elements, read_document, text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Sequence
    from collections.abc import Set as AbstractSet

    from lxml import etree

    from reimage_conformance.capture.har_order import Timed
    from reimage_conformance.model import Exchange, Response

_MAX_APART = timedelta(seconds=2)
"""If one clock timed two replies with the same Date, they began at most this long apart, plus the duration of the longer exchange.

A Date has whole seconds.
"""
_MIN_DATES = 2
"""A capture with fewer different Dates does not show when its replies were sent."""
_MIN_EXCHANGES = 3
"""Such a capture needs at least this many different exchanges to show a second recorder."""
_MOST_COMPARED = 50
"""An exchange is compared with at most this many before it: where all ids were replaced by one word, very many look alike."""


def without_cached(timed: Sequence[Timed], perhaps_cached: Collection[int]) -> tuple[list[Timed], list[int]]:
    """The exchanges without answers from a cache, and the entry numbers of these answers.

    An endpoint gives each reply an id of its own (REQ-ASYNC-REQID-UNIQUE). So one of the entries in `perhaps_cached` is left out
    if an earlier reply to the same method and target has its request id.
    """
    kept: list[Timed] = []
    cached: list[int] = []
    seen: set[tuple[str, str, str]] = set()
    for when, recorded in timed:
        exchange = recorded.exchange
        key = (exchange.request.method, exchange.request.target, exchange.request_id)
        if recorded.entry in perhaps_cached and exchange.request_id and key in seen:
            cached.append(recorded.entry)
        else:
            kept.append((when, recorded))
            seen.add(key)
    return kept, cached


def without_repeats(timed: Sequence[Timed]) -> tuple[list[Timed], list[int]]:
    """The exchanges without repeats, which began before the same exchange had ended, and the entry numbers of the repeats."""
    return _without(timed, _key, lambda first, second: second[0] <= first[0] + _duration(first))


def without_other_clocks(timed: Sequence[Timed], perhaps_cached: AbstractSet[int]) -> tuple[list[Timed], list[int]]:
    """The exchanges without those that a recorder with another clock wrote again, and the entry numbers of these.

    A second clock is evident where replies of one host with the same id and Date are so far apart that one clock cannot have timed
    both. An endpoint that uses an id again later sends another Date with it. If all Dates of the capture are the same, they
    show nothing: then a second recorder is evident only if there are several exchanges, all written equally often. The entries in
    `perhaps_cached` stay: they may be answers from a cache, written by the same recorder.
    """
    counts = Counter(map(_key_with_date, timed))
    dates = {_date(recorded.exchange) for _, recorded in timed if _date(recorded.exchange)}
    if len(dates) < _MIN_DATES and (len(counts) < _MIN_EXCHANGES or len(set(counts.values())) > 1):
        return list(timed), []

    def is_repeat(first: Timed, second: Timed) -> bool:
        return perhaps_cached.isdisjoint((first[1].entry, second[1].entry)) and _are_by_two_clocks(first, second)

    return _without(timed, _key_with_date, is_repeat)


def _without(
    timed: Sequence[Timed], key_of: Callable[[Timed], Hashable], is_repeat: Callable[[Timed, Timed], bool]
) -> tuple[list[Timed], list[int]]:
    """The exchanges without repeats of an earlier one with the same key, and the entry numbers of those left out.

    Of an exchange and its repeats, the one that was recorded best is kept, at the time of the first.
    """
    kept: list[Timed] = []
    left_out: list[int] = []
    indexes: dict[Hashable, list[int]] = {}
    for each in timed:
        same = indexes.setdefault(key_of(each), [])
        recent = same[-_MOST_COMPARED:]
        index = next((i for i in recent if is_repeat(kept[i], each) and _are_alike(kept[i], each)), None)
        if index is None:
            same.append(len(kept))
            kept.append(each)
            continue
        first, best = kept[index], min(kept[index], each, key=lambda found: len(found[1].exchange.unrecorded))
        kept[index] = (first[0], best[1])
        left_out.append((each if best is first else first)[1].entry)
    return kept, left_out


def _duration(timed: Timed) -> timedelta:
    return timedelta(seconds=timed[1].exchange.elapsed)


def _are_by_two_clocks(first: Timed, second: Timed) -> bool:
    """Whether one clock cannot have timed both of two replies with the same id and Date."""
    (began, one), (began_again, other) = first, second
    are_timed = one.tells(Fact.MOMENT) and other.tells(Fact.MOMENT)
    has_id_and_date = bool(one.exchange.request_id and _date(one.exchange))
    limit = _MAX_APART + max(_duration(first), _duration(second))
    return are_timed and has_id_and_date and abs(began_again - began) > limit


def _key(timed: Timed) -> Hashable:
    """What all recorders of an exchange write alike: each proxy on its way may change other header lines and the HTTP version."""
    exchange = timed[1].exchange
    status = None if exchange.response is None else exchange.response.status
    return (exchange.request.method, exchange.request.target, exchange.request_id, status)


def _key_with_date(timed: Timed) -> Hashable:
    host = timed[1].origin.rpartition("/")[2].partition(":")[0]
    return (_key(timed), host, _date(timed[1].exchange))


def _date(exchange: Exchange) -> str:
    return (exchange.response.header("Date") or "") if exchange.response is not None else ""


def _are_alike(first: Timed, second: Timed) -> bool:
    """Whether two entries may show one exchange: their contents are the same, as far as both show them.

    Without a request id only the contents distinguish two exchanges, so that they have to be the same in every octet.
    """
    one, other = first[1].exchange, second[1].exchange
    bodies, responses = (one.request.body, other.request.body), (one.response, other.response)
    if not one.request_id or responses[0] is None or responses[1] is None:
        return bodies[0] == bodies[1] and _octets(responses[0]) == _octets(responses[1])
    is_hidden = not (first[1].tells(Fact.CONTENT) and second[1].tells(Fact.CONTENT))
    return (bodies[0] == bodies[1] or b"" in bodies) and (is_hidden or _show_the_same(responses[0], responses[1]))


def _octets(response: Response | None) -> bytes | None:
    return None if response is None else response.body


def _show_the_same(one: Response, other: Response) -> bool:
    """Whether two bodies are the same in every octet, or as documents."""
    if one.body == other.body:
        return True
    roots = [read_document(each).root for each in (one, other)]
    return None not in roots and len({_structure(root) for root in roots if root is not None}) == 1


def _structure(element: etree._Element) -> Hashable:
    """The names and texts of an element and all elements in it, without the white space between elements."""
    inner = elements(element)
    return (element.tag, tuple(map(_structure, inner)) if inner else text(element))
