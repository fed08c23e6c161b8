"""The folder of a training.

==================  =========================================================================================
run.json            scenario, algorithm, configuration, seed and versions; written once
checkpoint.safetensors  network, optimiser, random numbers, running statistics and progress
log.ndjson          a line for each update
lock                locked while a training runs; the file itself means nothing
==================  =========================================================================================
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any

from lyaopt.errors import ProblemError
from lyaopt.io.atomic_write import write_whole
from lyaopt.io.document_folder import DocumentFolder
from lyaopt.learning.checkpoints import Tensors, format_checkpoint, parse_checkpoint

RUN, CHECKPOINT, LOG = "run.json", "checkpoint.safetensors", "log.ndjson"


class RunFolder(DocumentFolder):
    """Files of one training; its document is what the training was started with.

    Parameters
    ----------
    path : str or Path
    """

    document, contents, activity = RUN, "a training", "training"
    schema_version = 2  # 1 called the replications of its configuration systems

    @property
    def has_checkpoint(self) -> bool:
        """Whether there is a checkpoint."""
        return (self.path / CHECKPOINT).exists()

    def format_checkpoint(self, tensors: Tensors, progress: Mapping[str, Any]) -> bytes:
        """Format a checkpoint of this run.

        Parameters
        ----------
        tensors : mapping of str to Tensor
            Weights and other arrays by name.
        progress : mapping
            JSON values.

        Returns
        -------
        bytes
        """
        return format_checkpoint(tensors, {"run_sha256": self._run_digest(), **progress})

    def write_checkpoint(self, content: bytes, log: IO[bytes] | None = None) -> None:
        """Replace the checkpoint by `content`, after the `log` whose length it names has reached the disk."""
        if log is not None:
            log.flush()
            os.fsync(log.fileno())
        write_whole(self.path / CHECKPOINT, content)

    def load_checkpoint(self) -> tuple[Tensors, dict[str, Any]]:
        """Load the newest checkpoint.

        Returns
        -------
        tensors : mapping of str to Tensor
        progress : dict

        Raises
        ------
        ProblemError
            If there is none, or it is damaged or of another run.
        """
        path = self.path / CHECKPOINT
        try:
            tensors, progress = parse_checkpoint(self.load_bytes(CHECKPOINT))
        except ProblemError as error:
            raise ProblemError(error.path, f"{path}: {error.reason}") from None
        if progress.get("run_sha256") != self._run_digest():
            raise ProblemError("$.run_sha256", f"{path}: expected a checkpoint of the run in {RUN}")
        return tensors, progress

    @contextmanager
    def log(self, length: int) -> Iterator[IO[bytes]]:
        """Open the log for appending, truncated to the `length` in bytes that a checkpoint names.

        Parameters
        ----------
        length : int
            End of a line, or 0.

        Yields
        ------
        file object

        Raises
        ------
        ProblemError
            If the log is shorter, or has no end of a line there: nothing is written into it.
        """
        path = self.path / LOG
        with open(path, "a+b") as log:
            if length:
                size = log.seek(0, os.SEEK_END)
                log.seek(max(0, length - 1))
                if size < length or log.read(1) != b"\n":
                    reason = f"expected a log of whole lines up to byte {length}, as the checkpoint says"
                    raise ProblemError(
                        "$.log_bytes", f"{path}: {reason}; got {size} bytes, damaged or of another"
                    )
            log.truncate(length)
            log.seek(0, os.SEEK_END)
            yield log

    def _run_digest(self) -> str:
        return hashlib.sha256(self.load_bytes(RUN)).hexdigest()
