"""Operations: single polls, their documents and order, ids that were never issued, and requests that change nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import pytest

from reimage_conformance.casebook import (
    SystemUnderTest,
    afterwards,
    alone,
    answer,
    at_the_end,
    inconclusive_unless,
    not_applicable_unless,
    smoke,
    untested_unless,
    values_verifying,
    verifies,
)
from reimage_conformance.catalogue import FIRST_VERSION, TABLE_VERSIONS
from reimage_conformance.judging.operations.documents import operation_documents
from reimage_conformance.judging.operations.polls import (
    NOT_KNOWN,
    TERMINAL,
    polls_answered,
    status_of,
    unknown_operation,
    version_of,
)
from reimage_conformance.judging.operations.progress import (
    asking_forgets,
    completes,
    fails_as_announced,
    polling_is_to_blame,
    progress,
)
from reimage_conformance.judging.request import refused
from reimage_conformance.judging.response import request_id_present
from reimage_conformance.judging.transport.answers import answered_with
from reimage_conformance.judging.transport.framing import closes_connection
from reimage_conformance.model import Exchange, Identity, Request, Why
from reimage_conformance.protocol.addresses import UriForm
from reimage_conformance.protocol.requests import VERSION_HEADER, with_header, without_header
from reimage_conformance.protocol.strategies import MALFORMED_VERSIONS
from reimage_conformance.session.operations import UNPOLLED_BECAUSE, Operation, State
from reimage_conformance.session.step_runs import Result

from .accepting import is_undisturbed, judge_completion, may_not_have_run, results_that_must_succeed
from .asking import (
    MIN_OPERATIONS_WITH_LOST_POLLS,
    dashed,
    did_not_succeed,
    ended_operation,
    issued_id,
    judge_in_other_subscription,
    judge_refusal,
    loses_other_requests_too,
    lost_a_poll,
    not_applicable_without_failing_instance,
    poll_in_every_way,
    polled_late,
    polled_operations,
    polls_at_the_end,
    start_once_more,
    unknown_ids,
)


@smoke
@afterwards
@verifies("REQ-REIMAGE-COMPLETES")
async def test_a_reimage_succeeds_in_time(sut: SystemUnderTest) -> None:
    """A valid reimage that was answered 202 reaches Succeeded with 200 within `operation_timeout_seconds` of the target file."""
    operations = [await sut.reimages.finished(result) for result in await results_that_must_succeed(sut)]
    undisturbed = [operation for operation in operations if is_undisturbed(sut, operation)]
    # If there are no others, the disturbed operations are judged: they have to succeed as well.
    judge_completion(sut, undisturbed or operations)


def may_have_been_offline(sut: SystemUnderTest, result: Result) -> bool:
    """Whether a reimage ended Failed, and its instance may not have been running."""
    return result.operation is not None and may_not_have_run(sut, result.operation)


REQUIREMENT_OF_CERTIFICATE = {Identity.PRIMARY: "REQ-REIMAGE-COMPLETES", Identity.SECOND: "REQ-AUTH-ANYCERT"}
"""The requirement that a reimage with a certificate succeeds; the second certificate is judged only if the first one succeeds."""


@alone
@verifies(*REQUIREMENT_OF_CERTIFICATE.values())
async def test_a_reimage_succeeds_after_its_instance_had_time_to_run_again(sut: SystemUnderTest) -> None:
    """If a reimage fails and nothing shows whether its instance was running, one that is sent after a wait decides."""
    offline = [result for result in await results_that_must_succeed(sut) if may_have_been_offline(sut, result)]
    not_applicable_unless(offline, "no reimage failed whose instance may not have been running")
    steps = {result.step.identity: result.step for result in offline}
    for identity in filter(steps.__contains__, REQUIREMENT_OF_CERTIFICATE):
        step = steps[identity]
        operation = await sut.reimages.start_after_rest(step.place, step.form, identity)
        await operation.over.wait()
        waited = round(operation.duration, 3)
        sut.judge(completes, *operation.exchanges, requirement=REQUIREMENT_OF_CERTIFICATE[identity], waited=waited)


DOCUMENT_REQUIREMENTS = (
    "REQ-GOS-ROOT", "REQ-GOS-ID", "REQ-GOS-STATUS", "REQ-GOS-HTTPSTATUS", "REQ-GOS-HTTPSTATUS-INT", "REQ-REIMAGE-FINAL-200", "REQ-GOS-ERROR",
    "REQ-GOS-ORDER", "REQ-GOS-CT", "REQ-GOS-REQID-OWN",
)  # fmt: skip


LABELS_OF_REPEATED_POLLS = ("poll-version", "poll-again")
"""The labels of the polls by which cases ask about an ended operation with other versions, and many times.

