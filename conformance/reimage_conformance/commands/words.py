"""Types of options for click, and tables in plain text."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reimage_conformance.config.keys import MOST_SECONDS
from reimage_conformance.errors import UsageError, did_you_mean
from reimage_conformance.file_names import named_file_fault, target_file_fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


def columns(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The lines of a plain table with aligned columns, one for each row."""
    held = list(rows)
    widths = [max(map(len, column)) for column in zip(*held, strict=True)]
    return ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in held)


class FilePath(click.Path):
    """The path of a file or folder; refuses a text that cannot be one, such as the content of a file in place of its path."""

    def __init__(self, *, is_target: bool = False) -> None:
        super().__init__(path_type=Path)
        self._fault = target_file_fault if is_target else named_file_fault

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """`value` as a path; raises UsageError, whose message does not show the value, if it cannot be one."""
        if fault := self._fault(str(value)):
            is_plain = self._fault is target_file_fault and not isinstance(param, click.Option)
            raise UsageError(fault if is_plain or param is None else f"{_name_of(param)}: {fault}")
        return super().convert(value, param, ctx)


def _name_of(param: click.Parameter) -> str:
    """An option or an argument as the help shows it."""
    if isinstance(param, click.Option):
        return param.opts[0]
    return (param.metavar or str(param.name).upper()).split()[0]


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
