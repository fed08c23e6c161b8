"""The source tree as data: modules, their lines of code, their functions and their imports, by `ast`."""

from __future__ import annotations

import ast
import functools
import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LIBRARY, COMMAND_LINE = ROOT / "lyaopt", ROOT / "cli" / "lyaopt_cli"
Function = ast.FunctionDef | ast.AsyncFunctionDef

_LAYOUT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


@dataclass(frozen=True)
class Module:
    """One Python file.

    Attributes
    ----------
    name : str
        Dotted, as it is imported.
    path : Path
        From the root of the repository.
    text : str
    tree : ast.Module
    """

    name: str
    path: Path
    text: str
    tree: ast.Module

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"

    @functools.cached_property
    def code_lines(self) -> frozenset[int]:
        """Numbers of the lines that hold code: no docstrings, comments or blank lines."""
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        code = {
            line
            for token in tokens
            if token.type not in _LAYOUT
            for line in range(token.start[0], token.end[0] + 1)
        }
        for node in ast.walk(self.tree):
            if isinstance(node, Function | ast.ClassDef | ast.Module) and ast.get_docstring(node) is not None:
                code -= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
        return frozenset(code)

    def functions(self) -> Iterator[Function]:
        """All functions, methods and nested functions."""
        return (node for node in ast.walk(self.tree) if isinstance(node, Function))

    def code_length(self, function: Function) -> int:
        """Lines of code of a function from its `def` on: without decorators, such as options of a command."""
        return len(self.code_lines & set(range(function.lineno, function.end_lineno + 1)))

    def place(self, function: Function) -> str:
        """Path and line of a function, as editors open it."""
        return f"{self.path}:{function.lineno} {function.name}"


def argument_count(function: Function) -> int:
    """Arguments of a function without `self`."""
    parameters = function.args
    names = [argument.arg for argument in (*parameters.posonlyargs, *parameters.args, *parameters.kwonlyargs)]
    starred = [argument for argument in (parameters.vararg, parameters.kwarg) if argument is not None]
    return len(names) + len(starred) - (names[:1] in (["self"], ["cls"]))


@functools.cache
def modules() -> dict[str, Module]:
    """All modules of the library and of the command line, by name."""
    found = {}
    for top in (LIBRARY, COMMAND_LINE):
        for path in sorted(top.rglob("[!.]*.py")):
            parts = path.relative_to(top.parent).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            text = path.read_text()
            found[name] = Module(name, path.relative_to(ROOT), text, ast.parse(text))
    return found


def imports(module: Module) -> set[str]:
    """Modules of ours that a module imports, at its top or within functions, without those for types only."""
    known = modules()
    found = set()
    for node in _nodes_at_run_time(module.tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = _origin(module, node)
            found |= {f"{base}.{a.name}" if f"{base}.{a.name}" in known else base for a in node.names}
    return found & set(known) - {module.name}


def _origin(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = module.name.split(".")
    kept = parts[: len(parts) - node.level + module.is_package]
    return ".".join([*kept, *filter(None, [node.module])])


def _nodes_at_run_time(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes below one, except those that only a type checker sees."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for other in child.orelse:
                yield other
                yield from _nodes_at_run_time(other)
            continue
        yield child
        yield from _nodes_at_run_time(child)
