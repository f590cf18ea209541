"""The hooks of pytest that begin a run, report its cases and end it."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from reimage_conformance.errors import ReportError, SuiteError
from reimage_conformance.journal import collection_paused
from reimage_conformance.outputs import clear_folder
from reimage_conformance.pytest_plugin.casing import cases_of, cites
from reimage_conformance.pytest_plugin.concluding import report_conclusion
from reimage_conformance.pytest_plugin.ending import ASSESSMENT, PAGE, USAGE, end_session
from reimage_conformance.pytest_plugin.last_words import letters_lines
from reimage_conformance.pytest_plugin.progress import progress_line
from reimage_conformance.pytest_plugin.run import Run
from reimage_conformance.pytest_plugin.stash import (
    BREAKDOWN,
    CONCLUSION,
    FOLDER,
    LEFT_OUT,
    LINES,
    PLAN,
    PREFLIGHT,
    PROGRESS,
    RUN,
)
from reimage_conformance.session.signals import Inconclusive, NotApplicable, Untested
from reimage_conformance.session.sut import SystemUnderTest  # noqa: TC001  pytest reads what a fixture returns
from reimage_conformance.session.turns import TURN
from reimage_conformance.standard_streams import cannot_be_written, is_full

if TYPE_CHECKING:
    from collections.abc import Generator

    from reimage_conformance.session.cases import Conclusion
    from reimage_conformance.session.scheduler import Session

NO_MORE = "stopped: nothing more can be recorded"
BROKEN = (
    "a defect of the suite ended the run at {case}, see its traceback; the reports hold what was recorded until then"
)


def _is_controller(config: pytest.Config) -> bool:
    """Whether this process is the controller of pytest-xdist, whose workers run the cases."""
    return bool(getattr(config.option, "numprocesses", None)) and not hasattr(config, "workerinput")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Makes the run and connects to the endpoint."""
    config = session.config
    if (
        PLAN not in config.stash
        or config.option.collectonly
        or _is_controller(config)
        or hasattr(config, "workerinput")
    ):
        return
    _begin(config)


def _begin(config: pytest.Config) -> None:
    """Makes the run; a worker of pytest-xdist does so only with its first case, since one worker gets all cases."""
    try:
        config.stash[RUN] = Run(config.stash[PLAN], config.stash[FOLDER], config.stash[PREFLIGHT])
    except SuiteError as error:
        pytest.exit(f"error: {error}", returncode=error.exit_code)
    except OSError as error:
        if not is_full(error):
            raise
        pytest.exit(f"error: {cannot_be_written(error)}", returncode=ReportError.exit_code)


def pytest_report_header(config: pytest.Config) -> list[str]:
    """The header lines: target, strictness, profile, budget and seed."""
    run = config.stash.get(RUN, None)
    if run is None:
        return []
    target, plan = run.target, run.plan
    budget = f"at most {target.limits.max_reimages} reimages"
    lines = [
        f"target: {target.name} at {target.base_url}; {target.strictness.value}, {plan.profile.value}, {budget}, seed {plan.seed}"
    ]
    options = os.environ.get("PYTEST_ADDOPTS")
    return [*lines, f"PYTEST_ADDOPTS in the environment adds: {options}"] if options else lines


