"""The nightly job: the steps of the composite action in a bare shell, with a target, without one, and after all kinds of nights."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from memory_runs import run_in_memory
from reimage_conformance.embedding.worlds import world_of
from reimage_conformance.emulator import Emulator, serve
from workflow_steps import run_action, run_job

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workflow_steps import Job

REPOSITORY = Path(__file__).parents[2]
ACTION = REPOSITORY / ".github" / "actions" / "conformance" / "action.yml"
TABLE = REPOSITORY / ".github" / "actions" / "conformance-table" / "action.yml"
WORKFLOW = REPOSITORY / ".github" / "workflows" / "nightly.yml"
TARGET = '[target]\nname = "rig"\n'


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reports of a short run that saw no violation."""
    folder = tmp_path_factory.mktemp("good") / "run"
    assert run_in_memory(folder, "--profile", "smoke", "--world", "one-instance", "--only", "REQ-REIMAGE-202") == 0
    return folder


def program(folder: Path, run: str = 'exec {suite} run "${{@:2}}"', *, parents: bool = False) -> str:
    """A PATH with the suite on it, whose command `run` is replaced by the lines `run`."""
    folder.mkdir(exist_ok=True, parents=parents)
    suite = f"{sys.executable} -m reimage_conformance"
    file = folder / "reimage-conformance"
    file.write_text(f'#!/bin/bash\nif [ "$1" = run ]; then\n{run.format(suite=suite)}\nfi\nexec {suite} "$@"\n')
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return os.pathsep.join([str(folder), "/usr/bin", "/bin"])


def replayed(source: Path, code: int) -> str:
    """Lines that leave the files of `source` as the reports of a run that ends with `code`."""
    return f"mkdir -p conformance-reports; cp {source}/* conformance-reports/; exit {code}"


def changed(good: Path, folder: Path, day: int, **outcomes: str) -> Path:
    """The same run on another day, with other outcomes of some requirements."""
    folder.mkdir()
    results: dict[str, Any] = json.loads((good / "results.json").read_text())
    results["run"].update(started=f"2026-11-{day:02}T02:00:00Z")
    for row in results["requirements"]:
        row["outcome"] = outcomes.get(row["id"].replace("-", "_"), row["outcome"])
    if "violated" in outcomes.values():
        results["run"].update(verdict="nonconformant", exit_code=1)
        results["summary"]["violated"] = 1
        finding: dict[str, Any] = {
            "requirement": "REQ-REIMAGE-202",
            "counts_as": "FAIL",
            "headline": "It answers 200, not 202: wrong.",
        }
        finding |= {
            "expected": "202",
            "actual": "200",
            "cases": [],
            "evidence": [],
            "reproduce": "",
            "also_affected": [],
        }
        results["findings"] = [finding]
    (folder / "results.json").write_text(json.dumps(results))
    (folder / "summary.md").write_text(f"# The summary of day {day}\n")
    return folder


def nights(workspace: Path) -> list[str]:
    """The nights that the history holds, by when they began."""
    files = (workspace / "checkout" / "conformance-history").glob("*/results.json")
    return sorted(json.loads(file.read_text())["run"]["started"] for file in files)


@pytest.fixture(scope="module")
def with_target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Job]:
    """A night with a real target over TLS, whose files come as the texts of secrets."""
    folder = tmp_path_factory.mktemp("target")
    with serve(Emulator(0.1, layout=world_of("one-instance"))) as running:
        file = running.write_target(folder / "rig.toml", name="rig")
        lines = file.read_text().splitlines()
        text = "\n".join(line for line in lines if not re.match("(second_)?client_|ca_bundle", line))
        yield run_action(
            ACTION,
            folder / "work",
            program(folder / "bin"),
            target=text,
            client_certificate=(folder / "rig.client-and-key.pem").read_text(),
            ca_bundle=(folder / "rig.ca.pem").read_text(),
            profile="smoke",
            arguments="--only\n  REQ-REIMAGE-202\n",
        )


def test_a_night_with_a_target_is_judged_kept_and_told(with_target: Job) -> None:
    checkout = with_target.workspace / "checkout"

    assert (with_target.failed, with_target.outputs["page"]["exit-code"]) == (False, "0"), with_target.said
    assert with_target.page.startswith("# No violation was seen (exit code 0)")
    assert len(nights(with_target.workspace)) == 1
    written = {path.name for path in (checkout / "conformance-reports").iterdir()}
    assert {"report.html", "badge.json", "findings.sarif"} <= written
    assert "report.html" in (checkout / "conformance-history" / "index.html").read_text()
    assert "::error" not in with_target.said


