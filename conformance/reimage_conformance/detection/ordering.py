"""The order in which ready tasks run: trio draws it anew in each process; here it follows from a seed."""

from __future__ import annotations

from zlib import crc32

import trio


def order_tasks(seed: int | str) -> None:
    """Lets ready tasks of this process run in an order that `seed` determines, so that a run or a test can be repeated."""
    number = crc32(seed.encode()) if isinstance(seed, str) else seed
    trio._core._run._r.seed(number)  # noqa: SLF001  trio has no other way to repeat the order of its tasks
