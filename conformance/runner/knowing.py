"""Knowing: operations that the endpoint still knows, for cases that ask about one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.runner.signals import Inconclusive, Untested

if TYPE_CHECKING:
    from conformance.model import Request
    from conformance.runner.operations import Operation
    from conformance.runner.sut import SystemUnderTest

NOT_KNOWN = (
    "REQ-REIMAGE-REQID-USABLE",
    "REQ-GOS-ROOT",
    "REQ-GOS-STATUS",
    "REQ-GOS-200",
    "REQ-GOS-TERMINAL-STABLE",
    "REQ-GOS-READONLY",
)
"""What is to blame where no operation can be asked about any more."""
MOST_RENEWED = 4
"""So many reimages are started at most to have an operation that is not forgotten."""
MOST_NEEDED = 6
"""So many of the campaign's next reimages come before one that is started to have an operation that is not forgotten."""


class KnownOperations:
    """What a system under test knows of operations that are not forgotten."""

    def __init__(self, sut: SystemUnderTest) -> None:
        self._sut = sut
        self._renewed = 0

    def poll(self) -> Request:
        """A poll of an operation that is known, to see that an ordinary request is answered 200."""
        return self._sut.builder.operation_status(self.operation().identifier)

    def operation(self, status: str = "") -> Operation:
        """An operation that is known; with `status`, one that came to this end.

        Where all are forgotten, a reimage is started once more for the sake of one that is known (REQ-GOS-RETENTION), a few times.
        Raises Inconclusive where there is none, Untested where no more are started.
        """
        known = self._sut.book.known(status)
        forgotten = [
            o for o in self._sut.book.operations if o.is_forgotten and not o.subscription and status in ("", o.status)
        ]
        if (
            known is None
            and forgotten
            and self._renewed < MOST_RENEWED
            and self._sut.budget.allows(reserved=self._needed)
        ):
            self._renewed += 1
            known = self._renew(forgotten[0])
        if known is None and forgotten:
            raise Untested(
                "operations are forgotten soon after their end, and no more reimages are started to have one that is known"
            )
        if known is None:
            raise Inconclusive(f"no operation {status or 'that can be asked about'} is known", NOT_KNOWN)
        return known

    @property
    def _needed(self) -> int:
        """The reimages that are spent better than on an operation to ask about: the campaign's next ones, and what is kept for refusals."""
        campaign = self._sut.campaign
        return campaign.reserve + min(len(campaign.pending), MOST_NEEDED)

    def _renew(self, operation: Operation) -> Operation | None:
        """The same reimage once more, over; None where it cannot be had."""
        if operation.place is None or operation.form is None:
            return None
        exchange = self._sut.start(operation.place, operation.form)
        anew = self._sut.started(exchange, operation.place, operation.form)
        self._sut.book.wait(anew)
        return anew if anew.is_still_known else None
