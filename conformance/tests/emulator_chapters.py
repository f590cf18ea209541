"""The chapters of the emulator's script: requests grouped by what they touch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator_script import (
    NAME,
    SECONDS,
    SERVICES,
    SLOT,
    Step,
    ask,
    life,
    many,
    octets,
    place,
    poll,
    wait,
    watch,
)
from reimage_conformance.emulator.layouts import FOREIGN, OTHER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def _lives() -> Iterator[Step]:
    for target in (
        SLOT,
        NAME,
        SLOT,
        place("WorkerRole1_IN_0"),
        place("FailingRole1_IN_0"),
        place("StagingRole1_IN_0", "slot", "staging"),
        place("WebRole1_IN_10", "name"),
        place("WorkerRole1_IN_0", "name"),
        place("WebRole1_IN_10"),
        place("WebRole1_IN_1", "slot", "staging"),
    ):
        yield from life(target)


def _names() -> Iterator[Step]:
    instances = (
        "WebRole1_IN_",
        "WebRole1_IN_12",
        "WebRole1_IN_00",
        "WebRole1",
        "StagingRole1_IN_0",
        "CacheRole1_IN_0",
        "%20WebRole1_IN_1",
        "%2557ebRole1_IN_1",
        "ole1_IN_1",
        "Nothing",
        "WebRole1_IN_10x",
        "WebRole1_IN_0;v=1",
        "x" * 300,
        "..",
    )
    services = ("cont", "contoso1", "ontos", "nothing", "northwind", "adatum")
    slots = ("1", "prod", "productions", "xstaging", "stag", "duct", "%20production", "test", "contoso-v1", "")
    deployments = ("contoso-v", "contoso-v10", "ntoso", "nothing", "fabrikam-v7", "production")
    for form in ("slot", "name"):
        yield from many([octets("POST", place(each, form)) for each in instances])
        yield from many([octets("POST", place("WebRole1_IN_0", form, "", each)) for each in services])
    yield from many([octets("POST", place("WebRole1_IN_0", "slot", each)) for each in slots])
    yield from many([octets("POST", place("WebRole1_IN_0", "name", each)) for each in deployments])
    yield from many([octets("POST", place("WebRole1_IN_0", "slot", "staging", "fabrikam"))])
    for old, new in (
        ("WebRole1", "%57ebRole1"),
        ("contoso/", "%63ontoso/"),
        ("production", "%70roduction"),
        ("services", "%73ervices"),
        ("5f0c", "%35f0c"),
        ("WebRole1_IN", "WebRole1%5fIN"),
        ("WebRole1_IN", "WebRole1%00_IN"),
    ):
        yield from many([octets("POST", SLOT.replace(old, new, 1))])
    yield from many([octets("POST", NAME.replace("contoso-v1", "contoso%2dv1"))])


def _selection() -> Iterator[Step]:
    queries = (
        "",
        "?",
        "?comp=",
        "?comp=reboot",
        "?comp=rebuild",
        "?comp=start",
        "?comp=delete",
        "?comp=update",
        "?comp=reimag",
        "?comp=reimages",
        "?comp=re-image",
        "?comp=xreimage",
        "?comp=rewind",
        "?op=reimage",
        "?x=reimages",
        "?action=reimage",
        "?comp%5B%5D=reimage",
    )
    for form in ("slot", "name"):
        yield from many([octets("POST", place("WebRole1_IN_2", form, comp=each)) for each in queries])
    for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE", "post", "REIMAGE"):
        yield from many([octets(method, SLOT), octets(method, f"{SERVICES}/contoso/deployments/contoso-v1")])
    yield ask(octets("POST", SLOT))
    for method in ("POST", "PUT", "DELETE", "PURGE"):
        yield poll(method=method)
        yield poll(1, method=method)
        yield poll(1)
    for number in ("0" * 32, "1" * 32, "x", "00000000-0000-0000-0000-000000000000"):
        yield ask(octets("GET", f"/{SLOT.split('/')[1]}/operations/{number}"))
    yield poll(1, subscription=OTHER)
    yield poll(1, subscription=FOREIGN)
    yield wait(SECONDS)
    yield poll(1, subscription=OTHER)


def _too_soon() -> Iterator[Step]:
    """A reimage of an instance whose last one has succeeded, and that is not back yet."""
    yield ask(octets("POST", SLOT))
    yield wait(SECONDS)
    yield poll()
    yield ask(octets("POST", SLOT))


def _partial_ids() -> Iterator[Step]:
    yield ask(octets("POST", SLOT))
    for cut in (lambda each: each[:8], lambda each: f"{each}0", lambda each: each[:16] + "0" * 16):
        yield lambda player, cut=cut: player.send(
            octets("GET", f"/{SLOT.split('/')[1]}/operations/{cut(player.ids[-1])}")
        )  # type: ignore[misc]


def _headers() -> Iterator[Step]:
    versions = (
        "",
        "20101028",
        "2010/10/28",
        "2010-10",
        "2010-1-1",
        "2010-10-28T00:00:00Z",
        "2010-10-28x",
        "v2010-10-28",
        "28-10-2010",
        "12",
        "latest",
        "2009-10-01",
        "2010-04-01",
        "2010-10-28",
        "2011-02-25",
        "2011-06-01",
        "2011-08-01",
        "2012-03-01",
        "2012-08-01",
        "2013-03-01",
        "2014-04-01",
        "2015-04-01",
        "  2011-10-01",
        "2011-10-01 ",
        "\t2011-10-01",
    )
    types = (
        "application/atom+xml",
        "text/xml",
        "application/json",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/octet-stream",
        "",
        "application/xmlx",
        "image/xml",
        "application/xml; charset=utf-8",
        "application/xml ;charset=utf-8",
        "application/xml;charset=utf-8",
        'application/xml; charset="utf-8"',
        "Application/XML",
        "APPLICATION/XML",
        "application/xml; CHARSET=UTF-8",
    )
    for target in (SLOT, NAME):
        yield from many([octets("POST", target, x_ms_version=None)])
        yield from many([octets("POST", target, x_ms_version=each) for each in versions])
        yield from many([octets("POST", target, Content_Type=None), octets("POST", target, Content_Length=None)])
        yield from many([octets("POST", target, Content_Type=each) for each in types])
        yield from many(
            [octets("POST", target, each) for each in (b"x", b"  ", b"<a/>", b"x" * 200, b"<a>" + b"x" * 200)]
        )
    yield from many([octets("POST", SLOT, X_MS_VERSION="2011-10-01"), octets("POST", SLOT, X_Ms_Version="2011-10-01")])
    yield from many([octets("POST", SLOT).replace(b"x-ms-version: ", b"x-ms-version:")])
    for name in ("CONTENT_TYPE", "content_type", "CONTENT_LENGTH", "content_length"):
        value = "application/xml" if "ype" in name or "YPE" in name else "0"
        yield from many([octets("POST", SLOT, b"", **{name: value})])
    yield from many([octets("POST", SLOT, HOST="a"), octets("POST", SLOT, host="a")])
    yield from many(
        [octets("POST", SLOT, ContentLength="0"), octets("POST", SLOT, ContentLength="0", Content_Length=None)]
    )
    yield ask(octets("POST", SLOT, x_ms_version="2015-04-01"), octets("POST", SLOT, x_ms_version="2009-10-01"))
    for version in ("2010-04-01", "2010-10-28", "2009-10-01", "x", None):
        yield poll(x_ms_version=version)
        yield ask(octets("GET", f"{SERVICES}/contoso/deployments/contoso-v1", x_ms_version=version))
        yield ask(octets("GET", f"{SERVICES}/contoso", x_ms_version=version))
    yield poll(X_MS_VERSION="2011-10-01")
    yield poll(Content_Type=None)
    yield poll(Content_Length=None)
    yield ask(octets("POST", SLOT, b"x"), octets("POST", NAME))


def _reads() -> Iterator[Step]:
    for version in ("2009-10-01", "2010-04-01", "2010-10-28", "2011-06-01", "2012-03-01", "2015-05-01"):
        yield from watch(version)
    yield ask(octets("GET", f"{SERVICES}/fabrikam/deploymentslots/staging"))
    yield ask(octets("GET", f"{SERVICES}/nothing"))
    yield ask(octets("GET", f"{SERVICES}/contoso?embed-detail=True"))
    yield ask(octets("HEAD", f"{SERVICES}/contoso/deploymentslots/production"))
    yield ask(octets("POST", SLOT))
    yield from watch("2015-05-01")


def _conflicts() -> Iterator[Step]:
    for second in (NAME, place("WebRole1_IN_2")):
        yield ask(octets("POST", SLOT))
        yield wait(1)
        yield ask(octets("POST", second))
        yield from (poll(1), poll(2), *watch(), wait(SECONDS - 1), poll(1), poll(2), *watch(), wait(2 * SECONDS))
        yield ask(octets("POST", second))
        yield from (poll(1), poll(2), wait(3 * SECONDS), poll(1), *watch())
    yield ask(octets("POST", SLOT))
    yield wait(1)
    yield ask(octets("POST", place("WebRole1_IN_1", "slot", "staging")))
    yield from (poll(1), poll(2), wait(SECONDS - 1), poll(1), poll(2), wait(3 * SECONDS), poll(1), poll(2))


def _certificates() -> Iterator[Step]:
    for identity in ("second", "other", None, "stranger"):
        for data in (
            octets("POST", SLOT),
            octets("POST", NAME),
            octets("POST", SLOT.replace(SLOT.split("/")[1], FOREIGN)),
        ):
            yield ask(data, identity=identity)
            yield wait(2 * SECONDS)
        yield ask(octets("GET", f"{SERVICES}/contoso"), identity=identity)
        yield ask(octets("POST", SLOT))
        yield poll(identity=identity)
        yield wait(2 * SECONDS)
        yield poll(identity=identity)
        yield ask(octets("POST", SLOT), identity=identity)
        yield lambda player: player.send(octets("GET", f"/{SLOT.split('/')[1]}/operations/{player.ids[-1]}"))
        yield wait(2 * SECONDS)
    foreign = SLOT.replace(SLOT.split("/")[1], FOREIGN)
    yield ask(octets("POST", foreign))
    yield ask(octets("POST", NAME.replace(SLOT.split("/")[1], FOREIGN)))
    yield ask(octets("GET", f"/{FOREIGN}/operations/1"))
    yield ask(octets("GET", f"/{FOREIGN}/services/hostedservices/northwind"))
    yield ask(octets("GET", f"{SERVICES}/contoso"), octets("POST", foreign))


def _framing() -> Iterator[Step]:
    for method in ("GET", "POST"):
        yield from many(
            [
                octets(method, SLOT, Host=None),
                octets(method, SLOT, Host="a\r\nHost: a"),
                octets(method, SLOT, Host="a\r\nHost: b"),
            ]
        )
        yield from many([octets(method, SLOT, Host=each) for each in ("a b", "a/b", "u@a", "a,,b", "a:x", "", "<a>")])
        yield from many(
            [octets(method, SLOT).replace(b"x-ms-version:", b"x-ms-version" + each) for each in (b" :", b"\t:")]
        )
    yield from many([octets("POST", SLOT, X_Odd="a").replace(b"X-Odd:", b"X-Odd :")])
    yield from many([octets("POST", SLOT, x_ms_version="2011-10-01\r\n garbage")])
    yield from many([octets("POST", SLOT).replace(b"2011-10-01", b"\xb22011-10-01")])
    yield from many(
        [
            octets("POST", SLOT, Content_Length=each)
            for each in (
                "abc",
                "-1",
                "+0",
                "0x0",
                "0.0",
                "0 0",
                "",
                "0a",
                "0\r\nContent-Length: 3",
                "3\r\nContent-Length: 0",
                str(2**32),
                str(2**64),
            )
        ]
    )
    chunked = b"0\r\n\r\n"
    for coding in ("chunked", "gzip", "chunked, gzip"):
        yield from many(
            [
                octets("POST", SLOT, Transfer_Encoding=coding, Content_Length=None) + chunked,
                octets("POST", SLOT, Transfer_Encoding=coding) + chunked,
            ]
        )
    yield from many([octets("POST", SLOT, Transfer_Encoding="chunked", Content_Length=None) + b"1\r\nx\r\n0\r\n\r\n"])
    yield ask(octets("POST", SLOT, Content_Length="x"), octets("POST", SLOT))
    yield from many(
        [octets("POST", SLOT, Expect="100-continue"), octets("POST", SLOT, Expect="100-continue", Content_Length="4")]
    )
    for extra in ("close", "Close", "keep-alive, close"):
        yield ask(octets("POST", SLOT, Connection=extra))
        yield poll(Connection=extra)
        yield ask(octets("GET", SLOT, Connection=extra))
        yield wait(2 * SECONDS)
    yield ask(octets("GET", f"{SERVICES}/contoso"), octets("GET", f"{SERVICES}/contoso", Connection="close"))
    yield from many([octets("POST", f"{SLOT}&x={'y' * length}") for length in (1000, 2000, 4000, 7800)])
    yield ask(octets("POST", SLOT), octets("POST", NAME), octets("GET", f"{SERVICES}/contoso"))
    yield ask(octets("GET", f"{SERVICES}/contoso"), octets("POST", SLOT))
    yield wait(2 * SECONDS)
    yield ask(octets("GET", f"{SERVICES}/contoso"), octets("POST", SLOT))
    yield lambda player: player.together(
        octets("GET", f"{SERVICES}/contoso"),
        octets("GET", f"/{SLOT.split('/')[1]}/operations/{player.started[-1]}"),
        octets("GET", f"/{SLOT.split('/')[1]}/operations/{player.started[-1]}"),
    )


def _used_connections() -> Iterator[Step]:
    """Many requests on one connection, and one to an instance that does not exist."""
    yield ask(*[octets("GET", f"{SERVICES}/contoso")] * 64)
    yield ask(octets("POST", place("NoSuchRole_IN_0")))


def _latitude() -> Iterator[Step]:
    """What no document settles: case, several defects at once, versions never published."""
    yield from many(
        [
            octets("POST", SLOT.replace(*pair))
            for pair in (
                ("production", "Production"),
                ("WebRole1", "webrole1"),
                ("comp=reimage", "COMP=Reimage"),
                ("?comp", "/?comp"),
            )
        ]
    )
    yield from many([octets("POST", SLOT, x_ms_version=each) for each in ("2016-02-29", "2011-10-01,2011-10-01")])
    missing = place("Nothing", comp="?comp=nothing")
    yield from many(
        [
            octets("POST", missing),
            octets("POST", missing, b"x"),
            octets("POST", missing, Content_Type=None),
            octets("POST", missing, x_ms_version=None),
        ]
    )
    yield ask(octets("GET", "/nothing"), identity="other")
    yield ask(octets("POST", SLOT))
    yield lambda player: player.send(octets("GET", f"/{SLOT.split('/')[1]}/operations/{player.started[-1].upper()}"))
    for target in (place("WebRole1_IN_0", "slot", "staging"), place("WebRole1_IN_0", "slot", "production", "fabrikam")):
        yield ask(octets("POST", target))


CHAPTERS: dict[str, Callable[[], Iterator[Step]]] = {
    "certificates": _certificates,
    "conflicts": _conflicts,
    "selection": _selection,
    "partial ids": _partial_ids,
    "too soon": _too_soon,
    "latitude": _latitude,
    "used connections": _used_connections,
    "reads": _reads,
    "framing": _framing,
    "headers": _headers,
    "lives": _lives,
    "names": _names,
}
"""The chapters, the quickest first."""
