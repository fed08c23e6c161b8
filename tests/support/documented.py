"""Contents of the documents: commands, Python, and files that readers write."""

from __future__ import annotations

import ast
import re
import shlex
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def _pages() -> dict[str, Path]:
    """README.md, and pages below docs/ by their paths there, without those that a run writes (results/)."""
    found = {path.relative_to(DOCS).as_posix(): path for path in sorted(DOCS.rglob("*.md"))}
    written = {name: path for name, path in found.items() if not name.startswith(("results/", "_"))}
    return {"README.md": ROOT / "README.md", **written}


PAGES = _pages()

_FENCE = re.compile(r"^```(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PROGRAMS = ("lyaopt", "make", "pip", "python", "generate-slots")
_INDENTED = re.compile(rf"^ {{4}}((?:{'|'.join(_PROGRAMS)}) .*)$", re.MULTILINE)
_PROMPTED = re.compile(r"^\$ ((?:.*\\\n)*.*)$", re.MULTILINE)
_INLINE = re.compile(r"`((?:lyaopt|make|python -m) [^`]+)`")


@dataclass(frozen=True)
class Command:
    """One program of a line of a shell, as it is started.

    Attributes
    ----------
    line : str
        As it stands in the document.
    words : list of str
        The program and its arguments.
    reads, writes : str or None
        Files of redirections.
    """

    line: str
    words: list[str]
    reads: str | None
    writes: str | None

    def value(self, option: str) -> str | None:
        """The value after an option."""
        return self.words[self.words.index(option) + 1] if option in self.words else None


def text_of(page: str) -> str:
    return PAGES[page].read_text()


def fences(page: str, language: str) -> list[str]:
    return [body for found, body in _FENCE.findall(text_of(page)) if found == language]


def snippets(page: str) -> list[tuple[str, str | None]]:
    """Python of a page, each with its output: the text fence directly after it."""
    text, found = text_of(page), list(_FENCE.finditer(text_of(page)))
    return [
        (
            fence[2],
            after[2]
            if after and after[1] == "text" and not text[fence.end() : after.start()].strip()
            else None,
        )
        for fence, after in zip(found, [*found[1:], None], strict=True)
        if fence[1] == "python"
    ]


def commands(page: str) -> list[Command]:
    """Commands of blocks, in order: with a prompt in console fences, or indented."""
    text = text_of(page)
    found = [(m.start(), m[1]) for m in _INDENTED.finditer(_FENCE.sub(_blank, text))]
    for fence in _FENCE.finditer(text):
        if fence[1] == "console":
            found += [(fence.start(2) + m.start(), m[1]) for m in _PROMPTED.finditer(fence[2])]
    return [command for _, line in sorted(found) for command in _parsed(line)]


def inline_commands(page: str) -> list[list[str]]:
    """Commands within sentences, which may omit arguments or name them in capitals."""
    return [shlex.split(line) for line in _INLINE.findall(_FENCE.sub("", text_of(page)))]


@cache
def defined_in(path: str) -> set[str]:
    """Functions, classes, methods as Class.method, and names that a module assigns."""
    names: set[str] = set()
    for node in ast.parse((ROOT / path).read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{part.name}" for part in node.body if isinstance(part, ast.FunctionDef)}
        if isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names


def _blank(match: re.Match[str]) -> str:
    return "\n" * len(match[0])  # of the same length: places stay


def _parsed(line: str) -> list[Command]:
    return [_command(line, part) for part in line.replace("\\\n", " ").split(" | ")]


def _command(line: str, part: str) -> Command:
    words = shlex.split(part, comments=True)
    files: dict[str, str | None] = {"<": None, ">": None}
    for sign in files:
        if sign in words:
            place = words.index(sign)
            files[sign] = words[place + 1]
            del words[place : place + 2]
    return Command(line, words, files["<"], files[">"])
