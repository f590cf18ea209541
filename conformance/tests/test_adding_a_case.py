"""What docs/adding-a-case.md tells to write works: its requirements, case, defect and fault are added to a copy of the project."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "adding-a-case.md").read_text(encoding="utf-8")
REFUSAL, OBSERVED = PAGE.split("## Kinds of cases")[0].split("## What is only observed")
CHANGE = re.compile(r"<!-- (add to|change): (\S+) -->\n```\w+\n(.*?)```", re.DOTALL)
COMMAND = re.compile(r"^python -m (reimage_conformance\.detection --cases )multipart '(.*)'$", re.MULTILINE)
FOUND = re.compile(r"^first +(\S+): (\S+) by (\w+)\[", re.MULTILINE)
PASSED = re.compile(r"^passes +the emulator without a fault: (.*)$", re.MULTILINE)


def changed(text: str, verb: str, block: str) -> str:
    """`text` with a block of the page at its end, or with the change that the block shows as a diff."""
    if verb == "add to":
        return f"{text}\n\n{block}"
    lines = block.splitlines(keepends=True)
    old = "".join(line[1:] for line in lines if line[0] in " -")
    new = "".join(line[1:] for line in lines if line[0] in " +")
    assert text.count(old) == 1, f"docs/adding-a-case.md shows lines that stand {text.count(old)} times:\n{old}"
    return text.replace(old, new)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the library and the cases with every change that the page shows."""
    folder = tmp_path_factory.mktemp("copy")
    for name in ("conformance/reimage_conformance", "cases"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for verb, name, block in CHANGE.findall(REFUSAL + OBSERVED):
        file = folder / name
        file.write_text(changed(file.read_text(encoding="utf-8"), verb, block), encoding="utf-8")
    return folder


def files(section: str) -> set[str]:
    """The files that a section of the page touches."""
    return {name for _, name, _ in CHANGE.findall(section)}


def test_few_files_are_touched() -> None:
    assert 3 <= len(files(REFUSAL)) <= 4
    assert 2 <= len(files(OBSERVED)) <= 3


def test_the_fault_is_found_first_under_the_new_requirement_and_the_emulator_passes(copy: Path) -> None:
    ((module, fault),) = COMMAND.findall(REFUSAL)
    (requirement,) = re.findall(r'^id = "(.*)"', REFUSAL, re.MULTILINE)
    (observed,) = re.findall(r'^id = "(.*)"', OBSERVED, re.MULTILINE)
    path = os.pathsep.join(map(str, (copy / "conformance", copy, *filter(None, [os.environ.get("PYTHONPATH")]))))
    words = [sys.executable, "-m", *module.split(), "multipart or software_that_is_named", fault]
    done = subprocess.run(  # noqa: S603
        words, cwd=copy, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert FOUND.findall(done.stdout) == FOUND.findall(REFUSAL) == [(fault, requirement, FOUND.findall(REFUSAL)[0][2])]
    ((judged,), (shown,)) = PASSED.findall(done.stdout), PASSED.findall(REFUSAL)
    assert set(judged.split(", ")) == {*shown.split(", "), observed}


def test_the_lists_made_from_the_files_have_what_was_added(copy: Path) -> None:
    (requirement,) = re.findall(r'^id = "(.*)"', REFUSAL, re.MULTILINE)
    path = os.pathsep.join(map(str, (copy / "conformance", copy)))
    words = [sys.executable, "-m", "reimage_conformance", "explain", requirement]
    done = subprocess.run(  # noqa: S603
        words, cwd=copy, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
    )

    assert "test_a_multipart_request_is_refused" in done.stdout, done.stdout + done.stderr
    assert "any multipart Content-Type is taken for application/xml" in done.stdout
