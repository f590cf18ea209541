"""What explains what: the catalogue's lists, the rules with evidence for each, the checks that name causes, and paths."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import reimage_conformance.judging
from judging_samples import (
    LOOK,
    POLL,
    REIMAGE,
    REIMAGE_BY_NAME,
    RUNNING,
    SUCCEEDED,
    UNKNOWN,
    error,
    exchange,
    numbered,
    poll,
    refusal,
    silent,
    started,
    world,
)
from reimage_conformance import cli
from reimage_conformance.assessment.causes import RULES, Rule
from reimage_conformance.assessment.controls import Controls
from reimage_conformance.assessment.evidence import Evidence, SeenViolation
from reimage_conformance.assessment.explaining import KNOWN_TO_CHECKS, attributed, listed_causes, path
from reimage_conformance.catalogue import ALL_REQUIREMENTS
from reimage_conformance.emulator import FAULTS
from reimage_conformance.judging import CHECKS
from reimage_conformance.model import Exchange, FailureKind, Outcome, Verdict
from reimage_conformance.protocol.requests import with_body, with_header

if TYPE_CHECKING:
    from collections.abc import Iterator

JUDGING = Path(reimage_conformance.judging.__file__).parent
BY_NAME = {rule.name: rule for rule in RULES}
BOTH_LENGTHS = with_header(REIMAGE, "Transfer-Encoding", "chunked")
LEFT_BODY = exchange(with_body(REIMAGE, b"x"), 400, anomalies=("second-response: 90 octets after the response",))


def verdict(named: str, check: str = "", symptom: str = "", **arguments: Any) -> Verdict:
    """A violation that exchange 1 decided."""
    return Verdict(named, Outcome.VIOLATED, check, evidence=(1, 2), symptom=symptom, arguments=arguments)


def causes(rule: str, found: Verdict, *exchanges: Exchange) -> tuple[str, ...]:
    """What a rule makes of a violation that the first of `exchanges` decided."""
    known = numbered(*(replace(each, number=number) for number, each in enumerate(exchanges, 1)))
    sight = SeenViolation.of(found, Evidence.of(known, Controls.of(world(), known)))
    assert sight is not None
    return BY_NAME[rule].causes_of(sight)


UNPROVEN = {
    "accepted-beside",
    "accepted-without-end",
    "conflict-without-end",
    "declared-body",
    "denied",
    "error-in-look",
    "folded-version",
    "forgotten",
    "looked-with-second-certificate",
    "poll-version-refused",
    "polled-often",
    "polled-with-second-certificate-at-once",
    "refused-for-its-version",
    "refused-stranger",
    "reimage-version-refused",
    "spaced-version",
    "unknown-method",
    "wrongly-encoded",
}
"""Rules for which no fault is known whose findings are others without the rule. A new rule has one."""
NO_EFFECT, SECOND, FRAMING = "REQ-GOS-NOTFOUND-NOEFFECT", "REQ-AUTH-ANYCERT", "REQ-HTTP-FRAMING"
CODED = "MissingOrIncorrectVersionHeader"
ON_NEW_CONNECTION = replace(POLL, fresh_connection=True)
FOLDED = with_header(LOOK, "x-ms-version", "2011-10-01\r\n x")
AS_SECOND = verdict(SECOND, "answered_with", "status:404")
SIGHTS: dict[str, tuple[Verdict, Exchange, Exchange]] = {
    "odd-status": (verdict("REQ-REIMAGE-202", "answered_202"), exchange(REIMAGE, 299), exchange(REIMAGE, 200)),
    "poll-with-version-not-answered": (
        verdict("REQ-VER-OLD-KEPT", "answered_with"),
        refusal(POLL, 400),
        refusal(LOOK, 400),
    ),
    "folded-version": (verdict("REQ-HTTP-OBSFOLD", "answered_with"), exchange(FOLDED), exchange(LOOK)),
    "sound-reimage-unanswered": (
        verdict("REQ-REIMAGE-COMP", "accepted"),
        silent(REIMAGE, FailureKind.TIMEOUT),
        refusal(REIMAGE, 400),
    ),
    "sound-reimage-turned-away": (
        verdict("REQ-HTTP-FIELD-CASE", "accepted"),
        refusal(REIMAGE, 302),
        refusal(REIMAGE, 307),
    ),
    "refused-for-its-query": (
        verdict("REQ-REIMAGE-URI-SLOT", "accepted"),
        refusal(REIMAGE, 400, "MissingOrInvalidRequiredQueryParameter"),
        refusal(REIMAGE, 409, "MissingOrInvalidRequiredQueryParameter"),
    ),
    "refused-for-its-version": (
        verdict("REQ-REIMAGE-URI-SLOT", "accepted"),
        refusal(REIMAGE, 400, CODED),
        refusal(REIMAGE, 400),
    ),
    "refused-for-its-method": (
        verdict("REQ-REIMAGE-URI-NAME", "accepted"),
        refusal(REIMAGE_BY_NAME, 400, "InvalidHttpVerb"),
        refusal(REIMAGE_BY_NAME, 400, CODED),
    ),
    "hidden-error": (
        verdict("REQ-VER-MISSING", "refused"),
        exchange(REIMAGE, 200, error()),
        exchange(REIMAGE, 400, error()),
    ),
    "unknown-id-refused-otherwise": (
        verdict("REQ-GOS-UNKNOWN-ID", "unknown_operation", "status:403"),
        refusal(POLL, 403, "ForbiddenError"),
        refusal(POLL, 403),
    ),
    "no-xml": (verdict("REQ-GOS-ROOT", "operation_documents"), exchange(POLL, 200, "<x>"), exchange(POLL, 200, b" ")),
    "wrongly-encoded": (
        verdict("REQ-GOS-ROOT", "operation_documents", "no-document"),
        exchange(POLL, 200, SUCCEEDED.encode("utf-16")[:-1], (("Content-Type", "application/xml; charset=utf-8"),)),
        exchange(POLL, 200, "<x>"),
    ),
    "error-in-look": (
        verdict("REQ-ERR-STATUS", "error_statuses", "error-in-2xx"),
        exchange(LOOK, 200, error()),
        exchange(POLL, 200, error()),
    ),
    "forgotten": (verdict("REQ-GOS-200", "polls_answered"), refusal(POLL, 410), refusal(POLL, 500)),
    "denied": (verdict("REQ-GOS-200", "polls_answered"), refusal(POLL, 404, "ResourceNotFound"), refusal(POLL, 404)),
    "wrong-status-of-success": (
        verdict("REQ-GOS-HTTPSTATUS-INT", "operation_documents", "http-status-value"),
        poll(SUCCEEDED),
        poll(RUNNING),
    ),
    "body-answered": (verdict(FRAMING, "framing"), LEFT_BODY, exchange(REIMAGE, 400)),
    "polled-with-second-certificate": (AS_SECOND, refusal(POLL, 404), refusal(LOOK, 404)),
    "polled-with-second-certificate-at-once": (AS_SECOND, refusal(ON_NEW_CONNECTION, 404), refusal(POLL, 404)),
    "looked-with-second-certificate": (AS_SECOND, refusal(LOOK, 404), refusal(POLL, 404)),
    "unknown-method": (
        verdict("REQ-HTTP-UNKNOWN-METHOD", "answered_with"),
        refusal(REIMAGE, 404),
        silent(REIMAGE, FailureKind.TIMEOUT),
    ),
    "polled-often": (
        verdict("REQ-GOS-200", "answered_with"),
        replace(refusal(POLL, 404), label="poll-row"),
        refusal(POLL, 404),
    ),
}
"""For rules that look at the exchange: a violation, an exchange that shows the evidence, and one that does not."""

TOLD: dict[str, tuple[Verdict, Verdict, tuple[str, ...]]] = {
    "accepted-without-end": (
        verdict("REQ-REIMAGE-UNKNOWN-INSTANCE", "refused", "accepted:no-end"),
        verdict("REQ-REIMAGE-UNKNOWN-INSTANCE", "refused", "accepted"),
        ("REQ-REIMAGE-COMPLETES",),
    ),
    "wrong-code": (
        verdict("REQ-VER-MISSING", "refused", "code:X"),
        verdict("REQ-VER-MISSING", "refused", "status:404"),
        ("REQ-ERR-CODES",),
    ),
    "effect-of-refused": (
        verdict(NO_EFFECT, "instance_untouched", "touched", requirement="REQ-VER-MISSING"),
        verdict("REQ-VER-MISSING", "instance_untouched", "touched", requirement="REQ-VER-MISSING"),
        ("REQ-VER-MISSING",),
    ),
    "out-of-step": (
        verdict(FRAMING, "same_connection_usable", "desynchronised", requirement="REQ-HTTP-CHUNKED"),
        verdict("REQ-HTTP-CHUNKED", "same_connection_usable", "desynchronised", requirement="REQ-HTTP-CHUNKED"),
        ("REQ-HTTP-CHUNKED",),
    ),
    "reimaged-beside": (
        verdict("REQ-VER-MISSING", "instance_untouched", "touched", beside=True),
        verdict("REQ-VER-MISSING", "instance_untouched", "touched", beside=False),
        ("REQ-REIMAGE-OTHERS-UNTOUCHED",),
    ),
    "accepted-beside": (
        verdict("REQ-CONC-REFUSED-NOEFFECT", "undisturbed", "failed", beside="REQ-CONC-OTHER"),
        verdict("REQ-CONC-REFUSED-NOEFFECT", "undisturbed", "prolonged", beside="REQ-CONC-OTHER"),
        ("REQ-CONC-OTHER",),
    ),
    "refused-beside": (
        verdict("REQ-REIMAGE-FRESH-OS", "fresh_installation", "same-installation", contended=True),
        verdict("REQ-REIMAGE-FRESH-OS", "fresh_installation", "same-installation"),
        ("REQ-CONC-REFUSED-NOEFFECT",),
    ),
    "written-by-another": (
        verdict("REQ-VER-MISSING", "installation_unchanged", "reinstalled"),
        verdict("REQ-VER-MISSING", "instance_untouched", "touched"),
        ("REQ-REIMAGE-OTHERS-UNTOUCHED",),
    ),
    "touched-by-refused": (
        verdict("REQ-REIMAGE-OTHERS-UNTOUCHED", "instance_effect", "others-touched"),
        verdict("REQ-REIMAGE-ONLINE", "instance_effect", "still-offline"),
        (NO_EFFECT,),
    ),
    "declared-body": (
        verdict("REQ-REIMAGE-CL-NONZERO", "not_accepted", "accepted"),
        verdict("REQ-REIMAGE-CL-NONZERO", "refused", "accepted"),
        ("REQ-HTTP-CL-INVALID",),
    ),
}
"""For rules that look at the verdict alone: one that they apply to, one that they do not, and the causes."""


@pytest.mark.parametrize("name", SIGHTS)
def test_a_rule_names_its_causes_where_the_exchange_shows_the_evidence(name: str) -> None:
    found, shows, does_not = SIGHTS[name]

    assert causes(name, found, shows) == BY_NAME[name].causes
    assert causes(name, found, does_not) == ()


@pytest.mark.parametrize("name", TOLD)
def test_a_rule_names_its_causes_where_the_verdict_says_enough(name: str) -> None:
    found, other, named = TOLD[name]

    assert causes(name, found, refusal(REIMAGE, 400)) == named
    assert causes(name, other, refusal(REIMAGE, 400)) == ()


def test_a_refused_stranger_that_left_an_operation_behind_had_an_effect_before_it_was_refused() -> None:
    found = verdict(NO_EFFECT, "nothing_left_behind", "operation:Succeeded")

    assert causes("refused-stranger", found, poll(SUCCEEDED), refusal(UNKNOWN, 403)) == ("REQ-AUTH-BEFORE-EFFECT",)
    assert causes("refused-stranger", found, poll(SUCCEEDED), refusal(REIMAGE, 400)) == ()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_is_complete(rule: Rule) -> None:
    assert re.fullmatch(r"[A-Z].*\.", rule.sentence)
    assert rule.causes or rule.argument
    assert {*rule.causes, *rule.of, *rule.not_of} <= ALL_REQUIREMENTS.keys()
    assert set(rule.checks) <= CHECKS.keys()
    assert rule.fault in (FAULTS if rule.name not in UNPROVEN else {""})
    assert [each.name for each in RULES].count(rule.name) == 1


def test_every_rule_that_is_limited_to_a_check_has_its_evidence_in_a_table_here() -> None:
    assert {rule.name for rule in RULES if rule.checks} <= {*SIGHTS, *TOLD, "refused-stranger"}


def _listed() -> Iterator[tuple[str, str, str]]:
    """Requirement, symptom ("" for all) and cause of everything that the catalogue lists."""
    for row in ALL_REQUIREMENTS.values():
        yield from ((row.id, "", cause) for cause in row.explained_by)
        yield from ((row.id, symptom, cause) for symptom, named in row.explained_when.items() for cause in named)


def test_what_the_catalogue_lists_are_other_requirements_and_symptoms_of_checks() -> None:
    source = "".join(file.read_text(encoding="utf-8") for file in JUDGING.rglob("*.py"))
    symptoms = {*re.findall(r'"([a-z-]+)"', source), *re.findall(r'f"([a-z-]+):', source)}
    listed = list(_listed())

    assert {cause for _, _, cause in listed} <= ALL_REQUIREMENTS.keys()
    assert [name for name, _, cause in listed if cause == name] == []
    assert {symptom for _, symptom, _ in listed} - {""} <= symptoms


def test_causes_are_listed_for_a_symptom_as_a_whole_or_before_its_colon() -> None:
    assert listed_causes("REQ-GOS-NOTFOUND-NOEFFECT", "operation:Succeeded") == ("REQ-GOS-UNKNOWN-ID",)
    assert listed_causes("REQ-GOS-NOTFOUND-NOEFFECT", "touched") == ()
    assert listed_causes("REQ-ERR-VERB", "accepted") == listed_causes("REQ-ERR-VERB", "") == ("REQ-REIMAGE-METHOD",)


def test_a_verdict_gets_the_causes_of_its_check_then_of_the_catalogue_then_of_the_rules() -> None:
    answer = exchange(POLL, 200, anomalies=("surplus: 3 octets",))
    found = replace(verdict("REQ-REIMAGE-COMPLETES", "completes", "failed"), because=("REQ-GOS-PROGRESS",))
    known = numbered(answer, started(number=2))
    evidence = Evidence.of(known, Controls.of(world(), known)).with_verdicts([])

    assert attributed(found, evidence).because == ("REQ-GOS-PROGRESS", "REQ-GOS-READONLY", "REQ-HTTP-FRAMING")
    assert attributed(replace(found, outcome=Outcome.MET), evidence).because == ("REQ-GOS-PROGRESS",)


def _calls(function: ast.FunctionDef) -> Iterator[tuple[str, set[str | None]]]:
    """The name of each function that `function` calls, and the keywords of the call."""
    for call in ast.walk(function):
        if isinstance(call, ast.Call):
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            yield name, {keyword.arg for keyword in call.keywords}


def _checks_that_name_causes(file: Path) -> Iterator[str]:
    """The checks in a file that give causes to `violated` or `judged`, themselves or in a function of the file."""
    tree = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    calls = {node.name: list(_calls(node)) for node in tree if isinstance(node, ast.FunctionDef)}
    naming: set[str] = set()
    for _ in calls:  # as often as calls can be nested
        naming |= {
            name
            for name, called in calls.items()
            if any((each in ("violated", "judged") and "because" in given) or each in naming for each, given in called)
        }
    return (name for name in CHECKS if name in naming)


def test_the_checks_that_name_causes_are_those_that_say_why() -> None:
    files = [file for file in JUDGING.rglob("*.py") if file.name != "registry.py"]
    named = sorted(name for file in files for name in _checks_that_name_causes(file))

    assert named == sorted(each.check for each in KNOWN_TO_CHECKS)
    assert {name for each in KNOWN_TO_CHECKS for name in (*each.of, *each.causes)} <= ALL_REQUIREMENTS.keys()


def test_a_path_goes_through_what_is_explained_itself() -> None:
    steps = path("REQ-REIMAGE-ONLINE", "REQ-GOS-STATUS")

    assert [(step.cause, step.effect) for step in steps] == [
        ("REQ-GOS-STATUS", "REQ-REIMAGE-COMPLETES"),
        ("REQ-REIMAGE-COMPLETES", "REQ-REIMAGE-ONLINE"),
    ]
    assert path("REQ-GOS-STATUS", "REQ-HTTP-DATE") == path("REQ-GOS-STATUS", "REQ-GOS-STATUS") == []


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (
            ("req-gos-progress", "REQ-GOS-STATUS"),
            0,
            "REQ-GOS-STATUS explains REQ-GOS-PROGRESS: the catalogue, explained_when: where the symptom is other-status\n",
        ),
        (
            ("REQ-REIMAGE-202", "REQ-HTTP-FRAMING"),
            0,
            (
                "REQ-HTTP-FRAMING explains REQ-REIMAGE-202: rule misframed (assessment/causes.py): "
                "If a response is not framed as it announces, what was judged may be incomplete, or may not belong to the response.\n"
            ),
        ),
        (("REQ-GOS-STATUS", "REQ-HTTP-DATE"), 5, "nothing says that REQ-HTTP-DATE explains REQ-GOS-STATUS\n"),
        (
            ("REQ-ERR-CODES", "REQ-HTTP-DATE"),
            5,
            (
                "nothing says that REQ-HTTP-DATE explains REQ-ERR-CODES\n"
                "a verdict on REQ-ERR-CODES may name a cause by check error_codes: "
                "The oracle says which requirement the request violates.\n"
            ),
        ),
    ],
)
def test_the_command_prints_the_path(
    capsys: pytest.CaptureFixture[str], words: tuple[str, str], code: int, told: str
) -> None:
    assert cli.main(["requirements", "--why", *words]) == code
    assert capsys.readouterr().out == told


def test_the_command_suggests_an_id_for_a_misspelt_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["requirements", "--why", "REQ-GOS-STATSU", "REQ-GOS-200"]) == 4
    assert "did you mean 'REQ-GOS-STATUS'?" in capsys.readouterr().err
