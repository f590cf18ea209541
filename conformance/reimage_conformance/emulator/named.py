"""Makes emulators with faults and oddities that are given by name; the emulator itself knows only changes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from reimage_conformance.emulator.emulator import Emulator
from reimage_conformance.emulator.faults import check_can_show, find_fault
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
    """An emulator with the faults and oddities of these names; the other arguments are those of `Emulator`.

    Where several oddities say how the server handles requests at the same time, the first of them counts. Raises UsageError for an unknown
    name, and for a fault that cannot show in `layout`.
    """
    found_faults, found_oddities = [find_fault(name) for name in faults], [find_oddity(name) for name in oddities]
    for each in found_faults:
        check_can_show(each, LARGE if layout is None else layout)
    return Emulator(
        operation_seconds,
        changes=[change for each in found_oddities for change in each.changes]
        + [change for each in found_faults for change in each.changes],
        simultaneous=next((each.simultaneous for each in found_oddities if each.simultaneous is not None), None),
        clock=clock,
        seed=seed,
        layout=layout,
    )
