"""What the documents show: commands, Python, and files that readers are told to write."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = {path.name: path for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))}

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
        """What follows an option."""
        return self.words[self.words.index(option) + 1] if option in self.words else None


def text_of(page: str) -> str:
    return PAGES[page].read_text()


def fences(page: str, language: str) -> list[str]:
    return [body for found, body in _FENCE.findall(text_of(page)) if found == language]


def commands(page: str) -> list[Command]:
    """Those of blocks, in order: with a prompt in console fences, or indented."""
    text = text_of(page)
    found = [(m.start(), m[1]) for m in _INDENTED.finditer(_FENCE.sub(_blank, text))]
    for fence in _FENCE.finditer(text):
        if fence[1] == "console":
            found += [(fence.start(2) + m.start(), m[1]) for m in _PROMPTED.finditer(fence[2])]
    return [command for _, line in sorted(found) for command in _parsed(line)]


def inline_commands(page: str) -> list[list[str]]:
    """Those within sentences, which may leave out what is clear, or name it in capitals."""
    return [shlex.split(line) for line in _INLINE.findall(_FENCE.sub("", text_of(page)))]


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
