"""Runs of the suite against an emulator in memory, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from reimage_conformance.commands.case_files import cases_folder

if TYPE_CHECKING:
    from pathlib import Path


def run_in_memory(folder: Path, *words: str, cwd: Path | None = None, **environment: str) -> int:
    """The exit code of a run with these options, whose reports go to `folder`; nothing is tried again unless --tries is given."""
    root = cases_folder()
    line = [sys.executable, "-m", "pytest", str(root), f"--rootdir={root.parent}", "--in-memory", "-q"]
    line += ["-p", "no:cacheprovider", "--report-dir", str(folder), "--tries=1", *words]
    return subprocess.run(line, capture_output=True, check=False, cwd=cwd, env={**os.environ, **environment}).returncode  # noqa: S603
