"""Tries: how often the violation of a finding was seen when the run tried it again, as the journal tells."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reimage_conformance.model import Tries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reimage_conformance.journal import Journal
    from reimage_conformance.model import Finding

TRIED = "tried"
"""The event of a journal that says how often a requirement was tried, and in how many of these tries it was violated."""


def with_tries(findings: Sequence[Finding], journal: Journal) -> list[Finding]:
    """`findings`, those that the run tried again with how often they were seen; nothing else of them changes."""
    tries = {
        event["requirement"]: Tries(event["tried"], event["seen"]) for event in journal.events if event["type"] == TRIED
    }
    return [replace(finding, tries=tries.get(finding.requirement)) for finding in findings]


def requests_of_tries(journal: Journal) -> int:
    """The number of requests that were sent to try something again."""
    return sum(event["type"] == "again" for event in journal.events)
