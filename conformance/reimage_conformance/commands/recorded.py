"""The commands that read recordings: `check` judges a capture, `report` a journal, `compare` compares runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from reimage_conformance.commands.sessions import is_session, judge_session
from reimage_conformance.commands.words import FilePath, SuggestingChoice
from reimage_conformance.config import load_target
from reimage_conformance.errors import UsageError
from reimage_conformance.model import Strictness, Subject
from reimage_conformance.outputs import JOURNAL, claim_folder, claim_page

if TYPE_CHECKING:
    from pathlib import Path

LAST_GOOD = "last-good"
QUIET = "Print the verdict, the findings and where the report is, nothing else."
OVERWRITE = "Replace the run that the report folder holds."


@click.command()
@click.argument("capture", type=FilePath())
@click.option("--target", type=FilePath(is_target=True), help="The target file of the endpoint that was recorded.")
@click.option("--report-dir", type=FilePath(), help="Write reports into this folder.")
@click.option("--client", is_flag=True, help="Judge the client that sent the requests, in place of the endpoint.")
@click.option("--overwrite", is_flag=True, help=OVERWRITE)
@click.option(
    "--strictness",
    type=SuggestingChoice([word.value for word in Strictness]),
    help="How literally the documents are read.",
)
@click.option("--no-redact", is_flag=True, help="Do not mask secrets in the reports; do not share them then.")
@click.option("-q", "--quiet", is_flag=True, help=QUIET)
def check(
    *,
    capture: Path,
    target: Path | None,
    report_dir: Path | None,
    client: bool,
    overwrite: bool,
    strictness: str | None,
    no_redact: bool,
    quiet: bool,
) -> int:
    """Judge recorded traffic: HAR 1.2 or a journal.

    CAPTURE is an export of a browser or proxy (.har, .har.gz, .har.zip), the journal of a run, or what `emulator --record` kept. Only
    what its recorder cannot have changed is judged. Without a target file the endpoint is inferred from the traffic; then it is not
    known whether other names exist.

    Example: reimage-conformance check traffic.har --target rig.toml --report-dir report
    """
    file = _existing(capture, JOURNAL, "a HAR, a journal.jsonl or the folder of a run")
    endpoint = None if target is None else load_target(target)
    if report_dir is not None and file.resolve().parent != report_dir.resolve():
        claim_folder(report_dir, overwrite=overwrite)
    chosen = None if strictness is None else Strictness(strictness)
    if client and is_session(file, endpoint):
        chosen = chosen or (endpoint.strictness if endpoint is not None else None)
        return judge_session(file, report_dir, chosen, quiet=quiet)
    from reimage_conformance.capture import check_capture  # noqa: PLC0415 -- imports the checks

    return check_capture(
        file,
        target=endpoint,
        report_dir=report_dir,
        strictness=chosen,
        redact=not no_redact,
        subject=Subject.CLIENT if client else Subject.ENDPOINT,
        quiet=quiet,
    )


@click.command()
@click.argument("journal", type=FilePath())
@click.option("--report-dir", type=FilePath(), help="Where reports go; beside the journal if left out.")
@click.option("--overwrite", is_flag=True, help=OVERWRITE)
@click.option("-q", "--quiet", is_flag=True, help=QUIET)
def report(*, journal: Path, report_dir: Path | None, overwrite: bool, quiet: bool) -> int:
    """Make the reports from a journal again.

    JOURNAL is a journal.jsonl or the folder of a run. For a run that was cut short, the reports show what was judged until then; the
    exit code is 1 if something was violated, else 6.

    Example: reimage-conformance report reports/rig/20260101T000000Z
    """
    file = _existing(journal, JOURNAL)
    if report_dir is not None and file.resolve().parent != report_dir.resolve():
        claim_folder(report_dir, overwrite=overwrite)
    from reimage_conformance.replay import regenerate  # noqa: PLC0415 -- imports the checks

    return regenerate(file, report_dir or file.parent, quiet=quiet)


@click.command()
@click.argument("runs", nargs=-1, type=FilePath(), metavar="RUN RUN ...")
@click.option("--html", type=FilePath(), help="Write the comparison as an HTML page too.")
@click.option(
    "--against",
    type=SuggestingChoice([LAST_GOOD]),
    help="Compare one RUN with the last run of its target that was conformant.",
)
@click.option(
    "--history",
    type=FilePath(),
    metavar="DIR",
    help="Where --against searches, up to two folders deep; the folder that holds RUN if left out.",
)
@click.option(
    "--targets", is_flag=True, help="Each RUN is of another target, and is called by the name of its report folder."
)
def compare(
    *, runs: tuple[Path, ...], html: Path | None, against: str | None, history: Path | None, targets: bool
) -> int:
    """Show what changed between runs.

    A RUN is a report folder, a results.json or a journal; the runs may be of different implementations. A requirement that is violated
    in both runs in different ways is shown too. The exit code is 1 if a requirement that was met is violated now, and 6 if --against
    found no run to compare with.

    Example: reimage-conformance compare reports/rig/20260102T000000Z --against last-good
    """
    if against is None and len(runs) < 2:
        raise UsageError(f"compare needs at least two runs, found {len(runs)}")
    if against is not None and len(runs) != 1:
        raise UsageError(f"compare --against {against} takes one run, found {len(runs)}")
    if against is None and history is not None:
        raise UsageError(f"--history {history}: is used only with --against {LAST_GOOD}; give both, or neither")
    if against is not None and targets:
        raise UsageError(f"--targets: cannot be used with --against {against}, which compares runs of one target")
    files = [run if run.is_dir() else _existing(run, "results.json") for run in runs]
    if html is not None:
        claim_page(html, "--html")
    from reimage_conformance.report import comparison  # noqa: PLC0415 -- only this command needs it

    if against is None:
        return comparison.compare_runs(files, html, _judged, _folder_names(files) if targets else None)
    folder = files[0] if files[0].is_dir() else files[0].parent
    return comparison.compare_with_last_good(files[0], history or folder.resolve().parent, html, _judged)


def _folder_names(runs: list[Path]) -> list[str]:
    """The name of the report folder of each run; raises UsageError if two have the same."""
    names = [(run if run.is_dir() else run.parent).resolve().name for run in runs]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise UsageError(f"--targets: two report folders are called {repeated}; rename one of them")
    return names


def _judged(journal: Path) -> dict[str, Any]:
    """The results of a journal, which is assessed again for this."""
    from reimage_conformance.journal import read_journal  # noqa: PLC0415 -- imports the checks
    from reimage_conformance.replay import assessed  # noqa: PLC0415
    from reimage_conformance.report.results import results  # noqa: PLC0415

    return results(assessed(read_journal(journal)))


def _existing(path: Path, inside: str, expected: str = "") -> Path:
    """The file at `path`, or the file `inside` in the folder at `path`.

    Raises UsageError, whose message says what was `expected`, where it is missing.
    """
    file = path / inside if path.is_dir() else path
    if not file.is_file():
        raise UsageError(f"{file}: there is no such file; expected {expected or f'a {inside} or the folder of a run'}")
    return file
