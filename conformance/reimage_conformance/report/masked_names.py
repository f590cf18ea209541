"""Masked identifiers in reports and scripts: the masks of a journal are replaced by words that say what is hidden."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reimage_conformance.model import Exchange, Headers

WORDS = {
    key: f"<{key.removesuffix('_id').replace('_', '-')}-id>"
    for key in ("subscription_id", "foreign_subscription_id", "other_subscription_id")
}
"""The word in a report for each identifier of a target, by its key: `<subscription-id>` and the like."""

_MASK = re.compile(r"00000000-0000-4000-8000-[0-9]{12}|masked-[0-9]+x*|0*[1-9]")
"""The forms of masks in a journal: of a GUID, of another text, and of a text too short for the word "masked"."""
_SHORTEST_SOUGHT = 8
"""A mask of fewer characters is replaced only where it is a whole segment of a path; a longer one everywhere."""

Shown = TypeVar("Shown")


@dataclass(frozen=True, slots=True)
class MaskedNames:
    """The masks of a run's journal, each with the word that stands for it in a report."""

    _patterns: tuple[tuple[re.Pattern[str], str], ...]

    @classmethod
    def of(cls, target: Mapping[str, Any]) -> MaskedNames:
        """The masks in the description of a target; none if nothing was masked."""
        masks = {str(target.get(key) or ""): word for key, word in WORDS.items()}
        return cls(tuple((_pattern(mask), word) for mask, word in masks.items() if _MASK.fullmatch(mask)))

    def text(self, text: str) -> str:
        """`text` with every mask replaced by its word."""
        if "0" in text or "masked" in text:
            for pattern, word in self._patterns:
                text = pattern.sub(word, text)
        return text

    def data(self, data: bytes) -> bytes:
        """The same for octets."""
        text = data.decode("latin-1")
        shown = self.text(text)
        return data if shown == text else shown.encode("latin-1")

    def exchange(self, exchange: Exchange) -> Exchange:
        """`exchange` with every mask replaced by its word."""
        if not self._patterns:
            return exchange
        request, response, failure = exchange.request, exchange.response, exchange.failure
        shown = replace(
            request,
            target=self.text(request.target),
            headers=self._headers(request.headers),
            body=self.data(request.body),
        )
        if response is not None:
            anomalies = tuple(replace(each, words=self.text(each.words)) for each in response.anomalies)
            headers = self._headers(response.headers)
            response = replace(response, headers=headers, body=self.data(response.body), anomalies=anomalies)
        failure = replace(failure, detail=self.text(failure.detail)) if failure is not None else None
        return replace(exchange, request=shown, response=response, failure=failure)

    def exchanges(self, exchanges: Mapping[int, Exchange]) -> Mapping[int, Exchange]:
        """The same for each of several."""
        return {number: self.exchange(each) for number, each in exchanges.items()} if self._patterns else exchanges

    def everywhere(self, value: Shown) -> Shown:
        """A value of plain data or dataclasses with the masks in all its texts replaced, however deep they stand."""
        return self._shown(value) if self._patterns else value

    def _shown(self, value: Any) -> Any:
        match value:
            case str():
                return self.text(value) if type(value) is str else value
            case dict():
                return {key: self._shown(each) for key, each in value.items()}
            case list() | tuple():
                return type(value)([self._shown(each) for each in value])
            case _ if is_dataclass(value) and not isinstance(value, type):
                shown = {each.name: self._shown(getattr(value, each.name)) for each in fields(value)}
                return replace(value, **shown)
            case _:
                return value

    def _headers(self, headers: Headers) -> Headers:
        return tuple((name, self.text(value)) for name, value in headers)


def _pattern(mask: str) -> re.Pattern[str]:
    """Finds a mask, also if its characters are percent-encoded, and that of a GUID also without its dashes."""
    if len(mask) < _SHORTEST_SOUGHT:
        return re.compile(rf"(?<=/){re.escape(mask)}(?=/)")
    forms = (f"(?:{re.escape(each)}|%(?:25)*{ord(each):02x})" for each in mask)
    dashed = "".join(
        f"{form}?" if each == "-" and mask.startswith("0") else form for each, form in zip(mask, forms, strict=True)
    )
    return re.compile(rf"(?<![0-9a-f]){dashed}(?![0-9a-f])", re.IGNORECASE)
