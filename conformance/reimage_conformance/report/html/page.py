"""The sections of the page, each made from an assessment and its exchanges by a template; decides what goes where."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reimage_conformance.catalogue import CATALOGUE
from reimage_conformance.model import CountsAs, Outcome
from reimage_conformance.report.html.charts import area_bars, operation_lanes
from reimage_conformance.report.html.markup import render
from reimage_conformance.report.html.selection import FINDING_EVIDENCE, reply_words, shown_exchanges
from reimage_conformance.report.http_text import exchange_lines, marked, request_lines
from reimage_conformance.report.masked_names import MaskedNames
from reimage_conformance.report.script import reproductions
from reimage_conformance.report.wording import preflight_sentence, verdict_sentence

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from markupsafe import Markup

    from reimage_conformance.model import Assessment, Exchange, Finding, Requirement, RequirementResult
    from reimage_conformance.report.http_text import TextLine

TOLD_FINDINGS = 40
"""Findings whose card shows an exchange; the cards of more than these link to theirs."""

FINDING_BODY_LIMIT = 8_000
"""Characters of a body that a finding's card shows, enough for a deployment's document."""

SLOWEST = 10
"""Requests in the table of the slowest."""


@dataclass(frozen=True, slots=True)
class Page:
    """What the page tells: the assessment with its reproductions, and the exchanges, those shown in full as HTML."""

    assessment: Assessment
    exchanges: Mapping[int, Exchange]
    shown: Mapping[int, Markup]

    @classmethod
    def of(cls, assessment: Assessment, exchanges: Mapping[int, Exchange]) -> Page:
        """The page of `assessment`."""
        told = replace(assessment, findings=tuple(reproductions(assessment, exchanges)))
        names = MaskedNames.of(assessment.target)
        told, exchanges = names.everywhere(told), names.exchanges(exchanges)
        return cls(told, exchanges, shown_exchanges(told, exchanges))

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
        """What the run concludes, where, when and how."""
        counts = self.assessment.counts()
        bars = area_bars(self.assessment.requirements)
        sentence = verdict_sentence(self.assessment)
        words = {"sentence": sentence, "preflight_sentence": preflight_sentence}
        return render("verdict", assessment=self.assessment, counts=counts, bars=bars, **words)

    def findings(self) -> Markup:
        """Every cause, with the exchange that decided and the way to see it again."""
        findings = self.assessment.findings
        cards = [FindingCard.of(finding, self) for finding in findings[:TOLD_FINDINGS]]
        cards += [FindingCard(finding) for finding in findings[TOLD_FINDINGS:]]
        return render("findings", cards=cards, shown=self.shown, requirements=self._by_id())

    def requirements(self) -> Markup:
        """Every requirement with its outcome."""
        results = sorted(self.assessment.requirements, key=_urgency)
        choices = {
            "outcome": [outcome.value for outcome in Outcome if any(r.outcome is outcome for r in results)],
            "level": _distinct(result.requirement.level for result in results),
            "counts as": _distinct(result.counts_as.value for result in results),
            "area": _distinct(result.requirement.area for result in results),
        }
        return render("requirements", results=results, choices=choices, shown=self.shown)

    def observations(self) -> Markup:
        """What the endpoint does where the documents are silent."""
        return render(
            "observations", observations=self.assessment.observations, requirements=self._by_id(), shown=self.shown
        )

    def operations(self) -> Markup:
        """The operations as lanes over seconds."""
        lanes, axis = operation_lanes(self.assessment)
        return render("operations", lanes=lanes, axis=axis, operations=self.assessment.operations, shown=self.shown)

    def slow(self) -> Markup:
        """The slowest requests."""
        slowest = sorted(self.exchanges.values(), key=lambda exchange: -exchange.elapsed)[:SLOWEST]
        return render("slowest", slowest=[(one, reply_words(one)) for one in slowest], shown=self.shown)

    def _by_id(self) -> Mapping[str, Requirement]:
        return {**CATALOGUE, **{result.requirement.id: result.requirement for result in self.assessment.requirements}}


@dataclass(frozen=True, slots=True)
class FindingCard:
    """A finding with what its card shows: the deciding exchange, and the smallest request where that is another."""

    finding: Finding
    exchange: Exchange | None = None
    lines: Sequence[TextLine] = ()
    smallest: Exchange | None = None
    smallest_lines: Sequence[TextLine] = ()

    @classmethod
    def of(cls, finding: Finding, page: Page) -> FindingCard:
        """The card of `finding`."""
        known = [page.exchanges[number] for number in finding.evidence if number in page.exchanges]
        if not known:
            return cls(finding)
        about = f"{finding.expected} {finding.actual}"
        lines = marked(exchange_lines(known[0], FINDING_BODY_LIMIT), about, finding.actual)
        least = min(known[:FINDING_EVIDENCE], key=lambda exchange: len(exchange.request.wire()))
        if len(least.request.wire()) >= len(known[0].request.wire()):
            return cls(finding, known[0], lines)
        return cls(finding, known[0], lines, least, request_lines(least.request, FINDING_BODY_LIMIT))


def _urgency(result: RequirementResult) -> tuple[int, int]:
    """Sorts what broke the run first; within one outcome the catalogue's order stays."""
    order = (Outcome.VIOLATED, Outcome.KNOWN, Outcome.ADVISORY, Outcome.INCONCLUSIVE)
    rank = order.index(result.outcome) if result.outcome in order else len(order)
    return rank, 0 if result.counts_as is CountsAs.FAIL or rank == len(order) else 1


def _distinct(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))
