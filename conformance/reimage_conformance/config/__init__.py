"""Target files: TOML to `Target`, every mistake named. Opens no connection."""

from reimage_conformance.config.targets import (
    is_loopback,
    load_target,
    new_target_text,
    target_from_mapping,
    target_to_mapping,
    why_not_to_reimage,
    without_private,
)

__all__ = [
    "is_loopback",
    "load_target",
    "new_target_text",
    "target_from_mapping",
    "target_to_mapping",
    "why_not_to_reimage",
    "without_private",
]
