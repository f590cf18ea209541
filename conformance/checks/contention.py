"""Contention: a reimage that meets another in the same deployment (digest section M)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.checks.registry import about, check
from conformance.checks.wording import is_busy, said, symptom
from conformance.protocol.documents import (
    error_code,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.model import Exchange, Verdict
    from conformance.world import World


@check
def contended(
    world: World,
    exchanges: Sequence[Exchange],
    requirement: str,
    *,
    ended: bool,
    lost: bool = False,
    alive: bool = False,
) -> Iterator[Verdict]:
    """A reimage while another runs is accepted under an id of its own and finishes, or refused with 409 ConflictError.

    Exchanges: the running one's 202, the contending request, its polls; `ended` says whether its operation came to an
    end, `lost` that the running one then never did, `alive` that the endpoint answers other requests.
    """
    del world
    first, second, polls = exchanges[0], exchanges[1], exchanges[2:]
    verdict = about(requirement, second, first, *polls[-1:])
    expected = "202 with an id of its own that finishes, or 409 with ConflictError"
    if is_busy(second) or (second.reply is None and not alive):
        yield verdict.inconclusive(said(second))
        return
    if second.reply is None:
        yield verdict.violated(expected, said(second), symptom(second))
        return
    if second.reply.status == 409:
        code = error_code(second.reply)
        blame = ("REQ-ERR-CODES", "REQ-ERR-BODY-OPTIONAL", "REQ-ERR-BODY-FORMAT")
        yield verdict.judged(code == "ConflictError", expected, said(second), f"code:{code}", because=blame)
        return
    if second.reply.status != 202:
        yield verdict.violated(expected, said(second), symptom(second))
        return
    identifier = second.reply.header("x-ms-request-id") or ""
    if identifier and identifier == (first.reply.header("x-ms-request-id") if first.reply else ""):
        yield verdict.violated(
            expected,
            f"202 with the running operation's id {identifier}",
            "shared-id",
            because=("REQ-ASYNC-REQID-UNIQUE",),
        )
    elif lost:
        yield verdict.violated(
            expected,
            f"{said(second)}, and the running operation came to no end",
            "first-lost",
            because=("REQ-REIMAGE-COMPLETES",),
        )
    elif not ended:
        blamed = (
            "REQ-REIMAGE-COMPLETES",
            "REQ-REIMAGE-REQID",
            "REQ-REIMAGE-REQID-USABLE",
            "REQ-GOS-STATUS",
            "REQ-GOS-ROOT",
            "REQ-GOS-200",
        )
        yield verdict.violated(
            expected, f"{said(second)}, and no end after {len(polls)} polls", "no-end", because=blamed
        )
    else:
        yield verdict.met(f"{said(second)}, and finished")
