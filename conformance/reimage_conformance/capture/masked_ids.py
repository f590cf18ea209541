"""Ids that a sanitiser replaced: which words are no ids, and which exchanges have lost their ids."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from reimage_conformance.model import Fact
from reimage_conformance.protocol.addresses import Kind, read_target
from reimage_conformance.protocol.documents import read_document, without_dashes

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from reimage_conformance.capture.traffic import Recorded
    from reimage_conformance.model import Exchange

_BLANKS = re.compile(r"[\s*#.?x0_-]+", re.IGNORECASE)
"""Nothing but zeros, stars, crosses and dashes."""
_WORDS = re.compile(
    r"""
    :\w+                                                       # :operationId, as route templates write it
    | [{<\[(%$](?!.*[0-9a-f]{8}).*[}>\])%]?                      # {id}, <id>, [id], %ID%, ${id}; not an id in braces
    | (?:request|operation)?[-_ ]?id | guid | uuid | null | none | undefined | n/a
    | secret | deleted | omitted | value | (?:sha-?[0-9]{1,3}|md5|hash)[:=]\S+      # a word, or what a hash made of the value
    | (?:.*[^a-z])?(?:redact(?:ed)?|saniti[sz]ed?|mask(?:ed)?|scrub(?:bed)?|filter(?:ed)?|removed?|obfuscated|hidden|placeholder|
        anonym(?:i[sz]ed|ous)?|dummy|fake|xxx+)(?:[^a-z].*)?      # the words of sanitisers, alone or among others
    """,
    re.IGNORECASE | re.VERBOSE,
)
_ID_LIKE = re.compile(r"[0-9a-f-]{8,}", re.IGNORECASE)
_PSEUDONYM = re.compile(rf"{_ID_LIKE.pattern}|.*[0-9]+", re.IGNORECASE)
"""An id, a hash, or a word with a number behind it."""


def is_placeholder(value: str) -> bool:
    """Whether a value is a placeholder for an id."""
    return bool(value.strip()) and (is_replaced(value) or _BLANKS.fullmatch(value) is not None)


def is_replaced(value: str) -> bool:
    """Whether a value is a word that sanitisers write in place of values, or a placeholder in brackets."""
    return _WORDS.fullmatch(value.strip()) is not None


def without_masked_ids(recorded: Sequence[Recorded]) -> list[Recorded]:
    """The exchanges; those whose ids were replaced have these facts marked as not recorded."""
    word = _shared_word(recorded)
    renamed = _renamed(recorded)
    return [_marked(each, word, renamed) for each in recorded]


def _marked(recorded: Recorded, word: str, renamed: Collection[str]) -> Recorded:
    exchange = recorded.exchange
    address = read_target(exchange.request.target)
    own = exchange.request_id
    lost: set[Fact] = set()
    if own and (own == word or is_placeholder(own)):
        lost |= {Fact.OWN_ID, Fact.OPERATION_ID} if address.kind is Kind.REIMAGE else {Fact.OWN_ID}
    if address.kind is Kind.OPERATION and _hides_operation(exchange, address.operation, word):
        lost.add(Fact.OPERATION_ID)
    if address.kind is Kind.OPERATION and address.operation in renamed:
        lost.add(Fact.SHOWN_ID)
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


def _renamed(recorded: Sequence[Recorded]) -> set[str]:
    """The ids in URLs, where it seems that a sanitiser replaced them, or those in documents, but not both.

    An id has two spellings, with dashes and without, of which a search for text finds one. So each id in a URL goes
    with one ID in documents, and no two with the same. None of these was asked for, which would be another operation,
    and none is the beginning of its own, which an endpoint may have cut. The ID of a single operation also has a form
    that sanitisers give to ids.
    """
    pairs: dict[str, set[str]] = {}
    for each in recorded:
        address = read_target(each.exchange.request.target)
        if address.kind is Kind.OPERATION and (shown := _shown(each.exchange)):
            pairs.setdefault(address.operation, set()).add(shown)
    asked = {without_dashes(operation) for operation in pairs}
    shown_ids = [without_dashes(shown) for several in pairs.values() for shown in several]
    is_one_to_one = len(shown_ids) == len(set(shown_ids)) == len(pairs)
    is_cut = any(without_dashes(o).startswith(without_dashes(s)) for o, several in pairs.items() for s in several)
    is_plausible = len(pairs) > 1 or all(_PSEUDONYM.fullmatch(shown) for shown in shown_ids)
    return set(pairs) if is_one_to_one and is_plausible and asked.isdisjoint(shown_ids) and not is_cut else set()


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
