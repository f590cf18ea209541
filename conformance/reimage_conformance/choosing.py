"""Choosing: which requirements a run is about, and which cases and reimages those need; sends nothing.

A choice is made of words (`--only`), of what failed in another run (`--failed-in`), or of one finding of it (`replay`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from reimage_conformance.catalogue import CATALOGUE, requirement, requirements_by_chapter
from reimage_conformance.errors import JournalError, UsageError, did_you_mean
from reimage_conformance.journal import read_journal
from reimage_conformance.model import Subject
from reimage_conformance.report.masked_names import MaskedNames
from reimage_conformance.report.results import load_results

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from reimage_conformance.journal import Journal
    from reimage_conformance.model import Exchange

CHOSEN = "chosen"
"""The event of a journal that holds the choice of its run."""
FAILED = ("violated", "known", "inconclusive")
"""Outcomes of a requirement that `--failed-in` chooses."""
ALL = "all"
"""The word for every finding, in place of the number of one."""
STEP = "step:"
"""The label of each exchange that the campaign of reimages sent begins with this; the name of the step follows."""
LOOK = "look"
"""The label of an exchange that shows the states of instances. Cases share looks: the case named in one may only be the first that needed it."""
OPERATIONS = "/operations/"
SERVICE = re.compile(r".*?/hostedservices/[^/?]+/")
"""The part of a request target up to and including the cloud service."""
_MERGED, _VARIED = "+", ":"
"""What the name of a step has between merged steps, and before the variation where merged steps were sent one by one."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a run is to judge, and what it needs for that.

    The run consists of the cases that cite one of `requirements`, and of `cases`, which holds ids; with `exact`, of `cases` alone. `steps` names
    the reimages of the campaign that may be started in addition to the controls; None means those that the cases ask for.
    """

    requirements: frozenset[str]
    cases: frozenset[str] = frozenset()
    steps: frozenset[str] | None = None
    exact: bool = False

    def wants(self, case: str, cited: Iterable[str]) -> bool:
        """Whether the case of this id, which cites these requirements, is part of the choice."""
        return bare_id(case) in {bare_id(each) for each in self.cases} or (
            not self.exact and not self.requirements.isdisjoint(cited)
        )

    def may_start(self, step_names: Iterable[str]) -> bool:
        """Whether a reimage of the campaign with these names may be started where a case asks for it."""
        return self.steps is None or any(part in self.steps for name in step_names for part in _parts(name))

    def as_mapping(self) -> dict[str, Any]:
        """The choice as plain JSON values, for a journal."""
        steps = None if self.steps is None else sorted(self.steps)
        named = {"requirements": sorted(self.requirements), "cases": sorted(self.cases)}
        return {**named, "steps": steps, "exact": self.exact}

    @classmethod
    def from_mapping(cls, found: Mapping[str, Any]) -> Choice:
        """The choice that `as_mapping` gave."""
        steps = None if found["steps"] is None else frozenset(found["steps"])
        return cls(frozenset(found["requirements"]), frozenset(found["cases"]), steps, bool(found["exact"]))


def bare_id(case: str) -> str:
    """The id of a case without the folder of its file: an installed copy of the suite has another folder."""
    file, separator, name = case.partition("::")
    return f"{file.rpartition('/')[2]}{separator}{name}"


def _parts(name: str) -> list[str]:
    """The names of the steps that were merged into the one called `name`."""
    return [part.partition(_VARIED)[0] for part in name.split(_MERGED)]


def requirements_of(words: Sequence[str]) -> frozenset[str]:
    """The requirements that `words` name: ids, patterns such as REQ-GOS-*, chapters and areas; a word may hold several, separated by commas.

    Raises UsageError, with the most similar known word, for one that names no requirement.
    """
    named = [part.strip() for word in words for part in word.split(",") if part.strip()]
    if not named:
        raise UsageError(f"--only: expected the id of a requirement, a chapter or an area, found {', '.join(words)!r}")
    return frozenset(name for word in named for name in _requirements_of(word))


def _requirements_of(word: str) -> frozenset[str]:
    groups = groups_of_requirements()
    if word.lower() in groups:
        return groups[word.lower()]
    matching = frozenset(name for name in CATALOGUE if fnmatchcase(name, word.upper()))
    if matching:
        return matching
    if word.upper().startswith("REQ"):
        requirement(word)
    known = ", ".join(groups)
    raise UsageError(
        f"--only {word}: no requirement, chapter or area is called so{did_you_mean(word.lower(), [*groups])}; chapters and areas are {known}"
    )


def groups_of_requirements() -> dict[str, frozenset[str]]:
    """The requirements of each chapter and each area, by its word; a word that is both a chapter and an area has the requirements of both."""
    groups = {chapter: frozenset(names) for chapter, names in requirements_by_chapter().items()}
    for each in CATALOGUE.values():
        groups[each.area] = groups.get(each.area, frozenset()) | {each.id}
    return groups


def required_in(file: Path) -> tuple[str, ...]:
    """The requirements that a text file names: one id a line, `#` begins a comment.

    Raises UsageError where the file cannot be read, names no requirement, or names one that is unknown or that no case judges.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(
            f"--require {file}: cannot be read: {reason}; expected a text file with one requirement id a line"
        ) from error
    named = {number: name for number, line in enumerate(lines, 1) if (name := line.partition("#")[0].strip())}
    for number, name in named.items():
        try:
            is_uncited = requirement(name).uncited
        except UsageError as error:
            raise UsageError(f"--require {file}, line {number}: {error}") from error
        if is_uncited:
            raise UsageError(f"--require {file}, line {number}: no case judges {name} yet; take it out")
    found = tuple(dict.fromkeys(named.values()))
    if not found:
        raise UsageError(f"--require {file}: it names no requirement; expected one id a line, as in REQ-REIMAGE-202")
    return found


