"""The system under test, as a case sees it: sends requests to it, and judges the answers."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar

import trio

from reimage_conformance.assessment.fronts import closed_reimages, front_of
from reimage_conformance.judging.instances.effects import settling_seconds
from reimage_conformance.judging.transport.answers import same_answer
from reimage_conformance.protocol.addresses import UriForm
from reimage_conformance.protocol.requests import VERSION_HEADER, Place, without_header
from reimage_conformance.session.answering import BadRequestSender
from reimage_conformance.session.bad_requests import ExpectedRefusal, Reader
from reimage_conformance.session.campaign import Campaign
from reimage_conformance.session.guarding import Guard
from reimage_conformance.session.judging import Judging
from reimage_conformance.session.manner import Manner
from reimage_conformance.session.recorder import may_change_something
from reimage_conformance.session.refusals import Refusals
from reimage_conformance.session.reimages import Reimages
from reimage_conformance.session.signals import Nonconformance
from reimage_conformance.session.step_runs import StepRuns
from reimage_conformance.session.steps import Planner
from reimage_conformance.session.thresholds import FAR_SECONDS, SLOW_SECONDS, SLOWER_BY
from reimage_conformance.session.witnesses import Witness

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Container, Iterable, Mapping

    from reimage_conformance.model import Exchange, Profile, Request, Target
    from reimage_conformance.session.collaborators import Collaborators

Answer = TypeVar("Answer")


class SystemUnderTest(Judging):
    """The endpoint being judged.

    `reimages` gives the results of the campaign. `operations` holds the accepted operations. `instances` and `probe`
    show role instances. `refusals` handles requests that ought to be refused. `take_up` restores the state of an
    earlier part of the run, if there was one. `is_another_try` says that this is another try of a run: `open` does not ask
    again what the run has asked at its beginning.
    """

    def __init__(self, target: Target, profile: Profile, seed: int, parts: Collaborators) -> None:
        super().__init__(parts.recorder)
        self.target, self.profile, self.seed = target, profile, seed
        self.sender, self.builder, self.budget = parts.sender, parts.builder, parts.budget
        self.instances, self.probe, self.wire = parts.instances, parts.probe, parts.wire
        self.operations, self.gate_learns = parts.operations, parts.gate_learns
        self.random = Random(seed)  # noqa: S311  examples are no secrets
        self.planner = Planner(target, profile)
        self.step_runs = StepRuns(parts)
        self.campaign = Campaign(self.planner.steps, self.step_runs, parts)
        self.reimages = Reimages(self.campaign, self.planner, profile, parts)
        guard = self.guard = Guard(self.recorder, self.operations)
        reader = Reader(replace(self.world, target=target, memory={}))
        unlisted, pause = guard.deployments_with_unlisted, self.campaign.pause
        bad_requests = BadRequestSender(parts, reader, deployments_with_unlisted=unlisted, pause_campaign=pause)
        self.refusals = Refusals(bad_requests, reader, parts)
        self.sender.on_exchange = self._see
        self.sender.why_blocked = lambda request: guard.why_blocked(request, reader.world)
        self.take_up: Callable[[], Awaitable[None]] | None = None
        self.is_another_try = False
        self._began = self.sender.clock.now()

    def _see(self, exchange: Exchange) -> None:
        """Shows each exchange to the parts that watch all of them."""
        self.operations.note_head(exchange)
        self.guard.take(exchange)

    def elapsed_seconds(self) -> float:
        """Seconds since the run began."""
        return self.sender.clock.now() - self._began

    # The run: opened before the first case.

    async def open(self, tasks: trio.Nursery) -> None:
        """Checks the credentials, looks at every deployment, and starts the campaign.

        Background tasks run in `tasks`.
        """
        self.operations.follow_in(tasks)
        self.instances.set_nursery(tasks)
        answered = None if self.is_another_try else await self._check_credentials()
        self.sender.life.questions = self._questions()  # from now on a missing reply is waited out
        if answered is not None:
            await self._find_width(answered)
        await self.instances.find_out()
        listed = await self.instances.survey()
        if not self.world.listed:  # otherwise an earlier part of the run has listed them
            self.recorder.world = replace(self.world, listed=listed, memory={})
            self.recorder.note("listed", listed={name: list(instances) for name, instances in listed.items()})
        self.refusals.reader.see(self.recorder.world)
        if self.take_up is not None:
            await self.take_up()
        if self.probe.offered:
            await self.each(self.probe.installation, self.places())
        tasks.start_soon(self.campaign.run)
        if not self.is_another_try:
            tasks.start_soon(self._give_up_if_none_is_served)

    async def _check_credentials(self) -> Request | None:
        """Finds out whether sound requests reach the service, and gives one that was answered, or None.

        Where it is certain that they do not, the run is given up.
        """
        main = self.planner.main
        answered, front = None, None
        for request in (
            self.builder.operation_status("0" * 32),
            self.builder.deployment(main),
            self.unknown_instance(),
        ):
            exchange = await self.sender.send_and_follow_up(request, Manner("check-credentials"))
            answered = request if exchange.reply is not None else answered
            front = front_of(self.world, self.recorder.exchanges)
            if front is None and answered is not None:
                return answered
        if front is not None and front.is_certain:
            self.sender.give_up(front.sentence)
        return answered

    async def _give_up_if_none_is_served(self) -> None:
        """Waits until a reimage was sent in every planned form, and gives the run up if no sound request reaches the service."""
        for name in self._first_steps(tuple(UriForm)):
            await self.campaign.until_sent(name)
        front = front_of(self.world, self.recorder.exchanges)
        closed = closed_reimages(self.world, self.recorder.exchanges)
        reason = front.sentence if front is not None else closed
        if reason:
            self.sender.give_up(reason)

    async def until_controlled(self, forms: Container[UriForm] | None = None) -> None:
        """Waits until a sound reimage was sent in each of `forms`, and its operation polled.

        Without `forms`, they are those in which bad requests were sent: a refusal counts only where a sound request in
        the same form is accepted. Another try relies on those of the run.
        """
        if self.is_another_try:
            return
        for name in self._first_steps(self.refusals.forms if forms is None else forms):
            await self.campaign.until_sent(name)
            result = self.campaign.results.get(name)
            operation = result.operation if result is not None else None
            while operation is not None and operation.is_under_way and not operation.is_known:
                await self.operations.wait_one_poll_interval(operation)

    def limit_campaign(self, may_start: Callable[[tuple[str, ...]], bool]) -> None:
        """Makes the campaign start the first step in each form, and others only when a case asks for them and `may_start` allows it.

        `may_start` gets the names of a step.
        """
        self.campaign.hold_back_all_but(self._first_steps(tuple(UriForm)), lambda step: may_start(step.names))

    def limit_campaign_to_demand(self, may_start: Callable[[tuple[str, ...]], bool]) -> None:
        """Makes the campaign start a step only when a case asks for it: the first in each form, and those that `may_start` allows.

        `may_start` gets the names of a step.
        """
        first = set(self._first_steps(tuple(UriForm)))
        self.campaign.hold_back_all_but((), lambda step: not first.isdisjoint(step.names) or may_start(step.names))

    def keep_reimage_for_comparing(self) -> None:
        """Keeps a reimage of the budget for a case that looks at every deployment while an instance is reimaged.

        It shows whether the endpoint reimages the instance of the same name in another deployment instead. Nothing is
        kept where no two deployments list an instance of the same name, or where no look would show it.
        """
        self.budget.keep(int(bool(self.planner.namesakes) and self.instances.offers_deployment))

    async def until_no_request_has_effect(self) -> None:
        """Waits until no earlier request can take an instance offline any more, even one that was refused.

        It waits only where an instance stayed at ReadyRole although its reimage succeeded. Then it matters which request
        took another instance offline.
        """
        if self.planner.namesakes and self.campaign.an_instance_stayed:
            longest = self.operations.longest_seconds or 0.0
            await self.sender.patience.rest(
                longest + settling_seconds(longest, self.sender.limits, departs_early=False)
            )

    def _first_steps(self, forms: Container[UriForm]) -> list[str]:
        """The names of the first planned steps in these forms; refusals are compared with them."""
        first = {step.form: step.name for step in reversed(self.planner.steps)}
        return [name for form, name in first.items() if form in forms]

    async def _find_width(self, question: Request) -> None:
        """Sends a question that was answered once alone, then in all lanes; narrows the lanes if the endpoint is slow then.

        An endpoint that is far away gets more reimages reserved for bad requests.
        """
        question = replace(question, fresh_connection=True)
        alone = await self.sender.send_and_follow_up(question, Manner("width"))
        together = await self.each(
            lambda request: self.sender.send_and_follow_up(request, Manner("width")),
            [question] * self.sender.lanes.asked_for,
        )
        if alone.elapsed > FAR_SECONDS:
            self.budget.reserve_for_distance()
        slowest = max((exchange.elapsed for exchange in together), default=0.0)
        if slowest > SLOW_SECONDS and slowest > SLOWER_BY * alone.elapsed:
            slowness = f"the slowest of {len(together)} requests at the same time took {slowest:.2f} s, and one alone {alone.elapsed:.2f} s"
            self.sender.lanes.narrow(1, slowness)

    def _questions(self) -> list[Request]:
        """The questions that ask for a sign of life: a poll, a reimage that starts nothing, and a look.

        There are three, since a faulty endpoint may not answer one kind of request.
        """
        poll = self.builder.operation_status("0" * 32)
        nothing = self.builder.reimage_at(self.builder.no_service, UriForm.SLOT, "production", self.builder.no_instance)
        look = self.builder.deployment(self.planner.main)
        return [replace(each, fresh_connection=True) for each in (poll, without_header(nothing, VERSION_HEADER), look)]

    async def answers_others(self, exchange: Exchange) -> bool:
        """Whether the endpoint answered other requests when `exchange` got no reply, and still does: it ignored that request."""
        return self.sender.answers_others(exchange) and await self.sender.is_alive()

    # Sending.

    async def send(self, request: Request, **options: Any) -> Exchange:
        """Sends a request that cannot start a reimage, or whose operation the case books itself."""
        return await self.sender.send(request, Manner(**options))

    async def send_all(self, requests: Iterable[Request], **options: Any) -> list[Exchange]:
        """Sends requests at the same time; gives the exchanges in the order of the requests."""
        return await self.each(partial(self.send, **options), requests)

    async def each(self, function: Callable[[Any], Awaitable[Answer]], values: Iterable[Any]) -> list[Answer]:
        """Calls an asynchronous function with each of `values`, at the same time, and gives the results in order.

        Raises one of the exceptions that were raised, a Nonconformance before all others.
        """
        given = list(values)
        answers: dict[int, Answer] = {}
        raised: dict[int, Exception] = {}

        async def one(number: int, value: Any) -> None:
            try:
                answers[number] = await function(value)
            except Exception as error:  # noqa: BLE001  raised below, by itself
                raised[number] = error

        async with trio.open_nursery() as nursery:
            for number, value in enumerate(given):
                nursery.start_soon(one, number, value)
        if raised:
            raise next((error for error in raised.values() if isinstance(error, Nonconformance)), raised[min(raised)])
        return [answers[number] for number in range(len(given))]

    async def in_turn(self, function: Callable[[Any], Awaitable[Answer]], values: Iterable[Any]) -> list[Answer]:
        """Calls an asynchronous function with each of `values`, one after the other; violations are raised after the last one."""
        with self.violations_at_the_end():
            return [await function(value) for value in values]

    async def refuse(self, request: Request, requirement: str = "", **options: Any) -> Exchange:
        """Sends a request that ought to be refused, and judges the answer, and that no reimage was started.

        `options` are those of `ExpectedRefusal`.
        """
        return await self.refusals.refuse(ExpectedRefusal(request, requirement, **options))

    async def refuse_all(self, requests: Iterable[Request], requirement: str = "", **options: Any) -> list[Exchange]:
        """Sends several requests that ought to be refused, at the same time, and judges them as `refuse` does."""
        return await self.each(lambda request: self.refuse(request, requirement, **options), requests)

    async def attempt(self, request: Request, *, label: str = "refusal", **options: Any) -> Exchange:
        """Sends a request that ought to be refused, within the budget; repeats it after a conflict; judges nothing."""
        return await self.refusals.attempt(request, label=label, **options)

    async def try_out(self, request: Request, *, label: str = "refusal", **options: Any) -> Exchange:
        """Sends a request that may be accepted or refused, and waits for the end of the operation that it started, if any."""
        return await self.refusals.try_out(request, label=label, **options)

    async def settle(self, exchange: Exchange) -> None:
        """Books the operation of a request that was answered 202, if any, and waits for its end."""
        await self.refusals.settle(exchange)

    # Judging.

    async def judge_alike(
        self,
        plain: Exchange,
        requirement: str,
        varied: Mapping[str, Request],
        *,
        label: str = "varied",
        **arguments: Any,
    ) -> None:
        """Sends variations of a request, one after the other, and judges that each is answered as the `plain` one was.

        The keys of `varied` say what is varied. `arguments` go to the check.
        """
        for what, request in varied.items():
            send = self.try_out if may_change_something(request) else self.send
            exchange = await send(request, label=label)
            self.compare(plain, exchange, requirement=requirement, what=what, **arguments)

    def compare(self, plain: Exchange, varied: Exchange, **arguments: Any) -> None:
        """Judges that a request was answered as the `plain` one was; `arguments` go to the check.

        The ends of operations that they started are judged too: the endpoint may refuse a request for nothing at once, or
        accept it and report the failure later.
        """
        self.judge(same_answer, plain, varied, *self.operations.ends_of(plain, varied), **arguments)

    # Places, and names that address nothing.

    def places(self) -> list[Place]:
        """Every role instance that the target lists."""
        return [Place(d, name) for d in self.target.deployments for name in d.role_instances]

    def place_of(self, request: Request) -> Place | None:
        """The listed instance that a request addresses, or None."""
        return self.refusals.reader.place_of(request)

    def main_witness(self, kind: Witness = Witness.ADDRESS) -> Place:
        """The instance of the main deployment to which requests with this kind of defect are sent."""
        return self.planner.witnesses[kind % len(self.planner.witnesses)]

    def reimage_of(self, kind: Witness, form: UriForm = UriForm.SLOT, *, version: str | None = None) -> Request:
        """A sound reimage request for the witness of this kind of defect; the case adds the defect. Sends nothing."""
        return self.builder.reimage(self.main_witness(kind), form, version=version)

    def unknown_instance(self, form: UriForm = UriForm.SLOT, *, version: str | None = None) -> Request:
        """A sound reimage request for an instance that cannot exist; it starts nothing. Sends nothing."""
        deployment = self.planner.main
        container = form.container(deployment)
        name = self.builder.no_instance
        return self.builder.reimage_at(deployment.cloud_service, form, container, name, version=version)

    async def admitted(self, requests: Iterable[Request]) -> list[Request]:
        """Those of `requests` that the gate lets out; raises Withheld where it lets out none."""
        every = list(requests)
        found = [request for request in every if await self.sender.admits(request)]
        for request in [] if found else every[:1]:
            await self.sender.raise_if_withheld(request)
        return found
