"""axe-core, which finds what keeps people from using a page; for the tests of pages in a browser."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from report_browser import Browser


def axe_source(folder: Path) -> str:
    """The source of axe-core: from the file that AXE_CORE names, else from npm by way of `folder`; skips the test where there is none."""
    if named := os.environ.get("AXE_CORE"):
        return Path(named).read_text(encoding="utf-8")
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("axe-core is not here: AXE_CORE names no file, and there is no npm")
    fetched = subprocess.run(  # noqa: S603
        [npm, "pack", "axe-core@4", "--silent"], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    archives = list(folder.glob("axe-core-*.tgz"))
    if fetched.returncode or not archives:
        pytest.skip("axe-core is not here: AXE_CORE names no file, and npm cannot fetch it")
    with tarfile.open(archives[0]) as archive:
        member = archive.extractfile("package/axe.min.js")
        if member is None:
            pytest.skip("axe-core is not where its package should have it")
        return member.read().decode("utf-8")


def violations(browser: Browser, axe: str) -> list[str]:
    """What axe-core finds on the page that is open."""
    browser.run(f"{axe}; window.axe = axe;")
    found: dict[str, Any] = browser.run("return axe.run(document, {resultTypes: ['violations']})")
    return [f"{one['id']}: {node['html'][:200]}" for one in found["violations"] for node in one["nodes"]]
