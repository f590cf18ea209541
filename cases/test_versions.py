"""Versions: the x-ms-version header."""

from __future__ import annotations

from reimage_conformance.casebook import (
    SystemUnderTest,
    Witness,
    answer,
    each_form,
    forms,
    inconclusive_unless,
    smoke,
    untested_unless,
    values,
    verifies,
)
from reimage_conformance.catalogue import MINIMUM_VERSION, PUBLISHED, TABLE_VERSIONS
from reimage_conformance.model import Exchange, Request
from reimage_conformance.protocol.addresses import UriForm
from reimage_conformance.protocol.requests import VERSION_HEADER, with_header, without_header, without_space
from reimage_conformance.protocol.strategies import MALFORMED_VERSIONS


@forms
@smoke
@verifies("REQ-VER-MISSING")
def test_a_reimage_without_version_is_refused(sut: SystemUnderTest, form: UriForm) -> Request:
    """A request without x-ms-version is rejected with 400."""
    return without_header(sut.reimage_of(Witness.VERSION, form), VERSION_HEADER)


SIMILAR_NAMES = ("x-ms-versions", "ms-version", "x_ms_version", "version", "x-ms-version-x", "api-version")


@forms
@verifies("REQ-VER-MISSING")
def test_a_version_under_another_name_is_no_version(sut: SystemUnderTest, form: UriForm) -> list[Request]:
    """Headers of similar names do not stand in for x-ms-version."""
    request = without_header(sut.reimage_of(Witness.VERSION, form), VERSION_HEADER)
    return [with_header(request, name, sut.target.x_ms_version) for name in SIMILAR_NAMES]


@forms
@verifies("REQ-VER-FORMAT")
@values("version", MALFORMED_VERSIONS, smoke_of=("2011-6-1",))
def test_a_malformed_version_is_refused(sut: SystemUnderTest, form: UriForm, version: str) -> Request:
    """A value that is no YYYY-MM-DD is rejected with 400."""
    return sut.reimage_of(Witness.VERSION, form, version=version)


async def shows_bad_versions(sut: SystemUnderTest, form: UriForm) -> tuple[Exchange, bool]:
    """The answer to a reimage of an unknown instance, and whether one with a bad version is answered differently."""
    plain = await sut.try_out(sut.unknown_instance(form))
    wrong = await sut.try_out(sut.unknown_instance(form, version="2011-6-1"))
    differs = plain.reply is not None and wrong.reply is not None and plain.reply.status != wrong.reply.status
    return plain, differs


async def answer_that_shows_versions(sut: SystemUnderTest, form: UriForm) -> Exchange:
    """The answer to a reimage of an unknown instance; raises Untested where a bad version is answered in the same way."""
    plain, differs = await shows_bad_versions(sut, form)
    inconclusive_unless(plain.reply is not None, "no reply")
    untested_unless(
        differs,
        "an unknown instance and a bad version are answered alike, so the answer does not show whether a version is accepted",
    )
    return plain


@each_form
@verifies("REQ-VER-OLD-KEPT")
async def test_every_published_version_is_acceptable(sut: SystemUnderTest, form: UriForm) -> None:
    """Published versions from 2010-10-28 on stay callable."""
    plain = await answer_that_shows_versions(sut, form)
    later = [version for version in TABLE_VERSIONS if version > MINIMUM_VERSION]
    varied = {f"x-ms-version {version}": sut.unknown_instance(form, version=version) for version in later}
    await sut.judge_alike(plain, "REQ-VER-OLD-KEPT", varied, label="refusal")


@each_form
@verifies("REQ-REIMAGE-VERSION")
async def test_the_minimum_version_is_acceptable(sut: SystemUnderTest, form: UriForm) -> None:
    """A request with exactly 2010-10-28 is answered like one with a later version."""
    varied = {f"x-ms-version {MINIMUM_VERSION}": sut.unknown_instance(form, version=MINIMUM_VERSION)}
    await sut.judge_alike(await answer_that_shows_versions(sut, form), "REQ-REIMAGE-VERSION", varied, label="refusal")


PADDED = {"   {}": "three blanks before", "{}   ": "three blanks after", "\t{}": "a tab before", "{}\t": "a tab after"}
"""Versions with white space around them, and that white space in words."""


@each_form
@verifies("REQ-VER-OWS")
async def test_white_space_around_the_version_is_none_of_it(sut: SystemUnderTest, form: UriForm) -> None:
    """Spaces and tabs before and after a value are no part of it."""
    plain = await answer_that_shows_versions(sut, form)
    padded = {
        f"{blanks} the value of x-ms-version": sut.unknown_instance(form, version=space.format(sut.target.x_ms_version))
        for space, blanks in PADDED.items()
    }
    bare = {"no blank between x-ms-version: and its value": without_space(sut.unknown_instance(form), VERSION_HEADER)}
    await sut.judge_alike(plain, "REQ-VER-OWS", padded | bare)


UNPUBLISHED = ("2010-10-27", "2011-08-18", "2011-10-02", "2012-02-30", "2099-01-01", "9999-12-31")


@verifies("REQ-VER-UNPUBLISHED", "REQ-VER-LIST")
async def test_dates_that_were_never_published(sut: SystemUnderTest) -> None:
    """Records which dates that are no published version the endpoint accepts."""
    plain, differs = await shows_bad_versions(sut, UriForm.SLOT)
    request = sut.unknown_instance() if differs else await sut.operations.known_poll()
    plain = plain if differs else await sut.send(request, label="control")
    for version in UNPUBLISHED:
        exchange = await sut.try_out(with_header(request, VERSION_HEADER, version))
        same = exchange.reply is not None and answer(exchange) == answer(plain)
        sut.observe("REQ-VER-UNPUBLISHED", f"{version} is {'accepted' if same else 'refused'}", exchange)
    sut.observe("REQ-VER-LIST", f"published versions tried: {', '.join(PUBLISHED)}", plain)


@forms
@verifies("REQ-VER-FORMAT")
async def test_a_repeated_version_is_recorded(sut: SystemUnderTest, form: UriForm) -> Request:
    """Records how the same version twice is answered; a malformed version is refused."""
    version = sut.target.x_ms_version
    exchange = await sut.try_out(with_header(sut.unknown_instance(form), VERSION_HEADER, version, version))
    inconclusive_unless(exchange.reply is not None, "no reply")
    sut.observe("REQ-VER-SPURIOUS", f"x-ms-version twice is answered {answer(exchange)}", exchange)
    return sut.unknown_instance(form, version="2011-6-1")
