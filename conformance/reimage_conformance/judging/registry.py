"""The registry of checks: every pure judgement under its name, so that a journal's verdicts can be made again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from reimage_conformance.catalogue import CATALOGUE
from reimage_conformance.judging.facts import on_record
from reimage_conformance.judging.wording import is_passing_fault
from reimage_conformance.model import CountsAs, Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Exchange
    from reimage_conformance.protocol.requests import Place

REPEATS_OF_A_FAULT = 2
"""The session sends a request that met a fault inside the endpoint again this often; the fault has passed when one repeat did not meet it."""


class Check(Protocol):
    """A pure judgement: exchanges in, verdicts out; arguments are plain JSON values."""

    __name__: str

    def __call__(self, world: World, exchanges: Sequence[Exchange], **arguments: Any) -> Iterable[Verdict]:
        """Judges `exchanges`."""
        ...


@dataclass(frozen=True, slots=True)
class Effect:
    """An effect that a verdict is about: where it was looked for, and which requests of ours are judged for it.

    `places` are the role instances that were looked at. `judged` numbers the requests whose effect it is; where it is
    empty, the check does not know it, and it is the first reimage of the place that was accepted between the looks.
    `refusal` says that the judged request was refused, so that the same request without a reply is no other one.
    `anywhere` says that a request for an instance of this name elsewhere may have had the effect too. `passing` says
    that the effect is on an operation, so that only requests between the looks count, however long they go on.
    `looks` numbers the exchanges between which the effect was looked for; empty where all that were given are.
    """

    places: tuple[Place, ...]
    judged: tuple[int, ...] = ()
    refusal: bool = False
    anywhere: bool = False
    passing: bool = False
    looks: tuple[int, ...] = ()


NOBODY = (0,)
"""The `judged` of an effect that no request of ours is to have had; no exchange has this number."""
Effects = Callable[["World", "Verdict", "Sequence[Exchange]"], "Effect | None"]
"""What tells which effect a verdict is about, from the exchanges that its check was given; None where it is about none."""

CHECKS: dict[str, Check] = {}
EFFECTS: dict[str, Effects] = {}
"""Of each check that judges effects on role instances: what tells which effect a verdict of it is about."""
SCOPE_ALL = "all"
MOST_OF_A_KIND = 12


def check(function: Callable[..., Iterable[Verdict]]) -> Check:
    """Registers a judgement under the name of its function."""
    CHECKS[function.__name__] = function
    return function


def effect_on(effects: Effects) -> Callable[[Check], Check]:
    """Declares that a check judges effects on role instances.

    The assessment judges none of its verdicts that rests on an interval in which another request of ours may have had
    the effect (`reimage_conformance.assessment.intervals`).
    """

    def declare(function: Check) -> Check:
        EFFECTS[function.__name__] = effects
        return function

    return declare


def judge(world: World, function: Check, exchanges: Sequence[Exchange], **arguments: Any) -> list[Verdict]:
    """The verdicts of a check, each stamped with the check's name and arguments, and graded by what a violation counts as.

    A verdict that rests on what was not recorded of its exchanges is left out. Verdicts of one judgement that say the same are
    kept as one. Two arguments are for every check: `only` keeps the verdicts on these requirements alone, and `short_of` says what
    decides the requirement and was not tried here, so that a violation counts and nothing is met by it.
    """
    own = {name: value for name, value in arguments.items() if name not in ("only", "short_of")}
    numbers = tuple(exchange.number for exchange in exchanges)
    key = (function.__name__, numbers, repr(own))
    made = world.memory.get(key)
    if made is None:
        found = on_record(list(function(world, exchanges, **own)), exchanges)
        made = world.memory[key] = folded([graded(verdict, world) for verdict in found])
    only, short_of = arguments.get("only"), arguments.get("short_of", "")
    if short_of:
        made = [replace(v, outcome=Outcome.UNTESTED, actual=short_of) if v.outcome is Outcome.MET else v for v in made]
    between = numbers if function.__name__ in EFFECTS else ()
    return [
        replace(
            verdict,
            check=function.__name__,
            arguments=arguments,
            evidence=verdict.evidence or numbers[:1],
            between=between,
        )
        for verdict in made
        if only is None or verdict.requirement in only
    ]


def graded(verdict: Verdict, world: World) -> Verdict:
    """`verdict` with a violation turned into what it counts as."""
    if verdict.outcome is not Outcome.VIOLATED:
        return verdict
    match CATALOGUE[verdict.requirement].counts_as(world.strictness):
        case CountsAs.FAIL:
            return verdict
        case CountsAs.WARN:
            return replace(verdict, outcome=Outcome.ADVISORY)
        case _:
            return replace(verdict, outcome=Outcome.OBSERVED)


@dataclass(frozen=True, slots=True)
class About:
    """Writes verdicts about one requirement on some exchanges."""

    requirement: str
    evidence: tuple[int, ...] = ()

    def met(self, actual: str = "") -> Verdict:
        """The requirement was seen to hold."""
        return Verdict(self.requirement, Outcome.MET, evidence=self.evidence, actual=actual)

    def violated(self, expected: str, actual: str, symptom: str, *, because: tuple[str, ...] = ()) -> Verdict:
        """The requirement was seen not to hold."""
        return Verdict(
            self.requirement,
            Outcome.VIOLATED,
            evidence=self.evidence,
            expected=expected,
            actual=actual,
            symptom=symptom,
            because=because,
        )

    def advised(self, expected: str, actual: str, symptom: str) -> Verdict:
        """A deviation that a note of the catalogue makes a WARN, whatever the requirement counts as."""
        return Verdict(
            self.requirement,
            Outcome.ADVISORY,
            evidence=self.evidence,
            expected=expected,
            actual=actual,
            symptom=symptom,
        )

    def judged(
        self,
        holds: bool,  # noqa: FBT001  the claim itself
        expected: str,
        actual: str,
        symptom: str,
        *,
        because: tuple[str, ...] = (),
    ) -> Verdict:
        """Met if `holds`, else violated."""
        return self.met(actual) if holds else self.violated(expected, actual, symptom, because=because)

    def observed(self, seen: str) -> Verdict:
        """What this endpoint does, where the documents leave it open."""
        return Verdict(self.requirement, Outcome.OBSERVED, evidence=self.evidence, actual=seen)

    def inconclusive(self, reason: str, *, because: tuple[str, ...] = ()) -> Verdict:
        """The requirement could not be judged."""
        return Verdict(self.requirement, Outcome.INCONCLUSIVE, evidence=self.evidence, actual=reason, because=because)


def about(requirement: str, *exchanges: Exchange) -> About:
    """Verdicts about `requirement`, on these exchanges, the deciding one first."""
    return About(requirement, tuple(exchange.number for exchange in exchanges))


def folded(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Verdicts of one judgement with those that say the same as one, and no more than a dozen of a kind of violation."""
    kept: list[Verdict] = []
    met: dict[str, list[Verdict]] = {}
    bad: dict[tuple[str, str], int] = {}
    for verdict in verdicts:
        if verdict.outcome is Outcome.MET:
            met.setdefault(verdict.requirement, []).append(verdict)
            continue
        key = (verdict.requirement, verdict.symptom)
        bad[key] = bad.get(key, 0) + 1
        if bad[key] <= MOST_OF_A_KIND:
            kept.append(verdict)
    for same in met.values():
        numbers = tuple(dict.fromkeys(verdict.evidence[0] for verdict in same[:3] if verdict.evidence))
        first, *others = same
        actual = f"{len(same)} exchanges" if others else first.actual
        kept.append(replace(first, actual=actual, evidence=numbers))
    return kept


def judge_scope(
    world: World, check: Check, exchanges: Sequence[Exchange], until: int, arguments: Mapping[str, Any]
) -> list[Verdict]:
    """Judges every exchange with the endpoint up to number `until`, but for faults inside it that a repeat did not meet."""
    scope = [exchange for exchange in exchanges if exchange.number <= until and exchange.label != "probe"]
    faults = [at for at, exchange in enumerate(scope) if is_passing_fault(exchange)]
    passed = {scope[at].number for at in faults if _is_over(scope[at], scope[at + 1 :])}
    return judge(world, check, [exchange for exchange in scope if exchange.number not in passed], **arguments)


def _is_over(fault: Exchange, later: Sequence[Exchange]) -> bool:
    """Whether a fault inside the endpoint was over when the same request came again, once or twice."""
    repeats = islice((exchange for exchange in later if exchange.request == fault.request), REPEATS_OF_A_FAULT)
    return any(not is_passing_fault(repeat) for repeat in repeats)
