"""Probes judged: what a look inside the role instance shows of a reimage."""

from __future__ import annotations

import pytest

from judging_samples import (
    REIMAGE,
    advisory,
    brief,
    exchange,
    inconclusive,
    judged,
    lenient,
    met,
    observed,
    refusal,
    silent,
    started,
    violated,
    worded,
)
from reimage_conformance.judging.instances.probes import installation_in
from reimage_conformance.model import Exchange, Request

PROBE = Request("GET", "/contoso/contoso-v2/WebRole1_IN_0", (("Host", "127.0.0.1:9000"),))
FRESH = "REQ-REIMAGE-FRESH-OS"


def probe(installation: str, number: int = 1) -> Exchange:
    return exchange(PROBE, 200, f'{{"installation_id": "{installation}"}}'.encode(), number=number)


NOTHING = [
    silent(PROBE),
    exchange(PROBE, 404, b'{"installation_id": "a"}'),
    exchange(PROBE, 200, b"no json"),
    exchange(PROBE, 200, b"\xff"),
    exchange(PROBE, 200, b'["installation_id"]'),
    exchange(PROBE, 200, b"{}"),
]


def test_the_installation_id() -> None:
    assert installation_in(probe("a")) == "a"
    assert installation_in(exchange(PROBE, 200, b'{"installation_id": 7}')) == "7"


@pytest.mark.parametrize("other", NOTHING)
def test_no_installation_id(other: Exchange) -> None:
    assert installation_in(other) == ""


def test_a_fresh_installation() -> None:
    assert brief(judged("fresh_installation", [probe("a"), probe("b", 2)])) == [met(FRESH, 2)]
    found = judged("fresh_installation", [probe("a"), probe("a", 2)])
    assert brief(found) == [violated(FRESH, "same-installation", 2, 1)]
    assert worded(found) == [
        (
            "a new installation id, as the probe in the guest reports it, after the reimage",
            "the probe's installation id of contoso/contoso-v2/WebRole1_IN_0 is still a",
        )
    ]
    known = judged("fresh_installation", [probe("a"), probe("a", 2), started(number=3)])
    assert brief(known) == [violated(FRESH, "same-installation", 2, 1, 3)]
    assert brief(judged("fresh_installation", [probe("a"), probe("a", 2)], lenient())) == [
        observed(FRESH, 2, 1, symptom="same-installation")
    ]


def test_a_reimage_that_others_contended_with_is_judged_like_any_other() -> None:
    old, undisturbed = [probe("a"), probe("a", 2)], "REQ-CONC-REFUSED-NOEFFECT"

    found = judged("fresh_installation", old, contended=True)
    assert brief(found) == [violated(FRESH, "same-installation", 2, 1)]
    found = judged("fresh_installation", old, requirement=undisturbed)
    assert brief(found) == [violated(undisturbed, "same-installation", 2, 1)]
    assert brief(judged("fresh_installation", [probe("a"), probe("b", 2)], contended=True)) == [met(FRESH, 2)]


@pytest.mark.parametrize("pair", [[probe(""), probe("b", 2)], [probe("a"), probe("", 2)], [probe(""), probe("", 2)]])
def test_without_ids_nothing_is_known(pair: list[Exchange]) -> None:
    found = judged("fresh_installation", pair)

    assert brief(found) == [inconclusive(FRESH, 2, 1)]
    assert found[0].actual == "the probe's answer has no installation id"


KEPT, LOST = "REQ-REIMAGE-LOCALSTORE", "REQ-REIMAGE-OTHERDATA-LOST"
NONE: tuple[int, bytes] = (404, b"")


def markers(*found: tuple[int, bytes]) -> list[Exchange]:
    return [exchange(PROBE, status, body, number=i + 1) for i, (status, body) in enumerate(found)]


def test_local_storage_is_kept_and_other_data_lost() -> None:
    found = judged("storage_kept_and_lost", markers((200, b"x"), (200, b"x"), (200, b"x"), NONE))

    assert brief(found) == [met(KEPT, 3), met(LOST, 4)]


@pytest.mark.parametrize("after", [NONE, (200, b"y"), (200, b""), (404, b"x")])
def test_local_storage_is_lost(after: tuple[int, bytes]) -> None:
    found = judged("storage_kept_and_lost", markers((200, b"x"), (200, b"x"), after, NONE))

    assert brief(found) == [advisory(KEPT, "local-storage-lost", 3, 1), met(LOST, 4)]
    assert worded(found)[0] == (
        "what the probe stored in local storage is still there",
        "what the probe stored in local storage of contoso/contoso-v2/WebRole1_IN_0 before the reimage is gone",
    )


def test_other_data_is_kept() -> None:
    found = judged("storage_kept_and_lost", markers((200, b"x"), (200, b"x"), (200, b"x"), (200, b"y")))

    assert brief(found) == [violated(LOST, "other-data-kept", 4, 2), met(KEPT, 3)]
    assert worded(found)[0] == (
        "what the probe stored outside local storage is gone",
        "what the probe stored outside local storage of contoso/contoso-v2/WebRole1_IN_0 before the reimage is still there",
    )


