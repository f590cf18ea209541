"""Mistakes of the target file: what nothing in a run shows to exist is held against no endpoint; what is shown once is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from judging_samples import (
    BUILDER,
    PRODUCTION,
    REIMAGE,
    REIMAGE_BY_NAME,
    STAGING,
    TARGET,
    deployment,
    exchange,
    in_order,
    instance,
    look,
    refusal,
    started,
    world,
)
from reimage_conformance.assessment.mistakes import mistakes_of, without_mistakes
from reimage_conformance.model import Outcome, Verdict
from reimage_conformance.protocol.addresses import UriForm
from reimage_conformance.protocol.requests import Place

if TYPE_CHECKING:
    from reimage_conformance.model import Exchange

WORLD = replace(world(), target=replace(TARGET, deployments=(PRODUCTION,)))
NAMES = dict.fromkeys((*PRODUCTION.role_instances, *PRODUCTION.failing_role_instances), "ReadyRole")
SHOWN = look(NAMES)
DENIED, DENIED_BY_NAME = refusal(REIMAGE, 404), refusal(REIMAGE_BY_NAME, 404)
UNKNOWN_LOOK = refusal(BUILDER.deployment(PRODUCTION), 404)


def listing(*, name: str = "contoso-v2", slot: str = "Production", leaving_out: str = "") -> Exchange:
    """Get Cloud Service Properties with one deployment."""
    inside = deployment("".join(instance(each) for each in NAMES if each != leaving_out), name=name, slot=slot)
    body = f'<HostedService xmlns="http://schemas.microsoft.com/windowsazure"><Deployments>{inside}</Deployments></HostedService>'
    return exchange(BUILDER.cloud_service("contoso"), 200, body)


def keys(*exchanges: Exchange) -> list[str]:
    """The key of the target file that each mistake begins with."""
    return [each.sentence.partition(" ")[0] for each in mistakes_of(WORLD, in_order(*exchanges).values())]


@pytest.mark.parametrize(
    ("exchanges", "expected"),
    [
        ((DENIED, DENIED_BY_NAME), ["cloud_service"]),
        ((DENIED, UNKNOWN_LOOK), ["cloud_service"]),
        ((DENIED, refusal(REIMAGE_BY_NAME, 500)), []),
        ((DENIED, started(REIMAGE_BY_NAME)), []),
        ((), []),
        ((listing(), DENIED), []),
        ((listing(name="contoso-v9"), started(), DENIED_BY_NAME), ["name"]),
        ((listing(name="contoso-v9"), started(), started(REIMAGE_BY_NAME)), []),
        ((listing(slot="Staging"), started(REIMAGE_BY_NAME), DENIED), ["slot"]),
        ((listing(slot="Staging"), started(REIMAGE_BY_NAME), started()), []),
        ((listing(slot="Staging"), SHOWN), []),
        ((listing(leaving_out="WebRole1_IN_0"), DENIED), ["role_instances"]),
        ((listing(leaving_out="WebRole1_IN_0"), started()), []),
        ((listing(leaving_out="WebRole1_IN_0"),), ["role_instances"]),
        ((listing(leaving_out="WebRole1_IN_0"), refusal(REIMAGE, 500)), []),
        ((listing(leaving_out="Broken_IN_0"),), ["role_instances"]),
    ],
)
def test_what_nothing_shows_to_exist_may_be_a_mistake(exchanges: tuple[Exchange, ...], expected: list[str]) -> None:
    assert keys(*exchanges) == expected


STAGED = BUILDER.reimage(Place(STAGING, "WebRole1_IN_0"), UriForm.SLOT)
STAGED_BY_NAME = BUILDER.reimage(Place(STAGING, "WebRole1_IN_0"), UriForm.NAME)


@pytest.mark.parametrize(
    ("exchanges", "expected"),
    [
        ((listing(), started()), []),
        ((listing(), started(STAGED)), []),
        ((listing(), started(STAGED), refusal(STAGED_BY_NAME, 404)), ["name"]),
        ((listing(), started(STAGED_BY_NAME), refusal(STAGED, 404)), ["slot"]),
        ((listing(), listing(name="", slot="Staging"), started(STAGED)), []),
        ((listing(), listing(name="contoso-v9", slot="Staging"), started(STAGED)), ["name"]),
    ],
)
def test_a_deployment_that_an_answer_leaves_out_and_nobody_asked_for_may_be_there(
    exchanges: tuple[Exchange, ...], expected: list[str]
) -> None:
    both = replace(world(), target=replace(TARGET, deployments=(PRODUCTION, STAGING)))
    assert [each.sentence.split()[0] for each in mistakes_of(both, in_order(*exchanges).values())] == expected


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (listing(name="Contoso-V2"), ["name"]),
        (look(dict.fromkeys(map(str.lower, NAMES), "ReadyRole")), ["role_instances"] * len(NAMES)),
    ],
)
def test_names_that_are_shown_in_other_letter_case_are_the_files_mistake(shown: Exchange, expected: list[str]) -> None:
    exchanges = in_order(shown, DENIED_BY_NAME, started(), refusal(REIMAGE_BY_NAME, 400))
    mistakes = mistakes_of(WORLD, exchanges.values())

    def outcome(requirement: str, evidence: int) -> Outcome:
        verdict = Verdict(requirement, Outcome.VIOLATED, evidence=(evidence,))
        return without_mistakes(verdict, exchanges, mistakes).outcome

    assert [each.sentence.partition(" ")[0] for each in mistakes] == expected
    assert outcome("REQ-DEPL-ROOT", 1) is outcome("REQ-REIMAGE-URI-NAME", 2) is Outcome.INCONCLUSIVE
    assert outcome("REQ-REIMAGE-202", 3) is outcome("REQ-REIMAGE-URI-NAME", 4) is Outcome.VIOLATED


def test_an_endpoint_that_leaves_out_an_instance_it_has_may_leave_out_others() -> None:
    many = replace(PRODUCTION, role_instances=tuple(f"WebRole1_IN_{n}" for n in range(4)), failing_role_instances=())
    four = replace(world(), target=replace(TARGET, deployments=(many,)))
    shown, last = look(dict.fromkeys(many.role_instances[:2], "ReadyRole")), many.role_instances[-1]
    accepted = started(BUILDER.reimage(Place(many, last)))
    assert [each.instance for each in mistakes_of(four, in_order(shown).values())] == list(many.role_instances[2:])
    assert mistakes_of(four, in_order(shown, accepted).values()) == []


def test_an_instance_that_is_missing_in_one_deployment_excuses_nothing_in_the_other() -> None:
    both = replace(world(), target=replace(TARGET, deployments=(PRODUCTION, STAGING)))
    shown = listing(name="contoso-v3", slot="Staging", leaving_out="WebRole1_IN_0")
    exchanges = in_order(listing(), shown, refusal(STAGED, 404), refusal(REIMAGE, 404))
    mistakes = mistakes_of(both, exchanges.values())

    def outcome(evidence: int) -> Outcome:
        verdict = Verdict("REQ-REIMAGE-URI-SLOT", Outcome.VIOLATED, evidence=(evidence,))
        return without_mistakes(verdict, exchanges, mistakes).outcome

    assert (outcome(3), outcome(4)) == (Outcome.INCONCLUSIVE, Outcome.VIOLATED)


def test_what_rests_on_a_mistake_is_inconclusive_and_nothing_else() -> None:
    by_name = BUILDER.reimage(Place(PRODUCTION, "WebRole1_IN_1"), UriForm.NAME)
    exchanges = in_order(
        listing(name="contoso-v9"), started(), DENIED_BY_NAME, refusal(by_name, 404), refusal(REIMAGE, 400)
    )
    mistakes = mistakes_of(WORLD, exchanges.values())

    def outcome(requirement: str, evidence: int, seen: Outcome = Outcome.VIOLATED) -> Outcome:
        return without_mistakes(Verdict(requirement, seen, evidence=(evidence,)), exchanges, mistakes).outcome

    assert outcome("REQ-REIMAGE-URI-NAME", 3) is Outcome.INCONCLUSIVE
    assert outcome("REQ-REIMAGE-VERSION", 4, Outcome.ADVISORY) is Outcome.INCONCLUSIVE
    assert outcome("REQ-PROPS-URI", 1) is Outcome.INCONCLUSIVE
    assert outcome("REQ-HTTP-DATE", 1) is Outcome.VIOLATED
    assert outcome("REQ-REIMAGE-URI-SLOT", 5) is Outcome.VIOLATED
    assert outcome("REQ-REIMAGE-202", 2, Outcome.MET) is Outcome.MET


def test_the_sentence_names_the_key_and_what_is_there() -> None:
    (mistake,) = mistakes_of(WORLD, in_order(listing(name="contoso-v9"), started()).values())

    assert mistake.sentence == (
        'name in [[deployments]] number 1: no answer shows "contoso-v2" in contoso, which has "contoso-v9" in production'
    )


@pytest.mark.parametrize(("count", "ending"), [(6, "I_IN_5"), (7, "I_IN_5 and 1 more"), (12, "I_IN_5 and 6 more")])
def test_a_list_of_instances_that_is_cut_says_how_many_more_there_are(count: int, ending: str) -> None:
    names = dict.fromkeys((f"I_IN_{n}" for n in range(count)), "ReadyRole")

    sentences = [each.sentence for each in mistakes_of(WORLD, in_order(look(names), DENIED).values())]

    assert sentences
    assert all(sentence.endswith(ending) for sentence in sentences)
