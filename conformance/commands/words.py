"""Words of the command line: suggestions for near misses, and a choice that makes them."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str:
    """What to append to an error about `word`: the known word that it may be a slip of, or nothing."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


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
