"""Masked identifiers in reports say what they hide; those of a journal keep their length."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reimage_conformance.model import Exchange, Request, Response
from reimage_conformance.report.console import console_lines
from reimage_conformance.report.html.page import Page
from reimage_conformance.report.junit import junit_text
from reimage_conformance.report.masked_names import MaskedNames
from reimage_conformance.report.results import results_text
from report_samples import sample_assessment, sample_exchanges

MASK = "00000000-0000-4000-8000-000000000001"
NAMES = MaskedNames.of(
    {"subscription_id": MASK, "foreign_subscription_id": "masked-2xx", "other_subscription_id": "03"}
)


@pytest.mark.parametrize(
    ("masked", "shown"),
    [
        (f"/{MASK}/services", "/<subscription-id>/services"),
        (f"/{MASK.replace('-', '')}/services", "/<subscription-id>/services"),
        (f"/%30{MASK[1:]}/services", "/<subscription-id>/services"),
        ("/masked-2xx/services", "/<foreign-subscription-id>/services"),
        ("/03/services?03", "/<other-subscription-id>/services?03"),
        ("0" * 32, "0" * 32),
        (f"{MASK}7", f"{MASK}7"),
    ],
)
def test_a_mask_is_shown_as_what_it_hides(masked: str, shown: str) -> None:
    assert NAMES.text(masked) == shown
    assert NAMES.data(masked.encode()) == shown.encode()


def test_every_part_of_an_exchange_is_shown_so() -> None:
    request = Request("GET", f"/{MASK}/x", (("X-Id", MASK),), MASK.encode())
    found = NAMES.exchange(Exchange(1, request, Response(404, headers=(("X-Id", MASK),), body=MASK.encode())))

    assert MASK not in repr((found.request.target, found.request.headers, found.request.body))
    assert found.response is not None
    assert MASK not in repr((found.response.headers, found.response.body))


def test_what_was_not_masked_stays_as_it_is() -> None:
    real = "6a8b7c2e-0000-4000-8000-000000000001"
    exchange = Exchange(1, Request("GET", f"/{real}/x"), None)

    assert MaskedNames.of({"subscription_id": real}).exchange(exchange) is exchange


def test_no_report_shows_a_mask_that_looks_real() -> None:
    sample = sample_assessment()
    finding = replace(sample.findings[0], headline=f"about {MASK}", actual=MASK)
    assessment = replace(
        sample, target={**sample.target, "subscription_id": MASK}, findings=(finding,), notes=(f"note {MASK}",)
    )
    exchanges = {
        number: replace(each, request=replace(each.request, target=f"/{MASK}/services"))
        for number, each in sample_exchanges().items()
    }
    told = MaskedNames.of(assessment.target).everywhere(assessment)

    shown = [
        *console_lines(assessment),
        *map(str, Page.of(assessment, exchanges).before_cases()),
        results_text(told),
        junit_text(told).decode(),
    ]
    assert not [text for text in shown if MASK in text]
    assert any("subscription-id" in text for text in shown)
