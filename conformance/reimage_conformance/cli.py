"""The entry point of the command line: finds the command, and turns every error into one sentence and an exit code."""

from __future__ import annotations

import errno
import importlib
import sys
import traceback
from typing import TYPE_CHECKING

import click

from reimage_conformance import __version__
from reimage_conformance.errors import SuiteError, UsageError, did_you_mean
from reimage_conformance.standard_streams import cannot_be_written, flush_streams, guarded_streams, is_full

if TYPE_CHECKING:
    from collections.abc import Sequence

PROGRAM = "reimage-conformance"
INTERRUPTED = 2
INTERNAL_ERROR = 3
WRONG_USAGE = 4

COMMANDS = {
    "run": "reimage_conformance.commands.run",
    "emulator": "reimage_conformance.commands.emulator",
    "requirements": "reimage_conformance.commands.requirements",
    "explain": "reimage_conformance.commands.explain",
    "check": "reimage_conformance.commands.recorded",
    "report": "reimage_conformance.commands.recorded",
    "replay": "reimage_conformance.commands.replay",
    "verify": "reimage_conformance.commands.verify",
    "compare": "reimage_conformance.commands.recorded",
    "bundle": "reimage_conformance.commands.bundles",
    "verify-bundle": "reimage_conformance.commands.bundles",
    "job-page": "reimage_conformance.commands.nights",
    "index": "reimage_conformance.commands.nights",
    "preflight": "reimage_conformance.commands.targets",
    "new-target": "reimage_conformance.commands.targets",
}
"""The module of each command; it is imported when the command is called, so that the others start quickly."""


class LazyCommands(click.Group):
    """A group of commands, each of which is imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's signature
        """The commands, in the order in which a newcomer needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command called `cmd_name`; raises UsageError, with a suggestion, when there is none.

        While a shell completes a command line, an unknown name gives None: the user is still typing it.
        """
        if cmd_name not in COMMANDS:
            if ctx.resilient_parsing:
                return None
            raise UsageError(f"unknown command {cmd_name!r}{did_you_mean(cmd_name, COMMANDS)}")
        command = getattr(importlib.import_module(COMMANDS[cmd_name]), cmd_name.replace("-", "_"))
        return command if isinstance(command, click.Command) else None


@click.command(
    cls=LazyCommands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 no violation; 1 a violation; 2 interrupted; 3 internal error; 4 wrong usage or target file; "
    "5 no case selected; 6 incomplete.",
)
@click.version_option(__version__, prog_name=PROGRAM)
@click.pass_context
def cli(context: click.Context) -> int:
    """Judge how an endpoint implements Reimage Role Instance.

    Example: reimage-conformance run rig.toml
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
        return WRONG_USAGE
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line `arguments` (the process's own by default) and give its exit code."""
    with guarded_streams():
        return _status(arguments)


def _status(arguments: Sequence[str] | None) -> int:
    """The exit code of the command line; prints one sentence where a command could not finish."""
    try:
        status = int(cli.main(args=arguments, prog_name=PROGRAM, standalone_mode=False) or 0)
        flush_streams()
    except SuiteError as error:
        return _print_error(str(error), error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        return _print_error("interrupted", INTERRUPTED)
    except click.ClickException as error:
        return _print_error(_usage_sentence(error), WRONG_USAGE)
    except Exception as error:  # noqa: BLE001 -- an internal error has an exit code of its own
        return _print_internal_error(error)
    return status


def _print_internal_error(error: Exception) -> int:
    """Print an error that no command expected: one sentence for a full disk, the traceback for a defect of the suite."""
    if isinstance(error, OSError) and is_full(error):
        return _print_error(cannot_be_written(error), INTERNAL_ERROR)
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        return _print_error("the name of a file is longer than a name can be", WRONG_USAGE)
    traceback.print_exc()
    return _print_error("the suite itself broke; this is a defect of it, please report the lines above", INTERNAL_ERROR)


def _usage_sentence(error: click.ClickException) -> str:
    """What is wrong with the command line; an unknown option gets a suggestion."""
    if not isinstance(error, click.NoSuchOption):
        return error.format_message()
    known = [option for parameter in error.ctx.command.params for option in parameter.opts] if error.ctx else []
    if error.option_name == "--target" and error.ctx is not None:
        words = f"{PROGRAM} {error.ctx.info_name} TARGET.toml"
        return f"unknown option '--target'; a target file is named without an option, as in: {words}"
    is_long = error.option_name.startswith("--")  # for one letter there is no useful suggestion: -x is no misspelt --tx
    hint = did_you_mean(error.option_name, [option for option in known if option.startswith("--")]) if is_long else ""
    if not hint and error.ctx is not None and error.ctx.info_name == "run":
        hint = f"; options of pytest follow --, as in: {PROGRAM} run TARGET.toml -- {error.option_name}"
    return f"unknown option {error.option_name!r}{hint}"


def _print_error(sentence: str, status: int) -> int:
    """Print `sentence` as an error; gives `status`."""
    click.echo(f"error: {sentence}", err=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
