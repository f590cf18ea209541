"""Emulators with faults and oddities by name: here names become changes, for the emulator itself knows neither."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from reimage_conformance.emulator.emulator import Emulator
from reimage_conformance.emulator.faults import find_fault, refuse_without_place
from reimage_conformance.emulator.layouts import LARGE
from reimage_conformance.emulator.oddities import find_oddity

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reimage_conformance.emulator.layouts import Layout


def emulator_with(
    operation_seconds: float = 0.2,
    *,
    faults: Sequence[str] = (),
    oddities: Sequence[str] = (),
    clock: Callable[[], float] = time.monotonic,
    seed: int | None = None,
    layout: Layout | None = None,
) -> Emulator:
    """An emulator with these faults and oddities; of oddities that set how its server handles connections the first does.

    Raises UsageError for a name that is unknown, and for a fault that cannot show in `layout`.
    """
    wrong, odd = [find_fault(name) for name in faults], [find_oddity(name) for name in oddities]
    for each in wrong:
        refuse_without_place(each, LARGE if layout is None else layout)
    return Emulator(
        operation_seconds,
        changes=[change for each in odd for change in each.changes]
        + [change for each in wrong for change in each.changes],
        simultaneous=next((each.simultaneous for each in odd if each.simultaneous is not None), None),
        clock=clock,
        seed=seed,
        layout=layout,
    )
