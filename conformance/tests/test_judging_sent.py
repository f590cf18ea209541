"""What was sent, in words: the part of a request that a verdict is about."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from judging_samples import (
    FOREIGN_SUBSCRIPTION,
    NO_HOST,
    NOBODY,
    OTHER_SUBSCRIPTION,
    POLL,
    REIMAGE,
    SUBSCRIPTION,
    UNKNOWN,
    world,
)
from reimage_conformance.judging.oracle import expectation_of
from reimage_conformance.judging.sent import sent
from reimage_conformance.model import Identity
from reimage_conformance.protocol.requests import with_header, without_header

if TYPE_CHECKING:
    from reimage_conformance.model import Request

SPACED = with_header(POLL, "Accept ", "*/*")
FOREIGN = replace(POLL, target=POLL.target.replace(SUBSCRIPTION, FOREIGN_SUBSCRIPTION))


@pytest.mark.parametrize(
    ("request_sent", "words"),
    [
        (NO_HOST, "no Host header"),
        (with_header(POLL, "Host", "a b"), "Host 'a b'"),
        (SPACED, "header name 'Accept '"),
        (with_header(SPACED, "x-ms-version", "soon"), "header name 'Accept '"),
        (with_header(REIMAGE, "Content-Length", "0", "5"), "Content-Length '0' and '5'"),
        (replace(REIMAGE, method="GET"), "method 'GET' at the address of Reimage Role Instance"),
        (
            replace(REIMAGE, method="PO"),
            "method 'PO' (POST without its last letters) at the address of Reimage Role Instance",
        ),
        (without_header(POLL, "x-ms-version"), "Get Operation Status"),
        (with_header(POLL, "x-ms-version", "soon"), "Get Operation Status with x-ms-version 'soon'"),
        (
            replace(REIMAGE, target=REIMAGE.target.replace("WebRole", "%2557ebRole")),
            "role instance '%57ebRole1_IN_0' (in the address: %2557ebRole1_IN_0) in cloud service 'contoso', slot 'production'",
        ),
        (NOBODY, "role instance 'Nobody' in cloud service 'contoso', slot 'production'"),
        (UNKNOWN, "Reimage Role Instance"),
        (replace(POLL, identity=Identity.NONE), "Get Operation Status"),
        (
            replace(FOREIGN, identity=Identity.UNKNOWN),
            "Get Operation Status under a subscription that is not the caller's",
        ),
        (replace(POLL, headers=(*POLL.headers, ("Host", "a"))), "Host '127.0.0.1:8443' and 'a'"),
        (
            replace(REIMAGE, target=REIMAGE.target.replace(SUBSCRIPTION, OTHER_SUBSCRIPTION)),
            "cloud service 'contoso', slot 'production', under another subscription, which has no such cloud service",
        ),
        (FOREIGN, "Get Operation Status under a subscription that is not the caller's"),
        (REIMAGE, ""),
    ],
)
def test_what_was_sent_is_told_by_its_defect(request_sent: Request, words: str) -> None:
    where = world(other_subscription_id=OTHER_SUBSCRIPTION, foreign_subscription_id=FOREIGN_SUBSCRIPTION)

    assert sent(request_sent, expectation_of(request_sent, where).must_be_refused_for) == words