Plain polls after the end, labelled "poll-after-end" or "poll-late", are not among them.
"""


async def all_polls(sut: SystemUnderTest) -> list[Exchange]:
    """Every poll of every operation."""
    return [poll for operation in await polled_operations(sut) for poll in operation.polls]


async def judge_answered(sut: SystemUnderTest, operation: Operation, *, is_systematic: bool) -> None:
    """Judges that every poll of an operation was answered; `is_systematic` says that so many operations lost a poll that it is no accident."""
    last = operation.polls[-1]
    alive = last.reply is None and await sut.answers_others(last)
    arguments = {"again": True} if is_systematic else {}
    sut.judge(polls_answered, *operation.exchanges, alive=alive, **arguments)


@smoke
@afterwards
@verifies("REQ-GOS-200")
async def test_every_poll_is_answered_200(sut: SystemUnderTest) -> None:
    """A poll is answered 200 whatever the state of the operation, Failed included."""
    operations = await polled_operations(sut)
    losing = sum(lost_a_poll(sut, operation) for operation in operations)
    is_frequent = losing >= MIN_OPERATIONS_WITH_LOST_POLLS and losing * 2 > len(operations)
    is_systematic = is_frequent and not loses_other_requests_too(sut)
    await sut.in_turn(partial(judge_answered, sut, is_systematic=is_systematic), operations)


@smoke
@afterwards
@verifies("REQ-GOS-REQID")
async def test_every_poll_carries_a_request_id(sut: SystemUnderTest) -> None:
    """The response to a poll carries x-ms-request-id."""
    sut.judge(request_id_present, *await all_polls(sut), requirement="REQ-GOS-REQID")


@smoke
@afterwards
@values_verifying("requirement", {name: name for name in DOCUMENT_REQUIREMENTS})
async def test_the_document_of_each_poll(sut: SystemUnderTest, requirement: str) -> None:
    """Operation holds ID, Status, HttpStatusCode and Error as its state demands."""
    sut.judge(operation_documents, *await all_polls(sut), only=[requirement])


@at_the_end
@values_verifying("requirement", {name: name for name in DOCUMENT_REQUIREMENTS})
async def test_the_document_of_each_poll_after_the_end(sut: SystemUnderTest, requirement: str) -> None:
    """Operation holds the same with every published version, however often it is polled after its end."""
    later = [poll for poll in await all_polls(sut) if poll.label in LABELS_OF_REPEATED_POLLS]
    untested_unless(later, "no operation was polled after its end")
    sut.judge(operation_documents, *later, only=[requirement])


async def judge_progress(sut: SystemUnderTest, operation: Operation) -> None:
    """Judges the statuses of an operation; one that has ended is polled twice more."""
    for _ in range(2 if operation.state is State.ENDED else 0):
        await sut.operations.poll(operation, label="poll-after-end")
    sut.judge(progress, *operation.asked)


@smoke
@afterwards
@verifies("REQ-GOS-PROGRESS", "REQ-GOS-TERMINAL-STABLE")
async def test_the_statuses_go_from_in_progress_to_one_end(sut: SystemUnderTest) -> None:
    """InProgress, then Succeeded or Failed, and no change after it."""
    with sut.violations_at_the_end():
        await sut.each(partial(judge_progress, sut), await polled_operations(sut))


@afterwards
@verifies("REQ-GOS-ERROR", "REQ-GOS-200", "REQ-GOS-HTTPSTATUS")
async def test_a_failing_reimage_ends_failed_with_its_error(sut: SystemUnderTest) -> None:
    """A reimage that fails is reported as Failed, with an Error, in an answer with status 200."""
    not_applicable_without_failing_instance(sut)
    operation = await sut.reimages.finished(await sut.reimages.result("failing"))
    sut.judge(fails_as_announced, *operation.exchanges, overdue=operation.state is State.OVERDUE)
    requirements = ["REQ-GOS-ERROR", "REQ-GOS-HTTPSTATUS", "REQ-GOS-HTTPSTATUS-INT"]
    sut.judge(operation_documents, *operation.polls, only=requirements)


@afterwards
@verifies("REQ-GOS-VERSION-MIN")
@pytest.mark.parametrize("version", [FIRST_VERSION, "2010-04-01", "2010-10-28"])
async def test_the_first_version_is_enough_to_poll(sut: SystemUnderTest, version: str) -> None:
    """A poll may have version 2009-10-01 or a later one."""
    operation = await ended_operation(sut)
    exchange = await sut.operations.poll(operation, version=version, label="poll-version")
    others = [each for each in operation.asked if version_of(each) != version_of(exchange)]
    arguments = {"alike": "a poll with another x-ms-version"} if share_wrong_status(exchange, others) else {}
    sut.judge(answered_with, exchange, requirement="REQ-GOS-VERSION-MIN", statuses=[200], **arguments)


def share_wrong_status(exchange: Exchange, others: Sequence[Exchange]) -> bool:
    """Whether one of `others` got the same status as `exchange`, and that is not 200."""
    status = exchange.reply.status if exchange.reply is not None else 0
    return status not in (0, 200) and any(e.reply is not None and e.reply.status == status for e in others)


@afterwards
@verifies("REQ-VER-OLD-KEPT")
@pytest.mark.parametrize("status", ["Succeeded", "Failed"])
async def test_every_published_version_is_enough_to_poll(sut: SystemUnderTest, status: str) -> None:
    """Older published versions stay callable."""
    if status == "Failed":
        not_applicable_without_failing_instance(sut)
    poll = partial(sut.operations.poll, await ended_operation(sut, status), label="poll-version")
    polls = await sut.each(lambda version: poll(version=version), TABLE_VERSIONS)
    sut.judge_each(answered_with, [[each] for each in polls], requirement="REQ-VER-OLD-KEPT", statuses=[200])


LATEST = TABLE_VERSIONS[-1]
VERSIONS_IN_TURN = (None, "2009-10-01", None, "2010-10-28", "2010-04-01", None, LATEST, None, "2009-10-01", None)
"""Versions to poll with, one after the other; None is the target's own."""


