"""The keys of a target file: what each key accepts, and the errors for unknown keys, missing keys and wrong values."""

from __future__ import annotations

import difflib
import json
import re
import string
import sys
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from reimage_conformance.errors import TargetError, did_you_mean
from reimage_conformance.file_names import has_lines, holds_secret
from reimage_conformance.model import Strictness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

MOST_SECONDS = 10_000_000
"""The longest time that a key accepts, more than a hundred days; operating systems cannot wait much longer."""
LEAST_REPLY_SECONDS = 0.05
"""The shortest time limit of a request: even the reply of an endpoint on this machine may take as long."""
MOST_CONNECTIONS = 256
"""The most connections, each with a thread; a run never has as many cases under way at the same time."""
PLACEHOLDERS = ("cloud_service", "deployment_name", "role_instance")
"""The placeholders that the URL of the probe may have."""


_ESCAPE_ADVICE = "; in double quotes a backslash begins an escape: write a path with / or in single quotes"


@dataclass(frozen=True, slots=True)
class Key:
    """One key: the expected value in words, the predicate that accepts a value, and its conversion to the model.

    `words` are the values that the error for a misspelt one may suggest. No error shows a wrong value of a key that `may_hold_secret`.
    """

    expected: str
    accepts: Callable[[Any], bool]
    required: bool = False
    converted: Callable[[Any], Any] = lambda value: value
    words: tuple[str, ...] = ()
    may_hold_secret: bool = False


def shown(value: Any) -> str:
    """`value` in the words of an error: its TOML type, its text if that is short, and advice about a likely mistake."""
    if isinstance(value, str) and "@" in value:
        return "a string with an @, which may hold a password and is not shown"
    if isinstance(value, str) and has_lines(value):
        return f"a string with a line break{_ESCAPE_ADVICE}"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, date | time):
        kind = "time" if isinstance(value, time) else "date"
        plain = value.date() if isinstance(value, datetime) else value
        return f'a {kind} without quotes; write "{plain.isoformat()}"'
    kinds = {bool: "boolean", int: "integer", float: "float", str: "string", list: "array"}
    kind = next((word for python, word in kinds.items() if isinstance(value, python)), "value")
    text = repr(value) if isinstance(value, str | float) else json.dumps(value, default=str)
    found = f"the {kind} {text}" if len(text) <= 80 else f"a long {kind}"
    if isinstance(value, str) and not value.isprintable():
        return f"{found}{_ESCAPE_ADVICE}"
    return found


def refuse_unknown(file: Path, where: str, table: Mapping[str, Any], known: Iterable[str]) -> None:
    """Raise TargetError for the first key of `table` that is not in `known`.

    The message suggests the nearest known key.
    """
    names = list(dict.fromkeys(known))
    for key in table:
        if key not in names:
            near = difflib.get_close_matches(key, names, n=1) or _sharing_a_word(key, names)
            meant = " or ".join(f'"{name}"' for name in near)
            hint = f"did you mean {meant}?" if near else f"known keys are {', '.join(names)}"
            raise TargetError(f'{file}: unknown key "{key}" {where}; {hint}')


def checked(file: Path, where: str, table: Any, keys: Mapping[str, Key]) -> dict[str, Any]:
    """The values of `table`, converted to those of the model; raises TargetError for the first mistake in it."""
    if not isinstance(table, dict):
        raise TargetError(f"{file}: {where} is expected to be a table, found {shown(table)}")
    refuse_unknown(file, f"in {where}", table, keys)
    for name, key in keys.items():
        if key.required and name not in table:
            raise TargetError(f'{file}: missing key "{name}" in {where}; expected {key.expected}')
    return {name: _converted(file, f'"{name}" in {where}', keys[name], value) for name, value in table.items()}


def _converted(file: Path, where: str, key: Key, value: Any) -> Any:
    if key.accepts(value):
        return key.converted(value)
    hint = did_you_mean(value.lower(), key.words, mark='"') if isinstance(value, str) else ""
    is_hidden = key.may_hold_secret and isinstance(value, str)
    found = "another string, which may be the secret itself and is not shown" if is_hidden else shown(value)
    raise TargetError(f"{file}: {where} is expected to be {key.expected}, found {found}{hint}")


def _sharing_a_word(key: str, names: Iterable[str]) -> list[str]:
    """The names that share a similar word with `key`: "timout" suggests every key with "timeout"."""
    words = key.lower().split("_")
    return [
        name
        for name in names
        if any(difflib.get_close_matches(word, name.split("_"), n=1, cutoff=0.8) for word in words)
    ]


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value.strip() == value != "" and value.isprintable()


def _is_path(value: Any) -> bool:
    """Whether `value` is a path, or the content of a file in place of its path, which `config.files` refuses.

    Content with exactly one line break is refused here: it is a path in double quotes whose backslash began an escape.
    """
    return _is_text(value) or (
        isinstance(value, str) and holds_secret(value) and ("-----BEGIN" in value or value.count("\n") != 1)
    )


def _is_segment(value: Any) -> bool:
    """Whether `value` can be a path segment without encoding (the unreserved characters of RFC 3986, 2.3)."""
    return isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9._~-]+", value) is not None


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(_is_text(row) for row in value) and len(set(value)) == len(value)


