"""Entries of ``lyaopt benchmark``, and its documents."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from lyaopt.errors import ProblemError
from lyaopt_cli.support.input_files import InputError, input_errors, read_whole
from lyaopt_cli.support.output_files import write_whole

if TYPE_CHECKING:
    from lyaopt.benchmark import BenchmarkDocument, Entry


def entries_of(names: tuple[str, ...], with_references: bool) -> list[Entry]:
    """Entries of the user's policies, in order, then of the reference policies that are not among them.

    Raises
    ------
    InputError
        If a module, or a name in it, does not exist.
    """
    from lyaopt.benchmark import REFERENCES, shipped_entry

    references = [name for name in REFERENCES if name not in names] if with_references else []
    return [*map(_entry, names), *map(shipped_entry, references)]


def _entry(name: str) -> Entry:
    from lyaopt.benchmark import Entry, own_entry, shipped_entry
    from lyaopt.policies.own_policy import own_factory

    if os.path.isfile(os.path.join(name, "run.json")):
        from lyaopt.learning import load_policy

        return Entry(name, lambda system, options: load_policy(name))
    if ":" not in name:
        return shipped_entry(name)
    try:
        return own_entry(name, own_factory(name))
    except ProblemError as error:
        raise InputError(f"lyaopt benchmark: --policy: {error.reason}") from None


def load_document(name: str) -> BenchmarkDocument:
    """Read a file that ``--out`` wrote, or standard input for ``-``; raise `InputError` if it is not one."""
    from lyaopt.benchmark import parse_benchmark

    with input_errors(name):
        return parse_benchmark(read_whole(name))


def write_document(path: str, document: BenchmarkDocument) -> None:
    """Write a document, atomically."""
    text = json.dumps(document.to_dict(), indent=1, allow_nan=False)
    write_whole(Path(path), text.encode() + b"\n")
