"""Chooses the exchanges that the page shows in full, the deciding ones first, within a limit of size; renders each once."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from reimage_conformance.report.html.markup import render
from reimage_conformance.report.http_text import exchange_lines, marked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from markupsafe import Markup

    from reimage_conformance.model import Assessment, CaseRecord, Exchange

PAGE_LIMIT = 2_600_000
"""Characters of HTML for all exchanges together, so that the page stays well under five megabytes."""

BODY_LIMIT = 1_200
"""Characters of a body that the page shows."""

WHOLE_LIMIT = 500
"""All exchanges of a run with at most this many are shown."""

FINDING_EVIDENCE = 5
"""Exchanges of a finding that are shown, the deciding one first."""

CASE_EVIDENCE = {"violated": 4, "error": 4, "inconclusive": 3, "advisory": 3}
"""Exchanges of a case that are shown, by its outcome; one for any other outcome."""


def shown_exchanges(assessment: Assessment, exchanges: Mapping[int, Exchange]) -> dict[int, Markup]:
    """The HTML of each exchange that the page shows, by number, within `PAGE_LIMIT`."""
    shown: dict[int, Markup] = {}
    left = PAGE_LIMIT
    for number in _candidates(assessment, exchanges):
        if number in shown or number not in exchanges:
            continue
        markup = exchange_markup(exchanges[number])
        if len(markup) > left:
            break
        left -= len(markup)
        shown[number] = markup
    return dict(sorted(shown.items()))


def exchange_markup(exchange: Exchange) -> Markup:
    """One exchange as a block that is closed until its number is clicked."""
    lines = marked(exchange_lines(exchange, BODY_LIMIT), "")
    return render("exchange", exchange=exchange, lines=lines, came=reply_words(exchange))


def reply_words(exchange: Exchange) -> str:
    """The status of the response, or the kind of failure."""
    if exchange.failure is not None:
        return exchange.failure.kind.value
    return str(exchange.response.status) if exchange.response is not None else "nothing"


def case_evidence(case: CaseRecord) -> tuple[int, ...]:
    """The exchanges of `case` that the page shows if there is room."""
    return case.evidence[: CASE_EVIDENCE.get(case.outcome, 1)]


def _candidates(assessment: Assessment, exchanges: Mapping[int, Exchange]) -> Iterator[int]:
    """Exchange numbers, the most important first; numbers may occur more than once."""
    cases = sorted(assessment.cases, key=lambda case: -CASE_EVIDENCE.get(case.outcome, 1))
    return chain(
        chain.from_iterable(finding.evidence[:FINDING_EVIDENCE] for finding in assessment.findings),
        (
            number
            for finding in assessment.findings
            for other in finding.other_symptoms
            for number in other.evidence[:1]
        ),
        chain.from_iterable(observation.evidence[:1] for observation in assessment.observations),
        chain.from_iterable(result.evidence[:1] for result in assessment.requirements),
        chain.from_iterable(map(case_evidence, cases)),
        chain.from_iterable((*operation.evidence[:1], *operation.evidence[-1:]) for operation in assessment.operations),
        exchanges if len(exchanges) <= WHOLE_LIMIT else (),
    )
