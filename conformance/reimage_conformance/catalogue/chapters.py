"""The chapters of the protocol: the one list of the words that name files of the catalogue, checks, cases, faults and oddities."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import PurePath

CHAPTERS = (
    "addresses",
    "request",
    "response",
    "operations",
    "versions",
    "errors",
    "authentication",
    "deployments",  # what Get Deployment and Get Cloud Service Properties show
    "instances",  # what a reimage does to them
    "transport",
    "concurrency",
    "unspecified",  # what the documents leave open
    "properties",  # generated requests, for requirements of all chapters
)
"""Every chapter, in the order in which requirements are listed and cases run."""


def chapter_of(file: PurePath) -> str:
    """The chapter that a file of cases is called after: `addresses` of `test_addresses.py`."""
    return file.stem.removeprefix("test_")


def rank(chapter: str) -> int:
    """The position of a chapter in the order, from 0; other words come after all chapters."""
    return CHAPTERS.index(chapter) if chapter in CHAPTERS else len(CHAPTERS)
