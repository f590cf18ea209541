"""The files of the conformance cases, and the requirements that they cite; reads their source and runs nothing."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from reimage_conformance.catalogue.chapters import chapter_of, rank

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PACKAGE = Path(__file__).resolve().parents[1]
_CITING = frozenset({"verifies", "values_verifying"})
"""The decorators that cite requirements."""
_Case = ast.FunctionDef | ast.AsyncFunctionDef


def cases_folder() -> Path:
    """The folder of the cases: `reimage_conformance/cases` of an installed copy, `cases` of a checkout."""
    folders = (_PACKAGE / "cases", _PACKAGE.parents[1] / "cases")
    return next((folder for folder in folders if next(folder.glob("test_*.py"), None) is not None), folders[1])


def citing_cases(folder: Path) -> Mapping[str, tuple[str, ...]]:
    """The cases under `folder` that cite each requirement, as `file.py::function`, in the order of the chapters."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for file in sorted(folder.rglob("test_*.py"), key=lambda file: (rank(chapter_of(file)), file)):
        tree = ast.parse(file.read_bytes(), str(file))
        names = _constants(tree)
        for case in _functions(tree):
            for cited in dict.fromkeys(_cited(case, names)):
                found[cited].append(f"{file.relative_to(folder).as_posix()}::{case.name}")
    return {cited: tuple(cases) for cited, cases in found.items()}


def first_lines(folder: Path) -> Mapping[str, str]:
    """The first line of the docstring of each case under `folder`, by `file.py::function`; "" for one without."""
    found: dict[str, str] = {}
    for file in folder.rglob("test_*.py"):
        for case in _functions(ast.parse(file.read_bytes(), str(file))):
            text = ast.get_docstring(case) or ""
            found[f"{file.relative_to(folder).as_posix()}::{case.name}"] = text.partition("\n")[0]
    return found


def _functions(tree: ast.Module) -> Iterator[_Case]:
    return (node for node in ast.walk(tree) if isinstance(node, _Case) and node.name.startswith("test_"))


def _constants(tree: ast.Module) -> dict[str, ast.expr]:
    """The values assigned to names at the top of a module; a decorator may name a requirement by such a name."""
    assignments = (node for node in tree.body if isinstance(node, ast.Assign))
    return {target.id: node.value for node in assignments for target in node.targets if isinstance(target, ast.Name)}


def _cited(case: _Case, names: Mapping[str, ast.expr]) -> Iterator[str]:
    """Every requirement that a case cites: named in the decorator, or in a table that the decorator uses."""
    for decorator in case.decorator_list:
        calls = [_called(node) for node in ast.walk(decorator) if isinstance(node, ast.Call)]
        if not _CITING.isdisjoint(calls):
            yield from _requirements(decorator, names)


def _called(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _requirements(value: ast.expr, names: Mapping[str, ast.expr]) -> Iterator[str]:
    for node in ast.walk(value):
        if isinstance(node, ast.Name) and node.id in names:
            others = {name: held for name, held in names.items() if name != node.id}
            yield from _requirements(names[node.id], others)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("REQ-"):
            yield node.value
