"""The reports of a run that could not begin because the endpoint cannot be reached or judged."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reimage_conformance.catalogue import CATALOGUE
from reimage_conformance.journal import JournalWriter, read_journal
from reimage_conformance.model import Outcome, Verdict
from reimage_conformance.outputs import JOURNAL, clear_folder
from reimage_conformance.pytest_plugin.heading import header, limited, masked, new_run_id
from reimage_conformance.redaction.redactor import Redactor
from reimage_conformance.replay import report_on
from reimage_conformance.report.index import write_index
from reimage_conformance.wire.clock import SystemClock

if TYPE_CHECKING:
    from pathlib import Path

    from reimage_conformance.model import Target
    from reimage_conformance.pytest_plugin.options import Plan


def report_unreached(plan: Plan, target: Target, folder: Path, sentence: str, began: float) -> None:
    """Writes a journal without exchanges, and its reports, into `folder`; `sentence` is why no requirement could be judged.

    `began` is when the preflight began, by the monotonic clock. Raises ReportError if the files cannot be written.
    """
    clear_folder(folder)
    chosen = limited(target, plan)
    redactor = Redactor.for_target(chosen, enabled=plan.redact)
    path = folder / JOURNAL
    with JournalWriter(path, SystemClock()) as journal:
        journal.write("run", **header(new_run_id(), plan, chosen, masked(chosen, redactor)))
        for name in CATALOGUE:
            journal.verdict(Verdict(name, Outcome.INCONCLUSIVE, actual=redactor.text(sentence)))
        journal.write("offers", offers={"deployment": None, "cloud-service": None})
        journal.write(
            "end",
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
            interrupted=False,
            duration_seconds=round(time.monotonic() - began, 3),
            reimages=0,
            under_way=[],
        )
    report_on(read_journal(path), folder)
    if plan.report_dir is None:
        write_index(folder.parent.parent)
