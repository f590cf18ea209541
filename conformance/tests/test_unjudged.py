"""What a run left unjudged: the reasons that are recognised are reasons that cases and checks give."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from reimage_conformance.report.unjudged import REMEDIES

REPOSITORY = Path(__file__).parents[2]
ROOMS = ("cases", *(f"conformance/reimage_conformance/{room}" for room in ("judging", "assessment", "session", "gate")))
SINGLE = ("conformance/reimage_conformance/casebook.py", "conformance/reimage_conformance/model.py")
BY_STATUS = {r"\b(?:429|503)\b"}
"""Forms of statuses, which no sentence of ours holds."""


def alternatives(form: str) -> list[str]:
    """The alternatives of a regular expression, those in groups not taken apart."""
    return re.split(r"\|(?![^(]*\))", form)


def worded(node: ast.JoinedStr, value: str) -> str:
    """A formatted string with one word in place of each value."""
    return "".join(str(part.value) if isinstance(part, ast.Constant) else value for part in node.values)


@cache
def sentences() -> tuple[str, ...]:
    """Every string of the rooms that give reasons."""
    files = [file for room in ROOMS for file in (REPOSITORY / room).rglob("*.py")]
    nodes = [
        node
        for file in [*files, *(REPOSITORY / each for each in SINGLE)]
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    ]
    plain = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    formatted = [node for node in nodes if isinstance(node, ast.JoinedStr)]
    return tuple(plain + [worded(node, value) for node in formatted for value in ("BusyRole", "Failed")])


@pytest.mark.parametrize("form", [each for remedy in REMEDIES for each in alternatives(remedy.form.pattern)])
def test_each_form_is_that_of_a_reason_that_is_given(form: str) -> None:
    assert form in BY_STATUS or any(re.search(form, sentence) for sentence in sentences())
