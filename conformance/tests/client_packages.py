"""Published clients of the protocol: installed where that can be done, out of the way of everything else, and driven by scripts."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

SCRIPTS = Path(__file__).parent / "clients"
INSTALL_SECONDS = 90
DRIVE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class PublishedClient:
    """A package of a registry, at one version, and the script that drives it."""

    package: str
    version: str
    script: str

    @property
    def name(self) -> str:
        """The package with its version, also the name of the folder that it is installed in."""
        return f"{self.package}-{self.version}"

    @property
    def is_python(self) -> bool:
        """Whether it is a package of PyPI; else it is one of npm."""
        return self.script.endswith(".py")

    def _installer(self, folder: Path) -> list[str]:
        if self.is_python:
            pip = "-m pip install --quiet --disable-pip-version-check --only-binary :all: --retries 0 --timeout 5 --target"
            return [sys.executable, *pip.split(), str(folder), f"{self.package}=={self.version}"]
        npm = shutil.which("npm")
        if npm is None or shutil.which("node") is None:
            pytest.skip(f"{self.name} cannot be installed here: there is no npm, or no node")
        options = "install --loglevel=error --no-audit --no-fund --ignore-scripts --fetch-retries=0 --fetch-timeout=5000 --prefix"
        return [npm, *options.split(), str(folder), f"{self.package}@{self.version}"]

    def installed(self, cache: Path) -> Path:
        """The folder below `cache` that holds the client, installed now unless it was before; skips the test where it cannot be."""
        folder = cache / self.name
        if folder.is_dir():
            return folder
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as made:
            fresh = Path(made) / "client"
            fresh.mkdir()
            try:
                done = _run(self._installer(fresh), INSTALL_SECONDS)
            except subprocess.TimeoutExpired:
                pytest.skip(f"{self.name} cannot be installed here: it took longer than {INSTALL_SECONDS} s")
            if done.returncode:
                told = [line for line in (done.stderr or done.stdout).splitlines() if "err" in line.lower()]
                pytest.skip(f"{self.name} cannot be installed here: {told[0] if told else 'no reason was given'}")
            if not folder.is_dir():  # another process may have been quicker
                fresh.rename(folder)
        return folder

    def drive(self, folder: Path, given: dict[str, Any]) -> dict[str, Any]:
        """What the script says after it was given `given`, with the client in `folder`."""
        if self.is_python:
            line, environment = [sys.executable], {"PYTHONPATH": str(folder)}
        else:
            line, environment = (
                ["node"],
                {"NODE_PATH": str(folder / "node_modules"), "NODE_EXTRA_CA_CERTS": given["ca"]},
            )
        done = _run([*line, str(SCRIPTS / self.script)], DRIVE_SECONDS, json.dumps(given), environment)
        assert done.returncode == 0, done.stderr
        told: dict[str, Any] = json.loads(done.stdout)
        return told


def _run(
    line: list[str], seconds: float, text: str = "", environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        line,
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
        env={**os.environ, **(environment or {})},
    )
