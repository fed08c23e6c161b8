"""The folder of a training: what it was asked for, its newest checkpoint, its log, and a lock.

==================  =========================================================================================
run.json            scenario, algorithm, configuration, seed and versions; written once
checkpoint.safetensors  network, optimiser, random numbers, running statistics and how far the training is
log.ndjson          a line for each update
lock                held while a training runs; left behind, it holds nothing
==================  =========================================================================================
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Any

from lyaopt.errors import ProblemError
from lyaopt.io.atomic_write import write_whole
from lyaopt.io.folder_lock import locked_folder
from lyaopt.io.versioned_json import versioned_document
from lyaopt.learning.checkpoints import SCHEMA_VERSION, Tensors, decode_checkpoint, encode_checkpoint

RUN, CHECKPOINT, LOG = "run.json", "checkpoint.safetensors", "log.ndjson"


class RunFolder:
    """Files of one training.

    Attributes
    ----------
    path : Path
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def locked(self) -> AbstractContextManager[None]:
        """Make the folder if need be, and keep other trainings out of it.

        Raises
        ------
        ProblemError
            If another process trains in it.
        """
        return locked_folder(self.path, "training")

    @property
    def has_run(self) -> bool:
        """Whether a training was begun here."""
        return (self.path / RUN).exists()

    @property
    def has_checkpoint(self) -> bool:
        """Whether there is something to go on from."""
        return (self.path / CHECKPOINT).exists()

    def write_run(self, run: Mapping[str, Any]) -> None:
        """Write what the training was asked for."""
        text = json.dumps({"schema_version": SCHEMA_VERSION, **run}, indent=2, allow_nan=False)
        write_whole(self.path / RUN, text.encode() + b"\n")

    def read_run(self) -> dict[str, Any]:
        """What the training was asked for.

        Raises
        ------
        ProblemError
            If there is no training, or its file is damaged or of another schema version.
        """
        return versioned_document(self.path / RUN, self._read(RUN), SCHEMA_VERSION)

    def encode(self, tensors: Tensors, progress: Mapping[str, Any]) -> bytes:
        """A checkpoint that belongs to this run."""
        return encode_checkpoint(tensors, {"run_sha256": self._run_digest(), **progress})

    def write_checkpoint(self, content: bytes) -> None:
        """Put a checkpoint in place of the one before."""
        write_whole(self.path / CHECKPOINT, content)

    def read_checkpoint(self) -> tuple[Tensors, dict[str, Any]]:
        """Tensors and progress of the newest checkpoint.

        Raises
        ------
        ProblemError
            If there is none, or it is damaged or of another run.
        """
        try:
            tensors, progress = decode_checkpoint(self._read(CHECKPOINT))
        except ProblemError as error:
            raise ProblemError(error.path, f"{self.path / CHECKPOINT}: {error.reason}") from None
        if progress.get("run_sha256") != self._run_digest():
            place = self.path / CHECKPOINT
            raise ProblemError("$.run_sha256", f"{place}: expected a checkpoint of the run in {RUN}")
        return tensors, progress

    @contextmanager
    def log(self, length: int) -> Iterator[IO[bytes]]:
        """The log, cut to the bytes that a checkpoint knows of, for more lines."""
        with open(self.path / LOG, "ab") as log:
            log.truncate(length)
            yield log

    def _run_digest(self) -> str:
        return hashlib.sha256(self._read(RUN)).hexdigest()

    def _read(self, name: str) -> bytes:
        try:
            return (self.path / name).read_bytes()
        except OSError as error:
            reason = f"expected the folder of a training; {self.path / name}: {error.strerror}"
            raise ProblemError("$", reason) from None
