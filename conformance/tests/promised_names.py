"""The names that docs/compatibility.md promises to keep: `python conformance/tests/promised_names.py` writes those of now."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from click import Context

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
FILE = HERE / "promised_names.json"
Names = dict[str, list[str]]
"""Sorted names, by kind."""


def names_now() -> Names:
    """The promised names that this version has."""
    from reimage_conformance.catalogue import ALL_REQUIREMENTS  # noqa: PLC0415 -- as a script, it finds the package only later
    from reimage_conformance.report.results import results_schema  # noqa: PLC0415

    return {
        "options": sorted(_options()),
        "keys": sorted(_keys()),
        "requirements": sorted(ALL_REQUIREMENTS),
        "fields of results.json": sorted(set(_fields(results_schema()))),
    }


def promised() -> Names:
    """The names that were promised last."""
    names: Names = json.loads(FILE.read_text(encoding="utf-8"))
    return names


def _options() -> Iterator[str]:
    from reimage_conformance.cli import COMMANDS, cli  # noqa: PLC0415

    with Context(cli) as context:
        for name in COMMANDS:
            command = cli.get_command(context, name)
            if command is not None:
                yield name
                yield from (f"{name} {option}" for each in command.params for option in each.opts if option[0] == "-")


def _keys() -> Iterator[str]:
    from reimage_conformance.config import keys  # noqa: PLC0415

    for table in ("TARGET", "DEPLOYMENT", "LIMITS", "CAPABILITIES", "PROBE"):
        yield from (f"{table.lower()}.{key}" for key in getattr(keys, table))


def _fields(schema: Any, path: str = "") -> Iterator[str]:
    """The fields of a JSON Schema, wherever in it, by their paths."""
    if isinstance(schema, list):
        for each in schema:
            yield from _fields(each, path)
    elif isinstance(schema, dict):
        for word, part in schema.items():
            inside = word in ("properties", "$defs") and isinstance(part, dict)
            for name, each in part.items() if inside else ():
                yield f"{path}.{name}".lstrip(".")
                yield from _fields(each, f"{path}.{name}".lstrip("."))
            if not inside:
                yield from _fields(part, path)


if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parent))
    FILE.write_text(json.dumps(names_now(), indent=1) + "\n", encoding="utf-8")
