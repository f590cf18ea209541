"""Writes reports into a folder, each as a whole or not at all; makes none of their text."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from reimage_conformance.errors import ReportError
from reimage_conformance.report.junit import junit_text
from reimage_conformance.report.masked_names import MaskedNames
from reimage_conformance.report.results import results_text
from reimage_conformance.report.script import reproductions
from reimage_conformance.report.summary import summary_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from reimage_conformance.model import Assessment, Exchange


def write_reports(assessment: Assessment, exchanges: Mapping[int, Exchange], folder: Path) -> None:
    """Write results.json, junit.xml and summary.md into `folder`; raises ReportError if that is not possible."""
    shown = replace(assessment, findings=tuple(reproductions(assessment, exchanges)))
    shown = MaskedNames.of(assessment.target).everywhere(shown)
    write_file(folder / "results.json", results_text(shown).encode("ascii"))
    write_file(folder / "junit.xml", junit_text(shown))
    write_file(folder / "summary.md", summary_text(shown).encode("utf-8"))


def write_file(path: Path, content: bytes) -> None:
    """Write `path` under another name first and rename it, so that no reader sees half of it; raises ReportError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, content)
    except OSError as error:
        raise ReportError(f"{path}: cannot be written: {error.strerror or error}") from error


def _replace(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
