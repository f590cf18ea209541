"""The entries of a HAR that repeat another: kept from before, or written by a second recorder of the same exchange."""

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

_ONE_CLOCK = timedelta(seconds=2)
"""By one clock, replies with the same Date begin no further apart, but for the time that they took: a Date has whole seconds."""
_MIN_DATES, _MIN_EXCHANGES = 2, 3
"""A capture with at least this many Dates tells time. Another one needs at least this many exchanges to show a second recorder."""
_MOST_COMPARED = 50
"""An exchange is compared with this many before it: where all ids were replaced by one word, very many look alike."""


def without_known_ids(timed: Sequence[Timed], doubtful: Collection[int]) -> tuple[list[Timed], list[int]]:
    """The exchanges without the `doubtful` entries whose request id an earlier reply to the same request has, and their numbers.

    An endpoint gives each reply an id of its own (REQ-ASYNC-REQID-UNIQUE): such a reply was kept from before.
    """
    kept: list[Timed] = []
    again: list[int] = []
    seen: set[tuple[str, str, str]] = set()
    for when, recorded in timed:
        exchange = recorded.exchange
        key = (exchange.request.method, exchange.request.target, exchange.request_id)
        if recorded.entry in doubtful and exchange.request_id and key in seen:
            again.append(recorded.entry)
        else:
            kept.append((when, recorded))
            seen.add(key)
    return kept, again


def without_repeats(timed: Sequence[Timed]) -> tuple[list[Timed], list[int]]:
    """The exchanges without repeats, and the numbers of these: what is the same exchange, at the same time or during the first one."""
    return _without(timed, _sameness, lambda first, second: second[0] <= first[0] + _took(first))


def without_other_clocks(timed: Sequence[Timed], doubtful: AbstractSet[int]) -> tuple[list[Timed], list[int]]:
    """The exchanges without those that a recorder with another clock wrote again, and the numbers of these.

    A second clock is evident where replies of one host with one id and one Date are so far apart that one clock cannot have
    shown both. An endpoint that uses an id again later sends another Date with it. Where every Date of the capture is the
    same, it tells no time: then a second recorder is evident only if several exchanges are there, all equally often. The
    `doubtful` entries may be answers that were kept from before, by the same recorder.
    """
    counts = Counter(map(_sameness_by_date, timed))
    dates = {_date(recorded.exchange) for _, recorded in timed if _date(recorded.exchange)}
    if len(dates) < _MIN_DATES and (len(counts) < _MIN_EXCHANGES or len(set(counts.values())) > 1):
        return list(timed), []

    def is_again(first: Timed, second: Timed) -> bool:
        return doubtful.isdisjoint((first[1].entry, second[1].entry)) and _are_by_two_clocks(first, second)

    return _without(timed, _sameness_by_date, is_again)


def _without(
    timed: Sequence[Timed], sameness: Callable[[Timed], Hashable], is_again: Callable[[Timed, Timed], bool]
) -> tuple[list[Timed], list[int]]:
    """The exchanges without those that repeat one before, of which the one that was recorded best is kept, and their numbers."""
    kept: list[Timed] = []
    repeats: list[int] = []
    places: dict[Hashable, list[int]] = {}
    for each in timed:
        before = places.setdefault(sameness(each), [])
        place = next(
            (p for p in before[-_MOST_COMPARED:] if is_again(kept[p], each) and _are_alike(kept[p], each)), None
        )
        if place is None:
            before.append(len(kept))
            kept.append(each)
            continue
        first, best = kept[place], min(kept[place], each, key=lambda found: len(found[1].exchange.unrecorded))
        kept[place] = (first[0], best[1])
        repeats.append((each if best is first else first)[1].entry)
    return kept, repeats


def _took(timed: Timed) -> timedelta:
    return timedelta(seconds=timed[1].exchange.elapsed)


def _are_by_two_clocks(first: Timed, second: Timed) -> bool:
    (began, one), (again, other) = first, second
    is_told = one.tells(Fact.MOMENT) and other.tells(Fact.MOMENT)
    is_named = bool(one.exchange.request_id and _date(one.exchange))
    return is_told and is_named and abs(again - began) > _ONE_CLOCK + max(_took(first), _took(second))


def _sameness(timed: Timed) -> Hashable:
    """What an exchange shows of itself at every hop; each hop writes header lines and versions of its own."""
    exchange = timed[1].exchange
    status = None if exchange.response is None else exchange.response.status
    return (exchange.request.method, exchange.request.target, exchange.request_id, status)


def _sameness_by_date(timed: Timed) -> Hashable:
    host = timed[1].origin.rpartition("/")[2].partition(":")[0]
    return (_sameness(timed), host, _date(timed[1].exchange))


def _date(exchange: Exchange) -> str:
    return (exchange.response.header("Date") or "") if exchange.response is not None else ""


def _are_alike(first: Timed, second: Timed) -> bool:
    """Whether two records may show one exchange: their contents are the same, as far as both show them.

    Without an id nothing else tells one exchange from the next, and the contents have to be the same in every octet.
    """
    one, other = first[1].exchange, second[1].exchange
    sent, came = (one.request.body, other.request.body), (one.response, other.response)
    if not one.request_id or came[0] is None or came[1] is None:
        return sent[0] == sent[1] and _octets(came[0]) == _octets(came[1])
    is_hidden = not (first[1].tells(Fact.CONTENT) and second[1].tells(Fact.CONTENT))
    return (sent[0] == sent[1] or b"" in sent) and (is_hidden or _show_the_same(came[0], came[1]))


def _octets(response: Response | None) -> bytes | None:
    return None if response is None else response.body


def _show_the_same(one: Response, other: Response) -> bool:
    """Whether two bodies are the same in every octet, or as documents."""
    if one.body == other.body:
        return True
    roots = [read_document(each).root for each in (one, other)]
    return None not in roots and len({_shape(root) for root in roots if root is not None}) == 1


def _shape(element: etree._Element) -> Hashable:
    """An element without the white space between those in it."""
    inner = elements(element)
    return (element.tag, tuple(map(_shape, inner)) if inner else text(element))
