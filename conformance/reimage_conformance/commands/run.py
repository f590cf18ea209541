"""The command `run`: makes a pytest command line and runs it: in this process for one target, in several for more."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reimage_conformance.commands.case_files import cases_folder
from reimage_conformance.commands.options import Options, click_options
from reimage_conformance.commands.pytest_session import (
    QUIET_WORDS,
    SETTINGS,
    VERBOSE_WORDS,
    in_report_folder,
    plugin_words,
    run_session,
    storage_elsewhere,
)
from reimage_conformance.commands.words import FilePath
from reimage_conformance.config import load_target
from reimage_conformance.errors import UsageError
from reimage_conformance.model import Identity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reimage_conformance.model import Target

REST = "reimage_conformance.rest"
"""The key of click's context under which the words after `--` are kept."""

LEAN = (
    "--assert=plain",
    *(word for name in ("unraisableexception", "legacypath", "anyio") for word in ("-p", f"no:{name}")),
)
"""Options that switch off parts of pytest that a run does not need; cases have no assertions to rewrite."""


class WithRest(click.Command):
    """A command that keeps the words after `--` for pytest."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep the words after the first `--` in the context."""
        at = args.index("--") if "--" in args else len(args)
        ctx.meta[REST] = args[at + 1 :]
        return super().parse_args(ctx, args[:at])


@click.command(cls=WithRest)
@click.argument("targets", nargs=-1, type=FilePath(is_target=True), metavar="[TARGET.toml ...] [-- PYTEST ...]")
@click_options
@click.option("-n", "processes", type=click.IntRange(min=0), help="How many of several targets run side by side.")
@click.option(
    "--tx",
    "workers",
    multiple=True,
    metavar="SPEC",
    help="Run targets on these workers, each one target at a time: popen, 3*popen, ssh=HOST//python=PATH (repeatable).",
)
@click.option(
    "-q", "--quiet", is_flag=True, help="Print the verdict, the findings and where the report is, nothing else."
)
@click.option("-v", "--verbose", is_flag=True, help="Print a line for each case.")
@click.pass_context
def run(
    context: click.Context,
    /,
    targets: tuple[Path, ...],
    processes: int | None,
    workers: tuple[str, ...],
    *,
    quiet: bool,
    verbose: bool,
    **settings: Any,
) -> int:
    """Run the suite against targets, or an emulator.

    Without a TARGET the suite runs against an embedded emulator. Options after -- go to pytest.

    On one machine, two runs never use the same deployment at the same time. Targets that share one run one after another. A command
    that finds another run at its deployment waits if --wait is given; otherwise it ends with exit code 6.

    Example: reimage-conformance run rig.toml --only REQ-REIMAGE-202,errors --failed-in reports/rig/20260101T000000Z
    """
    options, rest = Options(**settings), list(context.meta[REST])
    if quiet and verbose:
        raise UsageError("--quiet and --verbose contradict each other; give one of them")
    _check(targets, options)
    _check_names_of_targets(targets, options, rest)
    rest = [*VERBOSE_WORDS, *rest] if verbose else rest
    if workers:
        _check_workers(targets, options, processes)
        from reimage_conformance.commands.fleet import run_on_workers  # noqa: PLC0415 -- as below

        return run_on_workers(targets, options, rest, workers, quiet=quiet)
    if len(targets) > 1:
        from reimage_conformance.commands.fleet import run_side_by_side  # noqa: PLC0415 -- asyncio, for several targets only

        return run_side_by_side(targets, options, rest, processes, quiet=quiet)
    if processes is not None and processes > 1:
        click.echo(
            "-n has no effect for one target; --connections N says how many requests run at the same time", err=True
        )
    return run_pytest(targets[0] if targets else None, options, [*QUIET_WORDS, *rest] if quiet else rest)


def run_pytest(target: Path | None, options: Options, rest: list[str]) -> int:
    """Run the cases against one target, or the embedded emulator, in this process; gives the exit code."""
    with storage_elsewhere() if in_report_folder() else nullcontext():
        return run_session(pytest_words(target, options, rest))


def pytest_words(target: Path | None, options: Options, rest: list[str]) -> list[str]:
    """The pytest command line for one target, or for the embedded emulator."""
    folder = cases_folder()
    if not folder.is_dir():
        raise UsageError(f"{folder}: there are no cases; install the package again, or use a complete checkout")
    words = [
        str(folder),
        f"--rootdir={folder.parent}",
        f"--config-file={SETTINGS}",
        *LEAN,
        *plugin_words(),
        *_cache_words(rest),
    ]
    words += ["--embedded"] if target is None else ["--target", str(target)]
    words += options.words()
    if options.report_dir is not None:
        words += ["--report-dir", str(options.report_dir)]
    return words + rest


