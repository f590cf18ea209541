"""The note on the requests that a run did not send, because they might have changed something that the target file does not list."""

from __future__ import annotations

from reimage_conformance.protocol.addresses import Kind, is_plain, read_target
from reimage_conformance.quantities import counted

MOST_NAMED = 3
"""How many of the addresses that the gate kept back a report names."""


def kept_back(addresses: list[str]) -> str:
    """The note on request targets that the gate kept back: malformed ones first, then those of something that may exist."""
    malformed = [each for each in addresses if is_malformed(each)]
    others = [each for each in addresses if each not in malformed]
    notes = []
    if malformed:
        were = "was" if len(malformed) == 1 else "were"
        notes.append(
            f"{counted(len(malformed), 'malformed address', 'malformed addresses')} (no instance, no slot, ...) {were} not tried: "
            "a lax endpoint could read them as something that the target file does not list."
        )
    if others:
        were = "was" if len(others) == 1 else "were"
        notes.append(
            f"{counted(len(others), 'address', 'addresses')} {were} not tried: something may exist there that the target file does not list."
        )
    shown = [*malformed, *others]
    first = ", ".join(shown[:MOST_NAMED])
    more = f", and {len(shown) - MOST_NAMED} more" if len(shown) > MOST_NAMED else ""
    advice = "If nothing exists other than what it lists, set complete = true in [target]."
    return f"{' '.join(notes)} {advice} Not tried: {first}{more}."


def is_malformed(target: str) -> bool:
    """Whether a request target is not the address of a role instance in the form that the documents give."""
    address = read_target(target)
    names = (address.service, address.deployment, address.instance)
    return address.kind is not Kind.REIMAGE or address.extra_slash or not all(names) or not is_plain(target)
