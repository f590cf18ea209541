"""The page of all messages: what a reader is told of each kind of fault, so that a reviewer sees what a change does to the words."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from reimage_conformance.catalogue import CATALOGUE
from reimage_conformance.report.summary import code, escaped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reimage_conformance.detection.forking import Found

MOST_FAULTS = 3
"""Faults that are named for one message."""
_ID = re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b|\b[0-9a-fA-F]{32}\b")
_CHANGING = (
    (re.compile(r"(?<=[A-Za-z-])[0-9a-f]{12}(?![0-9a-f])"), "<token>"),
    (re.compile(r"\b\d+\.\d+ s\b"), "N s"),
    (re.compile(r"\b(exchanges?) \d+(?: and \d+)?"), r"\1 N"),
    (re.compile(r"\b(exchanges N \([^)]*\) and) \d+"), r"\1 N"),
    (re.compile(r"\b\d[\d,]* (polls?|times|exchanges|(?:more )?answers?|requests?|octets|such requests)\b"), r"N \1"),
    (re.compile(r"\b(InProgress|Succeeded|Failed) x \d+"), r"\1 x N"),
    (re.compile(r"(?:\b(?:InProgress|Succeeded|Failed) x N, ){6,}"), "... "),
)
"""What differs from run to run although the message is the same, and what stands in its place."""
_HEAD = """# Messages

What a reader is told of each kind of fault: the headline of each finding, what was expected and what was seen, then the reasons for what was
not judged. {faults} faults of different families were judged, each alone. Ids, times and counts are left out, since they differ from run to run.

`python -m reimage_conformance.detection --one-per-family --messages docs/messages.md` writes this page; `--every N` judges every Nth family.
"""


def messages_page(found: Iterable[Found]) -> str:
    """The page in Markdown, the same whatever order the faults were judged in."""
    everything = sorted(found, key=lambda each: each.subject.name)
    return (
        "\n".join(
            [_HEAD.format(faults=len(everything)), "## Findings", "", *_findings(everything), *_reasons(everything)]
        )
        + "\n"
    )


def _findings(found: Sequence[Found]) -> Iterator[str]:
    """Each message under its requirement, with the faults that lead to it."""
    faults: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for each in found:
        for message in dict.fromkeys(tuple(map(_steady, texts)) for texts in each.messages):
            faults[message].append(each.subject.name)
    order = list(CATALOGUE)
    shown = ""
    for message in sorted(faults, key=lambda message: (order.index(message[0]), message)):
        requirement, headline, expected, actual = message
        if requirement != shown:
            yield from (f"### {requirement}", "")
            shown = requirement
        yield f"- **{escaped(headline)}**"
        yield f"  - expected: {escaped(expected) or 'nothing is said'}"
        yield f"  - actual: {escaped(actual) or 'nothing is said'}"
        yield from (f"  - {_faults(faults[message])}", "")


def _reasons(found: Sequence[Found]) -> Iterator[str]:
    """Each reason for what was not judged, the most frequent first."""
    counts: Counter[str] = Counter()
    for each in found:
        counts.update({_steady(reason) for reason in each.unjudged.values()})
    yield from ("## Not judged", "")
    yield from (f"- {escaped(reason)}" for reason, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _faults(names: Sequence[str]) -> str:
    """Which faults lead to a message."""
    more = f" and {len(names) - MOST_FAULTS} more" if len(names) > MOST_FAULTS else ""
    return f"seen with {', '.join(map(code, names[:MOST_FAULTS]))}{more}"


def _steady(text: str) -> str:
    """A message without what differs from run to run."""
    seen: list[str] = []
    text = _ID.sub(lambda found: _stead_of_id(found[0], seen), text)
    for form, stead in _CHANGING:
        text = form.sub(stead, text)
    return text


def _stead_of_id(identifier: str, seen: list[str]) -> str:
    """What stands for an id: `<id>` for the first one of a message, `<another id>` for one that differs from it."""
    plain = identifier.replace("-", "").lower()
    seen.append(plain)
    return "<id>" if plain == seen[0] else "<another id>"
