"""Tokens: what makes a name one that cannot exist, since it was drawn at random for this run."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reimage_conformance.model import Target

_OCTETS = 6
"""Twelve hexadecimal digits: as many as the last group of a GUID has, so that a subscription id can end in them."""


def new_token(target: Target) -> str:
    """Twelve hexadecimal digits from a cryptographic source that no name of `target` holds."""
    named = [target.subscription_id, target.other_subscription_id or "", target.foreign_subscription_id or ""]
    for each in target.deployments:
        named += [each.cloud_service, each.name, *each.role_instances, *each.failing_role_instances]
    while True:
        token = secrets.token_hex(_OCTETS)
        if not any(token in name.casefold() for name in named):
            return token
