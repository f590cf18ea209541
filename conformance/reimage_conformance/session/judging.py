"""Judging, as cases do it: checks over exchanges, by themselves or together, and what is recorded where the documents are silent."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from reimage_conformance.session.recorder import raise_bad

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reimage_conformance.judging.registry import Check
    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Exchange, Verdict
    from reimage_conformance.session.recorder import Recorder


class Judging:
    """Judges exchanges of the run that `recorder` keeps; raises Nonconformance for what is violated, or advised against."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder

    @property
    def world(self) -> World:
        """The world that requests are judged in."""
        return self.recorder.world

    def judge(self, check: Check, *exchanges: Exchange, **arguments: Any) -> list[Verdict]:
        """Judges exchanges and raises Nonconformance for what is violated."""
        verdicts = self.recorder.judge(check, exchanges, **arguments)
        collected = self.recorder.log.collected
        if collected is None:
            raise_bad(verdicts)
        else:
            collected += verdicts
        return verdicts

    def judge_each(self, check: Check, many: Iterable[Iterable[Exchange]], **arguments: Any) -> list[Verdict]:
        """Judges each of many runs of exchanges by itself; what is violated is raised when the last one is judged."""
        with self.together():
            return [verdict for exchanges in many for verdict in self.judge(check, *exchanges, **arguments)]

    @contextmanager
    def together(self) -> Iterator[None]:
        """Judgements inside are all made, and what is violated raised when the last one is."""
        log = self.recorder.log
        if log.collected is not None:  # inside of others
            yield
            return
        collected: list[Verdict] = []
        log.collected = collected
        try:
            yield
            raise_bad(collected)
        finally:
            log.collected = None

    def judge_all(self, check: Check, **arguments: Any) -> list[Verdict]:
        """The same over every exchange of the run so far."""
        verdicts = self.recorder.judge_all(check, **arguments)
        raise_bad(verdicts)
        return verdicts

    def observe(self, requirement: str, seen: str, *exchanges: Exchange) -> None:
        """Records what this endpoint does where the documents are silent."""
        self.recorder.observe(requirement, seen, *exchanges)
