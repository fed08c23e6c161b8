"""Output of commands: text for people, or JSON documents."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

import click


def json_option(what: str) -> Callable[[Any], Any]:
    """``--json``, with its help text."""
    return click.option("--json", "as_json", is_flag=True, help=what)


def print_output(
    as_json: bool, documents: Callable[[], Iterable[dict[str, Any]]], print_text: Callable[[], None]
) -> None:
    """Print documents, one in each line, with ``--json``, and text otherwise.

    Terminal, file and pipe get the same output, except of `lyaopt solve-slot`, see `as_document`.
    """
    if as_json:
        from lyaopt.io.json_lines import encode  # not at the top: help is printed without NumPy

        for document in documents():
            sys.stdout.buffer.write(encode(document) + b"\n")
    else:
        print_text()


def as_document(as_json: bool, as_table: bool) -> bool:
    """Whether `lyaopt solve-slot` prints a document: by its options, else if output is not a terminal."""
    return as_json or not (as_table or sys.stdout.isatty())
