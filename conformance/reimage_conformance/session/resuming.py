"""Resuming: restores the state of an earlier part of a run from its journal.

Cases that were judged are not run again. Operations that were under way are polled further. Steps of the campaign that were
sent keep their results, and are followed on if they were not over. A request whose reply was not recorded stays in the
journal as an exchange without reply; if it is a sound reimage, it counts as spent.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from reimage_conformance.judging.operations.polls import status_of
from reimage_conformance.judging.oracle import expectation_of
from reimage_conformance.judging.wording import is_busy, is_conflict
from reimage_conformance.protocol.addresses import Kind, UriForm, read_target
from reimage_conformance.protocol.deployments import READY, statuses_in
from reimage_conformance.protocol.requests import Place
from reimage_conformance.session.earlier import NO_REPLY
from reimage_conformance.session.instances import Watch
from reimage_conformance.session.step_runs import CONTEND_OTHER, CONTEND_SAME, Result, label_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reimage_conformance.model import Exchange
    from reimage_conformance.session.earlier import Earlier
    from reimage_conformance.session.operation import Operation
    from reimage_conformance.session.steps import Step
    from reimage_conformance.session.sut import SystemUnderTest


def keep_for_resuming(sut: SystemUnderTest) -> None:
    """Writes to the journal what a later part of the run would need and the exchanges do not show."""
    note = sut.recorder.note
    sut.budget.note = lambda change, exchange: note(change, exchange=exchange)
    sut.instances.on_watch_over = lambda watch: note(
        "watched",
        start=watch.operation.start.number,
        looks=_numbers(watch.looks),
        others=list(watch.others),
        waited=round(watch.waited, 6),
    )
    sut.step_runs.on_sending = lambda step, before, probed: note(
        "step", name=step.name, before=_numbers([before] if before is not None else []), probe_before=_numbers(probed)
    )
    sut.step_runs.on_probed = lambda result: note(
        "probed", name=result.step.name, probe_after=_numbers(result.probe_after)
    )


def _numbers(exchanges: Iterable[Exchange]) -> list[int]:
    return [exchange.number for exchange in exchanges]


async def take_up(sut: SystemUnderTest, earlier: Earlier) -> None:
    """Restores the state of an earlier part in a session that is about to begin.

    Waits until the instances are ready whose reimage was sent without a recorded reply.
    """
    sut.budget.go_on(earlier.spent())
    _Resumption(sut, earlier).take_up()
    for lost in earlier.all_unanswered:
        place = place_of(sut, lost)
        if place is not None and not expectation_of(lost.request, sut.world).must_be_refused_for:
            sut.budget.spend(lost.number)
            sut.instances.address(place)
            await sut.instances.until_ready(place)


def place_of(sut: SystemUnderTest, exchange: Exchange) -> Place | None:
    """The place that a recorded reimage request addresses; the request is masked, the place is not.

    None where it is not listed.
    """
    address, masked = read_target(exchange.request.resource), sut.world.target
    shown = sut.world.deployment_of(address)
    if address.kind is not Kind.REIMAGE or address.subscription != masked.subscription_id or shown is None:
        return None
    deployment = sut.target.deployments[masked.deployments.index(shown)]
    if address.instance not in sut.world.instances(shown):
        return None
    return Place(deployment, address.instance)


class _Resumption:
    """Restores one session to the state in which the earlier part of its run ended."""

    def __init__(self, sut: SystemUnderTest, earlier: Earlier) -> None:
        self._sut, self._earlier, self._journal = sut, earlier, earlier.journal
        self._events = earlier.journal.events
        self._exchanges = earlier.journal.exchanges
        self._operations: dict[int, Operation] = {}
        self._origin = sut.sender.clock.now() - earlier.began_seconds_ago
        self._gap = max(earlier.began_seconds_ago - earlier.latest_seconds, 0.0)

    def take_up(self) -> None:
        """Restores operations, then the steps of the campaign, then what the cases had done."""
        self._reopen_all()
        for result in self._results():
            self._sut.campaign.adopt(result, is_over=self._is_over(result))
        for operation in self._sut.operations.all:
            if operation.unwanted:
                self._sut.refusals.violations.count(self._broken_by(operation.start), 1)
        concluded = self._earlier.concluded
        started = (each.start.case for each in self._sut.operations.all if not each.unwanted)
        lost = (each.case for each in self._earlier.all_unanswered if not self._broken_by(each))
        self._sut.reimages.cut_short = frozenset(
            name for name in chain(started, lost) if name and name not in concluded
        )

    def _broken_by(self, exchange: Exchange) -> frozenset[str]:
        return frozenset(
            defect.requirement for defect in expectation_of(exchange.request, self._sut.world).must_be_refused_for
        )

    # Operations.

    def _reopen_all(self) -> None:
        """Reopens every operation that was booked, and those whose 202 was recorded just before the run was cut short."""
        booked = {event["start"]: event for event in self._events if event["type"] == "operation"}
        for number, event in booked.items():
            if number in self._exchanges:
                form = UriForm(event["form"]) if event.get("form") else None
                self._reopen_one(self._exchanges[number], form, unwanted=bool(event.get("unwanted")))
        for number, exchange in self._exchanges.items():
            address = read_target(exchange.request.resource)
            is_accepted = exchange.reply is not None and exchange.reply.status == 202
            if is_accepted and address.kind is Kind.REIMAGE and number not in booked:
                self._sut.budget.spend(number)
                self._reopen_one(exchange, address.form, unwanted=bool(self._broken_by(exchange)))

    def _reopen_one(self, start: Exchange, form: UriForm | None, *, unwanted: bool) -> None:
        place = place_of(self._sut, start)
        self._sut.gate_learns(start)
        if place is not None:
            self._sut.instances.address(place)
        self._operations[start.number] = self._sut.operations.reopen(
            start, place, form, self._polls_of(start), self._origin, self._gap, unwanted=unwanted
        )

    def _polls_of(self, start: Exchange) -> list[Exchange]:
        """The polls of the operation that a request started, with the same certificate and subscription."""
        identifier = start.reply.header("x-ms-request-id") if start.reply is not None else None
        subscription = read_target(start.request.resource).subscription
        found = []
        for exchange in self._exchanges.values():
            address = read_target(exchange.request.resource)
            same = (address.operation, address.subscription) == (identifier, subscription)
            plain = exchange.request.method == "GET" and "?" not in exchange.request.target
            own = exchange.request.identity is start.request.identity and exchange.label.startswith("poll")
            counts = exchange.label != "poll-otherwise" or status_of(exchange)
            if same and plain and own and counts and exchange.number > start.number:
                found.append(exchange)
        return sorted(found, key=lambda exchange: exchange.number)

    # The campaign.

    def _results(self) -> Iterable[Result]:
        """The result of each answered step, in the order of sending.

        The caller adopts each before it takes the next.
        """
        for at, event in enumerate(self._events):
            if event["type"] != "step":
                continue
            step = self._sut.campaign.make_pending(event["name"])
            exchange = self._answer_to(event["name"], at)
            if step is None or exchange is None or not _is_final(exchange) or self._is_postponed(step, exchange):
                continue
            yield self._result(step, event, exchange)

    def _is_postponed(self, step: Step, exchange: Exchange) -> bool:
        """Whether an uninterrupted run sends a refused step again later, or did so."""
        if exchange.is_successful:
            return False
        others = (each for each in self._exchanges.values() if each.label == exchange.label)
        was_repeated = any(each.number > exchange.number and each.request == exchange.request for each in others)
        return was_repeated or self._sut.instances.may_not_run_again(step.place, exchange)

    def _answer_to(self, name: str, at: int) -> Exchange | None:
        """The last answer to the step that is announced at position `at` of the journal, or None; it comes before the step is announced again."""
        found = None
        for event in self._events[at + 1 :]:
            if event["type"] == "step" and event["name"] == name:
                break
            if event["type"] == "exchange" and event["label"] == label_of(name):
                found = self._exchanges[event["number"]]
        return found

    def _result(self, step: Step, event: Mapping[str, Any], exchange: Exchange) -> Result:
        result = Result(step, exchange, probe_before=self._exchanges_of(event["probe_before"]))
        result.operation = self._operations.get(exchange.number)
        if result.operation is None:
            return result
        probed = (each for each in self._events if each["type"] == "probed" and each["name"] == step.name)
        result.probe_after = next((self._exchanges_of(each["probe_after"]) for each in probed), [])
        before = self._exchanges_of(event["before"])
        if before:
            result.watch = self._sut.instances.go_on_watching(self._watch(result.operation, step.place, before[0]))
        if step.contend:
            self._add_contention(result, exchange.number)
        return result

    def _exchanges_of(self, numbers: Iterable[int]) -> list[Exchange]:
        return [self._exchanges[number] for number in numbers if number in self._exchanges]

    def _watch(self, operation: Operation, place: Place, before: Exchange) -> Watch:
        """The watch of an instance, with the looks until the run was cut short."""
        start = operation.start.number
        over = next((each for each in self._events if each["type"] == "watched" and each["start"] == start), None)
        if over is not None:
            looks, others = self._exchanges_of(over["looks"]), tuple(over["others"])
            return Watch(operation, place, before, others, looks, over["waited"], is_over=True)
        looks = [each for each in self._exchanges.values() if each.number > start and _is_look_like(each, before)]
        shown = statuses_in(before)
        names = place.deployment.role_instances
        addressed = self._sut.instances.addressed
        others = tuple(n for n in names if str(Place(place.deployment, n)) not in addressed and shown.get(n) == READY)
        return Watch(operation, place, before, others, looks, interrupted=True)

    def _add_contention(self, result: Result, number: int) -> None:
        """Adds the requests that were sent while a contended step ran."""
        for each in sorted(self._exchanges.values(), key=lambda exchange: exchange.number):
            own = each.number > number and not each.case and each.label in (CONTEND_SAME, CONTEND_OTHER)
            if not own or each.failure == NO_REPLY:
                continue
            if each.label == CONTEND_SAME:
                result.same, result.same_operation = each, self._operations.get(each.number)
            else:
                result.other, result.other_operation = each, self._operations.get(each.number)
                result.other_place = place_of(self._sut, each)

    def _is_over(self, result: Result) -> bool:
        """Whether a step is over: its operations, its watch and its probe."""
        own = (result.operation, result.same_operation, result.other_operation)
        watched = result.watch is None or result.watch.is_over
        return (
            watched
            and bool(result.probe_after or not result.probe_before)
            and not any(each is not None and each.is_under_way for each in own)
        )


def _is_final(exchange: Exchange) -> bool:
    """Whether an uninterrupted run would not have repeated the step after this answer."""
    return exchange.failure != NO_REPLY and not is_conflict(exchange) and not is_busy(exchange)


def _is_look_like(exchange: Exchange, look: Exchange) -> bool:
    """Whether an exchange is a look as `look` is: at the same deployment, with the same version, outside of any case."""
    return (
        not exchange.case
        and exchange.label == look.label
        and exchange.request.target == look.request.target
        and exchange.request.headers == look.request.headers
    )
