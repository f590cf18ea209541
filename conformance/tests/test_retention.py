"""Retention: which operations count as forgotten, from the polls of each."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from judging_samples import OPERATION_ID, POLL, REIMAGE, RUNNING, SUCCEEDED, exchange, in_order, poll, refusal, started
from reimage_conformance.assessment.retention import forgotten_in, is_of_the_forgotten

if TYPE_CHECKING:
    from reimage_conformance.model import Exchange


def at(seconds: float, exchange_: Exchange, label: str = "poll") -> Exchange:
    """An exchange that began then, with this label."""
    return replace(exchange_, at=seconds, label=label)


def denied(seconds: float, label: str = "poll") -> Exchange:
    """A poll that does not find the operation."""
    return at(seconds, refusal(POLL, 404, "ResourceNotFound"), label)


def throttled(seconds: float) -> Exchange:
    """A poll that is throttled."""
    return at(seconds, exchange(POLL, 429))


START = at(0.0, started(REIMAGE), "reimage")
SHOWN = at(0.5, poll(RUNNING))
ENDED = at(1.0, poll(SUCCEEDED))


@pytest.mark.parametrize(
    ("polls", "is_forgotten"),
    [
        pytest.param([SHOWN, ENDED, denied(3.5, "poll-known")], True, id="long after the end"),
        pytest.param([SHOWN, ENDED, denied(2.5, "poll-known")], False, id="soon after the end"),
        pytest.param([SHOWN, ENDED, denied(3.5, "poll-version")], False, id="by a poll that is not plain"),
        pytest.param([SHOWN, denied(3.5)], False, id="under way, and no poll throttled"),
        pytest.param([SHOWN, throttled(1.0), denied(3.5)], True, id="the polls around its end throttled"),
        pytest.param([SHOWN, throttled(0.8), ENDED, denied(2.7)], True, id="its end throttled, and shown later"),
        pytest.param([SHOWN, throttled(0.8), ENDED, denied(2.2)], False, id="its end throttled, but shown soon before"),
        pytest.param([SHOWN, ENDED, throttled(1.5), denied(3.5)], False, id="throttled only after its end was shown"),
        pytest.param([SHOWN, throttled(1.0), denied(2.0)], False, id="throttled, but soon after it was shown"),
        pytest.param([throttled(1.0), denied(3.5)], True, id="all polls since the 202 throttled"),
        pytest.param([denied(3.5)], False, id="never shown, and no poll throttled"),
        pytest.param([throttled(1.0), denied(3.5), at(4.0, poll(RUNNING))], False, id="shown again later"),
        pytest.param([throttled(0.2), SHOWN, denied(3.5)], False, id="shown after the throttled poll"),
    ],
)
def test_an_operation_is_forgotten_where_it_may_have_ended_long_before(
    polls: list[Exchange], *, is_forgotten: bool
) -> None:
    exchanges = in_order(START, *polls)
    forgotten = forgotten_in(exchanges)

    assert (OPERATION_ID in forgotten) is is_forgotten
    assert is_of_the_forgotten(list(exchanges.values())[-1], forgotten) is is_forgotten
