"""Strategies: what they draw is what they say, by the word of the oracle."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judging_samples import BUILDER, PLACE, REIMAGE, world
from reimage_conformance.judging.oracle import expectation_of
from reimage_conformance.model import Request
from reimage_conformance.protocol.addresses import Kind, UriForm, read_target
from reimage_conformance.protocol.requests import with_header, with_query
from reimage_conformance.protocol.strategies import (
    DIMENSIONS,
    Draft,
    drafts,
    invalid_lengths,
    malformed_versions,
    other_media_types,
    stranger_ids,
    unknown_names,
    wrong_queries,
)

if TYPE_CHECKING:
    from reimage_conformance.protocol.strategies import Value

KEYS = {
    "version: missing": "version-missing",
    "version: empty": "version-malformed",
    "version: malformed": "version-malformed",
    "version: old": "version-old",
    "comp: missing": "comp",
    "comp: wrong": "comp",
    "comp: empty": "comp",
    "content type: missing": "content-type",
    "content type: other": "content-type",
    "length: missing": "length-missing",
    "length: one octet": "body",
    "length: chunked": "body",
    "method: PUT": "method",
    "method: GET": "method",
    "name: unknown instance": "instance",
    "name: unknown service": "place",
}
"""The defect that each unsound value makes; a wrong container is another slot, or another place."""

SOUND = tuple(values[0] for values in DIMENSIONS.values())
VALUES = [(name, value) for name, values in DIMENSIONS.items() for value in values]


def draft(form: UriForm, *changes: tuple[str, Value]) -> Draft:
    """A draft whose values are the usual ones but for `changes`."""
    chosen = dict(zip(DIMENSIONS, SOUND, strict=True)) | dict(changes)
    return Draft(form, tuple(chosen.values()))


def keys(request: Request) -> list[str]:
    """The keys of the defects for which a request has to be refused."""
    return sorted(defect.key for defect in expectation_of(request, world()).must_be_refused_for)


def expected(drawn: Draft) -> list[str]:
    """The keys that a draft's own words promise."""
    container = "slot" if drawn.form is UriForm.SLOT else "place"
    return sorted(KEYS.get(defect, container) for defect in drawn.defects)


@pytest.mark.parametrize("form", UriForm)
@pytest.mark.parametrize(("dimension", "value"), VALUES, ids=[f"{name}: {value.name}" for name, value in VALUES])
def test_each_value_is_what_it_says(form: UriForm, dimension: str, value: Value) -> None:
    drawn = draft(form, (dimension, value))
    found = expectation_of(value.apply(BUILDER.reimage(PLACE, form)), world())

    assert found.may_be_accepted is value.sound
    assert found.must_be_accepted is value.sound
    assert [defect.key for defect in found.must_be_refused_for] == ([] if value.sound else expected(drawn))


@pytest.mark.parametrize("form", UriForm)
def test_the_first_value_of_each_dimension_is_sound(form: UriForm) -> None:
    assert [value.sound for value in SOUND] == [True] * len(DIMENSIONS)
    assert expectation_of(draft(form).request(BUILDER, PLACE), world()).defects != ()
    assert keys(draft(form).request(BUILDER, PLACE)) == ["instance"]


@pytest.mark.parametrize("form", UriForm)
def test_pairs_of_values_keep_both_defects(form: UriForm) -> None:
    bad = [pair for pair in VALUES if not pair[1].sound]
    drawn = [draft(form, *pair) for pair in combinations(bad, 2) if pair[0][0] != pair[1][0]]

    assert len(drawn) > 100
    assert [keys(each.request(BUILDER, PLACE)) for each in drawn] == [expected(each) for each in drawn]


@settings(deadline=None, max_examples=60)
@given(drafts())
def test_drafts_are_never_to_be_accepted(drawn: Draft) -> None:
    found = keys(drawn.request(BUILDER, PLACE))

    assert found == (expected(drawn) or ["instance"])


def test_a_draft_says_itself() -> None:
    put = draft(UriForm.NAME, ("method", DIMENSIONS["method"][1]), ("version", DIMENSIONS["version"][2]))

    assert repr(put) == "Draft(name, version: missing, method: PUT)"
    assert put.defects == ("version: missing", "method: PUT")
    assert repr(draft(UriForm.SLOT)) == "Draft(slot, nothing wrong)"


@settings(deadline=None, max_examples=60)
@given(malformed_versions())
def test_versions_are_malformed(value: str) -> None:
    assert keys(with_header(REIMAGE, "x-ms-version", value)) == ["version-malformed"]


@settings(deadline=None, max_examples=60)
@given(other_media_types())
def test_media_types_are_others(value: str) -> None:
    assert keys(with_header(REIMAGE, "Content-Type", value)) == ["content-type"]


@settings(deadline=None, max_examples=60)
@given(wrong_queries())
def test_queries_select_no_operation(query: str) -> None:
    assert keys(with_query(REIMAGE, query)) == ["comp"]


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(UriForm), unknown_names())
def test_names_are_unknown(form: UriForm, name: str) -> None:
    request = BUILDER.reimage(PLACE, form)
    changed = Request(request.method, request.target.replace(PLACE.role_instance, name), request.headers)

    assert keys(changed) in (["instance"], ["bad-name"])
    assert unquote(name).startswith("Nowhere")


@settings(deadline=None, max_examples=60)
@given(invalid_lengths())
def test_lengths_are_no_numbers(value: str) -> None:
    assert keys(with_header(REIMAGE, "Content-Length", value)) == ["invalid-length"]


@settings(deadline=None, max_examples=60)
@given(stranger_ids())
def test_strangers_are_ids(identifier: str) -> None:
    request = BUILDER.operation_status(identifier)

    assert expectation_of(request, world()).must_be_accepted
    assert (read_target(request.target).kind, read_target(request.target).operation) == (Kind.OPERATION, identifier)
