"""Refusing: requests that ought to be refused are sent, judged, and seen to have started nothing."""

from __future__ import annotations

from collections import Counter
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from conformance.checks.deployments import READY, statuses_in
from conformance.checks.refusals import instance_untouched, nothing_left_behind, refused
from conformance.checks.wording import is_conflict
from conformance.model import FailureKind
from conformance.oracle import permitted
from conformance.protocol.addresses import Kind, read_target
from conformance.protocol.documents import error_code
from conformance.runner.campaign import FEW_CONFLICTS
from conformance.runner.dispatch import STRANGERS
from conformance.runner.operations import Operation, State
from conformance.runner.recorder import raise_bad
from conformance.runner.signals import Inconclusive, Untested

if TYPE_CHECKING:
    from conformance.model import Exchange, Request, Verdict
    from conformance.oracle import Permitted
    from conformance.protocol.requests import Place
    from conformance.runner.sut import SystemUnderTest
    from conformance.world import World

CONFLICT_TRIES = 60
MOST_UNWANTED = 40
ENOUGH = 6
"""So many accepted requests that break a requirement show that it is broken; each more would cost a reimage and tell nothing."""
SILENCE_COUNTS = 3
"""So much as this does one that is never answered, for it costs the whole time limit twice."""
JUST_NOW = 4
"""So many exchanges ago a look is still as good as a new one."""
_SAFE = ("HEAD", "OPTIONS", "TRACE")
"""Methods that have 2xx answers of their own."""


def _is_worth_insisting(request: Request, exchange: Exchange) -> bool:
    """Whether there is no reply where there ought to be one; the start of one, after which nothing came, is that of a bad one."""
    patient = request.patience_seconds is None and request.identity not in STRANGERS
    return exchange.reply is None and patient and not (_is_silence(exchange) and exchange.response is not None)


def _worth(exchange: Exchange, operation: Operation | None, *, alive: bool) -> int:
    """How much a request that ought to be refused shows of the requirement that it breaks, ENOUGH being all."""
    if _is_silence(exchange) and exchange.response is not None:
        return ENOUGH  # the reply stops short, as the next one would
    return SILENCE_COUNTS if alive and _is_silence(exchange) else int(operation is not None)


def _is_silence(exchange: Exchange) -> bool:
    """Whether the time limit ended the wait for a reply, or for the rest of one."""
    return exchange.failure is not None and exchange.failure.kind is FailureKind.TIMEOUT


def _values(request: Request) -> tuple[str, ...]:
    """What tells apart requests that have the same defects."""
    fields = ("x-ms-version", "Content-Type", "Content-Length", "Transfer-Encoding")
    lines = (",".join(request.values(name)) if request.values(name) else "absent" for name in fields)
    return (request.target.partition("?")[2], *lines, str(bool(request.body)), request.identity)


def _is_a_look(request: Request) -> bool:
    """Whether a request reads an operation, a deployment or a cloud service, so that it can start nothing."""
    kind = read_target(request.target).kind
    return request.method in ("GET", "HEAD") and kind not in (Kind.REIMAGE, Kind.OTHER)


