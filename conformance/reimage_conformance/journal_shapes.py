"""The fields of each event of a journal that readers rely on, each with a test of its value; reads no file."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Kind = Callable[[Any], bool]


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _whole(value: Any) -> bool:
    return type(value) is int


def _flag(value: Any) -> bool:
    return type(value) is bool


def _number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _number_or_flag(value: Any) -> bool:
    return _number(value) or _flag(value)


def _mapping(value: Any) -> bool:
    return isinstance(value, dict)


def _list_of(kind: Kind) -> Kind:
    return lambda value: isinstance(value, list) and all(map(kind, value))


def _mapping_of(kind: Kind) -> Kind:
    return lambda value: isinstance(value, dict) and all(map(kind, value.values()))


def _or_none(kind: Kind) -> Kind:
    return lambda value: value is None or kind(value)


def _pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and _text(value[0]) and _text(value[1])


def _subject(value: Any) -> bool:
    return value in ("endpoint", "client")


@dataclass(frozen=True, slots=True)
class Shape:
    """The fields that an event must have, and those that it may have, each with its kind."""

    needed: Mapping[str, Kind]
    possible: Mapping[str, Kind] = field(default_factory=dict)

    def problem_of(self, found: Mapping[str, Any]) -> str:
        """Says what is wrong with the fields `found`; "" if nothing is."""
        for name, kind in self.needed.items():
            if name not in found:
                return f"it lacks {name!r}"
            if not kind(found[name]):
                return f"its {name!r} is of a wrong kind"
        wrong = (name for name, kind in self.possible.items() if name in found and not kind(found[name]))
        return next((f"its {name!r} is of a wrong kind" for name in wrong), "")

    def __call__(self, value: Any) -> bool:
        """Whether `value` has this shape, for shapes within shapes."""
        return isinstance(value, dict) and not self.problem_of(value)


_texts, _wholes, _pairs = _list_of(_text), _list_of(_whole), _list_of(_pair)

_DEPLOYMENT = Shape(
    {"cloud_service": _text, "slot": _text, "name": _text, "role_instances": _texts}, {"failing_role_instances": _texts}
)
_TARGET = Shape(
    {
        **dict.fromkeys(("name", "base_url", "subscription_id", "x_ms_version", "strictness"), _text),
        "deployments": _list_of(_DEPLOYMENT),
        "limits": _mapping_of(_number_or_flag),
        "capabilities": _mapping_of(_or_none(_flag)),
    },
    dict.fromkeys(
        ("foreign_subscription_id", "other_subscription_id", "connect_to", "proxy", "probe_url"), _or_none(_text)
    ),
)
_REQUEST = Shape(
    {
        **dict.fromkeys(("method", "target", "body", "identity", "http_version"), _text),
        "headers": _pairs,
        "fresh_connection": _flag,
        "patience_seconds": _or_none(_number),
    },
    {"moved_from": _text},
)
_RESPONSE = Shape(
    {
        **dict.fromkeys(("reason", "body", "http_version"), _text),
        "status": _whole,
        "headers": _pairs,
        "interim": _wholes,
        "anomalies": _texts,
    }
)
_FAILURE = Shape({"kind": _text, "detail": _text})

RUN_TEXTS = ("id", "started", "profile", "strictness", "suite_version")
RUN_FIELDS = (*RUN_TEXTS, "seed", "target")
"""What the first line of a journal must have to be judged again."""

_EXCHANGE = Shape(
    {
        "number": _whole,
        "request": _REQUEST,
        "response": _or_none(_RESPONSE),
        "failure": _or_none(_FAILURE),
        "at": _number,
        "elapsed": _number,
        "connection": _whole,
        "position": _whole,
        "closed": _flag,
        "case": _text,
        "label": _text,
    },
    {"unrecorded": _texts, "client_request_id": _text},
)

SHAPES: Mapping[str, Shape] = {
    "run": Shape(
        {},
        {
            **dict.fromkeys(RUN_TEXTS, _text),
            "seed": _whole,
            "target": _TARGET,
            "epoch": _number,
            "fingerprint": _text,
            "subject": _subject,
        },
    ),
    "chosen": Shape({"requirements": _texts, "cases": _texts, "steps": _or_none(_texts), "exact": _flag}),
    "required": Shape({"requirements": _texts}),
    "left-out": Shape({"by_option": _mapping_of(_texts)}),
    "exchange": _EXCHANGE,
    "sending": _EXCHANGE,
    "again": Shape({**_EXCHANGE.needed, "attempt": _whole}, _EXCHANGE.possible),
    "sufficing": Shape({"max_reimages": _whole, "exact": _flag}),
    "tried": Shape({"requirement": _text, "tried": _whole, "seen": _whole}),
    "resumed": Shape({}, {"token": _text}),
    "token": Shape({"token": _text}),
    "spent": Shape({"exchange": _whole}),
    "given-back": Shape({"exchange": _whole}),
    "step": Shape({"name": _text, "before": _wholes, "probe_before": _wholes}),
    "watched": Shape({"start": _whole, "looks": _wholes, "others": _texts, "waited": _number}),
    "probed": Shape({"name": _text, "probe_after": _wholes}),
    "case-start": Shape({"id": _text, "requirements": _texts}, {"doc": _text}),
    "case-end": Shape(
        {"id": _text, "outcome": _text},
        {"duration_seconds": _number, "evidence": _wholes, "detail": _text, "why": _text, "judged": _flag},
    ),
    "judgement": Shape(
        {"case": _text, "check": _text, "arguments": _mapping}, {"exchanges": _wholes, "scope": _text, "until": _whole}
    ),
    "verdict": Shape(
        {
            **dict.fromkeys(("requirement", "outcome", "check", "case", "expected", "actual", "symptom"), _text),
            "evidence": _wholes,
            "because": _texts,
            "arguments": _mapping,
        },
        {"between": _wholes, "why": _text},
    ),
    "observation": Shape({"requirement": _text, "seen": _text}, {"evidence": _wholes}),
    "operation": Shape({"start": _whole, "identifier": _text}, {"place": _text, "form": _text, "unwanted": _flag}),
    "listed": Shape({"listed": _mapping_of(_texts)}),
    "offers": Shape({"offers": _mapping_of(_or_none(_flag))}),
    "coverage": Shape({"what": _text}),
    "note": Shape({"text": _text}),
    "end": Shape(
        {},
        {"finished": _text, "interrupted": _flag, "duration_seconds": _number, "reimages": _whole, "under_way": _texts},
    ),
}
"""The shape of each type of event; events of other types are accepted as they are."""

_ANY = Shape({"type": _text}, {"at": _number})


def problem_of(event: Any) -> str:
    """Says why `event` cannot be used; "" if it can."""
    if not isinstance(event, dict):
        return "it is no JSON object"
    return _ANY.problem_of(event) or (SHAPES[event["type"]].problem_of(event) if event["type"] in SHAPES else "")
