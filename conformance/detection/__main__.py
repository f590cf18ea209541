"""Prints the matrix of faults and the cases that find them: `python -m conformance.detection [--one-per-family] [WORD ...]`."""

from __future__ import annotations

import sys
import time

from conformance.detection.forking import Found, Subject, judge_each
from conformance.emulator import FAULTS

ONE_PER_FAMILY = "--one-per-family"


def word_for(found: Found) -> str:
    """How a fault fared: first, named, missed, or broken."""
    wanted = FAULTS[found.subject.name].requirement
    if found.errors or not found.outcomes:
        return "broken"
    if found.findings[:1] == (wanted,):
        return "first"
    return "named" if wanted in found.bad else "missed"


def chosen(words: list[str]) -> list[str]:
    """The names of the faults to judge: those that hold one of `words`, or all; with the option, one of each family."""
    named = [word for word in words if word != ONE_PER_FAMILY]
    found = [name for name in FAULTS if not named or any(word in name for word in named)]
    if ONE_PER_FAMILY not in words:
        return found
    first: dict[str, str] = {}
    for name in found:
        first.setdefault(FAULTS[name].family, name)
    return list(first.values())


def row(found: Found) -> str:
    """One line of the matrix."""
    wanted = FAULTS[found.subject.name].requirement
    others = "" if found.findings[:1] == (wanted,) else f"; findings: {', '.join(found.findings[:5]) or 'none'}"
    cases = ", ".join(case.rpartition("::")[2] for case in found.cases.get(wanted, [])[:4])
    return f"{word_for(found):7} {found.subject.name}: {wanted} by {cases or 'no case'}{others}"


def main(words: list[str]) -> int:
    """Judges the faults, prints a line for each as it is done, and counts; 0 when every one was found."""
    names = chosen(words)
    began = time.monotonic()
    found = judge_each([Subject(name, (name,)) for name in names], told=lambda each: print(row(each), flush=True))
    tally = {word: sum(word_for(each) == word for each in found) for word in ("first", "named", "missed", "broken")}
    print(
        f"{len(found)} faults in {time.monotonic() - began:.0f} s: "
        + ", ".join(f"{n} {word}" for word, n in tally.items())
    )
    return 0 if tally["missed"] == tally["broken"] == 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
