"""Judging, as cases do it: checks over exchanges, one by one or together, and observations where the documents say nothing."""

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
    """Judges exchanges of the run that `recorder` keeps; raises Nonconformance for violations and advisories."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder

    @property
    def world(self) -> World:
        """The world that requests are judged in."""
        return self.recorder.world

    def judge(self, check: Check, *exchanges: Exchange, **arguments: Any) -> list[Verdict]:
        """Judges exchanges and raises Nonconformance for violations; inside `violations_at_the_end` they are raised at its end."""
        verdicts = self.recorder.judge(check, exchanges, **arguments)
        collected = self.recorder.log.collected
        if collected is None:
            raise_bad(verdicts)
        else:
            collected += verdicts
        return verdicts

    def judge_each(self, check: Check, many: Iterable[Iterable[Exchange]], **arguments: Any) -> list[Verdict]:
        """Judges each of several lists of exchanges; raises violations after the last one."""
        with self.violations_at_the_end():
            return [verdict for exchanges in many for verdict in self.judge(check, *exchanges, **arguments)]

    @contextmanager
    def violations_at_the_end(self) -> Iterator[None]:
        """Raises the violations of all judgements inside it at its end; if it is nested, at the end of the outermost one."""
        log = self.recorder.log
        if log.collected is not None:  # nested
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
        """Judges every exchange of the run so far; raises Nonconformance for violations at once, inside `violations_at_the_end` too."""
        verdicts = self.recorder.judge_all(check, **arguments)
        raise_bad(verdicts)
        return verdicts

    def observe(self, requirement: str, seen: str, *exchanges: Exchange) -> None:
        """Records what this endpoint does where the documents say nothing."""
        self.recorder.observe(requirement, seen, *exchanges)
