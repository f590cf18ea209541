"""The steps that a verdict goes through until it counts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reimage_conformance.assessment.controls import Controls, controlled
from reimage_conformance.assessment.evidence import Evidence
from reimage_conformance.assessment.explaining import attributed
from reimage_conformance.assessment.foreign_locks import ForeignLocks
from reimage_conformance.assessment.fronts import without_fronts
from reimage_conformance.assessment.late_installations import LateInstallations
from reimage_conformance.assessment.mistakes import without_mistakes
from reimage_conformance.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reimage_conformance.assessment.obstacles import Obstacles
    from reimage_conformance.journal import Journal
    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Verdict


def as_they_count(
    weighed_verdicts: Sequence[Verdict], journal: Journal, world: World, obstacles: Obstacles, *, captured: bool
) -> list[Verdict]:
    """The verdicts as they count, from those that `Weighing.weighed` gave.

    Each goes through these steps, in this order:
    1. It is inconclusive if a front, and not the service, gave the answer.
    2. It is inconclusive if a mistake of the target file may be the reason for it.
    3. It is inconclusive if something else than the run may have held the deployment.
    4. It is inconclusive if it misses a new installation, and one came late in this run.
    5. It is changed if it is about a refusal that proves nothing without a control (`controlled`).
    6. As a violation, it names the requirements whose violation may explain it (`because`).
    7. In a capture, it is untested if it is inconclusive.
    """
    exchanges = journal.exchanges
    controls, locks = Controls.of(world, exchanges), ForeignLocks.of(world, exchanges.values())
    front, why_no_reimage_passed = obstacles.front, obstacles.why_no_reimage_passed
    verdicts = [without_fronts(verdict, exchanges, front, why_no_reimage_passed) for verdict in weighed_verdicts]
    verdicts = [without_mistakes(verdict, exchanges, obstacles.mistakes) for verdict in verdicts]
    verdicts = [locks.without_foreign_locks(verdict, exchanges) for verdict in verdicts]
    late = LateInstallations.of(world, verdicts, exchanges)
    verdicts = [late.without_late(verdict) for verdict in verdicts]
    verdicts = [controlled(verdict, exchanges, controls, captured=captured) for verdict in verdicts]
    evidence = Evidence.of(exchanges, controls).with_verdicts(verdicts)
    verdicts = [attributed(verdict, evidence) for verdict in verdicts]
    if not captured:
        return verdicts
    return [replace(v, outcome=Outcome.UNTESTED) if v.outcome is Outcome.INCONCLUSIVE else v for v in verdicts]
