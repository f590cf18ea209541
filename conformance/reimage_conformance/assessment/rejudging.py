"""Judging again: computes the verdicts of a journal from its exchanges, with the checks that it names."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reimage_conformance.config import target_from_mapping
from reimage_conformance.errors import JournalError
from reimage_conformance.judging import CHECKS, judge
from reimage_conformance.judging.registry import SCOPE_ALL, judge_scope
from reimage_conformance.judging.world import World
from reimage_conformance.model import Strictness, Verdict

if TYPE_CHECKING:
    from reimage_conformance.journal import Journal
    from reimage_conformance.model import Exchange


def world_of(journal: Journal) -> World:
    """The world that a journal's run judged in; raises JournalError where its first line lacks what says so."""
    journal.require("target", "strictness")
    target = target_from_mapping(journal.header["target"])
    strictness = Strictness(journal.header["strictness"])
    listed: dict[str, tuple[str, ...]] = {}
    folds = False
    for event in journal.events:
        if event["type"] == "listed":
            listed = {name: tuple(instances) for name, instances in event["listed"].items()}
            folds = bool(event.get("folds_slots", False))
    return World(target, strictness, listed, folds_slots=folds)


def rejudged(journal: Journal) -> list[Verdict]:
    """All verdicts of the run, in order: those of checks computed again, the others as the journal has them."""
    world = world_of(journal)
    current = replace(world, listed={}, folds_slots=False, memory={})  # until the run had looked
    verdicts: list[Verdict] = []
    everything = sorted(journal.exchanges.values(), key=lambda exchange: exchange.number)
    recorded = iter(journal.verdicts)
    for event in journal.events:
        match event["type"]:
            case "listed":
                current = world
            case "judgement" if event["check"] in CHECKS:
                made = _made_again(current, journal, everything, event)
                verdicts += [replace(verdict, case=event["case"]) for verdict in made]
            case "verdict":
                verdict = next(recorded)
                verdicts += [] if verdict.check in CHECKS else [verdict]
    return verdicts


def _made_again(world: World, journal: Journal, everything: list[Exchange], event: dict[str, Any]) -> list[Verdict]:
    """The verdicts of the judgement in `event`; raises JournalError where its arguments are damaged."""
    try:
        return _judged_again(world, journal, everything, event)
    except (TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
        raise JournalError(
            f"the journal is damaged: the judgement {event['check']!r} in case {event['case']!r} cannot be made again from it"
        ) from error


def _judged_again(world: World, journal: Journal, everything: list[Exchange], event: dict[str, Any]) -> list[Verdict]:
    """The verdicts of a judgement; none where an exchange that it needs was lost with the end of the journal.

    `everything` are all exchanges of the journal, in order.
    """
    check = CHECKS[event["check"]]
    if event.get("scope") == SCOPE_ALL:
        return judge_scope(world, check, everything, event["until"], event["arguments"])
    if any(number not in journal.exchanges for number in event["exchanges"]):
        return []
    return judge(world, check, [journal.exchanges[number] for number in event["exchanges"]], **event["arguments"])
