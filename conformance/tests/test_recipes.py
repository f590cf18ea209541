"""The recipes for other CI servers in docs/nightly.md: their lines in a bare shell, after a good night, a bad one, and one without a target."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from reimage_conformance.report.results import results
from report_samples import sample_assessment
from test_nightly_job import SHELLCHECK, program

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE = (Path(__file__).parents[2] / "docs" / "nightly.md").read_text(encoding="utf-8")
INSTALLING = ("pip install",)
"""What lines of a recipe that need a network hold; they are left out."""
GROOVY_SCRIPT = re.compile(r"\bsh (?:'''(.+?)'''|'([^'\n]+)')", re.DOTALL)
NIGHTS: Mapping[str, tuple[str, int, str]] = {
    "good": ("mkdir -p reports/nightly; cp {good}/* reports/nightly/; exit 0", 0, "(exit code 0)"),
    "bad": ("mkdir -p reports/nightly; cp {good}/* reports/nightly/; exit 1", 1, "(exit code 1)"),
    "set up wrongly": ("echo 'error: there is no such target file' >&2; exit 4", 4, "(exit code 4)"),
}
"""How a night goes: what the run leaves, its exit code, and what the page says of it."""


def block(language: str) -> str:
    """The recipe in this language."""
    (found,) = re.findall(rf"```{language}\n(pipeline \{{.*?|conformance:\n  image.*?)```", PAGE, re.DOTALL)
    return str(found)


def gitlab() -> dict[str, Any]:
    """The one job of the GitLab recipe."""
    (job,) = yaml.safe_load(block("yaml")).values()
    assert isinstance(job, dict)
    return job


def jenkins() -> tuple[list[str], list[str]]:
    """The scripts of the Jenkins recipe: of its stage, and of what comes after in any case."""
    stage, _, after = block("groovy").partition("post {")
    found = [[text or line for text, line in GROOVY_SCRIPT.findall(part)] for part in (stage, after)]
    return found[0], found[1]


SCRIPTS = {"GitLab": [*gitlab()["script"]], "Jenkins": [*jenkins()[0], *jenkins()[1]]}


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """The reports of a run."""
    folder = tmp_path / "good"
    folder.mkdir()
    (folder / "results.json").write_text(json.dumps(results(sample_assessment())))
    for name in ("summary.md", "report.html", "junit.xml"):
        (folder / name).write_text(f"the {name}\n")
    return folder


def done(script: list[str], shell: str, folder: Path, path: str) -> subprocess.CompletedProcess[str]:
    """The lines of a script that need no network, run in one shell that stops at the first that fails."""
    lines = [line for line in script if not any(words in line for words in INSTALLING)]
    return subprocess.run(  # noqa: S603
        [shell, "-e", "-c", "\n".join(lines)],
        cwd=folder,
        env={"PATH": path, "RIG_TARGET": "target", "RIG_CERTIFICATE": "certificate"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("night", NIGHTS)
def test_the_gitlab_job_ends_as_its_run_and_leaves_what_it_names(night: str, good: Path, tmp_path: Path) -> None:
    run, code, told = NIGHTS[night]
    workspace = tmp_path / "work"
    workspace.mkdir()
    ended = done(SCRIPTS["GitLab"], "/bin/bash", workspace, program(tmp_path / "bin", run.format(good=good)))

    assert ended.returncode == code, ended.stderr
    assert told in (workspace / "page.md").read_text().splitlines()[0]
    named = [*gitlab()["artifacts"]["paths"], gitlab()["artifacts"]["reports"]["junit"], *gitlab()["cache"]["paths"]]
    assert [name for name in named if not (workspace / name).exists()] == ([] if code != 4 else named[1:])


@pytest.mark.parametrize("night", [*NIGHTS, "killed"])
def test_the_jenkins_job_ends_as_its_run_and_keeps_the_night(night: str, good: Path, tmp_path: Path) -> None:
    run, code, told = NIGHTS.get(night, ("mkdir -p reports/nightly; kill -KILL $PPID; kill -KILL $$", -9, "cut off"))
    workspace = tmp_path / "work"
    path = program(workspace / ".venv" / "bin", run.format(good=good), parents=True)
    stage, after = jenkins()
    ended = done(stage, "/bin/sh", workspace, path)
    concluded = done(after, "/bin/sh", workspace, path)

    assert (ended.returncode, concluded.returncode) == (code, 0), ended.stderr + concluded.stderr
    assert told in (workspace / "page.md").read_text().splitlines()[0]
    nights = [each.parent.name for each in (workspace / "history").glob("*/results.json")]
    assert len(nights) == (1 if code in (0, 1) else 0)
    assert (workspace / "history" / "index.html").exists()


@pytest.mark.parametrize("server", SCRIPTS)
def test_one_line_of_a_recipe_installs_the_suite(server: str) -> None:
    assert len([line for line in SCRIPTS[server] if "pip install -q ." in line]) == 1


def test_the_jenkins_recipe_is_balanced() -> None:
    text = GROOVY_SCRIPT.sub("", block("groovy"))

    for left, right in ("{}", "()", "[]"):
        assert text.count(left) == text.count(right)
    assert text.count("'") % 2 == 0


@pytest.mark.skipif(SHELLCHECK is None, reason="no shellcheck is installed here: pip install -e '.[dev]' brings it")
@pytest.mark.parametrize("server", SCRIPTS)
def test_shellcheck_has_nothing_to_say_of_a_recipe(server: str) -> None:
    texts, shell = (["\n".join(SCRIPTS[server])], "bash") if server == "GitLab" else (SCRIPTS[server], "sh")
    for text in texts:  # GitLab runs all lines in one shell, Jenkins each script in its own
        line = [SHELLCHECK or "", "--shell", shell, "-"]
        found = subprocess.run(line, input=text, capture_output=True, text=True, check=False)  # noqa: S603
        assert (found.returncode, found.stdout) == (0, "")
