"""Words of a shell: any text quoted so that it can be pasted, with variables in place of what the reader has to set."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PLAIN = re.compile(r"[A-Za-z0-9/_.~?=&:;,+@%(){}\[\]<> -]*")
"""What means nothing between double quotes, and nothing to a history either."""


def word(text: str, variables: Mapping[str, str]) -> str:
    """`text` as one word of a shell; where a key of `variables` stands in it, the word has the variable of that name."""
    parts = list(_parts(text, variables))
    if all(is_name or _PLAIN.fullmatch(part) for part, is_name in parts) and any(is_name for _, is_name in parts):
        return '"' + "".join(f"${{{part}}}" if is_name else part for part, is_name in parts) + '"'
    return "".join(f'"${part}"' if is_name else shlex.quote(part) for part, is_name in parts) or "''"


def fed(octets: bytes, variables: Mapping[str, str]) -> str:
    """The words of a printf that writes `octets`: its format, and the variables that the format asks for."""
    parts = list(_parts(octets.decode("latin-1"), variables))
    told = "".join("%s" if is_name else "".join(map(_escape, part.encode("latin-1"))) for part, is_name in parts)
    return " ".join([shlex.quote(told) if told else "''", *(f'"${part}"' for part, is_name in parts if is_name)])


def comment(text: str) -> str:
    """`text` as a line that a shell ignores, whatever it holds."""
    line = " ".join(text.split()).encode("ascii", "backslashreplace").decode("ascii")
    return "# " + "".join(one if one.isprintable() else "?" for one in line)[:300]


def _parts(text: str, variables: Mapping[str, str]) -> Iterator[tuple[str, bool]]:
    """The parts of `text`, each with whether it is the name of a variable."""
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
