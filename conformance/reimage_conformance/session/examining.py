"""Examining: finds out whether a bad request changed the instance that it addresses.

Groups of bad requests are sent between two looks. If the looks differ, each request of the group is repeated alone to
find the one that caused the change. `session/answering.py` sends each request and judges its answer.
"""

from __future__ import annotations

from collections import Counter
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

from reimage_conformance.judging.request import instance_untouched, nothing_left_behind
from reimage_conformance.protocol.deployments import READY, statuses_in
from reimage_conformance.protocol.documents import plain_identifier
from reimage_conformance.session.budget import Spent
from reimage_conformance.session.groups import Groups, left_ready
from reimage_conformance.session.manner import Manner
from reimage_conformance.session.signals import Inconclusive, Untested
from reimage_conformance.session.thresholds import MAX_IDS_ASKED_FOR

if TYPE_CHECKING:
    from reimage_conformance.model import Exchange, Verdict
    from reimage_conformance.protocol.addresses import UriForm
    from reimage_conformance.protocol.requests import Place
    from reimage_conformance.session.answering import Answered, BadRequestSender
    from reimage_conformance.session.bad_requests import BadRequest
    from reimage_conformance.session.collaborators import Collaborators
    from reimage_conformance.session.groups import Group


class Examinations:
    """Sends bad requests, and judges their answers and their effects.

    One request of each `BadRequest.key` is examined.
    """

    def __init__(self, bad_request_sender: BadRequestSender, shared: Collaborators) -> None:
        self._bad_request_sender, self._sender, self._recorder = bad_request_sender, shared.sender, shared.recorder
        self._builder, self._operations = shared.builder, shared.operations
        self._instances, self._budget = shared.instances, shared.budget
        self._groups = Groups(shared.instances, shared.operations, shared.budget)
        self._examined: set[tuple[str, ...]] = set()
        self._ids_polled: Counter[tuple[str, UriForm | None]] = Counter()

    async def examine(self, bad: BadRequest, verdicts: list[Verdict]) -> Answered:
        """Sends a bad request and appends the verdicts to `verdicts`: about its answer, and about its effects if it is examined.

        Raises as `BadRequestSender.answer_to` does; the verdicts made until then stay in `verdicts`.
        """
        if bad.place is not None and self._instances.offers_deployment and self._is_to_be_examined(bad):
            return await self._in_one_or_two_groups(bad, bad.place, verdicts)
        async with self._groups.sending_unexamined(bad.place) if bad.place is not None else nullcontext():
            answered = await self._bad_request_sender.answer_to(bad)
        verdicts += self._bad_request_sender.judge(bad, answered)
        if self._is_to_be_examined(bad) and answered.is_refused:
            self._examined.add(bad.key)
            verdicts += await self._no_operation_left(answered)
        return answered

    async def poll_of(self, refusal: Exchange) -> Exchange | None:
        """A poll with the request id of a refusal, which shows whether an operation has that id.

        None where it has no id, or the id of an operation of this run: its poll would say nothing about the refused request.
        """
        identifier = refusal.request_id
        known = {plain_identifier(operation.identifier) for operation in self._operations.all}
        if not identifier or plain_identifier(identifier) in known:
            return None
        return await self._sender.send_and_follow_up(self._builder.operation_status(identifier), Manner("poll-refused"))

    def _is_to_be_examined(self, bad: BadRequest) -> bool:
        """Whether the effects of a bad request are to be examined: no other request of its key was."""
        return bad.expected.effects and bad.addresses_an_instance and bool(bad.blamed) and bad.key not in self._examined

    async def _in_one_or_two_groups(self, bad: BadRequest, place: Place, verdicts: list[Verdict]) -> Answered:
        """Sends a bad request in a group, and again in a second one if an accepted request may have changed the instance in the first."""
        answered, disturbed = await self._in_group(bad, place, verdicts)
        if disturbed and answered.is_refused:
            answered, _ = await self._in_group(bad, place, verdicts)
        return answered

    async def _in_group(self, bad: BadRequest, place: Place, verdicts: list[Verdict]) -> tuple[Answered, bool]:
        """Sends a bad request in a group.

        Gives the answer, and whether the looks prove nothing because a request of the group was accepted.
        """
        is_examined = self._is_to_be_examined(bad)
        async with self._groups.join(place) as group:
            group.blamed.add(bad.blamed)
            try:
                answered = await self._bad_request_sender.answer_to(bad, is_held=True)
                group.accepted = group.accepted or answered.operation is not None
                verdicts += self._bad_request_sender.judge(bad, answered)
            finally:
                await self._groups.note_answer(group)
            await group.looked.wait()
            disturbed = group.is_changed and group.accepted
            if answered.is_refused and (is_examined or group.is_changed) and not disturbed:
                self._examined.add(bad.key)
                verdicts += await self._effect_of(bad, group, answered)
        kind_and_form = bad.kind, bad.expectation.address.form
        if is_examined and answered.is_refused and self._ids_polled[kind_and_form] < MAX_IDS_ASKED_FOR:
            self._ids_polled[kind_and_form] += 1
            verdicts += await self._no_operation_left(answered)
        return answered, is_examined and disturbed

    async def _effect_of(self, bad: BadRequest, group: Group, answered: Answered) -> list[Verdict]:
        """Judges whether a refusal had an effect.

        If several requests may have caused a change, or the instance may be busy by itself, the refused request is
        repeated alone first.
        """
        if group.is_changed and group.has_one_suspect:
            group.book(answered.exchange.number)
        if group.is_changed and group.is_cause_certain:
            self._bad_request_sender.started_though_refused.add(bad.key)
        if group.is_changed and not group.is_cause_certain:
            return await self._repeated_alone(bad, group, answered)
        return self._effect(bad, group, answered)

    def _effect(self, bad: BadRequest, group: Group, answered: Answered) -> list[Verdict]:
        """Judges by the looks of the group whether a refusal left the instance as it was."""
        return self._untouched(bad, group.before, answered, group.after, beside=group.beside)

    async def _repeated_alone(self, bad: BadRequest, group: Group, first: Answered) -> list[Verdict]:
        """Repeats one request of a group whose instance changed, alone between two looks.

        If the instance does not come back, the looks of the group decide, unless a request outside of it may be the cause.
        They also decide if no reimage is left, unless the instance may have changed by itself or because of an earlier reimage. `first`
        is the result of the same request in the group.
        """
        async with group.turn:
            await self._instances.until_steady(self._operations.at(group.place))
            await self._operations.until_quiet(group.place.deployment)
            await self._operations.until_over_by_name(group.place)
            before = await self._instances.until_ready(group.place)
            if before is None or statuses_in(before).get(group.place.role_instance) != READY:
                if group.is_disturbed:
                    return []
                group.book(first.exchange.number)
                self._bad_request_sender.started_though_refused.add(bad.key)
                return self._by_looks_of_group(bad, group, first)
            try:
                async with self._budget.hold_once_more():
                    answered = await self._bad_request_sender.answer_to(bad, is_held=True)
                    after = await self._instances.look(group.place.deployment)
            except (Inconclusive, Untested) as reason:
                group.book(first.exchange.number)  # it may have reimaged the instance, so it is counted
                if not isinstance(reason, Spent) or group.may_have_changed_by_itself or group.unsteady:
                    raise
                return self._by_looks_of_group(bad, group, first)
            beside = self._operations.has_operation_on(group.place.deployment)
            if left_ready(group.place, before, after) and answered.is_refused:
                group.book(first.exchange.number)  # it reimaged the instance in the group as well
                self._budget.spend(answered.exchange.number)
                self._bad_request_sender.started_though_refused.add(bad.key)
                self._bad_request_sender.violations.count(bad.broken, 1)
            return self._untouched(bad, before, answered, after, beside=beside)

    def _by_looks_of_group(self, bad: BadRequest, group: Group, first: Answered) -> list[Verdict]:
        """Judges a request that was not repeated by the looks of its group; `first` is its result there."""
        blamed = next(iter(group.blamed)) if len(group.blamed) == 1 else "REQ-GOS-NOTFOUND-NOEFFECT"
        expected = replace(bad.expected, effect_requirement=blamed)
        return self._effect(replace(bad, expected=expected), group, first)

    def _untouched(
        self, bad: BadRequest, before: Exchange | None, answered: Answered, after: Exchange | None, *, beside: bool
    ) -> list[Verdict]:
        """Judges by the looks `before` and `after` whether a refusal left the instance as it was."""
        if before is None or after is None or bad.place is None or not answered.is_refused:
            return []
        arguments = {"requirement": bad.blamed, "instance": bad.place.role_instance, "beside": beside}
        return self._recorder.judge(instance_untouched, [before, answered.exchange, after], **arguments)

    async def _no_operation_left(self, answered: Answered) -> list[Verdict]:
        """Judges whether an operation has the request id of a refusal."""
        poll = await self.poll_of(answered.exchange)
        return self._recorder.judge(nothing_left_behind, [answered.exchange, poll]) if poll is not None else []
