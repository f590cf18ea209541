"""The order in which ready tasks of trio run, made repeatable: trio draws it at random in each process."""

from __future__ import annotations

from zlib import crc32

import trio


def order_tasks(seed: int | str) -> None:
    """Makes ready tasks of this process run in an order that follows from `seed`, so that a run or a test can be repeated."""
    number = crc32(seed.encode()) if isinstance(seed, str) else seed
    trio._core._run._r.seed(number)  # noqa: SLF001  trio has no other way to repeat the order of its tasks
