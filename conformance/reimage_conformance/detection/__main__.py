"""Prints which faults the suite finds, and which violations in conforming emulators: `python -m reimage_conformance.detection --help`."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reimage_conformance.detection.faring import BAD, Fared, fared, reason
from reimage_conformance.detection.forking import Found, JudgedEmulator, judge_each
from reimage_conformance.detection.messages import messages_page
from reimage_conformance.detection.odd_emulators import combined, held_against, oddities_for
from reimage_conformance.detection.shapes import LARGE_WORLD, SHAPES
from reimage_conformance.emulator import FAULTS
from reimage_conformance.model import Outcome, RunVerdict, Strictness

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reimage_conformance.detection.shapes import Shape


def chosen(words: tuple[str, ...], *, one_per_family: bool = False, every: int = 1) -> list[str]:
    """The names of the faults to judge: those that contain one of `words`, or all.

    With `one_per_family` only the first fault of each family is taken, and of the rest only one in `every`.
    """
    found = [name for name in FAULTS if not words or any(word in name for word in words)]
    if one_per_family:
        first: dict[str, str] = {}
        for name in found:
            first.setdefault(FAULTS[name].family, name)
        found = list(first.values())
    return found[::every]


def row(found: Found) -> str:
    """How one fault fared: a line of the matrix."""
    (name,), wanted = found.subject.faults, FAULTS[found.subject.faults[0]].requirement
    cases = ", ".join(case.rpartition("::")[2] for case in found.cases.get(wanted, [])[:4])
    why = reason(found)
    return f"{fared(found):8} {name}: {wanted} by {cases or 'no case'}{f'; {why}' if why else ''}"


def odd_row(found: Found) -> str:
    """A line about one odd emulator: the verdict of its run, and what was held against it."""
    held = "; ".join(f"{name}: {told}" for name, told in held_against(found).items())
    oddities = "+".join(found.subject.oddities) or "nothing odd"
    return f"{found.verdict or 'broken':13} {found.subject.strictness} {oddities}{f'; {held}' if held else ''}"


def judged(names: Sequence[str], shape: Shape, connections: int) -> list[Found]:
    """Judges the faults in a shape, and prints a line for each when it is done; faults that cannot show there are not run."""
    subjects = [JudgedEmulator(name, (name,), shape=shape, connections=connections) for name in names]
    hidden = [Found(each) for each in subjects if shape.unmet_needs(FAULTS[each.name])]
    for each in hidden:
        click.echo(row(each))
    runs = [subject for subject in subjects if not shape.unmet_needs(FAULTS[subject.name])]
    return hidden + (judge_each(runs, on_found=lambda each: click.echo(row(each))) if runs else [])


def judged_odd(shape: Shape, size: int, words: tuple[str, ...], seed: str, connections: int) -> list[Found]:
    """Judges the conforming emulator, and every oddity in combinations of `size`, strict and lenient; prints a line for each."""
    subjects = []
    for strictness in Strictness:
        names = [name for name in oddities_for(strictness) if not words or any(word in name for word in words)]
        subjects += [JudgedEmulator(f"conforming, {strictness}", strictness=strictness, shape=shape)]
        subjects += combined(names, size, strictness, shape, seed=seed)
    subjects = [replace(each, connections=connections) for each in subjects]
    return judge_each(subjects, on_found=lambda each: click.echo(odd_row(each)))


def table(heads: Iterable[str], rows: dict[str, Counter[str]]) -> str:
    """Counts as a Markdown table with a row for each shape, in the form of `docs/detection.md`."""
    columns = list(heads)
    lines = [f"| shape | {' | '.join(columns)} |", f"| --- |{' --- |' * len(columns)}"]
    lines += [f"| `{shape}` | {' | '.join(str(row[column]) for column in columns)} |" for shape, row in rows.items()]
    return "\n".join(lines)


def why_table(found: dict[str, list[Found]]) -> str:
    """Why faults were not the first finding: a Markdown table with the number of faults for each shape and reason."""
    counts = Counter(
        (shape, fared(each).value, reason(each)) for shape, many in found.items() for each in many if reason(each)
    )
    lines = ["| shape | fared | why | faults |", "| --- | --- | --- | --- |"]
    lines += [f"| `{shape}` | {word} | {why} | {n} |" for (shape, word, why), n in sorted(counts.items())]
    return "\n".join(lines)


def passes(found: Found) -> bool:
    """Whether some requirement was judged or observed, and nothing was held against the emulator without a fault."""
    return bool(satisfied(found)) and not held_against(found)


def satisfied(found: Found) -> list[str]:
    """The requirements that were met, or about which something was observed."""
    return [name for name, outcome in found.outcomes.items() if outcome in (Outcome.MET, Outcome.OBSERVED)]


def plain_row(found: Found) -> str:
    """How the emulator without a fault fared: a line."""
    held = "; ".join(f"{name}: {told}" for name, told in held_against(found).items())
    word = "passes" if passes(found) else "fails"
    return f"{word:8} the emulator without a fault: {held or ', '.join(satisfied(found)) or 'no case ran'}"


def try_cases(names: list[str], shape: Shape, connections: int, cases: str) -> bool:
    """Judges faults, and the emulator without one, by some cases only, and prints a line for each.

    `cases` selects the cases as pytest's -k does. Gives whether each fault came first and the emulator without a fault passed.
    """
    subjects = [JudgedEmulator(name, (name,), shape=shape, connections=connections) for name in names]
    subjects += [JudgedEmulator("no fault", shape=shape, connections=connections)]
    found = judge_each(subjects, selection=cases)
    for each in found:
        click.echo(row(each) if each.subject.faults else plain_row(each))
    return all(fared(each) is Fared.FIRST if each.subject.faults else passes(each) for each in found)


def sweep_faults(names: list[str], shapes: list[Shape], connections: int) -> bool:
    """Judges faults in shapes and prints the tables; gives whether no fault was missed and the suite itself did not fail."""
    found: dict[str, list[Found]] = {}
    for shape in shapes:
        click.echo(f"{shape.name}: {shape.summary}")
        began = time.monotonic()
        found[shape.name] = judged(names, shape, connections)
        click.echo(f"{len(names)} faults in {time.monotonic() - began:.0f} s")
    tallies = {shape: Counter(fared(each).value for each in many) for shape, many in found.items()}
    click.echo(f"\n{table(Fared, tallies)}\n\n{why_table(found)}")
    return not any(tally[word] for tally in tallies.values() for word in BAD)


def sweep_oddities(size: int, words: tuple[str, ...], seed: str, shapes: list[Shape], connections: int) -> bool:
    """Judges odd emulators in shapes and prints the table; gives whether nothing was held against any of them."""
    rows: dict[str, Counter[str]] = {}
    for shape in shapes:
        click.echo(f"{shape.name}: {shape.summary}")
        found = judged_odd(shape, size, words, seed, connections)
        rows[shape.name] = Counter(each.verdict for each in found)
        rows[shape.name] |= Counter(judged=len(found), accused=sum(bool(held_against(each)) for each in found))
    verdicts = (RunVerdict.CONFORMANT, RunVerdict.PARTIAL, RunVerdict.INCOMPLETE, RunVerdict.NONCONFORMANT)
    click.echo(f"\n{table(('judged', *verdicts, 'accused'), rows)}")
    return not any(row["accused"] for row in rows.values())


def write_messages(names: list[str], shape: Shape, connections: int, path: Path) -> bool:
    """Judges the faults in one shape and writes their messages to `path`; gives whether the suite itself did not fail."""
    found = judged(names, shape, connections)
    path.write_text(messages_page(found), encoding="utf-8")
    return not any(fared(each) is Fared.BROKEN for each in found)


@click.command()
@click.argument("words", nargs=-1)
@click.option("--one-per-family", is_flag=True, help="Judge the first fault of each family only.")
@click.option("--every", type=click.IntRange(1), default=1, metavar="N", help="Judge only every Nth fault.")
@click.option(
    "--shape",
    "shapes",
    type=click.Choice([*SHAPES, "all"]),
    multiple=True,
    help="The shape of the target (repeatable); the large one if left out.",
)
@click.option(
    "--oddities", type=click.IntRange(1), metavar="N", help="Judge oddities, N at a time, in place of faults."
)
@click.option("--seed", default="1", help="Draws other combinations of oddities.")
@click.option(
    "--messages",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the list of all messages over the first fault of each family, as docs/messages.md holds it.",
)
@click.option(
    "--cases", default="", metavar="WORDS", help="Run these cases alone, as pytest's -k does, without a fault too."
)
@click.option("--connections", type=click.IntRange(1), default=8, help="How many requests may be under way.")
def main(
    words: tuple[str, ...],
    *,
    one_per_family: bool,
    every: int,
    shapes: tuple[str, ...],
    oddities: int | None,
    seed: str,
    messages: Path | None,
    cases: str,
    connections: int,
) -> None:
    """Judge the faults whose names hold one of WORDS, or all, and print a line for each and tables of counts.

    The exit code is 0 when each fault was found, was not judged and the report says so, or cannot show in the shape; with --cases,
    when each was the first finding and the emulator without a fault passed; with --oddities, when nothing was held against any emulator.
    """
    judged_in = list(SHAPES.values()) if "all" in shapes else [SHAPES[name] for name in shapes] or [LARGE_WORLD]
    if oddities is not None:
        passed = sweep_oddities(oddities, words, seed, judged_in, connections)
    elif messages is not None:
        passed = write_messages(chosen(words, one_per_family=True, every=every), judged_in[0], connections, messages)
    elif cases:
        passed = try_cases(chosen(words, one_per_family=one_per_family, every=every), judged_in[0], connections, cases)
    else:
        passed = sweep_faults(chosen(words, one_per_family=one_per_family, every=every), judged_in, connections)
    raise SystemExit(0 if passed else 1)


if __name__ == "__main__":
    main()
