"""An explanation as plain text for a console."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from reimage_conformance.explain.sections import Item, Section, sections_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reimage_conformance.explain.explanation import Explanation

COLUMNS = 100


def text_of(explained: Explanation) -> str:
    """The whole explanation, its prose in lines of at most 100 characters; exchanges are not wrapped."""
    row = explained.requirement
    head = f"{row.id}: {row.title}"
    lines = [head, "=" * len(head), f"{row.level}, area {row.area}, chapter {explained.chapter}"]
    for section in sections_of(explained):
        lines += ["", section.heading, *_lines(section)]
    return "\n".join(lines)


def _lines(section: Section) -> Iterator[str]:
    for paragraph in section.paragraphs:
        yield from _wrapped(paragraph, "  ")
    if section.command:
        yield from ("", f"    {section.command}", "")
    for item in section.items:
        yield from _wrapped(_line(item), "  * ", "    ")
    for exchange in section.exchanges:
        yield ""
        yield from textwrap.indent(exchange, "    ").splitlines()
    if section.rest:
        yield f"    {section.rest}"


def _line(item: Item) -> str:
    if item.code:
        return f"{item.name}: {item.words}" if item.words else item.name
    return ", ".join(text for text in (item.name, item.words, item.address) if text)


def _wrapped(text: str, first: str, then: str = "") -> list[str]:
    wrapper = textwrap.TextWrapper(COLUMNS, first, then or first, break_long_words=False, break_on_hyphens=False)
    return wrapper.wrap(text)