@afterwards
@verifies("REQ-GOS-READONLY", "REQ-GOS-TERMINAL-STABLE")
@pytest.mark.parametrize("status", ["Succeeded", "Failed"])
async def test_polling_changes_nothing(sut: SystemUnderTest, status: str) -> None:
    """However often and with whichever version an operation is polled, its outcome is the same."""
    if status == "Failed":
        not_applicable_without_failing_instance(sut)
    operation = await ended_operation(sut, status)
    for version in VERSIONS_IN_TURN:
        await sut.operations.poll(operation, version=version, label="poll-again")
    request = sut.builder.operation_status(operation.identifier)
    ask = partial(sut.send, label="poll-again")
    operation.add_poll(await ask(replace(request, fresh_connection=True)))
    await ask(replace(request, method="HEAD"))  # `Operations` adds every HEAD to the operation that it addresses
    operation.add_poll(await ask(request))
    sut.judge(progress, *operation.asked)


@alone
@verifies("REQ-GOS-READONLY")
async def test_an_operation_that_nobody_polls_ends_the_same(sut: SystemUnderTest) -> None:
    """If polled operations fail, do not end or are lost, a reimage that is first polled late shows whether polling is the cause."""
    should_succeed = [result for result in await sut.reimages.all_finished() if result.step.expected == "succeeds"]
    unsuccessful = [
        result for result in should_succeed if did_not_succeed(result) and not may_have_been_offline(sut, result)
    ]
    not_applicable_unless(unsuccessful, "every reimage that was polled ended Succeeded")
    step, exchange = await start_once_more(sut, unsuccessful)
    late = await polled_late(sut, step, exchange)
    message = "the reimage that was first polled late did not succeed either"
    inconclusive_unless(late.status == "Succeeded", message, because=("REQ-REIMAGE-COMPLETES",))
    again = await sut.reimages.start(step.place, step.form, version=step.version)
    polled = sut.reimages.book(again, step.place, step.form, anyway=True)
    await polled.over.wait()
    inconclusive_unless(
        polled.polls, "polls were given up before this reimage could be polled", because=("REQ-GOS-200",)
    )
    sut.judge(polling_is_to_blame, late.start, late.polls[0], *polled.exchanges)


