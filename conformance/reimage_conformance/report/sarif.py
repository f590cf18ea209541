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
    """The SARIF log of a run; without findings where there are no results. `page` is what every finding points at: its report.

    `code` is what the run ended with; that of the results if left out, none for a run that was killed. Its invocation tells
    whether everything could be judged (SARIF 2.1.0, 3.20.14): a server then does not close alerts for want of findings.
    What an endpoint sent is made visible in it.
    """
    findings = [] if results is None else results["findings"]
    titles = {} if results is None else {row["id"]: row.get("title", "") for row in results["requirements"]}
    rules = list(dict.fromkeys(finding["requirement"] for finding in findings))
    driver = {
        "name": "reimage-conformance",
        "version": results["suite"]["version"] if results is not None else "",
        "rules": [{"id": name, "shortDescription": {"text": visible(titles.get(name) or name)}} for name in rules],
    }
    if not driver["version"]:
        del driver["version"]
    run = {
        "tool": {"driver": driver},
        "invocations": [_invocation(results, code)],
        "results": [_result(finding, rules, page) for finding in findings],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1) + "\n"


def _invocation(results: Results | None, code: int | None) -> dict[str, Any]:
    """How the run ended: not successful, with the reason, where it was killed, did not come to its end or left something it must judge."""
    ended = code if code is not None or results is None else int(results["run"]["exit_code"])
    stopped = what_stopped(results)
    if not stopped and ended not in CONCLUSIVE:
        stopped = (
            "The run was cut off." if ended is None or ended == CUT_OFF else f"The run ended with exit code {ended}."
        )
    told: dict[str, Any] = {"executionSuccessful": not stopped}
    if ended is not None and ended != CUT_OFF:
        told["exitCode"] = ended
    if stopped:
        told["toolExecutionNotifications"] = [{"level": "error", "message": {"text": visible(stopped)}}]
    return told


def _result(finding: Results, rules: list[str], page: str) -> dict[str, Any]:
    name, told = (
        finding["requirement"],
        f"{finding['headline']}\nExpected: {finding['expected']}\nActual: {finding['actual']}",
    )
    found: dict[str, Any] = {
        "ruleId": name,
        "ruleIndex": rules.index(name),
        "level": LEVELS.get(finding["counts_as"], "note"),
        "message": {"text": visible(told)},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": page}, "region": {"startLine": 1}}}],
    }
    if finding.get("fingerprint"):
        found["partialFingerprints"] = {FINGERPRINT: finding["fingerprint"]}
    return found
