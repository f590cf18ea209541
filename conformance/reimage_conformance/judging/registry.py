"""The registry of checks: each under its name, so that the verdicts of a journal can be computed again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from reimage_conformance.catalogue import ALL_REQUIREMENTS
from reimage_conformance.judging.facts import on_record
from reimage_conformance.judging.sent import call_of
from reimage_conformance.judging.wording import REDIRECTED, is_moved, is_passing_fault, reply_summary, why_undecided
from reimage_conformance.model import CountsAs, Outcome, Verdict, Why

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Exchange, Request
    from reimage_conformance.protocol.requests import Place

_ARGUMENTS_OF_ALL = ("only", "short_of", "because")
"""The arguments that `judge` takes for every check and does not hand on to it."""
REPEATS_OF_A_FAULT = 4
"""The session repeats a request that was answered by a passing fault (`wording.is_passing_fault`) up to this often.

The fault has passed when one repeat gets another answer.
"""


class Check(Protocol):
    """A pure judgement: exchanges in, verdicts out; arguments are plain JSON values."""

    __name__: str

    def __call__(self, world: World, exchanges: Sequence[Exchange], **arguments: Any) -> Iterable[Verdict]:
        """Judges `exchanges`."""
        ...


@dataclass(frozen=True, slots=True)
class Effect:
    """The effect that a verdict is about: where it was looked for, and which of our requests may have caused it.

    `places` are the role instances that were looked at. `judged` holds the exchange numbers of the requests whose
    effect is judged. Where it is empty, the check does not know the request: it is the first reimage of the place
    that was accepted between the looks. `refusal` says that the judged request was refused, so that a repeat of it
    without a reply is not another request. `anywhere` says that a request for an instance of the same name in another
    deployment may have caused the effect too. `on_operation` says that the effect is on an operation, so that only
    requests between the looks count. `looks` holds the exchange numbers between which the effect was looked for;
    empty stands for all exchanges of the check. `absent` says that the effect did not come: the instance did not leave, or
    did not come back. A request that reached the instance by mistake does not explain that. `departs` says that the effect
    is a departure from ReadyRole, which an earlier reimage of the instance explains for a while after its return too;
    `departs_late`, which the assessment sets, says that it explains it until the instance was seen to leave, however late.
    `unlisted` says that the effect is an absence from a list of instances, which no reimage explains of an instance that
    was never listed.
    """

    places: tuple[Place, ...]
    judged: tuple[int, ...] = ()
    refusal: bool = False
    anywhere: bool = False
    on_operation: bool = False
    looks: tuple[int, ...] = ()
    absent: bool = False
    departs: bool = False
    departs_late: bool = False
    unlisted: bool = False


NOBODY = (0,)
"""The value of `judged` for an effect that none of our requests should have; no exchange has this number."""
FindEffect = Callable[["World", "Verdict", "Sequence[Exchange]"], "Effect | None"]
"""Finds the effect that a verdict is about. Its exchanges are those of the check; None where there is no effect."""

CHECKS: dict[str, Check] = {}
"""Every check, by the name of its function."""
EFFECTS: dict[str, FindEffect] = {}
"""For each check that judges effects on role instances, the function that finds the effect of a verdict."""
SCOPE_ALL = "all"
"""The scope of a judgement in the journal that takes every exchange up to its own moment (`judge_scope`)."""
MAX_VIOLATIONS_PER_SYMPTOM = 12
"""One judgement keeps at most this many violations of a requirement with the same symptom."""


def check(function: Callable[..., Iterable[Verdict]]) -> Check:
    """Registers a judgement under the name of its function."""
    CHECKS[function.__name__] = function
    return function


def effect_on(find_effect: FindEffect) -> Callable[[Check], Check]:
    """Declares that a check judges effects on role instances.

    The assessment makes a verdict inconclusive where another request of ours may have had the effect
    (`reimage_conformance.assessment.intervals`).
    """

    def declare(function: Check) -> Check:
        EFFECTS[function.__name__] = find_effect
        return function

    return declare


def judge(world: World, function: Check, exchanges: Sequence[Exchange], **arguments: Any) -> list[Verdict]:
    """The verdicts of a check, each with the name and arguments of the check, and graded by what a violation counts as.

    A verdict that needs facts which were not recorded is left out, and repeats are left out (`without_repeats`). Every
    check takes three more arguments. `only` names the requirements whose verdicts are kept. `short_of` says which
    request would decide the requirement and was not sent: a violation then still counts, but nothing is met. Journals
    of older versions also hold `because`, which has no effect.
    """
    own_arguments = {name: value for name, value in arguments.items() if name not in _ARGUMENTS_OF_ALL}
    numbers = tuple(exchange.number for exchange in exchanges)
    key = (function.__name__, numbers, repr(own_arguments))
    graded_verdicts = world.memory.get(key)
    if graded_verdicts is None:
        found = on_record(list(function(world, exchanges, **own_arguments)), exchanges)
        graded_verdicts = world.memory[key] = without_repeats([graded(verdict, world) for verdict in found])
    only, short_of = arguments.get("only"), arguments.get("short_of", "")
    if short_of:
        graded_verdicts = [
            replace(v, outcome=Outcome.UNTESTED, actual=short_of) if v.outcome is Outcome.MET else v
            for v in graded_verdicts
        ]
    between = numbers if function.__name__ in EFFECTS else ()
    return [
        replace(
            verdict,
            check=function.__name__,
            arguments=arguments,
            evidence=verdict.evidence or numbers[:1],
            between=between,
        )
        for verdict in graded_verdicts
        if only is None or verdict.requirement in only
    ]


def graded(verdict: Verdict, world: World) -> Verdict:
    """`verdict`, a violation changed to advisory or observed where the requirement counts as WARN or less."""
    if verdict.outcome is not Outcome.VIOLATED:
        return verdict
    match ALL_REQUIREMENTS[verdict.requirement].counts_as(world.strictness):
        case CountsAs.FAIL:
            return verdict
        case CountsAs.WARN:
            return replace(verdict, outcome=Outcome.ADVISORY)
        case _:
            return replace(verdict, outcome=Outcome.OBSERVED)


@dataclass(frozen=True, slots=True)
class About:
    """Makes verdicts about one requirement, with these exchanges as evidence."""

    requirement: str
    evidence: tuple[int, ...] = ()

    def met(self, actual: str = "") -> Verdict:
        """The verdict that the requirement holds; `actual` is what was seen."""
        return Verdict(self.requirement, Outcome.MET, evidence=self.evidence, actual=actual)

    def violated(self, expected: str, actual: str, symptom: str, *, because: tuple[str, ...] = ()) -> Verdict:
        """The verdict that the requirement is violated.

        `because` names requirements that may be the cause, as far as nothing but the check can see it: such a check
        stands in `KNOWN_TO_CHECKS` of `reimage_conformance.assessment.explaining`.
        """
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
        """The verdict on a deviation that is advisory by a note of the catalogue, whatever the requirement counts as."""
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
        """Met if `holds`, else violated; `actual` says what was seen in either case."""
        return self.met(actual) if holds else self.violated(expected, actual, symptom, because=because)

    def observed(self, seen: str) -> Verdict:
        """The verdict that records what this endpoint does where the documents leave it open."""
        return Verdict(self.requirement, Outcome.OBSERVED, evidence=self.evidence, actual=seen)

    def inconclusive(self, reason: str, *, because: tuple[str, ...] = (), why: Why = Why.OTHER) -> Verdict:
        """The verdict that the requirement could not be judged, and why.

        `because` names requirements whose violation may be the reason, in addition to those that the catalogue requires.
        `why` is the kind of reason.
        """
        return Verdict(
            self.requirement, Outcome.INCONCLUSIVE, evidence=self.evidence, actual=reason, because=because, why=why
        )

    def undecided(self, exchange: Exchange, before: str = "") -> Verdict:
        """The verdict that the answer of `exchange` shows nothing; `before` begins the reason."""
        incomplete = f"{call_of(exchange.request)} got no complete answer: " if exchange.reply is None else ""
        answer = REDIRECTED if is_moved(exchange) else reply_summary(exchange)
        return self.inconclusive(f"{before}{incomplete}{answer}", why=why_undecided(exchange))


def about(requirement: str, *exchanges: Exchange) -> About:
    """A maker of verdicts about `requirement`; the first of `exchanges` is the deciding one."""
    return About(requirement, tuple(exchange.number for exchange in exchanges))


def without_repeats(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The verdicts of one judgement without repeats.

    One met verdict is kept for each requirement; it counts the others, and its evidence is that of the first three. At
    most `MAX_VIOLATIONS_PER_SYMPTOM` of the other verdicts are kept for each requirement and symptom.
    """
    kept: list[Verdict] = []
    met_by_requirement: dict[str, list[Verdict]] = {}
    kept_by_symptom: Counter[tuple[str, str]] = Counter()
    for verdict in verdicts:
        if verdict.outcome is Outcome.MET:
            met_by_requirement.setdefault(verdict.requirement, []).append(verdict)
            continue
        key = (verdict.requirement, verdict.symptom)
        if kept_by_symptom[key] < MAX_VIOLATIONS_PER_SYMPTOM:
            kept_by_symptom[key] += 1
            kept.append(verdict)
    for repeats in met_by_requirement.values():
        numbers = tuple(dict.fromkeys(verdict.evidence[0] for verdict in repeats[:3] if verdict.evidence))
        first, *others = repeats
        actual = f"{len(repeats)} exchanges" if others else first.actual
        kept.append(replace(first, actual=actual, evidence=numbers))
    return kept


