"""Compares a finding of an earlier run with a later run of the same cases: seen again, mended, or unknown; sends nothing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from reimage_conformance.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from reimage_conformance.journal import Journal
    from reimage_conformance.model import Exchange, Request

_BAD = ("violated", "advisory", "known")
_NOT_JUDGED = ("inconclusive", "untested", "not-applicable", "error")
_STEP = "step:"
_HEADERS = {
    "-HTTP-HOST": "Host",
    "-CL-": "Content-Length",
    "-REIMAGE-CT": "Content-Type",
    "-HTTP-TE-": "Transfer-Encoding",
    "-VERSION": "x-ms-version",
    "-VER-": "x-ms-version",
}
"""The header of a request that a requirement is about, by a part of its id."""


class Answer(Enum):
    """What became of a finding when its cases were repeated; the value is the exit code."""

    MENDED = 0
    AGAIN = 1
    UNKNOWN = 6


@dataclass(frozen=True, slots=True)
class Comparison:
    """One finding, then and now: what was expected, what was seen each time and on which exchange; `reason` is that of the answer."""

    requirement: str
    answer: Answer
    expected: str
    then: str
    now: str
    reason: str
    then_exchange: Exchange | None = None
    now_exchange: Exchange | None = None


def compared(
    finding: Mapping[str, Any], then: Mapping[int, Exchange], results: Mapping[str, Any], now: Journal
) -> Comparison:
    """The comparison of `finding`, of a run with the exchanges `then`, with the run with these `results` and the journal `now`."""
    name = finding["requirement"]
    result = next((each for each in results["requirements"] if each["id"] == name), None)
    deciding = [then[number] for number in finding.get("deciding") or finding["evidence"][:1] if number in then]
    first = deciding[0] if deciding else None
    if result is None:
        reason = f"{name} is no requirement of this version"
        return Comparison(name, Answer.UNKNOWN, finding["expected"], finding["actual"], "", reason, first)
    answer, reason = _answer(finding, deciding, result, results, now)
    seen, number = _seen(finding, result, results, now)
    exchange = now.exchanges.get(number)
    return Comparison(name, answer, finding["expected"], finding["actual"], seen, reason, first, exchange)


def _answer(
    finding: Mapping[str, Any],
    deciding: Sequence[Exchange],
    result: Mapping[str, Any],
    results: Mapping[str, Any],
    now: Journal,
) -> tuple[Answer, str]:
    """The answer, and the reason for it in words."""
    outcome, fingerprints = result["outcome"], result.get("fingerprints", [])
    if outcome in _BAD:
        differs = bool(fingerprints) and finding.get("fingerprint") not in fingerprints
        return Answer.AGAIN, "the requirement is violated in another way" if differs else "the same is seen again"
    if outcome != Outcome.MET.value:
        return Answer.UNKNOWN, f"{result['id']} is {outcome}: {result['reason'] or 'nothing judged it'}"
    left_out = next(_left_out(finding, deciding, results, now), "")
    if left_out:
        return Answer.UNKNOWN, left_out
    return Answer.MENDED, "the requirement is met, by the cases that saw it violated"


def _left_out(
    finding: Mapping[str, Any], deciding: Sequence[Exchange], results: Mapping[str, Any], now: Journal
) -> Iterator[str]:
    """Sentences about the parts of the finding that were not repeated or not judged."""
    cases = {each["id"]: each for each in results["cases"]}
    met = {v.case for v in now.verdicts if v.requirement == finding["requirement"] and v.outcome is Outcome.MET}
    for case in finding["cases"]:
        if case in cases and (case not in met or cases[case]["outcome"] in _NOT_JUDGED):
            yield f"{case} did not judge it: {cases[case]['detail'] or cases[case]['outcome']}"
    sent = {exchange.case for exchange in now.exchanges.values()}
    steps = {part for exchange in now.exchanges.values() for part in _steps(exchange)}
    for exchange in deciding:
        if exchange.case in cases and exchange.case not in sent:
            yield f"{exchange.case} sent nothing: {cases[exchange.case]['detail'] or cases[exchange.case]['outcome']}"
        if not steps.issuperset(_steps(exchange)):
            yield f"the reimage of exchange {exchange.number} was not started again (max_reimages in [limits] may leave it out)"


def _steps(exchange: Exchange) -> list[str]:
    """The names of the steps that sent an exchange; a label of merged steps gives several."""
    if not exchange.label.startswith(_STEP):
        return []
    return [name.partition(":")[0] for name in exchange.label.removeprefix(_STEP).split("+")]


def _seen(
    finding: Mapping[str, Any], result: Mapping[str, Any], results: Mapping[str, Any], now: Journal
) -> tuple[str, int]:
    """What was seen now, and the number of the exchange that shows it, 0 for none."""
    name, outcome = finding["requirement"], result["outcome"]
    found = next((each for each in results["findings"] if each["requirement"] == name), None)
    if outcome in _BAD and found is not None:
        return found["actual"], next(iter(found["evidence"]), 0)
    if outcome == Outcome.MET.value:
        verdicts = [v for v in now.verdicts if v.requirement == name and v.outcome is Outcome.MET]
        chosen = next((v for v in verdicts if v.case in finding["cases"]), next(iter(verdicts), None))
        if chosen is not None:
            return "met", next(iter(chosen.evidence), 0)
    return result["reason"] or outcome, next(iter(result.get("evidence", ())), 0)


def lines_of(comparison: Comparison, *, kept: bool = True) -> Iterator[str]:
    """A comparison as lines for a terminal: expected, then and now below each other.

    `kept` says that the journal of the repetition stays; without it, the numbers of its exchanges are left out.
    """
    header = _header_of(comparison.requirement)
    yield f"  expected  {comparison.expected or 'see the requirement'}"
    yield f"  then      {comparison.then}{_shown(comparison.then_exchange, header)}"
    yield f"  now       {_now(comparison)}{_shown(comparison.now_exchange, header, numbered=kept)}"
    words = {Answer.MENDED: "fixed", Answer.AGAIN: "not fixed", Answer.UNKNOWN: "cannot tell"}
    yield f"{words[comparison.answer]}: {comparison.reason}"


def _now(comparison: Comparison) -> str:
    """What was seen now, unless the reason of the answer says it."""
    if comparison.answer is Answer.MENDED:
        return "as expected"
    return comparison.now if comparison.now not in comparison.reason else "no answer that decides it"


def _header_of(requirement: str) -> str:
    """The header of a request that a requirement is about, "" for none."""
    return next((header for part, header in _HEADERS.items() if part in requirement), "")


def _shown(exchange: Exchange | None, header: str, *, numbered: bool = True) -> str:
    """The request line of an exchange, one of its headers, and how it was answered, on a line of its own; "" for no header."""
    if exchange is None:
        return ""
    reply, request = exchange.reply, exchange.request
    answer = f"{reply.status} {reply.reason}".strip() if reply is not None else "no reply"
    number = f"exchange {exchange.number}: " if numbered else ""
    return f"\n            {number}{request.method} {request.target}{_with_header(request, header)} -> {answer}"


def _with_header(request: Request, header: str) -> str:
    """A header as a request had it: `, Host: a b`."""
    if not header:
        return ""
    sent = [f"{name}: {value}" for name, value in request.headers if name.strip().lower() == header.lower()]
    return f", {', '.join(sent)}" if sent else f", no {header}"


def exit_code(comparisons: Sequence[Comparison]) -> int:
    """The exit code for several findings: that of the gravest answer."""
    return gravest(comparison.answer for comparison in comparisons).value


def gravest(answers: Iterable[Answer]) -> Answer:
    """AGAIN if any answer is AGAIN, else UNKNOWN if any is UNKNOWN, else MENDED."""
    given = set(answers)
    return next((each for each in (Answer.AGAIN, Answer.UNKNOWN) if each in given), Answer.MENDED)
