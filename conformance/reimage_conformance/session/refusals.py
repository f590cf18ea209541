"""Refusals: how a session handles requests that ought to be refused.

A request is read (`session/bad_requests.py`), then sent and its answer judged (`session/answering.py`), then its
effects are examined (`session/examining.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reimage_conformance.judging.oracle import expectation_of
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
    from reimage_conformance.session.answering import BadRequestSender
    from reimage_conformance.session.bad_requests import ExpectedRefusal, Reader
    from reimage_conformance.session.collaborators import Collaborators
    from reimage_conformance.session.operation import Operation


class Refusals:
    """Sends requests that ought to be refused, and requests that may be either accepted or refused.

    `forms` collects the URI forms of the bad requests. `violations` counts the bad requests that were accepted, by the
    requirement that they break.
    """

    def __init__(self, bad_request_sender: BadRequestSender, reader: Reader, shared: Collaborators) -> None:
        self._sender, self._recorder, self._budget = shared.sender, shared.recorder, shared.budget
        self._operations, self._instances, self.reader = shared.operations, shared.instances, reader
        self._bad_request_sender = bad_request_sender
        self._examinations = Examinations(bad_request_sender, shared)
        self.violations = bad_request_sender.violations
        self._accepted_without_place = (
            0  # how many requests of `try_out` that address no listed instance started a reimage
        )
        self.forms: set[UriForm] = set()

    async def refuse(self, expected: ExpectedRefusal) -> Exchange:
        """Sends a request that ought to be refused, and judges the answer, and that no reimage was started.

        Raises Nonconformance for a violation. Raises Untested where the budget is spent, or where enough requests that
        break the same requirement were accepted or got no reply.
        """
        await self._sender.raise_if_withheld(expected.request)
        bad = self.reader.read(expected)
        if bad.expectation.address.form is not None:
            self.forms.add(bad.expectation.address.form)
        verdicts: list[Verdict] = []
        answered = await self._examinations.examine(bad, verdicts)
        raise_bad(verdicts)
        return answered.exchange

    async def attempt(self, request: Request, *, label: str = "refusal", kind: str = "", **options: Any) -> Exchange:
        """Sends a request within the budget, and repeats it if it meets a conflict; judges nothing.

        A request that may be accepted is not sent while a reimage of ours may still change its instance.
        """
        place = self.reader.place_of(request)
        if place is None or not expectation_of(request, self.reader.world).may_be_accepted:
            return await self._send_within_budget(request, label, kind, **options)
        async with self._instances.hold(place):
            await self._instances.until_online(place)
            if self._instances.offers_deployment:
                await self._instances.until_settled(self._operations.at(place))
            return await self._send_within_budget(request, label, kind, **options)

    async def _send_within_budget(self, request: Request, label: str, kind: str, **options: Any) -> Exchange:
        """Sends a request, and holds a reimage of the budget meanwhile if the request may start one."""
        if not may_change_something(request):
            return await self._sender.send(request, Manner(label, kind, **options))
        async with self._budget.hold():
            return await self._bad_request_sender.send_and_repeat_on_conflict(request, label, kind, **options)

    async def try_out(self, request: Request, *, label: str = "refusal", **options: Any) -> Exchange:
        """Sends a request that may be accepted or refused, and waits for the end of the operation that it started, if any.

        Raises Inconclusive where enough requests that address no listed instance were accepted as reimages.
        """
        place = self.reader.place_of(request)
        if place is None and self._accepted_without_place >= MAX_VIOLATIONS_PER_REQUIREMENT:
            raise Inconclusive(
                "not sent: the endpoint had already started reimages for requests that address no listed instance",
                ("REQ-REIMAGE-UNKNOWN-INSTANCE", "REQ-REIMAGE-UNKNOWN-SERVICE"),
            )
        async with self._bad_request_sender.turn_for_unlisted(place):
            exchange = await self.attempt(request, label=label, **options)
            operation = self._open_operation(exchange)
            if operation is not None:
                await self._follow_to_its_end(operation)
        return exchange

    async def settle(self, exchange: Exchange) -> None:
        """Opens the operation of a reimage request that was answered 202 (`Operations.open`), if any, and waits for its end."""
        operation = self._open_operation(exchange)
        if operation is not None:
            await operation.over.wait()

    def _open_operation(self, exchange: Exchange) -> Operation | None:
        """Opens the operation of a reimage request that was answered 202 (`Operations.open`), if any."""
        address = read_target(exchange.request.resource)
        if exchange.reply is None or exchange.reply.status != 202 or address.kind is not Kind.REIMAGE:
            return None
        return self._operations.open(exchange, self.reader.place_of(exchange.request), address.form)

    async def _follow_to_its_end(self, operation: Operation) -> None:
        """Waits for the end of an operation. One that addresses no listed instance is counted, and may reimage an unlisted one.

        Deployments with unlisted instances are looked at while it is under way and after its end, before another such request
        goes out. An operation that failed late because of its request does not count.
        """
        if operation.place is not None:
            await operation.over.wait()
            return
        await self._bad_request_sender.look_for_unlisted()
        await operation.over.wait()
        if operation.start.number in self._budget.accepted:
            self._accepted_without_place += 1
            await self._bad_request_sender.look_for_unlisted()

    async def poll_of(self, refusal: Exchange) -> Exchange | None:
        """A poll with the request id of a refusal, or None (`Examinations.poll_of`)."""
        return await self._examinations.poll_of(refusal)

    # The cause of an unwanted change.

    def reimage_requests_to(self, place: Place) -> list[Exchange]:
        """All reimage requests of the run that were addressed to an instance, in the order of sending."""
        found = []
        for exchange in self._recorder.exchanges:
            address = read_target(exchange.request.resource)
            # A request to the probe goes to another server; its path may look like that of a reimage.
            is_reimage = exchange.label != "probe" and address.kind is Kind.REIMAGE
            if not is_reimage or address.instance != place.role_instance:
                continue
            if self._recorder.world.deployment_of(address) == place.deployment:
                found.append(exchange)
        return found

    def blame_for_change(self, place: Place, requests: list[Exchange]) -> tuple[str, str]:
        """The cause, in words, of a change of an instance that no accepted request addressed, and the requirement to blame.

        `requests` are the reimage requests that were addressed to it. The requirement is that of the first verdict about them
        with the symptom "touched", else that of the first with "accepted", else the one that all their defects break. If
        their defects break none or several, it is REQ-GOS-NOTFOUND-NOEFFECT.
        """
        if not requests:
            return "a reimage of another instance", "REQ-REIMAGE-OTHERS-UNTOUCHED"
        world, verdicts = self._recorder.world, self._recorder.verdicts
        of_defects = [
            defect.requirement
            for each in requests
            for defect in expectation_of(each.request, world).must_be_refused_for
        ]
        numbers = {exchange.number for exchange in requests}
        touched = [v.requirement for v in verdicts if v.symptom == "touched" and numbers & set(v.evidence)]
        accepted = [v.requirement for v in verdicts if v.symptom == "accepted" and numbers & set(v.evidence)]
        blamed = touched[:1] or accepted[:1] or of_defects
        requirement = blamed[0] if len(set(blamed)) == 1 else "REQ-GOS-NOTFOUND-NOEFFECT"
        # The check `installation_unchanged` reads the word "refused" at the beginning.
        return f"refused requests to {place.role_instance}", requirement
