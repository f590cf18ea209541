"""The order of the entries of a HAR, and those that repeat another: by the recorder's clock, unless the endpoint's disagrees."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reimage_conformance.capture.traffic import Recorded
    from reimage_conformance.model import Request, Response

Timed = tuple[datetime, "Recorded"]


def started(entry: Any, before: datetime) -> tuple[datetime, bool]:
    """When an entry started, in UTC, and whether it says so; otherwise the time of the entry before it."""
    try:
        moment = datetime.fromisoformat(entry["startedDateTime"].strip().upper())
        return (moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)), True
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        return before, False


def in_order(timed: Sequence[Timed]) -> tuple[list[Timed], bool]:
    """The exchanges in the order of time, and whether their times can be believed.

    The clock of a recorder can be set back while it records. This shows where the Date lines of the responses go on in
    the order of the file, but back in the order of the recorder's times. The order of the file is then the right one.
    """
    by_time = sorted(timed, key=lambda each: each[0])
    if _dates_go_on(by_time) or not _dates_go_on(timed):
        return by_time, True
    return list(timed), False


def _dates_go_on(timed: Sequence[Timed]) -> bool:
    """Whether the Date lines never go back by more than a second, which is how exactly they are written."""
    dates = [date for _, recorded in timed if (date := _date(recorded)) is not None]
    return all(later - earlier >= timedelta(seconds=-1) for earlier, later in pairwise(dates))


def _date(recorded: Recorded) -> datetime | None:
    """The time in the Date line of a response, None where there is none that can be read."""
    response = recorded.exchange.response
    try:
        moment = parsedate_to_datetime((response.header("Date") if response is not None else None) or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def without_repeats(timed: Sequence[Timed]) -> tuple[list[Timed], list[int]]:
    """The exchanges without repeats, and the numbers of these: an equal request and response at the same time or during the first one."""
    kept: list[Timed] = []
    repeats: list[int] = []
    until: dict[tuple[Request, Response | None], datetime] = {}
    for when, recorded in timed:
        exchange = recorded.exchange
        same = (exchange.request, exchange.response)
        if same in until and when <= until[same]:
            repeats.append(recorded.entry)
            continue
        until[same] = when + timedelta(seconds=exchange.elapsed)
        kept.append((when, recorded))
    return kept, repeats
