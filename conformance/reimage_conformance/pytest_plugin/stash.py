"""The keys of pytest's stash under which a run keeps its parts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from reimage_conformance.errors import SuiteError
from reimage_conformance.model import Preflight
from reimage_conformance.pytest_plugin.options import Plan
from reimage_conformance.pytest_plugin.progress import ProgressLine
from reimage_conformance.pytest_plugin.run import Run
from reimage_conformance.session.cases import Conclusion

RUN = pytest.StashKey[Run]()
PLAN = pytest.StashKey[Plan]()
LEFT_OUT = pytest.StashKey[Mapping[str, list[str]]]()
"""The requirements that each option leaves out."""
FOLDER = pytest.StashKey[Path | None]()
PREFLIGHT = pytest.StashKey[Preflight | None]()
LINES = pytest.StashKey[list[str]]()
"""The lines that are printed at the end."""
BREAKDOWN = pytest.StashKey[SuiteError]()
"""The error that ended the run early."""
CONCLUSION = pytest.StashKey[Conclusion]()
"""The conclusion of a case, in the stash of its item."""
PROGRESS = pytest.StashKey[ProgressLine | None]()
