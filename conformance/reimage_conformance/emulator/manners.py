"""Named sets of oddities: the behaviour of one kind of endpoint under one name."""

from __future__ import annotations

LIKE_THE_SERVICE = (
    "slots-without-case",
    "slash-before-query",
    "historical-type-missing",
    "historical-type-atom",
    "historical-fields",
    "versions-later-accepted",
    "historical-forbidden",
    "details-without-case",
    "historical-urls-absolute",
    "offline-after-success",
)
"""The oddities that make the emulator answer as the historical service did, so that its published clients are served."""


def with_manners(oddities: tuple[str, ...], *, like_the_service: bool) -> tuple[str, ...]:
    """The names of the historical service's oddities, if wanted, then those in `oddities`, without repeats."""
    return tuple(dict.fromkeys((*(LIKE_THE_SERVICE if like_the_service else ()), *oddities)))
