"""Parcels: everything that a worker on another machine needs to judge one target, its secrets included."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reimage_conformance import __version__
from reimage_conformance.config import load_target
from reimage_conformance.config.files import CERTIFICATES, PREFIX
from reimage_conformance.credentials.passphrases import known_passphrase, proxy_credentials, source_for
from reimage_conformance.model import Identity
from reimage_conformance.outputs import JOURNAL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reimage_conformance.commands.options import Options
    from reimage_conformance.model import Target

TARGET = "target.toml"
REPORTS = "report"
FAILED_IN = Path("failed-in")
BASELINE = Path("baseline")
REQUIRED = Path("required")
"""The names of files and folders in the worker's folder."""
PASSPHRASES = {Identity.PRIMARY: "KEY_PASSPHRASE", Identity.SECOND: "SECOND_KEY_PASSPHRASE"}
"""The environment variable for the passphrase of each identity, without its prefix."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """Files by their names, the arguments of Python for a run in the folder of these files, and variables for its environment."""

    files: Mapping[str, bytes]
    command: tuple[str, ...]
    environment: Mapping[str, str]

    def __repr__(self) -> str:
        """The names of the files only: their content and the environment hold secrets."""
        return f"Parcel({', '.join(self.files)})"

    def as_message(self, environment: Mapping[str, str]) -> dict[str, Any]:
        """The parcel as a message for execnet; `environment` has more variables for the run."""
        return {
            "version": f"reimage-conformance {__version__}",
            "files": dict(self.files),
            "command": list(self.command),
            "environment": {**self.environment, **environment},
            "reports": REPORTS,
        }


def parcel(file: Path, options: Options, rest: Sequence[str]) -> Parcel:
    """The parcel for the target file `file`; raises TargetError if it, or a file that it names, cannot be read."""
    target = load_target(file)
    files = {TARGET: file.read_bytes(), **dict(_certificates(target)), **dict(_option_files(options))}
    certificate_variables = {f"{PREFIX}{key.upper()}": key for key in CERTIFICATES if key in files}
    moved = replace(
        options,
        overwrite=False,
        baseline=options.baseline and BASELINE,
        require=options.require and REQUIRED,
        failed_in=options.failed_in and FAILED_IN,
    )
    words = ["run", TARGET, "--report-dir", REPORTS, *moved.words(), "--", *rest]
    command = ("-m", "reimage_conformance.cli", *words)
    return Parcel(files, command, certificate_variables | dict(_secrets(target)))


def _certificates(target: Target) -> Iterator[tuple[str, bytes]]:
    for key in CERTIFICATES:
        path: Path | None = getattr(target, key)
        if path is not None:
            yield key, path.read_bytes()


def _option_files(options: Options) -> Iterator[tuple[str, bytes]]:
    """The files that options name, by their names in the worker's folder."""
    for path, name in ((options.baseline, BASELINE), (options.require, REQUIRED)):
        if path is not None:
            yield str(name), path.read_bytes()
    if options.failed_in is not None:
        folder = options.failed_in if options.failed_in.is_dir() else options.failed_in.parent
        for each in ("results.json", JOURNAL):
            if (folder / each).is_file():
                yield f"{FAILED_IN}/{each}", (folder / each).read_bytes()


def _secrets(target: Target) -> Iterator[tuple[str, str]]:
    """The secrets of `target` as environment variables, from whichever source they have on this machine."""
    keys = {
        Identity.PRIMARY: target.client_key or target.client_certificate,
        Identity.SECOND: target.second_client_certificate,
    }
    for identity, path in keys.items():
        known = None if path is None else known_passphrase(source_for(target, identity), path)
        if known is not None:
            yield f"{PREFIX}{PASSPHRASES[identity]}", os.fsdecode(known.value)
    if target.proxy is not None and (credentials := proxy_credentials(target)):
        yield f"{PREFIX}PROXY_CREDENTIALS", os.fsdecode(credentials)
