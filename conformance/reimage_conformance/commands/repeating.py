"""What `replay` and `verify` share: their options, and running the cases of an earlier run again."""

from __future__ import annotations

import contextlib
import io
import sys
from typing import TYPE_CHECKING, Any

from reimage_conformance.commands.options import Options, click_option
from reimage_conformance.commands.run import run_pytest
from reimage_conformance.quantities import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

CODES_WITH_RESULTS = (0, 1, 6)
"""Exit codes of a run that ended normally and wrote results."""
UNKNOWN = 6
"""The exit code of `replay` and `verify` if the later runs do not show what became of the findings."""
NO_CASE = 5
"""The exit code of a run that found none of the cases."""
_OPTIONS = (
    click_option("report-dir", "Keep the reports of the repetition here."),
    click_option("overwrite"),
    click_option("max-reimages", "Never start more reimages than this in a run."),
    click_option("allow-reimage"),
    click_option("connections", "How many requests may be under way."),
    click_option("wait", "Wait this long for the end of another run that uses the same deployment."),
    click_option("no-preflight"),
)


def repeating_options(command: Callable[..., int]) -> Callable[..., int]:
    """`command` with the options that a run of an earlier run's cases may have."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def options_of_repetition(found: Mapping[str, Any], run_folder: Path, **settings: Any) -> Options:
    """The options of a run that repeats the run in `run_folder`, with results `found`: it has the same strictness, profile and seed."""
    same = {key: found["run"][key] for key in ("strictness", "profile", "seed")}
    return Options(**{**same, "failed_in": run_folder, **settings})


def spent_words(results: Mapping[str, Any]) -> str:
    """How much a run with these results sent, and how long it took."""
    spent = results["summary"]
    sent = ", ".join((counted(spent["requests"], "request"), counted(spent["reimages"], "reimage")))
    return f"sent {sent}, in {spent['duration_seconds']:.1f} s"


def run_quietly(target: Path, options: Options) -> int:
    """Run the cases, hide pytest's output and give the exit code; the output is shown if the run did not end normally."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        code = run_pytest(target, options, ["-q", "--no-header"])
    if code not in CODES_WITH_RESULTS:
        sys.stderr.write(output.getvalue())
    return code
