"""A gate that lets everything out, for tests whose endpoints hold nothing that could be harmed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reimage_conformance.model import Exchange, Request


class OpenGate:
    """Keeps nothing back."""

    def check(self, request: Request) -> None:
        """Lets `request` out."""

    def admits(self, request: Request) -> bool:
        """Lets `request` out."""
        del request
        return True

    def question(self, request: Request) -> Request | None:
        """Needs to know nothing."""
        del request
        return None

    def learn(self, exchange: Exchange) -> None:
        """Keeps nothing."""
