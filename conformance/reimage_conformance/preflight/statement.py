"""Mistakes in a target file that can be found without asking the endpoint."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reimage_conformance.catalogue import FIRST_VERSION, MINIMUM_VERSION, published_from
from reimage_conformance.config import why_not_to_reimage
from reimage_conformance.preflight.remarks import Remark, mend, note

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reimage_conformance.model import Target

_MASK = re.compile(r"00000000-0000-4000-8000-(?!0{12})[0-9]{12}|masked-[0-9]+x*")
"""The mask of an identifier in a report; the GUID that ends in twelve zeros is not a mask."""
_IDENTIFIERS = ("subscription_id", "other_subscription_id", "foreign_subscription_id")


def statement_remarks(target: Target) -> Iterator[Remark]:
    """The remarks on values of `target` that are wrong for every endpoint."""
    for key in _IDENTIFIERS:
        value = getattr(target, key)
        if value is not None and _MASK.fullmatch(value):
            yield mend(f"{key} is the mask that a report shows in place of the id; expected the id itself")
    version = target.x_ms_version
    if version < MINIMUM_VERSION:
        yield mend(f'x_ms_version: "{version}" is older than {MINIMUM_VERSION}, the first that a reimage may carry')
    elif not is_published(version):
        yield note(f'x_ms_version: "{version}" was never published; an endpoint may refuse it')
    if reason := why_not_to_reimage(target):
        yield mend(f"allow_reimage: {reason}")


def is_published(version: str) -> bool:
    """Whether the documents publish `version`."""
    return version in published_from(FIRST_VERSION)
