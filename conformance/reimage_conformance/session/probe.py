"""The probe: a look inside a role instance, on the data plane, where the target offers one."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reimage_conformance.judging.instances.probes import installation_in
from reimage_conformance.model import Request

if TYPE_CHECKING:
    from reimage_conformance.model import Exchange, Target
    from reimage_conformance.protocol.requests import Place
    from reimage_conformance.session.recorder import Recorder
    from reimage_conformance.session.sending import Sender
    from reimage_conformance.session.wires import Wire


class Probe:
    """The data-plane probe of the target: a look inside a role instance.

    `first` holds the first answer with an installation id, by the place of the instance. `answers` is False once a probe
    that had answered gave no answer within operation_timeout_seconds; it is not waited for again.
    """

    def __init__(self, target: Target, wire: Wire | None, recorder: Recorder) -> None:
        self._target, self._url, self._wire, self._recorder = target, target.probe_url, wire, recorder
        self.first: dict[str, Exchange] = {}
        self.answers = True

    def for_another_try(self, recorder: Recorder) -> Probe:
        """The same probe for another try, whose exchanges go to `recorder`."""
        again = Probe(self._target, self._wire, recorder)
        again.first, again.answers = dict(self.first), self.answers
        return again

    @property
    def offered(self) -> bool:
        """Whether the target has a probe."""
        return self._url is not None and self._wire is not None

    async def ask(self, place: Place, method: str = "GET", suffix: str = "", body: bytes = b"") -> Exchange:
        """One exchange with the probe of a role instance."""
        if self._url is None or self._wire is None:
            raise RuntimeError("the target has no probe")
        request = probe_request(self._url, place, method, suffix, body)
        return self._recorder.record(await self._wire.exchange(request, label="probe", on=None, watch_close=False))

    async def installation(self, place: Place) -> Exchange:
        """Asks for the installation id of a role instance."""
        exchange = await self.ask(place)
        if installation_in(exchange):
            self.first.setdefault(str(place), exchange)
        return exchange

    async def until_reinstalled(
        self, place: Place, before: Exchange, since: float, patience: float, sender: Sender
    ) -> Exchange:
        """Asks until the installation id differs from `before`, or `patience` seconds after `since`, a reading of the clock.

        An instance that does not answer is offline; it is waited for up to operation_timeout_seconds.
        """
        old, limits = installation_in(before), sender.limits
        after = await self.installation(place)
        while installation_in(after) in ("", old):
            offline = not installation_in(after) and self.answers and bool(old)
            deadline = since + (limits.operation_timeout_seconds if offline else patience)
            if sender.clock.now() >= deadline:
                self.answers = self.answers and not offline
                break
            await sender.patience.rest(limits.poll_interval_seconds)
            after = await self.installation(place)
        return after


def probe_request(url: str, place: Place, method: str = "GET", suffix: str = "", body: bytes = b"") -> Request:
    """A request to the probe of a role instance; `url` is the target's, with its placeholders."""
    headers = [("Host", urlsplit(url).netloc)] + ([("Content-Length", str(len(body)))] if method == "PUT" else [])
    return Request(method, place.probe_path(url) + suffix, tuple(headers), body)
