"""The note on answers whose content the suite could not decode."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.model import Fact
from reimage_conformance.quantities import counted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reimage_conformance.model import Exchange


def undecoded(exchanges: Iterable[Exchange]) -> str:
    """The note on answers in a content coding that the suite cannot decode, "" where there are none."""
    found = [each.response for each in exchanges if Fact.CONTENT in each.unrecorded and each.response is not None]
    if not found:
        return ""
    codings = dict.fromkeys(", ".join(response.values("Content-Encoding")) for response in found)
    return (
        f"the content of {counted(len(found), 'answer')} was not judged: it came with Content-Encoding {' or '.join(codings)}, "
        "which the suite cannot decode."
    )
