"""Generated parts of pages that are written by hand: the keys of a target file, what is not judged."""

from __future__ import annotations

import json
import re
from dataclasses import MISSING, fields
from enum import Enum
from typing import TYPE_CHECKING, Any

from reimage_conformance.catalogue import CATALOGUE
from reimage_conformance.config import keys, meanings, new_target_text
from reimage_conformance.model import Deployment, Limits, Target
from reimage_conformance.site.markdown import block, code, prose, table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reimage_conformance.config.keys import Key

REQUIREMENTS = "requirements/"
TABLES: Mapping[str, tuple[Mapping[str, Key], Mapping[str, str], type[Any] | None]] = {
    "[target]": (keys.TARGET, meanings.TARGET, Target),
    "[[deployments]]": (keys.DEPLOYMENT, meanings.DEPLOYMENT, Deployment),
    "[limits]": (keys.LIMITS, meanings.LIMITS, Limits),
    "[capabilities]": (keys.CAPABILITIES, meanings.CAPABILITIES, None),
    "[probe]": (keys.PROBE, meanings.PROBE, None),
}
"""The tables of a target file: their keys, what each key is for, and the class that has the defaults, None for none."""
ONLY_IN_A_CHECKOUT = re.compile(r"[ \n]\(In the built site; here: [^)]*\)")
"""The hint in a file where to find what only the built site has."""
_BEGIN, _END = "<!-- made: ", " -->"
_OTHER_DEFAULTS = {"get_deployment": '`"auto"`', "get_cloud_service": '`"auto"`', "connections": "8 or 4"}
"""Defaults that are not defaults of a class, in Markdown."""


def target_keys() -> str:
    """Every key of a target file, table by table."""
    parts = [f"## {code(name)}\n\n{_keys(*parts)}" for name, parts in TABLES.items()]
    return "\n\n".join(parts)


def target_text() -> str:
    """What `reimage-conformance new-target` writes."""
    return block(new_target_text().rstrip(), "toml")


def not_judged() -> str:
    """The requirements that no case judges, each with the reason."""
    rows = [
        (f"[{row.id}]({REQUIREMENTS}{row.id}.md)", prose(row.title), prose(row.untestable, REQUIREMENTS))
        for row in CATALOGUE.values()
        if row.untestable
    ]
    return table(("requirement", "title", "why no case judges it"), rows)


MADE: Mapping[str, Callable[[], str]] = {
    "target keys": target_keys,
    "target text": target_text,
    "not judged": not_judged,
}
"""The generated parts by their names."""


def with_made(markdown: str) -> str:
    """`markdown` with each line `<!-- made: NAME -->` replaced by the part of that name, without the hints that are meant for readers of the files.

    Raises KeyError for an unknown name.
    """
    lines = ONLY_IN_A_CHECKOUT.sub("", markdown).split("\n")
    return "\n".join(
        MADE[line.removeprefix(_BEGIN).removesuffix(_END)]() if line.startswith(_BEGIN) else line for line in lines
    )


def _keys(known: Mapping[str, Key], told: Mapping[str, str], holder: type[Any] | None) -> str:
    defaults = _defaults(holder) | _OTHER_DEFAULTS
    rows = [
        (
            code(name),
            prose(told[name], REQUIREMENTS),
            prose(key.expected),
            "required" if key.required else defaults.get(name, ""),
        )
        for name, key in known.items()
    ]
    return table(("key", "what it is for", "value", "default"), rows)


def _defaults(holder: type[Any] | None) -> dict[str, str]:
    """The defaults of a dataclass by field, as code in TOML; without those that are None, which TOML cannot write."""
    if holder is None:
        return {}
    plain = {each.name: each.default for each in fields(holder) if each.default is not MISSING}
    return {name: code(_toml(value)) for name, value in plain.items() if value is not None}


def _toml(value: Any) -> str:
    if isinstance(value, tuple):
        return json.dumps(list(value))
    return json.dumps(value.value if isinstance(value, Enum) else value)
