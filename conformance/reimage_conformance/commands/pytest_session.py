"""One pytest session in this process, on the suite's own terms.

What the environment and the folders around say to pytest does not change a run: settings are the suite's own, only the plugins
that a run needs are loaded, and variables that add options are set aside, which is told.
"""

from __future__ import annotations

import os
import re
import sys
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reimage_conformance.errors import SuiteError, UsageError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, MutableMapping, Sequence

NEEDED = (
    "reimage_conformance.pytest_plugin",
    "_hypothesis_pytestplugin",
    "pytest_metadata.plugin",
    "pytest_html.plugin",
    "xdist.plugin",
)
"""The plugins of a run by their modules. pytest loads no other: plugins that happen to be installed beside the suite change no run."""

SETTINGS = Path(__file__).with_name("run.ini")
NO_AUTOLOAD = "PYTEST_DISABLE_PLUGIN_AUTOLOAD"
SET_ASIDE = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS")
"""Variables that give pytest more options and plugins; a run has only those that its command line names."""

_ERROR = re.compile(r"error: (?P<told>.+)")
_UNKNOWN = "unrecognized arguments: "


def run_session(words: Sequence[str]) -> int:
    """Run pytest with `words` and give its exit code; raises UsageError, in one sentence, for words that it does not take."""
    import pytest  # noqa: PLC0415 -- takes longer to import than other commands take to run

    class OneSentence:
        """A plugin of pytest's that words what is wrong with its command line as the suite words its own mistakes."""

        @pytest.hookimpl(wrapper=True)
        def pytest_cmdline_parse(self) -> Generator[None, Any, Any]:
            try:
                return (yield)
            except SuiteError:
                raise
            except Exception as error:
                raise UsageError(sentence(str(error))) from error

    with surroundings_set_aside(os.environ):
        return int(pytest.main(list(words), plugins=[OneSentence()]))


def sentence(told: str) -> str:
    """What pytest says of its command line, as one sentence."""
    found = _ERROR.search(told)
    reason = found["told"].strip() if found is not None else " ".join(told.split()) or "no reason given"
    if reason.startswith(_UNKNOWN):
        return f"pytest has no option {reason.removeprefix(_UNKNOWN)!r}; what follows -- goes to pytest"
    return f"what follows -- is not taken by pytest: {reason}"


def plugin_words() -> list[str]:
    """The words of pytest's command line that load the plugins of a run."""
    return [word for name in NEEDED for word in ("-p", name)]


@contextmanager
def surroundings_set_aside(environment: MutableMapping[str, str]) -> Iterator[None]:
    """Take the variables that would change the run out of `environment`, say so, and put them back; no plugin loads itself meanwhile."""
    kept = {name: environment.pop(name) for name in SET_ASIDE if name in environment}
    autoload = {NO_AUTOLOAD: environment[NO_AUTOLOAD]} if NO_AUTOLOAD in environment else {}
    environment[NO_AUTOLOAD] = "1"
    for name in kept:
        sys.stderr.write(f"note: {name} in the environment is not used; what follows -- goes to pytest\n")
    with warnings.catch_warnings():
        warnings.simplefilter("default")  # PYTHONWARNINGS=error would end the run at any library's warning
        try:
            yield
        finally:
            del environment[NO_AUTOLOAD]
            environment.update(kept | autoload)
