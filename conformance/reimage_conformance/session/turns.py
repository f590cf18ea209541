"""Lets one thread at a time compute examples or format a traceback.

Hypothesis and tracebacks parse source. Before Python 3.13, `ast.parse` may raise a SystemError where two threads parse at the same time: they
share a count of the depth (gh-106905). Threads that only wait for an endpoint need no turn.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

TURN = threading.Lock()
"""Held by the thread that may parse source."""


@contextmanager
def turn_given_up() -> Iterator[None]:
    """Lets other threads have the turn that this thread has, until the block ends; waits for it again then."""
    TURN.release()
    try:
        yield
    finally:
        TURN.acquire()
