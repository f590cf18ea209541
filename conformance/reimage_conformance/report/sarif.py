"""Findings as SARIF 2.1.0 (OASIS), for servers that keep alerts: one rule for each requirement, one result for each finding."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from reimage_conformance.report.ending import CUT_OFF, what_stopped
from reimage_conformance.report.visible import visible

if TYPE_CHECKING:
    from reimage_conformance.report.results import Results

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS = {"FAIL": "error", "WARN": "warning"}
CONCLUSIVE = (0, 1)
"""Exit codes of a run that judged what it had to."""

FINGERPRINT = "reimageConformance/v1"
"""The kind of the fingerprints: a finding with the same one is the same alert in the next night."""


def sarif_text(results: Results | None, page: str = "report.html", code: int | None = None) -> str:
    """The SARIF log of a run; without findings if there are no results. Every finding points at `page`, the report.

    `code` is the exit code of the run; that of the results if left out. The log says whether everything could be judged (in
    `invocations`; SARIF 2.1.0, 3.20.14), so that a server does not close the alerts of findings that were not looked for. Control
    characters that an endpoint sent are escaped.
    """
    findings = [] if results is None else results["findings"]
    titles = {} if results is None else {row["id"]: row.get("title", "") for row in results["requirements"]}
    rules = list(dict.fromkeys(finding["requirement"] for finding in findings))
    version = results["suite"]["version"] if results is not None else ""
    driver = {
        "name": "reimage-conformance",
        **({"version": version} if version else {}),
        "rules": [{"id": name, "shortDescription": {"text": visible(titles.get(name) or name)}} for name in rules],
    }
    run = {
        "tool": {"driver": driver},
        "invocations": [_invocation(results, code)],
        "results": [_result(finding, rules, page) for finding in findings],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1) + "\n"


def _invocation(results: Results | None, code: int | None) -> dict[str, Any]:
    """How the run ended. It counts as successful only if it judged everything that it had to; otherwise the reason is given."""
    ended = code if code is not None or results is None else int(results["run"]["exit_code"])
    was_cut_off = ended is None or ended == CUT_OFF
    reason = what_stopped(results)
    if not reason and ended not in CONCLUSIVE:
        reason = "The run was cut off." if was_cut_off else f"The run ended with exit code {ended}."
    invocation: dict[str, Any] = {"executionSuccessful": not reason}
    if not was_cut_off:
        invocation["exitCode"] = ended
    if reason:
        invocation["toolExecutionNotifications"] = [{"level": "error", "message": {"text": visible(reason)}}]
    return invocation


def _result(finding: Results, rules: list[str], page: str) -> dict[str, Any]:
    name = finding["requirement"]
    message = f"{finding['headline']}\nExpected: {finding['expected']}\nActual: {finding['actual']}"
    found: dict[str, Any] = {
        "ruleId": name,
        "ruleIndex": rules.index(name),
        "level": LEVELS.get(finding["counts_as"], "note"),
        "message": {"text": visible(message)},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": page}, "region": {"startLine": 1}}}],
    }
    if finding.get("fingerprint"):
        found["partialFingerprints"] = {FINGERPRINT: finding["fingerprint"]}
    return found
