"""Redaction: what is recorded of an exchange, with every secret masked by value and no length changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from conformance.wire.base64_masks import Base64Masks
from conformance.wire.masks import IdentifierMasks, mask_of

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.model import Exchange, Headers, Request, Response, Target

_CREDENTIALS = {"authorization", "proxy-authorization", "cookie"}
_SECRET_HEADERS = _CREDENTIALS | {"set-cookie", "set-cookie2"}
_SHORTEST_ECHO = 8
_SHORTEST_SECRET = 4


@dataclass(slots=True)
class Redactor:
    """Masks secrets: the same secret always by the same mask, of the same length.

    `secrets` maps names to values; a value that holds PEM blocks hides their base64 and octets, every other one is an
    identifier. Values of Authorization, Cookie and Set-Cookie lines are masked whatever they are, and credentials that
    were sent also where they come back. With `enabled` False everything is left as it is.
    """

    secrets: Mapping[str, str] = field(repr=False)
    enabled: bool = True
    _identifiers: IdentifierMasks = field(init=False, repr=False)
    _base64: Base64Masks = field(init=False, repr=False)
    _header_masks: dict[str, str] = field(default_factory=dict, repr=False)
    _sent: dict[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self._base64 = Base64Masks()
        identifiers: dict[str, str] = {}
        for value in dict.fromkeys(self.secrets.values()):
            if "-----BEGIN " in value:
                self._base64.add_pem(value.encode("utf-8"), "masked")
            elif len(value) >= _SHORTEST_SECRET:
                identifiers.setdefault(value, mask_of(value, len(identifiers) + 1))
        for value, mask in identifiers.items():
            self._base64.add_identifier(value, mask)
        self._identifiers = IdentifierMasks(identifiers)

    @classmethod
    def for_target(cls, target: Target, *, enabled: bool = True) -> Self:
        """The redactor of all that is secret about `target`; unreadable files are left to whoever needs them."""
        if not enabled:
            return cls({}, enabled=False)
        secrets = {
            name: value
            for name in ("subscription_id", "foreign_subscription_id", "other_subscription_id")
            if (value := getattr(target, name))
        }
        for name in ("client_certificate", "client_key", "second_client_certificate"):
            text = _read(getattr(target, name))
            if text:
                secrets[name] = text
        return cls(secrets)

    def text(self, text: str) -> str:
        """`text` with every secret masked."""
        if not self.enabled:
            return text
        for value, mask in self._sent.items():
            if value in text:
                text = text.replace(value, mask)
        return self._base64.apply(self._identifiers.apply(text))

    def restored(self, text: str) -> str:
        """`text` with the identifiers back that `text` masked."""
        for value, mask in self._identifiers.masks.items():
            text = text.replace(mask, value)
        return text

    def data(self, data: bytes) -> bytes:
        """`data` with every secret masked."""
        if not self.enabled or not data:
            return data
        return self.text(data.decode("latin-1")).encode("latin-1")

    def request(self, request: Request) -> Request:
        """`request` with every secret masked."""
        if not self.enabled:
            return request
        self._note_credentials(request.headers)
        return replace(
            request,
            method=self.text(request.method),
            target=self.text(request.target),
            headers=self._headers(request.headers),
            body=self.data(request.body),
        )

    def response(self, response: Response) -> Response:
        """`response` with every secret masked."""
        if not self.enabled:
            return response
        return replace(
            response,
            reason=self.text(response.reason),
            headers=self._headers(response.headers),
            body=self.data(response.body),
            anomalies=tuple(self.text(anomaly) for anomaly in response.anomalies),
        )

    def exchange(self, exchange: Exchange) -> Exchange:
        """`exchange` with every secret masked."""
        if not self.enabled:
            return exchange
        failure = exchange.failure
        return replace(
            exchange,
            request=self.request(exchange.request),
            response=self.response(exchange.response) if exchange.response else None,
            failure=replace(failure, detail=self.text(failure.detail)) if failure else None,
            label=self.text(exchange.label),
        )

    def target(self, target: Mapping[str, Any]) -> dict[str, Any]:
        """A description of a target with every secret masked, however deep it stands."""
        return {key: self._value(value) for key, value in target.items()}

    def _value(self, value: Any) -> Any:
        match value:
            case str():
                return self.text(value)
            case Mapping():
                return self.target(value)
            case list() | tuple():
                return [self._value(each) for each in value]
            case _:
                return value

    def _headers(self, headers: Headers) -> Headers:
        together = "\n".join([f"{name}:{value}" for name, value in headers])
        if self.text(together) == together and not any(n.strip().lower() in _SECRET_HEADERS for n, _ in headers):
            return headers
        return tuple((self.text(name), self._header_value(name, value)) for name, value in headers)

    def _header_value(self, name: str, value: str) -> str:
        if name.strip().lower() not in _SECRET_HEADERS:
            return self.text(value)
        core = value.strip()
        return value.replace(core, self._mask_header(core)) if core else value

    def _mask_header(self, value: str) -> str:
        word = f"masked-{len(self._header_masks) + 1}"
        return self._header_masks.setdefault(value, word[: len(value)].ljust(len(value), "x"))

    def _note_credentials(self, headers: Headers) -> None:
        """Keep the credentials that go out, whole and without their scheme, to find them where they come back."""
        for name, line in headers:
            if name.strip().lower() in _CREDENTIALS:
                value = line.strip()
                bare = value.partition(" ")[2].strip()
                for secret in (value, bare):
                    if len(secret) >= _SHORTEST_ECHO:
                        self._sent.setdefault(secret, self._mask_header(value)[-len(secret) :])


def _read(path: Path | None) -> str:
    try:
        return path.read_text("utf-8", errors="replace") if path else ""
    except OSError:
        return ""
