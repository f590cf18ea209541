"""Words of the command line: suggestions for near misses, a choice that makes them, words in columns."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


def nearest(word: str, known: Iterable[str]) -> str:
    """What to append to an error about `word`: the known word that it may be a slip of, or nothing."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def columns(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The lines of a plain table, one for each row, its columns aligned."""
    held = list(rows)
    widths = [max(map(len, column)) for column in zip(*held, strict=True)]
    return ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in held)


class Word(click.Choice[str]):
    """One of a few words; a near miss is answered with the word that may be meant."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """`value` if it is one of the words; fails with the nearest of them."""
        if value not in self.choices:
            self._refuse(value, param, ctx)
        return str(value)

    def _refuse(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> None:
        expected = ", ".join(repr(str(choice)) for choice in self.choices)
        hint = nearest(str(value).lower(), map(str, self.choices))
        self.fail(f"{value!r} is not one of {expected}{hint}", param, ctx)
