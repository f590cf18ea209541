"""The cases stay short: each reads as its story, and most of them neither branch nor loop."""

from __future__ import annotations

import ast
import importlib
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Any

from reimage_conformance.commands.case_files import citing_cases

CASES = Path(__file__).parents[2] / "cases"
LONGEST = 25
MEDIAN = 5
BRANCHING = (ast.For, ast.AsyncFor, ast.While, ast.If, ast.Try, ast.Match)
Case = ast.FunctionDef | ast.AsyncFunctionDef


def cases() -> list[Case]:
    """Every case, as Python reads it."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in sorted(CASES.glob("test_*.py"))]
    functions = [node for tree in trees for node in tree.body if isinstance(node, Case)]
    return [function for function in functions if function.name.startswith("test_")]


def lines(case: Case) -> int:
    """How many lines a case has, its signature and docstring counted."""
    return (case.end_lineno or case.lineno) - case.lineno + 1


def test_no_case_is_long() -> None:
    assert len(cases()) > 100
    assert {case.name: lines(case) for case in cases() if lines(case) > LONGEST} == {}
    assert median(lines(case) for case in cases()) <= MEDIAN


def test_few_cases_branch_or_loop() -> None:
    branching = [case.name for case in cases() if any(isinstance(node, BRANCHING) for node in ast.walk(case))]
    assert len(branching) <= len(cases()) // 10, branching


def test_what_only_sends_bad_requests_is_declared() -> None:
    bodies = {case.name: ast.unparse(case) for case in cases()}
    assert [name for name, body in bodies.items() if "sut.refuse(" in body or "sut.refuse_all(" in body] == []


def marked(function: Any) -> set[str]:
    """The requirements that a case cites, by its own marks and by those of its values."""
    marks = list(getattr(function, "pytestmark", ()))
    given = [value for mark in marks if mark.name == "parametrize" for value in mark.args[1]]
    marks += [mark for value in given for mark in getattr(value, "marks", ())]
    return {name for mark in marks if mark.name == "verifies" for name in mark.args}


def test_the_list_of_requirements_names_every_case_that_judges_one() -> None:
    expected: defaultdict[str, set[str]] = defaultdict(set)
    for path in sorted(CASES.glob("test_*.py")):
        module = importlib.import_module(f"cases.{path.stem}")
        functions = {name: value for name, value in vars(module).items() if name.startswith("test_")}
        for name, function in functions.items():
            for requirement in marked(function):
                expected[requirement].add(f"{path.name}::{name}")

    assert {name: set(found) for name, found in citing_cases(CASES).items()} == expected
