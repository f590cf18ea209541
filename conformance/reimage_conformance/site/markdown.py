"""Markdown from plain text: escapes characters of markup, makes links of requirement ids, keeps `code` as it is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_MARKUP = re.compile(r"([\\*_\[\]<>&|#])")
_REQUIREMENT = re.compile(r"\bREQ(?:-[A-Z0-9]+)+\b")


def prose(text: str, folder: str = "") -> str:
    """`text` as Markdown; each requirement id in it is a link to its page.

    `folder` is the relative path to these pages: "", or a path with a slash at its end.
    """
    parts = text.split("`")
    if len(parts) % 2 == 0:  # a lone backtick is no code
        return _plain(text.replace("`", "'"), folder)
    return "".join(f"`{part}`" if index % 2 else _plain(part, folder) for index, part in enumerate(parts))


def _plain(text: str, folder: str) -> str:
    escaped = _MARKUP.sub(r"\\\1", text).replace(r"\<", "&lt;").replace(r"\>", "&gt;").replace(r"\&", "&amp;")
    return _REQUIREMENT.sub(lambda found: f"[{found[0]}]({folder}{found[0]}.md)", escaped)


def code(text: str) -> str:
    """`text` as code within a line."""
    fence = "``" if "`" in text else "`"
    return f"{fence}{text}{fence}"


def block(text: str, language: str = "text") -> str:
    """`text` as a block of code."""
    fence = "````" if "```" in text else "```"
    return f"{fence}{language}\n{text}\n{fence}"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; cells are Markdown already."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