def failed_requirements(run: Path, option: str) -> list[dict[str, Any]]:
    """The requirements that were violated or inconclusive in a run, as its results hold them; raises UsageError where there are none."""
    failed = [each for each in results_of_run(run, option)["requirements"] if each["outcome"] in FAILED]
    if not failed:
        raise UsageError(
            f"{option} {run}: nothing was violated or inconclusive in this run, so there is nothing to run again"
        )
    return failed


def failed_in(run: Path) -> Choice:
    """A choice of what was violated or inconclusive in `run`, a report folder or its results.json; raises UsageError where nothing was."""
    failed = failed_requirements(run, "--failed-in")
    exchanges = exchanges_of(run)
    evidence = [number for each in failed if each["outcome"] != "inconclusive" for number in each["evidence"]]
    senders = {exchanges[number].case for number in evidence if number in exchanges} - {""}
    return Choice(frozenset(each["id"] for each in failed if each["id"] in CATALOGUE), frozenset(senders))


def finding_of(run: Path, number: int) -> dict[str, Any]:
    """Finding `number` of a run, counted from 1, as results.json holds it; raises UsageError, naming the findings that exist, for others."""
    findings = results_of_run(run, "replay")["findings"]
    if 1 <= number <= len(findings):
        return dict(findings[number - 1])
    if not findings:
        raise UsageError(f"{run}: this run has no findings, so there is nothing to repeat")
    there = "it has one finding, number 1" if len(findings) == 1 else f"it has findings 1 to {len(findings)}"
    nearest = min(max(number, 1), len(findings))
    shown = f"{findings[nearest - 1]['requirement']}, {findings[nearest - 1]['headline'][:80]}"
    raise UsageError(f"{run}: there is no finding {number}; {there}; number {nearest} is {shown}")


def story_of(run: Path, number: str) -> Choice:
    """What is needed to see a finding again: the cases that judged it or sent its exchanges, and the reimages that these depend on.

    `number` is the number of the finding, or "all". Raises UsageError where there is no such finding.
    """
    if not (number.isdecimal() or number == ALL):
        raise UsageError(f"--finding {number}: expected the number of a finding, or {ALL}")
    findings = results_of_run(run, "replay")["findings"] if number == ALL else [finding_of(run, int(number))]
    return story_of_findings(findings or [finding_of(run, 1)], exchanges_of(run))


def story_of_findings(findings: Sequence[Mapping[str, Any]], exchanges: Mapping[int, Exchange]) -> Choice:
    """What is needed to see one or more findings again: `findings` as results.json holds them, `exchanges` of their run by number."""
    stories = [_story(finding, exchanges) for finding in findings]
    steps = [story.steps for story in stories if story.steps is not None]
    return Choice(
        frozenset().union(*(story.requirements for story in stories)),
        frozenset().union(*(story.cases for story in stories)),
        frozenset().union(*steps) if len(steps) == len(stories) else None,
        exact=all(story.exact for story in stories),
    )


def _story(finding: Mapping[str, Any], exchanges: Mapping[int, Exchange]) -> Choice:
    evidence = [exchanges[each] for each in finding["evidence"] if each in exchanges]
    deciding = [exchanges[each] for each in deciding_of(finding) if each in exchanges]
    starts = [start for each in deciding for start in _starts_of(each, exchanges)]
    cases = {*finding["cases"], *(exchange.case for exchange in (*evidence, *deciding, *starts))} - {""}
    steps = _steps_behind(deciding, starts, exchanges) if exchanges else None
    return Choice(frozenset({finding["requirement"]}), frozenset(cases), steps, exact=bool(cases))


