"""A badge of a run, as JSON that shields.io reads, so that a README shows how the last night ended."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from reimage_conformance.quantities import counted
from reimage_conformance.report.results import verdict_of
from reimage_conformance.report.visible import one_line

if TYPE_CHECKING:
    from reimage_conformance.report.results import Results

COLOURS = {"conformant": "brightgreen", "partial": "green", "nonconformant": "red", "incomplete": "orange"}
"""The colour of each verdict."""

NAME_LIMIT = 60
"""Characters of the target's name that the badge shows."""


def badge_text(results: Results | None) -> str:
    """The JSON of a badge (shields.io endpoint, schemaVersion 1) for a run; `results` is None for a night that left none."""
    label, message, colour = "conformance", "not judged", "lightgrey"
    if results is not None:
        verdict, violated = results["run"]["verdict"], results["summary"]["violated"]
        label = one_line(str(results["target"]["name"]), NAME_LIMIT) or label
        message = f"{counted(violated, 'requirement')} violated" if violated else verdict_of(results)
        colour = COLOURS.get(verdict, "lightgrey")
    return json.dumps({"schemaVersion": 1, "label": label, "message": message, "color": colour}) + "\n"
