"""What kept the requests of a run from the service: a front, a closed endpoint, or mistakes of the target file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reimage_conformance.assessment.fronts import closed_reimages, front_of
from reimage_conformance.assessment.mistakes import agreed_mistakes, mistakes_of

if TYPE_CHECKING:
    from reimage_conformance.assessment.fronts import Front
    from reimage_conformance.assessment.mistakes import Mistake
    from reimage_conformance.journal import Journal
    from reimage_conformance.judging.world import World


@dataclass(frozen=True, slots=True)
class Obstacles:
    """What kept requests from the service.

    `front` is what answered in place of the service. `why_no_reimage_passed` is a sentence on why no sound reimage was let
    through, "" where one was. `mistakes` are those of the target file. `sentence` is what the report says: the sentence
    on the first of these three that there is, "" where nothing is in the way.
    """

    front: Front | None
    why_no_reimage_passed: str
    mistakes: tuple[Mistake, ...]
    sentence: str

    @classmethod
    def of(cls, journal: Journal, world: World, *, captured: bool) -> Obstacles:
        """The obstacles of a run or a capture.

        A capture has no sentence. It has mistakes only if it was judged with a target file, and only those on which
        its answers agree.
        """
        exchanges = list(journal.exchanges.values())
        front, why_no_reimage_passed = front_of(world, exchanges), closed_reimages(world, exchanges)
        if captured:
            has_target_file = bool(journal.header.get("given"))
            mistakes = agreed_mistakes(world, exchanges) if has_target_file else []
            return cls(front, why_no_reimage_passed, tuple(mistakes), "")
        mistakes = mistakes_of(world, exchanges)
        sentence = front.sentence if front is not None else why_no_reimage_passed
        sentence = sentence or "; ".join(mistake.sentence for mistake in mistakes)
        return cls(front, why_no_reimage_passed, tuple(mistakes), sentence)