def _steps_behind(
    deciding: Sequence[Exchange], starts: Sequence[Exchange], exchanges: Mapping[int, Exchange]
) -> frozenset[str] | None:
    """The names of the campaign's steps that the `deciding` exchanges depend on; `starts` are the requests that began their operations.

    None where several reimages decide: their verdict may depend on reimages between them, so the cases have to ask for what they need.
    """
    if sum(each.request.method == "POST" and bool(_id_of(each)) for each in deciding) > 1:
        return None
    steps = [each for each in (*deciding, *starts) if each.label.startswith(STEP)]
    if not steps:
        without_case = [each for each in deciding if not each.case or each.label == LOOK]
        steps = [step for each in without_case for step in _steps_nearby(each, exchanges)]
    return frozenset(part for step in steps for part in _parts(step.label.removeprefix(STEP)))


def deciding_of(finding: Mapping[str, Any]) -> list[int]:
    """The numbers of the exchanges that the deciding verdict of a finding rests on.

    Results of older versions do not name them; then it is the first exchange of the evidence.
    """
    return list(finding.get("deciding") or finding["evidence"][:1])


def _starts_of(exchange: Exchange, exchanges: Mapping[int, Exchange]) -> Iterator[Exchange]:
    """The requests whose answers carried the id that `exchange` asks for."""
    path = exchange.request.target.partition("?")[0]
    if OPERATIONS in path:
        identifier = path.rpartition(OPERATIONS)[2]
        yield from (e for e in exchanges.values() if e.number < exchange.number and _id_of(e) == identifier)


def _id_of(exchange: Exchange) -> str:
    """The id that a reimage was answered with."""
    reply = exchange.reply if exchange.request.method == "POST" else None
    return (reply.header("x-ms-request-id") or "").strip() if reply is not None else ""


def _steps_nearby(exchange: Exchange, exchanges: Mapping[int, Exchange]) -> list[Exchange]:
    """The steps before `exchange` that reimaged an instance of the same cloud service."""
    service = SERVICE.match(exchange.request.target)
    earlier = [e for e in exchanges.values() if e.number < exchange.number and e.label.startswith(STEP)]
    return [e for e in earlier if service is not None and e.request.target.startswith(service[0])]


def results_of_run(run: Path, option: str) -> dict[str, Any]:
    """The results of `run`, the report folder of a run of an endpoint or its results.json.

    Raises UsageError, naming `option`, where there are none; it suggests the most similar name in the same folder.
    """
    if not run.exists():
        names = [each.name for each in run.parent.iterdir()] if run.parent.is_dir() else []
        raise UsageError(
            f"{option} {run}: there is no such run; expected the report folder of a run, or its results.json{did_you_mean(run.name, names)}"
        )
    file = run / "results.json" if run.is_dir() else run
    if not file.is_file():
        hint = (
            f"; `reimage-conformance report {run}` makes it from the journal"
            if (run / "journal.jsonl").is_file()
            else ""
        )
        raise UsageError(
            f"{option} {run}: there is no results.json in it; expected the report folder of a run{hint or _advice(run)}"
        )
    if file.suffix in (".html", ".htm", ".zip"):
        raise UsageError(f"{option} {run}: expected the report folder of a run, or its results.json{_advice(file)}")
    found = load_results(file)
    if found["run"].get("subject") == Subject.CLIENT:
        raise UsageError(
            f"{option} {run}: judges a client, whose requests the suite cannot send again; expected the run of an endpoint. "
            "Record the client again with `reimage-conformance emulator --record`"
        )
    return found


def _advice(run: Path) -> str:
    """The end of an error message: what to do with only the page of a run, or its bundle; "" for anything else."""
    if run.suffix == ".zip":
        return "; unpack the bundle and name the folder"
    if run.suffix in (".html", ".htm") or (run / "report.html").is_file():
        return "; where report.html is all that is at hand, `reimage-conformance run TARGET.toml --only REQ-...` repeats a requirement"
    return ""


def exchanges_of(run: Path) -> Mapping[int, Exchange]:
    """The exchanges of a run by number; none where there is no readable journal beside its results."""
    journal = _journal_of(run)
    return journal.exchanges if journal is not None else {}


def shown_exchanges_of(run: Path) -> Mapping[int, Exchange]:
    """The exchanges of a run as a report shows them: `<subscription-id>` and the like in place of masks."""
    journal = _journal_of(run)
    return MaskedNames.of(journal.header.get("target", {})).exchanges(journal.exchanges) if journal is not None else {}


def _journal_of(run: Path) -> Journal | None:
    folder = run if run.is_dir() else run.parent
    try:
        return read_journal(folder / "journal.jsonl")
    except JournalError:
        return None