@at_the_end
@verifies("REQ-GOS-TERMINAL-STABLE")
async def test_the_end_still_stands_when_the_run_ends(sut: SystemUnderTest) -> None:
    """Long after the end every operation reports the same outcome, if it is still known."""
    ended = [operation for operation in await polled_operations(sut) if operation.state is State.ENDED]
    inconclusive_unless(
        ended, "the run had no operation that ended", because=("REQ-REIMAGE-COMPLETES",), why=Why.NO_END
    )
    polls = await sut.each(partial(sut.operations.poll, label="poll-late"), ended)
    sut.judge_each(progress, [operation.asked for operation in ended])
    latest_poll, operation = max(zip(polls, ended, strict=True), key=lambda pair: pair[0].number)
    record_retention(sut, latest_poll, operation)


@smoke
@afterwards
@verifies("REQ-GOS-UNKNOWN-ID")
async def test_an_id_that_was_never_issued_is_refused(sut: SystemUnderTest) -> None:
    """An unknown or malformed id gets 404 or 400, and is not reported as an operation."""
    await polled_operations(sut)  # waits until the campaign is over; ends the case if no operation was polled
    known = issued_id(sut)
    polls = [sut.builder.operation_status(identifier) for identifier in unknown_ids(sut, known)]
    exchanges = await sut.send_all(polls, label="poll-stranger")
    sut.judge(unknown_operation, *exchanges, issued=known)


def record_retention(sut: SystemUnderTest, poll: Exchange, operation: Operation) -> None:
    """Records whether a poll long after the start of an operation still finds it; an answer that leaves this open is recorded itself."""
    words = {"200": "is still known", **dict.fromkeys(map(str, NOT_KNOWN), "is gone")}
    found = words.get(answer(poll), f"was polled, and the answer was {answer(poll)},")
    sut.observe(
        "REQ-GOS-RETENTION", f"a finished operation {found} {poll.at - operation.start.at:.0f} s after its start", poll
    )


@afterwards
@verifies("REQ-GOS-OTHER-SUB")
async def test_an_operation_of_another_subscription_is_not_readable(sut: SystemUnderTest) -> None:
    """An id issued under one subscription is unknown under another."""
    other = not_applicable_unless(sut.target.other_subscription_id, "the target lists no second subscription")
    own = [operation for operation in await polled_operations(sut) if not operation.subscription][:3]
    inconclusive_unless(own, "no operation of the target's own subscription could be polled", because=UNPOLLED_BECAUSE)
    issued = [operation.identifier for operation in own]
    other_spellings = {dashed(issued[0]), issued[0].upper()} - {issued[0]}
    await sut.in_turn(partial(judge_in_other_subscription, sut, subscription=other), [*issued, *other_spellings])


@smoke
@afterwards
@verifies("REQ-VER-MISSING")
async def test_a_poll_without_version_is_refused(sut: SystemUnderTest) -> None:
    """A request without x-ms-version is rejected, polls included."""
    poll = sut.builder.operation_status((await ended_operation(sut)).identifier)
    await judge_refusal(sut, without_header(poll, "x-ms-version"))


