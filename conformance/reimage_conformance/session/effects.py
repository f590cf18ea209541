"""Effects: bad requests are sent, what they started is followed, and what came is judged; each stage hands its value on to the next."""

from __future__ import annotations

from collections import Counter
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import trio

from reimage_conformance.checks.refusals import instance_untouched, nothing_left_behind, refused
from reimage_conformance.checks.wording import is_conflict
from reimage_conformance.model import FailureKind
from reimage_conformance.oracle import permitted
from reimage_conformance.protocol.addresses import Kind, read_target
from reimage_conformance.protocol.documents import error_code
from reimage_conformance.session.bad_requests import BadRequest, Reader, Violations
from reimage_conformance.session.budget import Spent
from reimage_conformance.session.groups import Groups, is_changed
from reimage_conformance.session.manner import Manner
from reimage_conformance.session.operations import Operation, State
from reimage_conformance.session.recorder import may_change_something, raise_bad
from reimage_conformance.session.signals import Inconclusive, Untested
from reimage_conformance.session.thresholds import (
    ENOUGH_IN_VAIN,
    FEW_CONFLICT_TRIES,
    MAX_CONFLICT_TRIES,
    MAX_IDS_ASKED_FOR,
    MAX_UNWANTED_OPERATIONS,
    MAX_VIOLATIONS_PER_REQUIREMENT,
    UNANSWERED_WEIGHT,
)
from reimage_conformance.session.unanswered import STRANGERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.model import Deployment, Exchange, Request, Verdict
    from reimage_conformance.protocol.addresses import UriForm
    from reimage_conformance.protocol.requests import Place, RequestBuilder
    from reimage_conformance.session.budget import Budget
    from reimage_conformance.session.campaign import Campaign
    from reimage_conformance.session.conflicts import Conflicts
    from reimage_conformance.session.groups import Group
    from reimage_conformance.session.instances import Instances
    from reimage_conformance.session.operations import Operations
    from reimage_conformance.session.recorder import Recorder
    from reimage_conformance.session.sending import Sender

_SAFE = ("HEAD", "OPTIONS", "TRACE")
"""Methods that have 2xx answers of their own."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of a bad request: the answer, the operation that it started, and whether the endpoint lives although it gave none."""

    exchange: Exchange
    operation: Operation | None = None
    alive: bool = False

    @property
    def is_refused(self) -> bool:
        """Whether an error was answered."""
        return self.exchange.reply is not None and self.exchange.reply.status >= 400


