"""Signs of life: asks an endpoint that has stopped answering ordinary questions, until it answers or the patience is over."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import trio

from reimage_conformance.session.signals import Inconclusive, Withheld
from reimage_conformance.session.thresholds import SIGN_OF_LIFE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from reimage_conformance.model import Exchange, Request
    from reimage_conformance.session.lanes import Lanes
    from reimage_conformance.session.patience import Patience
    from reimage_conformance.wire.clock import Clock


class SignsOfLife:
    """Asks the `questions` one after another; any answer counts as a sign of life. `ask` sends one question and records the exchange.

    While `questions` is empty, a missing reply is not waited out.
    """

    def __init__(
        self, clock: Clock, lanes: Lanes, patience: Patience, ask: Callable[[Request], Awaitable[Exchange]]
    ) -> None:
        self.questions: Sequence[Request] = ()
        self._clock, self._lanes, self._patience, self._ask = clock, lanes, patience, ask
        self._asking = trio.Lock()

    async def is_alive(self) -> bool:
        """Whether the endpoint answers an ordinary request now; throttling is an answer.

        Raises Inconclusive where the run was given up.
        """
        replies = self._patience.replies
        for question in self.questions:
            with suppress(Withheld):
                async with self._lanes.lane():
                    if self._patience.why_over:
                        raise Inconclusive(self._patience.why_over)
                    began = self._clock.now()
                    exchange = await self._ask(question)
                self._patience.note(exchange, began, self._clock.now())
                if exchange.reply is not None:  # this question is asked first from now on
                    self.questions = [question, *(each for each in self.questions if each is not question)]
                    return True
        if self._patience.replies == replies:  # an incomplete reply is a sign of life too
            self._patience.note_outage()
        return False

    async def wait_until(self, is_back: Callable[[], bool]) -> None:
        """Asks until the endpoint is back; raises Inconclusive once the patience of the run is over."""
        if is_back() or not self.questions:
            return
        async with self._asking:
            while not is_back():
                await self.is_alive()
                if not is_back():
                    await self._patience.rest(SIGN_OF_LIFE_SECONDS)
