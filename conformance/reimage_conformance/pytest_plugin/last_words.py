"""What pytest prints when a run is over: a finding once, known violations by their name, and what the letters of its progress mean."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from reimage_conformance.model import Outcome
from reimage_conformance.pytest_plugin.ending import ASSESSMENT
from reimage_conformance.report.wording import is_known_case

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

    from reimage_conformance.model import Assessment

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
"""The letter of each of pytest's categories, in the order in which a reader meets them, and what it says of a case."""


def letters_lines(config: pytest.Config) -> list[str]:
    """What the letters of the progress mean, where pytest printed any."""
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    told = reporter is not None and config.get_verbosity() == 0 and any(reporter.stats.get(name) for name in LETTERS)
    return ["", letters_line(reporter.stats)] if told else []


def letters_line(categories: Mapping[str, Sequence[Any]]) -> str:
    """What the letters of the progress mean, of those that were printed."""
    return "cases: " + ", ".join(f"{sign} {words}" for name, (sign, words) in LETTERS.items() if categories.get(name))


def set_known_apart(categories: dict[str, list[Any]], assessment: Assessment) -> None:
    """Counts the cases of which the baseline expects everything that they are about as known violations, not as failed."""
    expected = {case.id for case in assessment.cases if is_known_case(case, assessment)}
    failed = categories.get(FAILED, [])
    moved = [report for report in failed if report.nodeid in expected]
    if moved:
        categories[KNOWN] = moved
        categories[FAILED] = [report for report in failed if report not in moved]
        if not categories[FAILED]:
            del categories[FAILED]


@contextmanager
def findings_untold(categories: dict[str, list[Any]]) -> Iterator[None]:
    """Keeps violations out of pytest's own list of failures meanwhile, since the findings tell them; what broke the suite stays."""
    failed = categories.pop(FAILED, [])
    broken = [report for report in failed if getattr(report, "reimage_outcome", "") != Outcome.VIOLATED]
    if broken:
        categories[FAILED] = broken
    try:
        yield
    finally:
        if failed:
            categories[FAILED] = failed


class FindingsOnce:
    """Has the terminal tell the findings once: not in pytest's own list of failures, which `--tb` and `-v` bring back."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any, config: pytest.Config) -> Generator[None, object, object]:
        """Keeps violations out of pytest's own list of failures."""
        if ASSESSMENT not in config.stash:
            return (yield)
        set_known_apart(terminalreporter.stats, config.stash[ASSESSMENT])
        if config.get_verbosity() > 0:
            return (yield)
        with findings_untold(terminalreporter.stats):
            return (yield)
