"""The commands about targets: `preflight` looks at one, `new-target` writes a file for one."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from conformance.config import load_target, new_target_text
from conformance.errors import UsageError


@click.command()
@click.argument("target", type=click.Path(path_type=Path))
def preflight(*, target: Path) -> int:
    """Say what a run would do; reimages nothing."""
    loaded = load_target(target)
    from conformance.preflight import preflight as look  # noqa: PLC0415 -- imports the wire

    return look(loaded)


@click.command("new-target")
@click.argument("file", type=click.Path(path_type=Path), default="target.toml")
@click.option("--force", is_flag=True, help="Overwrite a file that exists.")
def new_target(*, file: Path, force: bool) -> int:
    """Write a commented target file.

    FILE is target.toml if left out; - prints the text.
    """
    if str(file) == "-":
        sys.stdout.write(new_target_text())
        return 0
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("w" if force else "x", encoding="utf-8") as opened:
            opened.write(new_target_text())
    except FileExistsError as error:
        raise UsageError(f"{file}: exists already; --force overwrites it") from error
    except OSError as error:
        raise UsageError(f"{file}: cannot be written: {error.strerror}") from error
    click.echo(f"{file}: fill it in, then try `reimage-conformance preflight {file}`")
    return 0
