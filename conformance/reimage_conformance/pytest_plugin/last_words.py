"""What pytest prints at the end of a run: findings once, known violations apart from others, and the meaning of the progress letters."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from reimage_conformance.model import Outcome
from reimage_conformance.pytest_plugin.ending import ASSESSMENT
from reimage_conformance.report.wording import is_known_case

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

    from reimage_conformance.model import Assessment

CASES = "test_cases"
"""The name of pytest's verbosity of the lines about cases."""
PAGE_HEADING = "Generated html report"
"""How pytest-html's heading with the path of its page begins; the conclusion names the page."""
FAILED = "failed"
KNOWN = "known violation"
LETTERS = {
    "passed": (".", "met"),
    FAILED: ("F", "violated"),
    "inconclusive": ("?", "could not be judged"),
    "advisory": ("w", "advisory"),
    "observed": ("o", "observed"),
    "untested": ("-", "untested"),
    "not applicable": ("n", "not applicable"),
    "error": ("E", "the suite itself broke"),
}
"""The letter of each category of pytest, and its meaning, in the order of the line that explains them."""


def letters_lines(config: pytest.Config) -> list[str]:
    """The meaning of the progress letters; no lines where pytest printed none."""
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    shown = (
        reporter is not None and config.get_verbosity(CASES) == 0 and any(reporter.stats.get(name) for name in LETTERS)
    )
    return ["", letters_line(reporter.stats)] if shown else []


def letters_line(categories: Mapping[str, Sequence[Any]]) -> str:
    """The meaning of the progress letters that were printed."""
    return "cases: " + ", ".join(f"{sign} {words}" for name, (sign, words) in LETTERS.items() if categories.get(name))


def separate_known(categories: dict[str, list[Any]], assessment: Assessment) -> None:
    """Moves the reports of cases whose violations the baseline all expects from pytest's category FAILED to KNOWN."""
    expected = {case.id for case in assessment.cases if is_known_case(case, assessment)}
    failed = categories.get(FAILED, [])
    moved = [report for report in failed if report.nodeid in expected]
    if moved:
        categories[KNOWN] = moved
        categories[FAILED] = [report for report in failed if report not in moved]
        if not categories[FAILED]:
            del categories[FAILED]


@contextmanager
def without_findings(categories: dict[str, list[Any]]) -> Iterator[None]:
    """Removes violations from pytest's list of failures for a while, since the findings show them.

    Cases that failed because of a defect of the suite stay in the list.
    """
    failed = categories.pop(FAILED, [])
    broken = [report for report in failed if getattr(report, "reimage_outcome", "") != Outcome.VIOLATED]
    if broken:
        categories[FAILED] = broken
    try:
        yield
    finally:
        if failed:
            categories[FAILED] = failed


class EndingOnce:
    """Leaves pytest-html's path of the page out, and marks pytest's counts as counts of cases, since the verdict counts requirements."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any, config: pytest.Config) -> Generator[None, object, object]:
        """Leaves out the heading, and puts a word before the counts."""
        if ASSESSMENT in config.stash:
            terminalreporter.build_summary_stats_line = _of_cases(terminalreporter.build_summary_stats_line)
        heading = terminalreporter.write_sep
        terminalreporter.write_sep = partial(_write_other_headings, heading)
        try:
            return (yield)
        finally:
            terminalreporter.write_sep = heading


def _write_other_headings(
    heading: Callable[..., None], sep: str, title: str | None = None, *rest: Any, **named: Any
) -> None:
    if not (title or "").startswith(PAGE_HEADING):
        heading(sep, title, *rest, **named)


def _of_cases(counts: Callable[[], Any]) -> Callable[[], Any]:
    """Pytest's counts, with `cases:` before the first."""

    def marked() -> Any:
        parts, colour = counts()
        return [(f"cases: {text}" if not at else text, markup) for at, (text, markup) in enumerate(parts)], colour

    return marked


class FindingsOnce:
    """Makes the terminal show findings once, without pytest's list of failures; `--tb` and `-v` bring the list back."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any, config: pytest.Config) -> Generator[None, object, object]:
        """Removes violations from pytest's list of failures."""
        if ASSESSMENT not in config.stash:
            return (yield)
        separate_known(terminalreporter.stats, config.stash[ASSESSMENT])
        if config.get_verbosity() > 0:
            return (yield)
        with without_findings(terminalreporter.stats):
            return (yield)
