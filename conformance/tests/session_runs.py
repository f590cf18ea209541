"""Runs in memory whose system under test is in the hands of the test."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import trio

from reimage_conformance.model import Profile
from reimage_conformance.pytest_plugin.options import Plan
from reimage_conformance.pytest_plugin.run import Run
from session_rig import LONGEST_SECONDS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from reimage_conformance.session.sut import SystemUnderTest


def plan_in_memory(*faults: str, **changes: Any) -> Plan:
    """What a smoke run against an emulator with these faults is to do."""
    nothing = dict.fromkeys(
        ("file", "target", "strictness", "report_dir", "max_reimages", "baseline", "write_baseline")
    )
    chosen = {"faults": faults, "oddities": (), "operation_seconds": 0.2, "seed": 0, "profile": Profile.SMOKE}
    return Plan(
        **{**nothing, **chosen, **changes},
        in_memory=True,
        repeats=False,
        redact=True,
        overwrite=False,
        preflight=False,
        wait_seconds=0.0,
    )


@contextmanager
def run_over(folder: Path, *faults: str, **changes: Any) -> Iterator[Run]:
    """A run that is put together and taken apart."""
    run = Run(plan_in_memory(*faults, **changes), folder)
    try:
        yield run
    finally:
        run.finish(interrupted=False)
        run.close()


def in_run(
    folder: Path,
    body: Callable[[SystemUnderTest], Awaitable[None]],
    *faults: str,
    opened: bool = True,
    **changes: Any,
) -> Run:
    """What is left of a run that did nothing but `body`, with its campaign unless it is not `opened`."""
    with run_over(folder, *faults, **changes) as run:

        async def main() -> None:
            with trio.fail_after(LONGEST_SECONDS):
                async with trio.open_nursery() as tasks:
                    if opened:
                        await run.sut.open(tasks)
                    else:
                        run.sut.operations.follow_in(tasks)
                        run.sut.instances.set_nursery(tasks)
                    await body(run.sut)
                    tasks.cancel_scope.cancel()

        trio.run(main, clock=run._time)
        return run
