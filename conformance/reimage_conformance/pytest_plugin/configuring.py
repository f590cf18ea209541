"""The hooks of pytest that read the options of a run and prepare it, in the process of the user and in workers of pytest-xdist."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from reimage_conformance.errors import SuiteError
from reimage_conformance.model import Preflight
from reimage_conformance.outputs import JOURNAL, clear_folder
from reimage_conformance.pytest_plugin.casing import MARKS
from reimage_conformance.pytest_plugin.choice import ListedCases
from reimage_conformance.pytest_plugin.ending import PAGE, PageHooks
from reimage_conformance.pytest_plugin.interrupting import Interruption, LostOutput
from reimage_conformance.pytest_plugin.last_words import EndingOnce, FindingsOnce
from reimage_conformance.pytest_plugin.options import add_options, is_wanted, plan_of
from reimage_conformance.pytest_plugin.preparing import is_run, prepare
from reimage_conformance.pytest_plugin.quiet import QuietTerminal, is_quiet
from reimage_conformance.pytest_plugin.stash import FOLDER, PLAN, PREFLIGHT

if TYPE_CHECKING:
    from pathlib import Path

    from reimage_conformance.pytest_plugin.options import Plan

REPORT_DIR = "reimage_report_dir"
PREFLIGHT_ANSWERS = "reimage_preflight"
"""The keys of what a worker of pytest-xdist gets from its controller."""
HYPOTHESIS_PROFILE = "reimage-conformance"
EXAMPLES = {"smoke": 5, "standard": 30, "nightly": 1000}
"""How many examples Hypothesis draws for a property, by profile."""
STEPS = {"smoke": 5, "standard": 25, "nightly": 50}
"""How many steps a stateful property has at most, by profile."""

pytest_addoption = add_options


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Prepares a run; for a mistake in options or target file, prints one sentence and gives the exit code."""
    if not is_run(config):
        return None
    try:
        prepared = prepare(config)
    except SuiteError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:  # while it waited for another run
        sys.stderr.write("error: interrupted\n")
        return pytest.ExitCode.INTERRUPTED
    config.stash[PLAN], config.stash[FOLDER] = prepared.plan, prepared.folder
    if prepared.hold is not None:
        config.add_cleanup(prepared.hold.release)
    config.stash[PREFLIGHT] = prepared.preflight
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Declares the markers, and registers the parts of a conformance run."""
    config.addinivalue_line("markers", "verifies(*requirements): the requirements that a conformance case judges")
    for name in ("smoke", "nightly", *MARKS):
        config.addinivalue_line("markers", f"{name}: when a conformance case runs")
    if not is_wanted(config):
        return
    config.option.collectonly = config.option.collectonly or config.option.list
    if PLAN not in config.stash:  # a worker of pytest-xdist, or an option such as --markers
        try:
            config.stash[PLAN] = plan_of(config)
        except SuiteError as error:
            raise pytest.UsageError(str(error)) from None
        given = getattr(config, "workerinput", {})
        config.stash[FOLDER] = type(config.rootpath)(given[REPORT_DIR]) if REPORT_DIR in given else None
        config.stash[PREFLIGHT] = _preflight_from(given.get(PREFLIGHT_ANSWERS))
    plan, folder = config.stash[PLAN], config.stash[FOLDER]
    if config.option.tbstyle == "auto":
        config.pluginmanager.register(FindingsOnce())
        config.option.tbstyle = "line"  # the finding itself is enough; tracebacks cost time
    config.pluginmanager.register(EndingOnce())
    if is_quiet(config):
        config.pluginmanager.register(QuietTerminal())
    if not config.option.usepdb:
        config.pluginmanager.register(Interruption(brief=not config.option.fulltrace))
    if not hasattr(config, "workerinput"):  # only the controller of pytest-xdist reads what a worker writes
        config.pluginmanager.register(LostOutput())
    _set_up_hypothesis(plan)
    _set_up_reports(config, folder)


def _set_up_hypothesis(plan: Plan) -> None:
    """Sets how many examples Hypothesis draws, and keeps failed examples in its database, to be tried first in the next run.

    These settings also replace those that Hypothesis uses on CI servers (the same examples each time, no database).
    """
    from hypothesis import HealthCheck  # noqa: PLC0415

    usual = settings.get_profile("default")
    settings.register_profile(
        HYPOTHESIS_PROFILE,
        parent=usual,
        derandomize=False,
        database=None if plan.repeats else usual.database,
        deadline=None,
        max_examples=EXAMPLES[plan.profile.value],
        stateful_step_count=STEPS[plan.profile.value],
        report_multiple_bugs=False,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
        print_blob=False,
    )
    settings.load_profile(HYPOTHESIS_PROFILE)


def _set_up_reports(config: pytest.Config, folder: Path | None) -> None:
    """Clears the report folder of an earlier run, and makes pytest-html write its page there; --list has no reports."""
    if config.option.list:
        config.pluginmanager.register(ListedCases(config.stash[PLAN]))
    if config.option.collectonly:
        return
    if folder is not None and not hasattr(config, "workerinput"):
        try:
            clear_folder(folder, kept=JOURNAL if config.stash[PLAN].resume is not None else "")
        except SuiteError as error:
            raise pytest.UsageError(str(error)) from None
    if folder is not None and not config.getoption("htmlpath", None) and not hasattr(config, "workerinput"):
        config.option.htmlpath = str(folder / "report.html")
        config.option.self_contained_html = True
        config.pluginmanager.register(PageHooks(), PAGE)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Gives a worker of pytest-xdist the report folder and the result of the preflight."""
    folder = node.config.stash.get(FOLDER, None)
    if folder is not None:
        node.workerinput[REPORT_DIR] = str(folder)
    preflight = node.config.stash.get(PREFLIGHT, None)
    if preflight is not None:
        node.workerinput[PREFLIGHT_ANSWERS] = (preflight.requests, [list(answer) for answer in preflight.answers])


def _preflight_from(given: tuple[int, list[list[str]]] | None) -> Preflight | None:
    """The result of the preflight that the controller of pytest-xdist passed on."""
    return None if given is None else Preflight(given[0], tuple((level, text) for level, text in given[1]))
