"""Prints what the suite finds: `python -m conformance.detection --help`."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

import click

from conformance.detection.faring import BAD, Fared, fared, reason
from conformance.detection.forking import Found, Subject, judge_each
from conformance.detection.shapes import LARGE_WORLD, SHAPES
from conformance.emulator import FAULTS, lacking

if TYPE_CHECKING:
    from conformance.detection.shapes import Shape


def chosen(words: tuple[str, ...], *, one_per_family: bool = False, every: int = 1) -> list[str]:
    """The names of the faults to judge: those that hold one of `words`, or all; one of each family; every so-manieth."""
    found = [name for name in FAULTS if not words or any(word in name for word in words)]
    if one_per_family:
        first: dict[str, str] = {}
        for name in found:
            first.setdefault(FAULTS[name].family, name)
        found = list(first.values())
    return found[::every]


def row(found: Found) -> str:
    """One line of the matrix."""
    (name,), wanted = found.subject.faults, FAULTS[found.subject.faults[0]].requirement
    cases = ", ".join(case.rpartition("::")[2] for case in found.cases.get(wanted, [])[:4])
    why = reason(found)
    return f"{fared(found):8} {name}: {wanted} by {cases or 'no case'}{f'; {why}' if why else ''}"


def judged(names: list[str], shape: Shape) -> list[Found]:
    """Judges the faults in a shape; prints a line for each as it is done, and for those that have no place in its world."""
    found = []
    for name in names:
        if lacking(shape.layout, FAULTS[name].needs):
            found.append(Found(Subject(name, (name,), shape=shape)))
            click.echo(row(found[-1]))
    without_place = {each.subject.name for each in found}
    subjects = [Subject(name, (name,), shape=shape) for name in names if name not in without_place]
    return found + judge_each(subjects, told=lambda each: click.echo(row(each)))


def table(tallies: dict[str, Counter[Fared]]) -> str:
    """The tallies of the shapes as rows of a Markdown table; columns as in `docs/detection.md`."""
    lines = [f"| shape | {' | '.join(Fared)} |", f"| --- |{' --- |' * len(Fared)}"]
    lines += [f"| {shape} | {' | '.join(str(tally[word]) for word in Fared)} |" for shape, tally in tallies.items()]
    return "\n".join(lines)


@click.command()
@click.argument("words", nargs=-1)
@click.option("--one-per-family", is_flag=True, help="Judge the first fault of each family only.")
@click.option("--every", type=click.IntRange(1), default=1, help="Judge every so-manieth fault only.")
@click.option(
    "--shape", "shapes", type=click.Choice(list(SHAPES)), multiple=True, help="The shape of the target (repeatable)."
)
def main(words: tuple[str, ...], *, one_per_family: bool, every: int, shapes: tuple[str, ...]) -> None:
    """Judge the faults whose names hold one of WORDS, or all, and print a line for each and a table of counts.

    The exit code is 0 when each one was found, untested by name, or without a place to show.
    """
    names = chosen(words, one_per_family=one_per_family, every=every)
    tallies: dict[str, Counter[Fared]] = {}
    for shape in [SHAPES[name] for name in shapes] or [LARGE_WORLD]:
        click.echo(f"{shape.name}: {shape.summary}")
        began = time.monotonic()
        tallies[shape.name] = Counter(fared(each) for each in judged(names, shape))
        click.echo(f"{len(names)} faults in {time.monotonic() - began:.0f} s")
    click.echo(table(tallies))
    raise SystemExit(int(any(tally[word] for tally in tallies.values() for word in BAD)))


if __name__ == "__main__":
    main()
