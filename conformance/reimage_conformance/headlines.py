"""Headlines: what went wrong, as one sentence about the endpoint; the only place where the sentences of a violation are chosen.

The catalogue has a sentence for each requirement that can be violated, and for single symptoms of it. A headline is the sentence that fits the
symptom, then what was seen. Where a requirement is about several mistakes, what was seen says which of them the sentence names.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reimage_conformance.catalogue import ALL_REQUIREMENTS

if TYPE_CHECKING:
    from reimage_conformance.model import Verdict

_WORD = re.compile(r"[\w-]+")
HEADLINE_CHARACTERS = 320
"""Longer headlines are cut."""

REQUEST_SENTENCES = {
    "accepted": "{request} was not refused",
    "accepted:no-end": "{request} was not refused, and its operation was not seen to end",
    "no-reply": "{request} got no complete answer",
    "code": "{request} was refused with an error code that is not documented for it",
    "error-in-2xx": "{request} was answered with an error under a 2xx status",
    "conflict-with-nothing": "{request} was refused with 409, although every operation of this run had ended",
    "touched": "{request} was refused, but the role instance it addresses left ReadyRole",
    "reinstalled": "{request} was refused, but was carried out",
}
"""What is wrong with the answer to a request, by symptom; `{request}` stands for the catalogue's name of the request."""

GENERAL_SENTENCES = {
    "unlisted-touched": "A request changed a role instance that the target file does not list",
}
"""What is wrong, by symptom, where the sentence is the same for every requirement."""


def violation_sentence(requirement: str, symptom: str = "", seen: str = "") -> str:
    """What is wrong where `requirement` is violated in the way that `symptom` names; `seen` is what was seen, which it does not repeat.

    A symptom is looked up as a whole, then without what stands after its first colon (`status:404`, then `status`).
    """
    row = ALL_REQUIREMENTS[requirement]
    exact = next((text for pattern, text in row.seen.items() if re.search(pattern, seen)), "")
    request = exact or row.request
    by_request = {key: text.format(request=request) for key, text in REQUEST_SENTENCES.items()} if row.request else {}
    sentences = {**GENERAL_SENTENCES, **by_request, **row.violations}
    for key in (symptom, symptom.partition(":")[0]):
        if key in sentences:
            return sentences[key]
    if exact:
        return row.violation.replace(row.request, exact, 1) if row.request else exact
    return row.violation or f"Not as required: {row.title}"


def headline_of(verdict: Verdict) -> str:
    """The headline of a violation: what is wrong, then what was seen, on one line of at most `HEADLINE_CHARACTERS`.

    Words with which the sentence ends and what was seen begins are written once.
    """
    sentence = violation_sentence(verdict.requirement, verdict.symptom, verdict.actual)
    whole = _joined(sentence, " ".join(verdict.actual.split()))
    return whole if len(whole) <= HEADLINE_CHARACTERS else f"{whole[: HEADLINE_CHARACTERS - 1]}…"


def _joined(sentence: str, seen: str) -> str:
    """A sentence and what was seen: `... has no Date header (the answer to Get Deployment)`.

    Two lists of names are not joined where the end of one happens to be the beginning of the other.
    """
    if not seen:
        return sentence
    for end in sorted((match.end() for match in _WORD.finditer(seen)), reverse=True):
        if sentence.endswith(f" {seen[:end]}") and not sentence.endswith(f", {seen[:end]}"):
            return sentence + seen[end:]
    return f"{sentence}: {seen}"