class Refusing:
    """What a system under test does with requests that ought to be refused."""

    def __init__(self, sut: SystemUnderTest) -> None:
        self._sut = sut
        self._examined: set[tuple[str, ...]] = set()
        self._shown: Counter[str] = Counter()
        self._in_vain = False
        self._gone_astray = 0
        self._unmasked = sut.world

    def attempt(self, request: Request, *, label: str = "refusal", **options: Any) -> Exchange:
        """Sends a request that ought to be refused: within the budget, and not while something of ours is in its way."""
        if not self._sut.budget.allows() and not _is_a_look(request):
            raise Untested("the budget of reimages is spent")
        exchange = self._send(request, label=label, **options)
        tries, most = 0, FEW_CONFLICTS if self._in_vain else CONFLICT_TRIES
        while is_conflict(exchange) and tries < most:
            tries += 1
            self._sut.campaign.paused = True
            while self._sut.book.under_way:
                self._sut.idle()
            if tries > 1:
                self._sut.clock.sleep(self._sut.dispatcher.limits.poll_interval_seconds)
            exchange = self._sut.dispatcher.send(request, label=label, **options)
        self._in_vain = is_conflict(exchange)
        return exchange

    def _send(self, request: Request, **options: Any) -> Exchange:
        """Sends a request; one that may be accepted, not while its instance may be changing from a reimage of ours."""
        place, campaign = self._sut.place_of(request), self._sut.campaign
        if place is None or self._permitted(request).binding:
            return self._sut.dispatcher.send(request, **options)
        with self._sut.examining(place):
            while not campaign.has_settled(place):
                self._sut.idle()
            return self._sut.dispatcher.send(request, **options)

    def refuse(self, request: Request, requirement: str = "", *, effects: bool = True, **options: Any) -> Exchange:
        """Sends a request that ought to be refused, and judges what came: the answer, and that nothing was started.

        Raises Untested where requests that break the same requirement were accepted, or left without an answer, often enough to know.
        """
        self._sut.dispatcher.pass_gate(request)
        place = self._sut.place_of(request)
        judged = self._permitted(request)
        broken = {defect.requirement for defect in judged.binding}
        if broken and all(self._shown[name] >= ENOUGH for name in broken):
            told = " and ".join(sorted(broken))
            raise Untested(f"enough requests that break {told} were accepted, or never answered, already")
        what = str(self._sut.world.absence(judged.address)) if judged.address.kind is Kind.REIMAGE else ""
        keys = [defect.key for defect in judged.defects]
        key = (str(judged.address.form), request.method, what, *keys, *_values(request))
        examine = effects and key not in self._examined and judged.address.kind is Kind.REIMAGE
        looking = examine and place is not None and self._sut.observer.offers_deployment
        with self._sut.examining(place) if looking and place is not None else nullcontext():
            return self._refused(request, requirement, key if examine else None, judged, place, **options)

    def _refused(
        self,
        request: Request,
        requirement: str,
        key: tuple[str, ...] | None,
        judged: Permitted,
        place: Place | None,
        **options: Any,
    ) -> Exchange:
        """Sends a request that ought to be refused and judges what came; `key` says which kind of effect is looked for, None that none is."""
        broken = {defect.requirement for defect in judged.binding}
        before = self._before(place) if key is not None and place is not None else None
        exchange = self.attempt(request, **options)
        alive = False
        if _is_worth_insisting(request, exchange):
            exchange, alive = self._insist(request, exchange)
        operation = self._follow(exchange, place)
        if len(broken) == 1:
            self._shown.update(dict.fromkeys(broken, _worth(exchange, operation, alive=alive)))
        polls = operation.polls if operation is not None else []
        arguments = {"requirement": requirement, "alive": alive, "polls": len(polls)}
        arguments |= {"overdue": True} if operation is not None and operation.state is State.OVERDUE else {}
        verdicts = self._sut.recorder.judge(refused, [exchange, *polls], **arguments)
        if key is not None and exchange.reply is not None and exchange.reply.status >= 400:
            self._examined.add(key)
            blamed = requirement or next(
                (d.requirement for d in permitted(exchange.request, self._sut.world).defects), ""
            )
            verdicts = verdicts + (self._effects(exchange, place, before, blamed) if blamed else [])
        raise_bad(verdicts)
        return exchange

    def try_out(self, request: Request, *, label: str = "refusal", **options: Any) -> Exchange:
        """Sends a request of which either answer is fine, and waits for the end of whatever it started.

        Raises Inconclusive where enough requests that address nothing have been seen to reimage something.
        """
        astray = self._sut.place_of(request) is None
        if astray and self._gone_astray >= ENOUGH:
            raise Inconclusive(
                "requests that address nothing reimage something, so that each costs a reimage and tells nothing",
                ("REQ-REIMAGE-UNKNOWN-INSTANCE", "REQ-REIMAGE-UNKNOWN-SERVICE"),
            )
        exchange = self.attempt(request, label=label, **options)
        self.settle(exchange)
        if astray and exchange.number in self._sut.budget.accepted:
            self._gone_astray += 1
        return exchange

    def settle(self, exchange: Exchange) -> None:
        """Books what a request started although it addresses nothing, and waits for its end, so that it is in nobody's way."""
        address = read_target(exchange.request.target)
        if exchange.reply is not None and exchange.reply.status == 202 and address.kind is Kind.REIMAGE:
            self._sut.book.wait(self._sut.book.open(exchange, self._sut.place_of(exchange.request), address.form))

    @property
    def unmasked(self) -> World:
        """The world with its secrets, which requests are judged in that are not masked yet."""
        if self._unmasked.target is not self._sut.target or self._unmasked.listed is not self._sut.world.listed:
            self._unmasked = replace(self._sut.world, target=self._sut.target, memory={})
        return self._unmasked

    def _permitted(self, request: Request) -> Permitted:
        """What the oracle says of a request that is not masked yet."""
        return permitted(request, self.unmasked)

    def _insist(self, request: Request, exchange: Exchange) -> tuple[Exchange, bool]:
        """A refusal without reply is sent once more if the endpoint lives, so that neither a lost connection nor a lock accuses anybody."""
        while self._sut.book.under_way:
            self._sut.idle()
        if not self._sut.is_alive():
            return exchange, False
        again = self._sut.dispatcher.send(replace(request, fresh_connection=True), label="refusal-again")
        return again, again.reply is None and self._sut.is_alive()

    def _follow(self, exchange: Exchange, place: Place | None) -> Operation | None:
        """The operation that should not have been, if there is one; waits for its end only where that decides."""
        if exchange.reply is None or not 200 <= exchange.reply.status < 300:
            return None
        address = read_target(exchange.request.target)
        if address.kind is not Kind.REIMAGE or (exchange.request.method in _SAFE and exchange.reply.status != 202):
            return None
        if error_code(exchange.reply) or (exchange.reply.status != 202 and exchange.request.method != "POST"):
            return None  # an error in disguise starts nothing
        operation = self._sut.book.open(exchange, place, address.form)
        operation.unwanted = True
        for exposed in self._sut.guard.exposed():
            self._sut.observer.look(exposed)
        for touched in [place] if place is not None else self._namesakes(address.instance):
            self._sut.observer.address(touched)
        if self._sut.book.unwanted > MOST_UNWANTED:
            operation.state = (
                State.LOST
            )  # an endpoint that takes everything has been shown to; its operations tell no more
            return None
        if any(defect.later for defect in permitted(exchange.request, self._sut.world).defects):
            self._sut.book.wait(operation)
        return operation

    def _namesakes(self, instance: str) -> list[Place]:
        """Every listed place with an instance of this name: a request that ought to address nothing may have reached any."""
        return [place for place in self._sut.places() if place.role_instance == instance]

    def _before(self, place: Place) -> Exchange | None:
        """The instance before a refusal, where that can be seen; what was seen just now will do if no reimage of ours touched it."""
        observer = self._sut.observer
        if not observer.offers_deployment or self._is_taken(place):
            return None
        last = observer.last.get(place.deployment.name)
        if (
            last is not None
            and last.number > self._sut.recorder.exchanges[-1].number - JUST_NOW
            and str(place) not in observer.addressed
            and statuses_in(last).get(place.role_instance) == READY
        ):
            return last
        return observer.look(place.deployment)

    def _is_taken(self, place: Place) -> bool:
        """Whether an operation runs on an instance that a request started which ought to have been refused."""
        return any(operation.unwanted and operation.place == place for operation in self._sut.book.under_way)

    def _effects(
        self, refusal: Exchange, place: Place | None, before: Exchange | None, requirement: str
    ) -> list[Verdict]:
        """What a refused request left behind: an operation under its id, or an instance that is not as it was."""
        verdicts: list[Verdict] = []
        poll = self.poll_of(refusal)
        if poll is not None:
            verdicts += self._sut.recorder.judge(nothing_left_behind, [refusal, poll])
        if place is not None and before is not None and statuses_in(before):
            beside = self._sut.book.is_busy(place.deployment)
            after = self._sut.observer.look(place.deployment)
            arguments = {"requirement": requirement, "instance": place.role_instance, "beside": beside}
            verdicts += self._sut.recorder.judge(instance_untouched, [before, refusal, after], **arguments)
        return verdicts

    def poll_of(self, refusal: Exchange) -> Exchange | None:
        """A poll of the id that a refusal carries, to see whether it is an operation; None where it carries none."""
        identifier = refusal.reply.header("x-ms-request-id") if refusal.reply is not None else None
        if not identifier:
            return None
        return self._sut.dispatcher.once(self._sut.builder.operation_status(identifier), label="poll-refused")

    def refusals_of(self, place: Place) -> list[Exchange]:
        """The requests addressed to an instance that were refused."""
        found = []
        for exchange in self._sut.recorder.exchanges:
            address = read_target(exchange.request.target)
            if exchange.label != "probe" and address.kind is Kind.REIMAGE and address.instance == place.role_instance:
                deployment = self._sut.world.deployment_of(address)
                if deployment is not None and deployment.name == place.deployment.name:
                    found.append(exchange)
        return found

    def suspect(self, place: Place, refusals: list[Exchange]) -> tuple[str, str]:
        """What to hold against the endpoint should an instance have changed that nobody asked to: the words, and the requirement."""
        if not refusals:
            return "a reimage of another instance", "REQ-REIMAGE-OTHERS-UNTOUCHED"
        blamed = [d.requirement for e in refusals for d in permitted(e.request, self._sut.world).binding]
        numbers = {refusal.number for refusal in refusals}
        touched = [
            v.requirement for v in self._sut.recorder.verdicts if v.symptom == "touched" and numbers & set(v.evidence)
        ]
        taken = [v.requirement for v in self._sut.recorder.verdicts if v.symptom == "accepted"]
        blamed = touched[:1] or taken[:1] or blamed
        same = len(set(blamed)) == 1
        return f"refused requests to {place.role_instance}", blamed[0] if same else "REQ-GOS-NOTFOUND-NOEFFECT"
