"""Odd emulators that conform: random combinations of oddities, and what a run held against one."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from reimage_conformance.detection.forking import Subject
from reimage_conformance.detection.shapes import LARGE_WORLD
from reimage_conformance.emulator import ODDITIES
from reimage_conformance.model import RunVerdict, Strictness

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reimage_conformance.detection.forking import Found
    from reimage_conformance.detection.shapes import Shape

RIVALS = ("verbs-", "type-4")
"""How the names begin of oddities that give the same refusal another status and code: of two at once, each would spoil the other's."""

NOT_TOGETHER = (("internal-error-500", "historical-errors-empty"),)
"""Oddities that conform alone and not together: the code InternalError says that a repeat may be answered otherwise (REQ-ERR-INTERNAL)."""


def oddities_for(strictness: Strictness) -> list[str]:
    """The names of the oddities that conform under `strictness` and show without sockets."""
    lenient = strictness is Strictness.LENIENT
    return [each.name for each in ODDITIES.values() if not each.server_only and (lenient or not each.lenient_only)]


def are_rivals(names: Sequence[str]) -> bool:
    """Whether two of `names` begin alike, as rivals do, or do not conform together."""
    together = any(set(pair) <= set(names) for pair in NOT_TOGETHER)
    return together or any(sum(name.startswith(each) for name in names) > 1 for each in RIVALS)


def combined(
    names: Sequence[str], size: int, strictness: Strictness, shape: Shape = LARGE_WORLD, *, seed: str = "1"
) -> list[Subject]:
    """Every one of `names` in a random combination of `size`, none of which answers one thing in two ways."""
    random = Random(seed + strictness + ("" if shape is LARGE_WORLD else shape.name))  # noqa: S311  a sample

    def drawn() -> list[tuple[str, ...]]:
        shuffled = random.sample(sorted(names), len(names))
        return [tuple(shuffled[at : at + size]) for at in range(0, len(shuffled), size)]

    groups = drawn()
    while any(are_rivals(group) for group in groups):
        groups = drawn()
    return [
        Subject(f"{shape.name}, {strictness}: {'+'.join(group)}", oddities=group, strictness=strictness, shape=shape)
        for group in groups
    ]


def held_against(found: Found) -> dict[str, str]:
    """What a run held against an odd emulator: by requirement, violations and advice that its oddities do not call for; an incomplete run; errors."""
    expected = {name for oddity in found.subject.oddities for name in ODDITIES[oddity].advisories}
    told = {name: found.reasons.get(name, found.outcomes[name]) for name in found.bad - expected}
    if found.verdict == RunVerdict.INCOMPLETE:
        unjudged = {name: why for name, why in found.unjudged.items() if found.outcomes[name] == "inconclusive"}
        told |= {"verdict": f"{found.verdict}: {unjudged}"}
    return told | ({"errors": "; ".join(found.errors)} if found.errors else {})