def _cache_words(rest: list[str]) -> tuple[str, ...]:
    """The option that puts pytest's cache (for `--lf`) into the current folder; a report folder gets none.

    Its default could be in site-packages.
    """
    if "no:cacheprovider" in rest:
        return ()  # pytest warns of an option whose plugin is not loaded
    if in_report_folder():
        return ("-p", "no:cacheprovider")
    return ("-o", f"cache_dir={Path.cwd() / '.pytest_cache' / 'reimage-conformance'}")


def _check(targets: tuple[Path, ...], options: Options) -> None:
    """Raise UsageError or TargetError for every mistake that can be found before anything starts."""
    if options.resume is not None and len(targets) != 1:
        raise UsageError(f"--resume needs exactly one target file, that of the run; found {len(targets)}")
    changed = options.faults or options.oddities or options.world or options.like_the_service
    if targets and changed:
        raise UsageError(
            "--fault, --oddity, --world and --like-the-service change the embedded emulator; they cannot be used with a target file"
        )
    if changed:
        _check_emulator(options)
    if options.write_baseline is not None and len(targets) > 1:
        raise UsageError(f"--write-baseline needs one target, found {len(targets)}; run the targets one by one")
    if options.baseline is not None and not options.baseline.is_file():
        raise UsageError(f"--baseline {options.baseline}: there is no such file")
    _check_choice(options)
    check_target_files(targets)


def _check_names_of_targets(targets: tuple[Path, ...], options: Options, rest: list[str]) -> None:
    """Raise UsageError for a target file that is named twice or after `--`, and for --list with several."""
    if any(word.partition("=")[0] == "--target" for word in rest):
        raise UsageError("--target after --: a target file is named before --, without an option")
    if options.list_cases and len(targets) > 1:
        raise UsageError(f"--list needs one target, found {len(targets)}; list the targets one by one")
    files = [target.resolve() for target in targets]
    twice = [target for number, target in enumerate(targets) if target.resolve() in files[:number]]
    if twice:
        raise UsageError(f"{twice[0]}: the target file is named twice; name it once")


def _check_workers(targets: tuple[Path, ...], options: Options, processes: int | None) -> None:
    """Raise UsageError for what --tx cannot be combined with."""
    if not targets:
        raise UsageError("--tx gives target files to workers; expected at least one target file, found none")
    if processes is not None:
        raise UsageError("-n and --tx both say how many targets run at the same time; give one of them")
    for name, given in (("--resume", options.resume), ("--write-baseline", options.write_baseline)):
        if given is not None:
            raise UsageError(f"{name} cannot be used with --tx; run that target without --tx")


def check_target_files(targets: Sequence[Path]) -> None:
    """Raise TargetError for mistakes in target files and the files that they name; ask for passphrases."""
    for target in targets:
        _unlock(load_target(target))


def _check_choice(options: Options) -> None:
    """Raise UsageError if the requirements that the options choose cannot be found."""
    if options.only or options.failed_in is not None or options.require is not None:
        from reimage_conformance.choosing import failed_in, required_in, requirements_of  # noqa: PLC0415 -- reads journals

        if options.only:
            requirements_of(options.only)
        if options.failed_in is not None and options.finding is None:
            failed_in(options.failed_in)
        if options.require is not None:
            required_in(options.require)


def _unlock(target: Target) -> None:
    """Open the certificates of `target`; passphrases are asked for here, since later processes have no terminal."""
    from reimage_conformance.credentials.reading import read_credential  # noqa: PLC0415 -- only a run against a target needs it

    if target.is_https:
        for identity in (Identity.PRIMARY, Identity.SECOND):
            read_credential(target, identity)


def _check_emulator(options: Options) -> None:
    """Raise UsageError if the embedded emulator cannot have these faults and oddities in this world."""
    from reimage_conformance.embedding.worlds import world_of  # noqa: PLC0415 -- as above
    from reimage_conformance.emulator import emulator_with  # noqa: PLC0415 -- only a run with faults needs it

    layout = None if options.world is None else world_of(options.world)
    emulator_with(faults=options.faults, oddities=options.oddities, layout=layout)
