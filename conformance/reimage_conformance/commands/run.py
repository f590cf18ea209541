"""The command `run`: makes a pytest command line and runs it, in this process for one target, side by side for more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reimage_conformance.commands.case_files import cases_folder
from reimage_conformance.commands.options import Options
from reimage_conformance.commands.pytest_session import SETTINGS, plugin_words, run_session
from reimage_conformance.commands.words import Word
from reimage_conformance.config import load_target
from reimage_conformance.errors import UsageError
from reimage_conformance.model import Identity, Profile, Strictness

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reimage_conformance.model import Target

REST = "reimage_conformance.rest"
"""Under this key the context keeps what followed `--`."""

LEAN = (
    "--assert=plain",
    *(word for name in ("unraisableexception", "legacypath", "anyio") for word in ("-p", f"no:{name}")),
)
"""Words that spare a run what only pytest's own tests of a library need; cases have no assertions to rewrite."""


class WithRest(click.Command):
    """A command that keeps what follows `--` for pytest."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Set aside what follows the first `--`."""
        at = args.index("--") if "--" in args else len(args)
        ctx.meta[REST] = args[at + 1 :]
        return super().parse_args(ctx, args[:at])


@click.command(cls=WithRest)
@click.argument("targets", nargs=-1, type=click.Path(path_type=Path), metavar="[TARGET.toml ...] [-- PYTEST ...]")
@click.option(
    "--report-dir", type=click.Path(path_type=Path), help="Where reports go; reports/<target>/<time> if left out."
)
@click.option(
    "--strictness", type=Word([word.value for word in Strictness]), help="How literally the documents are read."
)
@click.option("--profile", type=Word([word.value for word in Profile]), help="How much the run does.")
@click.option("--max-reimages", type=click.IntRange(min=0), help="Never start more reimages than this.")
@click.option(
    "--baseline", type=click.Path(path_type=Path), help="Known violations; the run fails if one no longer holds."
)
@click.option("--write-baseline", type=click.Path(path_type=Path), help="Write this run's violations as a baseline.")
@click.option("--seed", type=int, help="Draws the examples of the run that had this seed, and none kept from others.")
@click.option("-n", "processes", type=click.IntRange(min=0), help="How many of several targets run side by side.")
@click.option("--fault", "faults", multiple=True, help="Make the embedded emulator wrong in this way (repeatable).")
@click.option(
    "--oddity", "oddities", multiple=True, help="Make the embedded emulator unusual in this way (repeatable)."
)
@click.option(
    "--world", help="What the embedded emulator holds: one-instance, two-instances, one-slot, large, or a .toml file."
)
@click.option(
    "--like-the-service",
    is_flag=True,
    help="Give the embedded emulator the manners of the historical service; --strictness lenient accuses none of them.",
)
@click.option("--allow-reimage", is_flag=True, help="Reimage although the target file does not allow it.")
@click.option(
    "--wait",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="Wait so long for another run at the same deployment to end; refused at once if left out.",
)
@click.option("--no-redact", is_flag=True, help="Leave secrets in the reports; for your own eyes only.")
@click.option("--no-preflight", is_flag=True, help="Begin without asking whether the target file can be right.")
@click.option(
    "--connections", type=click.IntRange(min=1), help="How many requests may be under way; 8 on this machine, else 4."
)
@click.option(
    "--max-minutes", type=click.FloatRange(min=0, min_open=True), help="End the run in order after this time."
)
@click.option(
    "--patience",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="End the run when the endpoint answers nothing, or throttles everything, for this time.",
)
@click.option(
    "--resume", type=click.Path(path_type=Path), metavar="REPORT_DIR", help="Go on with a run that was cut short."
)
@click.option("--overwrite", is_flag=True, help="Replace the run that the report folder holds.")
@click.option(
    "--only",
    multiple=True,
    metavar="REQ|CHAPTER|AREA",
    help="Judge these alone, with what they need: ids, patterns (REQ-GOS-*), chapters, areas (repeatable, or with commas).",
)
@click.option(
    "--failed-in",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="Judge what was violated or inconclusive in this run, with what that needs.",
)
@click.option("--list", "list_cases", is_flag=True, help="Say which cases would run, and send nothing.")
@click.option(
    "--require",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Exit with 6 where a requirement that FILE names, one id a line, could not be judged.",
)
@click.pass_context
def run(context: click.Context, /, targets: tuple[Path, ...], processes: int | None, **settings: Any) -> int:
    """Run the suite against targets, or an emulator.

    Without a TARGET the suite runs against an emulator of its own. What follows -- goes to pytest.

    Never two runs of this machine are at the same deployment: targets that share one run one after another, and a command
    that finds another at work ends with exit code 6 and says which, unless --wait lets it wait.

    Example: reimage-conformance run rig.toml --only REQ-REIMAGE-202,errors --failed-in reports/rig/20260101T000000Z
    """
    options, rest = Options(**settings), list(context.meta[REST])
    _check(targets, options)
    if len(targets) > 1:
        from reimage_conformance.commands.fleet import run_side_by_side  # noqa: PLC0415 -- asyncio, for several targets only

        return run_side_by_side(targets, options, rest, processes)
    if processes is not None and processes > 1:
        click.echo("-n is of no use for one target: its cases run beside each other over --connections N", err=True)
    return run_pytest(targets[0] if targets else None, options, rest)


