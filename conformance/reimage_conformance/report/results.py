"""results.json: the assessment for other programs, in the form `reimage-conformance/results/1`; writes no file."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from reimage_conformance.catalogue import CATALOGUE_VERSION, catalogue_hash
from reimage_conformance.errors import UsageError
from reimage_conformance.model import RunVerdict, Why
from reimage_conformance.report.explaining import explain_command
from reimage_conformance.report.wording import OUTDATED

if TYPE_CHECKING:
    from pathlib import Path

    from reimage_conformance.model import (
        Assessment,
        CaseRecord,
        Finding,
        Observation,
        OperationRecord,
        OtherSymptom,
        RequirementResult,
    )

SCHEMA_NAME = "reimage-conformance/results/1"
"""The value of `schema` in every results.json; keys are only added to a form with one name, never removed or changed."""

Results = dict[str, Any]
"""The content of a results.json, or a part of it."""


def results(assessment: Assessment) -> Results:
    """`assessment` as plain JSON values."""
    return {
        "schema": SCHEMA_NAME,
        "suite": {"version": assessment.run.suite_version},
        "catalogue": {"version": CATALOGUE_VERSION, "sha256": catalogue_hash()},
        "run": _run(assessment),
        "target": _plain(dict(assessment.target)),
        "summary": {
            **assessment.counts(),
            "requests": assessment.requests,
            "reimages": assessment.reimages,
            "duration_seconds": assessment.run.duration_seconds,
        },
        "requirements": [_requirement(result) for result in assessment.requirements],
        "findings": [_finding(finding) for finding in assessment.findings],
        "observations": [_observation(observation) for observation in assessment.observations],
        "operations": [_operation(operation) for operation in assessment.operations],
        "cases": [_case(case) for case in assessment.cases],
        "notes": list(assessment.notes),
        **_preflight(assessment),
    }


def _preflight(assessment: Assessment) -> Results:
    """The part about the preflight; empty if there was none."""
    asked = assessment.preflight
    if asked is None:
        return {}
    answers = [{"level": level, "text": text} for level, text in asked.answers]
    return {"preflight": {"requests": asked.requests, "answers": answers}}


def results_text(assessment: Assessment) -> str:
    """The text of results.json, the same for the same assessment; it is ASCII, so that no character is invisible."""
    return json.dumps(results(assessment), indent=1, allow_nan=False) + "\n"


@cache
def results_schema() -> Results:
    """The JSON Schema of results.json."""
    schema: Results = json.loads(
        (files("reimage_conformance.report") / "results.schema.json").read_text(encoding="utf-8")
    )
    return schema


def load_results(path: Path, *, whole: bool = True) -> Results:
    """Read a results.json, or the one in a report folder; raises UsageError if it cannot be read or has another form.

    If not `whole`, the cases are left out, and all polls of an operation but the last. They take most of the time and memory,
    and no list of runs needs them.
    """
    from jsonschema import Draft202012Validator  # noqa: PLC0415 -- takes long to import, and a run only writes results
    from jsonschema.exceptions import best_match  # noqa: PLC0415

    file = path / "results.json" if path.is_dir() else path
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{file}: cannot be read as results.json: {error.strerror or error}") from error
    except ValueError as error:
        raise UsageError(f"{file}: is not JSON: {error}") from error
    if not whole and isinstance(found, dict):
        found = _without_details(found)
    fault = best_match(Draft202012Validator(results_schema()).iter_errors(found))
    if fault is not None:
        raise UsageError(f"{file}: is not of the form {SCHEMA_NAME}: {fault.json_path}: {fault.message[:200]}")
    return dict(found)


def _without_details(found: Results) -> Results:
    """`found` without cases, and with only the last poll of each operation; its form is not checked yet."""
    operations = found.get("operations")
    if not isinstance(operations, list):
        return {**found, "cases": []}
    return {**found, "cases": [], "operations": [_with_last_poll(each) for each in operations]}


def _with_last_poll(operation: Any) -> Any:
    if isinstance(operation, dict) and isinstance(operation.get("polls"), list):
        return {**operation, "polls": operation["polls"][-1:]}
    return operation


def verdict_of(results: Results) -> str:
    """The verdict of a run in lower case, as tables of runs show it."""
    is_outdated = results["run"]["verdict"] == RunVerdict.NONCONFORMANT and not results["summary"]["violated"]
    return OUTDATED.lower() if is_outdated else str(results["run"]["verdict"])


def _run(assessment: Assessment) -> Results:
    run = assessment.run
    return {
        "id": run.id,
        "started": run.started,
        "finished": run.finished,
        "seed": run.seed,
        "profile": run.profile.value,
        "strictness": run.strictness.value,
        "subject": run.subject.value,
        "interrupted": run.interrupted,
        "verdict": assessment.verdict.value,
        "exit_code": assessment.exit_code,
        "reason": assessment.hindrance,
        "missed": list(assessment.missed),
        "coverage": _plain(dict(run.coverage)),
        **_sufficing(assessment),
    }


def _sufficing(assessment: Assessment) -> Results:
    """How many reimages would have been enough; empty if the budget was enough."""
    enough = assessment.sufficing
    return {} if enough is None else {"sufficing": {"max_reimages": enough.max_reimages, "exact": enough.exact}}


def _requirement(result: RequirementResult) -> Results:
    return {
        "id": result.requirement.id,
        "level": result.requirement.level,
        "area": result.requirement.area,
        "counts_as": result.counts_as.value,
        "outcome": result.outcome.value,
        "cases": list(result.cases),
        "reason": result.reason,
        **({"why": result.why.value} if result.why is not Why.OTHER else {}),
        "headline": result.headline,
        "title": result.requirement.title,
        "evidence": list(result.evidence),
        "fingerprints": list(result.fingerprints),
    }


def _finding(finding: Finding) -> Results:
    return {
        "requirement": finding.requirement,
        "counts_as": finding.counts_as.value,
        "headline": finding.headline,
        "expected": finding.expected,
        "actual": finding.actual,
        "cases": list(finding.cases),
        "evidence": list(finding.evidence),
        "deciding": list(finding.deciding),
        "reproduce": finding.reproduce,
        "explain": explain_command(finding.requirement),
        "also_affected": list(finding.also_affected),
        "fingerprint": finding.fingerprint,
        "other_symptoms": [_other_symptom(each) for each in finding.other_symptoms],
        **({"tries": {"tried": finding.tries.tried, "seen": finding.tries.seen}} if finding.tries is not None else {}),
    }


def _other_symptom(symptom: OtherSymptom) -> Results:
    return {
        "headline": symptom.headline,
        "expected": symptom.expected,
        "fingerprint": symptom.fingerprint,
        "evidence": list(symptom.evidence),
    }


def _observation(observation: Observation) -> Results:
    return {"requirement": observation.requirement, "seen": observation.seen, "evidence": list(observation.evidence)}


def _operation(operation: OperationRecord) -> Results:
    return {
        "id": operation.id,
        "role_instance": operation.role_instance,
        "deployment": operation.deployment,
        "form": operation.form,
        "accepted_at": operation.accepted_at,
        "polls": [[seconds, status] for seconds, status in operation.polls],
        "outcome": operation.outcome,
        "evidence": list(operation.evidence),
    }


def _case(case: CaseRecord) -> Results:
    return {
        "id": case.id,
        "requirements": list(case.requirements),
        "outcome": case.outcome,
        "duration_seconds": case.duration_seconds,
        "evidence": list(case.evidence),
        "doc": case.doc,
        "detail": case.detail,
    }


def _plain(value: Any) -> Any:
    """`value` as JSON has it: dicts, lists and plain values; a value of any other type becomes its text."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in (sorted(value) if isinstance(value, set | frozenset) else value)]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
