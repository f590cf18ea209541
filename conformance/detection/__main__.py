"""Prints the matrix of faults and cases: `python -m conformance.detection [NAME ...]`."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from conformance.detection.forking import Found, Subject, judge_each
from conformance.emulator import FAULTS


def judged(found: Found) -> str:
    """One word for how a fault fared: first, named, missed, or broken."""
    wanted = FAULTS[found.subject.faults[0]].requirement
    if found.errors:
        return "broken"
    if found.findings[:1] == (wanted,):
        return "first"
    return "named" if wanted in found.bad else "missed"


def main(words: list[str]) -> int:
    """Judges the faults named, or all of them, and prints a line for each."""
    names = [name for name in FAULTS if not words or any(word in name for word in words if not word.startswith("--"))]
    began = time.monotonic()
    found = judge_each([Subject(name, (name,)) for name in names])
    order = {name: i for i, name in enumerate(names)}
    tally: dict[str, int] = {}
    out = []
    for each in sorted(found, key=lambda f: order[f.subject.name]):
        word = judged(each)
        tally[word] = tally.get(word, 0) + 1
        wanted = FAULTS[each.subject.name].requirement
        print(f"{word:7} {len(each.findings):2} {each.subject.name}: {wanted}" + ("" if word == "first" else f" -> {list(each.findings)[:4]} {list(each.errors)[:1]}"))
        out.append({"name": each.subject.name, "word": word, "wanted": wanted, "findings": each.findings, "cases": each.cases, "reasons": each.reasons, "outcomes": each.outcomes, "errors": each.errors})
    Path("/tmp/matrix.json").write_text(json.dumps(out))
    print(f"{len(found)} faults in {time.monotonic() - began:.0f} s: {tally}")
    return 0 if set(tally) <= {"first", "named"} else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
