"""Values as HTML: the environment of the templates, in which every value is made visible and escaped."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from reimage_conformance.model import CountsAs, Outcome
from reimage_conformance.quantities import counted
from reimage_conformance.report.explaining import explain_command, usual_mistake
from reimage_conformance.report.results import verdict_of
from reimage_conformance.report.sources import source_words
from reimage_conformance.report.visible import visible
from reimage_conformance.report.wording import (
    LEVEL_MEANINGS,
    OUTCOME_WORDS,
    duration_words,
    may_depend_on_time,
    moment_words,
    tries_words,
    verdict_words,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jinja2 import Environment

    from reimage_conformance.report.http_text import TextLine

SIDES = {">": "sent", "<": "came", "!": "remark"}
"""The class of the style sheet for each side of an exchange."""

SIGNS = {
    "violated": "\u2715",
    "error": "\u2715",
    "known": "\u25d0",
    "advisory": "\u25b2",
    "inconclusive": "?",
    "met": "\u2713",
    "observed": "\u25c9",
    "untested": "\u25cb",
    "not-applicable": "\u2013",
}
"""A sign for every outcome, so that none is shown by its colour alone."""


@cache
def environment() -> Environment:
    """The environment of the templates: it escapes everything, makes it visible, and raises an error for an unknown name."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 -- pages are made when a run ends

    made = Environment(
        loader=PackageLoader("reimage_conformance.report.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        finalize=_shown,
    )
    made.filters.update(
        http=http_markup, prose=prose, duration=duration_words, moment=moment_words, source=source_words
    )
    made.globals.update(
        counted=counted,
        explain_command=explain_command,
        usual_mistake=usual_mistake,
        may_depend_on_time=may_depend_on_time,
        tries_words=tries_words,
        signs=SIGNS,
        outcome_words={outcome.value: words for outcome, words in OUTCOME_WORDS.items()},
        level_meanings=LEVEL_MEANINGS,
        verdict_words=verdict_words,
        verdict_of=verdict_of,
        Outcome=Outcome,
        CountsAs=CountsAs,
    )
    return made


def render(template: str, **values: Any) -> Markup:
    """The HTML of `template` with `values`."""
    return Markup(environment().get_template(f"{template}.html.jinja").render(**values))  # noqa: S704


def rendered(template: str, **values: Any) -> bytes:
    """The same in UTF-8, with lone surrogates escaped; it never holds a large page as text, which takes two to four times the memory."""
    parts = environment().get_template(f"{template}.html.jinja").generate(**values)
    return b"".join(part.encode("utf-8", errors="backslashreplace") for part in parts)


def http_markup(lines: Iterable[TextLine]) -> Markup:
    """Lines of an exchange as HTML, one span each, with the parts that decided the verdict in `mark`."""
    return Markup("\n".join(_line(line) for line in lines))  # noqa: S704


def prose(text: str) -> Markup:
    """A sentence of the catalogue as HTML, with text between backticks as code."""
    escaped = str(escape(visible(text)))
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped))  # noqa: S704


def asset(name: str) -> str:
    """The text of a style sheet or script of the page."""
    return (files("reimage_conformance.report.html") / name).read_text(encoding="utf-8")


def _shown(value: object) -> object:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _line(line: TextLine) -> str:
    """One line as HTML; every character of it is escaped."""
    if not line.text:
        return ""
    pieces, at = [], 0
    for start, stop in line.marks:
        pieces += [escape(line.text[at:start]), "<mark>", escape(line.text[start:stop]), "</mark>"]
        at = stop
    text = "".join([*pieces, escape(line.text[at:])])
    return f'<span class="{SIDES[line.side]}{" start" if line.part == "start" else ""}">{text}</span>'
