"""Counts what of a capture was not judged, or only in part, and says why in sentences."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reimage_conformance.capture.operations import forgotten_polls, refused_during_operations
from reimage_conformance.capture.recorded import CONFLICT, CREDENTIAL_STATUSES, REDIRECTED, RecordedTraffic, is_accepted
from reimage_conformance.judging.wording import is_busy
from reimage_conformance.model import Fact
from reimage_conformance.protocol.addresses import Kind
from reimage_conformance.quantities import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from reimage_conformance.capture.traffic import Recorded

REDIRECT_FOLLOWED = "redirected by a 307; the call that follows it is judged"
REDIRECT_LOST = "redirected by a 307, without the call that should follow it"
NO_REPLY = "recorded without a reply"
REFUSED_OTHERWISE = "refused because of credentials, load or another operation (401, 403, 409, 429, 503)"
NAMES_UNCLEAR = "refused, with names that may not exist: the capture does not show it"
RECORDING_UNCLEAR = "refused, recorded without some header lines or without the certificate"
NO_CONTENT = "answered, recorded without the content of the response"
NOTHING_TO_COMPARE = "refused, and nothing in the capture shows whether they had to be"
FORGOTTEN = "denied, for an operation that may have ended and been forgotten since the poll before"
PASSED_FAULT = "answered 500, by a fault that may have passed: no repeat got it as well"
DURING_AN_OPERATION = "refused, while another operation of the deployment may have been under way"
LEFT_OPEN = "answered in a way that the documents leave open"

NOT_RECORDED = {
    Fact.VERSION_LINE: "No request shows an x-ms-version; none counts as missing",
    Fact.SENT_TYPE_LINE: "Whether the request had a Content-Type was not recorded; none counts as missing",
    Fact.QUERY: "The query was left out of every request, or replaced; no comp counts as missing",
    Fact.RESPONSE_LINES: "Header lines of the response were not recorded, or not all; none counts as missing",
    Fact.DATE_LINE: "Whether there was a Date of its own was not recorded; none counts as missing",
    Fact.DATE_FORM: "Every Date seems to be rewritten by the recorder; its form is not judged",
    Fact.TYPE_LINE: "No response shows a Content-Type; none counts as missing",
    Fact.ID_LINE: "Whether there was one x-ms-request-id was not recorded; none counts as missing",
    Fact.CONTENT: "Content of the response was not recorded, or not all; nothing is judged from it",
    Fact.OWN_ID: "The x-ms-request-id was replaced by a word that is not an id; only its presence is judged",
    Fact.OPERATION_ID: "The id of the operation was replaced by a word that is not an id; its polls are judged one by one",
    Fact.SHOWN_ID: "The id in the URL and the ID in the document seem to be replaced differently; they are not compared",
    Fact.SHOWN_NAME: "The deployment in the URL and the Name in the document seem to be replaced differently; they are not compared",
    Fact.SHOWN_VALUES: "Values in the document were replaced by other words; its form is judged, those values are not",
    Fact.ORDER: "The order is not certain; what came before and after is not judged",
    Fact.MOMENT: "The time was not recorded; no interval is judged",
}
"""The sentences for facts that some HARs do not hold; facts that no HAR holds have none."""
SHOWS_NOTHING: Mapping[str, Callable[[RecordedTraffic], Collection[int]]] = {
    FORGOTTEN: forgotten_polls,
    DURING_AN_OPERATION: refused_during_operations,
    PASSED_FAULT: lambda traffic: traffic.transient_faults,
}
"""The reasons that need other calls of the capture to be known, each with what finds the numbers of its exchanges."""


def unjudged_notes(traffic: RecordedTraffic, judged: Collection[int], followed: Collection[int]) -> Iterator[str]:
    """Sentences that count the calls of which nothing was judged except what holds for every message.

    `judged` holds the numbers of the exchanges of which more was judged, `followed` the entries whose redirect was followed in the
    capture.
    """
    unjudged = [each for each in traffic.recorded if each.exchange.number not in judged]
    known = {number: reason for reason, found in SHOWS_NOTHING.items() for number in found(traffic)}
    reasons = Counter(known.get(each.exchange.number) or _reason(traffic, each, followed) for each in unjudged)
    yield from (f"Not judged, {reason}: {counted(count, 'call')}." for reason, count in sorted(reasons.items()))


def unrecorded_notes(traffic: RecordedTraffic) -> Iterator[str]:
    """Sentences that count the exchanges that were not recorded completely."""
    answered = [each.exchange for each in traffic.recorded if each.exchange.reply is not None]
    for fact, sentence in NOT_RECORDED.items():
        count = sum(1 for exchange in answered if fact in exchange.unrecorded)
        if count:
            yield f"{sentence}: {counted(count, 'exchange')}."


def _reason(traffic: RecordedTraffic, recorded: Recorded, followed: Collection[int]) -> str:
    """Why nothing was judged of one call."""
    exchange, reading = recorded.exchange, traffic.reading(recorded)
    if exchange.reply is None:
        return NO_REPLY
    if exchange.reply.status == REDIRECTED:
        return REDIRECT_FOLLOWED if recorded.entry in followed else REDIRECT_LOST
    is_put_off = is_busy(exchange) or (exchange.reply.status == CONFLICT and reading.address.kind is Kind.REIMAGE)
    if is_put_off or (exchange.reply.status in CREDENTIAL_STATUSES and not recorded.tells(Fact.IDENTITY)):
        return REFUSED_OTHERWISE
    if is_accepted(exchange):
        return LEFT_OPEN if recorded.tells(Fact.CONTENT) else NO_CONTENT
    if reading.names_unclear or reading.recording_unclear:
        return NAMES_UNCLEAR if reading.names_unclear else RECORDING_UNCLEAR
    return NOTHING_TO_COMPARE if reading.is_plain or reading.defects else LEFT_OPEN
