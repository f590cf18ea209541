"""The order of the entries of a HAR: by the recorder's clock, unless the endpoint's clock contradicts it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from reimage_conformance.capture.har_silence import lacking
from reimage_conformance.model import Fact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reimage_conformance.capture.traffic import Recorded

Timed = tuple[datetime, "Recorded"]
_NEVER = datetime(1, 1, 2, tzinfo=UTC)
_PRECISION = timedelta(seconds=1)
"""The precision of a Date line."""


def started(entry: Any, before: datetime) -> tuple[datetime, bool]:
    """When an entry started, in UTC, and True; if it does not say so, `before`, the time of the entry before it, and False."""
    try:
        moment = datetime.fromisoformat(entry["startedDateTime"].strip().upper())
        return (moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)), True
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        return before, False


def in_order(timed: Sequence[Timed]) -> list[Timed]:
    """The exchanges in the order of time; facts that the capture does not show are marked as not recorded.

    The recorder's times give the order, if the Date lines of the responses agree: a clock can be set back, and captures
    with two clocks can be merged. Else the order of the file is taken, or the opposite, if the Date lines agree with it;
    and the order of the Date lines, if they agree with none. `Fact.ORDER` is lost where the order is not certain.
    """
    if len({when for when, _ in timed}) > 1:
        return _by_times(timed)
    return _by_file(timed) if len(timed) > 1 else list(timed)


def _by_times(timed: Sequence[Timed]) -> list[Timed]:
    """The order where the recorder wrote times; these are marked as not recorded where the Date lines contradict them."""
    moments = [when for when, _ in timed]
    are_all_told = all(recorded.tells(Fact.MOMENT) for _, recorded in timed)
    is_newest_first = are_all_told and moments == sorted(moments, reverse=True)
    by_time = sorted(reversed(timed) if is_newest_first else timed, key=lambda each: each[0])
    if _dates_go_on(by_time):
        is_sorted = is_newest_first or moments == sorted(moments)
        return by_time if is_sorted else _lacking_where_equal(by_time, [when for when, _ in by_time])
    for order in (list(timed), list(reversed(timed))):
        if _dates_go_on(order):
            return _all_lacking(order, Fact.MOMENT)
    return _all_lacking(_by_dates(by_time), Fact.MOMENT, Fact.ORDER)


def _by_file(timed: Sequence[Timed]) -> list[Timed]:
    """The order where the recorder wrote no times: that of the file, or the opposite, if the Date lines agree with one of them only."""
    orders = (list(timed), list(reversed(timed)))
    agreeing = [order for order in orders if _dates_go_on(order)]
    if len(agreeing) == 1:
        return agreeing[0]
    if agreeing:
        return _all_lacking(agreeing[0], Fact.ORDER)
    by_date = _by_dates(timed)
    return _lacking_where_equal(by_date, [_date(recorded) for _, recorded in by_date])


def _by_dates(timed: Sequence[Timed]) -> list[Timed]:
    """The order of the Date lines; a response without one stays behind the one before it."""
    keys: list[datetime] = []
    for _, recorded in timed:
        keys.append(_date(recorded) or (keys[-1] if keys else _NEVER))
    return [timed[index] for index in sorted(range(len(timed)), key=keys.__getitem__)]


def _all_lacking(timed: Sequence[Timed], *facts: Fact) -> list[Timed]:
    return [(when, lacking(recorded, *facts)) for when, recorded in timed]


def _lacking_where_equal(timed: Sequence[Timed], moments: Sequence[datetime | None]) -> list[Timed]:
    """The exchanges; those that share a moment with another one, or have none, lack `Fact.ORDER`."""
    count = Counter(moments)
    return [
        (when, lacking(recorded, Fact.ORDER) if moment is None or count[moment] > 1 else recorded)
        for (when, recorded), moment in zip(timed, moments, strict=True)
    ]


def _dates_go_on(timed: Sequence[Timed]) -> bool:
    """Whether the Date lines never go back by more than their precision.

    A response may have been written as late as its exchange ended: one that took long may have a later Date than those
    that began after it.
    """
    latest = _NEVER
    for _, recorded in timed:
        date = _date(recorded)
        if date is not None and date < latest - _PRECISION:
            return False
        if date is not None:
            latest = max(latest, date - timedelta(seconds=recorded.exchange.elapsed))
    return True


def _date(recorded: Recorded) -> datetime | None:
    """The time in the Date line of a response, None where there is none that can be read."""
    response = recorded.exchange.response
    try:
        moment = parsedate_to_datetime((response.header("Date") if response is not None else None) or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
