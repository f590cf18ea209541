"""The command `emulator`: serves a conforming endpoint, or one with named faults and oddities."""

from __future__ import annotations

import os
import shlex
import signal
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from reimage_conformance.commands.completing import fault_names, oddity_names
from reimage_conformance.commands.words import FilePath, columns
from reimage_conformance.errors import UsageError
from reimage_conformance.outputs import JOURNAL, RUN_FILES, try_file, try_folder

if TYPE_CHECKING:
    from pathlib import Path

    from reimage_conformance.embedding.recording import Recording
    from reimage_conformance.emulator import RunningEmulator


@click.command()
@click.option(
    "--write-target",
    type=FilePath(),
    help="Write a target file (.toml), certificates beside it; never over a file that the emulator did not write.",
)
@click.option("--name", default="emulator", show_default=True, help="What reports call the target of --write-target.")
@click.option("--fault", "faults", multiple=True, shell_complete=fault_names, help="Have this fault (repeatable).")
@click.option(
    "--oddity",
    "oddities",
    multiple=True,
    shell_complete=oddity_names,
    help="Have this oddity: conforming, but unusual (repeatable).",
)
@click.option(
    "--like-the-service",
    is_flag=True,
    help="Behave as the historical service did, so that its published clients work.",
)
@click.option(
    "--world",
    help="What exists: one-instance, two-instances, two-slots, two-services, one-slot, large, or a .toml file.",
)
@click.option("--list-faults", is_flag=True, help="List the faults and the requirements that they break.")
@click.option("--list-oddities", is_flag=True, help="List the oddities.")
@click.option(
    "--operation-seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=2.0,
    show_default=True,
    help="How long a reimage takes.",
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="The port; any free one if left out.")
@click.option("--no-tls", is_flag=True, help="Serve plain HTTP, without client certificates.")
@click.option("--max-seconds", type=click.FloatRange(min=0, min_open=True), help="Stop after this time.")
@click.option("--seed", type=int, help="Makes answers repeatable.")
@click.option(
    "--record",
    type=FilePath(),
    metavar="DIR",
    help="Record all requests and replies in DIR/journal.jsonl; `report DIR` judges the client by them.",
)
def emulator(
    *,
    write_target: Path | None,
    name: str,
    faults: tuple[str, ...],
    oddities: tuple[str, ...],
    like_the_service: bool,
    world: str | None,
    list_faults: bool,
    list_oddities: bool,
    operation_seconds: float,
    port: int,
    no_tls: bool,
    max_seconds: float | None,
    seed: int | None,
    record: Path | None,
) -> int:
    """Serve the emulator until it is stopped.

    --write-target rig.toml also writes the files that clients need: rig.ca.pem, rig.client.pem, rig.client.key,
    rig.client-and-key.pem with the latter two, rig.publishsettings with all, and the certificates of other clients.

    Example: reimage-conformance emulator --like-the-service --port 8443 --write-target rig.toml
    """
    from reimage_conformance.embedding.recording import Recording  # noqa: PLC0415 -- as heavy
    from reimage_conformance.embedding.worlds import world_of  # noqa: PLC0415 -- as heavy
    from reimage_conformance.emulator import (  # noqa: PLC0415 -- heavy
        emulator_with,
        only_lenient,
        serve_until_stopped,
        with_manners,
    )

    if list_faults or list_oddities:
        _print_lists(faults=list_faults, oddities=list_oddities)
        return 0
    if write_target is not None:
        _check_target_file(write_target)
    if record is not None:
        _check_record_folder(record)
    layout = world_of(world) if world is not None else None
    manners = with_manners(oddities, like_the_service=like_the_service)
    served = emulator_with(operation_seconds, faults=faults, oddities=manners, seed=seed, layout=layout)
    time_is_up = threading.Event()
    with ExitStack() as opened:

        def started(running: RunningEmulator) -> None:
            if max_seconds is not None:
                opened.callback(_stop_after(max_seconds, time_is_up).cancel)
            written = None if write_target is None else _write_target(running, write_target, name)
            if record is not None:
                described: dict[str, Any] = {"name": name, "lenient": only_lenient(manners), "faults": faults}
                _record(opened, time_is_up, Recording(served, record, running.base_url, **described), record)
            _print_addresses(running, written)

        try:
            serve_until_stopped(served, port=port, tls=not no_tls, started=started)
        except OSError as error:
            raise UsageError(f"the emulator cannot be served on port {port}: {error.strerror or error}") from error
    return 0


def _print_lists(*, faults: bool, oddities: bool) -> None:
    """Print a line for each fault, for each oddity, or both."""
    from reimage_conformance.emulator import FAULTS, ODDITIES  # noqa: PLC0415 -- heavy

    if faults:
        click.echo("\n".join(columns((fault.name, fault.requirement, fault.summary) for fault in FAULTS.values())))
    if oddities:
        click.echo("\n".join(columns((oddity.name, oddity.summary) for oddity in ODDITIES.values())))


def _record(opened: ExitStack, time_is_up: threading.Event, recording: Recording, folder: Path) -> None:
    """Record what is served from now on until `opened` is closed; then print the command that judges the client.

    The client counts as ended if a person stops the emulator, but not if --max-seconds does, which sets `time_is_up`.
    """
    advice = f"judge the client: reimage-conformance report {shlex.quote(str(folder))}"
    opened.callback(click.echo, advice, err=True)
    opened.callback(lambda: recording.close(client_over=not time_is_up.is_set()))
    click.echo(f"recording into {folder / JOURNAL}; stop the emulator when the client has ended", err=True)


def _check_record_folder(folder: Path) -> None:
    """Raise UsageError if `folder` cannot be written, or holds the files of a run."""
    try_folder(folder, "--record")
    held = [name for name in RUN_FILES if (folder / name).exists()]
    if held:
        raise UsageError(
            f"--record {folder}: the folder holds a run already ({', '.join(held)}); name another folder, or remove it first"
        )


def _check_target_file(file: Path) -> None:
    """Raise UsageError if the target file cannot be written, before anything is served."""
    from reimage_conformance.emulator import refuse_foreign  # noqa: PLC0415 -- heavy

    if file.suffix != ".toml":
        raise UsageError(f"--write-target {file}: expected the name of a .toml file")
    try_file(file, "--write-target")
    refuse_foreign(file)


def _print_addresses(running: RunningEmulator, written: Path | None) -> None:
    """Print the address and the target file; to be called when the files are complete, since scripts wait for the first line."""
    click.echo(running.base_url)
    if written is not None:
        click.echo(f"target file: {written}")
    elif running.tls:
        click.echo("clients need a certificate: --write-target FILE writes one, with a target file", err=True)
    click.echo("stop it with Ctrl-C", err=True)


def _write_target(running: RunningEmulator, file: Path, name: str) -> Path:
    """Write the target file and the certificates beside it; gives its path."""
    try:
        return running.write_target(file, name=name)
    except OSError as error:
        raise UsageError(f"--write-target {file}: cannot be written: {error.strerror}") from error


def _stop_after(seconds: float, time_is_up: threading.Event) -> threading.Timer:
    """Start and give a timer that sets `time_is_up` after `seconds` and stops the emulator with SIGTERM.

    To be called when the emulator handles SIGTERM; before, the signal would end the process.
    """

    def stop() -> None:
        time_is_up.set()
        os.kill(os.getpid(), signal.SIGTERM)

    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    return timer
