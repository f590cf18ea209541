"""How a session spends reimages: on what ought to be refused only as often as it takes to know, and on what decides most first."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from memory_runs import run_in_memory
from reimage_conformance.emulator import LAYOUTS
from reimage_conformance.journal import read_journal
from reimage_conformance.model import Profile, Strictness
from reimage_conformance.protocol.addresses import UriForm
from reimage_conformance.protocol.requests import with_header, with_query, without_header
from reimage_conformance.session.budget import SPENT
from reimage_conformance.session.signals import Inconclusive, Nonconformance, Untested
from reimage_conformance.session.thresholds import MAX_VIOLATIONS_PER_REQUIREMENT
from session_runs import in_run

if TYPE_CHECKING:
    from pathlib import Path

    from reimage_conformance.session.sut import SystemUnderTest

COMP_IGNORED = "comp-ignored"
"""An endpoint that takes a reimage for one whatever its comp says."""


async def exhaust(sut: SystemUnderTest) -> None:
    """Has as many requests accepted that break the rule on comp as are sent at most."""
    sound = sut.builder.reimage(sut.main_witness())
    for number in range(MAX_VIOLATIONS_PER_REQUIREMENT):
        with pytest.raises(Nonconformance, match="REQ-REIMAGE-COMP-MISSING"):
            await sut.refuse(with_query(sound, f"comp={number}"))


def test_what_was_accepted_often_enough_is_not_sent_again(tmp_path: Path) -> None:
    async def body(sut: SystemUnderTest) -> None:
        sound = sut.builder.reimage(sut.main_witness())
        await exhaust(sut)
        sent = [each for each in sut.recorder.exchanges if "comp=once-more" in each.request.target]

        with pytest.raises(Untested, match=r"same reason \(REQ-REIMAGE-COMP-MISSING\) had been accepted"):
            await sut.refuse(with_query(sound, "comp=once-more"))
        assert sent == []
        assert sut.operations.unwanted_count == MAX_VIOLATIONS_PER_REQUIREMENT

    in_run(tmp_path, body, COMP_IGNORED)


def test_no_more_are_accepted_where_many_are_sent_beside_each_other(tmp_path: Path) -> None:
    async def body(sut: SystemUnderTest) -> None:
        sound = sut.builder.reimage(sut.main_witness())
        with pytest.raises(Nonconformance):
            await sut.refuse_all([with_query(sound, f"comp={number}") for number in range(20)])

        assert sut.operations.unwanted_count == MAX_VIOLATIONS_PER_REQUIREMENT

    in_run(tmp_path, body, COMP_IGNORED)


def test_what_breaks_something_else_too_is_still_sent(tmp_path: Path) -> None:
    async def body(sut: SystemUnderTest) -> None:
        sound = sut.builder.reimage(sut.main_witness())
        await exhaust(sut)

        refused = await sut.refuse(with_header(with_query(sound, "comp=9"), "x-ms-version", "new"))
        assert refused.reply is not None
        assert refused.reply.status == 400

    in_run(tmp_path, body, COMP_IGNORED)


def test_requests_for_nothing_are_not_sent_once_they_were_seen_to_reimage_something(tmp_path: Path) -> None:
    async def body(sut: SystemUnderTest) -> None:
        await sut.campaign.until_no_step_runs()
        before = sut.budget.spent
        for _ in range(MAX_VIOLATIONS_PER_REQUIREMENT):
            await sut.try_out(sut.unknown_instance())

        with pytest.raises(Inconclusive) as found:
            await sut.try_out(sut.unknown_instance())
        assert found.value.because == ("REQ-REIMAGE-UNKNOWN-INSTANCE", "REQ-REIMAGE-UNKNOWN-SERVICE")
        assert sut.budget.spent - before == MAX_VIOLATIONS_PER_REQUIREMENT
        assert (await sut.try_out(sut.builder.reimage(sut.main_witness()))).reply is not None

    in_run(tmp_path, body, "instance-unknown-is-first")


@pytest.mark.parametrize("listed", [1, 2])
def test_a_request_for_nothing_that_reimages_what_is_not_listed_is_seen_before_the_next_one(
    tmp_path: Path, listed: int
) -> None:
    """`instance-unknown-is-first` reimages the first instance of the deployment, which the target file may not list."""
    whole, *_ = LAYOUTS["two-instances"]
    part = (replace(whole, instances=whole.instances[-listed:]),)

    async def body(sut: SystemUnderTest) -> None:
        await sut.instances.look(sut.planner.main)
        first = await sut.try_out(sut.unknown_instance())
        looks = [each for each in sut.recorder.exchanges if each.number > first.number and each.label == "look"]
        assert bool(looks) == (listed == 1)
        if listed == 1:
            with pytest.raises(Untested, match="left ReadyRole"):
                await sut.try_out(sut.unknown_instance())

    in_run(tmp_path, body, "instance-unknown-is-first", opened=False, world=(whole,), listed=part)


def test_requests_for_nothing_are_sent_as_long_as_they_reimage_nothing(tmp_path: Path) -> None:
    async def body(sut: SystemUnderTest) -> None:
        await sut.campaign.until_no_step_runs()
        before = sut.budget.spent
        many = MAX_VIOLATIONS_PER_REQUIREMENT + 2
        answers = [(await sut.try_out(sut.unknown_instance())).reply for _ in range(many)]

        assert [answer.status for answer in answers if answer is not None] == [202] * many
        assert sut.budget.spent == before

    in_run(tmp_path, body, COMP_IGNORED, oddities=("unknown-targets-fail-later",))


@pytest.mark.parametrize(
    ("strictness", "odd"),
    [
        (Strictness.LENIENT, "historical-type-missing"),
        (Strictness.LENIENT, "type-400"),
        (Strictness.STRICT, "type-400"),
    ],
)
def test_what_may_be_accepted_is_not_sent_while_the_instance_is_watched(
    tmp_path: Path, strictness: Strictness, odd: str
) -> None:
    async def body(sut: SystemUnderTest) -> None:
        await sut.campaign.until_sent("control-slot")
        (watch,) = sut.instances.watches
        request = without_header(sut.builder.reimage(sut.main_witness()), "Content-Type")
        sent = (await sut.try_out(request)).number
        await watch.over.wait()

        started = [each.label for each in sut.recorder.exchanges if each.number < sent and "step" in each.label]
        last = max(look.number for look in watch.looks)
        assert (last < sent, started) == (strictness is Strictness.LENIENT, ["step:control-slot"])

    changes: dict[str, Any] = {"world": LAYOUTS["one-instance"], "strictness": strictness, "profile": Profile.STANDARD}
    in_run(tmp_path, body, oddities=(odd,), **changes)


def test_a_look_costs_nothing(tmp_path: Path) -> None:
    async def body(sut: SystemUnderTest) -> None:
        await sut.campaign.until_no_step_runs()
        sut.budget.limit = sut.budget.spent

        for look in (sut.builder.operation_status("0" * 32), sut.builder.deployment(sut.planner.main)):
            assert (await sut.attempt(look)).reply is not None
            assert (await sut.attempt(replace(look, method="HEAD"))).reply is not None
            with pytest.raises(Untested, match="the run had sent all reimages that it may send"):
                await sut.attempt(replace(look, method="POST"))
        for request in (sut.unknown_instance(), replace(sut.unknown_instance(), method="GET")):
            with pytest.raises(Untested, match="the run had sent all reimages that it may send"):
                await sut.attempt(request)

    in_run(tmp_path, body, COMP_IGNORED)


def test_a_refused_step_is_taken_apart_before_anything_else_is_spent(tmp_path: Path) -> None:
    async def body(sut: SystemUnderTest) -> None:
        sut.campaign.allow_remaining_steps()
        await sut.reimages.all_finished()
        results = sut.campaign.results

        assert "minimum-name+second-certificate" not in results
        assert results["second-certificate"].is_accepted is False
        assert results["minimum-name"].is_accepted is True
        assert results["other-slot"] is results["minimum-slot"]
        assert results["other-slot"].is_accepted is True
        assert results["again"].skipped == SPENT
        assert sut.budget.spent == 6

    in_run(tmp_path, body, "second-certificate-refused", profile=Profile.STANDARD, max_reimages=6)


def test_a_refusal_that_stops_short_is_not_asked_for_again(tmp_path: Path) -> None:
    code = run_in_memory(tmp_path, "--fault", "length-too-long[refused]")

    journal = read_journal(tmp_path / "journal.jsonl")
    stopped = [each for each in journal.exchanges.values() if each.response and each.reply is None]
    counted = Counter(each.label for each in stopped)
    assert code == 1
    assert counted["refusal"] > 20
    assert counted["refusal-again"] == 0
    assert counted["refusal"] < 100, "one of each kind tells enough"
    assert sum(each.elapsed for each in stopped) < 200


@pytest.mark.parametrize("connections", [1, 8])
def test_a_refusal_that_is_missing_is_asked_for_again_until_it_is_clear_that_none_comes(
    tmp_path: Path, connections: int
) -> None:
    code = run_in_memory(
        tmp_path, "--fault", "length-invalid-hangs", "--connections", str(connections), "-k", "invalid_content_length"
    )

    exchanges = read_journal(tmp_path / "journal.jsonl").exchanges.values()
    silent = Counter(each.label for each in exchanges if each.response is None and each.failure and each.elapsed > 5)
    assert code == 1
    assert set(silent) == {"refusal", "refusal-again"}
    assert silent["refusal-again"] >= 2, "one alone may have been lost on its way"
    most = 2 if connections == 1 else MAX_VIOLATIONS_PER_REQUIREMENT
    assert max(silent.values()) <= most


def test_requests_with_several_mistakes_are_not_waited_for_where_one_of_these_is_never_answered(tmp_path: Path) -> None:
    words = "chunked_body or combinations_of_defects"
    code = run_in_memory(tmp_path, "--fault", "chunked-hangs", "--connections", "8", "-k", words)

    exchanges = read_journal(tmp_path / "journal.jsonl").exchanges.values()
    silent = Counter(each.label for each in exchanges if each.response is None and each.failure and each.elapsed > 5)
    assert code == 1
    assert set(silent) == {"refusal", "refusal-again", "step:chunked"}
    assert sum(silent.values()) <= 2 * MAX_VIOLATIONS_PER_REQUIREMENT + 4


def test_a_request_that_stayed_a_conflict_is_sent_once_more_after_one_of_its_kind_is_answered_otherwise(
    tmp_path: Path,
) -> None:
    """Something else holds the deployment from 0.6 s to 8 s after the first reimage, so that every reimage in it is answered 409."""

    async def body(sut: SystemUnderTest) -> None:
        place = sut.main_witness()
        operation = sut.reimages.book(await sut.reimages.start(place, UriForm.SLOT), place, UriForm.SLOT)
        await operation.over.wait()
        await sut.sender.patience.rest(1.0)
        absent, other = (
            sut.builder.reimage_at(place.deployment.cloud_service, UriForm.SLOT, place.deployment.slot, name)
            for name in (sut.builder.no_instance, f"{sut.builder.no_instance}x")
        )
        with pytest.raises(Nonconformance, match="REQ-REIMAGE-UNKNOWN-INSTANCE"):
            await sut.refuse(absent)
        await sut.sender.patience.rest(10.0)
        await sut.refuse(other)

        own = f"/{sut.builder.no_instance}?"
        answers = [e.reply.status for e in sut.recorder.exchanges if own in e.request.target and e.reply is not None]
        assert set(answers[:-1]) == {409}
        assert answers[-1] == 404

    in_run(tmp_path, body, oddities=("locked-by-another-unnamed", "busy-checked-first"))
