"""Finished cells on disk: a file each, whole or not there, with a checksum."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from lyaopt.errors import ParseError, ProblemError
from lyaopt.experiments.provenance import canonical, digest
from lyaopt.io.atomic_write import write_whole
from lyaopt.io.folder_lock import locked_folder
from lyaopt.io.strict_json import decode, parse
from lyaopt.io.versioned_json import versioned_document

SCHEMA_VERSION = 1
CELLS, EXPERIMENT = "cells", "experiment.json"


class Store:
    """The folder of an experiment.

    Attributes
    ----------
    path : Path
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def locked(self) -> AbstractContextManager[None]:
        """Make the folder if need be, and keep other runs out of it; `ProblemError` if there is one."""
        return locked_folder(self.path, "experiment")

    def _cell(self, key: str) -> Path:
        return self.path / CELLS / f"{key}.json"

    def has(self, key: str) -> bool:
        """Whether there is a file for a cell, whatever it holds: quick, to count what is done."""
        return self._cell(key).exists()

    def write(self, key: str, result: Mapping[str, Any]) -> None:
        """Keep the result of a cell."""
        body = {"schema_version": SCHEMA_VERSION, "key": key, **result}
        self._cell(key).parent.mkdir(parents=True, exist_ok=True)
        write_whole(self._cell(key), _encoded(body))

    def read(self, key: str) -> dict[str, Any] | None:
        """The result of a cell; None if there is none, or its file is damaged.

        Raises
        ------
        ProblemError
            If there is a file that cannot be read: it may be whole.
        """
        try:
            content = self._cell(key).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ProblemError("$", f"{self._cell(key)}: {error.strerror}") from None
        try:
            body = parse(decode(content))["cell"]
            # Byte by byte: there are digits that change no number.
            whole = content == _encoded(body) and body["key"] == key
        except (ParseError, LookupError, TypeError, ValueError):
            return None
        return dict(body) if whole and body["schema_version"] == SCHEMA_VERSION else None

    def missing(self, keys: Iterable[str]) -> list[str]:
        """Keys that have no whole file; what is damaged is put aside, to be done again."""
        absent = [key for key in dict.fromkeys(keys) if self.read(key) is None]
        for key in absent:
            with contextlib.suppress(FileNotFoundError):
                self._cell(key).replace(self._cell(key).with_suffix(".damaged"))
        return absent

    def write_experiment(self, document: Mapping[str, Any]) -> None:
        """Keep what the experiment consists of."""
        text = json.dumps({"schema_version": SCHEMA_VERSION, **document}, indent=1, allow_nan=False)
        write_whole(self.path / EXPERIMENT, text.encode() + b"\n")

    def read_experiment(self) -> dict[str, Any]:
        """What the experiment consists of.

        Raises
        ------
        ProblemError
            If the folder holds none, or its file is damaged.
        """
        path = self.path / EXPERIMENT
        try:
            content = path.read_bytes()
        except OSError as error:
            reason = f"expected the folder of a sweep or reproduction; {path}: {error.strerror}"
            raise ProblemError("$", reason) from None
        return versioned_document(path, content, SCHEMA_VERSION)


def _encoded(body: Mapping[str, Any]) -> bytes:
    return canonical({"sha256": digest(body), "cell": body}) + b"\n"
