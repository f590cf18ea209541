"""Words of a shell: any text quoted so that it can be pasted, with variables for the values that the reader has to set."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PLAIN = re.compile(r"[A-Za-z0-9/_.~?=&:;,+@%(){}\[\]<> -]*")
"""Text without special meaning between double quotes; `!` is left out: bash replaces it by a command of its history."""


def word(text: str, variables: Mapping[str, str]) -> str:
    """`text` as one word of a shell; each key of `variables` in it is replaced by the variable with that name."""
    parts = list(_parts(text, variables))
    if all(is_name or _PLAIN.fullmatch(part) for part, is_name in parts) and any(is_name for _, is_name in parts):
        return '"' + "".join(f"${{{part}}}" if is_name else part for part, is_name in parts) + '"'
    return "".join(f'"${part}"' if is_name else shlex.quote(part) for part, is_name in parts) or "''"


def printf_arguments(octets: bytes, variables: Mapping[str, str]) -> str:
    """The arguments with which printf writes `octets`: its format, and the variables that the format has %s for."""
    parts = list(_parts(octets.decode("latin-1"), variables))
    form = "".join("%s" if is_name else "".join(map(_escape, part.encode("latin-1"))) for part, is_name in parts)
    return " ".join([shlex.quote(form), *(f'"${part}"' for part, is_name in parts if is_name)])


def comment(text: str) -> str:
    """`text` as a comment of one line, in printable ASCII, cut after 300 characters."""
    line = " ".join(text.split()).encode("ascii", "backslashreplace").decode("ascii")
    return "# " + "".join(one if one.isprintable() else "?" for one in line)[:300]


def _parts(text: str, variables: Mapping[str, str]) -> Iterator[tuple[str, bool]]:
    """`text` split at the keys of `variables`, each of which becomes the name of its variable; each part with whether it is such a name."""
    sought = sorted((key for key in variables if key), key=len, reverse=True)
    if not sought:
        yield from [(text, False)] if text else []
        return
    for part in re.split(f"({'|'.join(map(re.escape, sought))})", text):
        if part:
            yield (variables[part], True) if part in variables else (part, False)


def _escape(octet: int) -> str:
    special = {0x0D: "\\r", 0x0A: "\\n", 0x09: "\\t", 0x5C: "\\\\", 0x25: "%%"}
    if octet in special:
        return special[octet]
    return chr(octet) if 0x20 <= octet < 0x7F else f"\\{octet:03o}"
