"""Runs several targets side by side, each in a process here or on a worker; one table and one exit code at the end."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from reimage_conformance.config import load_target
from reimage_conformance.errors import ReportError
from reimage_conformance.locks import claims
from reimage_conformance.outputs import JOURNAL, claim_folder, clear_folder, folder_name
from reimage_conformance.standard_streams import guard_output, interrupt_when_closed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from reimage_conformance.commands.options import Options
    from reimage_conformance.commands.parcels import Parcel
    from reimage_conformance.commands.workers import Worker

MOST_PROCESSES = 32
"""How many targets run at the same time if -n is not given."""
WIDTH = 200
"""Columns of the table where standard output is not a terminal."""
GRACE_SECONDS = 30.0
"""How long a process that was asked to stop may take to write its reports."""
CONSOLE = "console.txt"
INCOMPLETE = 6
PYTHON = (sys.executable, "-P")
"""Python without the working directory on its path: a folder there may have the name of one of our packages."""
SEVERITY = (2, 1, 3, 4, 6, 5, 0)
"""Exit codes, the worst first; the worst of all targets is the exit code of the command."""


@dataclass(frozen=True, slots=True)
class Member:
    """One target of several: its file, its name, its report folder, the command that runs it, and its claims (`locks.claims`).

    Two members with a claim in common share a deployment.
    """

    file: Path
    name: str
    folder: Path
    command: tuple[str, ...]
    claims: tuple[str, ...] = ()


Start: TypeAlias = "Callable[[Member], Awaitable[int]]"
"""Runs one member when there is room for it, and gives its exit code."""


def run_side_by_side(
    targets: Sequence[Path], options: Options, rest: Sequence[str], processes: int | None, *, quiet: bool = False
) -> int:
    """Run the suite against every target, at most `processes` at a time, print one table, give the worst exit code.

    `quiet` leaves out the lines about targets that begin and end. `rest` are words for pytest.
    """
    members = _members_with_folders(targets, options, rest)
    return _run(members, in_processes(processes or min(len(members), MOST_PROCESSES)), quiet=quiet)


def run_on_workers(
    targets: Sequence[Path], options: Options, rest: Sequence[str], specs: Sequence[str], *, quiet: bool = False
) -> int:
    """As `run_side_by_side`, on the workers that `specs` describe; each worker has one target at a time."""
    from reimage_conformance.commands.parcels import parcel  # noqa: PLC0415 -- with --tx only
    from reimage_conformance.commands.workers import check_specs, started  # noqa: PLC0415

    check_specs(specs, [load_target(file) for file in targets], allow_reimage=options.allow_reimage)
    members = _members_with_folders(targets, options, rest)
    parcels = {member.folder: parcel(member.file, options, rest) for member in members}
    with started(specs) as workers, ThreadPoolExecutor(len(workers)) as threads:
        return _run(members, on_workers(workers, parcels, threads), quiet=quiet)


def _members_with_folders(targets: Sequence[Path], options: Options, rest: Sequence[str]) -> list[Member]:
    """The runs to make, after their report folders were found usable."""
    members = members_for(targets, options, rest, datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ"))
    for member in members:
        claim_folder(member.folder, overwrite=options.overwrite)
    return members


def _run(members: Sequence[Member], start: Start, *, quiet: bool) -> int:
    undo = guard_output(interrupt_when_closed)
    silence = contextlib.redirect_stdout(io.StringIO()) if quiet else contextlib.nullcontext()
    try:
        with silence:
            codes = asyncio.run(_run_members(members, start))
    finally:
        undo()
    _print_table(members, codes)
    for member in members:
        if not (member.folder / "results.json").is_file():
            click.echo(f"{member.name}: no results; the last line of its output: {_last_line(member.folder)}", err=True)
    return worst(codes)


def members_for(targets: Sequence[Path], options: Options, rest: Sequence[str], time: str) -> list[Member]:
    """The runs to make, each with a report folder of its own; `time` is in the names of the default folders."""
    base = options.report_dir
    members: list[Member] = []
    slugs: set[str] = set()
    for file in targets:
        target = load_target(file)
        slug = _unused(folder_name(target.name)[:60], slugs)
        slugs.add(slug)
        folder = Path("reports") / slug / time if base is None else base / slug
        words = [str(file), "--report-dir", str(folder), *options.words(), "--", *rest]
        command = (*PYTHON, "-m", "reimage_conformance.cli", "run", *words)
        members.append(Member(file, target.name, folder, command, tuple(claim.key for claim in claims(target))))
    return members


def worst(codes: Sequence[int]) -> int:
    """The worst of `codes`; a code that the suite never gives counts as 3, an internal error."""
    known = {code if code in SEVERITY else 3 for code in codes}
    return next(code for code in SEVERITY if code in known)


def in_processes(limit: int) -> Start:
    """Runs members in processes of this machine, at most `limit` at a time."""
    semaphore = asyncio.Semaphore(limit)

    async def start(member: Member) -> int:
        async with semaphore:
            return await _run_in_process(member)

    return start


def on_workers(workers: Sequence[Worker], parcels: Mapping[Path, Parcel], threads: ThreadPoolExecutor) -> Start:
    """Runs members on `workers`, each on the first that is idle; `parcels` has their parcels by their folders."""
    idle: asyncio.Queue[Worker] = asyncio.Queue()
    for worker in workers:
        idle.put_nowait(worker)

    async def start(member: Member) -> int:
        worker = await idle.get()
        try:
            if worker.lost:
                click.echo(f"{member.name}: not started: no worker is left")
                return INCOMPLETE
            return await _run_on_worker(worker, member, parcels[member.folder], threads)
        finally:
            # A lost worker takes no member. If all are lost, one goes back, so that the members that wait end too.
            if not worker.lost or all(each.lost for each in workers):
                idle.put_nowait(worker)

    return start


async def _run_members(members: Sequence[Member], start: Start) -> list[int]:
    turns = {key: asyncio.Lock() for member in members for key in member.claims}
    runs = asyncio.gather(*(_run_when_deployments_are_free(member, start, turns) for member in members))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, runs.cancel)
    try:
        return await runs
    except asyncio.CancelledError as error:
        raise KeyboardInterrupt from error


async def _run_when_deployments_are_free(member: Member, start: Start, turns: Mapping[str, asyncio.Lock]) -> int:
    """Run the member when no other member uses its deployments.

    All members take the locks of their claims in the same order, so that no deadlock can occur.
    """
    async with contextlib.AsyncExitStack() as held:
        if any(turns[key].locked() for key in member.claims):
            click.echo(f"{member.name}: waits for a target that shares a deployment with it")
        for key in member.claims:
            await held.enter_async_context(turns[key])
        return await start(member)


async def _run_in_process(member: Member) -> int:
    click.echo(f"{member.name}: started; its output goes to {member.folder / CONSOLE}")
    with _console(member.folder) as console:
        process = await asyncio.create_subprocess_exec(
            *member.command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=console,
            stderr=console,
            env=_environment(),
            start_new_session=True,
        )
        try:
            code = await process.wait()
        finally:
            await _end(process)
    click.echo(f"{member.name}: ended with exit code {code}")
    return code


async def _run_on_worker(worker: Worker, member: Member, parcel: Parcel, threads: ThreadPoolExecutor) -> int:
    click.echo(f"{member.name}: started on {worker.spec}; its output goes to {member.folder / CONSOLE}")
    clear_folder(member.folder)
    _console(member.folder).close()
    running = asyncio.get_running_loop().run_in_executor(threads, worker.run, parcel, member.folder)
    try:
        code, remark = await asyncio.shield(running)
    except asyncio.CancelledError:
        worker.stop()
        await asyncio.wait([running], timeout=GRACE_SECONDS)
        worker.end()  # this also ends the thread of a run that has not ended by now
        raise
    if worker.lost and (member.folder / JOURNAL).is_file():
        code = _make_reports(member.folder)
    click.echo(f"{member.name}: {remark or 'ended'}; exit code {code}")
    return code


def _make_reports(folder: Path) -> int:
    """Make the reports of a run that was cut off, from its journal; gives the exit code."""
    from reimage_conformance.errors import JournalError  # noqa: PLC0415 -- for a lost worker only
    from reimage_conformance.replay import regenerate  # noqa: PLC0415

    try:
        with contextlib.redirect_stdout(io.StringIO()):
            return regenerate(folder / JOURNAL, folder)
    except JournalError:
        return INCOMPLETE


def _environment() -> dict[str, str]:
    """The environment of a member: PYTHONPATH names this copy of the suite."""
    root = str(Path(__file__).resolve().parents[2])
    path = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path)}


def _console(folder: Path) -> Any:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return (folder / CONSOLE).open("wb")
    except OSError as error:
        raise ReportError(f"{folder}: cannot be written: {error.strerror}") from error


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ask a running process to stop, and kill it if it does not within GRACE_SECONDS."""
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGINT)
    try:
        await asyncio.wait_for(process.wait(), GRACE_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()


def _print_table(members: Sequence[Member], codes: Sequence[int]) -> None:
    from rich.console import Console  # noqa: PLC0415 -- for the end of a run only
    from rich.table import Table  # noqa: PLC0415

    console = Console(width=None if sys.stdout.isatty() else WIDTH, markup=False, emoji=False, highlight=False)
    table = Table(
        "target", "verdict", "violated", "advisory", "inconclusive", "exit", "reports", box=None, pad_edge=False
    )
    for member, code in zip(members, codes, strict=True):
        results = _results(member.folder)
        summary = results.get("summary", {})
        counts = [str(summary.get(outcome, "-")) for outcome in ("violated", "advisory", "inconclusive")]
        verdict = str(results.get("run", {}).get("verdict", "no results"))
        table.add_row(member.name, verdict, *counts, str(code), str(member.folder))
    console.print(table)


def _results(folder: Path) -> dict[str, Any]:
    try:
        results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return results if isinstance(results, dict) else {}


def _last_line(folder: Path) -> str:
    text = (folder / CONSOLE).read_text(encoding="utf-8", errors="replace")
    return next((line for line in reversed(text.splitlines()) if line.strip()), "none")


def _unused(slug: str, taken: set[str]) -> str:
    """`slug`, with a number if it is taken; case does not matter, as in some file systems."""
    numbered = (slug if number == 1 else f"{slug}-{number}" for number in range(1, len(taken) + 2))
    folded = {name.lower() for name in taken}
    return next(name for name in numbered if name.lower() not in folded)