def _is_number(value: Any, least: float, most: float) -> bool:
    """Whether `value` is a number from `least` to `most`; "nan" and infinities are not."""
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def _is_url(value: Any) -> bool:
    if not isinstance(value, str) or re.fullmatch(r"[!-~]+", value) is None:
        return False
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None and port != 0


def _is_base_url(value: Any) -> bool:
    return _is_url(value) and urlsplit(value)[2:] in (("", "", ""), ("/", "", "")) and not value.endswith(("?", "#"))


def _is_authority(value: Any) -> bool:
    return isinstance(value, str) and _is_base_url(f"http://{value}") and urlsplit(f"//{value}").port is not None


def _is_proxy_url(value: Any) -> bool:
    return _is_base_url(value) and urlsplit(value).scheme == "http" and urlsplit(value).port is not None


def _normal_url(value: str) -> str:
    """A base URL in lower case (RFC 3986, 6.2.2.1), without a slash at its end."""
    return value.rstrip("/").lower()


def _is_probe_url(value: Any) -> bool:
    try:
        fields = {name for _, name, _, _ in string.Formatter().parse(value) if name is not None}
    except (TypeError, ValueError):
        return False
    return fields <= set(PLACEHOLDERS) and _is_url(value.format_map(dict.fromkeys(PLACEHOLDERS, "x")))


def _choice(*words: str, required: bool = False, converted: Callable[[Any], Any] = str) -> Key:
    expected = " or ".join(f'"{word}"' for word in words)
    return Key(expected, lambda value: value in words, required=required, converted=converted, words=words)


_FLAG = Key("true or false", lambda value: isinstance(value, bool))
_SECONDS = Key(
    f"a number of seconds above 0 and up to {MOST_SECONDS}",
    lambda value: _is_number(value, 0, MOST_SECONDS) and value > 0,
    converted=float,
)
_ABILITY = Key(
    'true, false or "auto"',
    lambda value: isinstance(value, bool) or value == "auto",
    converted=lambda value: None if value == "auto" else value,
    words=("auto",),
)
_FILE = Key("the path of a file", _is_path)
_VARIABLE = Key(
    "the name of an environment variable",
    lambda value: isinstance(value, str) and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value) is not None,
    may_hold_secret=True,
)
_SUBSCRIPTION = Key("a subscription id (letters, digits, - . _ ~)", _is_segment)
_TEXT = Key("a non-empty string without control characters or outer spaces", _is_text, required=True)

TARGET: Mapping[str, Key] = {
    "name": _TEXT,
    "base_url": Key(
        'a URL like "https://127.0.0.1:8443", http or https, without path, query or user',
        _is_base_url,
        required=True,
        converted=_normal_url,
    ),
    "subscription_id": Key(_SUBSCRIPTION.expected, _is_segment, required=True),
    "x_ms_version": Key(
        'a version like "2011-10-01"',
        lambda value: isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value) is not None,
    ),
    "strictness": _choice(*Strictness, converted=Strictness),
    "client_certificate": _FILE,
    "client_key": _FILE,
    "ca_bundle": _FILE,
    "second_client_certificate": _FILE,
    "key_passphrase_file": _FILE,
    "key_passphrase_env": _VARIABLE,
    "second_key_passphrase_file": _FILE,
    "second_key_passphrase_env": _VARIABLE,
    "connect_to": Key('an address like "127.0.0.1:8443", a host and a port', _is_authority, converted=str.lower),
    "proxy": Key(
        'a URL like "http://proxy.example:3128", http, with its port, without path or user',
        _is_proxy_url,
        converted=_normal_url,
    ),
    "proxy_credentials_file": _FILE,
    "proxy_credentials_env": _VARIABLE,
    "foreign_subscription_id": _SUBSCRIPTION,
    "other_subscription_id": _SUBSCRIPTION,
    "complete": _FLAG,
    "client_request_id": _FLAG,
}
DEPLOYMENT: Mapping[str, Key] = {
    "cloud_service": _TEXT,
    "slot": _choice("production", "staging", required=True),
    "name": _TEXT,
    "role_instances": Key(
        "an array of different names, at least one", lambda value: _are_texts(value) and bool(value), required=True
    ),
    "failing_role_instances": Key("an array of different names", _are_texts),
}
LIMITS: Mapping[str, Key] = {
    "allow_reimage": _FLAG,
    "max_reimages": Key(
        "an integer from 0 on", lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= 0
    ),
    "operation_timeout_seconds": _SECONDS,
    "poll_interval_seconds": _SECONDS,
    "request_timeout_seconds": Key(
        f"a number of seconds from {LEAST_REPLY_SECONDS} to {MOST_SECONDS}",
        lambda value: _is_number(value, LEAST_REPLY_SECONDS, MOST_SECONDS),
        converted=float,
    ),
    "connections": Key(
        f"an integer from 1 to {MOST_CONNECTIONS}",
        lambda value: isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST_CONNECTIONS,
    ),
    "requests_per_second": Key(
        "a number from 0 on (0: no limit)", lambda value: _is_number(value, 0, sys.float_info.max), converted=float
    ),
}
CAPABILITIES: Mapping[str, Key] = {"get_deployment": _ABILITY, "get_cloud_service": _ABILITY}
PROBE: Mapping[str, Key] = {
    "url": Key(
        f"an http or https URL; its placeholders may be {', '.join('{' + name + '}' for name in PLACEHOLDERS)}",
        _is_probe_url,
        required=True,
    ),
}
