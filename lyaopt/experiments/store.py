"""Finished cells on disk: one file each, written atomically, with a checksum."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lyaopt.errors import ParseError, ProblemError
from lyaopt.experiments.provenance import canonical, digest
from lyaopt.io.atomic_write import write_whole
from lyaopt.io.document_folder import DocumentFolder
from lyaopt.io.input_files import read_capped
from lyaopt.io.strict_json import decode, parse

CELLS, EXPERIMENT = "cells", "experiment.json"
_CHECKSUM = "sha256"


class Store(DocumentFolder):
    """The folder of an experiment; its document lists the sweeps and their cells.

    Parameters
    ----------
    path : str or Path
        The folder, which need not exist.
    """

    document, contents, activity = EXPERIMENT, "a sweep or reproduction", "experiment"
    schema_version = 2  # 1 had other names for the inputs of a cell

    def write_document(self, document: Mapping[str, Any]) -> None:
        """Write the document with a checksum."""
        contents = _contents(document)
        super().write_document({**contents, _CHECKSUM: digest(contents)})

    def load_document(self) -> dict[str, Any]:
        """Load the document.

        Returns
        -------
        dict

        Raises
        ------
        ProblemError
            If there is none, or it is of another schema version, or damaged.
        """
        document = super().load_document()
        if document.get(_CHECKSUM) != digest(_contents(document)):
            reason = (
                "expected the checksum of its contents; lyaopt sweep or reproduce, run again, writes it anew"
            )
            raise ProblemError(
                f"$.{_CHECKSUM}", f"{self.path / self.document}: {reason} and keeps finished cells"
            )
        return document

    def _cell(self, key: str) -> Path:
        return self.path / CELLS / f"{key}.json"

    def has_cell(self, key: str) -> bool:
        """Tell whether the cell `key` has a file, without reading it."""
        return self._cell(key).exists()

    def write_cell(self, key: str, result: Mapping[str, Any]) -> None:
        """Write the result of a cell.

        Parameters
        ----------
        key : str
            Hash that names the cell.
        result : mapping
            JSON values.
        """
        body = {"schema_version": self.schema_version, "key": key, **result}
        self._cell(key).parent.mkdir(parents=True, exist_ok=True)
        write_whole(self._cell(key), _format_cell(body))

    def load_cell(self, key: str) -> dict[str, Any] | None:
        """Load the result of a cell.

        Parameters
        ----------
        key : str
            Hash that names the cell.

        Returns
        -------
        dict or None
            None if there is no file, or it is damaged.

        Raises
        ------
        ProblemError
            If the file cannot be read, so that it may be intact.
        """
        try:
            content = read_capped(self._cell(key))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ProblemError("$", f"{self._cell(key)}: {error.strerror}") from None
        try:
            body = parse(decode(content))["cell"]
            # Compared byte by byte, because some changes of digits do not change the parsed number.
            intact = content == _format_cell(body) and body["key"] == key
        except (ParseError, LookupError, TypeError, ValueError):
            return None
        return dict(body) if intact and body["schema_version"] == self.schema_version else None

    def missing(self, keys: Iterable[str]) -> list[str]:
        """Find the cells to compute, and rename damaged files.

        Parameters
        ----------
        keys : iterable of str
            Hashes that name the cells of the experiment.

        Returns
        -------
        list of str
            Keys without an intact file.
        """
        absent = [key for key in dict.fromkeys(keys) if self.load_cell(key) is None]
        for key in absent:
            with contextlib.suppress(FileNotFoundError):
                self._cell(key).replace(self._cell(key).with_suffix(".damaged"))
        return absent


def _contents(document: Mapping[str, Any]) -> dict[str, Any]:
    """What the checksum is of: all but itself and the schema version."""
    return {key: value for key, value in document.items() if key not in (_CHECKSUM, "schema_version")}


def _format_cell(body: Mapping[str, Any]) -> bytes:
    return canonical({"sha256": digest(body), "cell": body}) + b"\n"
