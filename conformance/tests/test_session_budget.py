"""The budget: reimages are counted once each, and never beyond the limit, whatever is under way."""

from __future__ import annotations

import pytest
import trio

from reimage_conformance.session.budget import Budget
from reimage_conformance.session.signals import Untested
from session_rig import in_time


class TestBudget:
    """Reimages are counted once each, and never beyond the limit."""

    def test_it_runs_out(self) -> None:
        budget = Budget(2)

        assert budget.can_hold_now()
        budget.spend(1)
        assert (budget.can_hold_now(), budget.can_hold_now(reserved=1)) == (True, False)
        budget.spend(1)
        assert (budget.spent, budget.can_hold_now()) == (1, True)
        budget.spend(2)
        assert (budget.spent, budget.can_hold_now()) == (2, False)

    def test_what_reimaged_nothing_is_given_back_once(self) -> None:
        budget = Budget(1)
        budget.spend(5)
        budget.give_back(4)
        assert (budget.spent, budget.can_hold_now()) == (1, False)
        budget.give_back(5)
        budget.give_back(5)
        assert (budget.spent, budget.can_hold_now()) == (0, True)

    def test_nothing_is_allowed_without_a_limit(self) -> None:
        assert Budget(0).can_hold_now() is False
        assert Budget(0).reserve == 1


class TestHolding:
    """A request under way holds a reimage of the budget, since the endpoint may start one."""

    @pytest.mark.parametrize("limit", [1, 3])
    @in_time
    async def test_what_eight_requests_start_stays_within_the_limit(self, limit: int) -> None:
        budget, sent, left_out = Budget(limit), [], []

        async def attempt(number: int) -> None:
            try:
                async with budget.hold():
                    sent.append(number)
                    assert budget.spent + budget.held <= limit
                    await trio.sleep(1)
                    budget.spend(number)
            except Untested as reason:
                left_out.append(str(reason))

        async with trio.open_nursery() as tasks:
            for number in range(8):
                tasks.start_soon(attempt, number)

        assert (len(sent), budget.spent, budget.held) == (limit, limit, 0)
        assert left_out == ["the run had sent all reimages that it may send"] * (8 - limit)

    @in_time
    async def test_requests_that_are_refused_hold_it_one_after_the_other(self) -> None:
        budget = Budget(1)

        async def attempt() -> None:
            async with budget.hold():
                await trio.sleep(1)

        async with trio.open_nursery() as tasks:
            for _ in range(8):
                tasks.start_soon(attempt)

        assert (trio.current_time(), budget.spent, budget.held) == (8.0, 0, 0)

    @in_time
    async def test_who_waits_goes_on_with_what_is_given_back(self) -> None:
        budget = Budget(1)

        async def late_failure(*, task_status: trio.TaskStatus[None]) -> None:
            async with budget.hold():
                task_status.started()
                await trio.sleep(1)
                budget.spend(7)
                budget.give_back(7)

        async with trio.open_nursery() as tasks:
            await tasks.start(late_failure)
            async with budget.hold():
                assert trio.current_time() == 1.0

    @pytest.mark.parametrize(("limit", "count"), [(1, 1), (3, 1), (6, 3), (40, 20), (500, 24)])
    @in_time
    async def test_a_group_holds_a_share_of_what_is_left(self, limit: int, count: int) -> None:
        budget = Budget(limit)
        async with budget.hold_up_to(24) as held:
            assert (held.count, budget.held) == (count, count)
        assert budget.held == 0
        budget.spent = limit
        with pytest.raises(Untested):
            await budget.hold_up_to(24).__aenter__()

    @in_time
    async def test_a_request_of_a_group_that_is_taken_apart_waits_for_others_alone(self) -> None:
        """What the group itself holds is not let go before, so that nobody waits for ever."""
        budget = Budget(4)

        async def other() -> None:
            async with budget.hold():
                await trio.sleep(1)

        async with trio.open_nursery() as tasks, budget.hold_up_to(2) as held:
            tasks.start_soon(other)
            tasks.start_soon(other)
            await trio.sleep(0.5)
            with budget.held_for_repeats(held):
                async with budget.hold_once_more():
                    assert trio.current_time() == 1.0
                held.book(1)
                budget.spend(2)
                assert (budget.spent, budget.held) == (2, 1)
                budget.spend(3)
                with pytest.raises(Untested):
                    await budget.hold_once_more().__aenter__()

    @in_time
    async def test_of_two_groups_that_hold_as_many_each_stands_for_itself(self) -> None:
        budget = Budget(12)
        async with budget.hold_up_to(2) as first, budget.hold_up_to(2) as second:
            with budget.held_for_repeats(first):
                with budget.held_for_repeats(second):
                    pass
                assert [held is first for held in budget.for_repeats] == [True]

    @in_time
    async def test_far_away_more_is_kept_for_bad_requests(self) -> None:
        kept = []
        for limit in (1, 2, 6, 40):
            budget = Budget(limit)
            budget.reserve_for_distance()
            kept.append(budget.reserve)

        assert kept == [1, 1, 4, 8]

    @in_time
    async def test_what_is_held_for_a_moment_could_still_be_allowed(self) -> None:
        budget = Budget(3, spent=1)
        with budget.held_now(2):
            assert (budget.can_hold_now(), budget.can_hold_in_the_end(2, reserved=0)) == (False, True)
        assert (budget.can_hold_in_the_end(2, reserved=1), budget.can_hold_in_the_end(3, reserved=0)) == (False, False)

    @in_time
    async def test_a_request_that_fails_holds_nothing_after_it(self) -> None:
        budget = Budget(1)
        with pytest.raises(RuntimeError):
            async with budget.hold():
                raise RuntimeError
        with trio.move_on_after(1):
            async with budget.hold():
                await trio.sleep_forever()

        assert budget.held == 0


class TestOpen:
    """An operation that runs may still fail because of its request, and give its reimage back."""

    @pytest.mark.parametrize("fails_late", [True, False])
    @in_time
    async def test_a_request_waits_for_a_reimage_that_may_come_back(self, *, fails_late: bool) -> None:
        budget, ended = Budget(1), []

        async def wait() -> None:
            try:
                async with budget.hold():
                    ended.append("sent")
            except Untested as reason:
                ended.append(str(reason))

        budget.leave_open(1)
        budget.spend(1)
        async with trio.open_nursery() as tasks:
            tasks.start_soon(wait)
            await trio.sleep(5)
            assert (ended, budget.is_spent, budget.can_hold_in_the_end(1, reserved=0)) == ([], False, True)
            if fails_late:
                budget.give_back(1)
            budget.settle(1)

        assert ended == (["sent"] if fails_late else ["the run had sent all reimages that it may send"])
        assert budget.is_spent is not fails_late

    def test_what_is_not_open_is_spent_at_once(self) -> None:
        budget = Budget(1)
        budget.settle(1)
        budget.leave_open(2)
        budget.spend(1)

        assert budget.is_spent
