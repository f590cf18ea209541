"""The registry: checks by name, verdicts stamped, graded and without repeats, and the words that replies are told in."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from typing import TYPE_CHECKING, Any

import pytest

from judging_samples import (
    NO_COMP,
    NO_VERSION,
    RUNNING,
    brief,
    exchange,
    judged,
    lenient,
    look,
    poll,
    refusal,
    silent,
    started,
    violated,
    world,
)
from reimage_conformance.judging import CHECKS, about, graded, judge
from reimage_conformance.judging.registry import REPEATS_OF_A_FAULT, judge_scope, without_repeats
from reimage_conformance.judging.wording import is_busy, is_standard, phrase, reply_summary, symptom
from reimage_conformance.model import NOTHING_CAME, TIME_LIMIT_PASSED, Exchange, Failure, FailureKind, Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from judging_samples import Said
    from reimage_conformance.judging.world import World

NAME = "REQ-REIMAGE-202"


def sample(world: World, exchanges: Sequence[Exchange], *, how: str = "bad") -> Iterator[Verdict]:
    """A check: two verdicts, the second without evidence."""
    del world
    yield about(NAME, exchanges[0]).violated("expected", how, "symptom", because=("REQ-X",))
    yield about("REQ-REIMAGE-REQID").met("there")


def run(where: World, *exchanges: Exchange, **arguments: Any) -> list[Verdict]:
    return judge(where, sample, exchanges, **arguments)  # type: ignore[arg-type]


def test_every_check_is_known_by_its_name() -> None:
    assert {name: check.__name__ for name, check in CHECKS.items()} == {name: name for name in CHECKS}
    assert {
        "refused",
        "accepted",
        "progress",
        "framing",
        "fresh_installation",
        "answered_with",
        "instance_effect",
    } <= set(CHECKS)


def test_verdicts_are_stamped() -> None:
    found = run(world(), exchange(number=7), exchange(number=8), how="odd")

    assert found == [
        Verdict(NAME, Outcome.VIOLATED, "sample", "", (7,), "expected", "odd", "symptom", ("REQ-X",), {"how": "odd"}),
        Verdict("REQ-REIMAGE-REQID", Outcome.MET, "sample", "", (7,), "", "there", "", (), {"how": "odd"}),
    ]


def test_what_falls_short_of_the_deciding_request_is_not_met_by_it() -> None:
    found = run(world(), exchange(), short_of="no reimage was tried")

    assert [(v.outcome, v.actual) for v in found] == [
        (Outcome.VIOLATED, "bad"),
        (Outcome.UNTESTED, "no reimage was tried"),
    ]


def test_causes_that_an_older_journal_gives_a_check_mean_nothing() -> None:
    found, plain = run(world(), exchange(), because=["REQ-HTTP-CL-INVALID"]), run(world(), exchange())

    assert [replace(each, arguments={}) for each in found] == plain


def test_only_some_requirements_can_be_asked_for() -> None:
    found = run(world(), exchange(), only=["REQ-REIMAGE-REQID"])

    assert [(each.requirement, each.arguments) for each in found] == [
        ("REQ-REIMAGE-REQID", {"only": ["REQ-REIMAGE-REQID"]})
    ]
    assert run(world(), exchange(), only=[]) == []


def test_a_judgement_is_made_once_for_the_same_question() -> None:
    where = world()
    run(where, exchange())
    run(where, exchange(), only=[NAME])
    assert len(where.memory) == 1
    run(where, exchange(), how="odd")
    run(where, exchange(number=2))
    assert len(where.memory) == 3


@pytest.mark.parametrize(
    ("requirement", "strict", "loose"),
    [
        ("REQ-REIMAGE-202", Outcome.VIOLATED, Outcome.VIOLATED),
        ("REQ-GOS-ORDER", Outcome.ADVISORY, Outcome.ADVISORY),
        ("REQ-ERR-CODES", Outcome.VIOLATED, Outcome.ADVISORY),
        ("REQ-REIMAGE-CT-ABSENT", Outcome.VIOLATED, Outcome.OBSERVED),
        ("REQ-VER-UNPUBLISHED", Outcome.OBSERVED, Outcome.OBSERVED),
        ("REQ-THROTTLE", Outcome.OBSERVED, Outcome.OBSERVED),
    ],
)
def test_a_violation_is_graded_by_what_it_counts_as(requirement: str, strict: Outcome, loose: Outcome) -> None:
    found = Verdict(requirement, Outcome.VIOLATED, symptom="s")

    assert graded(found, world()) == replace(found, outcome=strict)
    assert graded(found, lenient()) == replace(found, outcome=loose)


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.VIOLATED])
def test_other_verdicts_stay(outcome: Outcome) -> None:
    found = Verdict("REQ-THROTTLE", outcome)

    assert graded(found, world()) is found


def test_what_is_met_several_times_is_told_once_and_last() -> None:
    several = [about(NAME, exchange(number=n), exchange(number=90)).met(f"seen {n}") for n in (1, 2, 2, 3)]
    other = about("REQ-HTTP-DATE", exchange(number=5)).violated("e", "a", "s")
    found = without_repeats([several[0], other, *several[1:]])

    assert [(v.requirement, v.outcome, v.evidence, v.actual) for v in found] == [
        ("REQ-HTTP-DATE", Outcome.VIOLATED, (5,), "a"),
        (NAME, Outcome.MET, (1, 2), "4 exchanges"),
    ]
    assert without_repeats([Verdict(NAME, Outcome.MET, actual="x")]) == [Verdict(NAME, Outcome.MET, actual="x")]


def test_a_dozen_of_a_kind_is_enough() -> None:
    same = [about(NAME, exchange(number=n)).violated("e", "a", "s") for n in range(1, 15)]
    other = about(NAME, exchange(number=20)).violated("e", "a", "t")

    assert [v.evidence[0] for v in without_repeats([*same, other])] == [*range(1, 13), 20]


def test_a_verdict_says_what_it_is_about() -> None:
    verdict = about(NAME, exchange(number=3), exchange(number=1))

    assert verdict.met() == Verdict(NAME, Outcome.MET, evidence=(3, 1))
    assert verdict.observed("seen") == Verdict(NAME, Outcome.OBSERVED, evidence=(3, 1), actual="seen")
    assert verdict.inconclusive("why", because=("x",)) == Verdict(
        NAME, Outcome.INCONCLUSIVE, evidence=(3, 1), actual="why", because=("x",)
    )
    assert verdict.advised("e", "a", "s") == Verdict(
        NAME, Outcome.ADVISORY, evidence=(3, 1), expected="e", actual="a", symptom="s"
    )
    assert verdict.judged(bool(1), "e", "a", "s", because=("x",)) == Verdict(
        NAME, Outcome.MET, evidence=(3, 1), actual="a"
    )
    assert verdict.judged(bool(0), "e", "a", "s", because=("x",)) == Verdict(
        NAME, Outcome.VIOLATED, evidence=(3, 1), expected="e", actual="a", symptom="s", because=("x",)
    )


def test_causes_are_named() -> None:
    """A fourth value in a row would be read as what it is not."""
    verdict: Any = about(NAME)

    writes: list[Callable[[], object]] = [
        lambda: verdict.violated("e", "a", "s", ("x",)),
        lambda: verdict.judged(1, "e", "a", "s", ("x",)),
        lambda: verdict.inconclusive("why", ("x",)),
    ]
    for write in writes:
        with pytest.raises(TypeError):
            write()
    with pytest.raises(FrozenInstanceError):
        verdict.requirement = "REQ-X"
    assert not hasattr(verdict, "__dict__")


def test_a_scope_is_what_went_to_the_endpoint_until_then() -> None:
    several = [exchange(status=200, number=n, label="probe" if n == 2 else "") for n in (1, 2, 3, 4)]

    assert brief(judge_scope(world(), CHECKS["answered_202"], several, 3, {})) == [
        violated(NAME, "status:200", 1),
        violated(NAME, "status:200", 3),
    ]


def test_a_fault_inside_the_endpoint_that_a_repeat_did_not_meet_is_out_of_scope() -> None:
    def seen(*several: Exchange) -> list[int]:
        found = judge_scope(world(), CHECKS["error_statuses"], several, 9, {})
        return sorted({number for verdict in found for number in verdict.evidence})

    fault = refusal(NO_VERSION, 500, "InternalError", number=1)
    assert seen(fault, refusal(NO_VERSION, 400, number=2)) == [2]
    assert seen(fault, replace(fault, number=2)) == [1, 2]
    assert seen(fault, replace(fault, number=2), refusal(NO_VERSION, 400, number=3)) == [3]
    last = REPEATS_OF_A_FAULT + 2
    faults = [replace(fault, number=n) for n in range(1, last)]
    assert seen(*faults, refusal(NO_VERSION, 400, number=last)) == [1, last]
    assert seen(fault, refusal(NO_COMP, 400, number=2)) == [2], "the request was sent only once"
    assert seen(refusal(NO_VERSION, 400, number=1), replace(fault, number=2)) == [1], "it was not repeated"
    assert seen(refusal(NO_VERSION, 500, number=1), refusal(NO_VERSION, 400, number=2)) == [1, 2]
    head = replace(NO_VERSION, method="HEAD")
    assert seen(refusal(head, 500, number=1), refusal(head, 400, number=2)) == [2]


def test_a_500_to_a_poll_without_an_error_code_counts_only_if_it_stays() -> None:
    def seen(*several: Exchange) -> list[Said]:
        return brief(judge_scope(world(), CHECKS["polls_answered"], [started(), *several], 9, {}))

    shown, forgets = poll(RUNNING, number=2), poll(b"", 500, number=3)
    wrong = violated("REQ-GOS-200", "status:500", 3, 1)
    assert forgets.request_id
    assert wrong not in seen(shown, forgets, poll(RUNNING, number=4))
    assert wrong in seen(shown, forgets, replace(forgets, number=4))


def test_the_wording_of_replies() -> None:
    assert phrase(202) == "202 Accepted"
    assert phrase(299) == "299 (not a standard status code)"
    assert (is_standard(404), is_standard(499)) == (True, False)
    assert (reply_summary(started()), symptom(started())) == ("202 Accepted", "status:202")
    assert reply_summary(refusal(started().request, 400, "X")) == "400 Bad Request with X"
    assert reply_summary(replace(refusal(started().request, 400, "X"), failure=None)) == "400 Bad Request with X"
    assert (reply_summary(silent()), symptom(silent())) == (
        "no answer came in time: as arranged",
        "no-reply:timeout",
    )
    nothing = Exchange(1, started().request, None)
    assert (reply_summary(nothing), symptom(nothing)) == ("no answer", "no-reply")
    assert [is_busy(each) for each in (exchange(status=429), exchange(status=503), exchange(status=500), silent())] == [
        True,
        True,
        False,
        False,
    ]
    assert is_busy(exchange(status=503, failure=FailureKind.TRUNCATED)) is False


@pytest.mark.parametrize(
    ("detail", "words"),
    [
        (TIME_LIMIT_PASSED, "no answer came in time"),
        (f"{TIME_LIMIT_PASSED} ({NOTHING_CAME})", "no answer came in time"),
        (f"{TIME_LIMIT_PASSED} (after 12 octets)", "only 12 octets of the answer came in time"),
        (f"{TIME_LIMIT_PASSED} (after 2 octets of content)", "only 2 octets of content came in time"),
        (f"{TIME_LIMIT_PASSED} (after 2 of 20 octets of content)", "only 2 of 20 octets of content came in time"),
        (f"{TIME_LIMIT_PASSED} (after the interim response 100)", "only the interim response 100 came in time"),
        (f"{TIME_LIMIT_PASSED} (while the request was being sent)", "no answer came in time: while the request was being sent"),
    ],
)  # fmt: skip
def test_how_far_an_answer_came_in_time_is_told(detail: str, words: str) -> None:
    late = replace(silent(), failure=Failure(FailureKind.TIMEOUT, detail))

    assert reply_summary(late) == words


def test_a_code_that_reads_like_the_phrase_is_called_a_code() -> None:
    assert reply_summary(refusal(started().request, 409, "Conflict")) == "409 Conflict with the code Conflict"
    assert reply_summary(refusal(started().request, 409, "ConflictError")) == "409 Conflict with ConflictError"


def met_words(check: str, *exchanges: Exchange, **arguments: object) -> list[str]:
    return [v.actual for v in judged(check, list(exchanges), **arguments) if v.outcome is Outcome.MET]


class TestMet:
    """What holds is told in words of what was seen, never in those of a violation: reports show them as recorded answers."""

    def test_a_request_id_that_is_there(self) -> None:
        refused = exchange(NO_VERSION, 400, headers=(("x-ms-request-id", "a"),))
        assert met_words("error_request_ids", refused) == ["400 Bad Request with an x-ms-request-id"]

    def test_a_connection_that_was_closed(self) -> None:
        closed = replace(exchange(NO_VERSION, 400), closed=True)
        actual = met_words("closes_connection", closed, requirement="REQ-HTTP-HOST")
        assert actual == ["400 Bad Request, and the connection is closed"]

    def test_a_fresh_installation(self) -> None:
        probes = [
            exchange(status=200, body=f'{{"installation_id": "{name}"}}', number=n) for n, name in enumerate("ab", 1)
        ]
        assert met_words("fresh_installation", *probes) == [
            "the probe's installation id of contoso/contoso-v2/WebRole1_IN_0 changed from a to b"
        ]

    def test_statuses_of_instances(self) -> None:
        seen = met_words("status_vocabulary", look({"A": "ReadyRole"}))
        assert seen[:2] == ["InstanceStatus 'ReadyRole'", "InstanceStatus ReadyRole under version 2011-10-01"]
