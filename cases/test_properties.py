"""Property-based cases: requests with random and combined defects, and operations in random interleavings."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from allpairspy import AllPairs
from hypothesis import given, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from hypothesis.strategies import sampled_from

from reimage_conformance.casebook import SystemUnderTest, Witness, alone, assume, untested_unless, verifies
from reimage_conformance.judging.deployments import observer_answers
from reimage_conformance.judging.operations.documents import operation_documents
from reimage_conformance.judging.operations.polls import polls_answered, unknown_operation
from reimage_conformance.judging.operations.progress import progress
from reimage_conformance.judging.oracle import expectation_of
from reimage_conformance.judging.transport.answers import answered_with
from reimage_conformance.judging.transport.messages import request_ids_unique
from reimage_conformance.model import Exchange, Outcome, Profile, Request, Verdict
from reimage_conformance.protocol.addresses import FORMS, UriForm
from reimage_conformance.protocol.requests import Place, with_header, with_query
from reimage_conformance.protocol.strategies import (
    DIMENSIONS,
    Draft,
    drafts,
    invalid_lengths,
    malformed_versions,
    other_media_types,
    stranger_ids,
    unknown_names,
    with_token,
    wrong_queries,
)
from reimage_conformance.session.operations import Operation
from reimage_conformance.session.recorder import raise_bad

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from reimage_conformance.judging.registry import Check

forms = sampled_from(FORMS)
REFUSALS = ("REQ-VER-MISSING", "REQ-VER-FORMAT", "REQ-REIMAGE-VERSION-OLD", "REQ-REIMAGE-COMP-MISSING", "REQ-REIMAGE-CT-ABSENT",
            "REQ-REIMAGE-CL-ABSENT", "REQ-REIMAGE-CL-NONZERO", "REQ-ERR-VERB", "REQ-REIMAGE-UNKNOWN-INSTANCE", "REQ-REIMAGE-UNKNOWN-SERVICE",
            "REQ-REIMAGE-SLOT-OTHER")  # fmt: skip
MOST_FAILURES = 40
MOST_REIMAGES = {Profile.SMOKE: 1, Profile.STANDARD: 3, Profile.NIGHTLY: 12}
"""A property stops looking for a smaller example after MOST_FAILURES failures or this many started reimages."""


def violated(sut: SystemUnderTest) -> set[str]:
    """The requirements that this run has found violated so far."""
    return {v.requirement for v in sut.recorder.verdicts if v.outcome in (Outcome.VIOLATED, Outcome.ADVISORY)}


def masked(sut: SystemUnderTest, request: Request) -> Request:
    """The request with its subscription id masked, as in the oracle's world."""
    return replace(
        request, target=request.target.replace(sut.target.subscription_id, sut.world.target.subscription_id, 1)
    )


def broken_by(sut: SystemUnderTest, request: Request) -> list[str]:
    """The requirements that a request breaks, in the order of the oracle; with repeats, where several defects break one."""
    return [defect.requirement for defect in expectation_of(masked(sut, request), sut.world).must_be_refused_for]


@dataclass
class Search:
    """The state of the search of one property.

    `known` are requirements that earlier cases found violated, `unwanted` is the number of reimages wrongly started
    before the search, `failed` maps requests of the search to their failures.
    """

    known: set[str]
    unwanted: int
    failed: dict[Request, AssertionError] = field(default_factory=dict)

    def may_go_on(self, sut: SystemUnderTest) -> bool:
        """Whether another request may be sent: looking for the smallest example must not cost unlimited reimages."""
        reimages = sut.operations.unwanted_count - self.unwanted
        return len(self.failed) < MOST_FAILURES and reimages < MOST_REIMAGES[sut.profile] and not sut.budget.is_spent


def search_of_case(sut: SystemUnderTest) -> Search:
    """The search of the current case."""
    log = sut.recorder.log
    if log.search is None:
        log.search = Search(violated(sut), sut.operations.unwanted_count)
    search: Search = log.search
    return search


async def refuse_generated(sut: SystemUnderTest, request: Request) -> None:
    """Sends a generated request and judges its answer.

    Skips requests whose defects violate requirements that earlier cases found violated. Raises the same failure again
    for a request that failed.
    """
    search = search_of_case(sut)
    if request in search.failed:
        raise search.failed[request]
    blamed = broken_by(sut, request)
    assume(blamed and not set(blamed) & search.known and search.may_go_on(sut))
    try:
        await sut.refuse(request, blamed[0], effects=False)
    except AssertionError as error:
        search.failed[request] = error
        raise


# The first property, since each of its requests takes a connection of its own.
@verifies("REQ-HTTP-CL-INVALID")
@given(form=forms, value=invalid_lengths())
async def test_any_invalid_length_is_refused(sut: SystemUnderTest, form: UriForm, value: str) -> None:
    """A Content-Length that is no number gets 400."""
    request = with_header(sut.reimage_of(Witness.FRAMING, form), "Content-Length", value)
    await refuse_generated(sut, replace(request, fresh_connection=True))


