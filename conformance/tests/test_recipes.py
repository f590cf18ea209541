"""The recipes for other CI servers in docs/nightly.md: their lines in a bare shell, after a good night, a bad one, one without a target, and killed ones."""

from __future__ import annotations

import fcntl
import json
import re
import shutil
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from memory_runs import run_in_memory
from reimage_conformance.config.files import CERTIFICATES
from reimage_conformance.report.results import results
from report_samples import conformant_assessment, sample_assessment
from test_nightly_job import SHELLCHECK, program

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE = (Path(__file__).parents[2] / "docs" / "nightly.md").read_text(encoding="utf-8")
INSTALLING = ("pip install",)
"""What lines of a recipe that need a network hold; they are left out."""
GROOVY_SCRIPT = re.compile(r"\bsh (?:'''(.+?)'''|'([^'\n]+)')", re.DOTALL)
REPORTS = """
while [ "$1" != --report-dir ]; do shift; done
if [ -e "$2/results.json" ]; then echo "error: --report-dir $2: the folder holds a run already" >&2; exit 4; fi
mkdir -p "$2"
"""
"""What every run does first: a folder that holds a run is refused."""
SLIP = "error: there is no such target file"
"""What a run says that is refused."""
NIGHTS: Mapping[str, tuple[str, int, str]] = {
    "good": (REPORTS + 'cp {good}/* "$2"; exit 0', 0, "# The endpoint conforms (exit code 0)"),
    "bad": (REPORTS + 'cp {bad}/* "$2"; exit 1', 1, "# The endpoint violates the protocol (exit code 1)"),
    "set up wrongly": (
        f"echo '{SLIP}' >&2; exit 4",
        4,
        "# The job is set up wrongly (exit code 4)",
    ),
    "killed": (REPORTS + 'cp {cut}/* "$2"; kill -KILL $$', 137, "# The run was cut off"),
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


SCRIPTS = {
    "GitLab": [*gitlab()["script"]],
    "GitLab, after": [*gitlab()["after_script"]],
    "Jenkins": [*jenkins()[0], *jenkins()[1]],
}
INSTALLERS = ("GitLab", "Jenkins")
"""The recipes that install the suite."""


def shell_script(heading: str) -> str:
    """The first shell script below this heading of the page."""
    found = re.search(rf"^## {heading}\n.*?```bash\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """The reports of a good night and of a bad one, and the journal of one that was killed."""
    place = tmp_path_factory.mktemp("left")
    folders = {name: place / name for name in ("good", "bad", "cut")}
    for name, made in (("good", conformant_assessment()), ("bad", sample_assessment())):
        folders[name].mkdir()
        (folders[name] / "results.json").write_text(json.dumps(results(made)))
        for file in ("summary.md", "report.html", "junit.xml"):
            (folders[name] / file).write_text(f"the {file}\n")
    whole = place / "whole"
    run_in_memory(whole, "--profile", "smoke", "--world", "one-instance", "--only", "REQ-REIMAGE-202")
    lines = (whole / "journal.jsonl").read_bytes().splitlines(keepends=True)
    folders["cut"].mkdir()
    (folders["cut"] / "journal.jsonl").write_bytes(b"".join(lines[: len(lines) // 2]))
    return folders


def done(
    script: list[str], shell: str, folder: Path, path: str, *, set_up: bool = True
) -> subprocess.CompletedProcess[str]:
    """The lines of a script that need no network, run in one shell that stops at the first that fails; `set_up`: with the variables of the job."""
    lines = [line for line in script if not any(words in line for words in INSTALLING)]
    return subprocess.run(  # noqa: S603
        [shell, "-e", "-c", "\n".join(lines)],
        cwd=folder,
        env={"PATH": path} | ({"RIG_TARGET": "target", "RIG_CERTIFICATE": "certificate"} if set_up else {}),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def history(workspace: Path, folder: str = "history") -> int:
    """How many nights with results the folder keeps."""
    return len(list((workspace / folder).glob("*/results.json")))


KILLED_WITH_ITS_SHELL = ("kill -KILL $PPID; kill -KILL $$", -9, "# The run was cut off")


@pytest.mark.parametrize("night", [*NIGHTS, "killed with its shell"])
def test_the_gitlab_job_ends_as_its_run_and_leaves_what_it_names(
    night: str, left: Mapping[str, Path], tmp_path: Path
) -> None:
    run, code, told = NIGHTS.get(night, KILLED_WITH_ITS_SHELL)
    workspace = tmp_path / "work"
    path = program(workspace / ".venv" / "bin", run.format(**left), parents=True)
    ended = done(SCRIPTS["GitLab"], "/bin/bash", workspace, path)
    concluded = done(SCRIPTS["GitLab, after"], "/bin/bash", workspace, path)

    assert (ended.returncode, concluded.returncode) == (code, 0), ended.stderr + concluded.stderr
    page = (workspace / "page.md").read_text()
    assert page.splitlines()[0] == told
    assert (SLIP in page, SLIP in ended.stdout) == (code == 4, code == 4)
    named = [*gitlab()["artifacts"]["paths"], gitlab()["artifacts"]["reports"]["junit"], *gitlab()["cache"]["paths"]]
    missing = [name for name in named if not (workspace / name).exists()]
    assert missing == ([] if code in (0, 1, 137) else [name for name in named if name not in ("page.md", "run.log")])


def test_the_gitlab_job_tells_a_variable_that_is_not_set(tmp_path: Path) -> None:
    path = program(tmp_path / ".venv" / "bin", "exit 0", parents=True)
    ended = done(SCRIPTS["GitLab"], "/bin/bash", tmp_path, path, set_up=False)
    done(SCRIPTS["GitLab, after"], "/bin/bash", tmp_path, path, set_up=False)

    assert (ended.returncode, ended.stdout) == (4, "RIG_TARGET or RIG_CERTIFICATE is not set\n")
    page = (tmp_path / "page.md").read_text()
    assert page.startswith("# The job is set up wrongly (exit code 4)\n")
    assert "RIG_TARGET or RIG_CERTIFICATE is not set" in page


@pytest.mark.parametrize("night", [*NIGHTS, "killed with its shell"])
def test_the_jenkins_job_ends_as_its_run_and_keeps_the_night(
    night: str, left: Mapping[str, Path], tmp_path: Path
) -> None:
    run, code, told = NIGHTS.get(night, KILLED_WITH_ITS_SHELL)
    workspace = tmp_path / "work"
    path = program(workspace / ".venv" / "bin", run.format(**left), parents=True)
    stage, after = jenkins()
    ended = done(stage, "/bin/sh", workspace, path)
    concluded = done(after, "/bin/sh", workspace, path)

    assert (ended.returncode, concluded.returncode) == (code, 0), ended.stderr + concluded.stderr
    page = (workspace / "page.md").read_text()
    assert page.splitlines()[0] == told
    assert (SLIP in page, SLIP in ended.stdout) == (code == 4, code == 4)
    assert history(workspace) == (1 if code in (0, 1, 137) else 0)
    assert (workspace / "history" / "index.html").exists()


@pytest.mark.parametrize("server", INSTALLERS)
def test_a_setup_that_failed_shows_nothing_of_the_night_before(
    server: str, left: Mapping[str, Path], tmp_path: Path
) -> None:
    path = program(tmp_path / ".venv" / "bin", NIGHTS["good"][0].format(**left), parents=True)
    before, after = (SCRIPTS["GitLab"], SCRIPTS["GitLab, after"]) if server == "GitLab" else jenkins()
    for script in (before, after):
        assert done(script, "/bin/bash", tmp_path, path).returncode == 0
    (first,) = [number for number, line in enumerate(before) if INSTALLING[0] in line]
    done(before[:first], "/bin/bash", tmp_path, path)  # credentials or an installation failed
    done(after, "/bin/bash", tmp_path, path)

    assert (tmp_path / "page.md").read_text().startswith("# The job is set up wrongly (exit code 4)\n")
    assert not (tmp_path / "reports" / "nightly").exists()
    assert history(tmp_path) == 1


def test_the_jenkins_job_cleans_up_before_it_asks_for_credentials() -> None:
    before, _, _ = block("groovy").partition("withCredentials")

    assert "rm -rf reports/nightly page.md" in before


def test_the_jenkins_job_keeps_a_night_that_was_lost_with_its_agent(left: Mapping[str, Path], tmp_path: Path) -> None:
    path = program(tmp_path / ".venv" / "bin", NIGHTS["good"][0].format(**left), parents=True)
    shutil.copytree(left["cut"], tmp_path / "reports" / "nightly")
    done(jenkins()[0], "/bin/sh", tmp_path, path)

    assert history(tmp_path) == 1


@pytest.mark.parametrize("flags", ["-c", "-ec"])
def test_the_script_for_any_server_ends_as_its_run_and_judges_no_night_by_another(
    left: Mapping[str, Path], tmp_path: Path, flags: str
) -> None:
    kept = 0
    for number, night in enumerate(["good", "bad", "set up wrongly", "killed", "nothing"]):
        run, code, told = NIGHTS.get(night, ("exit 0", 6, "# No results: nothing was judged (exit code 0)"))
        path = program(tmp_path / "bin", run.format(**left))
        clock = tmp_path / "bin" / "date"  # these nights follow each other within a second
        clock.write_text(f"#!/bin/sh\necho night-{number}-$$\n")
        clock.chmod(0o755)
        ended = subprocess.run(  # noqa: S603
            ["/bin/bash", flags, shell_script("Any other CI server")],
            cwd=tmp_path,
            env={"PATH": path, "RIG_TARGET": "target"},
            capture_output=True,
            text=True,
            check=False,
        )

        assert ended.returncode == code, ended.stderr
        page = (tmp_path / "page.md").read_text()
        assert page.splitlines()[0] == told
        assert (SLIP in page, SLIP in ended.stdout) == (code == 4, code == 4)
        kept += night in ("good", "bad", "killed")
        assert history(tmp_path) == kept


@pytest.mark.parametrize("flags", ["-c", "-ec"])
def test_the_script_for_any_server_keeps_a_night_that_was_killed_with_its_job(
    left: Mapping[str, Path], tmp_path: Path, flags: str
) -> None:
    shutil.copytree(left["cut"], tmp_path / "reports" / "night")
    (tmp_path / "page.md").write_text("of the night before")
    ended = subprocess.run(  # noqa: S603
        ["/bin/bash", flags, shell_script("Any other CI server")],
        cwd=tmp_path,
        env={"PATH": program(tmp_path / "bin", "exit 0")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, "RIG_TARGET is not set" in ended.stderr) == (4, True)
    assert history(tmp_path) == 1
    assert not (tmp_path / "page.md").exists()


def cron(tmp_path: Path, night: str, left: Mapping[str, Path]) -> tuple[subprocess.CompletedProcess[str], Path]:
    """One night of the cron recipe, its folder being `tmp_path`: what cron would mail, and the folder."""
    place = tmp_path / "conformance"
    run = NIGHTS[night][0].format(**left)
    path = program(place / ".venv" / "bin", run, parents=True)
    script = shell_script("cron").replace("/srv/conformance", str(place))
    (place / "nightly.sh").write_text(script)
    (place / "nightly.sh").chmod(0o755)
    (line,) = re.findall(r"^17 2 \* \* \* (.*)$", PAGE, re.MULTILINE)
    done = subprocess.run(  # noqa: S603
        ["/bin/sh", "-c", line.replace("/srv/conformance", str(place))],
        env={"PATH": path.partition(":")[2]},
        capture_output=True,
        text=True,
        check=False,
    )
    return done, place


@pytest.mark.skipif(shutil.which("flock") is None, reason="no flock is installed here: it is part of util-linux")
@pytest.mark.parametrize("night", NIGHTS)
def test_cron_mails_of_every_night_that_is_not_good(night: str, left: Mapping[str, Path], tmp_path: Path) -> None:
    _, code, told = NIGHTS[night]
    mailed, place = cron(tmp_path, night, left)

    assert (mailed.stdout == "") == (code == 0)
    assert code == 0 or (mailed.stdout.startswith(told) and f"the nightly run ended with {code} " in mailed.stdout)
    assert history(place / "reports", "rig") == (0 if code == 4 else 1)
    assert mailed.stderr == "" or night == "killed"  # bash names the command that was killed


@pytest.mark.skipif(shutil.which("flock") is None, reason="no flock is installed here: it is part of util-linux")
def test_a_night_that_ended_with_its_machine_has_reports_the_night_after(
    left: Mapping[str, Path], tmp_path: Path
) -> None:
    shutil.copytree(left["cut"], tmp_path / "conformance" / "reports" / "rig" / "20260101T000000Z")
    mailed, place = cron(tmp_path, "good", left)

    assert (mailed.stdout, history(place / "reports", "rig")) == ("", 2)


@pytest.mark.skipif(shutil.which("flock") is None, reason="no flock is installed here: it is part of util-linux")
def test_a_night_that_finds_another_leaves_its_log_and_is_mailed(left: Mapping[str, Path], tmp_path: Path) -> None:
    place = tmp_path / "conformance"
    place.mkdir()
    (place / "nightly.log").write_text("the other night")
    with (place / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        mailed, _ = cron(tmp_path, "good", left)

    assert "ended with 75" in mailed.stdout
    assert (place / "nightly.log").read_text() == "the other night"


@pytest.mark.parametrize("server", INSTALLERS)
def test_one_line_of_a_recipe_installs_the_suite(server: str) -> None:
    assert len([line for line in SCRIPTS[server] if "pip install -q ." in line]) == 1


def test_the_jenkins_recipe_is_balanced() -> None:
    text = GROOVY_SCRIPT.sub("", block("groovy"))

    for left, right in ("{}", "()", "[]"):
        assert text.count(left) == text.count(right)
    assert text.count("'") % 2 == 0


@pytest.mark.skipif(SHELLCHECK is None, reason="no shellcheck is installed here: pip install -e '.[dev]' brings it")
@pytest.mark.parametrize("server", [*SCRIPTS, "Any other CI server", "cron"])
def test_shellcheck_has_nothing_to_say_of_a_recipe(server: str) -> None:
    if server not in SCRIPTS:
        texts, shell = [shell_script(server)], "bash"
    else:
        texts, shell = (["\n".join(SCRIPTS[server])], "bash") if "GitLab" in server else (SCRIPTS[server], "sh")
    for text in texts:  # GitLab runs all lines in one shell, Jenkins each script in its own
        line = [SHELLCHECK or "", "--shell", shell, "-"]
        found = subprocess.run(line, input=text, capture_output=True, text=True, check=False)  # noqa: S603
        assert (found.returncode, found.stdout) == (0, "")


CLIENTS = (Path(__file__).parents[2] / "docs" / "clients.md").read_text(encoding="utf-8")
RECORDING = next(each for each in re.findall(r"```sh\n(.*?)```", CLIENTS, re.DOTALL) if "until [" in each)


def recorded(folder: Path, port: int, flags: str, client: str) -> subprocess.CompletedProcess[str]:
    """The script that records a client, with `client` in its place and another port, and then the judgement."""
    path = program(folder / "bin")
    file = folder / "bin" / "my-client"
    file.write_text(f"#!/bin/sh\n{client}\n")
    file.chmod(0o755)
    script = RECORDING.replace("--port 8443", f"--port {port}") + "reimage-conformance report session\n"
    return subprocess.run(  # noqa: S603
        ["/bin/bash", flags, script],
        cwd=folder,
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(("flags", "client"), [("-c", "exit 0"), ("-ec", "exit 1")])
def test_the_script_that_records_a_client_judges_it(tmp_path: Path, flags: str, client: str) -> None:
    ended = recorded(tmp_path, 0, flags, client)

    assert ended.returncode == 6, ended.stderr  # it asked for nothing
    assert (tmp_path / "session" / "junit.xml").exists()


def test_the_script_that_records_a_client_ends_where_no_emulator_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = recorded(tmp_path, taken.getsockname()[1], "-c", "exit 0")

    assert ended.returncode == 4, ended.stderr
    assert not (tmp_path / "session" / "results.json").exists()


def test_a_target_file_loses_the_places_of_its_certificates(tmp_path: Path) -> None:
    kept = '[target]\nname = "rig"\nkey_passphrase_file = "x"\n\n[[deployments]]\ncloud_service = "contoso"\n'
    places = "".join(f'{key} = "{key}.pem"\n  {key}="again"\n' for key in CERTIFICATES)
    (tmp_path / "rig.toml").write_text(kept.replace("name", places + "name", 1))
    (line,) = re.findall(r"^grep .*$", PAGE, re.MULTILINE)
    subprocess.run(["/bin/sh", "-c", line], cwd=tmp_path, check=True)  # noqa: S603

    assert (tmp_path / "target-for-the-job.toml").read_text() == kept