def test_nothing_that_opens_the_target_is_left_behind(with_target: Job) -> None:
    key = with_target.inputs["client-certificate"].partition("PRIVATE KEY-----")[2].split()[3].encode()
    left = [path for path in with_target.workspace.rglob("*") if path.is_file()]

    assert len(key) == 64
    assert not (with_target.workspace / "temp" / "conformance-target").exists()
    assert [path for path in left if key in path.read_bytes()] == []


def test_a_night_without_a_target_fails_and_says_so(tmp_path: Path) -> None:
    job = run_action(ACTION, tmp_path, program(tmp_path / "bin"))

    assert (job.failed, job.outputs["page"]["exit-code"]) == (True, "4")
    assert "Run" not in job.ran
    assert job.page.startswith("# The job is set up wrongly (exit code 4)\n\nThere is no target")
    assert job.page.count("\n# ") == 0
    assert "::error title=conformance%3A no target::" in job.said
    assert nights(tmp_path) == []


def test_a_target_file_that_is_missing_is_named(tmp_path: Path) -> None:
    job = run_action(ACTION, tmp_path, program(tmp_path / "bin"), target_file="rig.toml")

    assert job.failed
    assert "There is no file rig.toml" in job.page


def test_a_wrong_secret_is_told_from_a_wrong_endpoint(tmp_path: Path) -> None:
    job = run_action(ACTION, tmp_path, program(tmp_path / "bin"), target=TARGET)

    assert (job.failed, job.outputs["page"]["exit-code"]) == (True, "4")
    assert job.page.startswith("# The job is set up wrongly (exit code 4)")
    assert "the endpoint is not to blame" in job.page
    assert "base_url" in job.page
    assert re.search("^::error title=conformance%3A The job is set up wrongly::.*target.toml", job.said, re.MULTILINE)
    assert nights(tmp_path) == []


def test_an_endpoint_that_is_away_is_told_from_one_that_is_wrong(tmp_path: Path) -> None:
    with serve(Emulator(0.1, layout=world_of("one-instance")), tls=False) as running:
        text = running.write_target(tmp_path / "rig.toml").read_text()
    job = run_action(ACTION, tmp_path / "work", program(tmp_path / "bin"), target=text)

    assert (job.failed, job.outputs["page"]["exit-code"]) == (True, "6"), job.said
    assert job.page.startswith("# Not everything could be judged (exit code 6)")
    assert "::warning title=conformance%3A Not everything could be judged::" in job.said
    assert "::error" not in job.said


