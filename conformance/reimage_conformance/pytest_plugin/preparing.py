"""Before a run: reads the options, checks that the output files can be written, and runs the preflight."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reimage_conformance.baseline import load_baseline
from reimage_conformance.errors import SuiteError, UnreachableError
from reimage_conformance.locks import hold
from reimage_conformance.model import Preflight
from reimage_conformance.outputs import claim_folder, try_file, try_folder
from reimage_conformance.pytest_plugin.fitting import check_target, resumable
from reimage_conformance.pytest_plugin.heading import limited, masked
from reimage_conformance.pytest_plugin.options import folder_for, is_wanted, plan_of
from reimage_conformance.redaction.redactor import Redactor

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from reimage_conformance.locks import Hold
    from reimage_conformance.model import Target
    from reimage_conformance.pytest_plugin.options import Plan

LOOKING_ONLY = (
    "help",
    "version",
    "collectonly",
    "list",
    "showfixtures",
    "show_fixtures_per_test",
    "markers",
    "cacheshow",
)
"""Options with which pytest prints something and runs nothing."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A run that can begin: its plan, its report folder, and the result of the preflight.

    `folder` is None for a run in memory without --report-dir. `hold` locks the target's deployments against other runs on this
    machine; it is None for an emulator. `preflight` is None for an emulator and with --no-preflight.
    """

    plan: Plan
    folder: Path | None
    hold: Hold | None
    preflight: Preflight | None


def is_run(config: pytest.Config) -> bool:
    """Whether this process starts a conformance run; a worker of pytest-xdist only takes part in one."""
    looks = any(getattr(config.option, name, None) for name in LOOKING_ONLY)
    return is_wanted(config) and not looks and not hasattr(config, "workerinput")


def prepare(config: pytest.Config) -> Prepared:
    """Prepares a run; raises SuiteError if it cannot begin.

    After such an error there is no report folder, unless it has reports which say that the endpoint cannot be reached or judged.
    """
    plan = plan_of(config)
    folder = report_folder(config, plan)
    made = [] if folder is None else [path for path in (folder, *folder.parents) if not path.exists()]
    held: Hold | None = None
    try:
        _check_outputs(plan, folder)
        _check_resumed(plan)
        _check_inputs(plan)
        if plan.target is not None:
            held = hold(plan.target, folder, wait_seconds=plan.wait_seconds, waiting=_print)
        preflight = _preflight(plan, folder)
    except SuiteError:
        if held is not None:
            held.release()
        for path in made:  # leave no empty folder
            with suppress(OSError):
                path.rmdir()
        raise
    return Prepared(plan, folder, held, preflight)


def _print(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()


def report_folder(config: pytest.Config, plan: Plan) -> Path | None:
    """The report folder; None for a run in memory without --report-dir."""
    if plan.report_dir is not None:
        return plan.report_dir.resolve()
    if plan.in_memory:
        return None
    name = plan.target.name if plan.target is not None else "embedded-emulator"
    return folder_for(name, config.invocation_params.dir, time.time())


def _check_outputs(plan: Plan, folder: Path | None) -> None:
    if folder is not None and plan.resume is not None:
        try_folder(folder, "--resume")
    elif folder is not None:
        claim_folder(folder, overwrite=plan.overwrite)
    if plan.write_baseline is not None:
        try_file(plan.write_baseline, "--write-baseline")
        if plan.write_baseline.exists():
            load_baseline(plan.write_baseline)


def _check_resumed(plan: Plan) -> None:
    """Checks for --resume that the run began with the same target."""
    if plan.resume is not None and plan.target is not None:
        target = limited(plan.target, plan)
        shown = masked(target, Redactor.for_target(target, enabled=plan.redact))
        check_target(plan.resume, resumable(plan.resume), target, shown)


def _check_inputs(plan: Plan) -> None:
    if plan.baseline is not None:
        load_baseline(plan.baseline)
    if plan.faults or plan.oddities:
        from reimage_conformance.emulator import find_fault, find_oddity  # noqa: PLC0415  only a run with faults needs it

        for name in plan.faults:
            find_fault(name)
        for name in plan.oddities:
            find_oddity(name)


def _preflight(plan: Plan, folder: Path | None) -> Preflight | None:
    """The result of the preflight, None for an emulator; raises SuiteError if a run cannot begin.

    If the endpoint cannot be reached or judged, reports that say so are written: a nightly job has reports every night.
    """
    if plan.target is None:
        return None
    began = time.monotonic()
    try:
        return _preflight_of(plan, plan.target)
    except UnreachableError as error:
        if folder is not None and plan.resume is None:  # with --resume, the earlier reports stay
            from reimage_conformance.pytest_plugin.unreached import report_unreached  # noqa: PLC0415  only where nothing can be judged

            report_unreached(plan, plan.target, folder, str(error), began)
        raise


def _preflight_of(plan: Plan, target: Target) -> Preflight | None:
    """The result of the preflight, None with --no-preflight.

    Raises SuiteError, with the target file, where a run cannot begin.
    """
    from reimage_conformance.preflight import look_before_run, reach  # noqa: PLC0415  only a run against a target needs it

    if not plan.preflight:
        reach(target)
        return None
    try:
        found, sent = look_before_run(target)
    except SuiteError as error:
        raise type(error)(f"{plan.file}: {error}") from error
    redactor = Redactor.for_target(target, enabled=plan.redact)
    return Preflight(len(sent), tuple((remark.level.value, redactor.text(remark.text)) for remark in found))
