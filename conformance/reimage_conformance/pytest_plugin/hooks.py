"""The hooks of pytest, which begin, run and end a conformance run."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import is_hypothesis_test, settings

from reimage_conformance.catalogue import requirement
from reimage_conformance.errors import ReportError, SuiteError
from reimage_conformance.journal import collection_paused
from reimage_conformance.model import Preflight
from reimage_conformance.outputs import clear_folder
from reimage_conformance.pytest_plugin.casing import MARKS, cases_of, cites, order_of
from reimage_conformance.pytest_plugin.choice import ListedCases, chosen_of
from reimage_conformance.pytest_plugin.concluding import report_conclusion
from reimage_conformance.pytest_plugin.ending import ASSESSMENT, PAGE, USAGE, PageHooks, end_session
from reimage_conformance.pytest_plugin.interrupting import Interruption, LostOutput
from reimage_conformance.pytest_plugin.last_words import FindingsOnce, letters_lines
from reimage_conformance.pytest_plugin.options import Plan, add_options, is_wanted, plan_of
from reimage_conformance.pytest_plugin.preparing import is_run, prepare
from reimage_conformance.pytest_plugin.progress import ProgressLine, progress_line
from reimage_conformance.pytest_plugin.run import Run
from reimage_conformance.session.cases import Conclusion
from reimage_conformance.session.signals import Inconclusive, NotApplicable, Untested
from reimage_conformance.session.sut import SystemUnderTest  # noqa: TC001  pytest reads what a fixture returns
from reimage_conformance.standard_streams import cannot_be_written, is_full

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from reimage_conformance.session.scheduler import Session

RUN = pytest.StashKey[Run]()
PLAN = pytest.StashKey[Plan]()
FOLDER = pytest.StashKey["Path | None"]()
PREFLIGHT = pytest.StashKey["Preflight | None"]()
LINES = pytest.StashKey[list[str]]()
BREAKDOWN = pytest.StashKey[SuiteError]()
CONCLUSION = pytest.StashKey[Conclusion]()
PROGRESS = pytest.StashKey[ProgressLine | None]()
REPORT_DIR = "reimage_report_dir"
NO_MORE = "stopped: nothing more can be recorded"
BROKEN = (
    "a defect of the suite ended the run at {case}, see its traceback; the reports hold what was recorded until then"
)
PREFLIGHT_ANSWERS = "reimage_preflight"
EXAMPLES = {"smoke": 5, "standard": 30, "nightly": 1000}
HYPOTHESIS_PROFILE = "reimage-conformance"
STEPS = {"smoke": 5, "standard": 25, "nightly": 50}

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
    if not config.option.usepdb:
        config.pluginmanager.register(Interruption(brief=not config.option.fulltrace))
    if not hasattr(config, "workerinput"):  # only the controller of pytest-xdist reads what a worker writes
        config.pluginmanager.register(LostOutput())
    _set_up_hypothesis(plan)
    _set_up_reports(config, folder)


def _set_up_hypothesis(plan: Plan) -> None:
    """Sets how many examples each profile draws, and the database of failed examples, which are tried first next time.

    This replaces the settings that Hypothesis uses on CI servers: the same examples each time, and no database.
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
            clear_folder(folder, but_for="journal.jsonl" if config.stash[PLAN].resume is not None else "")
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


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Gives all cases of a run to one worker of pytest-xdist, since they share operations and the budget."""
    if PLAN not in config.stash:
        return None
    from reimage_conformance.pytest_plugin.scheduling import OneTarget  # noqa: PLC0415  only where pytest-xdist is at work

    return OneTarget(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Chooses the cases of the profile and sorts them (`order_of`)."""
    cases = [item for item in items if cites(item)]
    if not cases:
        return
    if PLAN not in config.stash:
        if not config.option.collectonly:
            raise pytest.UsageError("conformance cases need --target FILE, or --embedded for the embedded emulator")
        return
    try:
        for item in cases:
            for name in cites(item):
                requirement(name)
    except SuiteError as error:
        raise pytest.UsageError(str(error)) from None
    profile = config.stash[PLAN].profile.value
    chosen = chosen_of([item for item in items if _belongs(item, profile)], config.stash[PLAN].choice)
    dropped = [item for item in items if item not in set(chosen)]
    items[:] = sorted(chosen, key=order_of)
    for item in items:
        function = getattr(item, "obj", None)
        if is_hypothesis_test(function):
            # As @seed does, which would also drop the database; the settings are set too, as a case may be imported already.
            setattr(function, "_hypothesis_internal_use_seed", config.stash[PLAN].seed)  # noqa: B010  typed without it
            setattr(function, "_hypothesis_internal_use_settings", settings.get_profile(HYPOTHESIS_PROFILE))  # noqa: B010
    if dropped:
        config.hook.pytest_deselected(items=dropped)


def _belongs(item: pytest.Item, profile: str) -> bool:
    """Whether a case is part of a profile."""
    if profile == "smoke":
        return not cites(item) or item.get_closest_marker("smoke") is not None
    return profile == "nightly" or item.get_closest_marker("nightly") is None


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
        run.begin(cases_of(item.session.items), in_step=item.config.option.usepdb)
        item.config.stash[PROGRESS] = None if item.config.option.usepdb else progress_line(item.config)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Waits for the conclusion of the case that pytest has come to, and raises what its body raised."""
    run = pyfuncitem.config.stash.get(RUN, None)
    if run is None or run.session is None or not cites(pyfuncitem):
        return None
    try:
        conclusion = pyfuncitem.stash[CONCLUSION] = _awaited(run.session, pyfuncitem)
    except ReportError as error:  # a full disk: nothing that follows could be kept
        pyfuncitem.config.stash[BREAKDOWN] = error
        pyfuncitem.session.shouldfail = NO_MORE
        raise
    except Exception:  # not raised by a case: the session itself broke, and all further cases would end so
        pyfuncitem.config.stash[BREAKDOWN] = SuiteError(BROKEN.format(case=pyfuncitem.nodeid))
        pyfuncitem.session.shouldfail = "stopped: the run broke off"
        raise
    if conclusion.error is not None:
        raise conclusion.error
    return True


def _awaited(session: Session, item: pytest.Function) -> Conclusion:
    """Waits for the conclusion of a case, and shows the progress of the run meanwhile."""
    line = item.config.stash.get(PROGRESS, None)
    if line is None:
        return session.conclusion(item.nodeid)
    try:
        return session.conclusion(item.nodeid, lambda: line.tell(session.progress))
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
    words = {"inconclusive": ("inconclusive", "?", "INCONCLUSIVE"), "advisory": ("advisory", "w", "ADVISORY"), "untested": ("untested", "-", "UNTESTED"),
             "not-applicable": ("not applicable", "n", "NOT-APPLICABLE"), "observed": ("observed", "o", "OBSERVED")}  # fmt: skip
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
    """Removes the report folder of a run whose cases pytest could not find."""
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