def test_a_night_that_was_cut_off_has_reports_of_what_it_came_to(tmp_path: Path, good: Path) -> None:
    lines = (good / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut" / "journal.jsonl").write_bytes(b"".join(lines[: len(lines) // 2]) + lines[-1][:9])
    killed = f"mkdir conformance-reports; cp {tmp_path}/cut/journal.jsonl conformance-reports; kill -KILL $$"
    job = run_action(ACTION, tmp_path / "work", program(tmp_path / "bin", killed), target=TARGET)

    assert (job.failed, job.outputs["page"]["exit-code"]) == (True, "6"), job.said
    assert job.page.startswith("# The run was cut off\n")
    assert {"results.json", "report.html", "summary.md"} <= {
        path.name for path in (tmp_path / "work" / "checkout" / "conformance-reports").iterdir()
    }
    assert len(nights(tmp_path / "work")) == 1


def test_a_night_that_left_nothing_at_all_fails(tmp_path: Path) -> None:
    job = run_action(ACTION, tmp_path, program(tmp_path / "bin", "echo unlucky; kill -KILL $$"), target=TARGET)

    assert (job.failed, job.outputs["page"]["exit-code"]) == (True, "6")
    assert job.page.startswith("# The run was cut off\n")
    assert "unlucky" in job.page


def test_a_bad_night_is_marked_and_no_measure_for_the_next(tmp_path: Path, good: Path) -> None:
    bad = {"REQ_REIMAGE_202": "violated"}
    days = [
        changed(good, tmp_path / "1", 1),
        changed(good, tmp_path / "2", 2, **bad),
        changed(good, tmp_path / "3", 3, **bad),
    ]
    first, second, third = (
        run_action(ACTION, tmp_path / "work", program(tmp_path / f"bin{day}", replayed(source, code)), target=TARGET)
        for day, (source, code) in enumerate(zip(days, (0, 1, 1), strict=True), 1)
    )

    assert [job.failed for job in (first, second, third)] == [False, True, True]
    for job in (second, third):
        assert job.outputs["page"]["exit-code"] == "1"
        assert "::error title=conformance%3A REQ-REIMAGE-202%2C new since the last good night::It answers" in job.said
    assert third.page.startswith("# The endpoint violates the protocol (exit code 1)")
    assert "## Since the last good night (2026-11-01T02:00:00Z)" in third.page
    assert "**1 requirement newly violated.**" in third.page
    assert "# The summary of day 3" in third.page
    assert len(nights(tmp_path / "work")) == 3


def test_the_history_keeps_the_newest_nights(tmp_path: Path, good: Path) -> None:
    for day in (1, 2):
        source = changed(good, tmp_path / str(day), day)
        path = program(tmp_path / f"bin{day}", replayed(source, 0))
        run_action(ACTION, tmp_path / "work", path, target=TARGET, nights="1")

    assert nights(tmp_path / "work") == ["2026-11-02T02:00:00Z"]


def test_a_run_that_judged_nothing_is_not_green(tmp_path: Path) -> None:
    job = run_action(ACTION, tmp_path, program(tmp_path / "bin", "echo 12 cases; exit 0"), target=TARGET)

    assert (job.failed, job.outputs["page"]["exit-code"]) == (True, "6")
    assert job.page.startswith("# No results: nothing was judged (exit code 0)")
    assert "12 cases" in job.page
    assert "::error title=conformance%3A No results%3A nothing was judged::" in job.said


def test_what_an_earlier_job_left_in_the_workspace_is_not_taken_for_this_night(tmp_path: Path, good: Path) -> None:
    for name in ("conformance-reports", "conformance-history/19991231T000000Z"):
        shutil.copytree(good, tmp_path / "checkout" / name)
    (tmp_path / "checkout" / "conformance-history" / "index.html").write_text("old")
    for run, code in (("echo no >&2; exit 4", "4"), ("exit 0", "6")):
        assert (
            run_action(ACTION, tmp_path, program(tmp_path / "bin", run), target=TARGET).outputs["page"]["exit-code"]
            == code
        )
        assert nights(tmp_path) == []
    shutil.copytree(good, tmp_path / "checkout" / "conformance-reports", dirs_exist_ok=True)
    job = run_action(ACTION, tmp_path, program(tmp_path / "bin"))

    assert (job.failed, nights(tmp_path)) == (True, [])
    assert not (tmp_path / "checkout" / "conformance-reports").exists()


def test_the_run_is_told_what_it_must_judge(tmp_path: Path) -> None:
    path = program(tmp_path / "bin", 'echo "words: $*"; exit 4')

    assert "--require must.txt " in run_action(ACTION, tmp_path, path, target=TARGET, require="must.txt").said
    assert "--require" not in run_action(ACTION, tmp_path, path, target=TARGET).said


HTTPS = '[target]\nbase_url = "https://rig.example"\n'


@pytest.mark.parametrize(
    ("target", "certificate", "warned"),
    [
        (HTTPS, "", True),
        (HTTPS, "PEM", False),
        (HTTPS + 'client_certificate = "client.pem"\n', "", False),
        (HTTPS + '# client_certificate = "client.pem"\n', "", True),
        (HTTPS.replace("https", "http"), "", False),
    ],
)
@pytest.mark.parametrize("is_file", [False, True], ids=["text", "file"])
def test_a_certificate_that_is_missing_is_told(
    tmp_path: Path,
    target: str,
    certificate: str,
    *,
    warned: bool,
    is_file: bool,
) -> None:
    (tmp_path / "checkout").mkdir()
    (tmp_path / "checkout" / "rig.toml").write_text(target)
    given = {"target_file": "rig.toml"} if is_file else {"target": target}
    path = program(tmp_path / "bin", "exit 4")
    job = run_action(ACTION, tmp_path, path, client_certificate=certificate, **given)

    assert ("::warning title=conformance%3A no client certificate::" in job.said) == warned


NAMES = '["rig-a","rig-b","rig-c"]'


@pytest.mark.parametrize(
    ("files", "emulator", "expected"),
    [
        (["rig-a.toml", "rig-b.toml", "rig-b.baseline.toml", "rig-c.toml"], "", {"several": "true", "names": NAMES}),
        ([], "", {"several": "false", "names": '["target"]'}),
        (["rig-a.toml", "rig-b.toml"], "true", {"several": "false", "names": '["target"]'}),
    ],
    ids=["several files", "no file", "the emulator"],
)
def test_the_workflow_has_one_job_for_each_target_file(
    tmp_path: Path, files: list[str], emulator: str, expected: dict[str, str]
) -> None:
    (tmp_path / "checkout" / "targets").mkdir(parents=True)
    for name in files:
        (tmp_path / "checkout" / "targets" / name).write_text("")
    job = run_job(WORKFLOW, "targets", tmp_path, program(tmp_path / "bin"), emulator=emulator)

    assert (job.failed, job.outputs["list"]) == (False, expected), job.said


def test_files_that_are_no_target_are_named(tmp_path: Path) -> None:
    targets = tmp_path / "checkout" / "targets"
    (targets / "folder").mkdir(parents=True)
    for name in ("rig-a.toml", "rig-b.TOML", "rig-c.baseline.toml", "rig-a.baseline.toml", "README.md"):
        (targets / name).write_text("")
    job = run_job(WORKFLOW, "targets", tmp_path, program(tmp_path / "bin"), emulator="")

    assert job.outputs["list"]["names"] == '["rig-a"]'
    assert sorted(re.findall("^::warning file=targets/(.*?)::", job.said, re.MULTILINE)) == [
        *("folder", "rig-b.TOML", "rig-c.baseline.toml")
    ]


def test_a_target_file_whose_name_a_job_cannot_have_is_named(tmp_path: Path) -> None:
    (tmp_path / "checkout" / "targets").mkdir(parents=True)
    (tmp_path / "checkout" / "targets" / "a rig.toml").write_text("")
    job = run_job(WORKFLOW, "targets", tmp_path, program(tmp_path / "bin"), emulator="")

    assert job.failed
    assert "::error file=targets/a rig.toml::" in job.said


def test_the_reports_of_all_targets_become_one_table(tmp_path: Path, good: Path) -> None:
    for name, outcome in (("rig-a", "violated"), ("rig-c", "met")):
        folder = changed(good, tmp_path / name, 1, REQ_REIMAGE_202=outcome)
        results = json.loads((folder / "results.json").read_text())
        results["target"]["name"] = "rig"  # what two target files call themselves does not part them
        (folder / "results.json").write_text(json.dumps(results))
        shutil.copytree(folder, tmp_path / "work" / "checkout" / "runs" / f"conformance-{name}")
    job = run_action(TABLE, tmp_path / "work", program(tmp_path / "bin"), names=NAMES)

    assert (job.failed, job.outputs["table"]["without-results"]) == (False, "rig-b"), job.said
    assert "| requirement | rig-a | rig-c |" in job.page
    assert "| REQ-REIMAGE-202 | violated | met |" in job.page
    assert "**rig-b left no results.**" in job.page
    assert "1 of 2 violate the protocol." in (
        tmp_path / "work" / "checkout" / "conformance-table" / "targets.html"
    ).read_text(encoding="utf-8")


def test_targets_that_left_nothing_make_no_table(tmp_path: Path) -> None:
    job = run_action(TABLE, tmp_path, program(tmp_path / "bin"), names=NAMES)

    assert not job.failed, job.said
    assert job.page.startswith("# Targets\n\nFewer than two targets left results")
    assert job.page.count("left no results.**") == 3


def scripts() -> dict[str, str]:
    """Every script of the actions and of the workflow, by the name of its step."""
    actions = {file: yaml.safe_load(file.read_text())["runs"]["steps"] for file in (ACTION, TABLE)}
    jobs = yaml.safe_load(WORKFLOW.read_text())["jobs"]
    steps = {**actions, **{job: jobs[job]["steps"] for job in jobs}}
    return {
        f"{place.parent.name if isinstance(place, Path) else place}: {each['name']}": each["run"]
        for place, found in steps.items()
        for each in found
        if "run" in each
    }


@pytest.mark.parametrize("name", scripts())
def test_a_script_is_sound_and_holds_no_expression(name: str) -> None:
    script = scripts()[name]
    done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)  # noqa: S607

    assert (done.returncode, done.stderr) == (0, "")
    assert "${{" not in script


