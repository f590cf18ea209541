"""What a run does about refusals that come to no end."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from conformance.journal import read_journal
from conformance.tests.memory_runs import run_in_memory

if TYPE_CHECKING:
    from pathlib import Path


def test_a_refusal_that_stops_short_is_not_asked_for_again(tmp_path: Path) -> None:
    code = run_in_memory(tmp_path, "--fault", "length-too-long[refused]")

    journal = read_journal(tmp_path / "journal.jsonl")
    stopped = [each for each in journal.exchanges.values() if each.response and each.reply is None]
    counted = Counter(each.label for each in stopped)
    assert code == 1
    assert counted["refusal"] > 500
    assert counted["refusal-again"] == 0
    assert sum(each.elapsed for each in stopped) < 100


def test_a_refusal_that_is_missing_is_asked_for_again_until_it_is_clear_that_none_comes(tmp_path: Path) -> None:
    code = run_in_memory(tmp_path, "--fault", "length-invalid-hangs")

    exchanges = read_journal(tmp_path / "journal.jsonl").exchanges.values()
    silent = [each.label for each in exchanges if each.response is None and each.failure and each.elapsed > 5]
    assert code == 1
    assert silent == ["refusal", "refusal-again"] * 2
