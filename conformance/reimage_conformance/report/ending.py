"""How a night ended: the exit code that counts, and what kept the run from judging; pure functions of results."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reimage_conformance.model import Outcome
from reimage_conformance.report.runs import UNJUDGED

if TYPE_CHECKING:
    from reimage_conformance.report.results import Results

CUT_OFF = -1
"""Stands for the exit code of a run that was killed, which gave none."""

KILLED = 128
"""A shell gives this and the number of the signal for a command that a signal ended."""

GOOD, NONCONFORMANT, SET_UP_WRONGLY, INCOMPLETE = 0, 1, 4, 6

GRAVITY = (0, 6, 5, 2, 1)
"""Exit codes that results can have as well as a run, the best first; another one is graver."""

OWN_TO_THE_RUN = (CUT_OFF, 2, 3)
"""Codes of a run that ended otherwise than by its results: these say what was judged, and contradict nothing."""


def counting(code: int | None, results: Results | None) -> tuple[int, Results | None, str]:
    """The exit code that counts for a night, the results that are its own, and what is strange about them, "" if nothing.

    `code` is what the run ended with: None, a negative one or one above 128 is that of a run that was killed. Where the
    results have another one, the worse counts. A run that ended with 4 judged nothing: results beside it are of another run.
    """
    given = CUT_OFF if code is None or code < 0 or code > KILLED else code
    if results is None:
        return given, None, ""
    told = int(results["run"]["exit_code"])
    if told == given or given in OWN_TO_THE_RUN:
        return given, results, ""
    if given == SET_UP_WRONGLY:
        return (
            given,
            None,
            f"The results.json in this folder is of another run (exit code {told}): remove it before each run.",
        )
    worse = max(given, told, key=_gravity)
    strange = f"The run ended with exit code {given}, and its results.json says {told}. The worse one counts: {worse}."
    return (
        worse,
        results,
        f"{strange} Remove the report folder before each run, so that none of an earlier run is left.",
    )


def what_stopped(results: Results | None) -> str:
    """The sentence that says why a run could not judge everything; "" for one that could.

    Where nothing was judged and the run gives no reason, it is the reason that most requirements give.
    """
    if results is None:
        return "The run left no results."
    run = results["run"]
    if run.get("reason"):
        return str(run["reason"])
    reasons = Counter(row["reason"] for row in results["requirements"] if row["outcome"] == Outcome.INCONCLUSIVE)
    reasons.pop("", None)
    if reasons and all(row["outcome"] in UNJUDGED for row in results["requirements"]):
        return str(reasons.most_common(1)[0][0])
    if run["interrupted"]:
        return "The run did not come to its end."
    if run["verdict"] == "incomplete":
        return "Not everything that must hold could be judged."
    return ""


def _gravity(code: int) -> int:
    return GRAVITY.index(code) if code in GRAVITY else len(GRAVITY)
