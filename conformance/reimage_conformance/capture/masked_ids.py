"""Ids and names that a sanitiser replaced: which words are none, and which exchanges have lost theirs."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from reimage_conformance.model import Fact
from reimage_conformance.protocol.addresses import Kind, UriForm, read_target
from reimage_conformance.protocol.deployments import shown_in
from reimage_conformance.protocol.documents import read_document, without_dashes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from reimage_conformance.capture.traffic import Recorded
    from reimage_conformance.model import Exchange
    from reimage_conformance.protocol.addresses import Address

_BLANKS = re.compile(r"[\s*#.?x0_-]+", re.IGNORECASE)
"""Nothing but zeros, stars, crosses and dashes."""
_PARTLY_MASKED = re.compile(
    r"""[0-9a-z-]{0,12}(?:\*{2,}|\#{3,}|\.{3,}|(?:\u2026|\u2022|\xe2\x80[\xa6\xa2])+)[0-9a-z-]{0,12}""",
    re.IGNORECASE | re.VERBOSE,
)
"""The first or last signs of an id, with stars or dots in place of the others."""
_WORDS = re.compile(
    r"""
    :\w+                                                       # :operationId, as route templates write it
    | [{<\[(%$](?!.*[0-9a-f]{8}).*[}>\])%]?                      # {id}, <id>, [id], %ID%, ${id}; not an id in braces
    | (?:request|operation)?[-_ ]?id | guid | uuid | null | none | undefined | n/a
    | secret | deleted | omitted | value | (?:sha-?[0-9]{1,3}|md5|hash)[:=]\S+      # a word, or what a hash made of the value
    | (?:.*[^a-z])?(?:redact(?:ed)?|saniti[sz]ed?|mask(?:ed)?|scrub(?:bed)?|filter(?:ed)?|removed?|obfuscated|censored|hidden|placeholder|
        anonym(?:i[sz]ed|ous)?|dummy|fake|xxx+)(?:[^a-z].*)?      # the words of sanitisers, alone or among others
    """,
    re.IGNORECASE | re.VERBOSE,
)
_ID_LIKE = re.compile(r"[0-9a-f-]{8,}", re.IGNORECASE)
_PSEUDONYM = re.compile(rf"{_ID_LIKE.pattern}|.*[0-9]+", re.IGNORECASE)
"""An id, a hash, or a word with a number behind it."""


def is_placeholder(value: str) -> bool:
    """Whether a value is a placeholder for an id."""
    forms = (_BLANKS, _PARTLY_MASKED)
    return bool(value.strip()) and (is_replaced(value) or any(form.fullmatch(value) for form in forms))


def is_hash(value: str) -> bool:
    """Whether a value looks like what a sanitiser made of a name with a hash function."""
    return _ID_LIKE.fullmatch(value) is not None


def is_replaced(value: str) -> bool:
    """Whether a value is a word that sanitisers write in place of values, or a placeholder in brackets."""
    return _WORDS.fullmatch(value.strip()) is not None


def without_masked_ids(recorded: Sequence[Recorded]) -> list[Recorded]:
    """The exchanges; those whose ids were replaced have these facts marked as not recorded."""
    word = _shared_word(recorded)
    operations = _renamed((address.operation, _shown(each.exchange)) for each, address in _of(recorded, Kind.OPERATION))
    names = _renamed(
        (address.deployment, _shown_name(each.exchange))
        for each, address in _of(recorded, Kind.DEPLOYMENT)
        if address.form is UriForm.NAME
    )
    return [_marked(each, word, operations, names) for each in recorded]


def _of(recorded: Sequence[Recorded], kind: Kind) -> Iterator[tuple[Recorded, Address]]:
    """The exchanges of one kind, each with its address."""
    addressed = ((each, read_target(each.exchange.request.target)) for each in recorded)
    return ((each, address) for each, address in addressed if address.kind is kind)


def _marked(recorded: Recorded, word: str, operations: Collection[str], names: Collection[str]) -> Recorded:
    exchange = recorded.exchange
    address = read_target(exchange.request.target)
    own = exchange.request_id
    lost: set[Fact] = set()
    if own and (own == word or is_placeholder(own)):
        lost |= {Fact.OWN_ID, Fact.OPERATION_ID} if address.kind is Kind.REIMAGE else {Fact.OWN_ID}
    if address.kind is Kind.OPERATION and _hides_operation(exchange, address.operation, word):
        lost.add(Fact.OPERATION_ID)
    if address.kind is Kind.OPERATION and address.operation in operations:
        lost.add(Fact.SHOWN_ID)
    if address.kind is Kind.DEPLOYMENT and address.deployment in names:
        lost.add(Fact.SHOWN_NAME)
    if not lost:
        return recorded
    return replace(recorded, exchange=replace(exchange, unrecorded=exchange.unrecorded | lost))


def _hides_operation(exchange: Exchange, asked: str, word: str) -> bool:
    """Whether the id that a poll asks about, or the one that its document shows, was replaced."""
    if asked == word or is_placeholder(asked):
        return True
    shown = _shown(exchange)
    return bool(shown) and (shown == word or is_placeholder(shown))


def _shown(exchange: Exchange) -> str:
    """The ID in the document of a poll, "" where there is none."""
    if exchange.reply is None or exchange.reply.status != 200:
        return ""
    return read_document(exchange.reply).text("ID") or ""


def _shown_name(exchange: Exchange) -> str:
    """The Name in the document of a deployment, "" where there is none."""
    return next((shown.name for shown in shown_in(exchange)), "")


def _renamed(found: Iterable[tuple[str, str]]) -> set[str]:
    """The names in URLs, where it seems that a sanitiser replaced them, or those in documents, but not both.

    `found` has pairs: what a URL names, and what the document in the answer shows, "" for nothing. An id has two
    spellings, with dashes and without, of which a search for text finds one. So each name in a URL goes with one name
    in documents, and no two with the same. None of these was asked for, which would be another operation or
    deployment, and none is the beginning of its own, which an endpoint may have cut. A single name in documents also
    has a form that sanitisers give to names.
    """
    pairs: dict[str, set[str]] = {}
    for asked_name, shown in found:
        if shown:
            pairs.setdefault(asked_name, set()).add(shown)
    asked = {without_dashes(name) for name in pairs}
    shown_names = [without_dashes(shown) for several in pairs.values() for shown in several]
    is_one_to_one = len(shown_names) == len(set(shown_names)) == len(pairs)
    is_cut = any(without_dashes(o).startswith(without_dashes(s)) for o, several in pairs.items() for s in several)
    is_plausible = len(pairs) > 1 or all(_PSEUDONYM.fullmatch(shown) for shown in shown_names)
    return set(pairs) if is_one_to_one and is_plausible and asked.isdisjoint(shown_names) and not is_cut else set()


def _shared_word(recorded: Sequence[Recorded]) -> str:
    """The word that every reply of a capture has as its id, if it cannot be the id of one operation; else ""."""
    named = [(read_target(each.exchange.request.target), own) for each in recorded if (own := each.exchange.request_id)]
    if len(named) < 2 or len({own for _, own in named}) > 1:
        return ""
    word = named[0][1]
    elsewhere = [address for address, _ in named if address.kind is not Kind.OPERATION]
    polled = {address.operation for address, _ in named if address.kind is Kind.OPERATION}
    is_one_operation = len(elsewhere) < 2 and polled <= {word} and _ID_LIKE.fullmatch(word) is not None
    return "" if is_one_operation else word
