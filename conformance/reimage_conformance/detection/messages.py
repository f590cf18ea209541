"""The page of all messages: what reports say about each kind of fault, so that a review shows how a change alters the words."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from reimage_conformance.catalogue import CATALOGUE
from reimage_conformance.report.summary import code, escaped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reimage_conformance.detection.forking import Found

MAX_FAULTS = 3
"""How many faults are named for one message at most."""
_ID = re.compile(
    r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b|\b(?:x?[0-9a-fA-F]{31,33}|[0-9a-fA-F]{16})\b"
)
"""An id, or one that a case made from it: without its first or last digit, with one more, or the first half."""
_VARYING = (
    (re.compile(r"(?<=[A-Za-z0-9-])[0-9a-f]{12}(?![0-9a-f])"), "<token>"),
    (re.compile(r"\b\d+\.\d+ s\b"), "N s"),
    (re.compile(r"\b(exchanges?) \d+(?: and \d+)?"), r"\1 N"),
    (re.compile(r"\b\d[\d,]* (poll|time|exchange|octet|(?:more )?answer|(?:such )?request)s?\b"), r"N \1s"),
    (re.compile(r"\b\d[\d,]* of N octets\b"), "N of M octets"),
    (re.compile(r"\bwaited \d+ s\b"), "waited N s"),
    (re.compile(r"(?<=[A-Za-z]) x \d+\b"), " x N"),
    (
        re.compile(r"\b[A-Z][a-z]+day, \d\d-[A-Z][a-z]{2}-\d\d \d\d:\d\d:\d\d\b"),
        "<weekday>, <day>-<month>-<year> <time>",
    ),
    (re.compile(r"(?:\b(?:InProgress|Succeeded|Failed) x N, ){6,}"), "... "),
)
"""Patterns of text that differs from run to run although the message is the same, each with its replacement."""
_HEAD = """# Messages

What a reader is told of each kind of fault: the headline of each finding, what was expected and what was seen, then the reasons for what was
not judged. {faults} faults of different families were judged, each alone. Ids, times and counts are left out, since they differ from run to run.

`python -m reimage_conformance.detection --one-per-family --messages docs/messages.md` writes this page; `--every N` judges every Nth family.
"""


def messages_page(found: Iterable[Found]) -> str:
    """The page in Markdown, the same whatever order the faults were judged in."""
    everything = sorted(found, key=lambda each: each.subject.name)
    head = _HEAD.format(faults=len(everything))
    return "\n".join([head, "## Findings", "", *_findings(everything), *_reasons(everything), ""])


def _findings(found: Sequence[Found]) -> Iterator[str]:
    """Each message under its requirement, with the faults that lead to it."""
    faults: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for each in found:
        for message in dict.fromkeys(map(_steady, each.messages)):
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
        counts.update({_steady([reason])[0] for reason in each.unjudged.values()})
    yield from ("## Not judged", "")
    yield from (f"- {escaped(reason)}" for reason, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _faults(names: Sequence[str]) -> str:
    """Which faults lead to a message."""
    more = f" and {len(names) - MAX_FAULTS} more" if len(names) > MAX_FAULTS else ""
    return f"seen with {', '.join(map(code, names[:MAX_FAULTS]))}{more}"


def _steady(texts: Sequence[str]) -> tuple[str, ...]:
    """The texts of one message with placeholders for what differs from run to run; the same id has the same one in all of them."""
    seen: list[str] = []
    return tuple(_with_placeholders(text, seen) for text in texts)


def _with_placeholders(text: str, seen: list[str]) -> str:
    text = _ID.sub(lambda found: _placeholder_of(found[0], seen), text)
    for pattern, replacement in _VARYING:
        text = pattern.sub(replacement, text)
    return text


def _placeholder_of(identifier: str, seen: list[str]) -> str:
    """The placeholder of an id: `<id>` for the first one of a message, `<id 2>` for the second; adds a new one to `seen`."""
    plain = identifier.replace("-", "").lower()
    if plain not in seen:
        seen.append(plain)
    number = seen.index(plain) + 1
    return "<id>" if number == 1 else f"<id {number}>"
