"""How sure a requirement is, and why it counts as it does, in sentences that follow from its origin and levels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.model import CountsAs

if TYPE_CHECKING:
    from reimage_conformance.model import Requirement

CERTAINTY = {
    "SEED": "Written: the page of the operation says so.",
    "LINK": "Written: a page that the operation's page links to says so.",
    "LATER": "Written, but in a later edition than the one that is judged here.",
    "HTTP": "Written: the HTTP standard says so.",
    "XML": "Written: the XML standards say so.",
    "URI": "Written: the URI standard says so.",
    "WIRE": "Seen in recordings of the service; no document says so.",
    "CLIENT-OBS": "Read from published clients; no document says so.",
    "3RD": "Stated by third parties; no document of the service says so.",
    "INFER": "Deduced: it follows from the documents, which do not say it outright.",
    "UNSPEC": "Open: the documents do not say what happens.",
    "OWNER": "Asked for by the owner of this suite; it follows from the purpose of the operation.",
}
"""How sure a requirement is, by its origin."""

COUNTS = {
    CountsAs.FAIL: "a violation, which fails the run",
    CountsAs.WARN: "an advisory, which fails no run",
    CountsAs.INFO: "recorded only, never judged",
    CountsAs.CLIENT: "no finding: it binds the client, which is the suite itself",
}
"""What not meeting a requirement counts as, in words."""

_NOT_WRITTEN = ("UNSPEC", "INFER", "OWNER")
_OBSERVED = ("WIRE", "CLIENT-OBS", "3RD")


def counts_words(requirement: Requirement) -> str:
    """What not meeting `requirement` counts as under strict and under lenient, in one sentence."""
    strict, lenient = COUNTS[requirement.strict], COUNTS[requirement.lenient]
    if requirement.strict is requirement.lenient:
        return f"Strict and lenient: {strict}."
    return f"Strict: {strict}. Lenient: {lenient}."


def reason_words(requirement: Requirement) -> str:
    """Why not meeting `requirement` counts as `counts_words` says, in one sentence."""
    if requirement.strict is not requirement.lenient:
        return _why_they_differ(requirement)
    match requirement.strict:
        case CountsAs.FAIL:
            return "Strict and lenient runs both fail on it."
        case CountsAs.WARN:
            return "Clients do not depend on it, or the document only recommends it."
        case CountsAs.CLIENT:
            return "No answer of an endpoint can break it."
        case _:
            return "No document forbids an endpoint to behave differently."


def _why_they_differ(requirement: Requirement) -> str:
    if requirement.origin in _NOT_WRITTEN:
        return "Strict reads the documents literally and demands what follows from them; lenient fails only what contradicts the words of a document."
    if requirement.origin in _OBSERVED:
        return "Strict demands what the known service did; lenient fails only what contradicts the words of a document."
    return "Strict reads the document literally; lenient accepts what known services do, and departures from what a document only recommends."