@verifies(*REFUSALS)
@given(draft=drafts())
async def test_any_request_is_answered_as_its_defects_permit(sut: SystemUnderTest, draft: Draft) -> None:
    """With any number of defects, the answer is one that a defect permits."""
    await refuse_generated(sut, draft.request(sut.builder, sut.main_witness(Witness.DRAWN)))


@verifies("REQ-VER-FORMAT")
@given(form=forms, version=malformed_versions())
async def test_any_malformed_version_is_refused(sut: SystemUnderTest, form: UriForm, version: str) -> None:
    """Any value other than YYYY-MM-DD is refused."""
    await refuse_generated(sut, sut.reimage_of(Witness.VERSION, form, version=version))


@verifies("REQ-REIMAGE-CT-ABSENT")
@given(form=forms, value=other_media_types())
async def test_any_other_media_type_is_refused(sut: SystemUnderTest, form: UriForm, value: str) -> None:
    """Any media type other than application/xml is refused."""
    await refuse_generated(sut, with_header(sut.reimage_of(Witness.MEDIA_TYPE, form), "Content-Type", value))


@verifies("REQ-REIMAGE-COMP-MISSING")
@given(form=forms, query=wrong_queries())
async def test_any_other_query_is_refused(sut: SystemUnderTest, form: UriForm, query: str) -> None:
    """Any query other than comp=reimage is refused."""
    await refuse_generated(sut, with_query(sut.reimage_of(Witness.QUERY, form), query))


@verifies("REQ-REIMAGE-UNKNOWN-INSTANCE")
@given(form=forms, name=unknown_names())
async def test_any_unknown_instance_is_refused(sut: SystemUnderTest, form: UriForm, name: str) -> None:
    """Random names, whatever characters they hold, address no instance."""
    request = sut.reimage_of(Witness.ADDRESS, form)
    path, mark, query = request.target.partition("?")
    named = replace(request, target=f"{path.rpartition('/')[0]}/{name}{mark}{query}")
    await refuse_generated(sut, with_token(named, sut.builder.token))


@verifies("REQ-GOS-UNKNOWN-ID")
@given(identifier=stranger_ids())
async def test_any_stranger_is_no_operation(sut: SystemUnderTest, identifier: str) -> None:
    """An id that was never issued is not reported as an operation."""
    assume("REQ-GOS-UNKNOWN-ID" not in search_of_case(sut).known)
    sut.judge(unknown_operation, await sut.send(sut.builder.operation_status(identifier), label="poll-stranger"))


async def refuse_unless_known(sut: SystemUnderTest, draft: Draft) -> bool:
    """Sends a request with these defects and judges its refusal, unless a requirement that it breaks is known to be violated.

    Gives whether it was sent.
    """
    request = draft.request(sut.builder, sut.main_witness(Witness.DRAWN))
    blamed = broken_by(sut, request)
    if not blamed or set(blamed) & violated(sut):
        return False
    await sut.refuse(request, blamed[0], effects=False)
    return True


@verifies(*REFUSALS)
async def test_combinations_of_defects_are_covered(sut: SystemUnderTest) -> None:
    """All pairs of dimensions of defects, in nightly all triples, are answered as one of the defects permits."""
    width = 3 if sut.profile is Profile.NIGHTLY else 2
    rows = [list(FORMS), *DIMENSIONS.values()]
    combined = [Draft(row[0], tuple(row[1:])) for row in AllPairs(rows, n=width)]
    sent = sum([await refuse_unless_known(sut, draft) for draft in combined])
    values = sum(len(choices) for choices in rows)
    sut.recorder.note("coverage", what="combinations", width=width, dimensions=len(rows), values=values, requests=sent)
    untested_unless(sent, "every combination holds a defect that is known to be violated")


