"""Emulators that conform and have random combinations of oddities, and what a run held against one."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from reimage_conformance.detection.forking import JudgedEmulator
from reimage_conformance.detection.shapes import LARGE_WORLD
from reimage_conformance.emulator import ODDITIES
from reimage_conformance.model import RunVerdict, Strictness

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reimage_conformance.detection.forking import Found
    from reimage_conformance.detection.shapes import Shape

SAME_REFUSAL = ("verbs-", "type-4")
"""Oddities whose names begin alike with one of these change the same refusal, so that two of them cannot be combined."""

NOT_TOGETHER = (
    ("internal-error-500", "historical-errors-empty"),
    ("timed-out-500", "historical-errors-empty"),
    ("busy-now-and-then", "offline-after-success"),
    ("busy-now-and-then", "offline-long-after-success"),
    ("busy-now-and-then", "offline-three-seconds-after-success"),
    ("busy-now-and-then", "not-running-400"),
    ("busy-now-and-then", "instances-unlisted-while-away"),
)
"""Pairs of oddities that are never drawn together. An endpoint with one of them is not accused, one with both may be.

A client sees from the codes InternalError and OperationTimedOut that a repeat may be answered (REQ-ERR-INTERNAL, REQ-TIMEOUT). Where an
instance leaves ReadyRole late and may be busy at any time, no answer shows when its reimage took it away. Where it may be busy at any time,
no look shows whether a reimage of it would be refused.
An instance that is busy by itself has to be listed (REQ-DEPL-INSTANCES); an emulator with both oddities leaves it out.
"""


def oddities_for(strictness: Strictness) -> list[str]:
    """The names of the oddities that conform under `strictness` and show without sockets."""
    lenient = strictness is Strictness.LENIENT
    return [each.name for each in ODDITIES.values() if not each.server_only and (lenient or not each.lenient_only)]


def cannot_combine(names: Sequence[str]) -> bool:
    """Whether two of the oddities called `names` change the same refusal, or do not conform together."""
    same_refusal = any(sum(name.startswith(each) for name in names) > 1 for each in SAME_REFUSAL)
    return same_refusal or any(set(pair) <= set(names) for pair in NOT_TOGETHER)


def combined(
    names: Sequence[str], size: int, strictness: Strictness, shape: Shape = LARGE_WORLD, *, seed: str = "1"
) -> list[JudgedEmulator]:
    """The oddities called `names` in random combinations of `size`, each in one of them; the last one may be smaller.

    `seed` decides the combinations. `cannot_combine` holds for none of them.
    """
    random = Random(seed + strictness + ("" if shape is LARGE_WORLD else shape.name))  # noqa: S311  a sample

    def drawn() -> list[tuple[str, ...]]:
        shuffled = random.sample(sorted(names), len(names))
        return [tuple(shuffled[at : at + size]) for at in range(0, len(shuffled), size)]

    groups = drawn()
    while any(cannot_combine(group) for group in groups):
        groups = drawn()
    return [
        JudgedEmulator(
            f"{shape.name}, {strictness}: {'+'.join(group)}", oddities=group, strictness=strictness, shape=shape
        )
        for group in groups
    ]


def held_against(found: Found) -> dict[str, str]:
    """What a run held against a conforming emulator, in words; empty where nothing was.

    The keys are the requirements that were violated or advised about, without the advice that its oddities lead to, and "verdict" for an
    incomplete run, "errors" for errors of the suite. A run may be incomplete where its oddities are the reason that it gives.
    """
    expected = {name for oddity in found.subject.oddities for name in ODDITIES[oddity].advisories}
    told = {name: found.seen.get(name, found.outcomes[name]) for name in found.accused - expected}
    if found.verdict == RunVerdict.INCOMPLETE:
        unjudged = {name: why for name, why in found.unjudged.items() if found.outcomes[name] == "inconclusive"}
        words = [word for oddity in found.subject.oddities if (word := ODDITIES[oddity].unjudged)]
        unexplained = {name: why for name, why in unjudged.items() if not any(word in why for word in words)}
        told |= {"verdict": f"{found.verdict}: {unexplained}"} if unexplained or not words else {}
    return told | ({"errors": "; ".join(found.errors)} if found.errors else {})