@pytest.fixture(scope="session")
def sut(request: pytest.FixtureRequest) -> SystemUnderTest:
    """The endpoint being judged."""
    return request.config.stash[RUN].sut


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> None:
    """Starts the session with the first case; it runs the cases in pytest's order, ahead of pytest."""
    if not cites(item) or PLAN not in item.config.stash:
        return
    if RUN not in item.config.stash:
        _begin(item.config)
    run = item.config.stash[RUN]
    if run.session is None:
        run.note_left_out(item.config.stash.get(LEFT_OUT, {}))
        run.begin(cases_of(item.session.items), in_step=item.config.option.usepdb)
        item.config.stash[PROGRESS] = None if item.config.option.usepdb else progress_line(item.config)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Waits for the conclusion of the case that pytest has come to, and raises what its body raised."""
    run = pyfuncitem.config.stash.get(RUN, None)
    if run is None or run.session is None or not cites(pyfuncitem):
        return None
    try:
        conclusion = pyfuncitem.stash[CONCLUSION] = _conclusion_of(run.session, pyfuncitem)
    except ReportError as error:  # a full disk: nothing more can be recorded
        pyfuncitem.config.stash[BREAKDOWN] = error
        pyfuncitem.session.shouldfail = NO_MORE
        raise
    except Exception:  # no case raised it: the session itself broke, and all further cases would end in the same way
        pyfuncitem.config.stash[BREAKDOWN] = SuiteError(BROKEN.format(case=pyfuncitem.nodeid))
        pyfuncitem.session.shouldfail = "stopped: the run broke off"
        raise
    if conclusion.error is not None:
        raise conclusion.error
    return True


def _conclusion_of(session: Session, item: pytest.Function) -> Conclusion:
    """Waits for the conclusion of a case, and shows the progress of the run meanwhile."""
    line = item.config.stash.get(PROGRESS, None)
    if line is None:
        return session.conclusion(item.nodeid)
    try:
        return session.conclusion(item.nodeid, lambda: line.show(session.progress))
    finally:
        line.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Writes the conclusion of the case into the report."""
    if call.excinfo is not None and isinstance(
        call.excinfo.value, (Inconclusive, Untested, NotApplicable, ReportError)
    ):
        item.repr_failure = _in_words  # type: ignore[method-assign]  # no traceback
    with TURN:
        report = yield
    if call.excinfo is not None and isinstance(call.excinfo.value, ReportError):
        report.longrepr = NO_MORE
    if call.when == "call" and CONCLUSION in item.stash:
        report_conclusion(report, item.stash[CONCLUSION])
    return report


def _in_words(excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
    """The text of an outcome that is not an error, in place of a traceback."""
    del style
    return str(excinfo.value)


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Names the outcomes that pytest has no word for."""
    outcome = getattr(report, "reimage_outcome", "")
    words = {
        "inconclusive": ("inconclusive", "?", "INCONCLUSIVE"),
        "advisory": ("advisory", "w", "ADVISORY"),
        "untested": ("untested", "-", "UNTESTED"),
        "not-applicable": ("not applicable", "n", "NOT-APPLICABLE"),
        "observed": ("observed", "o", "OBSERVED"),
    }
    return words.get(outcome)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> Generator[None, object, object]:
    """Ends the run, writes its reports, and sets the exit code by the verdict."""
    config = session.config
    if PLAN not in config.stash or config.option.collectonly:
        return (yield)
    if exitstatus == USAGE:
        try:
            return (yield)
        except (OSError, RuntimeError):
            return None  # pytest-html has no assessment to make a page from
        finally:
            _forget_run(config)
    with collection_paused():
        run, breakdown = config.stash.get(RUN, None), config.stash.get(BREAKDOWN, None)
        lines = end_session(session, run, config.stash[FOLDER], config.stash[PLAN], exitstatus, breakdown)
        config.stash[LINES] = [*letters_lines(config), *lines]
        try:
            return (yield)
        except (OSError, RuntimeError) as error:
            if ASSESSMENT not in config.stash:
                return None  # pytest-html has no assessment to make a page from; LINES says why
            if not isinstance(error, OSError) or not is_full(error) or config.pluginmanager.has_plugin(PAGE):
                raise  # the hooks of the page report it
            session.exitstatus = ReportError.exit_code
            lines.append(f"error: {cannot_be_written(error)}")
            return None


def _forget_run(config: pytest.Config) -> None:
    """Closes a run whose cases pytest could not find, and removes its report folder."""
    run, folder = config.stash.get(RUN, None), config.stash[FOLDER]
    if run is not None:
        run.finish(interrupted=True)
        run.close()
    if folder is not None and config.stash[PLAN].resume is None and not hasattr(config, "workerinput"):
        clear_folder(folder)
        with suppress(OSError):
            folder.rmdir()


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Prints the meaning of the progress letters, the verdict, the findings and the path of the report."""
    for line in config.stash.get(LINES, []):
        terminalreporter.write_line(line)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Closes the run, however the session ended."""
    run = config.stash.get(RUN, None)
    if run is not None:
        run.finish(interrupted=True)
        run.close()
