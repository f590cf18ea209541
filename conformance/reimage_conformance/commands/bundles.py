"""The commands `bundle` and `verify-bundle`: pack a run into one file, and verify that nothing in it was changed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from reimage_conformance import __version__
from reimage_conformance.commands.words import FilePath
from reimage_conformance.errors import UsageError
from reimage_conformance.outputs import try_file

if TYPE_CHECKING:
    from pathlib import Path

    from reimage_conformance.replay.bundles import Judged

DOES_NOT_HOLD = 1
"""The exit code for a bundle that was altered, or that is judged differently now."""


@click.command()
@click.argument("run", type=FilePath())
@click.option("--output", type=FilePath(), metavar="FILE", help="The file to write; RUN.zip if left out.")
def bundle(*, run: Path, output: Path | None) -> int:
    """Pack a run into one file that others can verify.

    RUN is a report folder. The file holds its journal, its reports and their hashes. The command prints the SHA-256 of the file: send it
    to the recipient separately. Nothing is overwritten.

    Example: reimage-conformance bundle reports/rig/20260101T000000Z --output rig.zip
    """
    if not run.is_dir():
        raise UsageError(f"{run}: there is no such folder; expected the report folder of a run")
    file = output if output is not None else run.resolve().with_name(f"{run.resolve().name}.zip")
    if file.exists():
        raise UsageError(f"{file}: exists already and is not overwritten; name another file with --output")
    try_file(file, "--output")
    from reimage_conformance.replay.bundles import make_bundle  # noqa: PLC0415 -- imports the checks

    digest = make_bundle(run, file)
    click.echo(f"{file}\nSHA-256 {digest}")
    return 0


@click.command("verify-bundle")
@click.argument("file", type=FilePath())
@click.option("--sha256", "expected", metavar="HEX", help="The SHA-256 that `bundle` printed.")
def verify_bundle(*, file: Path, expected: str | None) -> int:
    """Verify a bundle, and judge its journal again.

    It prints "unaltered, same verdict", or what was changed or is judged differently; then the exit code is 1. A person who changes a
    bundle can change its hashes too; only --sha256 shows that. Reports that do not follow from the journal are always found.

    Example: reimage-conformance verify-bundle rig.zip
    """
    expected_digest = None if expected is None else _digest_of(expected)
    from reimage_conformance.replay.bundles import verify  # noqa: PLC0415 -- imports the checks

    found = verify(file)
    altered = list(found.altered)
    if expected_digest not in (None, found.sha256):
        altered.insert(0, f"the SHA-256 of the file differs: expected {expected_digest}, found {found.sha256}")
    remark = "" if found.judged.by_same_catalogue else " (judged by other requirements then: the catalogue differs)"
    if found.packed_by != __version__:
        remark = f" (judged by suite {found.packed_by} then, {__version__} now)"
    if not altered and not found.differences:
        click.echo(f"unaltered, same verdict: {found.verdict}{remark}")
        return 0
    state = "altered" if altered else "unaltered"
    click.echo(f"{state}, {_verdict_words(found.judged)}{f': {found.verdict}' if found.verdict else ''}{remark}")
    for line in (*altered, *found.differences):
        click.echo(f"  {line}")
    return DOES_NOT_HOLD


def _digest_of(text: str) -> str:
    """The SHA-256 that `text` writes, in lower case; raises UsageError where it writes none."""
    digest = text.strip().lower()
    if not re.fullmatch("[0-9a-f]{64}", digest):
        raise UsageError(f"--sha256: expected the 64 hexadecimal digits that `bundle` printed, found {text!r}")
    return digest


def _verdict_words(judged: Judged) -> str:
    """How the verdict now compares with the one in the bundle."""
    if not judged.verdict:
        return "nothing to judge"
    if not judged.differences:
        return "same verdict"
    if not judged.packed_verdict:
        return "no verdict to compare with"
    if judged.packed_verdict != judged.verdict:
        return "another verdict"
    verb = "differs" if len(judged.files) == 1 else "differ"
    return f"same verdict, but {' and '.join(judged.files)} {verb}"
