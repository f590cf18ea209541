"""Spelling: the paths that a server could read in a path, and the normal form of names.

A server may decode once or twice, cut at a NUL, drop path parameters, take a backslash for a slash, and so on, in any
order. Each of these rewrites the text. The possible readings are all texts that any number of rewritings can reach.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_SPELLINGS = 256
"""A path with more spellings than this is not read; its request is kept back."""
_CONTROL = r"\x00-\x1f\x7f\x80-\x9f"
_EDGES = re.compile(rf"^[\s{_CONTROL}/\\]+|[\s{_CONTROL}/\\]+$")


class WrittenNames(NamedTuple):
    """The names in the address of a deployment as a request writes them, "" for one that it lacks; `deployment` is its slot or name."""

    subscription: str = ""
    service: str = ""
    deployment: str = ""


NO_NAMES = WrittenNames()


@lru_cache(maxsize=8192)
def normal(name: str) -> str:
    """`name` in normal form: casefolded, NFKC, without invisible characters, and without white space and slashes around it."""
    if not name.isascii():
        visible = "".join(each for each in name if unicodedata.category(each) != "Cf")
        name = unicodedata.normalize("NFKC", visible)
    return _EDGES.sub("", name.casefold())


def trimmed(name: str) -> str:
    """`name` without white space, control characters and slashes around it, otherwise as it is written."""
    return _EDGES.sub("", name)


def _without_dots(path: str) -> str:
    """`path` without dot segments (RFC 3986, section 5.2.4)."""
    kept: list[str] = []
    for segment in path.split("/"):
        bare = segment.strip()
        if bare == "..":
            del kept[max(len(kept) - 1, 1) :]
        elif bare != ".":
            kept.append(segment)
    return "/".join(kept) or "/"


_REWRITINGS: tuple[Callable[[str], str], ...] = (
    unquote,
    lambda path: unquote(path, encoding="latin-1"),
    lambda path: path.replace("+", " "),
    lambda path: path.replace("\\", "/"),
    lambda path: re.split(r"[\x00\r\n]", path, maxsplit=1)[0],
    lambda path: re.sub(rf"[{_CONTROL}][^/]*", "", path),
    lambda path: re.sub(rf"[{_CONTROL}]", "", path),
    lambda path: re.sub(r";[^/]*", "", path),
    lambda path: re.split(r"[?#]", path, maxsplit=1)[0],
    lambda path: re.sub(r"/\s*/+", "/", path),
    _without_dots,
)
_PLAIN = re.compile(r"[A-Za-z0-9_~:@,$!'()=.*&-]+(?<!\.)")


def _is_plain(path: str) -> bool:
    """Whether no rewriting changes a path."""
    return all(_PLAIN.fullmatch(segment) for segment in path.split("/")[1:]) and path[:1] == "/"


@lru_cache(maxsize=8192)
def spellings(path: str) -> frozenset[str] | None:
    """Every text that the undecoded `path` can be read as, itself included.

    None where there are more than MAX_SPELLINGS.
    """
    if _is_plain(path):
        return frozenset((path,))
    found, waiting = {path}, [path]
    while waiting:
        text = waiting.pop()
        for rewrite in _REWRITINGS:
            other = rewrite(text)
            if other not in found:
                found.add(other)
                waiting.append(other)
        if len(found) > MAX_SPELLINGS:
            return None
    return frozenset(found)
