"""The drawn requests: the same for the same seed, shrunk where one fails, kept and tried first in the next run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memory_runs import run_in_memory
from reimage_conformance.journal import read_journal

if TYPE_CHECKING:
    from pathlib import Path

PROPERTY = "test_any_malformed_version_is_refused"
ONE_DIGIT = ("--fault", "version-format-accepted[one-digit]")
"""An endpoint that takes 2018-7-6 for a version."""
CI = {"server": "true"}
"""Hypothesis has habits of its own where the environment speaks of a CI server; the suite has the same everywhere."""


def drawn(folder: Path, *words: str, server: str = "") -> list[tuple[str, int | None]]:
    """The versions that a run of the property alone sends, in order, each with the status that answered it."""
    run_in_memory(folder / "reports", "--overwrite", "-k", PROPERTY, *words, cwd=folder, CI=server)
    exchanges = read_journal(folder / "reports" / "journal.jsonl").exchanges
    refusals = [e for e in exchanges.values() if e.label == "refusal" and PROPERTY in e.case]
    return [(dict(e.request.headers)["x-ms-version"], e.reply.status if e.reply else None) for e in refusals]


def test_a_seed_draws_the_same_requests_in_every_run(tmp_path: Path) -> None:
    first, again, other = (tmp_path / name for name in ("first", "again", "other"))
    for folder in (first, again, other):
        folder.mkdir()
    requests = drawn(first, "--seed=1")
    assert len(requests) > 10
    assert drawn(again, "--seed=1", **CI) == requests
    assert drawn(other, "--seed=2", **CI) != requests


def test_what_failed_is_shrunk_kept_and_tried_first_in_the_next_run(tmp_path: Path) -> None:
    requests = drawn(tmp_path, *ONE_DIGIT, **CI)
    taken = [version for version, status in requests if status != 400]
    assert requests[0][0] not in taken
    assert taken[0] != min(taken)
    assert drawn(tmp_path, *ONE_DIGIT, **CI)[0][0] == min(taken)


def test_a_run_that_repeats_another_leaves_out_what_was_kept(tmp_path: Path) -> None:
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    drawn(tmp_path, *ONE_DIGIT)
    assert drawn(tmp_path, *ONE_DIGIT, "--seed=0") == drawn(fresh, *ONE_DIGIT, "--seed=0")