SHELLCHECK = shutil.which("shellcheck", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))


@pytest.mark.skipif(SHELLCHECK is None, reason="no shellcheck is installed here: pip install -e '.[dev]' brings it")
@pytest.mark.parametrize("name", scripts())
def test_shellcheck_has_nothing_to_say_of_a_script(name: str) -> None:
    line = [SHELLCHECK or "", "--shell", "bash", "-"]
    done = subprocess.run(line, input=scripts()[name], capture_output=True, text=True, check=False)  # noqa: S603

    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(("job", "action"), [("conformance", ACTION), ("table", TABLE)], ids=["conformance", "table"])
def test_the_workflow_hands_an_action_what_it_takes(job: str, action: Path) -> None:
    described, jobs = yaml.safe_load(action.read_text()), yaml.safe_load(WORKFLOW.read_text())["jobs"]
    (step,) = [each for each in jobs[job]["steps"] if each["uses"] == f"./{action.parent.relative_to(REPOSITORY)}"]

    assert set(step["with"]) <= set(described["inputs"])
    assert int(step["with"].get("max-minutes", "0")) < jobs[job]["timeout-minutes"]
    assert all({"default", "required"} & set(each) for each in described["inputs"].values())
    assert all("description" in each for each in described["inputs"].values())
    assert all(each.get("shell") == "bash" for each in described["runs"]["steps"] if "run" in each)
