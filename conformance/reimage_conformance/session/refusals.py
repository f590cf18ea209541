"""Refusals: how a session handles requests that ought to be refused.

A request is read (`session/bad_requests.py`), then sent and its answer judged (`session/answering.py`), then its
effects are examined (`session/examining.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reimage_conformance.judging.oracle import permitted
from reimage_conformance.protocol.addresses import Kind, read_target
from reimage_conformance.session.examining import Examinations
from reimage_conformance.session.manner import Manner
from reimage_conformance.session.recorder import may_change_something, raise_bad
from reimage_conformance.session.signals import Inconclusive
from reimage_conformance.session.thresholds import MAX_VIOLATIONS_PER_REQUIREMENT

if TYPE_CHECKING:
    from reimage_conformance.model import Exchange, Request, Verdict
    from reimage_conformance.protocol.addresses import UriForm
    from reimage_conformance.protocol.requests import Place
    from reimage_conformance.session.answering import Answers
    from reimage_conformance.session.bad_requests import ExpectedRefusal, Reader
    from reimage_conformance.session.collaborators import Collaborators


class Refusals:
    """Sends requests that ought to be refused, and requests that may be either accepted or refused.

    `forms` collects the URI forms of the bad requests. `violations` counts the accepted requests of each requirement.
    """

    def __init__(self, answers: Answers, reader: Reader, parts: Collaborators) -> None:
        self._sender, self._recorder, self._budget = parts.sender, parts.recorder, parts.budget
        self._operations, self._instances, self.reader = parts.operations, parts.instances, reader
        self._answers, self._examinations = answers, Examinations(answers, parts)
        self.violations, self.poll_of = answers.violations, self._examinations.poll_of
        self._addressed_nothing = 0
        self.forms: set[UriForm] = set()

    async def refuse(self, expected: ExpectedRefusal) -> Exchange:
        """Sends a request that ought to be refused, and judges the answer, and that no reimage was started.

        Raises Nonconformance for a violation. Raises Untested where the budget is spent, or where enough requests that
        break the same requirement were accepted or got no reply.
        """
        await self._sender.pass_gate(expected.request)
        bad = self.reader.read(expected)
        if bad.permitted.address.form is not None:
            self.forms.add(bad.permitted.address.form)
        verdicts: list[Verdict] = []
        answered = await self._examinations.examine(bad, verdicts)
        raise_bad(verdicts)
        return answered.exchange

    async def attempt(self, request: Request, *, label: str = "refusal", kind: str = "", **options: Any) -> Exchange:
        """Sends a request within the budget, and repeats it if it meets a conflict; judges nothing.

        A request that may be accepted is not sent while a reimage of ours may still change its instance.
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
            return await self._answers.send_past_conflicts(request, label, kind, **options)

    async def try_out(self, request: Request, *, label: str = "refusal", **options: Any) -> Exchange:
        """Sends a request that may be accepted or refused, and waits for the end of the operation that it started, if any.

        Raises Inconclusive where enough requests that address nothing were accepted as reimages.
        """
        addresses_nothing = self.reader.place_of(request) is None
        if addresses_nothing and self._addressed_nothing >= MAX_VIOLATIONS_PER_REQUIREMENT:
            raise Inconclusive(
                "not sent: the endpoint had already started reimages for requests that name no existing instance",
                ("REQ-REIMAGE-UNKNOWN-INSTANCE", "REQ-REIMAGE-UNKNOWN-SERVICE"),
            )
        async with self._answers.turn_for_unlisted(self.reader.place_of(request)):
            exchange = await self.attempt(request, label=label, **options)
            await self.settle(exchange)
        if addresses_nothing and exchange.number in self._budget.accepted:
            self._addressed_nothing += 1
        return exchange

    async def settle(self, exchange: Exchange) -> None:
        """Books the operation of a request that was answered 202, if any, and waits for its end."""
        address = read_target(exchange.request.resource)
        if exchange.reply is not None and exchange.reply.status == 202 and address.kind is Kind.REIMAGE:
            operation = self._operations.open(exchange, self.reader.place_of(exchange.request), address.form)
            await operation.over.wait()

    # The cause of an unwanted change.

    def reimage_requests_to(self, place: Place) -> list[Exchange]:
        """All reimage requests of the run that were addressed to an instance, in the order of sending."""
        found = []
        for exchange in self._recorder.exchanges:
            address = read_target(exchange.request.resource)
            is_reimage = exchange.label != "probe" and address.kind is Kind.REIMAGE
            if not is_reimage or address.instance != place.role_instance:
                continue
            if self._recorder.world.deployment_of(address) == place.deployment:
                found.append(exchange)
        return found

    def blame_for_change(self, place: Place, refusals: list[Exchange]) -> tuple[str, str]:
        """What to blame if an instance has changed that no sound request addressed: the cause in words, and the requirement.

        `refusals` are the bad requests that were addressed to it.
        """
        if not refusals:
            return "a reimage of another instance", "REQ-REIMAGE-OTHERS-UNTOUCHED"
        blamed = [d.requirement for e in refusals for d in permitted(e.request, self._recorder.world).binding]
        numbers = {refusal.number for refusal in refusals}
        verdicts = self._recorder.verdicts
        touched = [v.requirement for v in verdicts if v.symptom == "touched" and numbers & set(v.evidence)]
        accepted = [v.requirement for v in verdicts if v.symptom == "accepted" and numbers & set(v.evidence)]
        blamed = touched[:1] or accepted[:1] or blamed
        same = len(set(blamed)) == 1
        return f"refused requests to {place.role_instance}", blamed[0] if same else "REQ-GOS-NOTFOUND-NOEFFECT"
