"""Which runs can be gone on with, and what is said of those that cannot."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from judging_samples import world
from reimage_conformance import __version__
from reimage_conformance.config import target_to_mapping
from reimage_conformance.errors import UsageError
from reimage_conformance.pytest_plugin.fitting import check_target, fingerprint_of, resumable

if TYPE_CHECKING:
    from pathlib import Path

    from reimage_conformance.model import Target

TARGET = world().target


def header(target: Target = TARGET, **changes: Any) -> dict[str, Any]:
    """The first line of a journal."""
    told = {"type": "run", "schema": "reimage-conformance/journal/1", "at": 0.0, "id": "1", "started": "", "seed": 0}
    told |= {"profile": "standard", "strictness": "strict", "suite_version": __version__, "epoch": 0.0}
    return {**told, "target": target_to_mapping(target), "fingerprint": fingerprint_of(target), **changes}


def folder_with(tmp_path: Path, *events: dict[str, Any]) -> Path:
    (tmp_path / "journal.jsonl").write_text("".join(f"{json.dumps(event)}\n" for event in events), encoding="ascii")
    return tmp_path


def end(**fields: Any) -> dict[str, Any]:
    return {"type": "end", "at": 9.0, **fields}


def case_end(*, judged: bool) -> dict[str, Any]:
    return {"type": "case-end", "id": "a", "outcome": "untested", "judged": judged}


@pytest.mark.parametrize(
    "events",
    [
        pytest.param([], id="killed"),
        pytest.param([end(interrupted=True)], id="interrupted"),
        pytest.param([case_end(judged=False), end(interrupted=False)], id="out-of-time"),
        pytest.param([end(interrupted=False), {"type": "resumed", "at": 10.0}], id="killed-when-resumed"),
    ],
)
def test_a_run_that_was_cut_short_can_be_gone_on_with(tmp_path: Path, events: list[dict[str, Any]]) -> None:
    folder = folder_with(tmp_path, header(), *events)

    assert resumable(folder).header["seed"] == 0


@pytest.mark.parametrize(
    ("events", "said"),
    [
        pytest.param([header(), end(interrupted=False)], "this run is complete", id="complete"),
        pytest.param(
            [header(), case_end(judged=False), case_end(judged=True), end(interrupted=False)],
            "this run is complete",
            id="complete-in-the-end",
        ),
        pytest.param([header(suite_version="0.0.1")], "found 0.0.1", id="another-version"),
        pytest.param([{"type": "end"}], "is no journal", id="no-journal"),
        pytest.param(
            [{key: value for key, value in header().items() if key != "epoch"}], "lacks 'epoch'", id="too-old"
        ),
    ],
)
def test_others_cannot_and_one_sentence_says_why(tmp_path: Path, events: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(UsageError, match=said) as raised:
        resumable(folder_with(tmp_path, *events))

    assert "\n" not in str(raised.value)
    assert raised.value.exit_code == 4


def test_a_folder_without_a_journal_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no journal\.jsonl in it"):
        resumable(tmp_path)


LIMITS = TARGET.limits


@pytest.mark.parametrize(
    ("now", "key"),
    [
        (replace(TARGET, base_url="https://127.0.0.1:1"), "subscription_id"),
        (replace(TARGET, subscription_id="11111111-0000-4000-8000-000000000001"), "subscription_id"),
        (replace(TARGET, x_ms_version="2012-03-01"), "x_ms_version"),
        (replace(TARGET, deployments=TARGET.deployments[:1]), "deployments"),
        (replace(TARGET, limits=replace(LIMITS, max_reimages=40)), "max_reimages"),
    ],
)
def test_another_target_is_refused_by_the_key_that_differs(tmp_path: Path, now: Target, key: str) -> None:
    folder = folder_with(tmp_path, header())

    with pytest.raises(UsageError, match=key) as raised:
        check_target(folder, resumable(folder), now, now)
    assert "11111111" not in str(raised.value)


@pytest.mark.parametrize(
    "now",
    [
        TARGET,
        replace(TARGET, limits=replace(LIMITS, connections=1, allow_reimage=True, requests_per_second=3.0)),
    ],
)
def test_the_same_target_fits_however_fast_it_is_asked(tmp_path: Path, now: Target) -> None:
    folder = folder_with(tmp_path, header())

    check_target(folder, resumable(folder), now, now)
