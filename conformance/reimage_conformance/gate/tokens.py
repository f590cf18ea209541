"""Tokens: a name that holds the random token of this run cannot exist at the endpoint."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reimage_conformance.model import Target

_OCTETS = 6
"""Twelve hexadecimal digits: the length of the last group of a GUID, so that a subscription id can end in a token."""


def new_token(target: Target) -> str:
    """Twelve random hexadecimal digits that are in no name of `target`."""
    named = [target.subscription_id, target.other_subscription_id or "", target.foreign_subscription_id or ""]
    for each in target.deployments:
        named += [each.cloud_service, each.name, *each.listed_instances]
    while True:
        token = secrets.token_hex(_OCTETS)
        if not any(token in name.casefold() for name in named):
            return token
