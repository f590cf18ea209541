"""The scheduler: runs cases ahead of pytest, many at the same time, phase after phase."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import trio

from reimage_conformance.errors import ReportError
from reimage_conformance.model import Why
from reimage_conformance.session.cases import Conclusion, Phase, conclude
from reimage_conformance.session.progress import progress_of
from reimage_conformance.session.recorder import CaseLog
from reimage_conformance.session.signals import Inconclusive, NotReached
from reimage_conformance.session.thresholds import FEW_CASES_LEFT, MAX_CASES_UNDER_WAY, PROGRESS_SECONDS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from trio.abc import Clock

    from reimage_conformance.session.cases import Case
    from reimage_conformance.session.progress import Progress
    from reimage_conformance.session.sut import SystemUnderTest

COMPARED = "REQ-REIMAGE-URI-EQUIV"
"""The requirement whose cases, where they run alone, reimage an instance and look at every deployment."""
STOPPED = Conclusion(
    "inconclusive",
    "the run ended before the case did",
    Inconclusive("the run ended before the case did", why=Why.CUT_SHORT),
)
"""The conclusion of a case that had not ended when the session did."""


class Session:
    """Runs cases with trio, in a thread of its own; `clock` is trio's clock, None for real time.

    After `max_seconds` the run ends, and the remaining cases are untested. With `in_step` a case begins only when
    `conclusion` is called for it. `concluded` holds the conclusions of cases in an earlier part of the run; those are
    not run again. `afterwards` is called when every case has ended, and waited for.
    """

    def __init__(
        self,
        sut: SystemUnderTest,
        cases: Sequence[Case],
        *,
        clock: Clock | None = None,
        max_seconds: float | None = None,
        in_step: bool = False,
        concluded: Mapping[str, Conclusion] | None = None,
        afterwards: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        for case in cases:
            if concluded is not None and case.id in concluded:
                case.conclusion.set_result(concluded[case.id])
        self._sut, self._cases = sut, list(cases)
        self._by_id = {case.id: case for case in cases}
        self._clock, self._max_seconds, self._afterwards = clock, max_seconds, afterwards
        self._may_begin = {case.id: trio.Event() for case in cases} if in_step else {}
        self._token: trio.lowlevel.TrioToken | None = None
        self._scope = trio.CancelScope()
        self._begun = threading.Event()
        self._few_left = trio.Event()
        self._failure: BaseException | None = None
        self._last_conclusion = STOPPED
        self._seconds_at_last_end = 0.0
        self._thread = threading.Thread(target=self._run, name="conformance-session", daemon=True)

    def start(self) -> None:
        """Begins to run cases."""
        self._thread.start()
        self._begun.wait()

    def conclusion(self, case_id: str, while_waiting: Callable[[], None] | None = None) -> Conclusion:
        """Waits until a case has ended, and gives its conclusion; raises the error that ended the session itself, if there was one.

        `while_waiting` is called in the caller's thread every PROGRESS_SECONDS.
        """
        case = self._by_id[case_id]
        if case_id in self._may_begin and self._token is not None:
            with suppress(trio.RunFinishedError):
                self._token.run_sync_soon(self._may_begin[case_id].set)
        found = _waited_for(case, while_waiting)
        if found is STOPPED and self._failure is not None:
            raise self._failure
        return found

    def progress(self) -> Progress:
        """How far the run has come; any thread may call it."""
        done = sum(1 for case in self._cases if case.conclusion.done())
        return progress_of(self._sut, done, len(self._cases), self._seconds_at_last_end / max(done, 1))

    def stop(self, seconds: float = 1.0) -> None:
        """Cancels all cases, and waits up to `seconds` for the session's thread to end."""
        if self._token is not None:
            with suppress(trio.RunFinishedError):
                self._token.run_sync_soon(self._scope.cancel)
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _run(self) -> None:
        try:
            trio.run(self._main, clock=self._clock)
        except BaseException as error:  # noqa: BLE001  `conclusion` raises it
            self._failure = cause_of(error)
        finally:
            self._begun.set()
            for case in self._cases:
                if not case.conclusion.done():
                    case.conclusion.set_result(self._last_conclusion if case is self._cases[-1] else STOPPED)

    async def _main(self) -> None:
        """Opens the run, then runs phase after phase."""
        self._token = trio.lowlevel.current_trio_token()
        self._begun.set()
        with self._scope:
            async with trio.open_nursery() as tasks:
                try:
                    await self._sut.open(tasks)
                except Inconclusive as reason:  # the endpoint never answered; each case ends with the reason
                    self._sut.sender.give_up(str(reason))
                if self._compares_deployments():
                    self._sut.keep_reimage_for_comparing()
                await self._run_first_two_phases()
                self._sut.budget.keep(0)
                await self._run_phase(Phase.ALONE, 1)
                await self._until_reimages_are_over()
                await self._run_phase(Phase.AT_THE_END, 1)
                with trio.move_on_after(max(self._time_left(), 0)):
                    await self._sut.until_controlled()
                tasks.cancel_scope.cancel()
            if self._afterwards is not None:
                await self._afterwards()

    def _compares_deployments(self) -> bool:
        """Whether a case is left that reimages an instance, while nothing else runs, and looks at every deployment (COMPARED)."""
        alone = [case for case in self._cases if case.phase is Phase.ALONE and not case.conclusion.done()]
        return any(COMPARED in case.requirements for case in alone)

    async def run_through(self) -> None:
        """Runs all cases in the calling task, for a session that was not started."""
        await self._main()

    async def _run_first_two_phases(self) -> None:
        """Runs the first two phases. The second begins when few cases of the first are left.

        Those few are properties, which send one request after another. The campaign gets the whole budget after the
        first phase.
        """
        at_a_time = 1 if self._may_begin else MAX_CASES_UNDER_WAY
        async with trio.open_nursery() as both:
            both.start_soon(self._run_first_phase, at_a_time)
            await self._few_left.wait()
            await self._run_phase(Phase.AFTERWARDS, at_a_time)

    async def _run_first_phase(self, at_a_time: int) -> None:
        """Runs the first phase, and lets the campaign go on after it."""
        await self._run_phase(Phase.BESIDE, at_a_time, few=0 if self._may_begin else FEW_CASES_LEFT)
        self._sut.campaign.allow_remaining_steps()
        self._few_left.set()

    async def _until_reimages_are_over(self) -> None:
        """Waits for the end of every reimage, if cases of the last phase follow, which judge the whole run.

        It does not wait with `in_step`.
        """
        follows = any(case.phase is Phase.AT_THE_END and not case.conclusion.done() for case in self._cases)
        if follows and not self._may_begin and not self._sut.sender.given_up:
            with trio.move_on_after(max(self._time_left(), 0)):
                await self._sut.campaign.until_all_over()

    async def _run_phase(self, phase: Phase, at_a_time: int, few: int = 0) -> None:
        """Runs every case of a phase, up to `at_a_time` of them at the same time.

        Sets `_few_left` when `few` are left, unless that is 0.
        """
        left = [case for case in self._cases if case.phase is phase and not case.conclusion.done()]
        room = trio.Semaphore(at_a_time)

        async def run(case: Case) -> None:
            try:
                await self._run_case(case)
            finally:
                room.release()
                left.remove(case)
                if few and len(left) <= few:
                    self._few_left.set()

        async with trio.open_nursery() as running:
            for case in list(left):
                await room.acquire()
                if case.id in self._may_begin:
                    await self._may_begin[case.id].wait()
                running.start_soon(run, case)

    async def _run_case(self, case: Case) -> None:
        """Runs one case and records its conclusion."""
        recorder, began = self._sut.recorder, trio.current_time()
        log = CaseLog(case.id)
        recorder.enter(log)
        recorder.open_case(log, case.requirements, case.doc)
        error = await self._run_body(case)
        conclusion = conclude(recorder, log, case.requirements, error)
        took, judged = trio.current_time() - began, not isinstance(error, NotReached)
        recorder.close_case(log, conclusion.outcome, took, conclusion.detail, conclusion.why, judged=judged)
        self._publish(case, conclusion)
        self._seconds_at_last_end = self._sut.elapsed_seconds()

    def _publish(self, case: Case, conclusion: Conclusion) -> None:
        """Publishes the conclusion of a case; that of the last case is published when the session has ended."""
        if case is self._cases[-1]:
            self._last_conclusion = conclusion
        else:
            case.conclusion.set_result(conclusion)

    async def _run_body(self, case: Case) -> Exception | None:
        """Runs the body of a case, and gives the exception that it raised, or None.

        Gives NotReached if the time of the run was over before the body ended.
        """
        left = self._time_left()
        if left <= 0:
            return self._out_of_time()
        if self._sut.sender.given_up:
            return Inconclusive(self._sut.sender.given_up)
        with trio.move_on_after(left) as scope:
            try:
                await case.run(self._sut)
            except ReportError:
                raise  # nothing more can be recorded, so this ends the session
            except Exception as error:  # noqa: BLE001  the conclusion of the case rests on it
                return error
        return self._out_of_time() if scope.cancelled_caught else None

    def _time_left(self) -> float:
        if self._max_seconds is None:
            return float("inf")
        return self._max_seconds - self._sut.elapsed_seconds()

    def _out_of_time(self) -> NotReached:
        minutes = (self._max_seconds or 0) / 60
        return NotReached(f"the {minutes:g} minutes of --max-minutes were over", Why.OUT_OF_TIME)


def _waited_for(case: Case, while_waiting: Callable[[], None] | None) -> Conclusion:
    """Waits for the conclusion of a case and gives it."""
    if while_waiting is None:
        return case.conclusion.result()
    while True:
        try:
            return case.conclusion.result(PROGRESS_SECONDS)
        except TimeoutError:
            while_waiting()


def cause_of(error: BaseException) -> BaseException:
    """The error inside the exception groups of nurseries; a ReportError comes before all others."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    causes = [cause_of(each) for each in error.exceptions]
    return next((each for each in causes if isinstance(each, ReportError)), causes[0])
