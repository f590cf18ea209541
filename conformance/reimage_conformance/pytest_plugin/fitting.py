"""Checks for --resume: the report folder holds a run of the same suite, target, profile and seed that was cut short."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from reimage_conformance import __version__
from reimage_conformance.config import target_to_mapping
from reimage_conformance.errors import JournalError, UsageError
from reimage_conformance.journal import read_journal
from reimage_conformance.outputs import JOURNAL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from reimage_conformance.journal import Journal
    from reimage_conformance.model import Target

MAY_DIFFER = ("client_request_id", "allow_reimage", "connections", "requests_per_second")
"""Settings that may change on --resume, since they do not change what a run finds."""
_ROUNDS = 50_000
"""The rounds of PBKDF2; they make it slow to find the ids from the journal by trying many."""


def fingerprint_of(target: Target) -> str:
    """A hash of the subscription ids of a target; the journal holds it in place of the ids, which are masked."""
    ids = (target.subscription_id, target.other_subscription_id or "", target.foreign_subscription_id or "")
    return hashlib.pbkdf2_hmac("sha256", "\0".join(ids).encode(), target.base_url.encode(), _ROUNDS).hex()[:16]


def resumable(folder: Path) -> Journal:
    """The journal of the run in `folder`; raises UsageError if the run cannot be resumed."""
    file = folder / JOURNAL
    if not file.is_file():
        raise UsageError(f"--resume {folder}: there is no journal.jsonl in it; expected the report folder of a run")
    try:
        journal = read_journal(file)
        journal.require("profile", "seed", "strictness", "suite_version", "target", "epoch", "fingerprint")
    except JournalError as error:
        raise UsageError(f"--resume {folder}: {error}") from error
    if journal.header["suite_version"] != __version__:
        was = journal.header["suite_version"]
        raise UsageError(
            f"--resume {folder}: expected a run of version {__version__}, found {was}; resume it with {was}, or begin a new run"
        )
    if journal.complete and not _is_cut_short(journal):
        raise UsageError(
            f"--resume {folder}: this run is complete; expected one that was cut short; its reports are in the folder"
        )
    return journal


def _is_cut_short(journal: Journal) -> bool:
    """Whether a run that wrote its end was interrupted, or had no time to judge some case."""
    ends = [event for event in journal.events if event["type"] == "end"]
    unjudged = {event["id"] for event in journal.cases if not event.get("judged", True)}
    judged = {event["id"] for event in journal.cases if event["type"] == "case-end" and event.get("judged", True)}
    return any(event.get("interrupted") for event in ends[-1:]) or bool(unjudged - judged)


def check_target(folder: Path, journal: Journal, target: Target, shown: Target) -> None:
    """Raises UsageError, with the key, if `target` differs from the target that the run in `folder` began with.

    `shown` is `target` with masked identifiers, as in a journal.
    """
    if journal.header["fingerprint"] != fingerprint_of(target):
        raise UsageError(
            f"--resume {folder}: the run began with another subscription_id, other_subscription_id or foreign_subscription_id; "
            "name the target file that it began with"
        )
    for key, was, now in _differences(journal.header["target"], target_to_mapping(shown)):
        raise UsageError(
            f"--resume {folder}: {key} was {was!r} when the run began, and is {now!r} now; "
            "give the target file and the options that it began with"
        )


def _differences(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Each key whose values differ, with the earlier value and the present one."""
    for key in sorted({*was, *now}):
        if key in MAY_DIFFER or was.get(key) == now.get(key):
            continue
        if isinstance(was.get(key), dict) and isinstance(now.get(key), dict):
            yield from _differences(was[key], now[key])
        elif _plain(was.get(key)) != _plain(now.get(key)):
            yield key, was.get(key), now.get(key)


def _plain(value: Any) -> Any:
    """A value as it is read back from JSON."""
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return {key: _plain(each) for key, each in value.items()} if isinstance(value, dict) else value