@afterwards
@verifies("REQ-VER-FORMAT")
async def test_a_poll_with_a_malformed_version_is_refused(sut: SystemUnderTest) -> None:
    """A version that is no date is rejected, polls included."""
    identifier = (await ended_operation(sut)).identifier
    polls = [sut.builder.operation_status(identifier, version=version) for version in MALFORMED_VERSIONS]
    with sut.violations_at_the_end():
        await sut.each(lambda poll: judge_refusal(sut, poll), polls)


@afterwards
@verifies("REQ-ERR-VERB")
@pytest.mark.parametrize("method", ["PATCH", "BREW"])
async def test_another_verb_on_an_operation_is_refused(sut: SystemUnderTest, method: str) -> None:
    """An operation is read with GET or HEAD; other methods are refused. Another case sends POST, PUT and DELETE."""
    request = with_method(sut.builder.operation_status((await ended_operation(sut)).identifier), method)
    await judge_refused_verb(sut, await sut.send(request, label="refusal"))


@alone
@verifies(
    "REQ-GOS-200", "REQ-GOS-PROGRESS", "REQ-AUTH-ANYCERT", "REQ-AUTH-TLS", "REQ-AUTH-FAIL", "REQ-GOS-OTHER-SUB", "REQ-HTTP-CONN-CLOSE"
)  # fmt: skip
async def test_the_first_poll_may_come_at_once_and_from_a_new_connection(sut: SystemUnderTest) -> None:
    """Polls at once, on new connections, with a second certificate and between refusals show one progress; Connection: close is obeyed."""
    await sut.reimages.all_finished()
    place = sut.places()[0]
    operation = sut.reimages.book(await sut.reimages.start(place, UriForm.SLOT, closing=True), place, UriForm.SLOT)
    sut.judge(closes_connection, operation.start, requirement="REQ-HTTP-CONN-CLOSE")
    is_judged = not sut.target.is_https or await judge_anonymous_poll_at_once(sut, operation)
    while operation.is_under_way:
        await poll_in_every_way(sut, operation)
        await sut.operations.wait_one_poll_interval(operation)
    if not is_judged:
        await judge_refusal(sut, anonymous_poll(sut, operation))
    add_polls(operation, await polls_at_the_end(sut, operation))
    sut.judge(polls_answered, *operation.exchanges)
    sut.judge(progress, *operation.polls)


def anonymous_poll(sut: SystemUnderTest, operation: Operation) -> Request:
    """A poll of an operation without a client certificate."""
    return replace(sut.builder.operation_status(operation.identifier), identity=Identity.NONE)


async def judge_anonymous_poll_at_once(sut: SystemUnderTest, operation: Operation) -> bool:
    """Polls an operation without a certificate right after its 202, and judges that the poll is refused; gives whether it was judged.

    An answer as to an unknown id is not judged: the id may not be known yet, and no document says which error is reported (REQ-AUTH-ORDER).
    """
    exchange = await sut.send(anonymous_poll(sut, operation), label="refusal")
    if exchange.reply is not None and exchange.reply.status in NOT_KNOWN:
        return False
    sut.judge(refused, exchange, alive=exchange.reply is None and await sut.answers_others(exchange))
    return True


def add_polls(operation: Operation, polls: Sequence[Exchange]) -> None:
    """Adds polls to those of an operation."""
    for poll in polls:
        operation.add_poll(poll)


@afterwards
@verifies("REQ-GOS-ID-FORMS")
async def test_ids_in_other_forms(sut: SystemUnderTest) -> None:
    """Records whether the dashed form or upper case of an id is accepted, and what the ids look like."""
    issued = (await ended_operation(sut)).identifier
    plain = issued.replace("-", "")
    # By hand, since `dashed` leaves an id as it is that is no GUID.
    with_dashes = "-".join((plain[:8], plain[8:12], plain[12:16], plain[16:20], plain[20:]))
    await record_form(sut, "upper case", issued.upper())
    await record_form(sut, "dashes added or removed", plain if "-" in issued else with_dashes)


async def record_form(sut: SystemUnderTest, what: str, identifier: str) -> None:
    """Records how a poll of an id in another form is answered."""
    exchange = await sut.send(sut.builder.operation_status(identifier), label="question")
    sut.observe("REQ-GOS-ID-FORMS", f"an id in another form ({what}) is answered {answer(exchange)}", exchange)


