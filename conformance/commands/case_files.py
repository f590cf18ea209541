"""Where the conformance cases are, and which requirements they cite, read from their source without running them."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PACKAGE = Path(__file__).resolve().parents[1]


def cases_folder() -> Path:
    """The folder of the cases: `conformance/cases` of an installed copy, `cases` of a checkout."""
    folders = (_PACKAGE / "cases", _PACKAGE.parent / "cases")
    return next((folder for folder in folders if next(folder.glob("test_*.py"), None) is not None), folders[1])


def citing_cases(folder: Path) -> Mapping[str, tuple[str, ...]]:
    """The cases under `folder` by the requirement that they cite, as `file.py::function`, in the files' order."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for file in sorted(folder.rglob("test_*.py")):
        tree = ast.parse(file.read_bytes(), str(file))
        names = _constants(tree)
        for case in _functions(tree):
            for cited in dict.fromkeys(_cited(case, names)):
                found[cited].append(f"{file.relative_to(folder).as_posix()}::{case.name}")
    return {cited: tuple(cases) for cited, cases in found.items()}


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"))


def _constants(tree: ast.Module) -> dict[str, ast.expr]:
    """What the names of a module stand for, where a requirement may be hidden behind one."""
    assignments = (node for node in tree.body if isinstance(node, ast.Assign))
    return {target.id: node.value for node in assignments for target in node.targets if isinstance(target, ast.Name)}


def _cited(case: ast.FunctionDef, names: Mapping[str, ast.expr]) -> Iterator[str]:
    for decorator in case.decorator_list:
        marks = [node for node in ast.walk(decorator) if isinstance(node, ast.Call) and _called(node) == "verifies"]
        for argument in (argument for mark in marks for argument in mark.args):
            yield from _texts(argument, names)


def _called(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _texts(value: ast.expr, names: Mapping[str, ast.expr]) -> Iterator[str]:
    if isinstance(value, ast.Starred):
        yield from _texts(value.value, names)
    elif isinstance(value, ast.Name) and value.id in names:
        yield from _texts(names[value.id], {name: held for name, held in names.items() if name != value.id})
    elif isinstance(value, ast.Tuple | ast.List | ast.Set):
        for element in value.elts:
            yield from _texts(element, names)
    elif isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value
