"""Types of options for click, and tables in plain text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import click

from reimage_conformance.config.keys import MOST_SECONDS
from reimage_conformance.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


def columns(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The lines of a plain table with aligned columns, one for each row."""
    held = list(rows)
    widths = [max(map(len, column)) for column in zip(*held, strict=True)]
    return ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in held)


class Duration(click.FloatRange):
    """A number of seconds or minutes, from `least` (above it, if `is_open`) to `MOST_SECONDS`."""

    def __init__(self, least: float | None, *, is_open: bool) -> None:
        super().__init__(min=least, max=MOST_SECONDS, min_open=is_open)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """`value` as a number in the range; fails for anything else, also for "nan"."""
        found = float(super().convert(value, param, ctx))
        if math.isnan(found):
            self.fail(f"{value!r} is no number", param, ctx)
        return found


class SuggestingChoice(click.Choice[str]):
    """A choice of words; the error for a misspelt word suggests the most similar one."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """`value` if it is one of the words; otherwise fails, with a suggestion."""
        if value not in self.choices:
            self._refuse(value, param, ctx)
        return str(value)

    def _refuse(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> None:
        expected = ", ".join(repr(str(choice)) for choice in self.choices)
        hint = did_you_mean(str(value).lower(), map(str, self.choices))
        self.fail(f"{value!r} is not one of {expected}{hint}", param, ctx)
