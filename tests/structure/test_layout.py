"""Limits on sizes that keep the tree readable; each test lists everything beyond its limit."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterable

import pytest

from tests.structure.source_tree import LIBRARY, Module, argument_count, imports, modules

MEDIAN_LINES, MOST_LINES = 120, 400
CODE_LINES = 40
KERNEL_ARGUMENTS = 8
DEPTH = 2
DATA = "data"
"""Name of the folders with files that are not code."""


def lines(module: Module) -> int:
    return len(module.text.splitlines())


def test_modules_are_found():
    found = modules()
    assert len(found) > 200
    assert {"lyaopt", "lyaopt.slot.solve", "lyaopt._kernels.slot.edge", "lyaopt_cli.main"} <= set(found)


def none(offenders: Iterable[str]) -> None:
    """Fail with the whole list, which `assert not` would shorten."""
    found = list(offenders)
    assert not found, "\n".join(["", *found])


def test_files_are_short():
    assert statistics.median(map(lines, modules().values())) <= MEDIAN_LINES
    none(f"{module.path}: {lines(module)}" for module in modules().values() if lines(module) > MOST_LINES)


def test_functions_are_short():
    none(
        f"{module.place(function)}: {module.code_length(function)} lines of code"
        for module in modules().values()
        for function in module.functions()
        if module.code_length(function) > CODE_LINES
    )


def test_kernels_take_few_arguments():
    none(
        f"{module.place(function)}: {argument_count(function)} arguments"
        for module in modules().values()
        if module.name.startswith("lyaopt._kernels")
        for function in module.functions()
        if argument_count(function) > KERNEL_ARGUMENTS
    )


def test_public_folders_are_few_deep():
    folders = {path.parent.relative_to(LIBRARY) for path in LIBRARY.rglob("*") if path.is_file()}
    public = [folder for folder in folders if not any(part[0] in "_." for part in folder.parts)]
    none(str(folder) for folder in public if len(folder.parts) - (DATA in folder.parts) > DEPTH)


# --- imports


def reachable(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """For each module all its imports, direct and indirect."""
    found = {}
    for start in graph:
        seen, waiting = set(), [start]
        while waiting:
            new = graph[waiting.pop()] - seen
            seen |= new
            waiting += new
        found[start] = seen
    return found


def circles(graph: dict[str, set[str]]) -> set[tuple[str, ...]]:
    """Groups of modules that import each other, directly or indirectly."""
    closure = reachable(graph)
    in_circles = [name for name in graph if name in closure[name]]
    return {
        tuple(sorted(other for other in in_circles if other in closure[name] and name in closure[other]))
        for name in in_circles
    }


def test_no_imports_run_in_a_circle():
    """Imports within functions count too: they hide a circle without removing it."""
    found = circles({name: imports(module) for name, module in modules().items()})
    none(", ".join(circle) for circle in sorted(found))


def test_circles_are_found():
    graph = {"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set(), "e": {"e"}}
    assert circles(graph) == {("b", "c"), ("e",)}


SOURCE = '''
from typing import TYPE_CHECKING

import lyaopt.errors
from lyaopt import arrays
from . import documents
from .solve import solve_slot

if TYPE_CHECKING:
    from lyaopt.slot.batch import SlotBatch


def function(self, first, *, second):
    """Two lines,
    both of a docstring."""

    from lyaopt.io.strict_json import parse_json  # a comment

    return parse_json(
        first,
    )
'''


@pytest.fixture
def module():
    known = modules()["lyaopt.slot.problem"]
    return Module(known.name, known.path, SOURCE, ast.parse(SOURCE))


def test_imports_are_found_wherever_they_are(module):
    assert imports(module) == {
        "lyaopt.errors",
        "lyaopt.arrays",
        "lyaopt.slot.documents",
        "lyaopt.slot.solve",
        "lyaopt.io.strict_json",
    }


def test_code_is_counted_without_docstrings_comments_and_blank_lines(module):
    (function,) = module.functions()
    assert module.code_length(function) == 5
    assert argument_count(function) == 2
