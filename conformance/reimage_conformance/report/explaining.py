"""How a reader of a report learns more about a requirement; all reports take these words from here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.catalogue import ALL_REQUIREMENTS
from reimage_conformance.model import Subject

if TYPE_CHECKING:
    from reimage_conformance.model import Assessment


def explain_command(requirement: str) -> str:
    """The command that explains the requirement with this id; several ids may be given, with spaces between them."""
    return f"reimage-conformance explain {requirement}"


def usual_mistake(requirement: str) -> str:
    """The usual mistake and how to correct it; "" if the catalogue knows none."""
    row = ALL_REQUIREMENTS.get(requirement)
    return row.mend if row is not None else ""


def explaining_sentence(assessment: Assessment) -> str:
    """How to learn more about the requirements of the first findings; "" if there are none."""
    names = list(dict.fromkeys(finding.requirement for finding in assessment.findings))
    if not names:
        return ""
    subject = "a client" if assessment.run.subject is Subject.CLIENT else "an endpoint"
    return f"What a requirement asks for, and how to fix {subject}: {explain_command(' '.join(names[:3]))}"
