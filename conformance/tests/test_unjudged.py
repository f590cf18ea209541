"""What a run left unjudged: every kind of reason says what can be done, is given somewhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from reimage_conformance.model import Why
from reimage_conformance.report.unjudged import REMEDIES

if TYPE_CHECKING:
    from collections.abc import Iterable

REPOSITORY = Path(__file__).parents[2]
LIBRARY = REPOSITORY / "conformance" / "reimage_conformance"
GIVING = ("judging", "assessment", "session", "gate")
"""The rooms that give reasons, beside cases and casebook."""


def sources() -> Iterable[Path]:
    """Every module that gives reasons."""
    yield from (REPOSITORY / "cases").glob("*.py")
    yield LIBRARY / "casebook.py"
    for room in GIVING:
        yield from (LIBRARY / room).rglob("*.py")


def given() -> set[str]:
    """The names of the kinds of reason that these modules give."""
    return {name for path in sources() for name in re.findall(r"\bWhy\.([A-Z_]+)", path.read_text(encoding="utf-8"))}


def test_every_kind_of_reason_is_given_and_says_what_can_be_done() -> None:
    kinds = set(Why) - {Why.OTHER}

    assert {why.name for why in kinds} == given() - {"OTHER"}
    assert set(REMEDIES) == kinds
    assert [why for why, remedy in REMEDIES.items() if not remedy.advice] == []


def test_a_kind_that_is_not_known_is_none() -> None:
    """Journals of earlier versions have no kinds, those of later versions may have others."""
    assert Why("") is Why("of a later version") is Why.OTHER
