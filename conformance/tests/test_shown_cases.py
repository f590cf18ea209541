"""The cases that docs/adding-a-case.md shows run as they stand."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
IMPORTS = """
import pytest
from hypothesis import given

from reimage_conformance.casebook import SystemUnderTest, Witness, afterwards, verifies
from reimage_conformance.judging.operations.progress import progress
from reimage_conformance.model import Request
from reimage_conformance.catalogue import published_before
from reimage_conformance.protocol.strategies import malformed_versions
"""


def test_the_cases_of_the_page_run(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "adding-a-case.md").read_text(encoding="utf-8").partition("## Kinds of cases")[2]
    blocks = [block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "def test_" in block]
    assert len(blocks) == 3
    cases = tmp_path / "test_shown.py"
    cases.write_text(IMPORTS + "\n\n".join(blocks), encoding="utf-8")

    words = [sys.executable, "-m", "pytest", str(cases), f"--rootdir={tmp_path}", "--in-memory", "-q", "-o", "addopts="]
    words += ["-p", "no:cacheprovider", "-p", "reimage_conformance.pytest_plugin"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)  # noqa: S603

    assert "4 passed" in done.stdout, done.stdout + done.stderr
