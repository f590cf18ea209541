"""The set of oddities that makes the emulator behave as the historical service did."""

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
"""The oddities that make the emulator answer as the historical service did, so that published clients of it work."""


def with_manners(oddities: tuple[str, ...], *, like_the_service: bool) -> tuple[str, ...]:
    """The names in `LIKE_THE_SERVICE` where `like_the_service` is true, then those in `oddities`, without repeats."""
    return tuple(dict.fromkeys((*(LIKE_THE_SERVICE if like_the_service else ()), *oddities)))
