"""E. Service management versioning: the x-ms-version header."""

from __future__ import annotations

import pytest

from conformance.casebook import SystemUnderTest, Untested, Witness, each_form, forms, precondition, smoke, verifies
from conformance.checks.transport import same_answer
from conformance.model import Exchange, Request
from conformance.oracle import MINIMUM_VERSION
from conformance.protocol.addresses import UriForm
from conformance.protocol.requests import VERSION_HEADER, with_header, without_header, without_space
from conformance.requirements import PUBLISHED, TABLE_VERSIONS
from conformance.strategies import MALFORMED_VERSIONS


@forms
@smoke
@verifies("REQ-VER-MISSING")
def test_a_reimage_without_version_is_refused(sut: SystemUnderTest, form: UriForm) -> Request:
    """A request without x-ms-version is rejected with 400."""
    return without_header(sut.reimage_of(Witness.VERSION, form), VERSION_HEADER)


@forms
@verifies("REQ-VER-MISSING")
async def test_a_version_under_another_name_is_no_version(sut: SystemUnderTest, form: UriForm) -> None:
    """Headers of similar names do not stand in for x-ms-version."""
    request = without_header(sut.reimage_of(Witness.VERSION, form), VERSION_HEADER)
    for name in ("x-ms-versions", "ms-version", "x_ms_version", "version", "x-ms-version-x", "api-version"):
        await sut.refuse(with_header(request, name, sut.target.x_ms_version))


@forms
@verifies("REQ-VER-FORMAT")
@pytest.mark.parametrize(
    "version", [pytest.param(v, marks=smoke if v == "2011-6-1" else ()) for v in MALFORMED_VERSIONS]
)
def test_a_malformed_version_is_refused(sut: SystemUnderTest, form: UriForm, version: str) -> Request:
    """A value that is no YYYY-MM-DD is rejected with 400."""
    return sut.reimage_of(Witness.VERSION, form, version=version)


async def told_apart(sut: SystemUnderTest, form: UriForm) -> tuple[Exchange, bool]:
    """The answer to a request for nothing, and whether a bad version is answered otherwise, so that the two can be told apart."""
    plain = await sut.try_out(sut.nowhere(form))
    wrong = await sut.try_out(sut.nowhere(form, version="2011-6-1"))
    apart = plain.reply is not None and wrong.reply is not None and plain.reply.status != wrong.reply.status
    return plain, apart


async def calibrated(sut: SystemUnderTest, form: UriForm) -> Exchange:
    """The answer to a request for nothing; raises Untested where it tells no bad version apart."""
    plain, apart = await told_apart(sut, form)
    precondition(plain.reply is not None, "no reply")
    if not apart:
        raise Untested("an unknown instance and a bad version are answered alike, so that neither tells of versions")
    return plain


@each_form
@verifies("REQ-VER-OLD-KEPT")
async def test_every_published_version_is_acceptable(sut: SystemUnderTest, form: UriForm) -> None:
    """Published versions from 2010-10-28 on stay callable."""
    plain = await calibrated(sut, form)
    for version in TABLE_VERSIONS:
        if version > MINIMUM_VERSION:
            exchange = await sut.try_out(sut.nowhere(form, version=version))
            sut.judge(same_answer, plain, exchange, requirement="REQ-VER-OLD-KEPT", what=f"version {version}")


@each_form
@verifies("REQ-REIMAGE-VERSION")
async def test_the_minimum_version_is_acceptable(sut: SystemUnderTest, form: UriForm) -> None:
    """Exactly 2010-10-28 is as good as any later version."""
    plain = await calibrated(sut, form)
    exchange = await sut.try_out(sut.nowhere(form, version=MINIMUM_VERSION))
    sut.judge(same_answer, plain, exchange, requirement="REQ-REIMAGE-VERSION", what=f"version {MINIMUM_VERSION}")


@each_form
@verifies("REQ-VER-OWS")
async def test_white_space_around_the_version_is_none_of_it(sut: SystemUnderTest, form: UriForm) -> None:
    """Spaces and tabs before and after a field value are no part of it."""
    plain = await calibrated(sut, form)
    for padded in ("   {}", "{}   ", "\t{}", "{}\t"):
        exchange = await sut.try_out(sut.nowhere(form, version=padded.format(sut.target.x_ms_version)), label="varied")
        what = f"white space as in {padded.format('a version')!r}"
        sut.judge(same_answer, plain, exchange, requirement="REQ-VER-OWS", what=what)
    bare = await sut.try_out(without_space(sut.nowhere(form), VERSION_HEADER), label="varied")
    sut.judge(same_answer, plain, bare, requirement="REQ-VER-OWS", what="no space after the colon")


@verifies("REQ-VER-UNPUBLISHED", "REQ-VER-LIST")
async def test_dates_that_were_never_published(sut: SystemUnderTest) -> None:
    """Records which well-formed dates the endpoint takes for versions."""
    plain, apart = await told_apart(sut, UriForm.SLOT)
    request = sut.nowhere() if apart else await sut.operations.known_poll()
    plain = plain if apart else await sut.send(request, label="control")
    for version in ("2010-10-27", "2011-08-18", "2011-10-02", "2012-02-30", "2099-01-01", "9999-12-31"):
        exchange = await sut.try_out(with_header(request, VERSION_HEADER, version))
        same = exchange.reply is not None and plain.reply is not None and exchange.reply.status == plain.reply.status
        sut.observe("REQ-VER-UNPUBLISHED", f"{version} is {'accepted' if same else 'refused'}", exchange)
    sut.observe("REQ-VER-LIST", f"published versions tried: {', '.join(PUBLISHED)}", plain)


@forms
@verifies("REQ-VER-FORMAT")
async def test_a_repeated_version_is_recorded(sut: SystemUnderTest, form: UriForm) -> None:
    """Two different values cannot both be the version; a bad one beside a good one is refused or ignored, as long as nothing breaks."""
    request = with_header(sut.nowhere(form), VERSION_HEADER, sut.target.x_ms_version, sut.target.x_ms_version)
    exchange = await sut.try_out(request)
    precondition(exchange.reply is not None, "no reply")
    sut.observe(
        "REQ-VER-SPURIOUS",
        f"x-ms-version twice is answered {exchange.reply.status if exchange.reply else ''}",
        exchange,
    )
    await sut.refuse(sut.nowhere(form, version="2011-6-1"))
