"""Turns the conclusion of a case into pytest's report of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from reimage_conformance.session.cases import Conclusion


def report_conclusion(report: pytest.TestReport, conclusion: Conclusion) -> None:
    """Writes the conclusion of a case into pytest's `report`."""
    outcome, detail = conclusion.outcome, conclusion.detail
    match outcome:
        case "untested" | "not-applicable":
            report.outcome, report.longrepr = "skipped", ("", 0, f"{outcome}: {detail}")
        case "inconclusive":
            report.outcome, report.longrepr = "failed", f"inconclusive: {detail or conclusion.undecided_actual}"
        case "violated":
            report.outcome = "failed"
        case "advisory":
            report.outcome, report.wasxfail = "skipped", detail or conclusion.last_actual
    report.reimage_outcome = outcome  # type: ignore[attr-defined]
