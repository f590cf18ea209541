"""Single cases against emulators that conform in an unusual way: no violation is found. What such an emulator leaves open is not judged."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import trio

from cases.accepting import may_not_have_run
from cases.asking import judge_refusal, poll_on_connection_of
from cases.test_concurrency import test_a_reimage_while_another_runs as reimage_while_another_runs
from reimage_conformance.casebook import Untested
from reimage_conformance.emulator import LAYOUTS, ODDITIES
from reimage_conformance.emulator.departures import instead
from reimage_conformance.emulator.oddities.registry import Oddity
from reimage_conformance.emulator.writing import render
from reimage_conformance.journal import read_journal
from reimage_conformance.judging.operations.documents import operation_documents
from reimage_conformance.judging.transport.framing import same_connection_usable
from reimage_conformance.judging.transport.messages import standard_headers, xml_bodies
from reimage_conformance.model import Outcome, Profile
from session_runs import in_run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reimage_conformance.emulator import Action
    from reimage_conformance.emulator.messages import Call, Reply
    from reimage_conformance.model import Exchange
    from reimage_conformance.session.sut import SystemUnderTest


def test_an_instance_that_does_not_run_again_yet_is_refused_although_its_reimage_has_ended(tmp_path: Path) -> None:
    async def body(sut: SystemUnderTest) -> None:
        with pytest.raises(Untested, match="may have ended"):
            await reimage_while_another_runs(sut, which="same")

    oddities, world = ("instant-operations", "not-running-400"), LAYOUTS["two-instances"]
    in_run(tmp_path, body, profile=Profile.STANDARD, max_reimages=6, oddities=oddities, world=world)


def test_a_poll_on_the_connection_of_a_refusal_whose_operation_is_forgotten_accuses_nobody(tmp_path: Path) -> None:
    found: list[Exchange] = []

    async def body(sut: SystemUnderTest) -> None:
        await sut.campaign.until_no_step_runs()
        known = await sut.operations.known_poll()
        await trio.sleep(60)
        refused = await sut.try_out(sut.unknown_instance())
        found.extend([refused, *await poll_on_connection_of(sut, refused, known)])
        sut.judge(same_connection_usable, *found, requirement="REQ-HTTP-CHUNKED")

    run = in_run(tmp_path, body, oddities=("retention-ten-seconds",))
    outcomes = [each.outcome for each in run.sut.recorder.made if each.requirement == "REQ-HTTP-CHUNKED"]
    assert [each.reply.status for each in found if each.reply is not None] == [404, 404, 404]
    assert outcomes == [Outcome.INCONCLUSIVE]


def test_content_in_a_coding_that_the_suite_cannot_decode_accuses_nobody_and_is_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rendered(original: Callable[..., list[Action]], call: Call, reply: Reply) -> list[Action]:
        # The octets are in Brotli: the content follows as it is (RFC 7932 9.2).
        head = (((len(reply.body) - 1) << 4) | (1 << 20)).to_bytes(3, "little")
        fields = [*reply.fields, ("Content-Encoding", "br")]
        return original(call, replace(reply, body=head + reply.body + b"\x03", fields=fields) if reply.body else reply)

    async def body(sut: SystemUnderTest) -> None:
        poll = sut.builder.operation_status("0" * 32)
        await judge_refusal(sut, poll)
        found.append(await sut.send(poll))
        for check in (operation_documents, xml_bodies, standard_headers):
            sut.judge(check, *found)

    found: list[Exchange] = []
    monkeypatch.setitem(ODDITIES, "coded-br", Oddity("coded-br", "Brotli", (instead(render, rendered),)))
    run = in_run(tmp_path, body, oddities=("coded-br",), opened=False)
    outcomes = {each.outcome for each in run.sut.recorder.made}
    (journal,) = tmp_path.rglob("journal.jsonl")
    (note,) = [event["text"] for event in read_journal(journal).events if event["type"] == "note"]
    assert [each.reply.body for each in found if each.reply is not None] == [b""]
    assert outcomes <= {Outcome.MET, Outcome.INCONCLUSIVE, Outcome.UNTESTED}
    assert note == (
        "the content of 2 answers was not judged: it came with Content-Encoding br, which the suite cannot decode."
    )


@pytest.mark.parametrize(
    ("status", "offers_deployment", "number", "expected"),
    [
        ("Failed", False, 9, True),
        ("Failed", False, 2, False),
        ("Failed", True, 9, False),
        ("Succeeded", False, 9, False),
    ],
)
def test_a_reimage_that_failed_after_another_may_have_met_an_instance_that_did_not_run(
    *, status: str, offers_deployment: bool, number: int, expected: bool
) -> None:
    earlier = SimpleNamespace(start=SimpleNamespace(number=2))
    operation: Any = SimpleNamespace(status=status, place="here", start=SimpleNamespace(number=number))
    at = {"here": [earlier, operation]}.__getitem__
    sut: Any = SimpleNamespace(
        instances=SimpleNamespace(offers_deployment=offers_deployment), operations=SimpleNamespace(at=at)
    )

    assert may_not_have_run(sut, operation) is expected
