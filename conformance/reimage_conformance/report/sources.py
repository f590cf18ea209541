"""The source of a requirement in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.catalogue import SOURCES

if TYPE_CHECKING:
    from reimage_conformance.model import Requirement

ORIGINS = {
    "SEED": "the page of the operation",
    "LINK": "a page that the operation's page links to",
    "LATER": "a later edition",
    "HTTP": "the HTTP standards",
    "XML": "the XML standards",
    "URI": "the URI standard",
    "WIRE": "recordings of the service",
    "CLIENT-OBS": "the source of published clients",
    "3RD": "third parties",
    "INFER": "deduced from the documents",
    "UNSPEC": "none, the documents are silent",
    "OWNER": "asked for by the owner of this suite",
}
"""Words for each origin that the catalogue names."""


def source_words(requirement: Requirement) -> str:
    """The origin of `requirement` in words, and the documents that it names."""
    origin = ORIGINS.get(requirement.origin, requirement.origin)
    named = "; ".join(SOURCES[key].name for key in requirement.sources)
    return f"{origin} ({named})" if named else origin
