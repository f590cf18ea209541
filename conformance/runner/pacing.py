"""Pacing: how long until something that is under way is asked about again, in seconds.

Each is a share of the time for which it has been under way, within a part of the operator's interval and the whole. So a short operation
is seen in each of its states, and a long one is asked about no more often than it has to be.
"""

from __future__ import annotations


def until_next_poll(waited: float, interval: float) -> float:
    """Until the next poll of an operation that was accepted `waited` ago."""
    return min(max(waited * 0.15, interval / 5), interval)


def until_next_look(waited: float, interval: float) -> float:
    """Until the next look at an instance whose reimage was accepted `waited` ago: states of an instance may be short."""
    return min(max(waited * 0.1, interval / 10), interval)
