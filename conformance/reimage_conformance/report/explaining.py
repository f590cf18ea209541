"""Where a reader of a report learns more of a requirement: the one place that reports take it from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.catalogue import ALL_REQUIREMENTS
from reimage_conformance.model import Subject

if TYPE_CHECKING:
    from reimage_conformance.model import Assessment


def explain_command(requirement: str) -> str:
    """The command that explains `requirement`, the id of one."""
    return f"reimage-conformance explain {requirement}"


def usual_mistake(requirement: str) -> str:
    """The usual mistake and what mends it, in two sentences; "" where the catalogue knows none."""
    row = ALL_REQUIREMENTS.get(requirement)
    return row.mend if row is not None else ""


def explaining_sentence(assessment: Assessment) -> str:
    """How to learn more of what the findings are about; "" where there are none."""
    names = list(dict.fromkeys(finding.requirement for finding in assessment.findings))
    told = " ".join(names[:3])
    of_client = assessment.run.subject is Subject.CLIENT
    return (
        f"What a requirement asks for, and what mends {'a client' if of_client else 'an endpoint'}: {explain_command(told)}"
        if names
        else ""
    )