@pytest.mark.parametrize("after", [[(503, b""), (503, b"")], [(200, b"x"), (500, b"")], [(502, b"x"), NONE]])
def test_a_probe_that_does_not_answer_proves_nothing(after: list[tuple[int, bytes]]) -> None:
    found = judged("storage_kept_and_lost", markers((200, b"x"), (200, b"x"), *after))

    assert brief(found) == [inconclusive(KEPT, 3, 1), inconclusive(LOST, 4, 2)]
    assert [v.actual for v in found] == ["the probe did not answer after the reimage"] * 2


@pytest.mark.parametrize("before", [NONE, (200, b""), (201, b"x")])
def test_markers_that_were_not_written_prove_nothing(before: tuple[int, bytes]) -> None:
    found = judged("storage_kept_and_lost", markers(before, before, NONE, NONE))

    assert brief(found) == [inconclusive(KEPT, 3, 1), inconclusive(LOST, 4, 2)]
    assert [v.actual for v in found] == ["the probe did not store the data that was sent to it before the reimage"] * 2


INSTALLATION = "the probe's installation id of contoso/contoso-v2/WebRole1_IN_0"
NOEFFECT, OTHERS = "REQ-GOS-NOTFOUND-NOEFFECT", "REQ-REIMAGE-OTHERS-UNTOUCHED"


def test_a_refused_reimage_reinstalls_nothing() -> None:
    seen = [probe("a"), probe("b", 2), refusal(REIMAGE, 400, number=3), refusal(REIMAGE, 400, number=4)]
    found = judged("installation_unchanged", seen, requirement="REQ-VER-MISSING", what="refused requests")

    assert brief(found) == [
        violated("REQ-VER-MISSING", "reinstalled", 3, 2),
        violated(NOEFFECT, "reinstalled", 3, 2),
    ]
    assert worded(found) == [
        (f"{INSTALLATION} stays the same", f"{INSTALLATION} changed after refused requests"),
        ("a refused reimage has no effect", f"{INSTALLATION} changed after refused requests"),
    ]


def test_what_has_no_effect_is_told_once() -> None:
    seen = [probe("a"), probe("b", 2)]
    conflict = "REQ-CONC-REFUSED-NOEFFECT"

    assert brief(judged("installation_unchanged", seen, requirement=NOEFFECT, what="refused")) == [
        violated(NOEFFECT, "reinstalled", 2)
    ]
    assert brief(judged("installation_unchanged", seen, requirement=conflict, what="a reimage that was refused")) == [
        violated(conflict, "reinstalled", 2)
    ]
    assert brief(judged("installation_unchanged", seen, requirement=NOEFFECT, what="a refusal with 409")) == [
        violated(NOEFFECT, "reinstalled", 2)
    ]


def test_others_are_not_reinstalled_either() -> None:
    seen = [probe("a"), probe("b", 2)]

    assert brief(judged("installation_unchanged", seen, requirement=OTHERS, what="others' reimages")) == [
        violated(OTHERS, "reinstalled", 2)
    ]


@pytest.mark.parametrize("pair", [[probe("a"), probe("a", 2)], [probe(""), probe("b", 2)], [probe("a"), probe("", 2)]])
def test_the_same_or_an_unknown_installation_says_nothing(pair: list[Exchange]) -> None:
    assert judged("installation_unchanged", pair, requirement=NOEFFECT, what="refused") == []


COMP = "REQ-REIMAGE-COMP"


def test_a_sibling_operation_reimages_nothing() -> None:
    same = judged("sibling_is_no_reimage", [probe("a"), probe("a", 2), exchange(number=3)], sibling="reboot")
    assert brief(same) == [met(COMP, 3)]
    for pair in ([probe(""), probe("b", 2)], [probe("a"), probe("", 2)]):
        unknown = judged("sibling_is_no_reimage", [*pair, exchange(number=3)], sibling="reboot")
        assert brief(unknown) == [inconclusive(COMP, 3, 2)]
    found = judged("sibling_is_no_reimage", [probe("a"), probe("b", 2), exchange(number=3)], sibling="reboot")
    assert brief(found) == [violated(COMP, "sibling-reimages", 3, 2)]
    assert worded(found) == [("comp=reboot reimages nothing", f"{INSTALLATION} changed from a to b after comp=reboot")]


def test_a_rebuild_writes_a_fresh_installation_too() -> None:
    seen = [probe("a"), probe("b", 2)]
    found = judged("sibling_is_no_reimage", [*seen, exchange(number=3)], sibling="rebuild")

    assert brief(found) == [observed(COMP, 3, 2)]
    assert found[0].actual == "comp=rebuild was accepted, and a rebuild writes a fresh installation too"
    for other in (silent(number=3), exchange(status=300, number=3)):
        assert brief(judged("sibling_is_no_reimage", [*seen, other], sibling="rebuild")) == [
            violated(COMP, "sibling-reimages", 3, 2)
        ]
