"""What became of a fault in a shape: found under its requirement, left untested, without a place to show, or missed."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from reimage_conformance.emulator import FAULTS

if TYPE_CHECKING:
    from reimage_conformance.detection.forking import Found


class Fared(StrEnum):
    """What became of a fault."""

    FIRST = "first"
    """The first finding names the requirement that the fault breaks."""
    NAMED = "named"
    """That requirement is violated or advised about but not the first finding, or the first finding is one that `Fault.also` names."""
    UNTESTED = "untested"
    """The requirement was not judged in this shape, and the report says why."""
    NO_PLACE = "no place"
    """The fault cannot show in the shape; nothing is run."""
    MISSED = "missed"
    """Another requirement is blamed, or nothing is found although the requirement was judged."""
    BROKEN = "broken"
    """The suite itself failed."""


BAD = (Fared.MISSED, Fared.BROKEN)
"""What the tests and the command fail on."""


def fared(found: Found) -> Fared:
    """What became of the only fault of `found.subject`."""
    fault = FAULTS[found.subject.faults[0]]
    if found.subject.shape.unmet_needs(fault):
        return Fared.NO_PLACE
    if found.errors or not found.outcomes:
        return Fared.BROKEN
    if found.findings[:1] == (fault.requirement,):
        return Fared.FIRST
    if fault.requirement in found.accused or found.findings[:1] in [(name,) for name in fault.also]:
        return Fared.NAMED
    return Fared.UNTESTED if fault.requirement in found.unjudged and not found.findings else Fared.MISSED


def reason(found: Found) -> str:
    """Why a fault was not the first finding, in words; "" where it was."""
    fault = FAULTS[found.subject.faults[0]]
    match fared(found):
        case Fared.FIRST:
            return ""
        case Fared.NO_PLACE:
            return f"it shows only where there is {' and '.join(found.subject.shape.unmet_needs(fault))}"
        case Fared.UNTESTED:
            return f"{found.outcomes[fault.requirement]}: {found.unjudged[fault.requirement]}"
        case Fared.BROKEN:
            return "; ".join(found.errors) or "the run left nothing"
        case _:
            return f"findings: {', '.join(found.findings[:5]) or 'none'}"
