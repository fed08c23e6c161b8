"""Input files with bounds on their size, and errors that name the place."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import BinaryIO

import click

MAX_FILE_BYTES = 256 * 2**20
MAX_LINE_BYTES = 16 * 2**20
_CHUNK = 2**16


class InputError(click.ClickException):
    """Bad input: the message is the whole line on stderr."""

    exit_code = 2


def shown_name(name: str) -> str:
    """File name for messages."""
    return "<stdin>" if name == "-" else name


def open_input(name: str) -> AbstractContextManager[BinaryIO]:
    """Open a file for reading bytes, or standard input for ``-``."""
    if name == "-":
        return nullcontext(sys.stdin.buffer)
    try:
        return open(name, "rb")
    except OSError as error:
        raise InputError(f"{name}: {error.strerror}") from None


def read_whole(name: str) -> bytes:
    """Read a file of at most `MAX_FILE_BYTES`."""
    with open_input(name) as source:
        try:
            content = source.read(MAX_FILE_BYTES + 1)
        except OSError as error:
            raise InputError(f"{shown_name(name)}: {error.strerror}") from None
    if len(content) > MAX_FILE_BYTES:
        raise InputError(f"{shown_name(name)}: expected at most {MAX_FILE_BYTES} bytes, got more")
    return content


def bounded_lines(source: BinaryIO, limit: int = MAX_LINE_BYTES) -> Iterator[bytes | None]:
    """Lines as they come in; None for a line of more than `limit` bytes, which is skipped unread."""
    # readline and not iteration: iteration may wait to fill its buffer before it gives the first line.
    while line := source.readline(limit + 1):
        if len(line) <= limit or line.endswith(b"\n"):
            yield line
            continue
        while (rest := source.readline(_CHUNK)) and not rest.endswith(b"\n"):
            pass
        yield None
