"""How long a long journal takes to be read, as a multiple of the time in which json.loads reads its lines.

Run from the checkout: `python benchmarks/reading_a_journal.py [EXCHANGES]`.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1]))

from reimage_conformance.journal import read_journal
from reimage_conformance.model import Exchange, Request, Response
from test_journal import begun

if TYPE_CHECKING:
    from collections.abc import Callable

HEADERS = tuple((f"x-header-{n}", "value " * 4) for n in range(8))


def main(exchanges: int = 20_000, repeats: int = 5) -> None:
    """Print the shortest of `repeats` times for each, and their ratio."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "journal.jsonl"
        with begun(path) as writer:
            for number in range(exchanges):
                request, reply = Request("GET", "/operations/1", HEADERS), Response(200, "OK", HEADERS, b"x" * 600)
                writer.exchange(Exchange(number, request, reply))
        lines = path.read_text(encoding="ascii").splitlines()
        plain = min(timed(lambda: [json.loads(line) for line in lines]) for _ in range(repeats))
        whole = min(timed(lambda: read_journal(path)) for _ in range(repeats))
    print(f"json.loads of {len(lines)} lines   {plain:8.2f} s")
    print(f"read_journal               {whole:8.2f} s, {whole / plain:.1f} times as long")


def timed(run: Callable[[], object]) -> float:
    """The seconds of processor time that `run` takes."""
    began = time.process_time()
    run()
    return time.process_time() - began


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
