"""The sections of the page, each made from an assessment and its exchanges with a template."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reimage_conformance.catalogue import ALL_REQUIREMENTS
from reimage_conformance.model import CountsAs, Outcome
from reimage_conformance.report.coverage import coverage_sentences
from reimage_conformance.report.html.charts import area_bars, operation_lanes
from reimage_conformance.report.html.markup import render
from reimage_conformance.report.html.selection import FINDING_EVIDENCE, reply_words, shown_exchanges
from reimage_conformance.report.http_text import differing, exchange_lines, marked, request_lines
from reimage_conformance.report.masked_names import MaskedNames
from reimage_conformance.report.reimaged import reimaged_sentence
from reimage_conformance.report.script import reproductions, sent_again
from reimage_conformance.report.story import story_of
from reimage_conformance.report.unjudged import unjudged
from reimage_conformance.report.wording import (
    is_known,
    outcome_meanings,
    preflight_sentence,
    strictness_sentence,
    verdict_sentence,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from markupsafe import Markup

    from reimage_conformance.model import Assessment, Exchange, Finding, Observation, Requirement, RequirementResult
    from reimage_conformance.report.http_text import TextLine

DETAILED_FINDINGS = 40
"""Findings whose card shows an exchange; the cards of further ones only link to theirs."""

FINDING_BODY_LIMIT = 8_000
"""Characters of a body that a finding's card shows, enough for a deployment's document."""

PAIR_BODY_LIMIT = 1_500
"""Characters of a body where two exchanges stand side by side."""

SLOWEST = 10
"""Requests in the table of the slowest."""


@dataclass(frozen=True, slots=True)
class Page:
    """What is on the page: the assessment with its reproductions, the exchanges, and the HTML of those that are shown in full."""

    assessment: Assessment
    exchanges: Mapping[int, Exchange]
    shown: Mapping[int, Markup]

    @classmethod
    def of(cls, assessment: Assessment, exchanges: Mapping[int, Exchange]) -> Page:
        """The page of `assessment`."""
        names = MaskedNames.of(assessment.target)
        assessment = names.everywhere(replace(assessment, findings=tuple(reproductions(assessment, exchanges))))
        exchanges = names.exchanges(exchanges)
        return cls(assessment, exchanges, shown_exchanges(assessment, exchanges))

    def before_cases(self) -> list[str]:
        """The sections above the table of cases."""
        return [
            self.verdict(),
            self.findings(),
            self.requirements(),
            self.observations(),
            self.operations(),
            self.slow(),
        ]

    def after_cases(self) -> list[str]:
        """The sections below the table of cases."""
        return [render("exchanges", shown=self.shown, total=self.assessment.requests)]

    def verdict(self) -> Markup:
        """The verdict, and facts about the run."""
        counts = self.assessment.counts()
        bars = area_bars(self.assessment.requirements)
        sentence = verdict_sentence(self.assessment)
        words = {
            "sentence": sentence,
            "preflight_sentence": preflight_sentence,
            "coverage_sentences": coverage_sentences,
        }
        return render("verdict", assessment=self.assessment, counts=counts, bars=bars, **words)

    def findings(self) -> Markup:
        """Every finding, with the exchange that decided it and its script."""
        findings, assessment = self.assessment.findings, self.assessment
        cards = [FindingCard.of(finding, self) for finding in findings[:DETAILED_FINDINGS]]
        cards += [FindingCard(each, known=is_known(each, assessment)) for each in findings[DETAILED_FINDINGS:]]
        legend: dict[str, object] = {"outcome_meanings": self._meanings()}
        legend |= {"strictness": strictness_sentence(self.assessment), "groups": unjudged(self.assessment)}
        return render(
            "findings", cards=cards, shown=self.shown, requirements=self._by_id(), reimages=self.reimages, **legend
        )

    def reimages(self, finding: Finding) -> str:
        """What the script of `finding` reimages, "" for nothing."""
        return reimaged_sentence(story_of(sent_again(finding), self.exchanges), self.assessment.target)

    def requirements(self) -> Markup:
        """Every requirement with its outcome."""
        results = sorted(self.assessment.requirements, key=_urgency)
        choices = {
            "outcome": [outcome.value for outcome in Outcome if any(r.outcome is outcome for r in results)],
            "level": _distinct(result.requirement.level for result in results),
            "counts as": _distinct(result.counts_as.value for result in results),
            "area": _distinct(result.requirement.area for result in results),
        }
        return render(
            "requirements", results=results, choices=choices, shown=self.shown, outcome_meanings=self._meanings()
        )

    def observations(self) -> Markup:
        """What the endpoint does where the documents leave it open."""
        rows = _counted(self.assessment.observations)
        subject = self.assessment.run.subject.value
        return render("observations", rows=rows, subject=subject, requirements=self._by_id(), shown=self.shown)

    def operations(self) -> Markup:
        """The operations as lanes over seconds."""
        lanes, axis = operation_lanes(self.assessment)
        return render("operations", lanes=lanes, axis=axis, operations=self.assessment.operations, shown=self.shown)

    def slow(self) -> Markup:
        """The slowest requests."""
        slowest = sorted(self.exchanges.values(), key=lambda exchange: -exchange.elapsed)[:SLOWEST]
        return render("slowest", slowest=[(one, reply_words(one)) for one in slowest], shown=self.shown)

    def _meanings(self) -> dict[str, str]:
        return outcome_meanings(self.assessment.run.subject)

    def _by_id(self) -> Mapping[str, Requirement]:
        return {
            **ALL_REQUIREMENTS,
            **{result.requirement.id: result.requirement for result in self.assessment.requirements},
        }


@dataclass(frozen=True, slots=True)
class FindingCard:
    """A finding with what its card shows.

    If two exchanges decided it, `pair` has both. Otherwise `lines` are those of `exchange`, and `smallest` is the shortest of the
    first requests with the same finding, if it is shorter. `known` says that the baseline expects the finding.
    """

    finding: Finding
    exchange: Exchange | None = None
    lines: Sequence[TextLine] = ()
    smallest: Exchange | None = None
    smallest_lines: Sequence[TextLine] = ()
    known: bool = False
    pair: Sequence[tuple[Exchange, Sequence[TextLine]]] = ()

    @classmethod
    def of(cls, finding: Finding, page: Page) -> FindingCard:
        """The card of `finding`."""
        known = [page.exchanges[number] for number in finding.evidence if number in page.exchanges]
        expected = is_known(finding, page.assessment)
        if not known:
            return cls(finding, known=expected)
        about = f"{finding.expected} {finding.actual}"
        rests_on = [page.exchanges[number] for number in finding.deciding[:2] if number in page.exchanges]
        if len(rests_on) > 1:
            return cls(finding, known[0], known=expected, pair=_paired(rests_on, about, finding.actual))
        lines = marked(exchange_lines(known[0], FINDING_BODY_LIMIT), about, finding.actual)
        least = min(known[:FINDING_EVIDENCE], key=lambda exchange: len(exchange.request.wire()))
        if len(least.request.wire()) >= len(known[0].request.wire()):
            return cls(finding, known[0], lines, known=expected)
        smallest = request_lines(least.request, FINDING_BODY_LIMIT)
        return cls(finding, known[0], lines, least, smallest, known=expected)


def _paired(exchanges: Sequence[Exchange], about: str, seen: str) -> list[tuple[Exchange, Sequence[TextLine]]]:
    """Two exchanges in the order in which they happened, each with its lines, marked by `marked`.

    If both have the same method and target, the differences of the responses are marked too.
    """
    both = sorted(exchanges, key=lambda exchange: exchange.number)
    first, second = (exchange_lines(exchange, PAIR_BODY_LIMIT) for exchange in both)
    shown = [marked(lines, about, seen) for lines in (first, second)]
    if (both[0].request.method, both[0].request.target) == (both[1].request.method, both[1].request.target):
        shown = [differing(shown[0], second), differing(shown[1], first)]
    return list(zip(both, shown, strict=True))


def _urgency(result: RequirementResult) -> tuple[int, int]:
    """The key that sorts requirements with bad outcomes first, those that count as FAIL before the others."""
    order = (Outcome.VIOLATED, Outcome.KNOWN, Outcome.ADVISORY, Outcome.INCONCLUSIVE)
    rank = order.index(result.outcome) if result.outcome in order else len(order)
    return rank, 0 if result.counts_as is CountsAs.FAIL or rank == len(order) else 1


def _counted(observations: Iterable[Observation]) -> list[tuple[Observation, int]]:
    """Each observation once, with the evidence of all that are the same, and their number."""
    groups: dict[tuple[str, str], list[Observation]] = {}
    for each in observations:
        groups.setdefault((each.requirement, each.seen), []).append(each)
    return [(_merged(same), len(same)) for same in groups.values()]


def _merged(same: Sequence[Observation]) -> Observation:
    """One observation with the evidence of all."""
    return replace(same[0], evidence=tuple(dict.fromkeys(number for each in same for number in each.evidence)))


def _distinct(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))
