"""Ids and names that a sanitiser replaced: which values are replacements, and which exchanges hold them."""

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
"""Nothing but white space, zeros, x, stars, number signs, dots, question marks, dashes and underscores."""
_PARTLY_MASKED = re.compile(
    r"""[0-9a-z-]{0,12}(?:\*{2,}|\#{3,}|\.{3,}|(?:\u2026|\u2022|\xe2\x80[\xa6\xa2])+)[0-9a-z-]{0,12}""",
    re.IGNORECASE | re.VERBOSE,
)
"""An id of which only characters at the beginning or the end are left, with stars, number signs or dots in place of the others."""
_REPLACEMENTS = re.compile(
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
"""What sanitisers and route templates write in place of a value: a word, a template such as {id}, or a hash with its name."""
_ID_LIKE = re.compile(r"[0-9a-f-]{8,}", re.IGNORECASE)
_PSEUDONYM = re.compile(rf"{_ID_LIKE.pattern}|.*[0-9]+", re.IGNORECASE)
"""An id, a hash, or a word that ends with a number."""


def is_placeholder(value: str) -> bool:
    """Whether a value stands in place of an id: a replacement as in `is_replaced`, nothing but signs, or an id that is partly masked."""
    forms = (_BLANKS, _PARTLY_MASKED)
    return bool(value.strip()) and (is_replaced(value) or any(form.fullmatch(value) for form in forms))


def is_hash(value: str) -> bool:
    """Whether a value looks like what a sanitiser made of a name with a hash function."""
    return _ID_LIKE.fullmatch(value) is not None


def is_replaced(value: str) -> bool:
    """Whether a value is a word, a template or a named hash that is written in place of values of any kind."""
    return _REPLACEMENTS.fullmatch(value.strip()) is not None


def with_masked_ids_marked(recorded: Sequence[Recorded]) -> list[Recorded]:
    """The exchanges; where ids or names were replaced, the facts that rest on them are marked as not recorded."""
    word = _shared_word(recorded)
    operations = _replaced_apart(
        (address.operation, _shown_id(each.exchange)) for each, address in _of_kind(recorded, Kind.OPERATION)
    )
    names = _replaced_apart(
        (address.deployment, _shown_name(each.exchange))
        for each, address in _of_kind(recorded, Kind.DEPLOYMENT)
        if address.form is UriForm.NAME
    )
    return [_marked(each, word, operations, names) for each in recorded]


def _of_kind(recorded: Sequence[Recorded], kind: Kind) -> Iterator[tuple[Recorded, Address]]:
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
    shown = _shown_id(exchange)
    return bool(shown) and (shown == word or is_placeholder(shown))


def _shown_id(exchange: Exchange) -> str:
    """The ID in the document of a poll, "" where there is none."""
    if exchange.reply is None or exchange.reply.status != 200:
        return ""
    return read_document(exchange.reply).text("ID") or ""


def _shown_name(exchange: Exchange) -> str:
    """The Name in the document of a deployment, "" where there is none."""
    return next((shown.name for shown in shown_in(exchange)), "")


def _replaced_apart(pairs: Iterable[tuple[str, str]]) -> set[str]:
    """The names in URLs, if a sanitiser seems to have replaced either them or the names in documents; else none.

    `pairs` has the name in each URL with the name that the document in the answer shows, "" for none. An id can be written with
    dashes or without, and a search for text finds only one of the two. These conditions must hold:

    * Each name in a URL goes with one spelling of one name in documents, and no two with the same name.
    * No name in documents is also in a URL: the two may agree, or the endpoint showed another operation or deployment.
    * No name in documents is the beginning of the one in the URL: the endpoint may have cut it.
    * If there is only one name in documents, it has a form that sanitisers give to names.
    """
    shown_by_name: dict[str, set[str]] = {}
    for name, shown in pairs:
        if shown:
            shown_by_name.setdefault(name, set()).add(shown)
    asked = {without_dashes(name) for name in shown_by_name}
    all_shown = [without_dashes(shown) for several in shown_by_name.values() for shown in several]
    is_one_to_one = len(all_shown) == len(set(all_shown)) == len(shown_by_name)
    each_pair = ((name, shown) for name, several in shown_by_name.items() for shown in several)
    is_cut = any(without_dashes(name).startswith(without_dashes(shown)) for name, shown in each_pair)
    is_plausible = len(shown_by_name) > 1 or all(map(_PSEUDONYM.fullmatch, all_shown))
    are_replaced = is_one_to_one and is_plausible and asked.isdisjoint(all_shown) and not is_cut
    return set(shown_by_name) if are_replaced else set()


def _shared_word(recorded: Sequence[Recorded]) -> str:
    """The request id that all replies of a capture share, if it seems to be a sanitiser's word; else "".

    It may be the id of an operation if at most one reply is to anything but polls, and if all polls ask for it.
    """
    named = [(read_target(each.exchange.request.target), own) for each in recorded if (own := each.exchange.request_id)]
    if len(named) < 2 or len({own for _, own in named}) > 1:
        return ""
    word = named[0][1]
    others = [address for address, _ in named if address.kind is not Kind.OPERATION]
    polled = {address.operation for address, _ in named if address.kind is Kind.OPERATION}
    is_one_operation = len(others) < 2 and polled <= {word} and _ID_LIKE.fullmatch(word) is not None
    return "" if is_one_operation else word
