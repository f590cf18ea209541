"""Runs the steps of a composite action or of a workflow's job as GitHub runs them, in a shell that has nothing but PATH; of actions that it uses, knows the cache alone."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from pathlib import Path

EXPRESSION = re.compile(r"\$\{\{\s*(.+?)\s*\}\}")
STEP_SECONDS = 120


@dataclass
class Job:
    """One job in a workspace: what its steps said, wrote and came to."""

    workspace: Path
    path: str
    inputs: dict[str, str]
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)
    said: str = ""
    failed: bool = False

    @property
    def page(self) -> str:
        """The job page."""
        return (self.workspace / "summary").read_text()

    def step(self, step: dict[str, Any]) -> None:
        """Runs a step if its condition holds; steps that use other actions than the cache are left out."""
        condition = str(step.get("if", "success()"))
        if self.failed and "always()" not in condition:
            return
        self._cache(str(step.get("uses", "")))
        if "run" not in step or "inputs.install" in condition:
            return
        output = self.workspace / "output"
        output.write_text("")
        done = subprocess.run(  # noqa: S603
            ["/usr/bin/env", "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            capture_output=True,
            text=True,
            check=False,
            timeout=STEP_SECONDS,
            cwd=self.workspace / "checkout",
            env=self._environment(step, output),
        )
        self.ran.append(step["name"])
        self.said += done.stdout + done.stderr
        self.failed |= done.returncode != 0
        pairs = (line.partition("=") for line in output.read_text().splitlines())
        self.outputs[step.get("id", "")] = {name: value for name, _, value in pairs}

    def _cache(self, action: str) -> None:
        """Fetches or saves the history of nights, as far as the step is one of the cache."""
        history, kept = self.workspace / "checkout" / "conformance-history", self.workspace / "cache"
        if action.startswith("actions/cache/restore") and kept.exists():
            shutil.copytree(kept, history, dirs_exist_ok=True)
        if action.startswith("actions/cache/save") and (history / "index.html").exists():
            shutil.rmtree(kept, ignore_errors=True)
            shutil.copytree(history, kept)

    def _environment(self, step: dict[str, Any], output: Path) -> dict[str, str]:
        temporary = self.workspace / "temp"
        temporary.mkdir(exist_ok=True)
        own = {name: self._value(str(text)) for name, text in step.get("env", {}).items()}
        return {
            "PATH": self.path,
            "HOME": str(temporary),
            "RUNNER_TEMP": str(temporary),
            "GITHUB_OUTPUT": str(output),
            "GITHUB_STEP_SUMMARY": str(self.workspace / "summary"),
            **own,
        }

    def _value(self, text: str) -> str:
        return EXPRESSION.sub(lambda match: self._looked_up(match[1]), text)

    def _looked_up(self, expression: str) -> str:
        expression, _, otherwise = expression.partition(" || ")
        return self._named(expression) or otherwise

    def _named(self, expression: str) -> str:
        match expression.split("."):
            case ["inputs", name]:
                return self.inputs[name]
            case ["steps", step, "outputs", name]:
                return self.outputs.get(step, {}).get(name, "")
        raise ValueError(f"the test knows no expression like {expression}")


def run_action(action: Path, workspace: Path, path: str, **inputs: str) -> Job:
    """Runs the composite action with `inputs`, names with _ for -, in `workspace`/checkout with the programs on `path`."""
    described = yaml.safe_load(action.read_text())
    given = {name: str(each.get("default", "")) for name, each in described["inputs"].items()}
    given |= {name.replace("_", "-"): value for name, value in inputs.items()}
    return _run(described["runs"]["steps"], workspace, path, given)


def run_job(workflow: Path, job: str, workspace: Path, path: str, **inputs: str) -> Job:
    """Runs the job of a workflow that was started with `inputs`, as `run_action` runs an action."""
    return _run(yaml.safe_load(workflow.read_text())["jobs"][job]["steps"], workspace, path, inputs)


def _run(steps: list[dict[str, Any]], workspace: Path, path: str, inputs: dict[str, str]) -> Job:
    (workspace / "checkout").mkdir(parents=True, exist_ok=True)
    (workspace / "summary").write_text("")
    job = Job(workspace, path, inputs)
    for step in steps:
        job.step(step)
    return job