def run_pytest(target: Path | None, options: Options, rest: list[str]) -> int:
    """Run the cases against one target, or the embedded emulator, in this process; gives the exit code."""
    return run_session(pytest_words(target, options, rest))


def pytest_words(target: Path | None, options: Options, rest: list[str]) -> list[str]:
    """The pytest command line for one target, or for the embedded emulator."""
    folder = cases_folder()
    if not folder.is_dir():
        raise UsageError(f"there are no cases in {folder}; install the package again or use a whole checkout")
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
    """Keep what `--lf` and its like remember where the run is started: beside the cases it would be in site-packages."""
    if "no:cacheprovider" in rest:
        return ()  # pytest warns of an option that belongs to no plugin
    return ("-o", f"cache_dir={Path.cwd() / '.pytest_cache' / 'reimage-conformance'}")


def _check(targets: tuple[Path, ...], options: Options) -> None:
    """Find every mistake that can be found before anything starts."""
    if options.resume is not None and len(targets) != 1:
        raise UsageError(
            f"--resume goes on with one run, so it needs one target file, that of the run; found {len(targets)}"
        )
    changed = options.faults or options.oddities or options.world or options.like_the_service
    if targets and changed:
        raise UsageError(
            "--fault, --oddity, --world and --like-the-service change the embedded emulator; they cannot be used with a target file"
        )
    if changed:
        _check_emulator(options)
    if options.write_baseline is not None and len(targets) > 1:
        raise UsageError("--write-baseline keeps the violations of one target; run the targets one by one to write it")
    if options.baseline is not None and not options.baseline.is_file():
        raise UsageError(f"--baseline {options.baseline}: there is no such file")
    _check_choice(options)
    check_target_files(targets)


def check_target_files(targets: Sequence[Path]) -> None:
    """Find every mistake in target files and the files that they name, and ask for passphrases; raises TargetError."""
    for target in targets:
        _unlock(load_target(target))


def _check_choice(options: Options) -> None:
    """Find out whether what the run is to be about can be found."""
    if options.only or options.failed_in is not None or options.require is not None:
        from reimage_conformance.choosing import failed_in, required_in, requirements_of  # noqa: PLC0415 -- reads journals

        if options.only:
            requirements_of(options.only)
        if options.failed_in is not None and options.finding is None:
            failed_in(options.failed_in)
        if options.require is not None:
            required_in(options.require)


def _unlock(target: Target) -> None:
    """Open the certificates of `target`, so that a passphrase is asked for before processes start that have no terminal."""
    from reimage_conformance.credentials.reading import read_credential  # noqa: PLC0415 -- only a run against a target needs it

    if target.is_https:
        for identity in (Identity.PRIMARY, Identity.SECOND):
            read_credential(target, identity)


def _check_emulator(options: Options) -> None:
    """Find out whether the embedded emulator can be as it is asked for: what the names mean, and whether the faults have a place."""
    from reimage_conformance.embedding.worlds import world_of  # noqa: PLC0415 -- as above
    from reimage_conformance.emulator import Emulator  # noqa: PLC0415 -- only a run with faults needs it

    layout = None if options.world is None else world_of(options.world)
    Emulator(faults=options.faults, oddities=options.oddities, layout=layout)
