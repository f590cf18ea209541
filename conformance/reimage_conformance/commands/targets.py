"""The commands about targets: `preflight` checks one, `new-target` writes a target file to fill in."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from reimage_conformance.commands.words import FilePath, SuggestingChoice
from reimage_conformance.config import load_target, new_target_text
from reimage_conformance.errors import ReportError, UsageError
from reimage_conformance.model import Profile

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.argument("target", type=FilePath(is_target=True))
@click.option(
    "--profile",
    type=SuggestingChoice([word.value for word in Profile]),
    default="standard",
    help="How much a run does.",
)
@click.option("--max-reimages", type=click.IntRange(min=0), help="Never start more reimages than this.")
def preflight(*, target: Path, profile: str, max_reimages: int | None) -> int:
    """Check a target before a run; reimages nothing.

    Connects to the endpoint, checks certificates, identities, names and versions, and names the key of the target file
    for each problem. The exit code is 4 if that file must be corrected, 6 if the endpoint cannot be judged.

    Example: reimage-conformance preflight rig.toml
    """
    loaded = load_target(target, max_reimages=max_reimages)
    from reimage_conformance.preflight import preflight as look  # noqa: PLC0415 -- imports the wire

    return look(loaded, Profile(profile))


@click.command("new-target")
@click.argument("file", type=FilePath(), default="target.toml")
@click.option("--overwrite", "--force", is_flag=True, help="Overwrite a file that exists.")
def new_target(*, file: Path, overwrite: bool) -> int:
    """Write a commented target file.

    FILE is target.toml if left out; - prints the text.

    Example: reimage-conformance new-target rig.toml
    """
    if str(file) == "-":
        sys.stdout.write(new_target_text())
        return 0
    if not overwrite and file.exists():
        raise UsageError(f"{file}: exists already; --overwrite replaces it")
    from reimage_conformance.report.write import write_file  # noqa: PLC0415 -- `-` need not wait for it

    try:
        write_file(file, new_target_text().encode())
    except ReportError as error:
        raise UsageError(str(error)) from error
    click.echo(f"{file}: fill it in, then try `reimage-conformance preflight {file}`")
    return 0
