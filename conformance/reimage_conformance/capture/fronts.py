"""Answers of a capture that a proxy, a gateway, a firewall or a login page gave in place of the endpoint."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reimage_conformance.assessment.fronts import shows_protocol
from reimage_conformance.capture.recorded import REDIRECTED
from reimage_conformance.model import Fact
from reimage_conformance.protocol.documents import media_type

if TYPE_CHECKING:
    from reimage_conformance.capture.recorded import RecordedTraffic
    from reimage_conformance.capture.traffic import Recorded

BY_GATEWAYS = (407, 408, 460, 463, *range(494, 500), 502, 504, 511, *range(520, 528), 530, 561, 598, 599, 999)
"""Statuses that proxies and gateways answer with by themselves.

They are those of RFC 9110, sections 15.5.8, 15.5.9 and 15.6, and of RFC 6585, section 6, and those that nginx, load balancers
and content delivery networks have of their own.
"""
_PAGES = ("text/html", "application/xhtml+xml")
_PLAIN = "text/plain"
"""The type of the few words that servers and gateways answer a fault with."""
_PAGE = re.compile(rb"\s*<(?:!doctype\s+html|html)\b", re.IGNORECASE)


def is_by_gateway(recorded: Recorded) -> bool:
    """Whether the status alone shows that a proxy or gateway answered; for journals of a run it does not."""
    reply = recorded.exchange.reply
    return reply is not None and reply.status in BY_GATEWAYS and not recorded.tells(Fact.IDENTITY)


def answered_by_fronts(traffic: RecordedTraffic) -> set[int]:
    """The numbers of the exchanges that something in front of the endpoint seems to have answered.

    Their answers are HTML, empty or a fault in plain text, without any sign of this protocol, while another call of the same kind was
    answered in this protocol. An endpoint may refuse a call that certainly has a defect without a document
    (REQ-ERR-BODY-OPTIONAL). So for such a call the same request must have been answered in this protocol.
    """
    in_protocol = [each for each in traffic.recorded if shows_protocol(each.exchange)]
    kinds = {traffic.reading(each).address.kind for each in in_protocol}
    requests = {each.exchange.request for each in in_protocol}

    def is_answered_elsewhere(recorded: Recorded) -> bool:
        reading = traffic.reading(recorded)
        return recorded.exchange.request in requests if reading.defects else reading.address.kind in kinds

    return {each.exchange.number for each in traffic.recorded if _is_foreign(each) and is_answered_elsewhere(each)}


def _is_foreign(recorded: Recorded) -> bool:
    """Whether an answer is HTML, empty or a fault in plain text, without any sign of this protocol.

    A 307 counts as such a sign (REQ-HTTP-307). No answer in the journal of a run is foreign.
    """
    reply = recorded.exchange.reply
    if reply is None or reply.status == REDIRECTED or recorded.tells(Fact.IDENTITY):
        return False
    if shows_protocol(recorded.exchange):
        return False
    is_page = media_type(reply) in _PAGES or _PAGE.match(reply.body) is not None
    is_page |= reply.status >= 500 and media_type(reply) == _PLAIN
    return is_page or (not reply.body and recorded.tells(Fact.CONTENT))
