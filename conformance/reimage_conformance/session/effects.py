"""Refusals: what becomes of a request that ought to be refused; each stage hands its value on to the next.

A request is read (`session/bad_requests.py`), sent and its answer judged (`session/answering.py`), and its effects are looked for
(`session/examining.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reimage_conformance.judging.oracle import permitted
from reimage_conformance.protocol.addresses import Kind, read_target
from reimage_conformance.session.answering import Answers
from reimage_conformance.session.examining import Examinations
from reimage_conformance.session.manner import Manner
from reimage_conformance.session.recorder import may_change_something, raise_bad
from reimage_conformance.session.signals import Inconclusive
from reimage_conformance.session.thresholds import MAX_VIOLATIONS_PER_REQUIREMENT

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.model import Deployment, Exchange, Request, Verdict
    from reimage_conformance.protocol.addresses import UriForm
    from reimage_conformance.protocol.requests import Place, RequestBuilder
    from reimage_conformance.session.bad_requests import Reader
    from reimage_conformance.session.budget import Budget
    from reimage_conformance.session.campaign import Campaign
    from reimage_conformance.session.conflicts import Conflicts
    from reimage_conformance.session.instances import Instances
    from reimage_conformance.session.operations import Operations
    from reimage_conformance.session.recorder import Recorder
    from reimage_conformance.session.sending import Sender


class Refusals:
    """What a session does with requests that ought to be refused, and with those of which either answer is fine.

    `exposed` gives the deployments that have instances which the target file does not list. `forms` are the forms of URI in which requests
    were to be refused, and `violations` counts what requests showed of the requirements that they break.
    """

    def __init__(
        self,
        *,
        sender: Sender,
        recorder: Recorder,
        builder: RequestBuilder,
        operations: Operations,
        instances: Instances,
        conflicts: Conflicts,
        campaign: Campaign,
        budget: Budget,
        reader: Reader,
        exposed: Callable[[], list[Deployment]],
    ) -> None:
        self._sender, self._recorder, self._budget = sender, recorder, budget
        self._operations, self._instances, self.reader = operations, instances, reader
        shared: dict[str, Any] = {"sender": sender, "recorder": recorder, "operations": operations}
        held: dict[str, Any] = {"instances": instances, "budget": budget}
        self._answers = Answers(
            conflicts=conflicts, campaign=campaign, reader=reader, exposed=exposed, **shared, **held
        )
        self._examinations = Examinations(self._answers, builder=builder, **shared, **held)
        self.violations, self.poll_of = self._answers.violations, self._examinations.poll_of
        self._addressed_nothing = 0
        self.forms: set[UriForm] = set()

    async def refuse(
        self,
        request: Request,
        requirement: str = "",
        *,
        effects: bool = True,
        effect_requirement: str = "",
        watch_close: bool = False,
    ) -> Exchange:
        """Sends a request that ought to be refused, and judges what came: the answer, and that nothing was started.

        Raises Nonconformance for what is violated; Untested where requests that break the same requirement were accepted, or left without an
        answer, often enough to know, and where the budget is spent.
        """
        await self._sender.pass_gate(request)
        bad = self.reader.read(
            request, requirement, effects=effects, effect_requirement=effect_requirement, watch_close=watch_close
        )
        if bad.permitted.address.form is not None:
            self.forms.add(bad.permitted.address.form)
        verdicts: list[Verdict] = []
        answered = await self._examinations.examine(bad, verdicts)
        raise_bad(verdicts)
        return answered.exchange

    async def attempt(self, request: Request, *, label: str = "refusal", kind: str = "", **options: Any) -> Exchange:
        """Sends a request that ought to be refused: within the budget, and again when nothing of ours is in its way.

        One that may be accepted is not sent while its instance may be changing from a reimage of ours.
        """
        place = self.reader.place_of(request)
        if place is None or permitted(request, self.reader.world).binding:
            return await self._attempt(request, label, kind, **options)
        async with self._instances.hold(place):
            await self._instances.until_online(place)
            if self._instances.offers_deployment:
                await self._instances.until_settled(self._operations.at(place))
            return await self._attempt(request, label, kind, **options)

    async def _attempt(self, request: Request, label: str, kind: str, **options: Any) -> Exchange:
        if not may_change_something(request):
            return await self._sender.send(request, Manner(label, kind, **options))
        async with self._budget.hold():
            return await self._answers.past_conflicts(request, label, kind, **options)

    async def try_out(self, request: Request, *, label: str = "refusal", **options: Any) -> Exchange:
        """Sends a request of which either answer is fine, and waits for the end of whatever it started.

        Raises Inconclusive where enough requests that address nothing have been seen to reimage something.
        """
        addresses_nothing = self.reader.place_of(request) is None
        if addresses_nothing and self._addressed_nothing >= MAX_VIOLATIONS_PER_REQUIREMENT:
            raise Inconclusive(
                "requests that address nothing reimage something, so that each costs a reimage and shows nothing",
                ("REQ-REIMAGE-UNKNOWN-INSTANCE", "REQ-REIMAGE-UNKNOWN-SERVICE"),
            )
        async with self._answers.room_to_go_astray(self.reader.place_of(request)):
            exchange = await self.attempt(request, label=label, **options)
            await self.settle(exchange)
        if addresses_nothing and exchange.number in self._budget.accepted:
            self._addressed_nothing += 1
        return exchange

    async def settle(self, exchange: Exchange) -> None:
        """Books what a request started although it addresses nothing, and waits for its end, so that it is in nobody's way."""
        address = read_target(exchange.request.target)
        if exchange.reply is not None and exchange.reply.status == 202 and address.kind is Kind.REIMAGE:
            operation = self._operations.open(exchange, self.reader.place_of(exchange.request), address.form)
            await operation.over.wait()

    # Who changed what nobody asked to change.

    def refusals_of(self, place: Place) -> list[Exchange]:
        """The requests addressed to an instance, the probe's not among them."""
        found = []
        for exchange in self._recorder.exchanges:
            address = read_target(exchange.request.target)
            if exchange.label != "probe" and address.kind is Kind.REIMAGE and address.instance == place.role_instance:
                deployment = self._recorder.world.deployment_of(address)
                if deployment is not None and deployment.name == place.deployment.name:
                    found.append(exchange)
        return found

    def suspect(self, place: Place, refusals: list[Exchange]) -> tuple[str, str]:
        """What to hold against the endpoint should an instance have changed that nobody asked to: the words, and the requirement."""
        if not refusals:
            return "a reimage of another instance", "REQ-REIMAGE-OTHERS-UNTOUCHED"
        blamed = [d.requirement for e in refusals for d in permitted(e.request, self._recorder.world).binding]
        numbers = {refusal.number for refusal in refusals}
        verdicts = self._recorder.verdicts
        touched = [v.requirement for v in verdicts if v.symptom == "touched" and numbers & set(v.evidence)]
        taken = [v.requirement for v in verdicts if v.symptom == "accepted"]
        blamed = touched[:1] or taken[:1] or blamed
        same = len(set(blamed)) == 1
        return f"refused requests to {place.role_instance}", blamed[0] if same else "REQ-GOS-NOTFOUND-NOEFFECT"
