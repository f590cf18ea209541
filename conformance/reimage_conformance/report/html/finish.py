"""Finishes the page that pytest-html wrote: verdict first, final rows, usable by keyboard, without access to the network."""

from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING, Any, TypeAlias

from reimage_conformance.errors import ReportError
from reimage_conformance.report.html.markup import asset, rendered
from reimage_conformance.report.html.policy import content_policy
from reimage_conformance.report.html.rows import HEADER
from reimage_conformance.report.write import write_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reimage_conformance.report.html.rows import Row

RowOf: TypeAlias = "Callable[[str, str, str], Row]"
"""Gives the row for a node id, pytest's result and its log, which pytest-html has escaped."""

PIECES = {
    "title": r'<title id="head-title">(.*?)</title>',
    "generated": r"<p>(Report generated on .*?)</p>",
    "sections": r'<div class="additional-summary prefix">(.*?)</div>\s*<p class="run-count">',
    "filters": r'<div class="filters">(.*?)</div>',
    "after": r'<div class="additional-summary postfix">(.*?)</div>\s*</div>\s*<table id="results-table">',
    "head": r'<thead id="results-table-head">(.*?)</thead>',
    "data": r'data-jsonblob="([^"]*)"',
    "script": r'data-jsonblob="[^"]*"></div>\s*<script>(.*)</script>\s*</footer>',
}
"""Patterns for the pieces of pytest-html's page that are kept; its template is the same from 4.1.1 to 4.2."""

FILTER = re.compile(r'<input ([^<>]*?data-test-result="(\w+)"[^<>]*)>\s*<span class="\w+">(\d+) ([^<>,]*),?\s*</span>')
"""A checkbox of pytest-html with the text beside it, which becomes its label."""


def finish_html(path: Path, row_of: RowOf | None = None) -> None:
    """Rewrite the page at `path` with the rows that `row_of` gives.

    Raises ReportError, and does not change the file, if it cannot be read or written or is no page of pytest-html 4.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ReportError(f"{path}: cannot be read: {error.strerror or error}") from error
    pieces = _pieces(text, str(path))
    del text  # a page takes megabytes, and so does each step on its way
    write_file(path, _finished(pieces, row_of))


def finished(text: str, row_of: RowOf | None = None, name: str = "page") -> bytes:
    """The finished page in UTF-8 for the text that pytest-html wrote; raises ReportError if that is no page of pytest-html 4."""
    return _finished(_pieces(text, name), row_of)


def _pieces(text: str, name: str) -> dict[str, str]:
    return {key: _piece(text, key, pattern, name) for key, pattern in PIECES.items()}


def _finished(pieces: dict[str, str], row_of: RowOf | None) -> bytes:
    data = json.loads(html.unescape(pieces.pop("data")))
    data["initialSort"] = "outcome"
    if row_of is not None:
        pieces["head"] = f"<tr>{''.join(HEADER)}</tr>"
        data["tests"] = {node: [_test(node, test, row_of) for test in tests] for node, tests in data["tests"].items()}
    styles, scripts = [asset("page.css")], [_script(pieces["script"]), _script(asset("page.js"))]
    return rendered(
        "page",
        policy=content_policy(styles, scripts),
        styles=styles,
        scripts=scripts,
        data=_attribute(json.dumps(data, separators=(",", ":"))),
        filters=FILTER.sub(_labelled, pieces["filters"]),
        **{key: pieces[key] for key in ("title", "generated", "sections", "after", "head")},
    )


def _piece(text: str, key: str, pattern: str, name: str) -> str:
    match = re.search(pattern, text, re.DOTALL)
    if match is None:
        raise ReportError(f"{name}: is not a page of pytest-html 4: it has no {key}")
    return match[1]


def _test(node: str, test: dict[str, Any], row_of: RowOf) -> dict[str, Any]:
    """One entry of pytest-html's table, with our cells and the values that they are sorted by."""
    row = row_of(node, test["result"], test.get("log", ""))
    values = {"outcome": row.outcome, "case": row.case, "requirement": row.requirement, "seconds": row.seconds}
    return {**test, **values, "log": "", "resultsTableRow": list(row.cells)}


def _labelled(match: re.Match[str]) -> str:
    hidden = " hidden" if match[3] == "0" else ""
    words = f'{match[4]} <span class="number">{match[3]}</span>'
    return f'<label class="filter-choice"{hidden}><input {match[1]}> {words}</label>'


def _script(text: str) -> str:
    """A script with the line ends that an HTML parser gives it, so that its hash is right."""
    return text.replace("\r\n", "\n")


def _attribute(text: str) -> str:
    """`text` escaped for a single-quoted attribute; the many double quotes of JSON need no escape there."""
    return text.replace("&", "&amp;").replace("'", "&#39;").replace("<", "&lt;")
