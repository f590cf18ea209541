"""The system under test, as a case sees it: what can be sent to it, asked of it, and judged about it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any

from conformance.assessment.fronts import closed_reimages, front_of
from conformance.checks.deployments import READY, statuses_in
from conformance.checks.probes import installation_in
from conformance.model import Deployment, Exchange, Outcome, Request, Verdict
from conformance.protocol.addresses import FORMS, UriForm, read_target
from conformance.protocol.requests import VERSION_HEADER, Place, with_header, without_header
from conformance.runner.campaign import Campaign, Result, probing_seconds
from conformance.runner.guarding import Guard
from conformance.runner.knowing import KnownOperations
from conformance.runner.operations import Operation, OperationBook
from conformance.runner.planning import Planner
from conformance.runner.recorder import raise_bad
from conformance.runner.refusing import Refusing
from conformance.runner.signals import Inconclusive, Untested

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from conformance.checks.registry import Check
    from conformance.model import Profile, Target
    from conformance.protocol.requests import RequestBuilder
    from conformance.runner.budget import Budget
    from conformance.runner.dispatch import Dispatcher
    from conformance.runner.observing import Observer, Probe
    from conformance.runner.recorder import Recorder
    from conformance.world import World


class SystemUnderTest:
    """The endpoint being judged; everything that cases do goes through it."""

    def __init__(
        self,
        target: Target,
        *,
        profile: Profile,
        recorder: Recorder,
        dispatcher: Dispatcher,
        builder: RequestBuilder,
        observer: Observer,
        probe: Probe,
        budget: Budget,
        seed: int,
    ) -> None:
        self.target, self.profile, self.seed = target, profile, seed
        self.recorder, self.dispatcher, self.observer, self.probe, self.budget = (
            recorder,
            dispatcher,
            observer,
            probe,
            budget,
        )
        self.clock = dispatcher.clock
        self.random = Random(seed)  # noqa: S311  examples are no secrets
        self.builder = builder
        self.planner = Planner(target, profile)
        self.book = OperationBook(dispatcher, self.builder, budget, recorder)
        self.campaign = Campaign(
            self.planner.steps,
            builder=self.builder,
            dispatcher=dispatcher,
            book=self.book,
            observer=observer,
            probe=probe,
            budget=budget,
        )
        self.refusing = Refusing(self)
        self.known = KnownOperations(self)
        self.guard = guard = Guard(recorder, self.book)
        dispatcher.seen = guard.take
        dispatcher.closed = lambda request: guard.closed(request, self.refusing.unmasked)
        self.memory: dict[str, Any] = {}
        self._ticking = False
        self._together: list[Verdict] | None = None
        dispatcher.before = self.tick
        dispatcher.knock = self.is_alive

    @property
    def world(self) -> World:
        """The world that requests are judged in."""
        return self.recorder.world

    def open(self) -> None:
        """Looks at what is there before anything is done, and starts the first operations."""
        self._knock()
        listed = self.observer.survey()
        self.recorder.world = replace(self.world, listed=listed, memory={})
        self.recorder.note("listed", listed={name: list(instances) for name, instances in listed.items()})
        if self.probe.offered:
            for place in self.places():
                self.probe.installation(place)
        self.tick()
        self._heed_refusals()

    def _knock(self) -> None:
        """Finds out whether sound requests reach the service; where they certainly do not, nothing more is sent."""
        main = self.planner.main
        for request in (self.builder.operation_status("0" * 32), self.builder.deployment(main), self.nowhere()):
            self.dispatcher.once(request, label="knock")
            front = front_of(self.world, self.recorder.exchanges)
            if front is None:
                return
        if front is not None and front.is_certain:
            self.dispatcher.kept_out = front.sentence

    def _heed_refusals(self) -> None:
        """Sends nothing more where reimages were tried in every form that is planned, and no sound request reaches the service."""
        sent = {
            read_target(exchange.request.target).form
            for exchange in self.recorder.exchanges
            if exchange.label.startswith("step:")
        }
        if sent < {step.form for step in self.planner.steps} or self.dispatcher.kept_out:
            return
        front = front_of(self.world, self.recorder.exchanges)
        closed = closed_reimages(self.world, self.recorder.exchanges)
        self.dispatcher.kept_out = front.sentence if front is not None else closed

    def places(self) -> list[Place]:
        """Every role instance that the target lists."""
        return [Place(d, name) for d in self.target.deployments for name in d.role_instances]

    def tick(self) -> None:
        """Lets due polls and looks go out, and free deployments start their next step."""
        if self._ticking:
            return
        self._ticking = True
        try:
            self.book.tick()
            self.observer.tick()
            self.campaign.tick()
        finally:
            self._ticking = False

    def idle(self) -> None:
        """Lets time pass until something is due; raises Inconclusive where the client certificate opens nothing."""
        if self.dispatcher.kept_out:
            raise Inconclusive(self.dispatcher.kept_out)
        if self.book.under_way:
            self.book.pause()
        else:
            self.clock.sleep(self.dispatcher.limits.poll_interval_seconds / 4)
        self.tick()

    # What comes of the campaign.

    def result(self, name: str) -> Result:
        """The step `name` of the campaign, once it has been sent; raises Untested where the profile or budget left it out."""
        planned = {each for step in self.planner.steps for each in step.names} | set(self.campaign.results)
        if name not in planned and ":" not in name:
            raise Untested(f"no step {name!r} in profile {self.profile.value}")
        self.campaign.go_on()
        while any(name in step.names for step in self.campaign.pending):
            self.idle()
        result = self.campaign.results.get(name)
        if result is None or result.skipped:
            reason = result.skipped if result is not None else "it was not needed"
            if "no end" in reason:
                raise Inconclusive(
                    reason, ("REQ-REIMAGE-COMPLETES", "REQ-REIMAGE-REQID-USABLE", "REQ-REIMAGE-REQID", "REQ-GOS-STATUS")
                )
            raise Untested(f"step {name!r} was left out: {reason}")
        return result

    def finished(self, result: Result) -> Operation:
        """The operation of a step, over one way or another, and its instance watched to the end."""
        if result.operation is None:
            reply = result.exchange.reply if result.exchange is not None else None
            raise Inconclusive(
                f"the reimage was not accepted: {reply.status if reply else 'no reply'}", self.blame(result)
            )
        self.book.wait(result.operation)
        while (result.watch is not None and not result.watch.over) or result.awaits_probe:
            self.idle()
        return result.operation

    def blame(self, result: Result) -> tuple[str, ...]:
        """The requirement that a refused step points at."""
        return (result.step.form.requirement, "REQ-REIMAGE-VERSION", "REQ-REIMAGE-SLOT-VALUES")

    def finish_all(self) -> list[Result]:
        """Every step that was accepted, over; waits for the whole campaign."""
        self.campaign.go_on()
        while self.campaign.is_open:
            self.idle()
        every = {id(result): result for result in self.campaign.results.values()}
        accepted = [result for result in every.values() if result.operation is not None]
        for result in accepted:
            self.finished(result)
        for operation in list(self.book.operations):
            self.book.wait(operation)
        return accepted

    # Reimages that a case starts itself, when the campaign is over.

    def start(self, place: Place, form: UriForm, *, version: str | None = None, closing: bool = False) -> Exchange:
        """Sends a well-formed reimage, when nothing of ours is in its way; `closing` asks for the connection to be closed."""
        while self.book.under_way or not self.observer.is_online(place):
            self.idle()
        if not self.budget.allows():
            raise Untested("the budget of reimages is spent")
        request = self.builder.reimage(place, form, version=version)
        request = with_header(request, "Connection", "close") if closing else request
        return self.dispatcher.send(request, label="reimage", watch_close=closing)

    def await_ready(self, place: Place) -> Exchange | None:
        """Lets time pass until Get Deployment shows the instance online, or has not for as long as the operator allows."""
        if not self.observer.offers_deployment:
            return None
        deadline = self.clock.now() + self.dispatcher.limits.operation_timeout_seconds
        look = self.observer.look(place.deployment)
        while (
            self.observer.shows(place.deployment)
            and statuses_in(look).get(place.role_instance) != READY
            and self.clock.now() < deadline
        ):
            self.idle()
            look = self.observer.look(place.deployment)
        return look

    def started(self, exchange: Exchange, place: Place, form: UriForm, *, anyway: bool = False) -> Operation:
        """Books what `start` started, followed `anyway` where others found no end; inconclusive where it was refused."""
        if exchange.reply is None or not 200 <= exchange.reply.status < 300:
            said = exchange.reply.status if exchange.reply is not None else "no reply"
            raise Inconclusive(
                f"the reimage was not accepted: {said}", ("REQ-REIMAGE-URI-SLOT", "REQ-REIMAGE-URI-NAME")
            )
        self.observer.address(place)
        return self.book.open(exchange, place, form, anyway=anyway)

    def await_installation(self, place: Place, before: Exchange) -> Exchange:
        """The probe's answer once the installation is another one, or after a fair wait."""
        limits = self.dispatcher.limits
        longest = max((operation.duration for operation in self.book.operations), default=0.0)
        began = self.clock.now()
        after = self.probe.installation(place)
        while installation_in(after) in ("", installation_in(before)):
            offline = not installation_in(after) and self.probe.answers
            patience = limits.operation_timeout_seconds if offline else probing_seconds(longest, limits)
            if self.clock.now() >= began + patience:
                self.probe.answers = not offline
                break
            self.idle()
            after = self.probe.installation(place)
        return after

    # Judging.

    def judge(self, check: Check, *exchanges: Exchange, **arguments: Any) -> list[Verdict]:
        """Judges exchanges and raises Nonconformance for what is violated."""
        verdicts = self.recorder.judge(check, exchanges, **arguments)
        if self._together is None:
            raise_bad(verdicts)
        else:
            self._together += verdicts
        return verdicts

    @contextmanager
    def together(self) -> Iterator[None]:
        """Judgements inside are all made, and what is violated raised when the last one is."""
        self._together = []
        try:
            yield
            raise_bad(self._together)
        finally:
            self._together = None

    def judge_all(self, check: Check, **arguments: Any) -> list[Verdict]:
        """The same over every exchange of the run so far."""
        verdicts = self.recorder.judge_all(check, **arguments)
        raise_bad(verdicts)
        return verdicts

    def observe(self, requirement: str, seen: str, *exchanges: Exchange) -> None:
        """Records what this endpoint does where the documents are silent."""
        self.recorder.observe(requirement, seen, *exchanges)

    # Sending.

    def send(self, request: Request, **options: Any) -> Exchange:
        """Sends a request that cannot start a reimage, or whose effect the case books itself."""
        return self.dispatcher.send(request, **options)

    def is_alive(self) -> bool:
        """Whether the endpoint answers an ordinary request just now: a poll, or a reimage that starts nothing."""
        poll = self.builder.operation_status("0" * 32)
        nothing = self.builder.reimage_at(self.builder.no_service, UriForm.SLOT, "production", self.builder.no_instance)
        tries = (poll, without_header(nothing, VERSION_HEADER))
        return any(
            self.dispatcher.once(replace(each, fresh_connection=True), label="alive").reply is not None
            for each in tries
        )

    def place_of(self, request: Request) -> Place | None:
        """The listed place that a request addresses, if it does."""
        address = read_target(request.target)
        deployment = self._deployment(address.service, address.form, address.deployment)
        if deployment is None or address.instance not in self.world.instances(deployment):
            return None
        return Place(deployment, address.instance)

    def _deployment(self, service: str, form: UriForm | None, name: str) -> Deployment | None:
        for deployment in self.target.deployments:
            known = deployment.slot if form is UriForm.SLOT else deployment.name
            if (deployment.cloud_service, known) == (service, name):
                return deployment
        return None

    def main_witness(self, index: int = 0) -> Place:
        """A witness on the main deployment, busy or not: `index` tells kinds of refusal apart."""
        return self.planner.witnesses[index % len(self.planner.witnesses)]

    def attempt(self, request: Request, *, label: str = "refusal", **options: Any) -> Exchange:
        """Sends a request that ought to be refused: within the budget, and not while something of ours is in its way."""
        return self.refusing.attempt(request, label=label, **options)

    def refuse(self, request: Request, requirement: str = "", *, effects: bool = True, **options: Any) -> Exchange:
        """Sends a request that ought to be refused, and judges what came: the answer, and that nothing was started."""
        return self.refusing.refuse(request, requirement, effects=effects, **options)

    def try_out(self, request: Request, *, label: str = "refusal", **options: Any) -> Exchange:
        """Sends a request of which either answer is fine, and waits for the end of whatever it started."""
        return self.refusing.try_out(request, label=label, **options)

    def settle(self, exchange: Exchange) -> None:
        """Books what a request started although it addresses nothing, and waits for its end, so that it is in nobody's way."""
        self.refusing.settle(exchange)

    @contextmanager
    def examining(self, place: Place) -> Iterator[None]:
        """While this lasts no reimage of ours begins on `place`; before it begins, those that had begun are over and seen to be."""
        with self.campaign.holds.examining(place):
            while self._is_changing(place):
                self.idle()
            yield

    def _is_changing(self, place: Place) -> bool:
        """Whether a reimage that the suite asked for is under way on an instance, or it is not seen to be back yet."""
        running = any(o.place == place and not o.unwanted for o in self.book.under_way)
        awaited = any(r.awaits_probe and r.step.place == place for r in self.campaign.results.values())
        return running or awaited or not self.observer.is_online(place)

    # Names that address nothing.

    def nowhere(self, form: UriForm = UriForm.SLOT, *, version: str | None = None) -> Request:
        """A sound request for an instance that cannot exist: how it is answered tells what is taken for sound, at no cost."""
        deployment = self.planner.main
        container = Place(deployment, "").container(form)
        name = self.builder.no_instance
        return self.builder.reimage_at(deployment.cloud_service, form, container, name, version=version)

    def admitted(self, requests: Iterable[Request]) -> list[Request]:
        """Those of `requests` that may go out; raises Withheld where none may, for what they address may exist and is not listed."""
        every = list(requests)
        found = [request for request in every if self.dispatcher.admits(request)]
        for request in [] if found else every[:1]:
            self.dispatcher.pass_gate(request)
        return found


def outcome_of(verdicts: Sequence[Verdict]) -> Outcome:
    """The outcome of a case from the verdicts it came to: the worst one decides."""
    order = (Outcome.VIOLATED, Outcome.ADVISORY, Outcome.MET, Outcome.OBSERVED, Outcome.INCONCLUSIVE)
    found = {verdict.outcome for verdict in verdicts}
    return next((outcome for outcome in order if outcome in found), Outcome.MET)


__all__ = ["FORMS", "SystemUnderTest", "outcome_of"]
