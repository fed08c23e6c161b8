"""Folders that a JSON document describes, used by one process at a time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar

from lyaopt.errors import ProblemError
from lyaopt.io.atomic_write import write_whole
from lyaopt.io.folder_lock import locked_folder
from lyaopt.io.input_files import read_capped
from lyaopt.io.versioned_json import versioned_document


class DocumentFolder:
    """Base of the folders of trainings and experiments.

    Parameters
    ----------
    path : str or Path
        The folder, which need not exist.

    Attributes
    ----------
    path : Path
    document : str
        Name of the file that describes the folder.
    contents, activity : str
        Words for messages: what the folder should hold, and what a process does in it.
    schema_version : int
    """

    document: ClassVar[str]
    contents: ClassVar[str]
    activity: ClassVar[str]
    schema_version: ClassVar[int] = 1

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def locked(self) -> AbstractContextManager[None]:
        """Create the folder if necessary, and lock it; `ProblemError` if another process holds the lock."""
        return locked_folder(self.path, self.activity)

    @property
    def has_document(self) -> bool:
        """Whether the folder has a description."""
        return (self.path / self.document).exists()

    def write_document(self, document: Mapping[str, Any]) -> None:
        """Write the description: `document`, with the schema version."""
        whole = {"schema_version": self.schema_version, **document}
        text = json.dumps(whole, indent=2, allow_nan=False)
        write_whole(self.path / self.document, text.encode() + b"\n")

    def load_document(self) -> dict[str, Any]:
        """Load the description.

        Returns
        -------
        dict

        Raises
        ------
        ProblemError
            If there is none, or it is damaged or of another schema version.
        """
        content = self.load_bytes(self.document)
        return versioned_document(self.path / self.document, content, self.schema_version)

    def load_bytes(self, name: str) -> bytes:
        """Load the file `name` of the folder; `ProblemError` if it cannot be read."""
        try:
            return read_capped(self.path / name)
        except OSError as error:
            reason = f"expected the folder of {self.contents}; {self.path / name}: {error.strerror}"
            raise ProblemError("$", reason) from None
