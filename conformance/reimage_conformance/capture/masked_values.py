"""Values in documents that a sanitiser replaced, other than ids and names (`masked_ids`): which exchanges hold replacements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.capture.har_headers import is_masked
from reimage_conformance.capture.har_silence import lacking
from reimage_conformance.model import Fact
from reimage_conformance.protocol.documents import local, raw_text, read_document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reimage_conformance.capture.traffic import Recorded

JUDGED_VALUES = ("Status", "HttpStatusCode", "Code", "InstanceStatus", "DeploymentSlot", "RoleInstanceList", "RoleList")
"""The elements whose text is judged, and the lists that a sanitiser may replace as a whole."""


def with_masked_values_marked(recorded: Sequence[Recorded]) -> list[Recorded]:
    """The exchanges; where a judged value in the document was replaced, Fact.SHOWN_VALUES is marked as not recorded."""
    return [lacking(each, Fact.SHOWN_VALUES) if _shows_a_replacement(each) else each for each in recorded]


def _shows_a_replacement(recorded: Recorded) -> bool:
    """Whether a judged element of a document holds only what a sanitiser wrote."""
    reply = recorded.exchange.reply
    root = read_document(reply).root if reply is not None and reply.body else None
    if root is None:
        return False
    leaves = (each for each in root.iter() if isinstance(each.tag, str) and not len(each))
    return any(_is_replacement(raw_text(leaf).strip()) for leaf in leaves if local(leaf) in JUDGED_VALUES)


def _is_replacement(value: str) -> bool:
    """Whether a sanitiser wrote a value: no judged value has letters beyond ASCII, or question marks alone."""
    return is_masked(value) or not value.isascii() or (bool(value) and not value.strip("?"))
