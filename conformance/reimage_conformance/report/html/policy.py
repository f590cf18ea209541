"""The content security policy of the pages: only a page's own styles and scripts are used, and nothing is fetched."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def content_policy(styles: Iterable[str], scripts: Iterable[str]) -> str:
    """The policy that allows these styles and scripts by their hashes (Content Security Policy Level 3)."""
    return (
        f"default-src 'none'; style-src {_sources(styles)}; script-src {_sources(scripts)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _sources(texts: Iterable[str]) -> str:
    return " ".join(f"'sha256-{_digest(text)}'" for text in texts) or "'none'"


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
