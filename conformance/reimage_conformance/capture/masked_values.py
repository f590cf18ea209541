"""Values in documents that a sanitiser replaced: which exchanges have lost theirs. Ids and names are those of `masked_ids`."""

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
"""The elements whose text is judged, or that a sanitiser replaces with all that is in them."""


def without_masked_values(recorded: Sequence[Recorded]) -> list[Recorded]:
    """The exchanges; those in whose documents a judged value was replaced have this fact marked as not recorded."""
    return [lacking(each, Fact.SHOWN_VALUES) if _shows_a_mask(each) else each for each in recorded]


def _shows_a_mask(recorded: Recorded) -> bool:
    """Whether a judged element of a document has a word of sanitisers as its only content."""
    reply = recorded.exchange.reply
    root = read_document(reply).root if reply is not None and reply.body else None
    if root is None:
        return False
    leaves = (each for each in root.iter() if isinstance(each.tag, str) and not len(each))
    return any(_is_word(raw_text(leaf).strip()) for leaf in leaves if local(leaf) in JUDGED_VALUES)


def _is_word(value: str) -> bool:
    """Whether a sanitiser wrote a value: no judged value has question marks or letters beyond ASCII."""
    return is_masked(value) or not value.isascii() or (bool(value) and not value.strip("?"))