class Refusals:
    """What a session does with requests that ought to be refused, and with those of which either answer is fine.

    `exposed` gives the deployments that have instances which the target file does not list. `forms` are the forms of URI in which requests were to be refused.
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
    ) -> None:
        self._sender, self._recorder, self._builder = sender, recorder, builder
        self._operations, self._instances, self._campaign, self._budget = operations, instances, campaign, budget
        self.reader, self._conflicts = reader, conflicts
        self.violations = Violations(lambda: sender.lanes.width)
        self._groups = Groups(instances, operations, budget)
        self._examined: set[tuple[str, ...]] = set()
        self._started: set[tuple[str, ...]] = set()
        self._traced: Counter[tuple[str, UriForm | None]] = Counter()
        self._met_conflicts = False
        self._astray = trio.Lock()
        self._insisting: dict[str, trio.Lock] = {}
        self._addressed_nothing = 0
        self.exposed: Callable[[], list[Deployment]] = list
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
        if bad.place is not None and self._instances.offers_deployment and self._is_to_be_examined(bad):
            answered = await self._examined_once_or_twice(bad, bad.place, verdicts)
        else:
            async with self._groups.beside(bad.place) if bad.place is not None else nullcontext():
                answered = await self._answered(bad)
            verdicts += self._judged(bad, answered)
            if self._is_to_be_examined(bad) and answered.is_refused:
                self._examined.add(bad.key)
                verdicts += await self._traces(answered)
        raise_bad(verdicts)
        return answered.exchange

    async def attempt(self, request: Request, *, label: str = "refusal", kind: str = "", **options: Any) -> Exchange:
        """Sends a request that ought to be refused: within the budget, and again when nothing of ours is in its way.

        One that may be accepted is not sent while its instance may be changing from a reimage of ours.
        """
        place = self._place_of(request)
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
            return await self._past_conflicts(request, label, kind, **options)

    async def try_out(self, request: Request, *, label: str = "refusal", **options: Any) -> Exchange:
        """Sends a request of which either answer is fine, and waits for the end of whatever it started.

        Raises Inconclusive where enough requests that address nothing have been seen to reimage something.
        """
        addresses_nothing = self._place_of(request) is None
        if addresses_nothing and self._addressed_nothing >= MAX_VIOLATIONS_PER_REQUIREMENT:
            raise Inconclusive(
                "requests that address nothing reimage something, so that each costs a reimage and shows nothing",
                ("REQ-REIMAGE-UNKNOWN-INSTANCE", "REQ-REIMAGE-UNKNOWN-SERVICE"),
            )
        async with self._room_to_go_astray(self._place_of(request)):
            exchange = await self.attempt(request, label=label, **options)
            await self.settle(exchange)
        if addresses_nothing and exchange.number in self._budget.accepted:
            self._addressed_nothing += 1
        return exchange

    async def settle(self, exchange: Exchange) -> None:
        """Books what a request started although it addresses nothing, and waits for its end, so that it is in nobody's way."""
        address = read_target(exchange.request.target)
        if exchange.reply is not None and exchange.reply.status == 202 and address.kind is Kind.REIMAGE:
            operation = self._operations.open(exchange, self._place_of(exchange.request), address.form)
            await operation.over.wait()

    async def poll_of(self, refusal: Exchange) -> Exchange | None:
        """A poll of the id that a refusal carries, to see whether it is an operation; None where it carries none."""
        identifier = refusal.reply.header("x-ms-request-id") if refusal.reply is not None else None
        if not identifier:
            return None
        return await self._sender.once(self._builder.operation_status(identifier), Manner("poll-refused"))

    # In a group: look before, send, look after.

    def _is_to_be_examined(self, bad: BadRequest) -> bool:
        """Whether a bad request may have an effect that no other of its kind was seen not to have."""
        return bad.effects and bad.addresses_an_instance and bool(bad.blamed) and bad.key not in self._examined

    async def _examined_once_or_twice(self, bad: BadRequest, place: Place, verdicts: list[Verdict]) -> Answered:
        """A bad request in a group; in another one where the first was disturbed by a request that was accepted."""
        answered, disturbed = await self._in_group(bad, place, verdicts)
        if disturbed and answered.is_refused:
            answered, _ = await self._in_group(bad, place, verdicts)
        return answered

    async def _in_group(self, bad: BadRequest, place: Place, verdicts: list[Verdict]) -> tuple[Answered, bool]:
        """A bad request to an instance, sent between two looks that it shares with others; and whether the looks tell nothing."""
        examine = self._is_to_be_examined(bad)
        async with self._groups.join(place) as group:
            group.blamed.add(bad.blamed)
            try:
                answered = await self._answered(bad, is_held=True)
                group.accepted = group.accepted or answered.operation is not None
                verdicts += self._judged(bad, answered)
            finally:
                await self._groups.answered(group)
            await group.looked.wait()
            disturbed = group.is_changed and group.accepted
            if answered.is_refused and (examine or group.is_changed) and not disturbed:
                self._examined.add(bad.key)
                verdicts += await self._effect_of(bad, group, answered)
        if examine and answered.is_refused and self._traced[bad.kind, bad.permitted.address.form] < MAX_IDS_ASKED_FOR:
            self._traced[bad.kind, bad.permitted.address.form] += 1
            verdicts += await self._traces(answered)
        return answered, examine and disturbed

    async def _effect_of(self, bad: BadRequest, group: Group, answered: Answered) -> list[Verdict]:
        """Judges that a refusal had no effect; one request after the other where the group changed the instance, unless that names the culprit."""
        if group.is_changed and group.size == 1:
            group.book(answered.exchange.number)
            self._started.add(bad.key)
        if group.is_changed and not group.names_culprit:
            return await self._apart(bad, group, answered)
        return self._effect(bad, group, answered)

    def _effect(self, bad: BadRequest, group: Group, answered: Answered) -> list[Verdict]:
        """Judges that a refusal left the instance as the looks of its group show it."""
        return self._untouched(bad, group.before, answered, group.after, beside=group.beside)

    async def _apart(self, bad: BadRequest, group: Group, first: Answered) -> list[Verdict]:
        """The same request once more, alone between two looks, since a group of them changed the instance; `first` is what came in the group."""
        async with group.turn:
            await self._operations.until_quiet(group.place.deployment)
            before = await self._instances.until_ready(group.place)
            try:
                async with self._budget.hold_once_more():
                    answered = await self._answered(bad, is_held=True)
                    after = await self._instances.look(group.place.deployment)
            except (Inconclusive, Untested) as reason:
                group.book(first.exchange.number)  # nobody can know any more that it reimaged nothing
                if not isinstance(reason, Spent):
                    raise
                blamed = next(iter(group.blamed)) if len(group.blamed) == 1 else "REQ-GOS-NOTFOUND-NOEFFECT"
                return self._effect(replace(bad, effect_requirement=blamed), group, first)
            beside = self._operations.is_busy(group.place.deployment)
            if is_changed(group.place, before, after) and answered.is_refused:
                group.book(first.exchange.number)  # it reimaged the instance in the group as well
                self._budget.spend(answered.exchange.number)
                self._started.add(bad.key)
                self.violations.count(bad.broken, 1)
            return self._untouched(bad, before, answered, after, beside=beside)

    def _untouched(
        self, bad: BadRequest, before: Exchange | None, answered: Answered, after: Exchange | None, *, beside: bool
    ) -> list[Verdict]:
        """Judges that a refusal left the instance as it was."""
        if before is None or after is None or bad.place is None or not answered.is_refused:
            return []
        arguments = {"requirement": bad.blamed, "instance": bad.place.role_instance, "beside": beside}
        return self._recorder.judge(instance_untouched, [before, answered.exchange, after], **arguments)

    async def _traces(self, answered: Answered) -> list[Verdict]:
        """Judges that the id of a refusal is no operation."""
        poll = await self.poll_of(answered.exchange)
        return self._recorder.judge(nothing_left_behind, [answered.exchange, poll]) if poll is not None else []

    # Sending and following.

    async def _answered(self, bad: BadRequest, *, is_held: bool = False) -> Answered:
        """Sends a bad request, insists where no reply came, and follows what it started; `is_held` says that a reimage is held for it."""
        self._sender.patience.refusals.add(bad.kind)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._room_to_go_astray(bad.place))
            if not is_held and may_change_something(bad.request):
                await stack.enter_async_context(self._budget.hold())  # before there is room, as for a group
            await stack.enter_async_context(self.violations.room_for(bad.broken))
            exchange = await self._past_conflicts(bad.request, "refusal", bad.kind, watch_close=bad.watch_close)
            alive = False
            if _asks_for_insistence(bad.request, exchange):
                exchange, alive = await self._insist(bad, exchange)
            operation = await self._follow(bad, exchange)
            if (
                bad.key in self._started and operation is None
            ):  # one like it was seen to reimage, and nobody may look this time
                self._budget.spend(exchange.number)
            weight = _weight(exchange, operation, alive=alive)
            self.violations.count(bad.broken, weight, is_silence=_is_silence(exchange))
        return Answered(exchange, operation, alive)

    def _room_to_go_astray(self, place: Place | None) -> AbstractAsyncContextManager[object]:
        """Where instances are not listed, a request for none that is listed goes out when the one before it was seen to touch nothing."""
        return self._astray if place is None and self.exposed() else nullcontext()

    def _judged(self, bad: BadRequest, answered: Answered) -> list[Verdict]:
        """Judges the answer, with the polls of what it started."""
        operation = answered.operation
        polls = operation.polls if operation is not None else []
        arguments = {"requirement": bad.requirement, "alive": answered.alive, "polls": len(polls)}
        arguments |= {"overdue": True} if operation is not None and operation.state is State.OVERDUE else {}
        return self._recorder.judge(refused, [answered.exchange, *polls], **arguments)

    async def _past_conflicts(self, request: Request, label: str, kind: str, **options: Any) -> Exchange:
        """Sends a request, and again while it meets a conflict with an operation of ours."""
        most = FEW_CONFLICT_TRIES if self._met_conflicts else MAX_CONFLICT_TRIES
        send = partial(self._when_calm, request, Manner(label, kind, **options))
        exchange = await self._conflicts.send_past(send, most, self._campaign.pause)
        self._met_conflicts = is_conflict(exchange)
        return exchange

    async def _when_calm(self, request: Request, manner: Manner) -> Exchange:
        """Sends a request; one that may start something not while a step makes its last tries to get past a conflict."""
        if may_change_something(request):
            await self._conflicts.until_calm()
        return await self._sender.send(request, manner)

    async def _insist(self, bad: BadRequest, exchange: Exchange) -> tuple[Exchange, bool]:
        """A refusal without reply is sent once more if the endpoint lives, so that neither a lost connection nor a lock accuses anybody.

        One of each kind is sent again at a time, until enough of the kind got no reply then either.
        """
        async with self._insisting.setdefault(bad.kind, trio.Lock()):
            await self._operations.until_quiet()
            if not await self._sender.is_alive():
                return exchange, False
            if _is_silence(exchange) and self._sender.in_vain[bad.kind] >= ENOUGH_IN_VAIN:
                return exchange, self._sender.answers_others(exchange)
            fresh = replace(bad.request, fresh_connection=True)
            again = await self._past_conflicts(fresh, "refusal-again", bad.kind, alone=True)
        if again.reply is not None and self._sender.answers_others(exchange):
            self._sender.narrow_after(exchange)
        return again, again.reply is None and self._sender.answers_others(again)

    async def _follow(self, bad: BadRequest, exchange: Exchange) -> Operation | None:
        """The operation that should not have been, if there is one; waits for its end only where that decides."""
        reply = exchange.reply
        if reply is None or not 200 <= reply.status < 300 or not bad.addresses_an_instance:
            return None
        if exchange.request.method in _SAFE and reply.status != 202:
            return None
        if error_code(reply) or (reply.status != 202 and exchange.request.method != "POST"):
            return None  # an error in disguise starts nothing
        address = bad.permitted.address
        operation = self._operations.open(exchange, bad.place, address.form, unwanted=True)
        for deployment in self.exposed():
            await self._instances.look(deployment)
        before = self._instances.last.get(bad.place.deployment.name) if bad.place is not None else None
        if bad.place is not None and before is not None:
            self._instances.watch(operation, bad.place, before, ())
        for touched in [bad.place] if bad.place is not None else self.reader.namesakes(address.instance):
            self._instances.address(touched)
        if self._operations.unwanted > MAX_UNWANTED_OPERATIONS:
            self._operations.give_up(operation)  # an endpoint that takes everything has been shown to
            return None
        if any(defect.later for defect in bad.permitted.defects):
            await operation.over.wait()
        return operation

    def _place_of(self, request: Request) -> Place | None:
        return self.reader.place_of(request)

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


def _asks_for_insistence(request: Request, exchange: Exchange) -> bool:
    """Whether there is no reply where there ought to be one; the start of one, after which nothing came, is that of a bad one."""
    patient = request.patience_seconds is None and request.identity not in STRANGERS
    return exchange.reply is None and patient and not (_is_silence(exchange) and exchange.response is not None)


def _weight(exchange: Exchange, operation: Operation | None, *, alive: bool) -> int:
    """How much a bad request showed of the requirement that it breaks, MAX_VIOLATIONS_PER_REQUIREMENT being all."""
    if _is_silence(exchange) and exchange.response is not None:
        return MAX_VIOLATIONS_PER_REQUIREMENT  # the reply stops short, as the next one would
    return UNANSWERED_WEIGHT if alive and _is_silence(exchange) else int(operation is not None)


def _is_silence(exchange: Exchange) -> bool:
    """Whether the time limit ended the wait for a reply, or for the rest of one."""
    return exchange.failure is not None and exchange.failure.kind is FailureKind.TIMEOUT
