"""How a night ended: the exit code that counts, and why the run could not judge everything; pure functions of results."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reimage_conformance.model import Outcome
from reimage_conformance.report.runs import UNJUDGED

if TYPE_CHECKING:
    from reimage_conformance.report.results import Results

CUT_OFF = -1
"""Stands for the exit code of a run that was killed, which gave none."""

SIGNAL_BASE = 128
"""The exit code that a shell gives for a command that a signal ended is this plus the number of the signal."""

GOOD, NONCONFORMANT, SET_UP_WRONGLY, INCOMPLETE = 0, 1, 4, 6

BY_SEVERITY = (0, 6, 5, 2, 1)
"""The exit codes that results.json can have, the best first; any other exit code is worse."""

STOPPED_EARLY = (CUT_OFF, 2, 3)
"""Codes of a run that was killed, interrupted or broke; its results have the code of what was judged until then."""


def reconciled(code: int | None, results: Results | None) -> tuple[int, Results | None, str]:
    """The exit code that counts for a night, its results, and a remark if code and results contradict each other, else "".

    `code` is what the run ended with: None, a negative one or one above 128 is that of a run that was killed. A code of
    `STOPPED_EARLY` counts, whatever the results say. A run that ended with 4 judged nothing: the results in its folder are of
    another run, and None is given for them. In all other cases the worse of the two codes counts.
    """
    ended = CUT_OFF if code is None or code < 0 or code > SIGNAL_BASE else code
    if results is None:
        return ended, None, ""
    recorded = int(results["run"]["exit_code"])
    if recorded == ended or ended in STOPPED_EARLY:
        return ended, results, ""
    if ended == SET_UP_WRONGLY:
        remark = f"The results.json in this folder is of another run (exit code {recorded}): remove it before each run."
        return ended, None, remark
    worse = max(ended, recorded, key=_severity)
    remark = (
        f"The run ended with exit code {ended}, and its results.json says {recorded}. The worse one counts: {worse}. "
        "Remove the report folder before each run, so that no results of an earlier run are left."
    )
    return worse, results, remark


def what_stopped(results: Results | None) -> str:
    """The sentence that says why a run could not judge everything; "" for one that could.

    If nothing was judged and the run gives no reason, it is the commonest reason of its inconclusive requirements.
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


def _severity(code: int) -> int:
    return BY_SEVERITY.index(code) if code in BY_SEVERITY else len(BY_SEVERITY)
