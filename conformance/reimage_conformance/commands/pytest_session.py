"""One pytest session in this process that uses the suite's own settings, and loads only the plugins that it needs.

Neither the working directory nor environment variables change it. Variables that give pytest more options are ignored, with a note.
"""

from __future__ import annotations

import os
import re
import sys
import warnings
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from reimage_conformance.errors import SuiteError, UsageError
from reimage_conformance.outputs import JOURNAL

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, MutableMapping, Sequence

NEEDED = (
    "reimage_conformance.pytest_plugin",
    "_hypothesis_pytestplugin",
    "pytest_metadata.plugin",
    "pytest_html.plugin",
    "xdist.plugin",
)
"""The modules of the plugins that a run needs; pytest loads no others."""

QUIET_WORDS = ("-qq", "--no-header")
"""The options of pytest with which a run prints only its conclusion (`pytest_plugin/quiet.py`)."""

VERBOSE_WORDS = ("-o", "verbosity_test_cases=1")
"""The options of pytest with which a run prints a line for each case, and nothing else that it does not print otherwise."""

SETTINGS = Path(__file__).with_name("run.ini")
NO_AUTOLOAD = "PYTEST_DISABLE_PLUGIN_AUTOLOAD"
IGNORED_VARIABLES = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS")
"""Variables that give pytest more options and plugins; a run ignores them."""

_ERROR = re.compile(r"error: (?P<reason>.+)")
_UNKNOWN = "unrecognized arguments: "


def run_session(words: Sequence[str]) -> int:
    """Run pytest with `words` and give its exit code; raises UsageError for words that pytest refuses."""
    import pytest  # noqa: PLC0415 -- takes longer to import than other commands take to run

    class OneSentence:
        """A pytest plugin that turns errors in pytest's command line into errors of the suite."""

        @pytest.hookimpl(wrapper=True)
        def pytest_cmdline_parse(self) -> Generator[None, Any, Any]:
            try:
                return (yield)
            except SuiteError:
                raise
            except Exception as error:
                raise UsageError(refusal_sentence(str(error))) from error

    with isolated_pytest(os.environ):
        return int(pytest.main(list(words), plugins=[OneSentence()]))


def refusal_sentence(output: str) -> str:
    """One sentence for pytest's error about its command line; `output` is what pytest printed."""
    found = _ERROR.search(output)
    reason = found["reason"].strip() if found is not None else " ".join(output.split()) or "no reason given"
    if reason.startswith(_UNKNOWN):
        return f"pytest has no option {reason.removeprefix(_UNKNOWN)!r}; what follows -- goes to pytest"
    return f"pytest refuses the options after --: {reason}"


def plugin_words() -> list[str]:
    """The options of pytest that load the plugins of a run."""
    return [word for name in NEEDED for word in ("-p", name)]


def in_report_folder() -> bool:
    """Whether the current folder holds the reports of a run."""
    return (Path.cwd() / JOURNAL).is_file()


@contextmanager
def storage_elsewhere() -> Iterator[None]:
    """Makes Hypothesis keep its files in a folder that is removed at the end."""
    from hypothesis.configuration import set_hypothesis_home_dir  # noqa: PLC0415 -- for a run in a report folder only

    with TemporaryDirectory() as folder:
        set_hypothesis_home_dir(folder)
        try:
            yield
        finally:
            set_hypothesis_home_dir(None)


@contextmanager
def isolated_pytest(environment: MutableMapping[str, str]) -> Iterator[None]:
    """Remove the variables that would change a run from `environment`, with a note, and restore them at the end.

    In between, pytest loads no plugins of other packages.
    """
    kept = {name: environment.pop(name) for name in IGNORED_VARIABLES if name in environment}
    autoload = {NO_AUTOLOAD: environment[NO_AUTOLOAD]} if NO_AUTOLOAD in environment else {}
    environment[NO_AUTOLOAD] = "1"
    for name in kept:
        sys.stderr.write(f"note: {name} in the environment is not used; give options of pytest after --\n")
    with warnings.catch_warnings():
        warnings.simplefilter("default")  # PYTHONWARNINGS=error would end the run at any library's warning
        try:
            yield
        finally:
            del environment[NO_AUTOLOAD]
            environment.update(kept | autoload)
