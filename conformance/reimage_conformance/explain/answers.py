"""What a conforming endpoint answers: exchanges with the emulator, by the requirement that they decided.

They are taken from a run of the suite in memory and kept in `answers.json`, so that `explain` needs no run.
`python -m reimage_conformance.explain.answers` makes that file again.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from reimage_conformance.commands.case_files import cases_folder
from reimage_conformance.commands.pytest_session import IGNORED_VARIABLES, NO_AUTOLOAD, SETTINGS, plugin_words
from reimage_conformance.errors import ReportError
from reimage_conformance.journal import read_journal
from reimage_conformance.report.http_text import request_lines, response_lines
from reimage_conformance.report.results import load_results

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reimage_conformance.model import Exchange
    from reimage_conformance.report.http_text import TextLine

ANSWERS_FILE = "answers.json"
MAX_ANSWERS = 2
"""At most this many exchanges are kept for a requirement."""
BODY_CHARACTERS = 900
"""At most this many characters of a body are kept; longer ones are cut."""
SUBSCRIPTION = "<subscription-id>"
_MASK = re.compile(r"00000000-0000-4000-8000-0{11}[0-9]")
"""What journals show in place of subscription ids."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A request as it was sent, and the emulator's reply, as text; `case` is the name of the case that sent it, "" for the run itself."""

    case: str
    request: str
    reply: str


@cache
def kept_answers() -> Mapping[str, tuple[Answer, ...]]:
    """The answers of the package, from `answers.json`, by requirement."""
    text = (resources.files(__package__) / ANSWERS_FILE).read_text(encoding="utf-8")
    return answers_from(json.loads(text))


def answers_from(plain: Mapping[str, Any]) -> dict[str, tuple[Answer, ...]]:
    """The answers that `plain` holds, in the form of `answers.json`."""
    made = {number: Answer(**fields) for number, fields in plain["exchanges"].items()}
    return {name: tuple(made[number] for number in numbers) for name, numbers in plain["requirements"].items()}


def plain_answers(run: Path) -> dict[str, Any]:
    """The exchanges that decided each requirement in a run, in the form of `answers.json`; `run` is its report folder."""
    exchanges = read_journal(run / "journal.jsonl").exchanges
    rows = load_results(run / "results.json")["requirements"]
    numbers = {row["id"]: _distinct_answered(row["evidence"], exchanges) for row in rows}
    used = dict.fromkeys(number for each in numbers.values() for number in each)
    keys = {number: str(key) for key, number in enumerate(used, 1)}
    return {
        "requirements": {name: [keys[number] for number in found] for name, found in numbers.items() if found},
        "exchanges": {key: _plain(exchanges[number]) for number, key in keys.items()},
    }


def _distinct_answered(evidence: Iterable[int], exchanges: Mapping[int, Exchange]) -> list[int]:
    """The numbers of up to MAX_ANSWERS answered exchanges in `evidence`: the first for each method, target and status."""
    found: dict[tuple[str, str, object], int] = {}
    for number in evidence:
        exchange = exchanges.get(number)
        if exchange is not None and exchange.response is not None:
            what = (exchange.request.method, exchange.request.target, exchange.response.status)
            found.setdefault(what, number)
    return list(found.values())[:MAX_ANSWERS]


def _plain(exchange: Exchange) -> dict[str, str]:
    reply = response_lines(exchange.response, BODY_CHARACTERS) if exchange.response is not None else ()
    case = exchange.case.rpartition("::")[2]
    return {"case": case, "request": _text(request_lines(exchange.request, BODY_CHARACTERS)), "reply": _text(reply)}


def _text(lines: Iterable[TextLine]) -> str:
    return _MASK.sub(SUBSCRIPTION, "\n".join(line.text for line in lines).rstrip())


def run_in_memory(folder: Path, *options: str) -> None:
    """Run the suite, with these options, against the conforming emulator in memory; the reports go to `folder`.

    Raises ReportError, with the end of what was printed, where the run fails.
    """
    cases = cases_folder()
    words = [
        sys.executable,
        "-m",
        "pytest",
        str(cases),
        f"--rootdir={cases.parent}",
        "-c",
        str(SETTINGS),
        "--in-memory",
        "-qq",
    ]
    words += [*plugin_words(), "-p", "no:cacheprovider", "--seed=0", "--report-dir", str(folder), *options]
    environment = {name: value for name, value in os.environ.items() if name not in IGNORED_VARIABLES}
    environment[NO_AUTOLOAD] = "1"
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)  # noqa: S603
    if done.returncode or not (folder / "results.json").is_file():
        output = f"{done.stdout}{done.stderr}"[-1000:]
        raise ReportError(f"the run against the emulator ended with {done.returncode}: {output}")


def fresh_answers() -> dict[str, Any]:
    """The exchanges of a new run, which takes about 15 seconds, in the form of `answers.json`."""
    with TemporaryDirectory() as temporary:
        folder = Path(temporary) / "run"
        run_in_memory(folder)
        return plain_answers(folder)


def main() -> None:
    """Write `answers.json` from a new run."""
    text = json.dumps(fresh_answers(), indent=1, ensure_ascii=False)
    Path(__file__).with_name(ANSWERS_FILE).write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
