"""What a run covered, in sentences for people; results.json has the numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reimage_conformance.quantities import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

_COMBINED = {1: "each", 2: "every pair", 3: "every triple"}
"""Words for combinations, by how many values are in one."""


def coverage_sentences(coverage: Mapping[str, Any]) -> Iterator[str]:
    """One sentence for each thing that a run noted as covered."""
    for what, found in coverage.items():
        yield f"{what[:1].upper()}{what[1:]}: {_words(found)}."


def _words(found: object) -> str:
    """What was noted, in words."""
    match found:
        case {"width": int(width), "dimensions": int(dimensions), "values": int(values), "requests": int(requests)}:
            combined = _COMBINED.get(width, f"every {width}")
            tried = f"{counted(requests, 'request')} {'tries' if requests == 1 else 'try'} {combined}"
            properties = counted(dimensions, "property", "properties")
            return f"{tried} of {counted(values, 'value')} of {properties} of a request"
        case Mapping():
            return ", ".join(f"{key} {value}" for key, value in found.items())
        case _:
            return str(found)
