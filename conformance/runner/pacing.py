"""Pacing: how long until something that is under way is looked at again."""

from __future__ import annotations

_SHARE = 0.15
_PARTS = 5


def pause(waited: float, interval: float) -> float:
    """Seconds until the next look at what has been under way for `waited`: a share of that, within a fifth of `interval` and the whole.

    So a short operation is seen in each of its states, and a long one is polled no more often than it has to be.
    """
    return min(max(waited * _SHARE, interval / _PARTS), interval)
