"""The catalogue: complete, acyclic, in its own order, and forgiving to no misspelling."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from importlib import resources

import pytest

from reimage_conformance.catalogue import (
    ALL_REQUIREMENTS,
    CATALOGUE,
    CLIENT_CATALOGUE,
    ERROR_CODES,
    FIRST_VERSION,
    MINIMUM_VERSION,
    OBSERVED_CODES,
    PUBLISHED,
    published_before,
    published_from,
    requirement,
)
from reimage_conformance.catalogue.chapters import CHAPTERS
from reimage_conformance.errors import UsageError
from reimage_conformance.model import CountsAs

REQUIREMENTS = resources.files("reimage_conformance.catalogue") / "requirements"
ID = re.compile(r"REQ(-[A-Z0-9]+)+")
SEVERITY = (CountsAs.CLIENT, CountsAs.INFO, CountsAs.WARN, CountsAs.FAIL)
EACH = pytest.mark.parametrize("name", CATALOGUE)
OF_CLIENTS = pytest.mark.parametrize("name", CLIENT_CATALOGUE)
NOT_SEEN = {"REQ-REIMAGE-DURABLE-ADVICE", "REQ-XML-SAFE"}
"""What binds clients and shows in no request of theirs."""


def prerequisites(name: str, path: tuple[str, ...] = ()) -> set[str]:
    """Every requirement that `name` rests upon, near and far; fails on a cycle."""
    assert name not in path, " -> ".join([*path, name])
    direct = CATALOGUE[name].requires
    return {*direct, *(far for near in direct for far in prerequisites(near, (*path, name)))}


def test_the_requirements_come_in_the_order_of_the_chapters() -> None:
    files = {
        path.name.removesuffix(".toml"): tomllib.loads(path.read_text(encoding="utf-8"))
        for path in REQUIREMENTS.iterdir()
    }
    assert files.keys() == set(CHAPTERS) - {"properties"}
    listed = [row["id"] for chapter in CHAPTERS if chapter in files for row in files[chapter]["requirement"]]
    assert len(listed) == len(set(listed))
    assert listed == list(CATALOGUE)


def test_no_requirement_comes_to_count_as_something_else() -> None:
    """A requirement that counts as something else leaves one fewer here; one that is added leaves more."""
    strict, lenient = (
        Counter(getattr(row, reading) for row in CATALOGUE.values()) for reading in ("strict", "lenient")
    )
    assert strict >= Counter({CountsAs.FAIL: 77, CountsAs.WARN: 28, CountsAs.INFO: 55, CountsAs.CLIENT: 10})
    assert lenient >= Counter({CountsAs.FAIL: 54, CountsAs.WARN: 42, CountsAs.INFO: 64, CountsAs.CLIENT: 10})


@EACH
def test_lenient_is_never_the_severer_reading(name: str) -> None:
    row = CATALOGUE[name]
    assert (row.strict is CountsAs.CLIENT) == (row.lenient is CountsAs.CLIENT)
    assert SEVERITY.index(row.lenient) <= SEVERITY.index(row.strict)


@pytest.mark.parametrize("name", ALL_REQUIREMENTS)
def test_a_requirement_is_complete(name: str) -> None:
    row = ALL_REQUIREMENTS[name]
    assert row.id == name
    assert ID.fullmatch(name)
    assert row.area in {"core", "observation", "probe", "auth", "transport"}
    assert row.level in {"MUST", "SHOULD", "MAY", "OBSERVED"}
    assert row.control in {"", "reimage", "operation", "deployment"}
    assert 2 <= len(row.title.split()) <= 6, row.title
    assert row.text.endswith("."), row.text
    assert row.note.endswith("."), row.note
    assert row.untestable == "" or row.untestable.endswith("."), row.untestable
    assert row.sources


@EACH
def test_prerequisites_exist_and_never_run_in_a_circle(name: str) -> None:
    assert prerequisites(name) <= CATALOGUE.keys()


@EACH
def test_a_judged_requirement_rests_only_on_judged_ones(name: str) -> None:
    resting_on = {near for near in prerequisites(name) if CATALOGUE[near].untestable}
    assert resting_on == set()


def test_only_what_counts_for_nothing_is_untestable() -> None:
    counting = {row.id for row in CATALOGUE.values() if row.untestable and row.strict in (CountsAs.FAIL, CountsAs.WARN)}
    assert counting == set()


def test_what_binds_the_client_says_why_no_case_judges_it() -> None:
    silent = {row.id for row in CATALOGUE.values() if row.strict is CountsAs.CLIENT and not row.untestable}
    assert silent == set()


def test_what_binds_clients_names_what_a_recorded_client_is_judged_by() -> None:
    bound = {row.id: row.untestable for row in CATALOGUE.values() if row.strict is CountsAs.CLIENT}
    named = {name: set(re.findall(r"REQ-CLIENT(?:-[A-Z0-9]+)+", why)) for name, why in bound.items()}

    assert {name for name, found in named.items() if not found} == NOT_SEEN
    assert set().union(*named.values()) <= CLIENT_CATALOGUE.keys()


@OF_CLIENTS
def test_a_requirement_of_clients_says_how_it_is_violated_and_mended(name: str) -> None:
    row = CLIENT_CATALOGUE[name]
    told = [row.violation, *row.violations.values()]

    assert name.startswith("REQ-CLIENT-")
    assert row.strict is CountsAs.INFO or (
        row.mend.endswith(".") and all(each.startswith("The client") for each in told)
    )
    assert CountsAs.CLIENT not in (row.strict, row.lenient)
    assert (row.control, row.requires, row.untestable) == ("", (), "")
    assert set(re.findall(r"REQ(?:-[A-Z0-9]+)+", row.note)) <= CATALOGUE.keys()


def test_what_endpoints_and_clients_are_judged_by_has_nothing_in_common() -> None:
    assert not CATALOGUE.keys() & CLIENT_CATALOGUE.keys()
    assert [*CATALOGUE, *CLIENT_CATALOGUE] == list(ALL_REQUIREMENTS)


def test_a_status_rests_on_everything_that_leads_to_it() -> None:
    assert prerequisites("REQ-GOS-STATUS") == {
        "REQ-GOS-ROOT",
        "REQ-GOS-200",
        "REQ-REIMAGE-REQID-USABLE",
        "REQ-ASYNC-REQID-UNIQUE",
        "REQ-REIMAGE-REQID",
        "REQ-REIMAGE-202",
        "REQ-XML-ENC",
        "REQ-XML-WF",
        "REQ-XML-NS",
    }


def test_a_misspelt_id_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(UsageError, match="unknown requirement 'REQ-GOS-STAUS'; did you mean 'REQ-GOS-STATUS'"):
        requirement("REQ-GOS-STAUS")


def test_an_id_like_no_other_is_answered_with_where_to_look() -> None:
    with pytest.raises(UsageError, match="lists them all"):
        requirement("zzz")


def test_a_known_id_is_found() -> None:
    assert requirement("REQ-GOS-200") is CATALOGUE["REQ-GOS-200"]


def test_the_published_versions_of_reimage() -> None:
    assert PUBLISHED[0] == MINIMUM_VERSION
    assert PUBLISHED[-1] == "2015-05-01"
    assert len(PUBLISHED) == 20
    assert list(PUBLISHED) == sorted(set(PUBLISHED))


@pytest.mark.parametrize("trap", ["2011-03-28", "2011-04-01", "2011-08-18", "2011-12-01", "2017-01-01"])
def test_a_date_without_good_evidence_is_not_published(trap: str) -> None:
    assert trap not in published_from(FIRST_VERSION)


def test_published_versions_split_at_a_date() -> None:
    assert published_before(MINIMUM_VERSION) == ("2009-10-01", "2010-04-01")
    assert published_from(MINIMUM_VERSION) == PUBLISHED
    assert published_before("2011-06-01") + published_from("2011-06-01") == published_from(FIRST_VERSION)


def test_error_codes_have_the_statuses_of_the_table() -> None:
    assert len(ERROR_CODES) == 13
    assert ERROR_CODES["ResourceNotFound"] == 404
    assert ERROR_CODES["MissingOrIncorrectVersionHeader"] == 400
    assert OBSERVED_CODES == {"ForbiddenError": 403, "TooManyRequests": 503}
