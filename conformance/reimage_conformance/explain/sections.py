"""An explanation as sections of prose, lists and exchanges, the same for the console and for the pages of the site."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reimage_conformance.explain.explanation import CLIENTS
from reimage_conformance.headlines import REQUEST_SENTENCES, violation_sentence

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reimage_conformance.explain.answers import Answer
    from reimage_conformance.explain.explanation import Explanation, FaultFamily
    from reimage_conformance.model import Source

MAX_CASES = 10
"""A longer list of cases is cut, and says how many more there are."""
MAX_FAMILIES = 12
"""A longer list of kinds of fault is cut, and says how many more there are."""
MAX_SUMMARIES = 4
"""A longer list of sentences about one kind of fault is cut, and says how many more there are."""


@dataclass(frozen=True, slots=True)
class Item:
    """A line of a list: a name, words about it, and an address (URL) or ""; `code` says that the name is set as code."""

    name: str
    words: str = ""
    address: str = ""
    code: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with paragraphs, a command line, a list, and HTTP exchanges; `rest` is the last line: how many items the list leaves out."""

    heading: str
    paragraphs: tuple[str, ...] = ()
    command: str = ""
    items: tuple[Item, ...] = ()
    exchanges: tuple[str, ...] = ()
    rest: str = ""

    def __bool__(self) -> bool:
        """Whether there is anything below the heading."""
        return bool(self.paragraphs or self.items or self.exchanges)


def sections_of(explained: Explanation) -> tuple[Section, ...]:
    """The sections of an explanation; those that would be empty are left out."""
    row = explained.requirement
    sections = (
        Section("What must hold", _nonempty(row.text, row.note)),
        Section("Where it comes from", _origin(explained), items=tuple(_source(each) for each in explained.sources)),
        Section("What it counts as", _counting(explained)),
        _what_is_sent(explained),
        Section(
            "What a conforming endpoint answers",
            ("What decides it, sent to the emulator:",) if explained.answers else (),
            exchanges=tuple(_exchange(each) for each in explained.answers),
        ),
        _what_wrong_ones_do(explained),
        Section("The usual mistake, and how to correct it", _nonempty(row.mend)),
        Section("Published clients", _nonempty(row.clients)),
    )
    return tuple(section for section in sections if section)


def _nonempty(*texts: str) -> tuple[str, ...]:
    return tuple(text for text in texts if text)


def _origin(explained: Explanation) -> tuple[str, ...]:
    recorded = explained.requirement.recorded
    return _nonempty(explained.certainty, f"In recordings of the service: {recorded}" if recorded else "")


def _source(source: Source) -> Item:
    return Item(source.name, source.date, source.address)


def _counting(explained: Explanation) -> tuple[str, ...]:
    row = explained.requirement
    requires, needed_by = ", ".join(row.requires), ", ".join(explained.needed_by)
    return _nonempty(
        f"{explained.counts} {explained.reason}",
        "A refusal counts only if the same request without its defect was accepted in the same run."
        if row.control
        else "",
        "A violation may depend on timing: a run tries it again at its end, where time and budget allow."
        if row.timing
        else "",
        f"It can be judged only where these hold: {requires}." if requires else "",
        f"These can be judged only where it holds: {needed_by}." if needed_by else "",
    )


def _what_is_sent(explained: Explanation) -> Section:
    if explained.chapter == CLIENTS:
        told = "A recorded session of the client is judged: `reimage-conformance check RUN --client`."
        return Section("How it is judged", (told,))
    if not explained.cases:
        why = explained.requirement.untestable or "No case judges it yet."
        return Section("What is sent", (f"Nothing. {why}",))
    items = tuple(Item(case.name, case.says, code=True) for case in explained.cases[:MAX_CASES])
    rest = _more(len(explained.cases) - MAX_CASES, "cases")
    return Section("What is sent", ("These cases judge it:",), items=items, rest=rest)


def _exchange(answer: Answer) -> str:
    return f"{answer.request}\n\n{answer.reply}"


def _what_wrong_ones_do(explained: Explanation) -> Section:
    if explained.chapter == CLIENTS:
        findings = (f"A finding says: {each}." for each in _sentences(explained) if explained.requirement.violation)
        return Section("What wrong clients do", tuple(findings))
    if not explained.faults:
        return Section("What wrong endpoints answer")
    first = explained.faults[0].members[0]
    told = (
        *(f"A finding says: {sentence}." for sentence in _sentences(explained)),
        "The emulator can be wrong in these ways. To see one found:",
    )
    command = f"reimage-conformance run --fault '{first}' --only {explained.requirement.id}"
    items = tuple(_family(each) for each in explained.faults[:MAX_FAMILIES])
    rest = _more(len(explained.faults) - MAX_FAMILIES, "kinds of fault")
    return Section("What wrong endpoints answer", told, command, items, rest=rest)


def _sentences(explained: Explanation) -> Iterable[str]:
    """The sentences for a violation, without repeats: the general one, then those for single symptoms."""
    row = explained.requirement
    symptoms = [*row.violations, *(("accepted",) if row.request and "accepted" in REQUEST_SENTENCES else ())]
    return dict.fromkeys(violation_sentence(row.id, symptom).removesuffix(".") for symptom in ("", *symptoms))


def _family(family: FaultFamily) -> Item:
    summaries = "; ".join(family.summaries[:MAX_SUMMARIES])
    more = f"; and {len(family.summaries) - MAX_SUMMARIES} more" if len(family.summaries) > MAX_SUMMARIES else ""
    faults = f" ({len(family.members)} faults)" if len(family.members) > 1 else ""
    return Item(family.name, f"{summaries}{more}{faults}", code=True)


def _more(count: int, what: str) -> str:
    return f"and {count} more {what}" if count > 0 else ""