def with_method(poll: Request, method: str) -> Request:
    """A request like `poll` with another method, and with `Content-Length: 0`."""
    return with_header(replace(poll, method=method), "Content-Length", "0")


OLDEST_VERSION = "a poll with the oldest version"
MUST_CHANGE_NOTHING = {
    OLDEST_VERSION: "REQ-GOS-READONLY",
    "DELETE": "REQ-ERR-VERB",
    "POST": "REQ-ERR-VERB",
    "PUT": "REQ-ERR-VERB",
}
"""Requests about an operation that must not change it, as words or as a method, and the requirement that says so."""
REFUSED_VERB = [400, 404, 405, 501]
"""The statuses for a method other than GET and HEAD on an operation."""


def request_that_changes_nothing(poll: Request, what: str) -> Request:
    """The request that the key `what` of MUST_CHANGE_NOTHING stands for, about the same operation as `poll`."""
    return with_header(poll, VERSION_HEADER, FIRST_VERSION) if what == OLDEST_VERSION else with_method(poll, what)


@afterwards
@verifies("REQ-GOS-READONLY", "REQ-ERR-VERB")
async def test_asking_does_not_make_an_operation_forgotten(sut: SystemUnderTest) -> None:
    """An ended operation is still found after a poll with another version and after a method that is refused.

    The requests are sent one after the other, so that none is blamed for the effect of another.
    """
    await sut.reimages.all_finished()
    with sut.violations_at_the_end():
        await judge_in_turn(sut, MUST_CHANGE_NOTHING)


async def judge_in_turn(sut: SystemUnderTest, requests: Mapping[str, str]) -> None:
    """Sends one kind of request after the other, and judges its answer and whether the operation is still found.

    `requests` is like MUST_CHANGE_NOTHING. If no ended operation is known, one that is under way or started now is asked about.
    """
    for what, requirement in requests.items():
        exchanges = await ask_about_ended(sut, what)
        if not exchanges:
            exchanges = await ask_between_polls(sut, await sut.operations.known(), what)
        sut.judge(asking_forgets, *exchanges, requirement=requirement, what=what)
        if requirement == "REQ-ERR-VERB":
            _, refused, *_ = exchanges  # as `ask_between_polls` gives them
            await judge_refused_verb(sut, refused)


async def judge_refused_verb(sut: SystemUnderTest, exchange: Exchange) -> None:
    """Judges the answer to a method other than GET and HEAD on an operation; without one, whether the endpoint answers other requests counts."""
    alive = exchange.reply is not None or await sut.answers_others(exchange)
    sut.judge(answered_with, exchange, requirement="REQ-ERR-VERB", statuses=REFUSED_VERB, alive=alive)


async def ask_about_ended(sut: SystemUnderTest, what: str) -> list[Exchange]:
    """Asks about an ended operation as `ask_between_polls` does, and about a second one if the first is not found afterwards.

    Gives three exchanges for each operation, [] if the endpoint knows none that ended.
    """
    ended = [o for o in sut.operations.all if o.state is State.ENDED and not o.subscription and not o.unwanted]
    asked: list[list[Exchange]] = []
    for operation in reversed(ended):
        if await sut.operations.is_known_now(operation):
            asked.append(await ask_between_polls(sut, operation, what))
            is_still_found = status_of(asked[-1][-1]) in TERMINAL
            if is_still_found or len(asked) == 2:
                break
    return [exchange for exchanges in asked for exchange in exchanges]


async def ask_between_polls(sut: SystemUnderTest, operation: Operation, what: str) -> list[Exchange]:
    """Polls an operation, sends the other request about it, and polls again; gives the three exchanges."""
    before = await sut.operations.poll(operation, label="poll-again")
    request = request_that_changes_nothing(sut.builder.operation_status(operation.identifier), what)
    between = await sut.send(request, label="poll-otherwise")
    return [before, between, await sut.operations.poll(operation, label="poll-again")]