def judge_scope(
    world: World, check: Check, exchanges: Sequence[Exchange], until: int, arguments: Mapping[str, Any]
) -> list[Verdict]:
    """Judges all exchanges up to number `until`, except requests to the probe.

    What `passed_faults` finds is left out as well.
    """
    scope = [exchange for exchange in exchanges if exchange.number <= until and exchange.label != "probe"]
    left_out = passed_faults(scope)
    return judge(world, check, [exchange for exchange in scope if exchange.number not in left_out], **arguments)


def passed_faults(exchanges: Sequence[Exchange]) -> set[int]:
    """The numbers of the exchanges that were answered by a passing fault and show nothing (REQ-ERR-INTERNAL).

    They show nothing if a repeat of the request got another answer, or if no other request like it met such a fault.
    """
    alike: dict[Request, list[Exchange]] = {each.request: [] for each in exchanges if is_passing_fault(each)}
    for exchange in exchanges if alike else ():
        if exchange.request in alike:
            alike[exchange.request].append(exchange)
    return {number for several in alike.values() for number in _passed_among(several)}


def _passed_among(alike: Sequence[Exchange]) -> Iterator[int]:
    """The same for exchanges with equal requests, which are in order."""
    faults = [at for at, exchange in enumerate(alike) if is_passing_fault(exchange)]
    for at in faults:
        repeats = alike[at + 1 : at + 1 + REPEATS_OF_A_FAULT]
        if len(faults) == 1 or any(not is_passing_fault(repeat) for repeat in repeats):
            yield alike[at].number