class Interleaving(RuleBasedStateMachine):
    """Reimages, polls, refusals and looks in any order, over several deployments.

    Hypothesis runs the machine in a thread of its own; `wait_for` runs an asynchronous function in the session.
    `verdicts` is shared by all machines: the case raises the bad ones when all machines are done, because an endpoint
    cannot be reset to replay a failure.
    """

    def __init__(self, sut: SystemUnderTest, reimages: int, verdicts: list[Verdict]) -> None:
        super().__init__()
        self.sut, self.reimages_left, self.verdicts = sut, reimages, verdicts
        self.operations: list[Operation] = []

    def wait_for(self, function: Callable[..., Awaitable[Any]], *arguments: Any, **options: Any) -> Any:
        """Runs an asynchronous function in the session and returns its result."""
        return self.sut.wire.from_thread(partial(function, *arguments, **options))

    def judge(self, check: Check, *exchanges: Exchange, **arguments: Any) -> None:
        """Judges exchanges and keeps the verdicts."""
        self.wait_for(self._judge, check, exchanges, arguments)

    async def _judge(self, check: Check, exchanges: tuple[Exchange, ...], arguments: dict[str, Any]) -> None:
        self.verdicts += self.sut.recorder.judge(check, exchanges, **arguments)

    @rule(index=sampled_from(range(6)), form=forms)
    def start(self, index: int, form: UriForm) -> None:
        """Reimages an instance of some deployment, if no operation is under way there."""
        deployments = [d for d in self.sut.target.deployments if d.role_instances]
        deployment = deployments[index % len(deployments)]
        place = Place(deployment, deployment.role_instances[index % len(deployment.role_instances)])
        free = not self.sut.operations.has_operation_on(deployment) and not self.sut.operations.hopeless
        if self.reimages_left <= 0 or not free or not self.sut.reimages.may_start():
            return
        exchange = self.wait_for(self.sut.reimages.start_beside, place, form)
        if exchange.reply is None or exchange.reply.status != 202:
            return
        self.reimages_left -= 1
        self.operations.append(self.wait_for(self._booked, exchange, place, form))

    async def _booked(self, exchange: Exchange, place: Place, form: UriForm) -> Operation:
        return self.sut.reimages.book(exchange, place, form)

    @rule(index=sampled_from(range(4)), version=sampled_from((None, "2009-10-01", "2010-10-28")))
    def poll(self, index: int, version: str | None) -> None:
        """Polls any operation, under way or over, with any version."""
        known = [operation for operation in self.operations if operation.identifier]
        if known:
            operation = known[index % len(known)]
            self.wait_for(self.sut.operations.poll, operation, version=version, label="poll-model")
            self.judge(progress, *operation.polls)

    @rule(form=forms, draft=drafts())
    def refuse(self, form: UriForm, draft: Draft) -> None:
        """Sends a request that must be refused while operations run."""
        request = replace(draft, form=form).request(self.sut.builder, self.sut.main_witness(Witness.DRAWN))
        blamed = set(broken_by(self.sut, request))
        if blamed and not blamed & violated(self.sut) and not self.sut.budget.is_spent:
            with suppress(AssertionError):  # the verdict is kept; the machine goes on
                self.wait_for(self.sut.refuse, request, min(blamed) if len(blamed) == 1 else "", effects=False)

    @rule(index=sampled_from(range(4)))
    def look(self, index: int) -> None:
        """Looks at a deployment, and judges that it is shown."""
        if self.sut.instances.offers_deployment:
            deployments = self.sut.target.deployments
            shown = self.wait_for(self.sut.instances.look, deployments[index % len(deployments)])
            self.judge(observer_answers, shown, requirement="REQ-DEPL-URI")

    @rule()
    def wait(self) -> None:
        """Lets time pass."""
        for operation in self.sut.operations.under_way[:1]:
            self.wait_for(self.sut.operations.wait_one_poll_interval, operation)

    @invariant()
    def every_operation_has_an_id_of_its_own(self) -> None:
        """Ids are not reused."""
        starts = [operation.start for operation in self.operations]
        if len(starts) > 1:
            self.judge(request_ids_unique, *starts)

    def teardown(self) -> None:
        """Waits for the end of every operation, and judges its polls."""
        for operation in self.operations:
            self.wait_for(operation.over.wait)
            if operation.polls:
                self.judge(progress, *operation.polls)
                self.judge(polls_answered, operation.start, *operation.polls)
        polls = [poll for operation in self.sut.operations.all for poll in operation.polls]
        if self.operations and polls:
            self.judge(operation_documents, *polls)


@alone
@verifies("REQ-GOS-PROGRESS", "REQ-GOS-TERMINAL-STABLE", "REQ-GOS-READONLY", "REQ-ASYNC-REQID-UNIQUE")
async def test_operations_interleave(sut: SystemUnderTest) -> None:
    """Whatever else is sent meanwhile, each operation goes from InProgress to one end."""
    await sut.reimages.all_finished()
    machines = {Profile.SMOKE: 1, Profile.STANDARD: 3, Profile.NIGHTLY: 25}[sut.profile]
    chosen: Any = settings(max_examples=machines, stateful_step_count=20 if sut.profile is not Profile.NIGHTLY else 60)
    verdicts: list[Verdict] = []
    machine: Any = lambda: Interleaving(sut, 2, verdicts)  # noqa: E731  typed as a class, called without arguments
    await sut.wire.in_thread(lambda: run_state_machine_as_test(seed(sut.seed)(machine), settings=chosen))
    raise_bad(verdicts)


@alone
@verifies("REQ-GOS-200")
@pytest.mark.parametrize("spacing", [1, 4])
async def test_many_polls_on_one_connection(sut: SystemUnderTest, spacing: int) -> None:
    """The last of many polls on a connection is answered like the first."""
    await sut.reimages.all_finished()
    known = await sut.operations.known_poll()
    exchanges: list[Exchange] = [await sut.send(known, label="poll-row") for _ in range(8 * spacing)]
    sut.judge(answered_with, exchanges[-1], requirement="REQ-GOS-200", statuses=[200])
