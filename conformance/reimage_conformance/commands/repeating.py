"""Repeating: the options of commands that run cases of an earlier run again, and such a run."""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reimage_conformance.commands.options import Options
from reimage_conformance.commands.run import run_pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

JUDGED = (0, 1, 6)
"""Exit codes of a run that ended normally and wrote results."""
UNKNOWN = 6
NO_CASE = 5
_OPTIONS = (
    click.option("--report-dir", type=click.Path(path_type=Path), help="Keep the reports of the repetition here."),
    click.option("--overwrite", is_flag=True, help="Replace the run that the report folder holds."),
    click.option("--max-reimages", type=click.IntRange(min=0), help="Never start more reimages than this in a run."),
    click.option("--allow-reimage", is_flag=True, help="Reimage although the target file does not allow it."),
    click.option("--connections", type=click.IntRange(min=1), help="How many requests may be under way."),
    click.option(
        "--wait",
        type=click.FloatRange(min=0),
        metavar="SECONDS",
        help="Wait this long for another run at the deployment.",
    ),
    click.option("--no-preflight", is_flag=True, help="Begin without checking the target file at the endpoint."),
)


def repeating_options(command: Callable[..., int]) -> Callable[..., int]:
    """`command` with the options that a run of an earlier run's cases may have."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def repetition(found: Mapping[str, Any], run_folder: Path, **settings: Any) -> Options:
    """The options of a run that repeats one with the results `found`: strictness, profile and seed are those of the earlier run."""
    was = found["run"]
    nothing: dict[str, Any] = dict.fromkeys(Options.__dataclass_fields__)
    given = {"faults": (), "oddities": (), "only": (), "no_redact": False, "list_cases": False}
    same = {"strictness": was["strictness"], "profile": was["profile"], "seed": was["seed"]}
    return Options(**{**nothing, **given, **same, "failed_in": run_folder, **settings})


def run_quietly(target: Path, options: Options) -> int:
    """Run the cases, hide pytest's output and give the exit code; the output is shown if the run did not end normally."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        code = run_pytest(target, options, ["-q", "--no-header"])
    if code not in JUDGED:
        sys.stderr.write(output.getvalue())
    return code
