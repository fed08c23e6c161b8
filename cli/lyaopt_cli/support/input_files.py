"""Input files with bounds on their size, and errors that name the place."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import BinaryIO

import click

from lyaopt.errors import LyaoptError, MissingExtraError
from lyaopt.io.input_files import MAX_FILE_BYTES, open_regular

MAX_LINE_BYTES = 16 * 2**20
_CHUNK = 2**16


class InputError(click.ClickException):
    """Bad input: the message is the whole line on stderr."""

    exit_code = 2


def shown_name(name: str) -> str:
    """File name for messages."""
    return "<stdin>" if name == "-" else name


@contextmanager
def input_errors(place: str) -> Iterator[None]:
    """Inside the block an error of the library becomes an `InputError`.

    Parameters
    ----------
    place : str
        Start of the message: the name of a file, to which a known line is added, or of a command.
    """
    try:
        yield
    except MissingExtraError:
        raise  # of the installation, not of this input: the group prints it
    except LyaoptError as error:
        line = getattr(error, "line", None)
        name = shown_name(place)
        raise InputError(f"{name}: {error}" if line is None else f"{name}:{line}: {error}") from None


def visible(text: str) -> str:
    """Replace control characters, which could control a terminal, by escape sequences."""
    return text if text.isprintable() else repr(text)[1:-1]


def open_input(name: str, *, pipes: bool = False) -> AbstractContextManager[BinaryIO]:
    """Open a regular file (or a named pipe) for reading bytes, or standard input for ``-``."""
    if name == "-":
        return nullcontext(sys.stdin.buffer)
    with _named_errors(name):
        return open_regular(name, pipes=pipes)


def read_whole(name: str) -> bytes:
    """Read a file of at most `MAX_FILE_BYTES`."""
    with open_input(name) as source, _named_errors(name):
        content = source.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise InputError(f"{shown_name(name)}: expected at most {MAX_FILE_BYTES} bytes, got more")
    return content


def line_batches(name: str) -> Iterator[list[bytes | None]]:
    """Lines of a file as they arrive, with those that have come together; None for one that is skipped.

    Skipped are lines of more than `MAX_LINE_BYTES`. Nothing is waited for but the end of the first line.
    """
    with open_input(name, pipes=True) as source:
        kept: list[bytes] = []  # of a line whose end has not come
        length = 0
        while chunk := _read_some(source, name):
            *lines, rest = chunk.split(b"\n")
            if lines:
                length += len(lines[0])
                lines[0] = b"".join([*kept, lines[0]])
                batch: list[bytes | None] = [
                    line + b"\n" if len(line) <= MAX_LINE_BYTES else None for line in lines
                ]
                if length > MAX_LINE_BYTES:
                    batch[0] = None
                yield batch
                kept, length = [], 0
            length += len(rest)
            if length <= MAX_LINE_BYTES:
                kept.append(rest)
        if length:
            yield [b"".join(kept) if length <= MAX_LINE_BYTES else None]


def _read_some(source: BinaryIO, name: str) -> bytes:
    """Read what is there, after a wait for the first byte."""
    # Not with _named_errors: entering a context manager takes longer than reading a line.
    try:
        return source.read1(_CHUNK)  # type: ignore[attr-defined]  # of buffered streams
    except OSError as error:
        raise InputError(f"{shown_name(name)}: {error.strerror}") from None


@contextmanager
def _named_errors(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"{shown_name(name)}: {error.strerror}") from None
